"""By when a form is due, with the Chinese calendar's holidays and make-up days."""

from datetime import date, datetime

import pytest

from tests.workbooks.drawing import define, field
from workbooks.deadlines import deadline_states, is_working_day, working_days_after, working_days_between
from workbooks.filled import Values


@pytest.mark.parametrize(
    ("day", "working"),
    [
        (date(2025, 10, 1), False),  # National Day, a Wednesday
        (date(2025, 10, 11), True),  # a Saturday on which the holiday is made up for
        (date(2025, 11, 22), False),  # a Saturday
        (date(2025, 11, 24), True),  # a Monday
        (date(2199, 10, 1), True),  # a Tuesday in a year whose holidays nobody knows yet
        (date(2199, 10, 5), False),  # a Saturday in that year
    ],
)
def test_working_days_follow_the_chinese_calendar(day: date, working: bool):
    """Beyond the years that are announced, Mondays to Fridays count."""
    assert is_working_day(day) is working


def test_a_deadline_in_working_days_passes_over_the_holiday():
    """Two working days after 30 September 2025 is the 10th of October: the holiday ends on the 8th."""
    assert working_days_after(date(2025, 9, 30), 2) == date(2025, 10, 10)
    assert working_days_between(date(2025, 9, 30), date(2025, 10, 10)) == 2
    assert working_days_between(date(2025, 10, 10), date(2025, 9, 30)) == 0


def states(values: Values, today: date, count: str = "working_days") -> list[tuple[date, int, str]]:
    definition = define(
        field("back", "datetime"),
        thresholds=[{"name": "days", "value": 2, "source": "002:L97 (T06)"}],
        deadlines=[
            {"name": "due", "label": {"zh": "总结", "en": "Summary"}, "start": "back", "within": "days", "count": count}
        ],
    )
    return [(state.due, state.late_days, state.state) for _, state in deadline_states(definition, values, today)]


def test_late_days_are_counted_as_the_deadline_counts():
    """A form due before the weekend is one working day late on Monday, three calendar days."""
    back: Values = {"back": datetime(2025, 11, 19, 17, 30)}

    assert states(back, date(2025, 11, 21)) == [(date(2025, 11, 21), 0, "on-time")]
    assert states(back, date(2025, 11, 24)) == [(date(2025, 11, 21), 1, "late")]
    assert states(back, date(2025, 11, 24), "calendar_days") == [(date(2025, 11, 21), 3, "late")]


def test_a_weekend_after_the_deadline_is_late_all_the_same():
    """Late is late, even when no working day has passed since."""
    assert states({"back": datetime(2025, 11, 19)}, date(2025, 11, 22)) == [(date(2025, 11, 21), 1, "late")]


def test_nothing_is_due_before_the_first_day_is_known():
    """An empty answer starts no clock."""
    assert states({"back": None}, date(2025, 11, 24)) == []
