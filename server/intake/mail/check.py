"""Trying the mail settings, step by step, and saying in plain words what is wrong."""

import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from server.intake.mail.advice import advice
from server.intake.mail.connection import MailServerError, Refused, Step, at
from server.intake.mail.mailbox import Mailbox
from server.intake.mail.smtp import NotSent, Relay
from server.mail_settings import MailboxSettings, MailSettings, SmtpSettings
from workbooks.form import Text

_FOLDERS = 20  # named, when the one that is set is not among them


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLine:
    """
    One thing that was tried.

    *said* are the server's own words, empty where it had none. A line of state "note" is
    nothing wrong, but worth knowing.
    """

    about: str  # the mailbox's name, or "smtp"
    what: Text
    state: Literal["ok", "note", "failed"]
    said: str = ""
    advice: Text | None = None


_WHAT: Final = {
    Step.SECRET: Text(zh="读取密码", en="read the secret"),
    Step.TOKEN: Text(zh="取得访问令牌", en="get an access token"),
    Step.DNS: Text(zh="查找服务器", en="find the server"),
    Step.CONNECT: Text(zh="连接", en="connect"),
    Step.TLS: Text(zh="加密连接", en="encrypt the connection"),
    Step.LOGIN: Text(zh="登录", en="sign in"),
    Step.ID: Text(zh="报上名字（ID）", en="say who we are (ID)"),
    Step.FOLDER: Text(zh="打开文件夹", en="open the folder"),
    Step.WORK: Text(zh="列出邮件", en="list the mails"),
    Step.SENDER: Text(zh="以我们的地址发信", en="send from our address"),
}


def check_mail(settings: MailSettings, home: Path) -> Iterator[CheckLine]:
    """Every mailbox and the server for replies, line by line as they are tried."""
    for mailbox in settings.mailboxes:
        yield from check_mailbox(mailbox, home)
    if settings.smtp is not None:
        yield from check_smtp(settings.smtp, home)
    if settings.mailboxes and settings.smtp is None:
        yield CheckLine(
            about="smtp",
            what=Text(zh="没有设置 [mail.smtp]：不会回信", en="[mail.smtp] is not set: nobody gets a reply"),
            state="note",
        )


def check_mailbox(settings: MailboxSettings, home: Path) -> list[CheckLine]:
    """Sign in to a mailbox and look into its folders; nothing is fetched, moved or made."""
    lines = _Lines(settings.account, settings)
    try:
        lines.find_server()
        with closing(Mailbox.open(settings, home, reached=lines.reached)) as mailbox:
            if "ID" not in mailbox.capabilities:
                lines.found.pop()  # it was not asked
            _open_folder(lines, mailbox)
            _look_around(lines, settings, mailbox)
    except MailServerError as error:
        lines.failed(error)
    return lines.found


def check_smtp(settings: SmtpSettings, home: Path) -> list[CheckLine]:
    """Sign in to the server for replies and name our address there; nothing is sent."""
    lines = _Lines("smtp", settings)
    try:
        lines.find_server()
        with Relay(settings, home, reached=lines.reached) as relay:
            relay.try_sender()
            lines.reached(Step.SENDER)
    except MailServerError as error:
        lines.failed(error)
    except NotSent as error:
        lines.failed(MailServerError(Step.SENDER, error.said))
    return lines.found


class _Lines:
    def __init__(self, about: str, account: MailboxSettings | SmtpSettings) -> None:
        self._about = about
        self._account = account
        self.found: list[CheckLine] = []

    def find_server(self) -> None:
        with at(Step.DNS):
            socket.getaddrinfo(self._account.host, self._account.port, type=socket.SOCK_STREAM)
        self.reached(Step.DNS)

    def reached(self, step: Step) -> None:
        self.found.append(CheckLine(about=self._about, what=_WHAT[step], state="ok"))

    def failed(self, error: MailServerError) -> None:
        self.found.append(
            CheckLine(
                about=self._about,
                what=_WHAT[error.step],
                state="failed",
                said=error.said,
                advice=advice(self._account, error),
            )
        )

    def note(self, zh: str, en: str) -> None:
        self.found.append(CheckLine(about=self._about, what=Text(zh=zh, en=en), state="note"))


def _open_folder(lines: _Lines, mailbox: Mailbox) -> None:
    try:
        mailbox.select()
    except Refused:  # misspelled, as a rule: so those that there are
        names = mailbox.folder_names()
        told, more = "、".join(names[:_FOLDERS]), " …" * (len(names) > _FOLDERS)
        lines.note(f"邮箱里的文件夹：{told}{more}", f"folders in the mailbox: {told}{more}")
        raise
    lines.reached(Step.FOLDER)


def _look_around(lines: _Lines, settings: MailboxSettings, mailbox: Mailbox) -> None:
    for folder in (settings.done_folder, settings.problem_folder):
        if not mailbox.folder_exists(folder):
            lines.note(
                f"文件夹“{folder}”还没有，第一次用到时会创建", f"folder {folder} is made when it is first needed"
            )
    if not mailbox.can_move:
        lines.note(
            "服务器不能移动邮件：处理过的邮件留在原处，标为已读",
            "the server cannot move mails: those that are done stay where they are, marked read",
        )
    if settings.idle and not mailbox.can_idle:
        lines.note(
            f"服务器不会通知新邮件：每 {settings.poll_seconds} 秒查看一次",
            f"the server does not tell of new mail: it is polled every {settings.poll_seconds} seconds",
        )
    if not settings.authserv_id and not settings.stamped_without_name:
        lines.note(
            "没有设置 authserv_id：只有用封印模板填写的表格会自动入库，其余进入待核实",
            "authserv_id is not set: only forms on sealed templates are stored at once, all others wait for review",
        )
