"""Mail saved as .eml files, taken in on the command line."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from server.access.visibility import Viewer
from server.cli.receipts import print_receipt
from server.cli.terminal import console, plain
from server.intake.mail.arrival import MailOutcome
from server.intake.mail.eml import SUFFIX, take_eml
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

    file: Path
    outcome: MailOutcome

    @property
    def stored(self) -> bool:
        """Whether everything in it was taken, with nothing left for a person to do."""
        return self.outcome.state is MailState.DONE and all(receipt.accepted for receipt in self.outcome.receipts)

    def as_dict(self) -> dict[str, Any]:
        return {
            "file": self.file.name,
            "mail_id": self.outcome.mail_id,
            "state": str(self.outcome.state),
            "reason": self.outcome.reason,
            "submissions": list(self.outcome.submissions),
            "receipts": [receipt.as_dict() for receipt in self.outcome.receipts],
        }


def mails_in(paths: Iterable[Path]) -> list[Path]:
    """The .eml files among *paths* and in the folders among them, each once."""
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found |= dict.fromkeys(sorted(file for file in path.rglob("*") if _is_mail(file)))
        elif _is_mail(path):
            found[path] = None
    return list(found)


def take_mails(site: Site, files: Iterable[Path], station: str | None) -> Iterator[TakenMail]:
    """Each mail once it is processed; *station* is where the operator says they are from."""
    for file in files:
        try:
            outcome = take_eml(site, file.read_bytes(), file.name, station=station, by=Viewer.operator())
        except UnknownStation as error:
            raise click.BadParameter(f"there is no station {station!r}") from error
        yield TakenMail(file, outcome)


def print_mail(taken: TakenMail, language: Language) -> None:
    """A line for the mail, and its receipts below."""
    outcome = taken.outcome
    colour = STATE_COLOURS[outcome.state]
    reason = f" ({outcome.reason})" if outcome.reason else ""
    console.print(
        f"[{colour}]{outcome.state}[/]{reason} [bold]{plain(taken.file.name)}[/] [dim]mail {outcome.mail_id}[/]"
    )
    for receipt in outcome.receipts:
        print_receipt(receipt, language)


def _is_mail(path: Path) -> bool:
    return path.suffix.lower() == SUFFIX and path.is_file() and not path.name.startswith(".")
