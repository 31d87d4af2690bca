"""When a registered workbook is due: pure functions over the Chinese working calendar."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from server.statistics.periods import first_of_month, instant_of
from workbooks.deadlines import is_working_day

MISSED_COUNTED = 400  # more are not told apart: "400" then means "many"
_DAY = timedelta(days=1)


class Rhythm(StrEnum):
    """What makes a workbook due."""

    MANUAL = "manual"  # only when a person says so
    WORKING_DAYS = "working-days"
    MONTH_END = "month-end"  # on the first working day after it, with the figures as of it
    SUBMISSIONS = "submissions"  # after each batch of submissions


@dataclass(frozen=True, slots=True)
class Schedule:
    """A rhythm, and the time of the day in *zone* at which it beats."""

    rhythm: Rhythm
    at: time
    zone: ZoneInfo

    def beats(self, day: date) -> bool:
        """Whether something is due on *day*."""
        if self.rhythm is Rhythm.WORKING_DAYS:
            return is_working_day(day)
        return self.rhythm is Rhythm.MONTH_END and day == first_working_day(day)

    def instant(self, day: date) -> datetime:
        """When it is due on *day*, in UTC."""
        return datetime.combine(day, self.at, self.zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Due:
    """The occurrence that is due, and how many before it were missed and are not made up for."""

    occurrence: datetime
    missed: int


def first_working_day(day: date) -> date:
    """The first working day of the month of *day*."""
    found = first_of_month(day)
    while not is_working_day(found):
        found += _DAY
    return found


def due(schedule: Schedule, after: datetime, until: datetime) -> Due | None:
    """
    The latest occurrence after *after* up to and with *until* (both aware).

    However many there were, one is due: the figures of a day nobody was there are not
    delivered twice the next morning.
    """
    found: datetime | None = None
    missed = 0
    for occurrence in _backwards(schedule, until):
        if occurrence <= after or missed == MISSED_COUNTED:
            break
        missed += found is not None
        found = found or occurrence
    return Due(found, missed) if found else None


def following(schedule: Schedule, after: datetime) -> datetime | None:
    """The first occurrence after *after* (aware); None where no calendar says when."""
    if schedule.rhythm not in (Rhythm.WORKING_DAYS, Rhythm.MONTH_END):
        return None
    day = after.astimezone(schedule.zone).date()
    while not (schedule.beats(day) and schedule.instant(day) > after):
        day += _DAY
    return schedule.instant(day)


def figures_as_of(schedule: Schedule, occurrence: datetime, now: datetime) -> datetime:
    """
    As of when a run for *occurrence* that happens *now* shows the figures.

    At a month's end: as of the last moment of the month before, whenever it is made, so
    that a late run reads like one in time. Otherwise as of the moment it runs.
    """
    if schedule.rhythm is not Rhythm.MONTH_END:
        return now
    return instant_of(first_of_month(occurrence.astimezone(schedule.zone).date()) - _DAY, schedule.zone)


def _backwards(schedule: Schedule, until: datetime) -> Iterator[datetime]:
    if schedule.rhythm not in (Rhythm.WORKING_DAYS, Rhythm.MONTH_END):
        return
    day = until.astimezone(schedule.zone).date()
    while day.year > 2000:
        if schedule.beats(day) and (occurrence := schedule.instant(day)) <= until:
            yield occurrence
        day -= _DAY
