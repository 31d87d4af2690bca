"""What a table's totals row shows, computed so that viewers that do not calculate show it too."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from math import fsum, inf, isfinite, sqrt
from typing import Any

from workbooks.pushing.columns import serial
from workbooks.pushing.resizing import Resizing

_NUMBERS = frozenset({int, float})


class Totals:
    """The totals cells of a table while its rows go by; as SUBTOTAL does, texts and empty cells are left out."""

    def __init__(self, resizing: Resizing, places: Sequence[int | None], *, date1904: bool = False) -> None:
        self._tallies = [
            (number, place, _Tally(column.total, date1904))
            for number, (column, place) in enumerate(
                zip(resizing.table.columns, places, strict=True), resizing.table.area.left
            )
            if column.total is not None and place is not None
        ]

    def add(self, data: Sequence[Sequence[Any]]) -> None:
        """Take the next rows in, a sequence for each of the dataset's columns."""
        for _, place, tally in self._tallies:
            tally.add(data[place])

    def results(self) -> dict[int, float | None]:
        """The new values of the totals cells, by column number; None where only Excel can say."""
        return {number: tally.result() for number, _, tally in self._tallies}


class _Tally:
    def __init__(self, function: str, date1904: bool) -> None:
        self._function, self._date1904 = function, date1904
        self._filled = self._count = 0
        self._sums: list[float] = []
        self._least, self._most = inf, -inf
        self._mean = self._squares = 0.0

    def add(self, values: Sequence[Any]) -> None:
        if self._function == "count":
            self._filled += sum(value not in (None, "") for value in values)
            return
        numbers = self._numbers(values)
        if not numbers:
            return
        self._sums.append(total := fsum(numbers))
        self._least, self._most = min(self._least, min(numbers)), max(self._most, max(numbers))
        if self._function in ("stdDev", "var"):
            # The squares of two groups around their common mean (Chan, Golub and LeVeque 1979).
            mean, before = total / len(numbers), self._count
            away, together = mean - self._mean, before + len(numbers)
            self._squares += fsum((number - mean) ** 2 for number in numbers)
            self._squares += away * away * before * len(numbers) / together
            self._mean += away * len(numbers) / together
        self._count += len(numbers)

    def result(self) -> float | None:
        count = self._count
        match self._function:
            case "count":
                return self._filled
            case "countNums":
                return count
            case "sum":
                return fsum(self._sums)
            case "average" if count:
                return fsum(self._sums) / count
            case "max":
                return self._most if count else 0
            case "min":
                return self._least if count else 0
            case "var" if count > 1:
                return self._squares / (count - 1)
            case "stdDev" if count > 1:
                return sqrt(self._squares / (count - 1))
        return None

    def _numbers(self, values: Sequence[Any]) -> Sequence[float]:
        if set(map(type, values)) <= _NUMBERS:
            return list(filter(isfinite, values))
        return list(self._converted(values))

    def _converted(self, values: Iterable[Any]) -> Iterable[float]:
        for value in values:
            if isinstance(value, date):
                value = serial(value, date1904=self._date1904)
            if isinstance(value, int | float | Decimal) and not isinstance(value, bool) and isfinite(value):
                yield float(value)
