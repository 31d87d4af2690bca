"""Months and quarters as people write them: 2016-05, 2016Q2, 2016-W18."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo

from workbooks.form import Text

EARLIEST, LATEST = date(1990, 1, 1), date(2199, 12, 31)


def month_of(day: date) -> str:
    return f"{day.year}-{day.month:02d}"


def quarter_of(day: date) -> str:
    return f"{day.year}Q{(day.month + 2) // 3}"


def month_number(day: date) -> int:
    """The month as rollups name it, such as 201605."""
    return day.year * 100 + day.month


@cache
def month_begin(number: int) -> date:
    """The first day of the month with that number."""
    return date(number // 100, number % 100, 1)


def week_of(day: date) -> str:
    """The ISO week; the first days of January may belong to the last week of the year before."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


def first_of_month(day: date) -> date:
    return day.replace(day=1)


def last_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


def months_later(day: date, months: int) -> date:
    """The same day *months* later, the month's last day where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def months(first: date, last: date) -> Iterator[date]:
    """The first day of every month from that of *first* to that of *last*."""
    month = first_of_month(first)
    while month <= last:
        yield month
        month = months_later(month, 1)


class OutOfReach(ValueError):
    """A day for which no figures can be computed: the calendar ends within a year of it; *message* says which can."""

    def __init__(self) -> None:
        self.message = Text(
            f"应为 {EARLIEST} 与 {LATEST} 之间的日期。", f"A day between {EARLIEST} and {LATEST} is needed."
        )
        super().__init__(self.message.en)


def names_of(first: date, last: date, *, by_quarter: bool) -> list[str]:
    """Every month or quarter from that of *first* to that of *last*, also those in which nothing happened."""
    name = quarter_of if by_quarter else month_of
    return list(dict.fromkeys(name(month) for month in months(first, last)))


def instant_of(day: date, zone: ZoneInfo) -> datetime:
    """
    The end of *day* in *zone*, in UTC: what an as-of date means.

    Raises:
        OutOfReach: The day is not between `EARLIEST` and `LATEST`.
    """
    if not EARLIEST <= day <= LATEST:
        raise OutOfReach
    return datetime.combine(day, time.max, zone).astimezone(UTC)


def end_of(day: date) -> datetime:
    """The last moment of *day*."""
    return datetime.combine(day, time.max)
