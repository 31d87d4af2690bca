"""Cases, repeats, deadlines, exposure and trips as pure functions: what they count, and what never changes them."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.statistics.boards.ageing import by_stage
from server.statistics.boards.trend import month_figures
from server.statistics.case_months import add_up
from server.statistics.cases import Case, Stage, bucket_of, fixed_first_time, flagged, repeats
from server.statistics.deadlines import OnTime, State, state, state_by_hours, working_hours
from server.statistics.exposure import Fleet, TrainLife
from server.statistics.figures import MonthFigures
from server.statistics.meters import Readings, plausible
from server.statistics.periods import end_of, month_of, months, quarter_of, week_of
from server.statistics.surveys import campaigns, latest_per_customer, sheets
from server.statistics.trips import parts, trips

MORNING = datetime(2026, 5, 4, 8, 0)


def case(number: str = "FR-1", at: datetime = MORNING, **known: Any) -> Case:
    """A report of a train's failing board, repaired three hours later unless told otherwise."""
    usual = {
        "station": "SH", "occurred_at": at, "reported_at": at, "arrived_at": at + timedelta(hours=2), "visits": 1,
        "repaired_at": at + timedelta(hours=3), "vehicle": "0101", "car": "3车", "part": "BCU",
        "failure_mode": "BCU-COM",
    }  # fmt: skip
    return Case(number=number, **(usual | known))


def figures_of(cases: list[Case], now: datetime) -> tuple[MonthFigures, ...]:
    """The months of *cases* as the boards show them."""
    found, reported, backlog = add_up(cases, now), Counter[date](), Counter[date]()
    for group, measures in found.cases.items():
        reported[group.month] += measures.failures
    for open_group, counts in found.backlog.items():
        backlog[open_group.month] += counts.open
    return month_figures(reported, backlog, now)


@st.composite
def histories(draw: st.DrawFn) -> list[Case]:
    """Cases of two years with their steps in order, some still open."""
    found: list[Case] = []
    for index in range(draw(st.integers(0, 12))):
        at = datetime(2025, 1, 1) + timedelta(hours=draw(st.integers(0, 17_000)))
        steps = [at + timedelta(hours=draw(st.integers(1, 400)) * (n + 1)) for n in range(6)]
        taken: list[Any] = steps[: draw(st.integers(0, 6))] + [None] * 6
        repaired, analysed, planned, completed, verified, closed = taken[:6]
        found.append(
            case(
                f"FR-{index}", at, repaired_at=repaired, arrived_at=repaired, analysed_on=analysed and analysed.date(),
                planned_on=planned and planned.date(), completed_on=completed and completed.date(),
                verified_on=verified and verified.date(), closed_on=closed and closed.date(),
                vehicle=draw(st.sampled_from(["0101", "0102", None])),
            )
        )  # fmt: skip
    return found


INSTANTS = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1))


@pytest.mark.parametrize(
    ("steps", "stage"),
    [
        ({"repaired_at": None}, Stage.HANDLING),
        ({}, Stage.ANALYSIS),
        ({"analysed_on": date(2026, 5, 6)}, Stage.CLOSE_OUT),
        ({"analysed_on": date(2026, 5, 6), "planned_on": date(2026, 6, 1)}, Stage.ACTION),
        (
            {"analysed_on": date(2026, 5, 6), "planned_on": date(2026, 6, 1), "completed_on": date(2026, 5, 30)},
            Stage.VERIFICATION,
        ),
        ({"closed_on": date(2026, 5, 6)}, Stage.CLOSED),
    ],
)
def test_stage_is_what_the_case_waits_for(steps: Mapping[str, Any], stage: Stage) -> None:
    """The first step of the loop that is not done names the stage."""
    assert case(**steps).stage is stage


def test_later_steps_have_not_happened_yet() -> None:
    """Seen from before its repair, a case is in handling, and before its report it is not there."""
    found = case(closed_on=date(2026, 6, 1), analysed_on=date(2026, 5, 6), planned_on=date(2026, 7, 1))
    early = found.until(MORNING + timedelta(hours=2, minutes=30))

    assert found.until(MORNING - timedelta(minutes=1)) is None
    assert early is not None
    assert (early.stage, early.open, early.planned_on) == (Stage.HANDLING, True, None)
    assert early.arrived_at is not None


