"""What failures are divided by: kilometres and operating hours of every train, and parts that ran with them."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Literal

from workbooks.form import Text

EXTRAPOLATE_DAYS = 45
LEAST_SPAN_DAYS = 30  # readings closer together say nothing about the kilometres a day
MOST_KM_PER_DAY = 3000.0
MOST_HOURS_PER_DAY = 24.0
_LOOK_BACK = 60  # more wrong readings than that in a row are no typing errors
_FOREVER = date(2199, 12, 31).toordinal()

Readings = tuple[tuple[date, float], ...]


@dataclass(frozen=True, slots=True)
class Exposure:
    """Train kilometres, or hours, of a period; *estimated* of them come from the mean of the train's type."""

    amount: float
    estimated: float

    @property
    def km(self) -> float:
        """The amount, where kilometres were asked for."""
        return self.amount

    @property
    def estimated_share(self) -> float | None:
        return self.estimated / self.amount if self.amount else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainLife:
    """
    One train under observation from *begin* to *end* (its retirement, both included).

    *readings* are (day, km) on the odometer at the end of that day, *hours* the same of
    the hour meter, from returns and from forms, in any order.
    """

    code: str
    type: str
    begin: date
    end: date | None = None
    accepted_on: date | None = None
    station: str = ""
    customer: str = ""
    readings: Readings = ()
    hours: Readings = ()

    @property
    def vehicle_type(self) -> str:
        return self.type


def plausible(
    readings: Iterable[tuple[date, float]], most_per_day: float = MOST_KM_PER_DAY
) -> list[tuple[date, float]]:
    """
    The longest run of *readings* that never goes down and never runs faster than a train can.

    A digit too many or too few, or the odometer of another train, falls out.
    """
    ordered = sorted(set(readings))

    def follows(after: tuple[date, float], before: tuple[date, float]) -> bool:
        return 0 <= after[1] - before[1] <= most_per_day * max((after[0] - before[0]).days, 1)

    if all(follows(after, before) for before, after in pairwise(ordered)):
        return ordered
    best: list[int] = []  # length of the best run that ends here
    back: list[int] = []
    for i, reading in enumerate(ordered):
        length, before = 1, -1
        for j in range(max(0, i - _LOOK_BACK), i):
            if best[j] + 1 > length and follows(reading, ordered[j]):
                length, before = best[j] + 1, j
        best.append(length)
        back.append(before)
    at = max(range(len(ordered)), key=lambda i: (best[i], -i))
    chain: list[tuple[date, float]] = []
    while at >= 0:
        chain.append(ordered[at])
        at = back[at]
    return chain[::-1]


@dataclass(frozen=True, slots=True)
class OddReading:
    """A reading that was left out: train, meter, day, value, and what is wrong with it."""

    train: str
    meter: Literal["km", "h"]
    day: date
    value: float
    reason: Text


_BACKWARDS = Text("低于此前的读数", "lower than a reading before")
_TOO_FAST = Text(
    "比此前读数增加过多或与后面的读数矛盾", "more than a train can run since the reading before, or above a later one"
)


class _Meter:
    """
    One meter of one train as a line through its readings: what had run by the end of any day.

    Before the first and after the last reading the train's own mean goes on for 45 days,
    then that of its type, which counts as estimated. Nothing runs outside the window.
    """

    def __init__(self, train: TrainLife, kept: Sequence[tuple[date, float]], own: float | None, mean: float) -> None:
        self._days: list[int] = []
        self._total: list[float] = []
        self._estimated: list[float] = []
        begin = train.begin.toordinal() - 1
        end = train.end.toordinal() if train.end is not None else _FOREVER
        self.known = own is not None
        if begin >= end:
            return
        stretches = list(_stretches(begin, end, kept, own, mean))
        total = estimated = 0.0
        self._add(begin, 0.0, 0.0)
        for last, per_day, guessed in stretches:
            run = per_day * (last - self._days[-1])
            total += run
            estimated += run if guessed else 0.0
            self._add(last, total, estimated)

    def _add(self, day: int, total: float, estimated: float) -> None:
        self._days.append(day)
        self._total.append(total)
        self._estimated.append(estimated)

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


