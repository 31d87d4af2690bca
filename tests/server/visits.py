"""Visit forms as people send them: by page (answers) and by file (workbooks built from the same answers)."""

from datetime import date, datetime
from typing import Any

from server.access.visibility import Viewer
from server.intake.receive import Answers, Receipt, receive, receive_values
from server.site import Site
from tests.server.company import MASTER, VISIT
from workbooks.filled import Identity, Values
from workbooks.form import Language
from workbooks.template import build_template

ANSWERS: dict[str, Any] = {
    "station": "常州站",
    "customer": "常州地铁",
    "visited_on": date.today().isoformat(),
    "severity": "轻微",
    "hours": "3.5",
    "visitors": "２人",
    "topics": ["price", "quality"],
    "parts": [{"part": "密封条", "quantity": "2"}, {"part": "螺栓", "quantity": "8"}],
}
VALUES: Values = {
    "station": "CZ",
    "customer": "C1",
    "visited_on": date.today(),
    "arrived_at": datetime(2026, 3, 5, 9, 30),
    "severity": "minor",
    "parts": ({"part": "密封条", "quantity": 2}, {"part": "螺栓", "quantity": 8}),
}


def fill_in(site: Site, sender: Viewer, changes: dict[str, Any] | None = None, **keywords: Any) -> Receipt:
    """Send a visit from a page: good answers, with *changes*."""
    answers = ANSWERS | (changes or {})
    keywords.setdefault("instance_id", "instance-1")
    return receive_values(site, "visit", answers, channel="web", sender=sender, **keywords)


def workbook(
    changes: dict[str, Any] | None = None, *, identity: Identity | None = None, language: Language = "zh"
) -> bytes:
    """A visit workbook with good answers and *changes*, as a person has saved it."""
    known = identity or Identity(instance_id="instance-1")
    return build_template(
        VISIT,
        language=language,
        master=MASTER,
        instance_id=known.instance_id,
        values={**VALUES, **(changes or {})},
        number=known.record_number,
        revision=known.revision,
    )


def send(site: Site, sender: Viewer, content: bytes, **keywords: Any) -> Receipt:
    """Send a workbook over the API."""
    return receive(site, content, **({"filename": "visit.xlsx", "channel": "api", "sender": sender} | keywords))


def three_visits(sender: Viewer) -> list[Answers]:
    """Three visits of three different days, with fixed identities: sending them again is sending the same."""
    return [
        Answers(
            form_id="visit",
            answers=ANSWERS | {"visited_on": f"2026-03-0{day}"},
            channel="folder",
            sender=sender,
            instance_id=f"visit-{day}",
        )
        for day in (1, 2, 3)
    ]
