"""Lists of records: conditions, search, order, pages, and the history of one."""

import pytest

from server.access.visibility import Viewer
from server.records.store import BadCondition, Condition, find, parse_condition, record
from server.site import Site
from tests.server.company import VISIT
from tests.server.visits import fill_in

VISITS = [
    {"visited_on": "2026-03-01", "severity": "轻微", "hours": "1", "note": "车门 100% 正常", "topics": ["price"]},
    {
        "visited_on": "2026-03-02",
        "severity": "严重",
        "hours": "10",
        "arrived_at": "2026-03-02 23:30",
        "topics": ["quality"],
    },
    {"visited_on": "2026-03-03", "severity": "轻微", "hours": "", "customer": "成都地铁", "parts": [], "topics": []},
]


@pytest.fixture
def visits(site: Site, ada: Viewer) -> Site:
    """Three visits, numbered 1 to 3."""
    for number, answers in enumerate(VISITS, start=1):
        assert fill_in(site, ada, answers, instance_id=f"i{number}").accepted
    return site


def _found(site: Site, viewer: Viewer, *conditions: str, **keywords: object) -> list[int]:
    with site.session(read_only=True) as session:
        where = [parse_condition(condition) for condition in conditions]
        page = find(session, viewer, VISIT, where=where, **{"order": "number", **keywords})  # type: ignore[arg-type]
    return [int(row.number[-4:]) for row in page.rows]


CONDITIONS = {
    "severity=critical": [2],
    "severity=严重": [2],
    "severity!=Critical": [1, 3],
    "customer=C2": [3],
    "customer=成都地铁": [3],
    "customer=chengdu metro": [3],
    "visited_on>=2026-03-02": [2, 3],
    "visited_on<2026-03-02 & severity=minor": [1],
    "hours>2": [2],
    "hours=": [3],
    "hours!=": [1, 2],
    "hours!=1": [2, 3],
    "arrived_at<=2026-03-02": [2],
    "arrived_at>2026-03-02": [],
    "arrived_at=2026-03-02": [2],
    "arrived_at=2026-03-02T23:30": [2],
    "note~100%": [1],
    "note~100_": [],
    "topics=quality": [2],
    "topics=价格": [1],
    "parts.part=螺栓": [1, 2],
    "parts.quantity>7": [1, 2],
    "state=open": [1, 2, 3],
    "revision=1 & number~0002": [2],
    "updated_at>=2026-01-01": [1, 2, 3],
    "created_at<2026-01-01": [],
}
SEARCHES = {
    "车门": [1],
    "成都": [3],
    "Chengdu": [3],
    "严重": [2],
    "0002": [2],
    "c2": [3],
    "价格": [1],
    "nowhere": [],
}


def test_conditions_find_what_people_mean(visits: Site, ada: Viewer):
    """Names or labels, whole days, empty answers, wildcards that are none, entries of repeats."""
    found = {text: _found(visits, ada, *text.split(" & ")) for text in CONDITIONS}

    assert found == CONDITIONS


def test_search_looks_at_what_people_see(visits: Site, ada: Viewer):
    """Numbers, texts, labels of choices and names of master data, in either language."""
    assert {text: _found(visits, ada, text=text) for text in SEARCHES} == SEARCHES


def test_order_and_pages(visits: Site, ada: Viewer):
    """Empty answers come last either way; the total counts all pages."""
    assert _found(visits, ada, order="-hours") == [2, 1, 3]
    assert _found(visits, ada, order="hours") == [1, 2, 3]
    assert _found(visits, ada, per_page=2, page=2) == [3]
    assert _found(visits, ada, per_page=0) == [1, 2, 3]
    assert _found(visits, ada, page=10**30) == []
    with visits.session(read_only=True) as session:
        assert find(session, ada, VISIT, per_page=2).total == 3


def test_condition_that_cannot_be_meant_is_refused(visits: Site, ada: Viewer):
    """Unknown fields and values of the wrong type are named, not ignored."""
    for text in (
        "severity",
        "colour=red",
        "hours>many",
        "visited_on=tomorrow",
        "revision=x",
        "hours>",
        "parts.weight=1",
        "revision=99999999999999999999",
        "parts.quantity<-99999999999999999999",
        "arrived_at=9999-12-31",
        "created_at<=0001-01-01",
    ):
        with pytest.raises(BadCondition):
            _found(visits, ada, text)


def test_unknown_order_is_refused(visits: Site, ada: Viewer):
    """A column that is not there cannot be sorted by."""
    with pytest.raises(BadCondition):
        _found(visits, ada, order="colour")


def test_condition_text_is_split_at_the_first_operator():
    """What follows belongs to the value, signs and spaces included."""
    assert parse_condition("note = a>=b ") == Condition("note", "=", "a>=b")
    assert parse_condition("hours>=3") == Condition("hours", ">=", "3")


def test_history_tells_who_brought_what(site: Site, alice: Viewer, bob: Viewer):
    """Each revision has its sender, channel and submission."""
    first = fill_in(site, alice)
    second = fill_in(site, bob, {"verdict": "好"}, number=first.record_number, revision=1)

    with site.session(read_only=True) as session:
        detail = record(session, alice, first.record_number or "", definitions=site.definitions)
    assert [(r.number, r.by, r.channel, r.submission_id) for r in detail.revisions] == [
        (1, "Alice", "web", first.submission_id),
        (2, "Bob", "web", second.submission_id),
    ]
    assert detail.revisions[0].changes == ()
    assert detail.values == detail.revisions[-1].values
