"""Run by test_delivery in a process of its own: one round of a worker, killed at the point named, or let live."""

import os
import signal
from pathlib import Path

from server.reports.registered import performing, refreshing
from server.reports.registered.folders import FolderPlace
from server.settings import Settings
from server.site import Site
from tests.server.conftest import FORMS
from tests.server.registered.books import EIGHT, at
from workbooks.sandbox import Sandbox

POINTS = ("claimed", "figures", "pushed", "built", "replaced", "noted", "delivered")


def _die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _then_die(owner: object, name: str) -> None:
    sound = getattr(owner, name)

    def dying(*arguments: object, **keywords: object) -> None:
        sound(*arguments, **keywords)
        _die()

    setattr(owner, name, dying)


def main(settings: str, secret: str, point: str) -> None:
    opened = Settings.model_validate_json(settings).model_copy(update={"secret_key": secret})
    assert isinstance(opened.home, Path)
    match point:
        case "claimed":
            performing._order = _die  # type: ignore[assignment]
        case "figures":
            _then_die(refreshing, "load")
        case "pushed":
            _then_die(refreshing, "_pushed")
        case "built":
            _then_die(performing, "_built")
        case "replaced":
            _then_die(FolderPlace, "replace")
        case "noted":
            _then_die(performing, "_put_in_place")
        case "delivered":
            _then_die(performing, "_finish")
    with Sandbox(workers=1, definitions=FORMS) as sandbox:
        at(Site.open(opened, definitions=FORMS, sandbox=sandbox), EIGHT)
