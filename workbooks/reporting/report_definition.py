"""What a report is: the tables it is fed by, its pivot tables, charts and indicators, all frozen."""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from workbooks.form import Name, Text

_STRICT = ConfigDict(extra="forbid")
PeriodKind = Literal["month", "quarter", "year", "history"]
# The period a table's rows are from: the report's own, so many months up to its end, its year so far, or all.
Span = Annotated[int, Field(ge=1, le=600)] | Literal["period", "year", "history"]


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
    *span* says which time the rows are from: the report's period, so many months up to its
    end, its calendar year so far, or all of history.
    """

    name: str
    dataset: Name
    span: Span = "period"
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
    """
    What a pivot table computes; blanks are left out, as Excel does.

    A report.yaml may name the dataset's *measure* instead of column, function, format and label.
    """

    column: Name
    label: Text
    function: Literal["sum", "count", "average", "max", "min"] = "sum"
    format: str = "#,##0"
    measure: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class ReportPivot:
    """
    A pivot table over *table*: up to two row fields, and either one column field or several values.

    Without a *total_row* nothing is summed down the columns: stocks of several months do
    not add up. With *heat* its figures are coloured by their size, with *bars* those of
    these values have bars. Rows in which the value over *few* is below 5 are grey: too few
    to be compared.
    """

    name: str
    table: str
    rows: tuple[PivotField, ...]
    columns: tuple[PivotField, ...] = ()
    values: tuple[PivotValue, ...]
    filters: tuple[PivotField, ...] = ()
    total_row: bool = True
    heat: bool = False
    bars: tuple[Name, ...] = ()
    few: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class ReportChart:
    """
    The chart of a sheet: of its pivot table, or of columns of its table.

    *categories*, *columns*, *lines* and *limits* name columns of the table, or values of a
    pivot table without a column field; Lines stand over the columns on a second axis, which
    goes to 100 % for shares; the second and further ones are dashed. Limits are dashed
    lines on the columns' own axis: confidence limits, targets, means. A scatter has its
    categories as x, its one column as y, *labels* beside the points, and axes that cross at
    the means. *colours* are those of the series in their order, as "#RRGGBB".
    """

    type: Literal[
        "column", "column_stacked", "column_percent", "bar", "bar_stacked", "bar_percent", "line", "scatter",
        "doughnut", "radar",
    ]  # fmt: skip
    title: Text
    value_axis: Text | None = None
    category_axis: Text | None = None
    categories: Name | None = None
    columns: tuple[Name, ...] = ()
    lines: tuple[Name, ...] = ()
    limits: tuple[Name, ...] = ()
    labels: Name | None = None
    colours: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class ReportSlicer:
    """
    Buttons for the values of *column*, side by side in so many *columns*.

    They steer every pivot table over *table* (by default that of the sheet's pivot table)
    at once. Other programs than Excel show a box with the values in their place.
    """

    column: Name
    table: str = ""
    columns: Annotated[int, Field(ge=1, le=20)] = 1


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class BoardChart:
    """A chart on a board, over the pivot table or table *of* another sheet."""

    of: str
    chart: ReportChart


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class ReportSheet:
    """
    One sheet with a heading: a pivot table or a table, perhaps with a chart beside it; or a board of charts.

    It stands in reports for these *periods*; in all of them when there are none.
    """

    title: Text
    periods: tuple[PeriodKind, ...] = ()
    note: Text | None = None
    pivot: ReportPivot | None = None
    table: ReportTable | None = None
    chart: ReportChart | None = None
    board: tuple[BoardChart, ...] = ()
    slicers: tuple[ReportSlicer, ...] = ()

    @property
    def headed(self) -> bool:
        """Whether title and note stand above; the rows that only feed other sheets begin at once."""
        return bool(self.note or self.pivot or self.chart or self.board)

    def sliced(self, slicer: ReportSlicer) -> str:
        """The table whose pivot tables *slicer* steers."""
        return slicer.table or (self.pivot.table if self.pivot else "")


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Indicator:
    """
    One figure of the cover, over *column* of the indicators' table; blanks are left out.

    A ratio divides the column's sum by that of *denominator*. A report.yaml may name the
    dataset's *measure* instead of column, function, format and label.
    """

    label: Text
    column: Name
    function: Literal["sum", "average", "count", "ratio"] = "sum"
    denominator: Name | None = None
    format: str = "#,##0"
    measure: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Indicators:
    """
    The figures on the cover, for the period, the one before it, and everything in the table.

    They are formulas over *table*, whose column *period* holds months such as "2026-10",
    *quarter* "2026Q4" and *year* 2026. A report of history shows its last year.
    """

    table: str
    period: Name
    quarter: Name = "quarter"
    year: Name = "year"
    items: tuple[Indicator, ...]


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class ReportDefinition:
    """
    Everything about one report; its workbook follows from it and from its datasets.

    *periods* are those it can be made for, *default_period* the one when none is asked
    for: the period that is running, with "last_" the one that ended last.
    """

    report_id: Name
    title: Text
    summary: Text
    periods: tuple[PeriodKind, ...] = ("month", "quarter", "history")
    default_period: Literal["month", "quarter", "year", "history", "last_month", "last_quarter", "last_year"] = "month"
    indicators: Indicators | None = None
    sheets: tuple[ReportSheet, ...]

    def for_period(self, kind: PeriodKind) -> "ReportDefinition":
        """The report without the sheets that stand only in reports for other periods."""
        return replace(self, sheets=tuple(s for s in self.sheets if not s.periods or kind in s.periods))

    @property
    def tables(self) -> tuple[ReportTable, ...]:
        """The tables, in the order of their sheets."""
        return tuple(sheet.table for sheet in self.sheets if sheet.table)

    @property
    def pivots(self) -> tuple[ReportPivot, ...]:
        return tuple(sheet.pivot for sheet in self.sheets if sheet.pivot)

    def sliced(self, table: str) -> tuple[str, ...]:
        """The columns of *table* that slicers steer, each once."""
        found = [slicer.column for s in self.sheets for slicer in s.slicers if s.sliced(slicer) == table]
        return tuple(dict.fromkeys(found))

    def source_format(self, table: str, column: str) -> str | None:
        """
        The format in which every pivot table shows *column* of *table*; None where they differ or none does.

        LibreOffice formats a refreshed pivot table like the cells it is fed by, whatever
        the file says. A flag, whose mean is a percentage, reads 0 % or 100 % in its own table.
        """
        shown = {v.format for pivot in self.pivots if pivot.table == table for v in pivot.values if v.column == column}
        if len(shown) != 1:
            return None
        (found,) = shown
        return f"[=0]0%;[=1]0%;{found}" if found.endswith("%") else found

    @property
    def datasets(self) -> tuple[str, ...]:
        """The names of the datasets the report is built from, each once."""
        return tuple(dict.fromkeys(table.dataset for table in self.tables))
