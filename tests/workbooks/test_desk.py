"""Datasets into tables of an open Excel, through the real xlwings over an engine that behaves as Excel documents."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import xlwings as xw
from openpyxl import Workbook
from openpyxl.worksheet.filters import FilterColumn, Filters
from openpyxl.worksheet.table import Table, TableColumn

from tests.excel.engine import Engine, installed
from tests.excel.model import Application, OpenWorkbook, Pivot, com_error
from workbooks import desk
from workbooks.dataset import Column, Dataset
from workbooks.desk import DeskError
from workbooks.form import Text

ROOT = Path(__file__).parents[2]
COLUMNS = (
    Column("station", Text("服务站", "Station"), "text"),
    Column("failures", Text("故障数", "Failures"), "integer"),
    Column("reported_on", Text("报修日期", "Reported on"), "date"),
    Column("repeat", Text("重复率", "Repeat"), "percent"),
)
HEADER = ["服务站", "故障数", "加倍", "报修日期"]  # the owner's own order, with a column Excel computes
DOUBLE = "=T_cases[[#This Row],[故障数]]*2"


def cases(count: int, **changes: Any) -> Dataset:
    """*count* rows: station S1, S2 …, as many failures, one day each."""
    numbers = range(1, count + 1)
    data = {
        "station": [f"S{n}" for n in numbers],
        "failures": list(numbers),
        "reported_on": [date(2026, 1, n % 28 + 1) for n in numbers],
        "repeat": [0.5] * count,
    } | changes
    return Dataset(
        name="cases", title=Text("故障", "Cases"), columns=COLUMNS, data=tuple(data[c.name] for c in COLUMNS),
        as_of=datetime(2026, 7, 1), definition=Text("全部", "all"),
    )  # fmt: skip


@pytest.fixture
def excel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    """A running Excel for Windows."""
    module = ModuleType("pywintypes")
    module.com_error = com_error  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pywintypes", module)
    with installed(Engine()) as engine:
        yield engine.start()


def opened(
    excel: Application, folder: Path, rows: int = 3, *, totals: bool = True, name: str = "T_cases"
) -> OpenWorkbook:
    """A workbook with a table of *rows* rows at B3, a totals row below it, and a pivot table over the failures."""
    book = Workbook()
    sheet = book.active
    sheet.title = "数据"
    for column, heading in enumerate(HEADER, start=2):
        sheet.cell(3, column, heading)
    for row in range(4, 4 + max(1, rows)):
        values = ["旧站", 7, DOUBLE.replace("T_cases", name), datetime(2025, 1, 1)] if rows else [None] * 4
        for column, value in enumerate(values, start=2):
            sheet.cell(row, column, value)
        sheet.cell(row, 5).number_format = "yyyy/m/d"
    last = 3 + max(1, rows)
    table = Table(displayName=name, name=name, ref=f"B3:E{last + totals}")
    table._initialise_columns()
    for column, heading in zip(table.tableColumns, HEADER, strict=True):
        column.name = heading
    table.totalsRowCount = 1 if totals else None
    if totals:
        first, second = table.tableColumns[:2]
        assert isinstance(first, TableColumn)
        first.totalsRowLabel, second.totalsRowFunction = "合计", "sum"
        sheet.cell(last + 1, 2, "合计")
        sheet.cell(last + 1, 3, f"=SUBTOTAL(109,{name}[故障数])")
        sheet.cell(last + 1, 4, f"=MAX({name}[加倍])")  # the owner's own: Excel's list has no such function
    if not rows:
        table.insertRow = True
    sheet.add_table(table)
    path = folder / "figures.xlsx"
    book.save(path)
    found = excel.open(path)
    found.content["数据"].tables[name].insertRow = True if not rows else None
    found.pivots.append(Pivot(name, "故障数"))
    return found


def refresh(rows: Dataset, **options: Any) -> tuple[desk.Refreshed, ...]:
    return desk.refresh(lambda name: rows, ("cases", "other"), **options)


def grid(book: OpenWorkbook, *, last: int = 12) -> list[list[Any]]:
    """What stands in the table's columns from its header down, without empty rows at the end."""
    rows = [[cell.value for cell in row] for row in book.content["数据"].iter_rows(3, last, 2, 5)]
    while rows and not any(value is not None for value in rows[-1]):
        rows.pop()
    return rows


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_the_table_has_as_many_rows_as_the_dataset(excel: Application, tmp_path: Path, count: int):
    """Longer or shorter: values by heading, formulas to the last row, the totals row below with all it computed."""
    book = opened(excel, tmp_path)
    done = refresh(cases(count))
    days = [datetime(2026, 1, n % 28 + 1) for n in range(1, count + 1)]

    assert grid(book) == [
        HEADER,
        *([f"S{n}", n, DOUBLE, days[n - 1]] for n in range(1, count + 1)),
        ["合计", "=SUBTOTAL(109,T_cases[故障数])", "=MAX(T_cases[加倍])", None],
    ]
    assert book.content["数据"].tables["T_cases"].ref == f"B3:E{4 + count}"
    assert [(one.table, one.rows, one.rows_before) for one in done] == [("T_cases", count, 3)]
    assert {book.content["数据"].cell(row, 5).number_format for row in range(4, 4 + count)} == {"yyyy/m/d"}


