"""What was due by when: on time, late, not due yet, or overdue; working hours with the Chinese calendar."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cache, lru_cache

from server.statistics.measures import ratio
from workbooks.deadlines import is_working_day
from workbooks.form import Text


class State(StrEnum):
    ON_TIME = "on_time"
    LATE = "late"
    NOT_DUE = "not_due"
    OVERDUE = "overdue"  # not done, and the day is past
    ERROR = "error"  # done before its clock started: nobody can say


STATE_LABELS = {
    State.ON_TIME: Text("按时", "On time"),
    State.LATE: Text("超时", "Late"),
    State.NOT_DUE: Text("未到期", "Not due"),
    State.OVERDUE: Text("超期未完", "Overdue"),
    State.ERROR: Text("数据错误", "Data error"),
}


def state(due: date | None, done: date | None, on: date) -> State:
    """How a thing due on *due* (that day included) and done on *done* stands on *on*; without *due* it is not due."""
    if done is not None and done <= on:
        return State.ON_TIME if due is None or done <= due else State.LATE
    return State.OVERDUE if due is not None and due < on else State.NOT_DUE


def state_by_hours(hours: float | None, waited: float, limit: float) -> State:
    """
    How something that took *hours*, or has been waited for so long, stands against *limit* hours.

    It cannot have taken less than none: that is a data error.
    """
    if hours is not None and hours < 0:
        return State.ERROR
    if hours is not None:
        return State.ON_TIME if hours <= limit else State.LATE
    return State.OVERDUE if waited > limit else State.NOT_DUE


_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class OnTime:
    """Counts of the states; what is overdue and not done counts against the rate, data errors nowhere."""

    on_time: int = 0
    late: int = 0
    not_due: int = 0
    overdue: int = 0
    errors: int = 0

    @classmethod
    def of(cls, states: Iterable[State]) -> "OnTime":
        counted = Counter(states)
        return cls(*(counted[s] for s in State))

    @property
    def due(self) -> int:
        return self.on_time + self.late + self.overdue

    @property
    def rate(self) -> float | None:
        """on time ÷ (on time + late + overdue): leaving out what is overdue would flatter it."""
        return ratio(self.on_time, self.due)


@lru_cache(maxsize=65_536)  # several columns ask for the hours of the same case
def working_hours(start: datetime, end: datetime, opens: float, closes: float) -> float:
    """
    Hours between *start* and *end* that lie in the office hours of Chinese working days.

    *opens* and *closes* are hours of the day (8.5 is half past eight). Make-up days
    (调休) count, public holidays do not.
    """
    total, last = 0.0, end.toordinal()
    for day in range(start.toordinal(), last + 1):
        if hours := _office_hours(day, opens, closes):
            begin, finish = max(start, hours[0]), min(end, hours[1])
            if finish > begin:
                total += (finish - begin) / _HOUR
    return total


@cache
def _office_hours(day: int, opens: float, closes: float) -> tuple[datetime, datetime] | None:
    """From when to when people work on that day; None where they do not."""
    on = date.fromordinal(day)
    if not is_working_day(on):
        return None
    midnight = datetime.combine(on, time())
    return midnight + timedelta(hours=opens), midnight + timedelta(hours=closes)