def _stretches(
    begin: int, end: int, kept: Sequence[tuple[date, float]], own: float | None, mean: float
) -> Iterator[tuple[int, float, bool]]:
    """(last day, amount a day, whether estimated) one after the other from *begin* to *end*."""
    whole: list[tuple[int, float, bool]] = []
    if own is None:
        whole = [(end, mean, True)]
    else:
        first, last = kept[0][0].toordinal(), kept[-1][0].toordinal()
        whole += [(first - EXTRAPOLATE_DAYS, mean, True), (first, own, False)]
        for (day, value), (after, more) in pairwise(kept):
            if after > day:
                whole.append((after.toordinal(), (more - value) / (after - day).days, False))
        whole += [(last + EXTRAPOLATE_DAYS, own, False), (end, mean, True)]
    at = begin
    for until, per_day, guessed in whole:
        if (stop := min(until, end)) > at:
            yield stop, per_day, guessed
            at = stop


class Fleet:
    """
    What the trains *counted* (all, unless said otherwise) ran in any period.

    The mean of a type is taken over all trains given, whoever is counted.
    """

    def __init__(self, trains: Iterable[TrainLife], counted: Collection[str] | None = None) -> None:
        known = {train.code: train for train in trains}
        self._odometers, self._odd_km = _meters(known, "km")
        self._clocks, self._odd_hours = _meters(known, "h")
        chosen = set(known if counted is None else counted)
        self.trains = {code: train for code, train in known.items() if code in chosen}

    def kilometres(self, first: date, last: date, codes: Iterable[str] | None = None) -> Exposure:
        """All kilometres run from *first* to *last* (both included) by the trains *codes*, or by all counted."""
        return _sum(self._odometers, first, last, self.trains if codes is None else codes)

    def hours(self, first: date, last: date, codes: Iterable[str] | None = None) -> Exposure:
        """Operating hours, alike; a type of which no hour meter was read twice has none."""
        return _sum(self._clocks, first, last, self.trains if codes is None else codes)

    def run(self, code: str, day: float) -> float:
        """Kilometres of one train since its observation began, by the end of the day with this ordinal number."""
        return self._odometers[code].until(day)[0]

    def age(self, code: str, day: float) -> float:
        """
        Kilometres of one train since it was accepted, by the end of the day with this ordinal number.

        What it ran before its observation began is taken from its mean.
        """
        train = self.trains[code]
        before = (train.begin - train.accepted_on).days if train.accepted_on is not None else 0
        return max(before, 0) * self.per_day(code) + self.run(code, day)

    def per_day(self, code: str) -> float:
        """The train's mean kilometres a day over its first year under observation."""
        begin = self.trains[code].begin.toordinal()
        return self._odometers[code].until(begin + 364)[0] / 365

    def cumulative(self, first: date, last: date, codes: Iterable[str]) -> list[float]:
        """Kilometres of the trains *codes* together since *first* began: at its beginning, then at every day's end."""
        days = range(first.toordinal() - 1, last.toordinal() + 1)
        totals = [sum(self._odometers[code].until(day)[0] for code in codes) for day in days]
        return [total - totals[0] for total in totals]

    def odd_readings(self) -> tuple[OddReading, ...]:
        """What was left out of the counted trains' readings: the error list."""
        return tuple(odd for odd in (*self._odd_km, *self._odd_hours) if odd.train in self.trains)

    def of_types(self) -> dict[str, list[str]]:
        """The codes of the counted trains by type."""
        found: dict[str, list[str]] = {}
        for code, train in sorted(self.trains.items()):
            found.setdefault(train.type, []).append(code)
        return dict(sorted(found.items()))


