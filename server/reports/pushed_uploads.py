"""A workbook somebody hands in, given back with fresh rows; read and written in a child process."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime

from server.access.visibility import Viewer
from server.intake.mail.plain import plain
from server.reports.record_links import with_record_links
from server.reports.registered.refreshing import MEMORY_MB, CannotRefresh, fitting, shape_of, tables_in
from server.reports.stamping import STAMP_PART, filled, with_stamp
from server.site import Site
from server.statistics.datasets import load
from server.statistics.selection import EVERYTHING, Selection
from workbooks.form import Language, Text
from workbooks.ooxml.tables import PushError, Table
from workbooks.push import Change, Pushed, push
from workbooks.pushing.matching import choose_among, headed_in
from workbooks.reporting.report_stamp import StampedTable
from workbooks.sandbox import ChildError, Stopped

_TOO_MUCH = Text(
    "工作簿太大或太复杂，处理时超出了时间或内存限制。请缩短数据期间，或在自己的电脑上用 aftersheet push 刷新。",
    "The workbook is too large or too complex: time or memory ran out. Narrow the period, or use `aftersheet push`.",
)
_MOST_TABLES = 20
_SECONDS = 90.0  # for one table, while a person waits
_DAMAGED = Text(
    "文件的某一部分与格式不符，无法刷新。请在 Excel 中打开、另存为 .xlsx 后再试。",
    "A part of the file is not as it should be. Open it in Excel, save it as .xlsx and try again.",
)
_BUSY = Text(
    "服务器正在刷新其他人的工作簿，请过一会儿再试。",
    "The server is refreshing other people's workbooks; try again in a while.",
)
_AT_ONCE = threading.BoundedSemaphore(4)  # of the eight requests a server answers at a time
_PATIENCE = 20.0  # seconds


@dataclass(frozen=True, slots=True)
class Order:
    """A dataset for a table; without *table* the one whose headings fit."""

    dataset: str
    table: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """Which rows go in: as of an instant (aware; now when absent), from *start* to *end*, narrowed by *selection*."""

    as_of: datetime | None = None
    start: date | None = None
    end: date | None = None
    selection: Selection = EVERYTHING


def push_upload(
    site: Site,
    content: bytes,
    orders: Sequence[Order],
    viewer: Viewer,
    *,
    extent: Extent = Extent(),
    language: Language,
    filename: str,
    address: str = "",
) -> tuple[bytes, list[Change]]:
    """
    The workbook *content* with what *viewer* may see of every ordered dataset, and what was changed for each order.

    *address* is that of the server, for tables with a column of record links.

    Raises:
        PushError: It cannot be refreshed; the message says why and what to do.
        UnknownDataset: There is no dataset of an order's name.
    """
    with turn():
        content, changes = _pushed(site, content, orders, viewer, extent, language, address)
    with site.session() as session:
        site.note(
            session, viewer, "exported", f"workbook:{plain(filename, 200)}",
            datasets=[order.dataset for order in orders], tables=[change.table for change in changes],
            rows=[change.rows for change in changes],
        )  # fmt: skip
    return content, changes


@contextmanager
def turn() -> Iterator[None]:
    """
    While one workbook from outside is worked on.

    Raises:
        PushError: As many are at it as the server bears, and none of them has ended in time.
    """
    if not _AT_ONCE.acquire(timeout=_PATIENCE):
        raise PushError(_BUSY)
    try:
        yield
    finally:
        _AT_ONCE.release()


def _pushed(
    site: Site,
    content: bytes,
    orders: Sequence[Order],
    viewer: Viewer,
    extent: Extent,
    language: Language,
    address: str,
) -> tuple[bytes, list[Change]]:
    changes: list[Change] = []
    told: dict[str, StampedTable] = {}
    for order in orders:
        with site.session(read_only=True) as session:
            rows = load(
                session, order.dataset, viewer,
                site=site, as_of=extent.as_of, start=extent.start, end=extent.end, selection=extent.selection,
                language=language,
            )  # fmt: skip
        rows = with_record_links(site, rows, address)
        try:
            pushed: Pushed = site.sandbox.run(
                push, content, rows, table=order.table, language=language, seconds=_SECONDS, memory_mb=MEMORY_MB
            )
        except Stopped as stopped:
            raise PushError(_TOO_MUCH) from stopped
        except ChildError as error:
            raise PushError(_DAMAGED) from error
        content = pushed.content
        changes.append(pushed)
        told[pushed.table] = filled(
            site, rows, viewer, language=language, start=extent.start, end=extent.end, selection=extent.selection
        )
    stamped = with_stamp(site, content, told)
    if stamped is not content:
        content = stamped
        changes[-1] = replace(changes[-1], changed_parts=tuple(sorted({*changes[-1].changed_parts, STAMP_PART})))
    return content, changes


def fitting_orders(site: Site, content: bytes, language: Language, table: str | None = None) -> list[Order]:
    """
    For each table of the workbook *content*, or for *table* alone, the dataset that fits its headings most closely.

    Tables that no dataset fits are left alone.

    Raises:
        PushError: It has no such table that any dataset fits, too many, or cannot be read.
    """
    tables = _tables(site, content)
    meant = [found for found in tables if table is None or found.name.casefold() == table.casefold()]
    if len(meant) > _MOST_TABLES:
        raise PushError(
            Text(
                f"工作簿里有 {len(meant)} 个表，一次最多刷新 {_MOST_TABLES} 个。请填写表名。",
                f"The workbook has {len(meant)} tables; at most {_MOST_TABLES} are refreshed at once. Name one.",
            )
        )
    orders = [Order(names[0], found.name) for found in meant for names in [fitting(site, found, language)] if names]
    if not orders:
        zh, en = "、".join(table.name for table in tables), ", ".join(table.name for table in tables)
        raise PushError(
            Text(
                f"工作簿里没有表头与任何数据集相符的表。{f'现有的表：{zh}。' if zh else ''}"
                "请选中数据区域，按 Ctrl+T 建立表，表头用数据集的列名。",
                f"No table of the workbook has the headings of a dataset. {f'Its tables: {en}. ' if en else ''}"
                "Select the data, press Ctrl+T to make it a table, and head its columns like a dataset's.",
            )
        )
    return orders


def headings_language(site: Site, content: bytes, order: Order) -> Language | None:
    """
    The language in which the table of the workbook *content* that takes *order* is headed; None where it is in neither.

    Raises:
        PushError: No table takes it, or the workbook cannot be read.
        UnknownDataset: There is no such dataset.
    """
    shape = shape_of(site, order.dataset)
    return headed_in(choose_among(_tables(site, content), shape, order.table), shape)


def _tables(site: Site, content: bytes) -> tuple[Table, ...]:
    try:
        with turn():
            return tables_in(site, content)
    except CannotRefresh as error:
        raise PushError(error.message) from error