def test_age_stops_with_the_close() -> None:
    """An open case grows older, a closed one does not."""
    assert case().age_days(datetime(2026, 5, 14, 7, 0)) == 10
    assert case(closed_on=date(2026, 5, 6)).age_days(datetime(2026, 5, 14)) == 2


@pytest.mark.parametrize(
    ("days", "bucket"), [(0, 0), (7, 0), (8, 1), (30, 1), (31, 2), (90, 2), (91, 3), (180, 3), (181, 4)]
)
def test_bucket_includes_its_upper_day(days: int, bucket: int) -> None:
    """0-7, 8-30, 31-90, 91-180 and over 180 days."""
    assert bucket_of(days) == bucket


def test_negative_duration_is_no_duration() -> None:
    """A repair before the arrival is a data error and stays out of every mean."""
    assert case(repaired_at=MORNING + timedelta(hours=1)).repair_hours is None
    assert case().repair_hours == 1.0


def test_same_failure_within_thirty_days_is_a_repeat() -> None:
    """A→B→C are two repeats of one chain, and the window ends with its thirtieth day."""
    repaired = MORNING + timedelta(hours=3)
    chain = [case("A"), case("B", repaired + timedelta(days=30)), case("C", repaired + timedelta(days=35))]
    late = case("D", repaired + timedelta(days=100))
    found = repeats([*chain, late])

    assert found.repeated == {"B", "C"}
    assert found.followed == {"A", "B"}


@pytest.mark.parametrize("other", [{"vehicle": "0102"}, {"car": "4车"}, {"part": "PRS"}, {"failure_mode": "BCU-SW"}])
def test_another_train_car_part_or_mode_is_no_repeat(other: Mapping[str, Any]) -> None:
    """Every part of the key must be the same."""
    assert not repeats([case("A"), case("B", MORNING + timedelta(days=5), **other)]).repeated


def test_report_of_an_open_fault_is_a_duplicate() -> None:
    """What is reported again before the repair is not a repeat."""
    found = repeats([case("A", repaired_at=None), case("B", MORNING + timedelta(days=5))])

    assert (found.repeated, found.duplicates) == (frozenset(), {"B"})


def test_missing_key_is_undecided() -> None:
    """Without a car nobody can say whether it is the same."""
    assert repeats([case("A", car=None)]).undecided == {"A"}


def test_first_time_fix_of_the_definition_vector() -> None:
    """Definition vector "ftfr": of five jobs one needs two visits and one comes back after 12 days: 3 of 5."""
    jobs = [case(f"J{i}", vehicle=f"010{i}", visits=2 if i == 3 else 1) for i in range(1, 6)]
    back = case("J6", MORNING + timedelta(hours=3, days=12), vehicle="0105")
    instant = MORNING + timedelta(days=31)
    judged = [fixed_first_time(job, instant) for job in flagged([*jobs, back])]

    assert judged == [True, True, False, True, False, None]
    assert sum(j is True for j in judged) / sum(j is not None for j in judged) == 0.6


@given(histories(), INSTANTS, INSTANTS)
@settings(max_examples=60, deadline=None)
def test_closing_a_case_never_changes_an_earlier_report(history: list[Case], one: datetime, other: datetime) -> None:
    """A report for an earlier instant is the same before and after anything that happened later."""
    then, later = sorted((one, other))
    known_later = [c for c in (case.until(later) for case in history) if c is not None]

    assert [c for c in (case.until(then) for case in known_later) if c is not None] == [
        c for c in (case.until(then) for case in history) if c is not None
    ]


@given(histories(), INSTANTS, st.randoms())
@settings(max_examples=60, deadline=None)
def test_figures_do_not_depend_on_the_order_of_rows(history: list[Case], now: datetime, shuffle: Any) -> None:
    """The same cases in any order give the same months, ages and repeats."""
    seen = [c for c in (case.until(now) for case in history) if c is not None]
    mixed = seen.copy()
    shuffle.shuffle(mixed)

    assert figures_of(mixed, now) == figures_of(seen, now)
    assert by_stage(mixed, now) == by_stage(seen, now)
    assert repeats(mixed) == repeats(seen)


