"""When workbooks are due: over the whole calendar, by day, month and after downtime."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.reports.registered.period_rules import PeriodRule, days
from server.reports.registered.schedule import Rhythm, Schedule, due, figures_as_of, following
from workbooks.deadlines import is_working_day

SHANGHAI = ZoneInfo("Asia/Shanghai")
MOMENTS = st.datetimes(datetime(2015, 1, 1), datetime(2029, 12, 31)).map(lambda m: m.replace(tzinfo=UTC))
SCHEDULES = st.builds(
    Schedule,
    st.sampled_from([Rhythm.WORKING_DAYS, Rhythm.MONTH_END]),
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    st.sampled_from([SHANGHAI, ZoneInfo("Europe/Berlin")]),
)


def _at(year: int, month: int, day: int, hour: int = 8, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=SHANGHAI)


def _daily(at: time = time(8)) -> Schedule:
    return Schedule(Rhythm.WORKING_DAYS, at, SHANGHAI)


MONTHLY = Schedule(Rhythm.MONTH_END, time(8), SHANGHAI)


@settings(max_examples=40, deadline=None)
@given(SCHEDULES, MOMENTS)
def test_the_next_occurrence_is_the_first_due_afterwards(schedule: Schedule, moment: datetime):
    """Nothing is due until it comes, and then it is, exactly it."""
    coming = following(schedule, moment)

    assert coming is not None
    assert coming > moment
    assert due(schedule, moment, coming - timedelta(microseconds=1)) is None
    found = due(schedule, moment, coming)
    assert found is not None
    assert (found.occurrence, found.missed) == (coming, 0)


@settings(max_examples=40, deadline=None)
@given(SCHEDULES, MOMENTS, st.integers(1, 90))
def test_after_downtime_the_latest_is_due_and_the_others_are_counted(schedule: Schedule, moment: datetime, later: int):
    """One at a time and all at once agree on the last, and on how many there were."""
    until = moment + timedelta(days=later)
    one_by_one, after = [], moment
    while (coming := following(schedule, after)) is not None and coming <= until:
        one_by_one.append(coming)
        after = coming

    found = due(schedule, moment, until)

    assert ([found.occurrence, found.missed] if found else []) == (
        [one_by_one[-1], len(one_by_one) - 1] if one_by_one else []
    )


@settings(max_examples=40, deadline=None)
@given(SCHEDULES, MOMENTS)
def test_workbooks_are_due_on_working_days_only(schedule: Schedule, moment: datetime):
    coming = following(schedule, moment)

    assert coming is not None
    local = coming.astimezone(schedule.zone)
    assert is_working_day(local.date())
    if schedule.rhythm is Rhythm.MONTH_END:
        first = local.date().replace(day=1)
        assert not any(is_working_day(first + timedelta(days=n)) for n in range((local.date() - first).days))


def test_make_up_days_count_and_holidays_do_not():
    """2026-10-01 to 07 is the National Day holiday; Saturday 10 October makes up for it."""
    assert following(_daily(), _at(2026, 9, 30)) == _at(2026, 10, 8)
    assert following(_daily(), _at(2026, 10, 9)) == _at(2026, 10, 10)
    assert following(_daily(), _at(2026, 10, 10)) == _at(2026, 10, 12)


def test_the_month_ends_on_the_first_working_day_after_it():
    """1 May 2026 opens a holiday; what is due on the 6th shows April."""
    occurrence = following(MONTHLY, _at(2026, 4, 20))

    assert occurrence == _at(2026, 5, 6)
    assert occurrence is not None
    as_of = figures_as_of(MONTHLY, occurrence, _at(2026, 5, 29))
    assert as_of.astimezone(SHANGHAI).date() == date(2026, 4, 30)
    assert as_of + timedelta(microseconds=1) == _at(2026, 5, 1, 0)


def test_other_figures_are_as_of_the_moment_of_the_run():
    assert figures_as_of(_daily(), _at(2026, 5, 6), _at(2026, 5, 8)) == _at(2026, 5, 8)


@pytest.mark.parametrize("rhythm", [Rhythm.MANUAL, Rhythm.SUBMISSIONS])
def test_no_calendar_makes_the_others_due(rhythm: Rhythm):
    schedule = Schedule(rhythm, time(8), SHANGHAI)

    assert following(schedule, _at(2026, 5, 6)) is None
    assert due(schedule, _at(2020, 1, 1), _at(2026, 5, 6)) is None


def test_a_server_asleep_for_years_does_not_count_for_ever():
    found = due(_daily(), _at(2005, 1, 3), _at(2026, 11, 23))

    assert found is not None
    assert (found.occurrence, found.missed) == (_at(2026, 11, 23), 400)


@pytest.mark.parametrize(
    ("rule", "start", "end"),
    [
        (PeriodRule.THIS_MONTH, date(2026, 2, 1), date(2026, 2, 28)),
        (PeriodRule.LAST_MONTH, date(2026, 1, 1), date(2026, 1, 31)),
        (PeriodRule.THIS_QUARTER, date(2026, 1, 1), date(2026, 3, 31)),
        (PeriodRule.LAST_QUARTER, date(2025, 10, 1), date(2025, 12, 31)),
        (PeriodRule.MONTH_TO_DATE, date(2026, 2, 1), date(2026, 2, 10)),
        (PeriodRule.LAST_12_MONTHS, date(2025, 3, 1), date(2026, 2, 10)),
        (PeriodRule.HISTORY, None, None),
    ],
)
def test_periods_move_along_with_the_calendar(rule: PeriodRule, start: date | None, end: date | None):
    assert days(rule, date(2026, 2, 10)) == (start, end)
