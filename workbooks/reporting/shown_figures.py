"""What a workbook shows: its stamp, tables, pivot tables and other cells, as plain values; run in a child process."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from typing import Any

from lxml import etree

from workbooks.ooxml.areas import Area
from workbooks.ooxml.tables import PushError, Table, tables
from workbooks.package import Package, PackageError
from workbooks.parsing.grids import Grids
from workbooks.refusal import Refused
from workbooks.reporting.report_stamp import ReportStamp
from workbooks.table_list import unreadable

Shown = str | float | None
_DAY_ZERO = datetime(1899, 12, 30)  # noqa: DTZ001  (Excel's)
_DATA = -2  # the field number of "the values"
_MOST_ROWS, _MOST_COLUMNS = 5_000, 40  # of a sheet without tables that are looked at
_FUNCTIONS = {"sum", "count", "average", "max", "min"}
_GROUPED = ("{*}cacheFields/{*}cacheField/{*}fieldGroup", "{*}calculatedItems")
_UNKNOWN_PARTS = ("filters", "rowHierarchiesUsage", "pivotHierarchies")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTable:
    """An Excel table; *top* and *left* are those of its first body cell, from 1; *own* are calculated columns."""

    name: str
    sheet: str
    top: int
    left: int
    headers: tuple[str, ...]
    own: tuple[bool, ...]
    rows: tuple[tuple[Shown, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPivot:
    """
    A pivot table as it lies there: fields by their captions, and the cells it covers.

    *rows*, *columns* and the sources of *values* (source, function) name columns of the
    table; *excluded* has the values of a column that are filtered out, *chosen* the one a
    page field selects. *odd* says why its cells cannot be worked out again; empty when they can.
    """

    name: str
    sheet: str
    top: int
    left: int
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[str, str], ...]
    chosen: tuple[tuple[str, Shown], ...]
    excluded: tuple[tuple[str, tuple[Shown, ...]], ...]
    header_rows: int
    label_columns: int
    total_row: bool
    total_column: bool
    cells: tuple[tuple[Shown, ...], ...]
    odd: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownWorkbook:
    """All of it; *sheets* are the cells from A1 of those sheets that have neither table nor pivot table."""

    stamp: ReportStamp | None
    tables: tuple[ShownTable, ...]
    pivots: tuple[ShownPivot, ...]
    sheets: dict[str, tuple[tuple[Shown, ...], ...]]


def read_shown(content: bytes, *, only: str | None = None) -> ShownWorkbook:
    """
    What the workbook *content* shows; with *only* no more than the stamp and that table.

    Raises:
        PushError: It is no sound .xlsx or .xlsm.
    """
    try:
        package = Package(content)
        grids = Grids(content, lambda _: ())
        found = tuple(_table(grids, t) for t in tables(package) if only in (None, t.name))
        pivots = () if only else tuple(_pivots(package, grids))
        busy = {table.sheet for table in found} | {pivot.sheet for pivot in pivots}
        plain = {} if only else {s.title: _cells(grids, s.title) for s in package.sheets() if s.title not in busy}
        stamp = ReportStamp.of(package)
    except (PackageError, Refused, etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise PushError(unreadable(content)) from error
    return ShownWorkbook(stamp=stamp, tables=found, pivots=pivots, sheets=plain)


def plain(value: Any) -> Shown:
    """*value* as Excel holds it: numbers, also days and times, as float; nothing for empty."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value.replace("\r\n", "\n")
    if isinstance(value, bool | int | float | Decimal):
        return float(value)
    if isinstance(value, datetime):
        return (value.replace(tzinfo=None) - _DAY_ZERO) / timedelta(days=1)
    if isinstance(value, date):
        return float((value - _DAY_ZERO.date()).days)
    if isinstance(value, clock):
        return (value.hour * 3600 + value.minute * 60 + value.second) / 86_400
    if isinstance(value, timedelta):
        return value / timedelta(days=1)
    return str(value)


def _block(grids: Grids, sheet: str, area: Area) -> tuple[tuple[Shown, ...], ...]:
    rows = grids.rows(sheet)
    width = area.right - area.left + 1
    found = []
    for row in rows[area.top - 1 : area.bottom]:
        values = [plain(value) for value in row[area.left - 1 : area.right]]
        found.append((*values, *[None] * (width - len(values))))
    return tuple(found)


def _table(grids: Grids, table: Table) -> ShownTable:
    return ShownTable(
        name=table.name, sheet=table.sheet.title, top=table.body.top, left=table.area.left,
        headers=tuple(column.name for column in table.columns),
        own=tuple(column.formula is not None for column in table.columns),
        rows=_block(grids, table.sheet.title, table.body),
    )  # fmt: skip


def _cells(grids: Grids, sheet: str) -> tuple[tuple[Shown, ...], ...]:
    try:
        return _block(grids, sheet, Area(1, 1, _MOST_ROWS, _MOST_COLUMNS))
    except Refused:
        return ()  # a chart sheet or a macro sheet: nothing to read