@given(histories(), INSTANTS)
@settings(max_examples=60, deadline=None)
def test_sums_agree(history: list[Case], now: datetime) -> None:
    """Months add up to all reports; opened less closed is the backlog, and the ages count the same open cases."""
    seen = [c for c in (case.until(now) for case in history) if c is not None]
    figures = figures_of(seen, now)
    open_cases = sum(case.open for case in seen)

    assert sum(month.failures for month in figures) == len(seen)
    assert sum(month.closed for month in figures) == len(seen) - open_cases
    assert (figures[-1].backlog if figures else 0) == open_cases
    assert sum(stage.total for stage in by_stage(seen, now)) == open_cases


def test_month_is_judged_by_the_year_before_it() -> None:
    """After twelve months of ten, thirty is outside the 95 % limits and the running month is not judged."""
    history = [case(f"{m}-{i}", datetime(2025, m, 1 + i)) for m in range(1, 13) for i in range(10)]
    history += [case(f"x{i}", datetime(2026, 1, 1 + i % 28)) for i in range(30)]
    history += [case("y", datetime(2026, 2, 1))]
    now = datetime(2026, 2, 3)
    *_, january, february = figures_of(history, now)

    assert (january.mean, january.lower, january.upper, january.outside) == (10.0, 4, 17, "high")
    assert (february.complete, february.outside) == (False, "")


# Deadlines


@pytest.mark.parametrize(
    ("due", "done", "reached"),
    [
        (date(2026, 5, 8), date(2026, 5, 8), State.ON_TIME),
        (date(2026, 5, 8), date(2026, 5, 9), State.LATE),
        (date(2026, 5, 11), None, State.NOT_DUE),
        (date(2026, 5, 10), None, State.NOT_DUE),
        (date(2026, 5, 9), None, State.OVERDUE),
        (None, None, State.NOT_DUE),
    ],
)
def test_due_day_is_still_in_time(due: date | None, done: date | None, reached: State) -> None:
    """以内 includes the day itself; what is open after it is overdue."""
    assert state(due, done, date(2026, 5, 10)) is reached


def test_overdue_counts_against_the_rate() -> None:
    """Leaving out what is open and past due is the usual way to flatter the rate."""
    found = OnTime.of([State.ON_TIME, State.ON_TIME, State.LATE, State.OVERDUE, State.NOT_DUE])

    assert (found.due, found.rate) == (4, 0.5)
    assert OnTime().rate is None


def test_hours_reach_their_limit() -> None:
    """Exactly six hours are in time."""
    assert state_by_hours(6.0, 6.0, 6.0) is State.ON_TIME
    assert state_by_hours(6.1, 6.1, 6.0) is State.LATE
    assert state_by_hours(None, 7.0, 6.0) is State.OVERDUE


def test_working_hours_skip_nights_holidays_and_count_make_up_days() -> None:
    """National Day 2025 is off, Sunday 28 September 2025 is a make-up day (调休)."""
    assert working_hours(datetime(2025, 9, 28, 8, 0), datetime(2025, 9, 28, 20, 0), 8.5, 17.5) == 9.0
    assert working_hours(datetime(2025, 9, 30, 16, 30), datetime(2025, 10, 9, 9, 30), 8.5, 17.5) == 2.0


# Kilometres

MEASURED = Readings.of([(date(2026, 1, 1), 0), (date(2026, 4, 11), 30_000)])


def test_wrong_odometer_readings_fall_out() -> None:
    """A digit lost, a digit too many and a reading that goes back are no readings."""
    days = [date(2026, 1, 1) + timedelta(days=30 * n) for n in range(6)]
    readings = list(zip(days, (100_000, 109_000, 11_800, 1_270_000, 136_000, 145_000), strict=True))

    assert plausible(Readings.of(readings))[0].values.tolist() == [100_000, 109_000, 136_000, 145_000]


