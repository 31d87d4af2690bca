"""What a table's totals row shows, computed so that viewers that do not calculate show it too."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from math import fsum, isfinite
from statistics import stdev, variance

from workbooks.dataset import Dataset
from workbooks.pushing.columns import serial
from workbooks.pushing.resizing import Resizing

# As SUBTOTAL does: over the numbers of the column, texts and empty cells left out.
_FUNCTIONS: Mapping[str, tuple[int, Callable[[list[float]], float]]] = {
    "sum": (0, fsum),
    "average": (1, lambda numbers: fsum(numbers) / len(numbers)),
    "countNums": (0, len),
    "max": (1, max),
    "min": (1, min),
    "stdDev": (2, stdev),
    "var": (2, variance),
}


def totals(
    resizing: Resizing, dataset: Dataset, places: Sequence[int | None], *, date1904: bool = False
) -> dict[int, float | None]:
    """The new values of the totals cells, by column number; None where only Excel can say."""
    found: dict[int, float | None] = {}
    for number, (column, place) in enumerate(
        zip(resizing.table.columns, places, strict=True), resizing.table.area.left
    ):
        if column.total is not None and place is not None:
            found[number] = _total(column.total, dataset.data[place], date1904)
    return found


def _total(function: str, values: Sequence[object], date1904: bool) -> float | None:
    if function == "count":
        return sum(value not in (None, "") for value in values)
    if function not in _FUNCTIONS:
        return None
    least, compute = _FUNCTIONS[function]
    numbers = [number for value in values if (number := _number(value, date1904)) is not None]
    return compute(numbers) if len(numbers) >= least else None


def _number(value: object, date1904: bool) -> float | None:
    if isinstance(value, date):
        value = serial(value, date1904=date1904)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        number = float(value)
        return number if isfinite(number) else None
    return None
