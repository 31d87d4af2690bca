"""The rows of a table inside its sheet: what stands beside and under it is found, then new rows are written."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as default
from typing import Any

from workbooks.form import Text
from workbooks.ooxml.deflation import Deflation
from workbooks.ooxml.letters import column_letters
from workbooks.ooxml.sheet_xml import Cell, Row, SheetXml
from workbooks.ooxml.tables import PushError
from workbooks.pushing.columns import CHUNK, Beside, CellColumn, Tags, TextTooLong, rows_xml
from workbooks.pushing.resizing import Resizing

_REFERENCE = re.compile(rb"""\sr=(?:"[^"]*"|'[^']*')""")
_TYPE = re.compile(rb"""\st=(?:"[^"]*"|'[^']*')""")


@dataclass(slots=True, kw_only=True)
class OldRows:
    """
    What a sheet holds where a table stands and where it will stand.

    *before* and *after* are the rows over and under the table as they stand, *beside* has
    what stays left and right of it by row, *styles* the cell style of the first body row by
    column number.
    """

    before: bytes = b""
    after: bytes = b""
    styles: dict[int, int] = default(default_factory=dict)
    attributes: bytes = b""
    beside: dict[int, Beside] = default(default_factory=dict)
    totals: dict[int, Cell] = default(default_factory=dict)
    top: int = 0  # first row of the sheet that holds cells, before
    last: int = 0  # last row under the table, 0 if there is none


def find_rows(sheet: SheetXml, resizing: Resizing) -> OldRows:
    """
    Look through the rows of the table's sheet, `shortened` or not.

    Raises:
        PushError: Cells under the table hold something the new rows would run over.
    """
    table, body, old = resizing.table, resizing.table.body, OldRows()
    start = end = sheet.start
    bottom = max(table.area.bottom, resizing.area.bottom)
    row = sheet.row(sheet.start, 0)
    old.top = row.number if row else 0
    while row and row.number <= bottom:
        end = row.end
        if row.number < body.top:
            start = row.end
        elif row.number == body.top:
            old.styles = {cell.column: cell.style for cell in sheet.cells(row)}
            old.attributes = sheet.attributes(row)
        if row.number >= body.top:
            _look(sheet, row, resizing, old)
        row = sheet.row(end, row.number)
    if row:
        old.last = max(row.number for row in sheet.rows(row.start))
    old.before, old.after = sheet.content[sheet.start : start], sheet.content[end : sheet.stop]
    return old


def _look(sheet: SheetXml, row: Row, resizing: Resizing, old: OldRows) -> None:
    """Note what *row* holds besides body cells of the table."""
    table, title = resizing.table, resizing.table.sheet.title
    cells = sheet.cells(row)
    own = [cell for cell in cells if table.area.left <= cell.column <= table.area.right]
    if row.number > table.area.bottom:
        for cell in own:
            if not cell.empty:
                where = f"{title}!{column_letters(cell.column)}{row.number}"
                raise PushError(
                    Text(
                        f"表“{table.name}”要增加到第 {resizing.area.bottom} 行，但它下面的 {where} 有内容，会被盖住。"
                        "请把表下面的内容移到别处（例如表的右侧或上方），再刷新。",
                        f"Table “{table.name}” has to grow to row {resizing.area.bottom}, but {where} under it "
                        "holds something that would be overwritten. Move it elsewhere "
                        "(beside or above the table), then refresh.",
                    )
                )
    elif row.number > table.body.bottom:
        old.totals = {cell.column: cell for cell in own}
    left = b"".join(cell.xml for cell in cells if cell.column < table.area.left)
    right = b"".join(cell.xml for cell in cells if cell.column > table.area.right)
    if left or right:
        left, right = resizing.formulas(left, title), resizing.formulas(right, title)
        old.beside[row.number] = Beside(attributes=sheet.attributes(row), left=left, right=right)


def write_rows(
    out: Deflation,
    tags: Tags,
    old: OldRows,
    resizing: Resizing,
    columns: Sequence[CellColumn],
    pieces: Iterator[tuple[Sequence[Any], ...]],
    *,
    results: Callable[[], Mapping[int, float | None]],
    date1904: bool,
) -> None:
    """
    All rows of the sheet with the table's replaced, written to *out*.

    *pieces* has the values of all rows, a sequence for each of *columns*. *results* has the
    new value of each totals cell that holds a formula, by column number; it is asked for
    when all rows are written.

    Raises:
        TextTooLong: A text has more than 32,767 UTF-16 units.
    """
    title, body = resizing.table.sheet.title, resizing.body
    out.write(resizing.formulas(old.before, title))
    number = body.top
    for values in pieces:
        filled = [replace(column, values=some) for column, some in zip(columns, values, strict=True)]
        for start in range(0, len(values[0]), CHUNK):
            stop = min(len(values[0]), start + CHUNK)
            try:
                xml = rows_xml(
                    filled, start, stop, number,
                    tags=tags, attributes=old.attributes, beside=old.beside, date1904=date1904,
                )  # fmt: skip
            except TextTooLong as error:
                error.index += number - body.top
                raise
            out.write(xml)
        number += len(values[0])
    under = set(range(body.bottom + 1, resizing.area.bottom + 1))
    under |= {number for number in old.beside if number > body.bottom}
    for number in sorted(under):
        beside = old.beside.get(number, Beside())
        cells = b""
        if number == resizing.area.bottom and resizing.table.totals_rows:
            known = results()
            cells = b"".join(
                _moved(tags, cell, number, known.get(at), resizing) for at, cell in sorted(old.totals.items())
            )
        opening = tags.open("row") + b' r="%d"' % number + beside.attributes + b">"
        out.write(opening + beside.left + cells + beside.right + tags.close("row"))
    out.write(resizing.formulas(old.after, title))


def _moved(tags: Tags, cell: Cell, row: int, value: float | None, resizing: Resizing) -> bytes:
    """A totals cell in its new row; a formula with its new value, or without any if that is not known."""
    reference = b' r="%s%d"' % (column_letters(cell.column).encode(), row)
    attributes = _REFERENCE.sub(b"", cell.attributes)
    formula = cell.inner.partition(tags.open("v"))[0]
    opening, closing = tags.open("c") + reference, tags.close("c")
    if tags.open("f") not in formula:
        return opening + attributes + (b">" + cell.inner + closing if cell.inner else b"/>")
    inner = resizing.formulas(formula, resizing.table.sheet.title)
    if value is not None:
        inner += tags.open("v") + b">" + repr(value).encode() + tags.close("v")
    return opening + _TYPE.sub(b"", attributes) + b">" + inner + closing
