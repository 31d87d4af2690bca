"""What a pivot table shows: its items in order and its figures, computed as Excel computes them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum
from types import NoneType
from typing import Any, Literal

from workbooks.form import Language
from workbooks.reporting.pivot_cache import CacheField, Value
from workbooks.reporting.report_definition import PivotField, ReportPivot

Kind = Literal["caption", "header", "outer", "inner", "total"]
Figure = int | float | None


@dataclass(frozen=True, slots=True)
class PivotAxis:
    """A field on an axis or filter: its place in the cache, all its values in item order, the one selected."""

    field: PivotField
    place: int
    items: tuple[Value, ...]
    selected: Value = None

    def item(self, value: Value) -> int:
        """The place of *value* among the items."""
        return self.items.index(value)


@dataclass(frozen=True, slots=True)
class PivotRow:
    """One row of figures: its path of values, () for the grand total; None where there is no figure."""

    path: tuple[Value, ...]
    figures: tuple[Figure | str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PivotLayout:
    """
    A pivot table laid out.

    In Excel's outline form: a column of labels for each row field. *columns* are the
    values of the column field that appear; their figures come first in each row, then the
    row's total. Without a column field there is a figure per value.
    """

    pivot: ReportPivot
    rows: tuple[PivotAxis, ...]
    column: PivotAxis | None
    filters: tuple[PivotAxis, ...]
    columns: tuple[Value, ...]
    lines: tuple[PivotRow, ...]

    @property
    def width(self) -> int:
        """Columns of the table on its sheet."""
        return len(self.rows) + (len(self.columns) + 1 if self.column else len(self.pivot.values))

    @property
    def header_rows(self) -> int:
        """The second one names the column field, or says that there are several values."""
        return 2 if self.column or len(self.pivot.values) > 1 else 1


NO_FIGURE = "–"  # what a mean over nothing shows instead of an error


def lay_out(pivot: ReportPivot, fields: Sequence[CacheField], language: Language) -> PivotLayout:
    """
    *pivot* over the cache *fields*.

    Raises:
        KeyError: The cache has no column of a name the pivot uses.
    """
    places = {field.column.name: place for place, field in enumerate(fields)}

    def axis(field: PivotField) -> PivotAxis:
        cached = fields[places[field.column]]
        first = [text[language] for text in field.order]
        known = cached.shared or ()
        items = [v for v in first if v in cached.index] + [v for v in known if v not in first]
        present = [value for value in known if value is not None]
        selected = present[-1] if field.select == "latest" and present else None
        return PivotAxis(field, places[field.column], tuple(items), selected)

    rows, filters = tuple(map(axis, pivot.rows)), tuple(map(axis, pivot.filters))
    column = axis(pivot.columns[0]) if pivot.columns else None
    cube = _Cube(pivot, fields, rows, column, filters, [places[value.column] for value in pivot.values])
    columns = tuple(v for v in column.items if cube.has((), v)) if column else ()
    lines = [cube.line(path, columns) for path in cube.paths()]
    if pivot.total_row:
        lines.append(cube.line((), columns))
    return PivotLayout(pivot=pivot, rows=rows, column=column, filters=filters, columns=columns, lines=tuple(lines))


class _Total:
    """Stands for all values of the column field."""


_ALL = _Total()


class _Cube:
    """The rows of a cache grouped by every path of row values and every column value."""

    def __init__(
        self,
        pivot: ReportPivot,
        fields: Sequence[CacheField],
        rows: Sequence[PivotAxis],
        column: PivotAxis | None,
        filters: Sequence[PivotAxis],
        values: Sequence[int],
    ) -> None:
        self._pivot, self._rows = pivot, rows
        self._values = [
            _Values(value.function, fields[place]) for value, place in zip(pivot.values, values, strict=True)
        ]
        self._groups: dict[tuple[tuple[Value, ...], Value | _Total], list[int]] = defaultdict(list)
        chosen = [(fields[axis.place].values, axis.selected) for axis in filters if axis.selected is not None]
        numbers: Iterable[int] = range(len(fields[0].values))
        for column_values, selected in chosen:
            numbers = [number for number in numbers if column_values[number] == selected]
        leaves: dict[tuple[Value, ...], list[int]] = defaultdict(list)
        axes = [fields[axis.place].values for axis in (*rows, *((column,) if column else ()))]
        keys = list(zip(*axes, strict=True))
        for number in numbers:
            leaves[keys[number]].append(number)
        for key, leaf in leaves.items():  # a group for every path above a leaf, and for all columns together
            path = key[: len(rows)]
            across = (_ALL,) if column is None else (_ALL, key[-1])
            for depth in range(len(path) + 1):
                for value in across:
                    self._groups[path[:depth], value] += leaf

    def has(self, path: tuple[Value, ...], column: Value) -> bool:
        return (path, column) in self._groups

    def paths(self, above: tuple[Value, ...] = ()) -> list[tuple[Value, ...]]:
        """The paths that appear, each followed by those under it, in the order asked for."""
        axis = self._rows[len(above)]
        below = [(*above, value) for value in axis.items if ((*above, value), _ALL) in self._groups]
        if axis.field.sort == "descending":
            below.sort(key=lambda path: -_number(self._figure(path, _ALL, 0)))
        if len(above) + 1 == len(self._rows):
            return below
        return [found for path in below for found in (path, *self.paths(path))]

    def line(self, path: tuple[Value, ...], columns: Sequence[Value]) -> PivotRow:
        if columns:
            figures = [self._figure(path, column, 0) for column in (*columns, _ALL)]
        else:
            figures = [self._figure(path, _ALL, number) for number in range(len(self._values))]
        return PivotRow(path, tuple(figures))

    def _figure(self, path: tuple[Value, ...], column: Value | _Total, number: int) -> Figure | str:
        group = self._groups.get((path, column))
        return None if group is None else self._values[number].over(group)


class _Values:
    """A column of figures and how they are put together; texts and flags count, but are no numbers."""

    def __init__(self, function: str, field: CacheField) -> None:
        self._function = function
        kinds = set(map(type, field.values))
        self._whole = float not in kinds
        self._full = kinds <= {int, float}
        self._numbers: Sequence[Any] = field.values
        if function == "count":
            self._numbers = [None if value is None else 1 for value in field.values]
            self._full, self._whole = False, True
        elif not kinds <= {int, float, NoneType}:
            self._numbers = [value if type(value) in (int, float) else None for value in field.values]

    def over(self, group: Sequence[int]) -> Figure | str:
        """The figure of the rows numbered in *group*."""
        numbers = list(map(self._numbers.__getitem__, group))
        if not self._full:
            numbers = [number for number in numbers if number is not None]
        if self._function in ("sum", "count"):
            return sum(numbers) if self._whole else fsum(numbers)
        if not numbers:
            return NO_FIGURE if self._function == "average" else 0
        if self._function == "average":
            return fsum(numbers) / len(numbers)
        extreme: Figure = max(numbers) if self._function == "max" else min(numbers)
        return extreme


def _number(figure: Figure | str) -> float:
    return float(figure) if isinstance(figure, int | float) else 0.0
