"""By when a form is due, in calendar days or in working days of the Chinese calendar."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

import chinese_calendar

from workbooks.filled import Values
from workbooks.form import Deadline, FormDefinition, Text

_LONGEST = 3660  # days a deadline may be away


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadlineState:
    """Whether one deadline was met: *late_days* counts the days after *due*, as the deadline counts them."""

    name: str
    label: Text
    due: date
    late_days: int
    state: Literal["on-time", "late"]


def deadline_states(
    definition: FormDefinition, values: Values, today: date
) -> Iterator[tuple[Deadline, DeadlineState]]:
    """The state of each deadline whose first day is known, for a form that arrives on *today*."""
    for deadline in definition.deadlines:
        start = values.get(deadline.start)
        if isinstance(start, datetime):
            start = start.date()
        if not isinstance(start, date):
            continue
        within = min(int(definition.threshold(deadline.within).value), _LONGEST)
        working = deadline.count == "working_days"
        due = working_days_after(start, within) if working else start + timedelta(days=within)
        late = working_days_between(due, today) if working else (today - due).days
        # On the weekend after the due day no working day has passed, but late is late.
        late = max(1, late) if today > due else 0
        state: Literal["on-time", "late"] = "late" if late else "on-time"
        yield (
            deadline,
            DeadlineState(name=deadline.name, label=deadline.label, due=due, late_days=late, state=state),
        )


def is_working_day(day: date) -> bool:
    """
    Whether people work on *day* in China: holidays off, make-up days (调休) on.

    The State Council announces a year's holidays the autumn before; beyond the years that
    chinesecalendar knows, Mondays to Fridays count.
    """
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def working_days_after(start: date, count: int) -> date:
    """The day on which *count* working days have passed since *start*, which itself does not count."""
    day = start
    while count > 0:
        day += timedelta(days=1)
        count -= is_working_day(day)
    return day


def working_days_between(start: date, end: date) -> int:
    """The working days after *start* up to and with *end*; 0 when *end* is not after *start*."""
    span = min((end - start).days, _LONGEST)
    return sum(is_working_day(start + timedelta(days=offset)) for offset in range(1, span + 1))
