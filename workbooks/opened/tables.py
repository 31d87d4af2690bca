"""A dataset into a table of an open workbook: as many rows as there are, the owner's own columns and formats kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from workbooks.dataset import Column, Dataset
from workbooks.form import Language, Text
from workbooks.ooxml.areas import LAST_ROW
from workbooks.ooxml.tables import TableColumn
from workbooks.opened.excel import Book, DeskError, Range, Table, literal
from workbooks.opened.native import native
from workbooks.pushing.matching import matched, spelled

_LONGEST_TEXT = 32_767
_FORMATS = {"date": "yyyy-mm-dd", "datetime": "yyyy-mm-dd hh:mm", "percent": "0.0%"}


@dataclass(frozen=True, slots=True)
class _Sheet:
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTable:
    """A table of the open workbook: its headings, and which of its columns Excel computes."""

    name: str
    sheet: _Sheet
    columns: tuple[TableColumn, ...]
    rows: int  # of the body; 0 for a table that was never filled
    table: Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What a refresh wrote."""

    dataset: str
    title: Text
    table: str
    sheet: str
    rows: int
    rows_before: int


def open_tables(book: Book) -> list[OpenTable]:
    """The tables of *book* that have headings, in the order of the sheets."""
    return [_open(sheet, table) for sheet in book.sheets for table in sheet.tables if table.show_headers]


def check_room(target: OpenTable, dataset: Dataset, language: Language) -> tuple[int | None, ...]:
    """
    For each column of *target* the place of its column in *dataset*; None where Excel computes it.

    Raises:
        PushError: A column of the table would be lost, or none fits.
        DeskError: The rows have no room: other cells stand below the table.
    """
    if not target.rows:  # nothing in it yet: whatever the dataset lacks can only be computed later
        known = spelled(dataset)
        columns = tuple(TableColumn(name=c.name, formula=None if known(c.name) else "") for c in target.columns)
        target = OpenTable(name=target.name, sheet=target.sheet, columns=columns, rows=0, table=target.table)
    places = matched(target, dataset, language)
    area = target.table.range
    top, left, width = area.row, area.column, area.shape[1]
    totals = 1 if target.table.show_totals else 0
    bottom = area.row + area.shape[0] - 1
    wanted = top + max(1, len(dataset)) + totals
    if wanted > LAST_ROW:
        raise DeskError(
            Text(
                f"{len(dataset)} 行放不进一张工作表（最多 {LAST_ROW} 行）。请缩小数据集的时间范围。",
                f"{len(dataset)} rows do not fit on a sheet of {LAST_ROW} rows. Narrow the dataset's period.",
            )
        )
    sheet = target.table.parent
    used = sheet.used_range
    last = min(wanted, used.row + used.shape[0] - 1)
    if last > bottom and (found := _first_content(sheet.range((bottom + 1, left), (last, left + width - 1)))):
        raise DeskError(
            Text(
                f"表“{target.name}”要增加到第 {wanted} 行，但 {sheet.name}!{found} 有内容挡住了它。"
                "请把它移到别处（例如表的右侧或另一张工作表），再刷新。什么都没有改动。",
                f"Table “{target.name}” has to grow to row {wanted}, but {sheet.name}!{found} stands in its way. "
                "Move it elsewhere (beside the table or to another sheet), then refresh. Nothing was changed.",
            )
        )
    return places


def write_rows(target: OpenTable, dataset: Dataset, places: Sequence[int | None]) -> Refreshed:
    """
    Replace the rows of *target*, whose sheet is not protected, by those of *dataset*.

    The table is resized to them, filters are cleared, calculated columns reach to the last
    row, the totals row comes back below it with what it computed.
    """
    table, count = target.table, max(1, len(dataset))
    program = native(table.parent.book.app)
    program.show_all_rows(table)
    totals = _totals(table)
    if totals:
        table.show_totals = False
    try:
        sheet, first = table.parent, table.range(1, 1)
        top, left, width = first.row + 1, first.column, table.range.shape[1]
        table.resize(sheet.range((first.row, left), (first.row + count, left + width - 1)))
        if target.rows > count:
            sheet.range((top + count, left), (top + target.rows - 1, left + width - 1)).clear_contents()
        for start, run in _runs(places):
            block = sheet.range((top, left + start), (top + count - 1, left + start + len(run) - 1))
            _format(block, [dataset.columns[place] for place in run])
            block.value = _block(dataset, run)
        if len(dataset):
            for number, place in enumerate(places):
                if place is None:
                    _fill_down(sheet.range((top, left + number), (top + count - 1, left + number)))
    finally:
        if totals:
            table.show_totals = True
            _put_totals(table, totals)
    program.calculate(table.range)
    return Refreshed(
        dataset=dataset.name,
        title=dataset.title,
        table=target.name,
        sheet=target.sheet.title,
        rows=len(dataset),
        rows_before=target.rows,
    )