def test_no_rows_leave_one_empty_row(excel: Application, tmp_path: Path):
    """A table without rows still shows one; the next refresh finds its formula there."""
    book = opened(excel, tmp_path)
    refresh(cases(0))
    empty = grid(book)
    refresh(cases(2))

    assert empty[1] == [None, None, DOUBLE, None]
    assert [row[:3] for row in grid(book)[1:3]] == [["S1", 1, DOUBLE], ["S2", 2, DOUBLE]]


def test_a_table_that_was_never_filled(excel: Application, tmp_path: Path):
    """DataBodyRange is Nothing there; the rows come in all the same."""
    book = opened(excel, tmp_path, rows=0, totals=False)
    refresh(cases(2))

    assert [row[:2] for row in grid(book)[1:]] == [["S1", 1], ["S2", 2]]


def test_formulas_reach_down_where_excel_does_not_fill_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With "fill formulas in tables" switched off in Excel's AutoCorrect, too."""
    with installed(Engine()) as engine:
        book = opened(engine.start(auto_fill_formulas=False), tmp_path)
        refresh(cases(5))

    assert [row[2] for row in grid(book)[1:6]] == [DOUBLE] * 5


def test_pivot_tables_show_the_new_rows(excel: Application, tmp_path: Path):
    """Refreshed after the rows are in, and background queries are waited for."""
    book = opened(excel, tmp_path)
    refresh(cases(4))

    assert book.pivots[0].shown == 1 + 2 + 3 + 4
    assert excel.log.index("RefreshAll") > max(place for place, call in enumerate(excel.log) if call == "Value")
    assert excel.log[-1] == "CalculateUntilAsyncQueriesDone"


@pytest.mark.parametrize("text", ["007", "3-5", "=1+1", "TRUE", "2026-03-05", "+8613800000000", "'quoted"])
def test_text_stays_text(excel: Application, tmp_path: Path, text: str):
    """Excel reads what is written like typing; codes do not become numbers or dates, and nothing becomes a formula."""
    book = opened(excel, tmp_path)
    refresh(cases(1, station=[text]))
    cell = book.content["数据"]["B4"]

    assert (cell.value, cell.data_type) == (text, "s")


@pytest.mark.parametrize("fails_at", [None, "Resize", "Value", "RefreshAll", "Calculation=manual"])
def test_excel_is_as_it_was(excel: Application, tmp_path: Path, fails_at: str | None):
    """Active sheet, selection, calculation mode, screen updating and events, whether it works or fails half way."""
    book = opened(excel, tmp_path)
    other = book.content.create_sheet("封面")
    book.activate_sheet("封面")
    book.selections["封面"] = (5, 5, 6, 6)
    excel.Calculation = "semiautomatic"
    excel.fails_at = fails_at
    if fails_at is None:
        refresh(cases(5))
    else:
        with pytest.raises(DeskError) as refused:
            refresh(cases(5))
        assert fails_at in refused.value.message.en

    assert (book.active_title, book.selections["封面"]) == (other.title, (5, 5, 6, 6))
    assert (excel.Calculation, excel.ScreenUpdating, excel.EnableEvents) == ("semiautomatic", True, True)
    assert book.content["数据"].tables["T_cases"].totalsRowCount == 1


def test_what_stands_below_is_not_written_over(excel: Application, tmp_path: Path):
    """The cell in the way is named, and nothing was changed."""
    book = opened(excel, tmp_path)
    book.content["数据"]["C9"] = "手写的备注"
    before = grid(book)
    with pytest.raises(DeskError) as refused:
        refresh(cases(6))

    assert "数据!C9" in refused.value.message.zh
    assert grid(book) == before
    assert "Resize" not in excel.log
    assert refresh(cases(4))[0].rows == 4  # the totals row then stands on row 8


def test_what_stands_beside_stays(excel: Application, tmp_path: Path):
    """Cells beside the table and below a shorter one keep their places."""
    book = opened(excel, tmp_path)
    book.content["数据"]["G5"], book.content["数据"]["B9"] = "旁边", "下面"
    refresh(cases(1))

    assert (book.content["数据"]["G5"].value, book.content["数据"]["B9"].value) == ("旁边", "下面")
    assert book.content["数据"]["B6"].value is None


