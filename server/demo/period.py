"""The 36 months of the demo: whole months before the month of the last day, then the days up to it."""

from calendar import monthrange
from datetime import date

MONTHS = 36


def months_later(day: date, months: int) -> date:
    """The same day *months* later, the month's last day where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def first_day(until: date) -> date:
    """The first day of the history that ends with *until*."""
    return months_later(until.replace(day=1), -MONTHS)


def month_number(day: date, until: date) -> float:
    """How many months of the history have passed on *day*: 0.0 on its first day."""
    start = first_day(until)
    return (day.year - start.year) * 12 + day.month - start.month + (day.day - 1) / 30.4
