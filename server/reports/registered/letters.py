"""Mails about registered workbooks: the workbook itself for its recipients, and trouble told its owner once."""

from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from sqlalchemy.orm import Session

from server.access.models import User
from server.intake.mail import outgoing, reply_headers
from server.intake.mail.outgoing import ReplyKind
from server.intake.mail.plain import plain
from server.reports.registered.models import RegisteredWorkbook, WorkbookLetter, WorkbookRun
from server.site import Site
from workbooks.form import Language, Text

LARGEST_ATTACHED = 8 << 20
"""Bytes of a workbook that goes along; a larger one is fetched on its page."""

_MEDIA = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xlsm": "application/vnd.ms-excel.sheet.macroEnabled.12",
}


@dataclass(frozen=True, slots=True)
class Letter:
    """A composed mail, kept among the originals, and whom it is for."""

    name: str
    address: str
    subject: str
    sha256: str


def composed(site: Site, run: WorkbookRun, row: RegisteredWorkbook, content: bytes, *, now: datetime) -> list[Letter]:
    """The letters that carry what *run* has made to the recipients of *row*."""
    language: Language = "en" if row.language == "en" else "zh"
    attached = len(content) <= LARGEST_ATTACHED
    subject = _dated(site, row, run, language)
    text = _delivery(site, run, row, language, attached=attached, size=len(content))
    letters = []
    for n, address in enumerate(row.recipients, 1):
        name = f"workbook.{run.id}.{n}"
        message = _message(site, name, address, subject, text, now)
        if attached:
            _attach(message, content, run.result_name, name)
        letters.append(Letter(name, address, subject, site.originals.keep(message.as_bytes())))
    return letters


def post(site: Site, session: Session, run_id: int, letters: list[Letter]) -> None:
    """Queue *letters* in the transaction in which their run is noted as delivered."""
    for letter in letters:
        reply_id = outgoing.queue_letter(
            session, site.settings.mail, ReplyKind.WORKBOOK,
            name=letter.name, to_address=letter.address, subject=letter.subject, content_sha256=letter.sha256,
        )  # fmt: skip
        session.add(WorkbookLetter(run_id=run_id, address=letter.address, reply_id=reply_id))


def tell_trouble(
    site: Site, session: Session, run: WorkbookRun, row: RegisteredWorkbook, why: Text, *, now: datetime
) -> None:
    """Let the owner know by mail that *row* was not refreshed, if mail is set and they have an address."""
    owner = session.get_one(User, row.owner_id)
    if site.settings.mail.smtp is None or not owner.email:
        return
    language: Language = "en" if owner.language == "en" else "zh"
    subject = Text(f"未能刷新：{row.title}", f"Not refreshed: {row.title}")[language]
    name = f"workbook-trouble.{run.id}.{run.attempts}"
    address = owner.email.strip().lower()
    message = _message(site, name, address, subject, _trouble(site, row, run, why, language), now)
    outgoing.queue_letter(
        session, site.settings.mail, ReplyKind.WORKBOOK_TROUBLE,
        name=name, to_address=address, subject=subject, content_sha256=site.originals.keep(message.as_bytes()),
    )  # fmt: skip


def _message(site: Site, name: str, address: str, subject: str, text: str, now: datetime) -> EmailMessage:
    mail = site.settings.mail
    sender = mail.smtp.from_address if mail.smtp else f"aftersheet@{mail.message_domain}"
    message = EmailMessage(policy=SMTP)
    headers = {
        "Date": format_datetime(now.astimezone(site.zone)),
        "From": reply_headers.mailbox_value(plain(mail.smtp.from_name if mail.smtp else "Aftersheet", 80), sender),
        "To": reply_headers.mailbox_value("", address),
        "Subject": reply_headers.text_value(plain(subject, 200)),
        "Message-ID": outgoing.letter_id(mail, name),
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "X-Loop": sender,
    }
    for header, value in headers.items():
        message.set_raw(header, value)
    message.set_content(text, cte="base64")
    return message


def _attach(message: EmailMessage, content: bytes, filename: str, name: str) -> None:
    media = _MEDIA.get(filename.rpartition(".")[2].lower(), _MEDIA["xlsx"])
    message.add_attachment(content, *media.split("/", 1), filename="workbook.xlsx")
    part = next(iter(message.iter_attachments()))
    del part["Content-Type"], part["Content-Disposition"]
    shown = plain(filename, 100)
    part.set_raw("Content-Type", reply_headers.content_type(media, shown))
    part.set_raw("Content-Disposition", reply_headers.content_disposition(shown))
    message.set_boundary(f"=_{name}")


def _dated(site: Site, row: RegisteredWorkbook, run: WorkbookRun, language: Language) -> str:
    day = f"{run.as_of.astimezone(site.zone):%Y-%m-%d}" if run.as_of else ""
    return Text(f"{row.title}（数据截至 {day}）", f"{row.title} (figures as of {day})")[language]


def _delivery(
    site: Site, run: WorkbookRun, row: RegisteredWorkbook, language: Language, *, attached: bool, size: int
) -> str:
    as_of = f"{run.as_of.astimezone(site.zone):%Y-%m-%d %H:%M}" if run.as_of else "—"
    megabytes = f"{size / (1 << 20):.1f}"
    where = _address(site, row)
    if attached:
        place = Text(f"工作簿见附件《{run.result_name}》。", f"The workbook is attached: {run.result_name}.")
    elif where:
        place = Text(
            f"工作簿有 {megabytes} MB，未附在信中，请到这里下载：", f"The workbook has {megabytes} MB; fetch it here:"
        )
    else:
        place = Text(
            f"工作簿有 {megabytes} MB，未附在信中，请登录系统在“我的报表工作簿”中下载。",
            f"The workbook has {megabytes} MB; sign in and fetch it under My workbooks.",
        )
    rows = Text("", "") if run.rows is None else Text(f"共 {run.rows} 行。", f" {run.rows} rows.")
    put = Text("", "")
    if run.delivered_to and run.in_place_at:
        put = Text(
            f"已放到共享“{row.share}”：{run.delivered_to}\n", f"It is on the share {row.share}: {run.delivered_to}\n"
        )
    lines = Text(
        f"《{row.title}》已刷新，数据截至 {as_of}。{rows.zh}\n{put.zh}{place.zh}",
        f"“{row.title}” has been refreshed; figures as of {as_of}.{rows.en}\n{put.en}{place.en}",
    )
    link = f"\n{where}" if where else ""
    foot = Text(
        "此信由 Aftersheet 按登记的计划自动发送。", "Aftersheet sends this by the schedule somebody registered."
    )
    return f"{lines[language]}{link}\n\n{foot[language]}\n"


def _trouble(site: Site, row: RegisteredWorkbook, run: WorkbookRun, why: Text, language: Language) -> str:
    again = Text("服务器会继续自动重试。", "The server goes on trying.")
    ended = Text("服务器不再自动重试这一次。", "The server does not try this one again.")
    next_ = again if run.next_try_at is not None and run.finished_at is None else ended
    said = Text(f"《{row.title}》未能刷新。\n原因：{why.zh}", f"“{row.title}” was not refreshed.\nWhy: {why.en}")
    foot = Text("恢复正常前不再重复通知。", "You are told again only after it has worked once more.")
    link = f"\n{where}" if (where := _address(site, row)) else ""
    return f"{said[language]}\n{next_[language]}{link}\n\n{foot[language]}\n"


def _address(site: Site, row: RegisteredWorkbook) -> str:
    public = site.settings.public_url.rstrip("/")
    return f"{public}/workbooks/{row.id}" if public else ""
