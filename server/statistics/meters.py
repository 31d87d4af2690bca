"""Odometers and hour meters: which readings can be right, and what had run by the end of any day."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from workbooks.form import Text

EXTRAPOLATE_DAYS = 45
LEAST_SPAN_DAYS = 30  # readings closer together say nothing about the kilometres a day
MOST_KM_PER_DAY = 3000.0
MOST_HOURS_PER_DAY = 24.0
_LOOK_BACK = 60  # more wrong readings than that in a row are no typing errors
_FOREVER = date(2199, 12, 31).toordinal()

Unit = Literal["km", "h"]


class Readings(NamedTuple):
    """What a meter showed at the end of *days* (ordinal numbers), in any order."""

    days: NDArray[np.int64]
    values: NDArray[np.float64]

    @classmethod
    def of(cls, pairs: Iterable[tuple[date, float]]) -> Self:
        return cls.of_ordinals((day.toordinal(), value) for day, value in pairs)

    @classmethod
    def of_ordinals(cls, pairs: Iterable[tuple[int, float]]) -> Self:
        """Readings of days that are given as ordinal numbers."""
        known = list(pairs)
        days, values = zip(*known, strict=True) if known else ((), ())
        return cls(np.array(days, np.int64), np.array(values, np.float64))

    def and_(self, other: Self) -> Self:
        """These and *other* readings."""
        both = np.concatenate((self.days, other.days)), np.concatenate((self.values, other.values))
        return type(self)(*both)

    @property
    def last(self) -> date | None:
        """The day of the last one."""
        return date.fromordinal(int(self.days.max())) if len(self.days) else None


NO_READINGS = Readings.of(())


class Train(Protocol):
    """What it takes to know how a train ran."""

    @property
    def type(self) -> str: ...
    @property
    def begin(self) -> date: ...
    @property
    def end(self) -> date | None: ...
    @property
    def readings(self) -> Readings: ...
    @property
    def hours(self) -> Readings: ...


@dataclass(frozen=True, slots=True)
class OddReading:
    """A reading that was left out: train, meter, day, value, and what is wrong with it."""

    train: str
    meter: Unit
    day: date
    value: float
    reason: Text


_BACKWARDS = Text("低于此前的读数", "lower than a reading before")
_TOO_FAST = Text(
    "比此前读数增加过多或与后面的读数矛盾", "more than a train can run since the reading before, or above a later one"
)


def plausible(readings: Readings, most_per_day: float = MOST_KM_PER_DAY) -> tuple[Readings, Readings]:
    """
    The longest run of *readings* that never goes down and never runs faster than a train can; and what falls out.

    Both are in order. A digit too many or too few, or the odometer of another train, falls
    out.
    """
    ordered = _in_order(readings)
    rises = np.diff(ordered.values)
    if np.all((rises >= 0) & (rises <= most_per_day * np.maximum(np.diff(ordered.days), 1))):
        return ordered, NO_READINGS
    right = np.zeros(len(ordered.days), bool)
    right[_longest_run(ordered.days.tolist(), ordered.values.tolist(), most_per_day)] = True
    return Readings(ordered.days[right], ordered.values[right]), Readings(ordered.days[~right], ordered.values[~right])


def _in_order(readings: Readings) -> Readings:
    """Each of *readings* once, by day and value."""
    order = np.lexsort((readings.values, readings.days))
    days, values = readings.days[order], readings.values[order]
    if len(days) > 1:
        new = np.concatenate(([True], (np.diff(days) != 0) | (np.diff(values) != 0)))
        days, values = days[new], values[new]
    return Readings(days, values)


def _longest_run(days: list[int], values: list[float], most_per_day: float) -> list[int]:
    """The places of the readings that can be right."""
    length: list[int] = []  # of the longest run that ends with each
    back: list[int] = []
    ends: dict[int, list[int]] = {}  # where runs of a length end

    def longest_first(near: int) -> Iterator[int]:
        """The lengths of runs that end from *near* on."""
        longest = next(reversed(ends), 0)  # lengths come up in order
        if longest and ends[longest][-1] >= near:
            yield longest  # nearly always the right one
        yield from sorted(set(length[max(near, 0) :]) - {longest}, reverse=True)

    def before(at: int) -> int:
        """The reading that the one *at* this place continues: the end of the longest run it can; -1 without one."""
        day, value, near = days[at], values[at], at - _LOOK_BACK
        for run in longest_first(near):
            known = ends[run]
            for other in known[bisect_left(known, near) :]:
                if 0 <= value - values[other] <= most_per_day * max(day - days[other], 1):
                    return other
        return -1

    for at in range(len(days)):
        other = before(at)
        length.append(1 if other < 0 else length[other] + 1)
        back.append(other)
        ends.setdefault(length[at], []).append(at)
    at = max(range(len(days)), key=lambda i: (length[i], -i))
    chain: list[int] = []
    while at >= 0:
        chain.append(at)
        at = back[at]
    return chain[::-1]


class Meter:
    """
    One meter of one train as a line through its readings: what had run by the end of any day.

    Before the first and after the last reading the train's own mean goes on for 45 days,
    then that of its type, which counts as estimated. Nothing runs outside the window.
    """

    def __init__(self, train: Train, kept: Readings, own: float | None, mean: float) -> None:
        self._days: list[int] = []
        self._total: list[float] = []
        self._estimated: list[float] = []
        begin = train.begin.toordinal() - 1
        end = train.end.toordinal() if train.end is not None else _FOREVER
        if begin >= end:
            return
        if own is None:
            amount = mean * (end - begin)
            self._days, self._total, self._estimated = [begin, end], [0.0, amount], [0.0, amount]
            return
        until, per_day = _stretches(end, kept, own, mean)
        until = np.minimum(until, end)
        inside = until > np.concatenate(([begin], np.maximum(until[:-1], begin)))
        days = np.concatenate(([begin], until[inside]))
        run = per_day[inside] * np.diff(days)
        guessed = np.zeros(len(until))
        guessed[[0, -1]] = 1.0
        self._days = days.tolist()
        self._total = [0.0, *np.cumsum(run).tolist()]
        self._estimated = [0.0, *np.cumsum(run * guessed[inside]).tolist()]

    def until(self, day: float) -> tuple[float, float]:
        """(all, estimated) that had run since the window began by the end of *day*."""
        days = self._days
        if not days or day <= days[0]:
            return 0.0, 0.0
        at = bisect_left(days, day)
        if at == len(days):
            return self._total[-1], self._estimated[-1]
        share = (day - days[at - 1]) / (days[at] - days[at - 1])
        return (
            self._total[at - 1] + share * (self._total[at] - self._total[at - 1]),
            self._estimated[at - 1] + share * (self._estimated[at] - self._estimated[at - 1]),
        )

    def totals(self, days: NDArray[np.float64]) -> NDArray[np.float64]:
        """All that had run since the window began by the end of each of *days*."""
        return np.interp(days, self._days, self._total) if self._days else np.zeros(len(days))


def _stretches(end: int, kept: Readings, own: float, mean: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(last day, amount a day) of stretches one after the other; the first and the last are estimated."""
    days, values = kept
    spans = np.diff(days)
    apart = spans > 0
    slopes = np.diff(values)[apart] / spans[apart]
    until = ([days[0] - EXTRAPOLATE_DAYS, days[0]], days[1:][apart], [days[-1] + EXTRAPOLATE_DAYS, end])
    return np.concatenate(until), np.concatenate(([mean, own], slopes, [own, mean]))


