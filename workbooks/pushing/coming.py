"""The rows on their way into a table: counted, added up, and the few that charts keep remembered."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

from workbooks.dataset import RowSource
from workbooks.pushing.columns import constant, serial
from workbooks.pushing.resizing import Resizing
from workbooks.pushing.totals import Totals

CHART_POINTS = 10_000  # a chart of more points gets no cached ones; Excel reads the cells anyway


class Coming:
    """
    What comes into the table of *resizing*; *places* has the column of *rows* for each of its columns.

    *progress* is told how many rows have come.
    """

    def __init__(
        self,
        rows: RowSource,
        resizing: Resizing,
        places: Sequence[int | None],
        *,
        date1904: bool,
        progress: Callable[[int], None] | None,
    ) -> None:
        self.rows, self.resizing, self.places, self.date1904 = rows, resizing, places, date1904
        self.totals = Totals(resizing, places, date1904=date1904)
        self._progress = progress
        self._remembered: list[list[Any]] = [[] for _ in rows.columns]

    def pieces(self) -> Iterator[tuple[Sequence[Any], ...]]:
        """The rows in the order of the table's columns; a calculated column has nothing but their number."""
        come = 0
        for data in self.rows.chunks():
            count = len(data[0]) if data else 0
            if not count:
                continue
            self.totals.add(data)
            if len(self.rows) <= CHART_POINTS:
                for kept, values in zip(self._remembered, data, strict=True):
                    kept += values
            yield tuple(range(count) if place is None else data[place] for place in self.places)
            come += count
            if self._progress:
                self._progress(come)
        if come != len(self.rows):
            raise RuntimeError(f"{self.rows.name}: {come} rows came, {len(self.rows)} were announced")
        if not come:
            yield tuple((None,) for _ in self.places)  # a body without rows still shows one, empty

    def column(self, column: int, top: int) -> list[float | str | None] | None:
        """The values of column number *column* from row *top* on as a chart keeps them; None if not known."""
        table, body = self.resizing.table, self.resizing.body
        position = column - table.area.left
        place = self.places[position]
        if top != body.top:
            return None
        if place is None:
            value = constant(table.columns[position].formula or "")
            return None if value is None else [value] * (body.bottom - body.top + 1)
        if len(self.rows) > CHART_POINTS:
            return None
        return [self._plain(value) for value in self._remembered[place]] or [None]

    def _plain(self, value: object) -> float | str | None:
        if isinstance(value, date):
            return serial(value, date1904=self.date1904)
        if value is None or isinstance(value, int | float | str):
            return value
        return float(str(value))
