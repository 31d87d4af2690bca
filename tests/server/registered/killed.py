"""Run by test_delivery in a process of its own: one round of a worker, killed at the point named, or let live."""

from pathlib import Path

from server.reports.registered import performing, refreshing
from server.reports.registered.folders import FolderPlace
from server.settings import Settings
from server.site import Site
from tests.server.conftest import FORMS
from tests.server.dying import die, then_die
from tests.server.registered.books import EIGHT, at
from workbooks.sandbox import Sandbox

POINTS = ("claimed", "figures", "pushed", "built", "replaced", "noted", "delivered")


def main(settings: str, secret: str, point: str) -> None:
    opened = Settings.model_validate_json(settings).model_copy(update={"secret_key": secret})
    assert isinstance(opened.home, Path)
    match point:
        case "claimed":
            performing._order = die  # type: ignore[assignment]
        case "figures":
            then_die(refreshing, "load")
        case "pushed":
            then_die(refreshing, "_pushed")
        case "built":
            then_die(performing, "_built")
        case "replaced":
            then_die(FolderPlace, "replace")
        case "noted":
            then_die(performing, "_put_in_place")
        case "delivered":
            then_die(performing, "_finish")
    with Sandbox(workers=1, definitions=FORMS) as sandbox:
        at(Site.open(opened, definitions=FORMS, sandbox=sandbox), EIGHT)
