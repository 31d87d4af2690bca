"""Hints of repeats and the share of failures in which no fault was found, from stored forms."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from server.access.visibility import Viewer
from server.records.master import import_tables
from server.site import Site
from server.statistics.reliability.hints import hints
from server.statistics.selection import Selection
from tests.server.company import MASTER
from tests.server.test_reliability import case
from tests.server.test_statistics import ANALYSIS, FAILURE, OPERATOR, dataset_of, rows, send
from workbooks.master import MasterRow
from workbooks.master_workbook import MasterReading
from workbooks.reporting.dataset_definition import load_datasets
from workbooks.reporting.measure_values import figure_of

START = datetime(2026, 3, 2, 8, 0)
NOW = datetime(2026, 6, 1, 12, 0)
CHENGDU = {"station": "CD", "customer": "C2", "vehicle": "T0901"}


@pytest.fixture(autouse=True)
def elsewhere(site: Site) -> None:
    """A train of another station, a mode that says nothing, and a second person."""
    train = {"customer": "C2", "station": "CD", "vehicle_type": "B型车", "line": "9号线", "accepted_on": "2024-05-01"}
    tables = {
        "vehicles": (*MASTER.rows("vehicles"), _row("T0901", "C2", train | {"warranty_until": "", "retired_on": ""})),
        "failure_modes": (
            *MASTER.rows("failure_modes"),
            MasterRow(code="F9", label_zh="其他", label_en="Other", parent="P111", attributes={"product": "P111"}),
        ),
        "people": (*MASTER.rows("people"), _row("U2", "CD", {"station": "CD"})),
    }
    with site.session() as session:
        import_tables(session, MasterReading(tables=tables, findings=()), by=OPERATOR, audit_key=site.audit_key)


def _row(code: str, parent: str, attributes: dict[str, str]) -> MasterRow:
    return MasterRow(code=code, label_zh=code, label_en=code, parent=parent, attributes=attributes)


def fail(site: Site, day: int, *, after: int = 0, **answers: Any) -> str:
    """
    A failure *day* days after the start, repaired four hours later; None takes an answer away.

    The form comes in *after* so many days; sent again it is the next revision.
    """
    at = START + timedelta(days=day)
    known = FAILURE | {
        "occurred_at": at, "reported_at": at + timedelta(minutes=30), "responded_at": at + timedelta(hours=1),
        "arrived_at": at + timedelta(hours=2), "repaired_at": at + timedelta(hours=4),
    } | answers  # fmt: skip
    given = {name: value for name, value in known.items() if value is not None}
    return send(site, "fracas", given, at + timedelta(days=after, hours=6), f"{day}{answers.get('vehicle', '')}")


def analysed(site: Site, day: int, conclusion: str, **answers: Any) -> None:
    """The same failure, analysed five days later."""
    on = (START + timedelta(days=day + 5)).date()
    fail(site, day, **answers)
    fail(site, day, after=5, **answers, **ANALYSIS | {"confirmation": conclusion, "analysed_on": on})


def test_the_same_train_goes_before_a_later_repair_elsewhere() -> None:
    """C may repeat A, on its train, sooner than B, repaired later on another; D comes after both windows."""
    found = [case("A", 0), case("B", 10, train="T2"), case("C", 20, car="2"), case("D", 70, train="T3")]

    assert [(h.before.number, h.after.number, h.same_train) for h in hints(found, found)] == [
        ("A", "B", False),
        ("A", "C", True),
    ]
    assert [round(h.days, 2) for h in hints(found, found)] == [9.92, 19.92]
    assert [h.after.number for h in hints(found, found, window_days=60)] == ["B", "C", "D"]


def test_what_the_whole_key_tells_is_no_hint() -> None:
    """Known repeats and open faults reported twice, other modes, parts not given, what was not repaired before."""
    repeat, twice = case("R", 5, repeated=True), case("T", 5, duplicate=True)
    other, partless = case("O", 5, failure_mode="F9", car="2"), case("P", 5, part=None)

    assert [*hints([case("A", 0), other, partless], [repeat, twice, other, partless])] == []
    assert [*hints([case("A", 0, failure_mode="F9")], [case("B", 5, failure_mode="F9")], without=["F9"])] == []
    assert [*hints([case("A", 0, hours=24 * 9)], [case("B", 5, train="T2")])] == []


def test_hints_are_listed_beside_the_repeats_and_never_among_them(site: Site) -> None:
    """Day 3 lacks its car, day 6 repeats day 0, day 9 is another train's; of mode 其他 nothing is said."""
    first, carless, repeat = fail(site, 0), fail(site, 3, car=None), fail(site, 6)
    away = fail(site, 9, **CHENGDU)
    for day in (12, 15):
        fail(site, day, failure_mode="F9", car=None)
    found = rows(site, "repeat_hints", as_of=NOW)

    assert [(r["before"], r["number"], r["same_train"], r["undecided"]) for r in found] == [
        (first, carless, 1, 1),
        (repeat, away, 0, 0),
    ]
    assert [r["days"] for r in found] == [pytest.approx(3 - 4 / 24), pytest.approx(3 - 4 / 24)]
    assert {r["number"] for r in rows(site, "repeat_failures", as_of=NOW)}.isdisjoint({carless, away})
    assert rows(site, "repeat_hints", as_of=NOW, start=date(2026, 3, 6)) == found[1:]
    chosen = [rows(site, "repeat_hints", as_of=NOW, selection=Selection(station=code)) for code in ("CZ", "CD")]
    assert chosen == [found[:1], found[1:]]


