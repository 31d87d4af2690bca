"""The rows of large tables, written beside XlsxWriter: it leaves one row that shows how each column looks."""

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

from workbooks.dataset import Column
from workbooks.form import Text
from workbooks.ooxml.areas import Area
from workbooks.ooxml.deflation import Deflation
from workbooks.ooxml.letters import column_letters, column_number
from workbooks.ooxml.tables import PushError
from workbooks.package import Package, relations_part
from workbooks.pushing.columns import CHUNK, CellColumn, TextTooLong, rows_xml
from workbooks.reporting.pivot_cache import attribute
from workbooks.reporting.report_definition import CalculatedColumn
from workbooks.reporting.row_links import RowLink

_STYLE = re.compile(rb'<c r="[A-Z]+\d+"(?: s="(\d+)")?')
_HYPERLINK = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"
_DIMENSION = re.compile(rb'<dimension ref="[^"]*"/>')


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRows:
    """What goes under the headings of table *name* on *sheet*; *top* is the row (from 1) of the first value."""

    sheet: str
    name: str
    top: int
    columns: Sequence[Column]
    data: Sequence[Sequence[Any]]
    calculated: Sequence[CalculatedColumn] = ()
    link: RowLink | None = None


def fill(package: Package, tables: Sequence[TableRows]) -> None:
    """
    Put the rows into their sheets, whose tables have one row so far.

    Raises:
        PushError: A text is longer than a cell can hold.
    """
    parts = {sheet.title: sheet.part for sheet in package.sheets()}
    for table in tables:
        if table.data and len(table.data[0]) > 1:
            _fill(package, parts[table.sheet], table)


def add_links(package: Package, title: str, links: Mapping[str, str]) -> None:
    """Make cells of a sheet links, by cell; before its rows are filled in, since they are many."""
    if not links:
        return
    part = next(sheet.part for sheet in package.sheets() if sheet.title == title)
    relations = relations_part(part)
    told = b"".join(
        b'<Relationship Id="rLink%d" Type="%s" Target="%s" TargetMode="External"/>'
        % (number, _HYPERLINK, attribute(target))
        for number, target in enumerate(links.values(), start=1)
    )
    package.put(relations, package.read(relations).replace(b"</Relationships>", told + b"</Relationships>"))
    cells = b"".join(
        b'<hyperlink ref="%s" r:id="rLink%d"/>' % (cell.encode(), number) for number, cell in enumerate(links, start=1)
    )
    content = package.read(part)
    place = min(found for mark in (b"<printOptions", b"<pageMargins") if (found := content.find(mark)) >= 0)
    package.put(part, content[:place] + b"<hyperlinks>" + cells + b"</hyperlinks>" + content[place:])


def _fill(package: Package, part: str, table: TableRows) -> None:
    content, rows = package.read(part), len(table.data[0])
    start = content.index(b'<row r="%d"' % table.top)
    end = content.index(b"</row>", start) + len(b"</row>")
    columns = _columns(table, [int(style or 0) for style in _STYLE.findall(content, start, end)])
    area = Area(table.top - 1, 1, table.top + rows - 1, len(columns))
    whole = Area(1, 1, area.bottom, area.right)
    with closing(Deflation()) as out:
        out.write(_DIMENSION.sub(b'<dimension ref="%s"/>' % str(whole).encode(), content[:start], count=1))
        try:
            for first in range(0, rows, CHUNK):
                out.write(rows_xml(columns, first, min(first + CHUNK, rows), table.top))
        except TextTooLong as error:
            raise _too_long(table, error) from error
        out.write(content[end:])
        package.replace(part, out.finish())
    for described in package.related(part, "table").values():
        root = package.xml(described)
        if root.get("displayName") == table.name:
            for element in (root, *root.iterfind("{*}autoFilter")):
                element.set("ref", str(area))
            package.replace(described, root)


def _columns(table: TableRows, styles: Sequence[int]) -> list[CellColumn]:
    found = [
        CellColumn(letters="", type=column.type, values=values)
        for column, values in zip(table.columns, table.data, strict=True)
    ]
    found += [CellColumn(letters="", formula=calculated.formula) for calculated in table.calculated]
    if link := table.link:
        found.insert(link.place, CellColumn(letters="", formula=link.formula, result=link.shown))
    return [
        replace(column, letters=column_letters(place), style=style)
        for place, (column, style) in enumerate(zip(found, styles, strict=False), start=1)
    ]


def _too_long(table: TableRows, error: TextTooLong) -> PushError:
    place = column_number(error.letters) - 1
    label = table.columns[place - (table.link is not None and place > table.link.place)].label
    return PushError(
        Text(
            f"表“{table.name}”的“{label.zh}”有一个 {error.length} 字的内容，超过单元格上限 32767。请先缩短原记录。",
            f"“{label.en}” of table {table.name} holds a text of {error.length} characters; a cell holds 32,767. "
            "Shorten the record first.",
        )
    )
