"""The date and time functions that rules may use, over Excel's serial numbers."""

import calendar
import math
from datetime import date, timedelta

from workbooks.formulas.excel_values import (
    Scalar,
    date_of,
    instant_of,
    num_error,
    serial_of,
    to_number,
    value_error,
)
from workbooks.formulas.functions.registry import excel

_FIRST_DAYS = {1: 6, 2: 0, 11: 0, 12: 1, 13: 2, 14: 3, 15: 4, 16: 5, 17: 6}  # WEEKDAY's types: Monday is 0


@excel("DATE", "nnn", "the date of a year, month and day; months and days may run over")
def _date(year: float, month: float, day: float) -> int:
    whole = math.trunc(year)
    if whole < 1900:
        whole += 1900
    months = whole * 12 + math.trunc(month) - 1
    if not 1900 <= months // 12 <= 9999:
        raise num_error()
    try:
        found = date(months // 12, months % 12 + 1, 1) + timedelta(days=math.trunc(day) - 1)
    except OverflowError:
        raise num_error() from None
    if found.year < 1900:
        raise num_error()
    return serial_of(found)


@excel("YEAR", "n", "the year of a date")
def _year(serial: float) -> int:
    return 1900 if 0 <= serial < 1 else date_of(serial).year


@excel("MONTH", "n", "the month of a date, 1 to 12")
def _month(serial: float) -> int:
    return 1 if 0 <= serial < 1 else date_of(serial).month


@excel("DAY", "n", "the day of the month")
def _day(serial: float) -> int:
    # Excel calls serial 0 the 0th of January 1900.
    return 0 if 0 <= serial < 1 else date_of(serial).day


@excel("TIME", "nnn", "the time of an hour, minute and second, as a fraction of a day")
def _time(hour: float, minute: float, second: float) -> float:
    seconds = math.trunc(hour) * 3600 + math.trunc(minute) * 60 + math.trunc(second)
    if seconds < 0:
        raise num_error()
    return seconds % 86400 / 86400


@excel("HOUR", "n", "the hour of a time, 0 to 23")
def _hour(serial: float) -> int:
    return instant_of(serial).hour


@excel("MINUTE", "n", "the minute of a time")
def _minute(serial: float) -> int:
    return instant_of(serial).minute


@excel("SECOND", "n", "the second of a time")
def _second(serial: float) -> int:
    return instant_of(serial).second


@excel(
    "WEEKDAY",
    "nn",
    "the day of the week: type 1 counts from Sunday = 1, 2 from Monday = 1, 3 from Monday = 0",
    minimum=1,
)
def _weekday(serial: float, kind: float = 1) -> int:
    if math.trunc(kind) == 3:
        return date_of(serial).weekday()
    first = _FIRST_DAYS.get(math.trunc(kind))
    if first is None:
        raise num_error()
    return (date_of(serial).weekday() - first) % 7 + 1


@excel("EDATE", "nn", "the same day so many months later, the month's last day where it is shorter")
def _edate(serial: float, months: float) -> int:
    return serial_of(_months_later(date_of(serial), math.trunc(months)))


@excel("EOMONTH", "nn", "the last day of the month so many months later")
def _eomonth(serial: float, months: float) -> int:
    found = _months_later(date_of(serial), math.trunc(months))
    return serial_of(found.replace(day=calendar.monthrange(found.year, found.month)[1]))


def _months_later(day: date, months: int) -> date:
    count = day.year * 12 + day.month - 1 + months
    year, month = count // 12, count % 12 + 1
    if not 1900 <= year <= 9999:
        raise num_error()
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


@excel("DAYS", "nn", "how many days lie between the second date and the first")
def _days(end: float, start: float) -> int:
    return math.floor(end) - math.floor(start)


@excel("DATEDIF", "nnv", 'whole years "Y", months "M" or days "D" from one date to another')
def _datedif(start: float, end: float, unit: Scalar) -> int:
    first, last = date_of(start), date_of(end)
    if first > last:
        raise num_error()
    months = (last.year - first.year) * 12 + last.month - first.month - (last.day < first.day)
    match str(unit).upper():
        case "Y":
            return months // 12
        case "M":
            return months
        case "D":
            return (last - first).days
    raise num_error()


@excel("NETWORKDAYS", "nn", "how many Mondays to Fridays there are, both ends counted; public holidays are not known")
def _networkdays(start: float, end: float) -> int:
    first, last = date_of(start), date_of(end)
    if first > last:
        return -_networkdays(end, start)
    weeks, rest = divmod((last - first).days + 1, 7)
    return weeks * 5 + sum((first.weekday() + offset) % 7 < 5 for offset in range(rest))


@excel("DATEVALUE", "t", "the date an ISO text such as 2026-11-21 means")
def _datevalue(text: str) -> int | float:
    if text.count("-") != 2:
        raise value_error()
    return to_number(text)
