"""Reliability datasets from stored forms and imported readings: what they count, for whom, and what they refuse."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from server.access.visibility import Viewer
from server.records.master import import_tables
from server.site import Site
from server.statistics import action_datasets, growth_datasets, loop_datasets, pareto_datasets, rate_datasets
from server.statistics.selection import Selection
from server.statistics.snapshot import View
from tests.server.company import MASTER
from tests.server.test_statistics import ANALYSIS, CLOSE, FAILURE, OPERATOR, rows, send
from workbooks.master import MasterRow
from workbooks.master_workbook import MasterReading

BEGIN = datetime(2025, 1, 10, 8, 0)
NOW = datetime(2026, 2, 1, 12, 0)
DATASETS = [
    *rate_datasets.COMPUTED, *growth_datasets.COMPUTED, *loop_datasets.COMPUTED, *action_datasets.COMPUTED,
    *pareto_datasets.COMPUTED,
]  # fmt: skip


def _row(code: str, **attributes: str) -> MasterRow:
    return MasterRow(code=code, label_zh=code, label_en=code, parent="", attributes=attributes)


def _vehicles() -> tuple[MasterRow, ...]:
    known = {"customer": "C1", "station": "CZ", "vehicle_type": "B型车", "line": "1号线", "warranty_until": ""}
    more = {"accepted_on": "2024-05-01", "retired_on": ""}
    own = MasterRow(code="T0102", label_zh="02号车", label_en="Train 02", parent="C1", attributes=known | more)
    return (*MASTER.rows("vehicles"), own)


@pytest.fixture(autouse=True)
def measured(site: Site) -> None:
    """Two trains that run 300 km and 17 h a day, six controllers each, and a change that came on 1 August."""
    days = [date(2025, 1, 1) + timedelta(days=30 * n) for n in range(14)]
    readings = [
        _row(
            f"{train}|{day}",
            vehicle=train,
            as_of=day.isoformat(),
            odometer_km=str(80_000 + 300 * (day - days[0]).days),
            operating_hours=str(4_000 + 17 * (day - days[0]).days),
        )
        for train in ("T0101", "T0102")
        for day in days
    ]
    wrong = _row("T0102|2025-06-15", vehicle="T0102", as_of="2025-06-15", odometer_km="1500", operating_hours="")
    parts = _row("B型车|P111|", vehicle_type="B型车", part="P111", quantity="6", valid_from="")
    retrofits = [
        _row(f"ECN-1|{train}", change_no="ECN-1", vehicle=train, done_on="2025-08-01") for train in ("T0101", "T0102")
    ]
    people = (*MASTER.rows("people"), _row("U2", station="CZ"))
    tables = {"vehicles": _vehicles(), "people": people, "exposures": (*readings, wrong), "fitted_parts": (parts,)}
    with site.session() as session:
        reading = MasterReading(tables=tables | {"retrofits": tuple(retrofits)}, findings=())
        import_tables(session, reading, by=OPERATOR, audit_key=site.audit_key)


@pytest.fixture
def history(site: Site) -> list[str]:
    """Ten failures of one train, seven before the change of August and three after it, one judged not relevant."""
    numbers = []
    for n, day in enumerate((0, 25, 60, 95, 130, 140, 180, 230, 300, 340)):
        at = BEGIN + timedelta(days=day)
        answers: dict[str, Any] = FAILURE | {
            "occurred_at": at, "reported_at": at + timedelta(minutes=30), "responded_at": at + timedelta(hours=1),
            "arrived_at": at + timedelta(hours=2), "repaired_at": at + timedelta(hours=3 + n % 4), "mileage_km": None,
            "serial_no": f"S{n}",
            "replaced_parts": [
                {"position": "3车", "part_name": "门控器", "removed_serial": f"S{n}", "fitted_serial": f"N{n}",
                 "quantity": 1, "disposition": "repair"}
            ],
        }  # fmt: skip
        answers = {name: value for name, value in answers.items() if value is not None}
        analysis = ANALYSIS | {"analysed_on": (at + timedelta(days=5)).date()}
        if n == 9:
            analysis |= {"confirmation": "no_fault", "relevant": "no", "chargeable": "no"}
        if n == 6:
            analysis |= {
                "corrective_action": "改型", "action_type": "design_change", "action_owner": "U1", "change_no": "ECN-1",
                "planned_on": (at + timedelta(days=20)).date(),
            }  # fmt: skip
        received = at + timedelta(days=6)
        numbers.append(send(site, "fracas", answers | analysis, received, f"case-{n}"))
    return numbers


def test_rates_divide_by_the_readings_of_the_master_data(site: Site, history: list[str]) -> None:
    """Nine relevant failures over both trains' kilometres; the train without a failure counts; nothing is estimated."""
    quarters = rows(site, "failure_rate", as_of=NOW)
    months = rows(site, "failure_rate_months", as_of=NOW)
    (whole,) = rows(site, "mean_between_failures", as_of=NOW)
    days = (NOW.date() - BEGIN.date()).days + 1

    assert sum(row["failures"] for row in quarters) == sum(row["failures"] for row in months) == 9
    assert sum(row["kilometres"] for row in quarters) == pytest.approx(whole["kilometres"], abs=5)
    assert whole["kilometres"] == pytest.approx(2 * 300 * days, rel=0.001)
    assert (whole["failures"], whole["service_failures"], whole["estimated"]) == (9, 9, pytest.approx(0))
    assert whole["hours"] == pytest.approx(2 * 17 * days, rel=0.001)
    assert whole["mdbf"] == pytest.approx(whole["kilometres"] / 9, abs=1)
    assert whole["mdbf_lower"] < whole["mdbf"] < whole["mdbf_upper"]
    assert all(row["lower"] <= row["rate"] <= row["upper"] for row in quarters)


