"""What failures are divided by: kilometres and operating hours of every train, and parts that ran with them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np

from server.statistics.meters import NO_READINGS, Meter, OddReading, Readings, meters_of


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainLife:
    """
    One train under observation from *begin* to *end* (its retirement, both included).

    *readings* are the kilometres on the odometer, *hours* those of the hour meter, from
    returns and from forms.
    """

    code: str
    type: str
    begin: date
    end: date | None = None
    accepted_on: date | None = None
    station: str = ""
    customer: str = ""
    readings: Readings = NO_READINGS
    hours: Readings = NO_READINGS

    @property
    def vehicle_type(self) -> str:
        return self.type


class Fleet:
    """
    What the trains *counted* (all, unless said otherwise) ran in any period.

    The mean of a type is taken over all trains given, whoever is counted.
    """

    def __init__(self, trains: Iterable[TrainLife], counted: Collection[str] | None = None) -> None:
        known = {train.code: train for train in trains}
        self._odometers, self._odd_km = meters_of(known, "km")
        self._clocks, self._odd_hours = meters_of(known, "h")
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
        days = np.arange(first.toordinal() - 1, last.toordinal() + 1, dtype=np.float64)
        totals = sum((self._odometers[code].totals(days) for code in codes), np.zeros(len(days)))
        return [float(total) for total in totals - totals[0]]

    def odd_readings(self) -> tuple[OddReading, ...]:
        """What was left out of the counted trains' readings: the error list."""
        return tuple(odd for odd in (*self._odd_km, *self._odd_hours) if odd.train in self.trains)

    def of_types(self) -> dict[str, list[str]]:
        """The codes of the counted trains by type."""
        found: dict[str, list[str]] = {}
        for code, train in sorted(self.trains.items()):
            found.setdefault(train.type, []).append(code)
        return dict(sorted(found.items()))


def _sum(meters: Mapping[str, Meter], first: date, last: date, codes: Iterable[str]) -> Exposure:
    before, until = first.toordinal() - 1, last.toordinal()
    amount = estimated = 0.0
    for code in codes:
        (start, start_guessed), (end, end_guessed) = meters[code].until(before), meters[code].until(until)
        amount += max(end - start, 0.0)
        estimated += max(end_guessed - start_guessed, 0.0)
    return Exposure(amount, estimated)


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
