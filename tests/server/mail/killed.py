"""Run by test_killed_mail in a process of its own: takes in one mail and is killed at the point named."""

import sys
from pathlib import Path

from server.intake.mail import arrival, ledger, settling
from server.records.originals import Originals
from server.records.writing import Writer
from server.settings import Settings
from server.site import Site
from tests.server.company import VISIT
from tests.server.conftest import SECRET
from tests.server.dying import die, then_die
from tests.server.mail.conftest import MAIL
from tests.server.mail.posts import arrive


def main(home: str, url: str, point: str, file: str) -> None:
    settings = Settings(home=Path(home), database_url=url, secret_key=SECRET, mail=MAIL)
    site = Site.open(settings, definitions={"visit": VISIT})
    raw = Path(file).read_bytes()
    match point:
        case "kept":
            then_die(Originals, "keep")
        case "noted":
            then_die(ledger, "arrived")  # and rolled back with it
        case "attempt counted":
            arrival._read_mail = die
        case "parsed":
            then_die(arrival, "_read")
        case "workbook read":
            settling.settle = die
        case "submissions written":
            then_die(settling, "settle_within")
        case "reply queued":
            then_die(settling.answering, "answer")
        case "before commit":
            then_die(Writer, "finish")
    arrival.process(site, arrive(site, raw, uid=1))
    die()  # committed, nobody told, and the mail still lies where it was


if __name__ == "__main__":
    main(*sys.argv[1:])