def _pivots(package: Package, grids: Grids) -> Iterator[ShownPivot]:
    for sheet in package.sheets():
        for part in package.related(sheet.part, "pivotTable").values():
            for cache in package.related(part, "pivotCacheDefinition").values():
                yield _pivot(package.xml(part), package.xml(cache), grids, sheet.title)


def _pivot(root: etree._Element, cache: etree._Element, grids: Grids, sheet: str) -> ShownPivot:
    location = root.find("{*}location")
    if location is None:
        raise PackageError("a pivot table without a place")
    area = Area.at(location.get("ref", ""))
    captions = [field.get("name", "") for field in cache.iterfind("{*}cacheFields/{*}cacheField")]
    shared = [_shared(field) for field in cache.iterfind("{*}cacheFields/{*}cacheField")]
    fields = root.findall("{*}pivotFields/{*}pivotField")
    rows, columns = _numbers(root, "rowFields"), _numbers(root, "colFields")
    values = [
        (captions[int(value.get("fld", "0"))], value.get("subtotal", "sum"))
        for value in root.iterfind("{*}dataFields/{*}dataField")
    ]
    pages = [(int(p.get("fld", "0")), p.get("item")) for p in root.iterfind("{*}pageFields/{*}pageField")]
    used = {*rows, *columns, *(number for number, _ in pages)} - {_DATA}
    return ShownPivot(
        name=root.get("name", ""), sheet=sheet, top=area.top, left=area.left,
        rows=tuple(captions[n] for n in rows if n != _DATA), columns=tuple(captions[n] for n in columns if n != _DATA),
        values=tuple(values),
        chosen=tuple((captions[n], _item(fields[n], shared[n], int(item))) for n, item in pages if item is not None),
        excluded=tuple((captions[n], hidden) for n in sorted(used) if (hidden := _hidden(fields[n], shared[n]))),
        header_rows=int(location.get("firstDataRow", "1")), label_columns=int(location.get("firstDataCol", "1")),
        total_row=root.get("rowGrandTotals", "1") not in ("0", "false"),
        total_column=root.get("colGrandTotals", "1") not in ("0", "false"),
        cells=_block(grids, sheet, area), odd=_oddity(root, cache, fields, rows, columns, values),
    )  # fmt: skip


def _numbers(root: etree._Element, name: str) -> list[int]:
    return [int(field.get("x", "0")) for field in root.iterfind(f"{{*}}{name}/{{*}}field")]


def _shared(field: etree._Element) -> list[Shown]:
    """The shared values of a cache field."""
    found: list[Shown] = []
    for item in field.iterfind("{*}sharedItems/*"):
        kind, text = etree.QName(item).localname, item.get("v", "")
        if kind == "d":
            found.append(plain(datetime.fromisoformat(text)))
        elif kind == "b":
            found.append(float(text in ("1", "true")))
        else:
            found.append(float(text) if kind == "n" else None if kind == "m" else text)
    return found


def _items(field: etree._Element, shared: Sequence[Shown]) -> Iterator[tuple[etree._Element, Shown]]:
    for item in field.iterfind("{*}items/{*}item"):
        if item.get("t", "data") == "data" and item.get("x", "").isdigit() and int(item.get("x", "")) < len(shared):
            yield item, shared[int(item.get("x", ""))]


def _item(field: etree._Element, shared: Sequence[Shown], number: int) -> Shown:
    return [value for _, value in _items(field, shared)][number]


def _hidden(field: etree._Element, shared: Sequence[Shown]) -> tuple[Shown, ...]:
    return tuple(value for item, value in _items(field, shared) if item.get("h") in ("1", "true"))


def _oddity(
    root: etree._Element,
    cache: etree._Element,
    fields: Sequence[etree._Element],
    rows: Sequence[int],
    columns: Sequence[int],
    values: Sequence[tuple[str, str]],
) -> str:
    """What the pivot table does that is not worked out here; empty when nothing."""
    axes = [fields[number] for number in (*rows, *columns) if number != _DATA]
    if not values or not any(number != _DATA for number in rows):
        return "no row field or no value"
    if _DATA in rows or len(columns) > 1 or (len(values) > 1 and list(columns) != [_DATA]):
        return "its values or several fields stand across"
    if len(rows) > 1 and any(field.get("compact", "1") not in ("0", "false") for field in axes):
        return "compact form"
    if len(rows) > 1 and any(field.get("outline", "1") in ("0", "false") for field in axes):
        return "tabular form"
    if any(function not in _FUNCTIONS for _, function in values):
        return "another function"
    if any(value.get("showDataAs", "normal") != "normal" for value in root.iterfind("{*}dataFields/{*}dataField")):
        return "values shown as shares or differences"
    if any(item.get("n") is not None for field in axes for item in field.iterfind("{*}items/{*}item")):
        return "renamed items"
    if any(item.get("sd") in ("0", "false") for field in axes for item in field.iterfind("{*}items/{*}item")):
        return "collapsed items"
    if any(cache.find(path) is not None for path in _GROUPED):
        return "grouped or calculated items"
    if any(root.find(f"{{*}}{name}") is not None for name in _UNKNOWN_PARTS):
        return "filters by value or label"
    return ""
