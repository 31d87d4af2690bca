"""A measure over the rows of its dataset, as Excel computes it from the table: blanks are left out."""

from collections.abc import Sequence
from math import fsum
from typing import Any, NamedTuple

from workbooks.dataset import Dataset
from workbooks.reporting.dataset_definition import Measure


class Figure(NamedTuple):
    """*value* is unrounded, None without data; *n* is the number of rows behind it."""

    value: float | None
    n: int


def figure_of(measure: Measure, dataset: Dataset) -> Figure:
    """
    *measure* over all rows of *dataset*.

    Raises:
        KeyError: The dataset lacks a column of the measure.
    """
    values = [value for value in column_of(dataset, measure.column) if value is not None]
    n = len(values)
    if measure.function == "count":
        return Figure(n if len(dataset) else None, n)
    if not n:
        return Figure(None, 0)
    numbers = list(map(float, values))
    if measure.function in ("max", "min"):
        return Figure(max(numbers) if measure.function == "max" else min(numbers), n)
    if measure.function == "sum":
        return Figure(fsum(numbers), n)
    if measure.function == "average":
        return Figure(fsum(numbers) / n, n)
    assert measure.denominator is not None
    whole = fsum(float(value) for value in column_of(dataset, measure.denominator) if value is not None)
    return Figure(fsum(numbers) / whole if whole else None, n)


def column_of(dataset: Dataset, name: str) -> Sequence[Any]:
    """
    The values of the column called *name*.

    Raises:
        KeyError: There is none.
    """
    for column, values in zip(dataset.columns, dataset.data, strict=True):
        if column.name == name:
            return values
    raise KeyError(name)