def test_a_protected_sheet_is_protected_again(excel: Application, tmp_path: Path):
    """Without a password it is lifted and put back with its options; with one the sheet is named."""
    book = opened(excel, tmp_path)
    sheet = book.content["数据"]
    sheet.protection.enable()
    sheet.protection.sort = False
    refresh(cases(5))
    after = (sheet.protection.sheet, sheet.protection.sort, sheet.protection.formatCells)
    book.passwords["数据"] = "secret"
    with pytest.raises(DeskError) as refused:
        refresh(cases(2))

    assert after == (True, False, True)
    assert len(grid(book)) == 1 + 5 + 1
    assert "数据" in refused.value.message.zh


def test_filters_are_cleared(excel: Application, tmp_path: Path):
    """New rows cannot have been chosen by an old filter; none stays hidden."""
    book = opened(excel, tmp_path)
    sheet = book.content["数据"]
    sheet.tables["T_cases"].autoFilter.filterColumn.append(FilterColumn(colId=0, filters=Filters(filter=["旧站"])))
    sheet.row_dimensions[5].hidden = True
    refresh(cases(3))

    assert sheet.tables["T_cases"].autoFilter.filterColumn == []
    assert not sheet.row_dimensions[5].hidden


def test_a_column_that_would_be_lost_is_named(excel: Application, tmp_path: Path):
    """A column of the owner's with typed contents belongs to rows that go; it is refused, not emptied."""
    book = opened(excel, tmp_path)
    sheet = book.content["数据"]
    for row in range(4, 7):
        sheet.cell(row, 4).value = "备注"
    with pytest.raises(DeskError) as refused:
        refresh(cases(2))

    assert "加倍" in refused.value.message.zh
    assert sheet.cell(4, 4).value == "备注"


def test_the_table_is_found_by_name_or_headings(excel: Application, tmp_path: Path):
    """T_ and the dataset's name; else the one named, or the one whose headings fit."""
    opened(excel, tmp_path, name="Tabelle1")
    with pytest.raises(DeskError) as unnamed:
        refresh(cases(2))
    by_headings = refresh(cases(2), dataset="cases")
    with pytest.raises(DeskError) as unknown:
        refresh(cases(2), dataset="cases", table="T_none")

    assert "cases" in unnamed.value.message.en
    assert by_headings[0].table == "Tabelle1"
    assert "T_none" in unknown.value.message.en


def test_the_workbook_may_say_which_dataset_is_whose(excel: Application, tmp_path: Path):
    """A hidden name does, as in reports with buttons; one that names no dataset is not listened to."""
    book = opened(excel, tmp_path, name="Tabelle1")
    names = xw.apps.active.books.active.names
    names.add("AS__dataset_Tabelle1", '="cases"')
    done = refresh(cases(2))
    names.add("AS__dataset_Tabelle1", '="secrets"')
    with pytest.raises(DeskError):
        refresh(cases(5))

    assert [one.table for one in done] == ["Tabelle1"]
    assert len(grid(book)) == 1 + 2 + 1


def test_what_cannot_be_fetched_changes_nothing(excel: Application, tmp_path: Path):
    """The server's refusal comes as it is; the workbook was not touched."""
    book = opened(excel, tmp_path)
    before = grid(book)

    def fetch(name: str) -> Dataset:
        raise TimeoutError(name)

    with pytest.raises(TimeoutError):
        desk.refresh(fetch, ("cases",))

    assert grid(book) == before
    assert excel.log == []


def test_on_a_mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The same over Apple events, where pivot tables are refreshed and nothing can be waited for."""
    monkeypatch.setattr("workbooks.opened.native.sys", SimpleNamespace(platform="darwin"))
    with installed(Engine(mac=True)) as engine:
        excel = engine.start()
        book = opened(excel, tmp_path)
        book.content["数据"].protection.enable()
        refresh(cases(5))

    assert len(grid(book)) == 1 + 5 + 1
    assert book.pivots[0].shown == 15
    assert excel.log[-1] == "RefreshAll"
    assert book.content["数据"].protection.sheet


def test_only_the_desk_imports_xlwings():
    """And nothing anywhere its commercial parts."""
    importing: dict[str, set[str]] = {}
    for path in [*ROOT.glob("workbooks/**/*.py"), *ROOT.glob("server/**/*.py"), *ROOT.glob("templates/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("import_module", "__import__"):
                names = [str(arg.value) for arg in node.args if isinstance(arg, ast.Constant)]
            for name in names:
                if name.split(".")[0] == "xlwings":
                    importing.setdefault(path.relative_to(ROOT).as_posix(), set()).add(name)

    assert importing == {"workbooks/desk.py": {"xlwings"}}


def test_the_commercial_parts_stay_shut():
    """The desk works with xlwings as it comes: no licence key, and a plain import says nothing and moves nobody."""
    program = (
        "import os; before = os.getcwd(); import workbooks.desk, xlwings; "
        "assert os.getcwd() == before; print(xlwings.__pro__, list(xlwings.engines))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "XLWINGS_LICENSE_KEY"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, cwd=ROOT, env=environment,
        check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[0] == "False"
