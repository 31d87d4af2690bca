"""Dates and times as people type them: 2022年3月5日, ２０２２／３／５, 二〇二二年三月五日, 5 Mar 2022, 下午2点半."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from workbooks.formulas.excel_values import date_of, instant_of
from workbooks.spellings.numbers import chinese_number

_FIRST_YEAR, _LAST_YEAR = 1900, 2199
# A number without a date format is taken for a serial only if it falls into these years.
_SERIALS: Final = range(18264, 73051)  # 1950-01-01 to 2100-01-01
_LONGEST = 60  # characters of the longest spelling, generously

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        (
            "jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august",
            "sep sept september", "oct october", "nov november", "dec december",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_DASHES: Final = str.maketrans("−–—〇○", "---零零")
_WEEKDAY = re.compile(
    r"\(?\s*(?:(?:星期|周|礼拜)(?P<zh>[一二三四五六日天])"
    r"|\b(?P<en>mon|tue|wed|thu|fri|sat|sun)(?:day|sday|nesday|rsday|urday)?\b\.?)\s*\)?,?"
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?")
_NUMERIC = re.compile(r"(\d{1,4})\s*([-./年])\s*(\d{1,2})\s*[-./月]\s*(\d{1,4})(?!\d)\s*[日号]?")
_CHINESE = re.compile(
    r"([零一二三四五六七八九]{4})年([一二三四五六七八九十]{1,2})月([一二三四五六七八九十]{1,3})[日号]?"
)
_DAY_FIRST = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[\s.-]*([a-z]{3,9})[\s.,'-]*(\d{4}|\d{2})(?!\d)")
_MONTH_FIRST = re.compile(r"([a-z]{3,9})[\s.-]*(\d{1,2})(?:st|nd|rd|th)?[\s.,'-]+(\d{4})(?!\d)")
_CHINESE_HOUR = "[零一二两三四五六七八九十]{1,3}"
_CLOCK = re.compile(
    rf"""(?P<half>凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|am|a\.m\.|pm|p\.m\.)?\s*
        (?P<hour>\d{{1,2}}|{_CHINESE_HOUR})\s*
        (?:(?P<mark>[:时点h])\s*
           (?:(?P<minute>\d{{1,2}}|半|整|{_CHINESE_HOUR})\s*分?\s*
              (?:[:分]?\s*(?P<second>\d{{1,2}})(?:\.0+)?\s*秒?)?)?
        )?\s*(?P<after>am|a\.m\.|pm|p\.m\.)?""",
    re.VERBOSE,
)


class AmbiguousDate(Exception):
    """A date that can be read in two ways, such as 03/04/2026."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, with the time when one was typed; *doubtful* when it took a guess to read it."""

    day: date
    clock: time | None = None
    doubtful: bool = False

    @property
    def instant(self) -> datetime:
        """The moment, midnight when no time was typed."""
        return datetime.combine(self.day, self.clock or time())


def moment_in(text: str) -> Moment | None:
    """
    The day, and the time if there is one, that *text* means; None when it does not name a full date.

    Raises:
        AmbiguousDate: Which number is the year, the month or the day is not clear.
    """
    if len(text) > _LONGEST:
        return None
    plain = unicodedata.normalize("NFKC", text.replace("〇", "零")).casefold().translate(_DASHES).strip()
    if match := _COMPACT.fullmatch(plain):
        return _compact(match)
    weekday = _WEEKDAY.search(plain)
    if weekday is not None:
        plain = f"{plain[: weekday.start()]} {plain[weekday.end() :]}".strip()
    for day, rest in _days(plain):
        rest = rest.strip(" ,").removeprefix("t").strip()
        wrong_weekday = weekday is not None and _weekday(weekday) != day.weekday()
        if not rest:
            return Moment(day, doubtful=wrong_weekday)
        if (clock := clock_in(rest)) is not None:
            at, next_day = clock
            return Moment(day + timedelta(days=next_day), at, wrong_weekday)
    return None


