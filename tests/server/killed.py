"""Run by test_crash in a process of its own: takes in three visits and is killed at the point named."""

import os
import signal
import sys
from pathlib import Path

from server.intake import receive
from server.records.originals import Originals
from server.records.writing import Writer
from server.settings import Settings
from server.site import Site
from tests.server.company import OWN_FORMS, viewer
from tests.server.visits import three_visits


def _then_die(owner: object, name: str) -> None:
    sound = getattr(owner, name)

    def dying(*arguments: object, **keywords: object) -> None:
        sound(*arguments, **keywords)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, name, dying)


def main(home: str, url: str, key: str, point: str) -> None:
    site = Site.open(Settings(home=Path(home), database_url=url, secret_key=key), definitions=OWN_FORMS)
    with site.session(read_only=True) as session:
        alice = viewer(session, "alice")
    receive.GROUP = 2
    match point:
        case "bytes kept":
            _then_die(Originals, "keep_many")
        case "before commit":
            _then_die(Writer, "finish")
        case "first group committed":
            _then_die(receive, "_settle_safely")
    list(receive.receive_values_many(site, three_visits(alice)))
    os.kill(os.getpid(), signal.SIGKILL)  # everything committed, nobody told


if __name__ == "__main__":
    main(*sys.argv[1:])