def test_report_for_one_type_or_place_divides_by_its_own_trains(site: Site, history: list[str]) -> None:
    """Another place has no trains and so no rate, instead of no failures over everybody's kilometres."""
    here = rows(site, "failure_rate", as_of=NOW, selection=Selection(station="CZ"))

    assert here == rows(site, "failure_rate", as_of=NOW)
    assert rows(site, "failure_rate", as_of=NOW, selection=Selection(station="CD")) == []
    assert rows(site, "failure_rate", as_of=NOW, selection=Selection(vehicle_type="A型车")) == []


def test_half_a_month_is_counted_from_its_cases(site: Site, history: list[str]) -> None:
    """A period that begins inside a month takes only what occurred in it, and only those kilometres."""
    (row,) = rows(site, "failure_rate_months", as_of=NOW, start=date(2025, 1, 15), end=date(2025, 1, 24))

    assert (row["failures"], row["kilometres"]) == (0, pytest.approx(2 * 300 * 10))


def test_reading_that_cannot_be_is_listed(site: Site, history: list[str]) -> None:
    """And no figure has used it."""
    (odd,) = rows(site, "odd_readings", as_of=NOW)

    assert (odd["vehicle"], odd["day"], odd["reading"]) == ("T0102", date(2025, 6, 15), 1500)


def test_closing_a_case_later_changes_no_earlier_figure(site: Site, history: list[str]) -> None:
    """Every dataset as of last month reads the same after a case was closed and one more was sent."""
    before = {name: rows(site, name, as_of=NOW) for name in DATASETS}
    more = FAILURE | {"occurred_at": NOW, "reported_at": NOW + timedelta(hours=1)}
    more |= {"responded_at": NOW + timedelta(hours=2), "arrived_at": NOW + timedelta(hours=2)}
    more |= {"repaired_at": NOW + timedelta(hours=4), "mileage_km": 250_000}
    send(site, "fracas", more, NOW + timedelta(days=2), "later")
    late = {"analysed_on": (NOW + timedelta(days=3)).date()}
    closed = CLOSE | {"closed_on": (NOW + timedelta(days=9)).date()}
    send(site, "fracas", more | ANALYSIS | late | closed, NOW + timedelta(days=9), "later")

    assert {name: rows(site, name, as_of=NOW) for name in DATASETS} == before
    assert len(rows(site, "mttr", as_of=NOW + timedelta(days=20))) == 1


