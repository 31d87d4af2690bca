"""What holds for every declared dataset, whatever it counts."""

from datetime import date, datetime
from typing import Any

import pytest

from server.access.visibility import Viewer
from server.site import Site
from server.statistics.datasets import names
from server.statistics.selection import Selection
from tests.server.test_due_datasets import ACTION, LEFT, LOAN
from tests.server.test_service_datasets import NOW, SUMMARY, VOICE
from tests.server.test_statistics import ANALYSIS, FAILURE, PLAN, SHEET, dataset_of, rows, send
from workbooks.reporting.dataset_definition import load_datasets
from workbooks.reporting.measure_values import column_of, figure_of

MARCH = datetime(2026, 3, 31, 23, 59)
PART = {"position": "1位", "part_name": "门控器", "removed_serial": "A1", "fitted_serial": "A2", "quantity": 1}
CHANGED = FAILURE | {"replaced_parts": [PART | {"disposition": "repair"}]}


@pytest.fixture
def company(site: Site) -> Site:
    """One record of every form in CZ, all of March or before."""
    send(site, "fracas", CHANGED, datetime(2026, 3, 2, 13, 0), "case")
    send(site, "feedback", VOICE, datetime(2026, 3, 3, 16, 0), "voice")
    send(site, "survey", SHEET, datetime(2025, 10, 21, 9, 0), "sheet")
    send(site, "trip_plan", PLAN, datetime(2026, 1, 29, 9, 0), "plan")
    send(site, "trip_summary", SUMMARY | LEFT, datetime(2026, 3, 7, 9, 0), "summary")
    send(site, "trip_loan", LOAN | {"borrowed_on": date(2026, 3, 2), "due_on": date(2026, 3, 20), "items": [
        {"kind": "tool", "name": "扭力扳手", "lender": "material_centre", "quantity": 1}
    ]}, datetime(2026, 3, 2, 9, 0), "loan")  # fmt: skip
    return site


ELSEWHERE = (
    Viewer(user_id=None, username="cd", display_name="CD", roles=frozenset({"station"}), station="CD"),
    Viewer(user_id=None, username="sw", display_name="SW", roles=frozenset({"manager"}), region="西南"),
    Viewer(user_id=None, username="none", display_name="-", roles=frozenset({"station"})),
)


def everything(site: Site, **known: Any) -> dict[str, Any]:
    """The rows of every dataset, those of each form and its lines included."""
    return {name: dataset_of(site, name, **known).data for name in names(site)}


def test_what_comes_later_changes_no_earlier_report(company: Site) -> None:
    """Closed, answered, rated and returned in May: every dataset of March reads as it read in March."""
    before = everything(company, as_of=MARCH)
    done = ACTION | {"planned_on": date(2026, 4, 30), "completed_on": date(2026, 4, 20)}
    send(company, "fracas", CHANGED | ANALYSIS | done, datetime(2026, 5, 4, 9, 0), "case")
    send(company, "fracas", FAILURE | {"car": "4车"}, datetime(2026, 5, 4, 9, 0), "told late")
    heard = {
        "replied_at": datetime(2026, 3, 4, 8, 0),
        "called_back_on": date(2026, 4, 4),
        "customer_reply": "partly",
    }
    send(company, "feedback", VOICE | heard, datetime(2026, 5, 4, 9, 0), "voice")
    send(company, "trip_summary", SUMMARY | LEFT | {"customer_rating": "fair"}, datetime(2026, 5, 4, 9, 0), "summary")

    after = everything(company, as_of=MARCH)
    assert {name for name in before if before[name] != after[name]} == set()
    assert everything(company, as_of=NOW) != after


def test_nobody_learns_what_happened_elsewhere(site: Site, request: pytest.FixtureRequest) -> None:
    """To people of another station or region every dataset reads as it did once the first year was known."""
    send(site, "survey", SHEET, datetime(2025, 10, 20, 9, 0), "first survey")
    send(site, "trip_summary", SUMMARY | {"purpose": "visit"}, datetime(2026, 3, 6, 9, 0), "first visit")
    before = [everything(site, viewer=viewer, as_of=NOW) for viewer in ELSEWHERE]
    everybody = everything(site, as_of=NOW)
    request.getfixturevalue("company")

    for viewer, known in zip(ELSEWHERE, before, strict=True):
        after = everything(site, viewer=viewer, as_of=NOW)
        assert {name for name in known if known[name] != after[name]} == set(), viewer.username
    assert sum(everybody[name] != data for name, data in everything(site, as_of=NOW).items()) > 30


def test_a_selection_leaves_no_row_of_another_place(company: Site) -> None:
    """Narrowed to another station nothing of CZ is left; narrowed to its own, something is."""
    for name, definition in load_datasets().items():
        if "station" not in {column.name for column in definition.columns}:
            continue
        elsewhere = dataset_of(company, name, as_of=NOW, selection=Selection(station="CD"))
        here = dataset_of(company, name, as_of=NOW, selection=Selection(station="CZ"))

        assert "常州站" not in column_of(elsewhere, "station"), name
        assert set(column_of(here, "station")) <= {"常州站", "全部站点", None}, name
        assert bool(len(here)) == bool(len(dataset_of(company, name, as_of=NOW))), name


def test_a_period_holds_what_its_anchor_says(company: Site) -> None:
    """Where the anchor's column is a date, every row of March lies in March."""
    for name, definition in load_datasets().items():
        if definition.anchor is None or definition.anchor.column is None:
            continue
        found = dataset_of(company, name, as_of=NOW, start=date(2026, 3, 1), end=date(2026, 3, 31))
        days = [day for day in column_of(found, definition.anchor.column) if day is not None]

        assert all("2026-03-01" <= str(day) <= "2026-03-31 23:59:59" for day in days), name


def test_shares_lie_between_nothing_and_all(company: Site) -> None:
    """Every share of every dataset, and every mean of a column of ones and zeros."""
    for name, definition in load_datasets().items():
        found = dataset_of(company, name, as_of=NOW)
        for measure in definition.measures:
            value = figure_of(measure, found).value
            if measure.percent and measure.function == "average":
                assert value is None or 0 <= value <= 1, (name, measure.name)


def test_train_has_its_failures_and_the_parts_changed(company: Site) -> None:
    """One failure and the controller that was changed for it, each at its time."""
    found = rows(company, "train_history", as_of=NOW)

    assert [(row["event"], row["at"].hour, row["fitted_serial"], row["disposition"]) for row in found] == [
        ("故障", 8, None, None),
        ("更换", 12, "A2", "返修"),
    ]


def test_shares_of_a_cost_add_up_to_it(site: Site) -> None:
    """100 shared by three is 33.33 nowhere: the trips' rows add up to what the costs say, to the cent."""
    spent = {"persons": 3, "cost_travel": 100, "cost_lodging": 0, "cost_allowance": 0}
    for day in (1, 2, 3):
        answers = SUMMARY | spent | {"departed_on": date(2026, 3, day)}
        send(site, "trip_summary", answers, datetime(2026, 3, 7, 9, 0), f"trip {day}")

    shared = sum(row["cost"] for row in rows(site, "trips", as_of=NOW))
    assert round(shared, 2) == sum(row["amount"] for row in rows(site, "costs", as_of=NOW)) == 300