def _open(sheet: Any, table: Table) -> OpenTable:
    header = [str(name) for name in table.header_row_range.options(ndim=1).value]
    body = table.data_body_range
    formulas = _formulas(body(1, 1).resize(1, len(header)))[0] if body is not None else [""] * len(header)
    columns = tuple(
        TableColumn(name=name, formula=formula.removeprefix("=") if formula.startswith("=") else None)
        for name, formula in zip(header, formulas, strict=True)
    )
    return OpenTable(
        name=str(table.name),
        sheet=_Sheet(str(sheet.name)),
        columns=columns,
        rows=0 if body is None else body.shape[0],
        table=table,
    )


def _formulas(cells: Range) -> list[list[str]]:
    """The formulas of *cells*, row by row; constants as Excel shows them in the formula bar, empty cells empty."""
    found = cells.formula
    if not isinstance(found, list | tuple):
        return [[str(found or "")]]
    rows = found if isinstance(found[0], list | tuple) else [found] if cells.shape[0] == 1 else [[one] for one in found]
    return [[str(one or "") for one in row] for row in rows]


def _first_content(cells: Range) -> str:
    for row, formulas in enumerate(_formulas(cells), start=1):
        for column, formula in enumerate(formulas, start=1):
            if formula:
                return str(cells(row, column).get_address(row_absolute=False, column_absolute=False))
    return ""


def _runs(places: Sequence[int | None]) -> list[tuple[int, list[int]]]:
    """Neighbouring columns that are written at once: (first column, places in the dataset)."""
    runs: list[tuple[int, list[int]]] = []
    for number, place in enumerate(places):
        if place is None:
            continue
        if runs and runs[-1][0] + len(runs[-1][1]) == number:
            runs[-1][1].append(place)
        else:
            runs.append((number, [place]))
    return runs


def _format(block: Range, columns: Sequence[Column]) -> None:
    """Every row in the number format of the first, or in one that shows the column's type where there is none."""
    rows = block.shape[0]
    for number, column in enumerate(columns, start=1):
        cell = block(1, number)
        shown = str(cell.number_format or "General")
        if shown == "General":
            shown = _FORMATS.get(column.type, shown)
        cell.resize(rows, 1).number_format = shown


def _block(dataset: Dataset, run: Sequence[int]) -> list[list[Any]]:
    columns = [[_typed(value) for value in dataset.data[place]] or [None] for place in run]
    return [list(row) for row in zip(*columns, strict=True)]


def _typed(value: Any) -> Any:
    if isinstance(value, str):
        return literal(value[: _LONGEST_TEXT - 1])
    return float(value) if isinstance(value, Decimal) else value


def _fill_down(column: Range) -> None:
    """A calculated column down to its last row, where Excel has not filled it by itself."""
    formulas = [row[0] for row in _formulas(column)]
    if formulas[0].startswith("=") and not all(formula.startswith("=") for formula in formulas):
        column(1, 1).autofill(column)


def _totals(table: Table) -> list[str]:
    """The cells of the totals row as formulas or texts; empty without one."""
    return _formulas(table.totals_row_range)[0] if table.show_totals else []


def _put_totals(table: Table, totals: Sequence[str]) -> None:
    row = table.totals_row_range
    for number, (now, before) in enumerate(zip(_formulas(row)[0], totals, strict=True), start=1):
        if now != before:
            row(1, number).formula = before if before.startswith("=") else literal(before)