def test_a_selection_cuts_no_repeat_in_two(site: Site) -> None:
    """Cured in CZ on 10 March, it failed in CD on the 14th: listed with CD's failures, held against CZ's action."""
    days = {"analysed_on": date(2026, 3, 8), "planned_on": date(2026, 3, 12), "completed_on": date(2026, 3, 10)}
    done = {"corrective_action": "改型", "action_type": "design_change", "action_owner": "U1"} | days
    cured = fail(site, 0, after=10, **ANALYSIS | done)
    again = fail(site, 12, **CHENGDU)

    def repeats(station: str | None) -> list[tuple[str, str]]:
        found = rows(site, "repeat_failures", as_of=NOW, selection=Selection(station=station))
        return [(row["before"], row["number"]) for row in found]

    def rates(station: str | None) -> list[dict[str, Any]]:
        return rows(site, "repeat_rates", as_of=NOW, selection=Selection(station=station))

    assert repeats(None) == repeats("CD") == [(cured, again)]
    assert repeats("CZ") == []
    assert sorted(map(str, [*rates("CZ"), *rates("CD")])) == sorted(map(str, rates(None)))
    assert [(r["window"], r["followed"], r["immature"]) for r in rates("CZ") if r["level"].startswith("措施")] == [
        (30, 1, 0), (60, 1, 0), (90, 0, 1),
    ]  # fmt: skip


def test_a_station_gets_no_hint_from_elsewhere(site: Site, charlie: Viewer) -> None:
    """What CZ has repaired stays unknown in CD."""
    fail(site, 0)
    fail(site, 9, **CHENGDU)

    assert len(rows(site, "repeat_hints", as_of=NOW)) == 1
    assert rows(site, "repeat_hints", charlie, as_of=NOW) == []


def test_no_fault_found_is_divided_by_what_was_concluded(site: Site, charlie: Viewer) -> None:
    """Of five failures one is not analysed, two are confirmed, one not reproduced, and in one there was no fault."""
    fail(site, 0)
    analysed(site, 40, "confirmed")
    analysed(site, 41, "confirmed")
    analysed(site, 42, "not_reproduced")
    analysed(site, 43, "no_fault", **CHENGDU)

    def counted(viewer: Viewer = OPERATOR, **known: Any) -> list[tuple[Any, ...]]:
        names = ("quarter", "station", "reported", "confirmed", "not_reproduced", "no_fault", "waiting", "share")
        return [tuple(row[name] for name in names) for row in rows(site, "confirmations", viewer, **known)]

    chengdu, unknown = ("2026Q2", "成都站", 1, 0, 0, 1, 0, 1.0), ("2026Q1", "常州站", 1, 0, 0, 0, 1, None)
    assert counted(as_of=NOW) == [unknown, chengdu, ("2026Q2", "常州站", 3, 2, 1, 0, 0, 0.0)]
    assert counted(charlie, as_of=NOW) == counted(as_of=NOW, selection=Selection(region="西南")) == [chengdu]
    assert counted(as_of=NOW, end=date(2026, 3, 31)) == [unknown]
    assert counted(as_of=START + timedelta(days=46, hours=12)) == [
        unknown,
        ("2026Q2", "成都站", 1, 0, 0, 0, 1, None),
        ("2026Q2", "常州站", 3, 2, 0, 0, 1, 0.0),
    ]
    measures = {m.name: m for m in load_datasets()["confirmations"].measures}
    found = {name: figure_of(m, dataset_of(site, "confirmations", as_of=NOW)).value for name, m in measures.items()}
    assert found == {"nff_rate": 1 / 4, "not_reproduced_rate": 1 / 4, "waiting": 1}
