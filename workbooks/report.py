"""report.yaml → ReportDefinition; what is wrong with one names the file, the line and the key."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from workbooks.library import DefinitionError, definitions_in, line_of, located, mapping_in
from workbooks.reporting.named_measures import write_out_measures
from workbooks.reporting.report_definition import (
    Indicators,
    ReportChart,
    ReportDefinition,
    ReportPivot,
    ReportSheet,
    ReportTable,
)

__all__ = ["DefinitionError", "ReportDefinition", "load", "load_reports"]

_ADAPTER = TypeAdapter(ReportDefinition)
_TABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,200}")
_ILLEGAL_IN_TITLES = re.compile(r"[\\/*?:\[\]]")


@cache
def load_reports() -> Mapping[str, ReportDefinition]:
    """The reports that come with Aftersheet, by report_id."""
    return load_folder(files("templates") / "reports")


def load_folder(folder: Path | Traversable) -> dict[str, ReportDefinition]:
    """All <folder>/<report_id>/report.yaml, by report_id, in the order of their names."""
    return dict(definitions_in(folder, "report", load))


def load(path: Path | Traversable) -> ReportDefinition:
    """
    The definition in the report.yaml at *path*.

    Raises:
        DefinitionError: It is not YAML, misses a key, has one too many, or speaks of a
            table, a column, a measure or a chart that cannot be.
    """
    text, node, raw = mapping_in(path)
    unknown = [located(path, node, loc, what) for loc, what in write_out_measures(raw)]
    if unknown:
        raise DefinitionError("\n".join(unknown))
    try:
        report = _ADAPTER.validate_python(raw)
    except ValidationError as error:
        raise DefinitionError("\n".join(located(path, node, e["loc"], e["msg"]) for e in error.errors())) from error
    problems = list(_inconsistencies(report))
    if problems:
        raise DefinitionError("\n".join(f"{path}:{line_of(text, name)}: {what}" for name, what in problems))
    return report


def _inconsistencies(report: ReportDefinition) -> Iterator[tuple[str, str]]:
    """(name to look for, what is wrong) for everything that only shows once the report is whole."""
    if not report.periods or report.default_period.removeprefix("last_") not in report.periods:
        yield "default_period", f"default_period {report.default_period!r} is none of the report's periods"
    for kind in report.periods:
        if not report.for_period(kind).sheets:
            yield "periods", f"there are no sheets for the period {kind!r}"
    found = (problem for kind in report.periods for problem in _contradictions(report.for_period(kind)))
    yield from dict.fromkeys(found)


def _contradictions(report: ReportDefinition) -> Iterator[tuple[str, str]]:
    """The same for the report of one period, in which every name stands once."""
    tables = {table.name: table for table in report.tables}
    names = [table.name for table in report.tables] + [pivot.name for pivot in report.pivots]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield name, f"two tables or pivot tables are called {name!r}"
    for name in names:
        if not _TABLE_NAME.fullmatch(name):
            yield name, f"{name!r} is no name for a table: letters without accents, digits and _, no blanks"
    if report.indicators:
        yield from _indicator_problems(report.indicators, tables)
    for sheet in report.sheets:
        yield from _title_problems(report, sheet)
        yield from _sheet_problems(report, sheet, tables)


def _indicator_problems(indicators: Indicators, tables: Mapping[str, ReportTable]) -> Iterator[tuple[str, str]]:
    """The key figures are formulas over columns that stand in their table."""
    table = tables.get(indicators.table)
    if table is None:
        yield indicators.table, f"indicators: there is no table {indicators.table!r}"
    elif table.columns:
        needed = [indicators.period, indicators.quarter, indicators.year]
        needed += [name for item in indicators.items for name in (item.column, item.denominator) if name is not None]
        for name in dict.fromkeys(needed):
            if name not in table.columns:
                yield indicators.table, f"indicators: {table.name} does not show the column {name!r}"


def _title_problems(report: ReportDefinition, sheet: ReportSheet) -> Iterator[tuple[str, str]]:
    for title, titles in (
        (sheet.title.zh, [s.title.zh for s in report.sheets]),
        (sheet.title.en, [s.title.en for s in report.sheets]),
    ):
        if not title or len(title) > 31 or _ILLEGAL_IN_TITLES.search(title):
            yield title, f"{title!r} is no sheet title: 1 to 31 characters without \\ / * ? : [ ]"
        if titles.count(title) > 1:
            yield title, f"two sheets are called {title!r}"


def _sheet_problems(
    report: ReportDefinition, sheet: ReportSheet, tables: Mapping[str, ReportTable]
) -> Iterator[tuple[str, str]]:
    title, pivot, chart = sheet.title.en, sheet.pivot, sheet.chart
    if [pivot is not None, sheet.table is not None, bool(sheet.board)].count(True) != 1:
        yield title, f"sheet {title!r} needs either a pivot or a table, or a board of charts"
    if pivot:
        yield from _pivot_problems(pivot, chart, tables)
    elif sheet.table and chart and not (chart.categories and chart.columns):
        yield title, f"sheet {title!r}: the chart of a table needs categories and columns"
    elif sheet.board and chart:
        yield title, f"sheet {title!r}: a board has its charts in `board`"
    drawn = {s.pivot.name: s for s in report.sheets if s.pivot}
    drawn |= {s.table.name: s for s in report.sheets if s.table and s.chart}
    for piece in sheet.board:
        if piece.of not in drawn:
            yield piece.of, f"sheet {title!r}: {piece.of!r} is no pivot table, nor a table with a chart on its sheet"
        elif (found := drawn[piece.of].pivot) and len(found.rows) > 1:
            yield piece.of, f"{piece.of}: only a pivot table with one row field has a chart"
    for slicer in sheet.slicers:
        name = sheet.sliced(slicer)
        fed = [p for p in report.pivots if p.table == name]
        if not fed:
            yield title, f"sheet {title!r}: the slicer of {slicer.column!r} has no pivot tables over {name!r}"
        if any(f.column == slicer.column and f.select == "latest" for p in fed for f in p.filters):
            yield slicer.column, f"{slicer.column!r} has a slicer, so no filter may select its latest value"


def _pivot_problems(
    pivot: ReportPivot, chart: ReportChart | None, tables: Mapping[str, ReportTable]
) -> Iterator[tuple[str, str]]:
    name, values = pivot.name, {value.column for value in pivot.values}
    if pivot.table not in tables:
        yield name, f"{name}: there is no table {pivot.table!r}"
    elif tables[pivot.table].calculated:
        yield name, f"{name}: a table with calculated columns feeds no pivot table"
    if not 1 <= len(pivot.rows) <= 2:
        yield name, f"{name}: a pivot table has one or two row fields"
    if not pivot.values or len(pivot.columns) > 1 or (pivot.columns and len(pivot.values) > 1):
        yield name, f"{name}: a pivot table has one value, or several and no column field"
    for column in (*pivot.bars, *([pivot.few] if pivot.few else [])):
        if column not in values or pivot.columns:
            yield name, f"{name}: {column!r} is no value of a pivot table without a column field"
    if chart and len(pivot.rows) > 1:
        yield name, f"{name}: only a pivot table with one row field has a chart"
    if chart and not {*chart.columns, *chart.lines, *chart.limits} <= values:
        yield name, f"{name}: its chart names something that is no value of it"
