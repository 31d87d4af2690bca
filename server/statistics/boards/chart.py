"""A chart as numbers: a dataset, a mark for each of its rows, and how many facts stand behind it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from server.statistics.boards.window import Window
from server.statistics.sources import Sources
from server.statistics.tabular import Period
from workbooks.dataset import Column, ColumnType, Dataset
from workbooks.form import Language, Text
from workbooks.reporting.figure_definition import meaning


@dataclass(frozen=True, slots=True)
class Cell:
    """A column and how its value follows from one row."""

    column: Column
    value: Callable[[Any], Any]


Cells = list[Cell]


def cell(
    name: str, zh: str, en: str, type_: ColumnType, value: Callable[[Any], Any], decimals: int | None = None
) -> Cell:
    return Cell(Column(name, Text(zh, en), type_, decimals=decimals), value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """
    What one chart of a board shows, exports and leads to.

    *marks* has a key per row of *data*, by which the records behind that row are asked
    for; it is empty where nothing can be listed. *n* facts were counted, *note* says what
    was left out or what must be known besides.
    """

    data: Dataset
    n: int
    marks: tuple[str, ...] = ()
    note: Text | None = None

    @property
    def name(self) -> str:
        return self.data.name

    def column(self, name: str) -> Sequence[Any]:
        """The values of a column by its name."""
        index = next(i for i, column in enumerate(self.data.columns) if column.name == name)
        return self.data.data[index]

    def has(self, name: str) -> bool:
        return any(column.name == name for column in self.data.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """
    The records behind one mark: the first column of *data* holds their numbers.

    *total* may be more than the rows that are listed.
    """

    data: Dataset
    total: int


Maker = Callable[[Sources, Window, Language], Chart]
Finder = Callable[[Sources, Window, str, Language], Behind]


def table_of(
    sources: Sources,
    name: str,
    title: Text,
    cells: Sequence[Cell],
    rows: Sequence[Any],
    *,
    period: Period | None = None,
) -> Dataset:
    """The dataset of the chart *name*, whose meaning is declared in templates/reports/dashboard.yaml."""
    return Dataset(
        name=name,
        title=title,
        columns=tuple(cell.column for cell in cells),
        data=tuple([cell.value(row) for row in rows] for cell in cells),
        as_of=sources.now,
        definition=meaning(name),
        period=(period or Period()).label,
    )
