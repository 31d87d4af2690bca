"""Run by test_crash in a process of its own: takes in three visits and is killed at the point named."""

import sys
from pathlib import Path

from server.intake import receive
from server.records.originals import Originals
from server.records.writing import Writer
from server.settings import Settings
from server.site import Site
from tests.server.company import OWN_FORMS, viewer
from tests.server.dying import die, then_die
from tests.server.visits import three_visits


def main(home: str, url: str, key: str, point: str) -> None:
    site = Site.open(Settings(home=Path(home), database_url=url, secret_key=key), definitions=OWN_FORMS)
    with site.session(read_only=True) as session:
        alice = viewer(session, "alice")
    receive.GROUP = 2
    match point:
        case "bytes kept":
            then_die(Originals, "keep_many")
        case "before commit":
            then_die(Writer, "finish")
        case "first group committed":
            then_die(receive, "_settle_safely")
    list(receive.receive_values_many(site, three_visits(alice)))
    die()  # everything committed, nobody told


if __name__ == "__main__":
    main(*sys.argv[1:])