def moment_of(number: int | float) -> Moment | None:
    """The day and time of a bare *number*: a serial of a plausible year, or 20220305 as people type it."""
    if number == number // 1 and 19000101 <= number <= 21991231:
        match = _COMPACT.fullmatch(str(int(number)))
        return _compact(match) if match else None
    if int(number) not in _SERIALS:
        return None
    instant = instant_of(number)
    return Moment(date_of(number) if number == number // 1 else instant.date(), instant.time())


def clock_in(text: str) -> tuple[time, bool] | None:
    """The time that *text* means, and whether it is that of the next day (24:00); None when it is no time."""
    if len(text) > _LONGEST:
        return None
    plain = unicodedata.normalize("NFKC", text.replace("〇", "零")).casefold().strip()
    match = _CLOCK.fullmatch(plain)
    if match is None or (match["half"] and match["after"]):
        return None
    half = (match["half"] or match["after"] or "").replace(".", "")
    if match["mark"] is None and not match["after"]:
        return None  # a number alone is no time
    if match["mark"] == ":" and (match["minute"] is None or not match["minute"].isdigit()):
        return None
    hour, minute = _small(match["hour"]), _small(match["minute"])
    second = int(match["second"] or 0)
    if hour is None or minute is None:
        return None
    if (hour, minute, second, half) == (24, 0, 0, ""):
        return time(), True
    hour = _of_day(hour, half)
    if hour is None or hour > 23 or minute > 59 or second > 59:
        return None
    return time(hour, minute, second), False


def _of_day(hour: int, half: str) -> int | None:
    """*hour* on the 24-hour clock; None where people mean different hours by it (上午12点, 晚上2点)."""
    match half:
        case "am" | "pm":
            return hour % 12 + (12 if half == "pm" else 0) if 1 <= hour <= 12 else None
        case "凌晨" | "清晨":
            return hour if hour < 8 else None
        case "早上" | "早晨" | "上午":
            return hour if hour < 12 else None
        case "中午":
            return hour if hour in (11, 12) else hour + 12 if hour in (1, 2) else None
        case "下午" | "傍晚":
            return hour if hour >= 12 else hour + 12 if hour >= 1 else None
        case "晚上":
            return hour if hour > 12 else hour + 12 if 5 <= hour < 12 else None
    return hour


def _small(text: str | None) -> int | None:
    if text is None or text == "整":
        return 0
    if text == "半":
        return 30
    return int(text) if text.isdecimal() else chinese_number(text)


def _compact(match: re.Match[str]) -> Moment | None:
    year, month, day, hour, minute, second = (int(group or 0) for group in match.groups())
    if (found := _date(year, month, day)) is None:
        return None
    if match[4] is None:
        return Moment(found)
    return Moment(found, time(hour, minute, second)) if hour < 24 and minute < 60 and second < 60 else None


def _weekday(match: re.Match[str]) -> int:
    if match["zh"]:
        return min("一二三四五六日天".index(match["zh"]), 6)
    return ("mon", "tue", "wed", "thu", "fri", "sat", "sun").index(match["en"])


def _days(plain: str) -> Iterator[tuple[date, str]]:
    """(day, what follows it) for each way in which *plain* begins with a date."""
    if match := _NUMERIC.match(plain):
        if (found := _numeric(match)) is not None:
            yield found, plain[match.end() :]
    elif match := _CHINESE.match(plain):
        numbers = [chinese_number(group) or 0 for group in match.groups()]
        if (found := _date(*numbers)) is not None:
            yield found, plain[match.end() :]
    elif match := _DAY_FIRST.match(plain):
        if (found := _date(_full_year(match[3]), _MONTHS.get(match[2], 0), int(match[1]))) is not None:
            yield found, plain[match.end() :]
    elif (match := _MONTH_FIRST.match(plain)) and (
        found := _date(int(match[3]), _MONTHS.get(match[1], 0), int(match[2]))
    ):
        yield found, plain[match.end() :]


def _numeric(match: re.Match[str]) -> date | None:
    first, mark, second, third = match.groups()
    if len(first) == 4 or mark == "年":
        return _date(_full_year(first), int(second), int(third)) if len(third) <= 2 else None
    if len(first) > 2 or len(third) == 3:
        return None
    readings = {
        _date(_full_year(third), int(second), int(first)),
        _date(_full_year(third), int(first), int(second)),
    }
    if len(third) <= 2:
        readings.add(_date(_full_year(first), int(second), int(third)))
    readings.discard(None)
    if len(readings) > 1:
        raise AmbiguousDate
    return readings.pop() if readings else None


def _full_year(digits: str) -> int:
    year = int(digits)
    if len(digits) == 4:
        return year
    return year + (2000 if year < 70 else 1900) if len(digits) == 2 else 0


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day) if _FIRST_YEAR <= year <= _LAST_YEAR else None
    except ValueError:
        return None
