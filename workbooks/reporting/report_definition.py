"""What a report is: the tables it is fed by, its pivot tables, charts and indicators, all frozen."""

from typing import Literal

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from workbooks.form import Name, Text

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class CalculatedColumn:
    """A column of a table that Excel computes; *formula* is an Excel formula without leading "="."""

    name: Name
    label: Text
    formula: str
    format: str = "General"


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class ReportTable:
    """
    An Excel table called *name* (the same in both languages) with the rows of *dataset*.

    *columns* chooses and orders the dataset's columns by name; all of them when absent.
    """

    name: str
    dataset: Name
    columns: tuple[Name, ...] = ()
    calculated: tuple[CalculatedColumn, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class PivotField:
    """
    A column in the rows, columns or filters of a pivot table.

    *order* puts these values first; others follow ascending. *sort* "descending" sorts by
    the first value instead. A filter may *select* its latest (highest) value.
    """

    column: Name
    order: tuple[Text, ...] = ()
    sort: Literal["ascending", "descending"] = "ascending"
    select: Literal["all", "latest"] = "all"


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class PivotValue:
    """What a pivot table computes; blanks are left out, as Excel does."""

    column: Name
    label: Text
    function: Literal["sum", "count", "average", "max", "min"] = "sum"
    format: str = "#,##0"


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class ReportPivot:
    """
    A pivot table over *table*: up to two row fields, and either one column field or several values.

    Without a *total_row* nothing is summed down the columns: stocks of several months do
    not add up.
    """

    name: str
    table: str
    rows: tuple[PivotField, ...]
    columns: tuple[PivotField, ...] = ()
    values: tuple[PivotValue, ...]
    filters: tuple[PivotField, ...] = ()
    total_row: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class ReportChart:
    """
    The chart of a sheet: of its pivot table, or of columns of its table.

    *categories*, *columns* and *lines* name columns of the table; lines stand on a second
    axis from 0 to 100 %. *colours* are those of the series in their order, as "#RRGGBB".
    """

    type: Literal["column", "column_stacked", "bar_stacked", "line"]
    title: Text
    value_axis: Text | None = None
    categories: Name | None = None
    columns: tuple[Name, ...] = ()
    lines: tuple[Name, ...] = ()
    colours: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class ReportSheet:
    """One sheet with a heading: a pivot table or a table, and perhaps a chart beside it."""

    title: Text
    note: Text | None = None
    pivot: ReportPivot | None = None
    table: ReportTable | None = None
    chart: ReportChart | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Indicator:
    """One figure of the cover, over *column* of the indicators' table; blanks are left out."""

    label: Text
    column: Name
    function: Literal["sum", "average"] = "sum"
    format: str = "#,##0"


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Indicators:
    """
    The figures on the cover, for a month, the one before it, and everything.

    They are formulas over *table*; *period* is its column of months such as "2026-10".
    """

    table: str
    period: Name
    items: tuple[Indicator, ...]


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class ReportDefinition:
    """Everything about one report; its workbook follows from it and from its datasets."""

    report_id: Name
    title: Text
    summary: Text
    indicators: Indicators | None = None
    sheets: tuple[ReportSheet, ...]

    @property
    def tables(self) -> tuple[ReportTable, ...]:
        """The tables, in the order of their sheets."""
        return tuple(sheet.table for sheet in self.sheets if sheet.table)

    @property
    def pivots(self) -> tuple[ReportPivot, ...]:
        return tuple(sheet.pivot for sheet in self.sheets if sheet.pivot)

    @property
    def datasets(self) -> tuple[str, ...]:
        """The names of the datasets the report is built from, each once."""
        return tuple(dict.fromkeys(table.dataset for table in self.tables))