def test_growth_trend_and_curve_of_one_fleet(site: Site, history: list[str]) -> None:
    """Fewer and fewer failures; two trains have a curve without limits, and say why."""
    growth = {row["scope"]: row for row in rows(site, "reliability_growth", as_of=NOW, language="en")}
    mode, train = rows(site, "trend_tests", as_of=NOW)
    curve = [row for row in rows(site, "mcf", as_of=NOW) if row["scope"] == "全部列车"]
    ends = {row["vehicle"]: row for row in rows(site, "mcf_trains", as_of=NOW)}

    assert (growth["all trains"]["failures"], growth["Door system"]["failures"]) == (9, 9)
    assert growth["all trains"]["beta"] < 1
    assert growth["all trains"]["lower"] < growth["all trains"]["current"] < growth["all trains"]["upper"]
    assert (mode["failures"], train["failures"], mode["laplace"] < 0) == (9, 9, True)
    assert mode["adjusted_p"] >= mode["laplace_p"]
    assert curve[-1]["mcf"] == pytest.approx(4.5)
    assert (curve[-1]["lower"], curve[-1]["reason"]) == (None, "列车不足 5 列，只给曲线")
    assert [(ends[v]["own"], ends[v]["expected"]) for v in ("01号车", "02号车")] == [(9, 4.5), (0, 4.5)]


def test_few_failures_give_reasons_instead_of_figures(site: Site, history: list[str]) -> None:
    """In a single month nothing can be said about growth, trend or lives."""
    period = {"start": date(2025, 1, 1), "end": date(2025, 1, 31)}
    growth = rows(site, "reliability_growth", as_of=NOW, **period)[0]
    trends = rows(site, "trend_tests", as_of=NOW, **period)
    (life,) = rows(site, "weibull", as_of=NOW, **period)

    assert (growth["beta"], growth["verdict"]) == (None, "数据不足（1 次，至少 5 次）")
    assert [row["laplace"] for row in trends] == [None]
    assert (life["shape"], life["failures"]) == (None, 1)


def test_lives_of_parts_count_those_still_fitted(site: Site, history: list[str]) -> None:
    """Twelve pieces were there from the start, and each of ten replacements began a life that still goes on."""
    (life,) = rows(site, "weibull", as_of=NOW)

    # One train had six: six removals ended their lives, the serials removed later were never seen fitted.
    assert (life["failures"], life["failures"] + life["censored"]) == (6, 6 + 6 + 10)
    assert life["shape"] is not None
    assert life["b10_lower"] < life["b10"] < life["b10_upper"]


def test_effect_is_split_at_each_trains_own_day(site: Site, history: list[str]) -> None:
    """Seven failures before 1 August, two relevant ones after it; too little to be sure, and how much is missing."""
    (found,) = rows(site, "ca_effectiveness", as_of=NOW)

    assert (found["failures_before"], found["failures_after"], found["trains"]) == (7, 2, 2)
    assert found["kilometres_before"] == pytest.approx(2 * 300 * 204, rel=0.01)
    assert (found["verdict"], found["basis"]) == ("证据不足", "各车实施日期")
    assert found["ratio"] < 1
    assert "万公里" in found["note"] or "再跑也不够" in found["note"]


def test_effect_at_a_place_whose_forms_do_not_name_the_change(site: Site, history: list[str]) -> None:
    """CD has one train, which got the change in October; nobody there ever wrote its number down."""
    train = {"customer": "C2", "station": "CD", "vehicle_type": "B型车", "line": "", "accepted_on": "2024-05-01"}
    own = _row("T0901", **train, warranty_until="", retired_on="")
    days = {"T0101": "2025-08-01", "T0102": "2025-08-01", "T0901": "2025-10-01"}
    retrofits = [_row(f"ECN-1|{code}", change_no="ECN-1", vehicle=code, done_on=day) for code, day in days.items()]
    with site.session() as session:
        tables = {"vehicles": (*_vehicles(), own), "retrofits": tuple(retrofits)}
        import_tables(session, MasterReading(tables=tables, findings=()), by=OPERATOR, audit_key=site.audit_key)
    (whole,) = rows(site, "ca_effectiveness", as_of=NOW)
    (here,) = rows(site, "ca_effectiveness", as_of=NOW, selection=Selection(station="CZ"))
    (there,) = rows(site, "ca_effectiveness", as_of=NOW, selection=Selection(station="CD"))

    assert [row["trains"] for row in (whole, here, there)] == [3, 2, 1]
    assert [row["failures_after"] for row in (whole, here, there)] == [2, 2, 0]
    assert there["kilometres_after"] == pytest.approx(whole["kilometres_after"] - here["kilometres_after"], abs=2)


