"""
Submit, refresh and status from an open Excel, through the open-source part of xlwings.

The only module that imports xlwings. It knows no network: what sends and what fetches is given to it.
"""

import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbooks.dataset import Dataset
from workbooks.form import IDENTITY_PREFIX, Language, Text
from workbooks.ooxml.tables import PushError
from workbooks.opened.answer import Answer, Remark
from workbooks.opened.excel import Book, DeskError, Sheet, excel_errors, limit_patience, literal
from workbooks.opened.findings_page import own_sheet, verdict, write_findings
from workbooks.opened.identity import OpenForm, cell_of, names_of, open_form
from workbooks.opened.keeping import quiet, selection_kept, unprotected
from workbooks.opened.marks import Marker, marked_sheets, take_back
from workbooks.opened.native import native
from workbooks.opened.tables import OpenTable, Refreshed, check_room, open_tables, write_rows
from workbooks.pushing.matching import choose_among

__all__ = [
    "Answer",
    "DeskError",
    "OpenForm",
    "Refreshed",
    "Remark",
    "RunPython",
    "Submitted",
    "active_book",
    "refresh",
    "run_python",
    "status",
    "submit",
    "tell",
    "verdict",
]

Post = Callable[[bytes, str], Answer]
"""Sends a workbook, given as bytes and file name; what it raises goes to the caller of `submit`."""
Fetch = Callable[[str], Dataset]
"""The rows of a dataset by name."""