def meters_of(trains: Mapping[str, Train], unit: Unit) -> tuple[dict[str, Meter], list[OddReading]]:
    """Every train's meter, and the readings that fell out."""
    most = MOST_KM_PER_DAY if unit == "km" else MOST_HOURS_PER_DAY
    kept: dict[str, Readings] = {}
    odd: list[OddReading] = []
    for code, train in trains.items():
        kept[code], out = plausible(train.readings if unit == "km" else train.hours, most)
        odd += _odd(code, unit, kept[code], out)
    own = {code: _per_day(readings) for code, readings in kept.items()}
    means = _means(trains, kept, own)
    return {
        code: Meter(train, kept[code], own[code], means.get(train.type, 0.0)) for code, train in trains.items()
    }, odd


def _odd(code: str, unit: Unit, kept: Readings, out: Readings) -> list[OddReading]:
    found = []
    for day, value in zip(out.days.tolist(), out.values.tolist(), strict=True):
        lower = bool(np.any((kept.days <= day) & (kept.values > value)))
        found.append(OddReading(code, unit, date.fromordinal(day), value, _BACKWARDS if lower else _TOO_FAST))
    return found


def _per_day(readings: Readings) -> float | None:
    if len(readings.days) < 2:
        return None
    days = int(readings.days[-1] - readings.days[0])
    return float(readings.values[-1] - readings.values[0]) / days if days >= LEAST_SPAN_DAYS else None


def _means(
    trains: Mapping[str, Train], kept: Mapping[str, Readings], own: Mapping[str, float | None]
) -> dict[str, float]:
    """The mean a day of each type: all its trains ran ÷ all days between their first and last reading."""
    run: dict[str, float] = {}
    days: dict[str, int] = {}
    for code, train in trains.items():
        if own[code] is not None:
            read = kept[code]
            run[train.type] = run.get(train.type, 0.0) + float(read.values[-1] - read.values[0])
            days[train.type] = days.get(train.type, 0) + int(read.days[-1] - read.days[0])
    return {type_: total / days[type_] for type_, total in run.items()}