def test_repeats_are_listed_with_their_numbers(site: Site, history: list[str]) -> None:
    """25 days after the first repair it came back, and 10 days after the fifth."""
    found = [row for row in rows(site, "repeat_failures", as_of=NOW) if row["level"].startswith("同车")]
    close = [(row["before"], row["number"]) for row in found if row["within_30"]]
    rates = [r for r in rows(site, "repeat_rates", as_of=NOW) if r["level"].startswith("同车") and r["window"] == 30]

    assert close == [(history[0], history[1]), (history[4], history[5])]
    assert {row["chain"] for row in found} == {history[0]}
    assert [(row["watched"], row["followed"], row["undecided"]) for row in rates] == [(10, 2, 0)]


def test_steps_repairs_and_availability(site: Site, history: list[str]) -> None:
    """Analysis takes five days, repairs one to four hours; the trains were down only while under repair."""
    steps = {row["step"]: row for row in rows(site, "stage_dwell", as_of=NOW, language="en")}
    (repair,) = rows(site, "mttr", as_of=NOW)
    quarters = rows(site, "availability", as_of=NOW)
    waiting = rows(site, "loop_ageing", as_of=NOW)

    assert steps["analysis (repaired → analysed)"]["median"] == pytest.approx(5, abs=0.2)
    assert steps["corrective action (analysed → done)"]["open"] == 1
    assert (repair["n"], repair["median"]) == (10, 2.0)
    assert repair["mdt"] == pytest.approx(repair["administrative"] + repair["logistic"] + repair["mttr"], abs=0.02)
    assert sum(row["down"] for row in quarters) == pytest.approx(sum((3, 4, 5, 6, 3, 4, 5, 6, 3)))
    assert all(0.99 < row["operational"] < 1 for row in quarters if row["down"])
    assert sum(row["open"] for row in waiting) == 10


def test_spares_follow_what_was_replaced(site: Site, history: list[str]) -> None:
    """Ten controllers in a year and a month: about two and a half in 90 days."""
    (found,) = rows(site, "spares", as_of=NOW)

    assert (found["used"], found["expected"]) == (10, pytest.approx(10 * 90 / 388, rel=0.02))
    assert found["stock"] >= found["plug_in"] > found["expected"]


def test_forms_that_answer_a_field_are_those_that_did_then(site: Site, history: list[str]) -> None:
    """Also where the answer came since."""
    first = FAILURE["reported_at"] + timedelta(days=1)
    changed = first + timedelta(days=30)
    action = {"corrective_action": "改型", "action_type": "design_change", "action_owner": "U1", "change_no": "ECN-2"}
    number = send(site, "fracas", FAILURE, first, "later")
    send(site, "fracas", FAILURE | ANALYSIS | action | {"planned_on": changed.date()}, changed, "later")
    with site.session(read_only=True) as session:
        for at in (first, changed):
            view = View.at(session, site, OPERATOR, (at + timedelta(hours=1)).replace(tzinfo=site.zone))
            for name in ("change_no", "replaced_parts"):
                given = [row["number"] for row in view.rows("fracas", "replaced_parts") if row[name]]
                assert [row["number"] for row in view.rows("fracas", "replaced_parts", given=name)] == given
                assert history[6] in given
                assert (number in given) is (name == "change_no" and at == changed)


def test_other_station_sees_no_reliability(site: Site, history: list[str], charlie: Viewer) -> None:
    """No row of any of these, neither trains nor failures."""
    assert {name: rows(site, name, charlie, as_of=NOW) for name in DATASETS} == {name: [] for name in DATASETS}


def test_without_failures_there_are_rates_of_none(site: Site) -> None:
    """Trains that run without failing have a rate of 0 with an upper limit; nothing else is invented."""
    assert [row["failures"] for row in rows(site, "failure_rate", as_of=NOW)] == [0]
    found = {
        name: rows(site, name, as_of=NOW) for name in ("mcf", "weibull", "ca_effectiveness", "mttr", "stage_dwell")
    }
    assert found == {name: [] for name in found}
    (whole,) = rows(site, "mean_between_failures", as_of=NOW)
    assert (whole["mdbf"], whole["mdbf_upper"], whole["mdbf_lower"] > 0) == (None, None, True)


def test_pareto_by_downtime_and_by_delay(site: Site, history: list[str]) -> None:
    """Ten failures were down for 43 hours together; none made a train late, so there is no bar for delay."""
    (bar,) = rows(site, "pareto_weighed", as_of=NOW)

    assert (bar["weight"], bar["failures"], bar["cumulative"], bar["vital"]) == ("停机小时", 10, 1.0, 1)
    assert bar["amount"] == pytest.approx(3 + 4 + 5 + 6 + 3 + 4 + 5 + 6 + 3 + 4)