def test_kilometres_are_interpolated_between_readings() -> None:
    """300 km a day measured over 100 days are 9 000 km in 30 of them."""
    fleet = Fleet(
        [
            TrainLife(
                code="0101",
                type="B",
                begin=date(2026, 1, 1),
                readings=MEASURED,
            )
        ]
    )
    found = fleet.kilometres(date(2026, 2, 1), date(2026, 3, 2))

    assert found.km == pytest.approx(9_000)
    assert found.estimated == 0


def test_train_without_readings_runs_like_its_type() -> None:
    """A train that never failed has run all the same: its type's mean stands in, marked as estimated."""
    measured = TrainLife(code="0101", type="B", begin=date(2026, 1, 1), readings=MEASURED)
    silent = TrainLife(code="0102", type="B", begin=date(2026, 2, 1))
    found = Fleet([measured, silent]).kilometres(date(2026, 2, 1), date(2026, 2, 10), ["0102"])

    assert (found.km, found.estimated) == (pytest.approx(3_000), pytest.approx(3_000))


@given(st.integers(1, 90), st.integers(1, 90))
def test_adding_a_train_without_failures_adds_kilometres(first: int, length: int) -> None:
    """More exposure lowers the rate; it never disappears."""
    measured = TrainLife(code="0101", type="B", begin=date(2026, 1, 1), readings=MEASURED)
    silent = TrainLife(code="0102", type="B", begin=date(2026, 1, 1))
    begin = date(2026, 1, 1) + timedelta(days=first)
    span = (begin, begin + timedelta(days=length))

    assert Fleet([measured, silent]).kilometres(*span).km > Fleet([measured]).kilometres(*span).km


# Trips and surveys


def _plan(number: str, departs: date, returns: date, *companions: str, leader: str = "P1") -> dict[str, Any]:
    return {
        "number": number, "station": "SH", "leader": leader, "departs_on": departs, "returns_on": returns,
        "customer": "C1", "destination": "南京", "purpose": "repair",
        "companions": [{"person": person} for person in companions], "budget_total": 1_000.0, "failure_no": None,
    }  # fmt: skip


def _summary(plan_no: str, departed: date, returned: date, persons: int, on: date) -> dict[str, Any]:
    return {
        "number": f"S-{plan_no}", "station": "SH", "leader": "P1", "plan_no": plan_no, "departed_on": departed,
        "customer": "C1", "returned_on": returned, "persons": persons, "destination": "南京", "purpose": "repair",
        "cost_total": 900.0, "cost_travel": 500.0, "cost_lodging": 300.0, "cost_allowance": 100.0, "cost_other": None,
        "undone_count": 1, "summary_on": on, "planned_return_on": None, "customer_rating": None,
        "acceptance_papers": "yes",
    }  # fmt: skip


def test_trips_of_the_definition_vector() -> None:
    """Definition vector "trips": two persons for 3-6 May and one on 10 May are 3 人次 and 9 人天."""
    plans = [
        _plan("A", date(2016, 5, 3), date(2016, 5, 6), "P2"),
        _plan("B", date(2016, 5, 10), date(2016, 5, 10), leader="P3"),
    ]
    found = trips(plans, [], date(2016, 5, 31), 2)

    assert sum(trip.persons for trip in found) == 3
    assert sum(trip.person_days(date(2016, 5, 31)) for trip in found) == 9


def test_summary_belongs_to_its_plan() -> None:
    """Plan and summary are one trip with the actual dates; a person counted but not named stays counted."""
    plans = [_plan("A", date(2016, 5, 3), date(2016, 5, 6), "P2")]
    (found,) = trips(
        plans, [_summary("A", date(2016, 5, 3), date(2016, 5, 7), 3, date(2016, 5, 10))], date(2016, 5, 31), 2
    )

    assert found.travellers == ("P1", "P2", None)
    assert (found.returned_on, found.cost, found.undone, found.summary) == (date(2016, 5, 7), 900.0, 1, State.LATE)