_MOST_MARKED = 500  # cells that get a colour and a note; the list has all findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """
    What became of the open workbook.

    *unmarked* are its sheets under a password, where nothing could be written; *listed* says
    whether the findings stand on a sheet of their own.
    """

    answer: Answer
    form: OpenForm
    unmarked: tuple[str, ...]
    listed: bool


def active_book() -> Book:
    """
    The workbook whose button was pressed, or else the active one of the running Excel.

    Raises:
        DeskError: xlwings is not installed, no Excel runs here, or no workbook is open.
    """
    xw = _xlwings()
    limit_patience()
    pressed = any(argument.startswith("--from_xl=1") for argument in sys.argv)
    with _explained():
        if pressed or hasattr(xw.Book, "_mock_caller"):
            return xw.Book.caller()
        if xw.engines.active is None:
            raise DeskError(
                Text(
                    "这台电脑上没有 Excel 可用：按钮和 desk 命令只能在装有 Excel 的 Windows 或 Mac 上使用。"
                    "请在网页上提交，或发邮件。",
                    "There is no Excel here: the buttons and `desk` work on Windows and Mac with Excel. "
                    "Submit the workbook on the web page or by mail instead.",
                )
            )
        app = xw.apps.active
        if app is None:
            raise DeskError(
                Text("Excel 没有运行。请先打开要提交的工作簿。", "No Excel is running. Open the workbook first.")
            )
        if not len(app.books):
            raise DeskError(
                Text("Excel 里没有打开的工作簿。请先打开它。", "No workbook is open in Excel. Open the workbook first.")
            )
        return app.books.active


def status(book: Book | None = None) -> OpenForm:
    """
    What the open workbook says of itself.

    Raises:
        DeskError: As `active_book`; or Excel is busy.
    """
    with _explained():
        return open_form(book or active_book())


def submit(post: Post, book: Book | None = None, *, any_workbook: bool = False) -> Submitted:
    """
    Send a copy of the open workbook, as it is now, and write the answer into it.

    Number, revision, state and time go into their cells; wrong cells get a colour and a note
    and stand on the findings sheet; what an earlier answer marked is taken back first.
    Sheets are protected again as they were.

    Raises:
        DeskError: As `active_book`; the workbook is none of our forms (and *any_workbook* is
            not set), or Excel did not do what was asked.
        Exception: What *post* raises. The open workbook is then as it was.
    """
    with _explained():
        book = book or active_book()
        form = open_form(book)
        if not form.form_id and not any_workbook:
            raise DeskError(
                Text(
                    f"“{form.filename}”不是从模板得到的表单，没有发送。请打开要提交的表单；如果内容是粘贴到新文件里的，请在网页上提交。",
                    f"“{form.filename}” is not one of the forms, and was not sent. Open the form to submit; "
                    "one that was pasted into a new file can be submitted on the web page.",
                )
            )
        content, filename = _copy(book)
    answer = post(content, filename)
    with _explained():
        unmarked, page = _write(book, answer, form.language)
        if page is not None and not answer.accepted:
            page.activate()
    return Submitted(answer=answer, form=form, unmarked=unmarked, listed=page is not None)


def refresh(
    fetch: Fetch,
    known: Collection[str],
    book: Book | None = None,
    *,
    dataset: str | None = None,
    table: str | None = None,
    language: Language = "zh",
) -> tuple[Refreshed, ...]:
    """
    Write datasets into their tables of the open workbook, and refresh its pivot tables and queries.

    Without *dataset* every table is refreshed that the workbook gives one of the *known* datasets
    (name AS__dataset_<table>), or that is called like one (`T_fracas_cases`); with it the table
    called *table*, the one called like the dataset, or the one whose headings fit. Everything is
    fetched and checked before the first cell is changed. Selection, calculation mode and screen
    updating are as before, even when it fails.

    Raises:
        DeskError: As `active_book`; or no table takes the rows, they have no room, or Excel did
            not do what was asked.
        Exception: What *fetch* raises. The open workbook is then as it was.
    """
    with _explained():
        book = book or active_book()
        found = open_tables(book)
        wanted = _named(book, found, known) if dataset is None else [(dataset, table)]
        if not wanted:
            names = "、".join(known)
            raise DeskError(
                Text(
                    f"这个工作簿里没有可以刷新的表：表名应为 T_ 加数据集名。可用的数据集：{names}。",
                    "No table of this workbook can be refreshed: they are called T_ and the dataset's name. "
                    f"The datasets are: {', '.join(known)}.",
                )
            )
    fetched = [(fetch(name), into) for name, into in wanted]
    with _explained():
        plan = []
        for rows, into in fetched:
            target = _target(found, rows, into, language)
            plan.append((target, rows, check_room(target, rows, language)))
        with selection_kept(book), quiet(book.app):
            done = tuple(_write_table(target, rows, places) for target, rows, places in plan)
        with selection_kept(book):
            native(book.app).refresh_all(book)
    return done


def tell(book: Book, text: str, *, good: bool) -> None:
    """Show *text* in a box over the workbook; the answer to a pressed button."""
    book.app.alert(text, title="Aftersheet", buttons="ok", mode="info" if good else "critical")


@dataclass(frozen=True, slots=True)
class RunPython:
    """The files of the installed xlwings by which a macro starts Python: a VBA module, and a script for the Mac."""

    module: Path
    script: Path


def run_python() -> RunPython:
    """
    Raises:
        DeskError: xlwings is not installed.
    """
    xw = _xlwings()
    folder = Path(xw.__file__).parent
    return RunPython(folder / "xlwings_custom_addin.bas", folder / f"xlwings-{xw.__version__}.applescript")


def _xlwings() -> Any:
    try:
        import xlwings
    except ImportError as error:
        raise DeskError(
            Text(
                f'没有安装 xlwings（{error}）。请运行：pip install "aftersheet[desk]"',
                f'xlwings is not installed ({error}). Run: pip install "aftersheet[desk]"',
            )
        ) from error
    return xlwings


@contextmanager
def _explained() -> Iterator[None]:
    """What Excel refuses, in words: the codes of COM and Apple events help nobody."""
    try:
        yield
    except PushError as error:
        raise DeskError(error.message) from error
    except Exception as error:
        if not isinstance(error, excel_errors()):
            raise
        raise DeskError(
            Text(
                f"Excel 没有照做（{error}）。请结束单元格编辑（按 Enter 或 Esc）、关闭打开的对话框后再试。",
                f"Excel did not do what was asked ({error}). Finish editing the cell (Enter or Esc), "
                "close open dialogs and try again.",
            )
        ) from error


def _copy(book: Book) -> tuple[bytes, str]:
    with tempfile.TemporaryDirectory(prefix="aftersheet-") as folder:
        path = native(book.app).copy(book, Path(folder))
        return path.read_bytes(), path.name


def _write(book: Book, answer: Answer, language: Language) -> tuple[tuple[str, ...], Sheet | None]:
    """Write *answer* into the workbook: the sheets a password kept closed, and the findings sheet if there is one."""
    names = names_of(book)
    cells = {name: cell_of(book, names, name) for name in ("number", "revision", "state", "received_at")}
    titles = {sheet.name.casefold(): sheet.name for sheet in book.sheets}
    touched = marked_sheets(book) | {cell.sheet.name for cell in cells.values() if cell is not None}
    touched |= {titles[remark.sheet.casefold()] for remark in answer.remarks if remark.sheet.casefold() in titles}
    old_page = own_sheet(book)
    if old_page is not None:
        touched.add(old_page.name)
    with selection_kept(book), quiet(book.app), ExitStack() as stack:
        writable = {name for name in sorted(touched) if stack.enter_context(unprotected(book.sheets[name]))}
        take_back(book, writable)
        values: dict[str, Any] = {
            "number": literal(answer.number) if answer.number else None,
            "revision": answer.revision,
            "state": literal(answer.state[language]),
            "received_at": answer.received_at,
        }
        for name, cell in cells.items():
            if cell is not None and values[name] is not None and cell.sheet.name in writable:
                cell.value = values[name]
        _mark(book, answer, language, titles, writable)
        page = None
        if (answer.remarks or old_page is not None) and (old_page is None or old_page.name in writable):
            page = write_findings(book, answer, language)
    return tuple(sorted(touched - writable)), page


def _mark(book: Book, answer: Answer, language: Language, titles: dict[str, str], writable: set[str]) -> None:
    marker = Marker(book, language)
    by_cell: dict[tuple[str, str], list[Remark]] = {}
    for remark in answer.remarks:
        title = titles.get(remark.sheet.casefold())
        if remark.cell and title in writable:
            first = book.sheets[title].range(remark.cell).merge_area(1, 1).address
            by_cell.setdefault((title or "", first), []).append(remark)
    for (title, address), remarks in list(by_cell.items())[:_MOST_MARKED]:
        marker.put(book.sheets[title].range(address), remarks)


def _named(book: Book, found: list[OpenTable], known: Collection[str]) -> list[tuple[str, str | None]]:
    """Datasets with their tables: as the workbook itself says (AS__dataset_<table>), else as the tables are called."""
    names = {name.casefold(): text for name, text in names_of(book).items()}
    called = {spelling: name for name in known for spelling in (name.casefold(), f"t_{name.casefold()}")}
    pairs: list[tuple[str, str | None]] = []
    for table in found:
        said = names.get(f"{IDENTITY_PREFIX}dataset_{table.name}".casefold(), "").strip('="')
        name = said if said in known else called.get(table.name.casefold())
        if name is not None:
            pairs.append((name, table.name))
    return pairs


def _target(found: list[OpenTable], rows: Dataset, into: str | None, language: Language) -> OpenTable:
    """The table for *rows*: the one called *into*, the one called like the dataset, or the one whose headings fit."""
    if into is None:
        into = next((table.name for table in found if _is_called(table, rows.name)), None)
    return choose_among(found, rows, into, language)


def _is_called(table: OpenTable, dataset: str) -> bool:
    return table.name.casefold() in (dataset.casefold(), f"t_{dataset.casefold()}")


def _write_table(target: OpenTable, rows: Dataset, places: tuple[int | None, ...]) -> Refreshed:
    with unprotected(target.table.parent) as open_:
        if not open_:
            raise DeskError(
                Text(
                    f"工作表“{target.sheet.title}”有密码保护，不能刷新。请先撤销保护。",
                    f"Sheet “{target.sheet.title}” is protected by a password. Unprotect it, then refresh.",
                )
            )
        return write_rows(target, rows, places)
