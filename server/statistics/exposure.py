"""Train kilometres from the odometer readings on the forms: what failure rates are divided by."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

EXTRAPOLATE_DAYS = 45
LEAST_SPAN_DAYS = 30  # readings closer together say nothing about the kilometres a day


@dataclass(frozen=True, slots=True)
class Kilometres:
    """Train kilometres of a period; *estimated* of them come from the mean of the train's type."""

    km: float
    estimated: float

    @property
    def estimated_share(self) -> float | None:
        return self.estimated / self.km if self.km else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainLife:
    """One train under observation: from *begin* on, with the odometer readings (day, km) on its forms."""

    code: str
    type: str
    begin: date
    readings: tuple[tuple[date, int], ...] = ()


def plausible(readings: Iterable[tuple[date, int]], most_per_day: float = 3000.0) -> list[tuple[date, int]]:
    """
    The longest run of *readings* that never goes down and never runs faster than a train can.

    A digit too many or too few, or the odometer of another train, falls out.
    """
    ordered = sorted(readings)
    best: list[int] = []  # length of the best run that ends here
    back: list[int] = []
    for i, (day, km) in enumerate(ordered):
        length, before = 1, -1
        for j in range(i):
            gap, run = (day - ordered[j][0]).days, km - ordered[j][1]
            if 0 <= run <= most_per_day * max(gap, 1) and best[j] + 1 > length:
                length, before = best[j] + 1, j
        best.append(length)
        back.append(before)
    if not ordered:
        return []
    at = max(range(len(ordered)), key=lambda i: (best[i], -i))
    chain: list[tuple[date, int]] = []
    while at >= 0:
        chain.append(ordered[at])
        at = back[at]
    return chain[::-1]


class Fleet:
    """
    Kilometres of any train in any period.

    Between two readings they are interpolated, up to 45 days beyond them the train's own
    mean goes on; where that does not reach, the mean of its type stands in and is
    counted as estimated.
    """

    def __init__(self, trains: Iterable[TrainLife]) -> None:
        self._trains = {train.code: train for train in trains}
        self._readings = {code: plausible(train.readings) for code, train in self._trains.items()}
        self._own = {code: _per_day(readings) for code, readings in self._readings.items()}
        self._type_mean = self._means()

    def _means(self) -> Mapping[str, float]:
        by_type: dict[str, list[float]] = {}
        for code, rate in self._own.items():
            if rate is not None:
                by_type.setdefault(self._trains[code].type, []).append(rate)
        return {type_: sum(rates) / len(rates) for type_, rates in by_type.items()}

    def kilometres(self, first: date, last: date, codes: Iterable[str] | None = None) -> Kilometres:
        """All kilometres run from *first* to *last* (both included) by the trains *codes*, or by all."""
        km = estimated = 0.0
        for code in self._trains if codes is None else codes:
            measured, guessed = self._of_train(code, first, last)
            km += measured + guessed
            estimated += guessed
        return Kilometres(km, estimated)

    def _of_train(self, code: str, first: date, last: date) -> tuple[float, float]:
        """(measured, estimated) kilometres of one train."""
        train = self._trains[code]
        first = max(first, train.begin)
        if last < first:
            return 0.0, 0.0
        mean = self._type_mean.get(train.type, 0.0)
        readings, own = self._readings[code], self._own[code]
        if own is None:
            return 0.0, mean * ((last - first).days + 1)
        reach = timedelta(days=EXTRAPOLATE_DAYS)
        known_from, known_to = readings[0][0] - reach, readings[-1][0] + reach
        inner_first, inner_last = max(first, known_from), min(last, known_to)
        measured = 0.0
        if inner_first <= inner_last:
            measured = _odometer(readings, own, inner_last) - _odometer(readings, own, inner_first - timedelta(days=1))
        covered = (inner_last - inner_first).days + 1 if inner_first <= inner_last else 0
        return measured, mean * ((last - first).days + 1 - covered)


def _per_day(readings: list[tuple[date, int]]) -> float | None:
    if len(readings) < 2:
        return None
    days = (readings[-1][0] - readings[0][0]).days
    return (readings[-1][1] - readings[0][1]) / days if days >= LEAST_SPAN_DAYS else None


def _odometer(readings: list[tuple[date, int]], per_day: float, day: date) -> float:
    """The odometer at the end of *day*: interpolated between readings, carried on beyond them."""
    at = bisect_right(readings, (day, 10**12))
    if at == 0:
        return readings[0][1] - per_day * (readings[0][0] - day).days
    if at == len(readings):
        return readings[-1][1] + per_day * (day - readings[-1][0]).days
    (day_before, before), (day_after, after) = readings[at - 1], readings[at]
    return before + (after - before) * (day - day_before).days / (day_after - day_before).days