def test_a_plan_keeps_its_own_summary() -> None:
    """Another leader named the same plan, later: their trip is one without a plan."""
    plans = [_plan("A", date(2016, 5, 3), date(2016, 5, 6))]
    own = _summary("A", date(2016, 5, 3), date(2016, 5, 6), 1, date(2016, 5, 7))
    other = _summary("A", date(2016, 5, 20), date(2016, 5, 21), 1, date(2016, 5, 22)) | {"number": "S-B"}
    for leader, departed in (("P9", date(2016, 5, 20)), ("P1", date(2016, 5, 20)), ("P9", date(2016, 5, 3))):
        strange = other | {"leader": leader, "departed_on": departed}
        found = {trip.summary_no: trip.number for trip in trips(plans, [own, strange], date(2016, 5, 31), 2)}

        assert found == {"S-A": "A", "S-B": "S-B"}


def test_trip_without_summary_is_overdue_after_two_days() -> None:
    """The second day after the return is in time, the third is not."""
    plans = [_plan("A", date(2016, 5, 3), date(2016, 5, 6))]

    assert [trips(plans, [], date(2016, 5, day), 2)[0].summary for day in (4, 8, 9)] == [
        State.NOT_DUE,
        State.NOT_DUE,
        State.OVERDUE,
    ]


@given(st.dates(date(2020, 1, 1), date(2029, 1, 1)), st.integers(0, 120))
def test_days_split_at_month_ends_add_up(departs: date, length: int) -> None:
    """A trip across months loses no day, and one part only carries the trip."""
    found = list(parts(departs, departs + timedelta(days=length)))

    assert sum(part.days for part in found) == length + 1
    assert [part.first for part in found] == [True] + [False] * (len(found) - 1)
    assert len({part.month for part in found}) == len(found)


def _sheet(
    customer: str, total: float | None, returned: date | None = date(2026, 10, 20), **known: Any
) -> dict[str, Any]:
    scores = {f"score_{item}": total for item in ("quality", "price", "delivery", "packaging", "service")}
    return {
        "campaign_year": 2026, "campaign": "q4", "customer": customer, "station": "SH", "sent_on": date(2026, 10, 9),
        "outcome": "no_answer" if total is None else "returned", "returned_on": None if total is None else returned,
        "total_score": total, "recommend": 9, "weakest": "price", "created_at": datetime(2026, 10, 21),
        **scores, **known,
    }  # fmt: skip


def test_latest_sheet_of_a_customer_counts() -> None:
    """Two sheets of one customer in one campaign: the later one that came back."""
    rows = [_sheet("A", 60.0), _sheet("A", 90.0, date(2026, 10, 25)), _sheet("B", None)]
    (found,) = campaigns(sheets(rows, date(2026, 11, 1)), 4, 85.0)

    assert found.satisfaction.index == 90.0
    assert (found.coverage.frame, found.coverage.sent, found.coverage.returned) == (4, 2, 1)


def test_sheet_back_later_has_not_come_back_yet() -> None:
    """A report for the day before the return counts the sheet as sent only."""
    (found,) = latest_per_customer(sheets([_sheet("A", 90.0)], date(2026, 10, 19)))

    assert found.total is None
    assert sheets([_sheet("A", 90.0)], date(2026, 10, 8)) == []


@pytest.mark.parametrize(
    ("day", "names"),
    [(date(2016, 5, 3), ("2016-05", "2016Q2", "2016-W18")), (date(2021, 1, 3), ("2021-01", "2021Q1", "2020-W53"))],
)
def test_periods_have_their_usual_names(day: date, names: tuple[str, str, str]) -> None:
    """Month, quarter and ISO week."""
    assert (month_of(day), quarter_of(day), week_of(day)) == names


def test_months_run_from_first_to_last() -> None:
    """Every month from that of the first day to that of the last."""
    assert list(months(date(2025, 11, 30), date(2026, 1, 1))) == [
        date(2025, 11, 1),
        date(2025, 12, 1),
        date(2026, 1, 1),
    ]
    assert end_of(date(2026, 1, 1)).date() == date(2026, 1, 1)


def test_reported_case_keeps_what_was_known() -> None:
    """A case as of its last step is the case itself."""
    found = case(closed_on=date(2026, 6, 1), analysed_on=date(2026, 5, 6))

    assert found.until(datetime(2026, 6, 1, 0, 0)) is found
    assert found._replace(closed_on=None).open
