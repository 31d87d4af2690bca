"""The demo's mail: stations send workbooks, replies leave, and a person is asked about what nobody proves."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from server.access.visibility import Viewer
from server.cli.terminal import console, plain
from server.demo.letters import TO, write_letters
from server.demo.postbox import postbox
from server.intake.folder import MAIL_SUFFIX
from server.intake.mail import inbox
from server.intake.mail.eml import take_eml
from server.intake.mail.inbox import MailView
from server.intake.mail.models import MailState, ReplyState
from server.intake.mail.replies import compose
from server.intake.mail.sending import send_due
from server.mail_settings import MailSettings, SmtpSettings
from server.site import Site


@dataclass(frozen=True, slots=True)
class ShownMail:
    """A mail that was taken in, as the page shows it."""

    file: Path
    view: MailView


@contextmanager
def demo_mail(home: Path) -> Iterator[MailSettings]:
    """
    Settings under which replies go into *home*/replies and nowhere else, whatever else is set.

    No real mailbox is fetched from and no real station gets a mail of the demo's.
    """
    with postbox(home / "replies") as port:
        smtp = SmtpSettings(host="127.0.0.1", port=port, security="none", from_address=TO, from_name="售后表单")
        yield MailSettings(smtp=smtp)


def take_mail(site: Site, workbooks: Path) -> list[ShownMail]:
    """Take in the demo's mails and those saved in *workbooks*/mail, and let the replies leave."""
    files = write_letters(site, workbooks, site.settings.home / "mail")
    files += sorted((workbooks / "mail").glob(f"*{MAIL_SUFFIX}"))
    taken = [(file, take_eml(site, file.read_bytes()).mail_id) for file in files]
    send_due(site, compose)
    return [ShownMail(file, inbox.mail(site, Viewer.operator(), mail_id)) for file, mail_id in taken]


def surprises(shown: list[ShownMail]) -> list[str]:
    """Mails that were not settled, and replies that did not leave."""
    return [
        each.file.name
        for each in shown
        if each.view.mail.state not in (MailState.DONE, MailState.REVIEW)
        or any(reply.state is not ReplyState.SENT for reply in each.view.replies)
    ]


def show_mail(shown: list[ShownMail]) -> None:
    """A line per mail: state, what became of its workbooks, the reply."""
    if not shown:
        return
    console.print("\n[bold]Workbooks sent by e-mail[/]")
    for each in shown:
        mail = each.view.mail
        colour = "green" if mail.state == MailState.DONE else "yellow"
        console.print(f"[{colour}]{mail.state:<7}[/] {plain(mail.from_name)}: {plain(mail.subject)}", soft_wrap=True)
        for book in each.view.workbooks:
            became = f"{book.submission.outcome} {book.submission.record_number or ''}" if book.submission else "held"
            console.print(f"    [dim]{plain(book.filename)}: {became.strip()}[/]", soft_wrap=True)
        for reply in each.view.replies:
            console.print(f"    [dim]replied to {reply.to_address}: {reply.kind}[/]", soft_wrap=True)


def show_mail_places(site: Site, address: str, shown: list[ShownMail]) -> None:
    """Where to look at a mail with its reply, and at what waits for a person."""
    answered = next((each for each in shown if each.view.mail.state == MailState.DONE and each.view.replies), None)
    if answered is not None:
        console.print(f"A station's e-mail and the reply that left: {address}/mail/{answered.view.mail.id}")
        console.print(f"    the same as files: {(site.settings.home / 'replies').absolute()}", soft_wrap=True)
    if any(each.view.mail.state == MailState.REVIEW for each in shown):
        console.print(f"Mails whose sender a person has to confirm: {address}/mail/review")