def _sum(meters: Mapping[str, _Meter], first: date, last: date, codes: Iterable[str]) -> Exposure:
    before, until = first.toordinal() - 1, last.toordinal()
    amount = estimated = 0.0
    for code in codes:
        (start, start_guessed), (end, end_guessed) = meters[code].until(before), meters[code].until(until)
        amount += max(end - start, 0.0)
        estimated += max(end_guessed - start_guessed, 0.0)
    return Exposure(amount, estimated)


def _meters(trains: Mapping[str, TrainLife], meter: Literal["km", "h"]) -> tuple[dict[str, _Meter], list[OddReading]]:
    """Every train's meter, and the readings that fell out."""
    kept: dict[str, list[tuple[date, float]]] = {}
    odd: list[OddReading] = []
    for code, train in trains.items():
        readings = train.readings if meter == "km" else train.hours
        kept[code] = plausible(readings, MOST_KM_PER_DAY if meter == "km" else MOST_HOURS_PER_DAY)
        odd += _odd(code, meter, readings, kept[code])
    own = {code: _per_day(readings) for code, readings in kept.items()}
    means = _means(trains, kept, own)
    return {
        code: _Meter(train, kept[code], own[code], means.get(train.type, 0.0)) for code, train in trains.items()
    }, odd


def _odd(code: str, meter: Literal["km", "h"], readings: Readings, kept: list[tuple[date, float]]) -> list[OddReading]:
    accepted = set(kept)
    found = []
    for day, value in sorted(set(readings) - accepted):
        lower = any(before <= day and least > value for before, least in kept)
        found.append(OddReading(code, meter, day, value, _BACKWARDS if lower else _TOO_FAST))
    return found


def _per_day(readings: Sequence[tuple[date, float]]) -> float | None:
    if len(readings) < 2:
        return None
    days = (readings[-1][0] - readings[0][0]).days
    return (readings[-1][1] - readings[0][1]) / days if days >= LEAST_SPAN_DAYS else None


def _means(
    trains: Mapping[str, TrainLife], kept: Mapping[str, Sequence[tuple[date, float]]], own: Mapping[str, float | None]
) -> dict[str, float]:
    """The mean a day of each type: all its trains ran ÷ all days between their first and last reading."""
    run: dict[str, float] = {}
    days: dict[str, int] = {}
    for code, train in trains.items():
        if own[code] is not None:
            (first, start), (last, end) = kept[code][0], kept[code][-1]
            run[train.type] = run.get(train.type, 0.0) + end - start
            days[train.type] = days.get(train.type, 0) + (last - first).days
    return {type_: total / days[type_] for type_, total in run.items()}


@dataclass(frozen=True, slots=True)
class FittedParts:
    """How many of each part a train of each type has: (type, part) → (valid from, quantity), oldest first."""

    quantities: Mapping[tuple[str, str], tuple[tuple[date | None, int], ...]]

    def of(self, type_: str, part: str, day: date) -> int | None:
        """The quantity on *day*; None where nobody has said."""
        found = None
        for valid_from, quantity in self.quantities.get((type_, part), ()):
            if valid_from is None or valid_from <= day:
                found = quantity
        return found

    def kilometres(self, fleet: Fleet, part: str, first: date, last: date) -> Exposure | None:
        """Part-kilometres: train-km × quantity, by configuration period; None where no type has a quantity."""
        amount = estimated = 0.0
        known = False
        for type_, codes in fleet.of_types().items():
            for begin, end, quantity in self._periods(type_, part, first, last):
                known = True
                run = fleet.kilometres(begin, end, codes)
                amount += run.amount * quantity
                estimated += run.estimated * quantity
        return Exposure(amount, estimated) if known else None

    def _periods(self, type_: str, part: str, first: date, last: date) -> Iterator[tuple[date, date, int]]:
        rows = self.quantities.get((type_, part), ())
        for at, (valid_from, quantity) in enumerate(rows):
            begin = max(first, valid_from or first)
            end = last
            if at + 1 < len(rows) and (after := rows[at + 1][0]) is not None:
                end = min(last, date.fromordinal(after.toordinal() - 1))
            if begin <= end:
                yield begin, end, quantity
