"""Mail saved as .eml files, taken in on the command line."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from server.access.visibility import Viewer
from server.cli.receipts import print_receipt
from server.cli.terminal import console, plain
from server.intake.folder import contents
from server.intake.mail.arrival import MailOutcome
from server.intake.mail.eml import take_eml
from server.intake.mail.models import MailState
from server.intake.stations import UnknownStation
from server.site import Site
from workbooks.form import Language

STATE_COLOURS = {
    MailState.DONE: "green",
    MailState.REVIEW: "yellow",
    MailState.QUARANTINED: "red",
    MailState.IGNORED: "blue",
    MailState.NEW: "red",
}


@dataclass(frozen=True, slots=True)
class TakenMail:
    """A mail that was taken in from a file."""

    filename: str
    outcome: MailOutcome

    @property
    def stored(self) -> bool:
        """Whether everything in it was taken, with nothing left for a person to do."""
        return self.outcome.state is MailState.DONE and all(receipt.accepted for receipt in self.outcome.receipts)

    def as_dict(self) -> dict[str, Any]:
        return {
            "file": self.filename,
            "mail_id": self.outcome.mail_id,
            "state": str(self.outcome.state),
            "reason": self.outcome.reason,
            "submissions": list(self.outcome.submissions),
            "receipts": [receipt.as_dict() for receipt in self.outcome.receipts],
        }


def take_mails(site: Site, files: Iterable[Path], station: str | None, unread: list[OSError]) -> Iterator[TakenMail]:
    """
    Each mail once it is processed; *station* is where the operator says they are from.

    Why a file could not be read goes to *unread*.
    """
    for name, content in contents(files, unread):
        try:
            outcome = take_eml(site, content, station=station, by=Viewer.operator())
        except UnknownStation as error:
            raise click.BadParameter(f"there is no station {station!r}") from error
        yield TakenMail(name, outcome)


def print_mail(taken: TakenMail, language: Language) -> None:
    """A line for the mail, and its receipts below."""
    outcome = taken.outcome
    colour = STATE_COLOURS[outcome.state]
    reason = f" ({outcome.reason})" if outcome.reason else ""
    console.print(
        f"[{colour}]{outcome.state}[/]{reason} [bold]{plain(taken.filename)}[/] [dim]mail {outcome.mail_id}[/]"
    )
    for receipt in outcome.receipts:
        print_receipt(receipt, language)
