"""
The program: what Excel does by itself when it is asked to do something, after its object model's documentation.

Named in the words of VBA. Refusals are `com_error`, as pywin32 raises them.
"""

import re
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.cell.cell import MergedCell
from openpyxl.formula.translate import Translator
from openpyxl.utils import get_column_letter
from openpyxl.utils.cell import range_boundaries
from openpyxl.worksheet.worksheet import Worksheet

Box = tuple[int, int, int, int]  # top, left, bottom, right


class com_error(Exception):
    """pywintypes.com_error: what Excel raises over COM."""

    def __init__(self, text: str) -> None:
        super().__init__(-2147352567, "Exception occurred.", (0, "Microsoft Excel", text, None, 0, -2146827284), None)


class Application:
    """One running Excel."""

    def __init__(self, *, auto_fill_formulas: bool = True) -> None:
        self.ScreenUpdating = True
        self.EnableEvents = True
        self.DisplayAlerts = True
        self.Calculation = "automatic"
        self.AutoFillFormulasInLists = auto_fill_formulas
        self.workbooks: list[OpenWorkbook] = []
        self.active: OpenWorkbook | None = None
        self.alerts: list[str] = []
        self.log: list[str] = []
        self.fails_at: str | None = None  # the next call of this name is refused

    def open(self, path: Path, fullname: str | None = None) -> "OpenWorkbook":
        book = OpenWorkbook(self, load_workbook(path), fullname or str(path))
        self.workbooks.append(book)
        self.active = book
        return book

    def note(self, call: str) -> None:
        self.log.append(call)
        if self.fails_at == call:
            self.fails_at = None
            raise com_error(f"{call} failed")


class Pivot:
    """A pivot table that sums one column of a table: what it shows is what the table held when it was refreshed."""

    def __init__(self, table: str, column: str) -> None:
        self.table, self.column = table, column
        self.shown: Any = None


class OpenWorkbook:
    """One open workbook and its windows' state."""

    def __init__(self, app: Application, content: Workbook, fullname: str) -> None:
        self.app, self.content, self.fullname = app, content, fullname
        self.active_title: str = content.active.title
        self.selections: dict[str, Box] = {}
        self.passwords: dict[str, str] = {}
        self.pivots: list[Pivot] = []
        self.saved = True

    @property
    def name(self) -> str:
        return re.split(r"[/\\]", self.fullname)[-1]

    def activate_sheet(self, title: str) -> None:
        self.active_title = title

    def SaveCopyAs(self, filename: str) -> None:
        """Saves a copy to a file but doesn't modify the open workbook in memory."""
        self.app.note("SaveCopyAs")
        self.content.save(filename)

    def Save(self) -> None:
        self.content.save(self.fullname)
        self.saved = True

    def RefreshAll(self) -> None:
        """Refreshes all external data ranges and PivotTable reports in the workbook."""
        self.app.note("RefreshAll")
        for pivot in self.pivots:
            sheet, table = self.find_table(pivot.table)
            header = [c.name for c in table.tableColumns]
            top, left, bottom, _ = box(table.ref)
            column = left + header.index(pivot.column)
            last = bottom - (table.totalsRowCount or 0)
            values = [sheet.cell(row, column).value for row in range(top + 1, last + 1)]
            pivot.shown = sum(value for value in values if isinstance(value, int | float))

    def find_table(self, name: str) -> tuple[Worksheet, Any]:
        return next((s, s.tables[name]) for s in self.content.worksheets if name in s.tables)

    def check_structure(self) -> None:
        if self.content.security is not None and self.content.security.lockStructure:
            raise com_error("Workbook is protected and cannot be changed.")


def box(reference: str) -> Box:
    left, top, right, bottom = range_boundaries(reference.replace("$", ""))
    return top, left, bottom, right


def address(area: Box, *, absolute: bool = True) -> str:
    mark = "$" if absolute else ""
    corners = [f"{mark}{get_column_letter(c)}{mark}{r}" for r, c in ((area[0], area[1]), (area[2], area[3]))]
    return corners[0] if corners[0] == corners[1] else ":".join(corners)


def meets(one: Box, other: Box) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def check_content(sheet: Worksheet, cells: list[Any]) -> None:
    """Protection as documented: locked cells cannot be changed."""
    if sheet.protection.sheet and any(cell.protection.locked for cell in cells):
        raise com_error("The cell or chart you're trying to change is on a protected sheet.")


def check_format(sheet: Worksheet) -> None:
    """Formats, notes and conditional formats: not at all on a protected sheet, locked cell or not."""
    if sheet.protection.sheet and sheet.protection.formatCells:  # openpyxl's True is "not allowed", as in the file
        raise com_error("Application-defined or object-defined error")


def enter(cell: Any, value: Any) -> None:
    """A value assigned to Range.Value: texts are read as if somebody had typed them."""
    if isinstance(cell, MergedCell):
        return  # what lies under a merged cell shows nothing
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if isinstance(value, str):
        if value.startswith("'"):
            cell.value = value[1:]
            cell.data_type = "s"
            return
        value = typed(value)
    if value == "":
        value = None
    shown = cell.number_format
    cell.value = value
    if isinstance(value, datetime) and shown != "General":
        cell.number_format = shown  # Excel changes the format of a General cell only


def typed(text: str) -> Any:
    """What Excel makes of a typed text (of the many, those the tests need)."""
    if text.startswith("="):
        return text
    if re.fullmatch(r"[-+]?\d+(\.\d+)?", text):
        return float(text)
    if re.fullmatch(r"(\d{4}[-/])?\d{1,2}[-/]\d{1,2}", text):
        parts = [int(part) for part in re.split("[-/]", text)]
        with suppress(ValueError):  # no such day: stays text
            return datetime(*([date.today().year, *parts][-3:]))
    if text.upper() in ("TRUE", "FALSE"):
        return text.upper() == "TRUE"
    return text


def resize_table(app: Application, sheet: Worksheet, table: Any, area: Box) -> None:
    """
    ListObject.Resize: the table stands over a new range; no cells are inserted or moved.

    The header row stays in its row, tables may not overlap each other or merged cells, and a
    calculated column reaches into the new rows (AutoCorrect: fill formulas in tables).
    """
    app.note("Resize")
    if sheet.protection.sheet:
        raise com_error("The sheet is protected")
    was = box(table.ref)
    if area[0] != was[0] or not meets(area, was) or area[2] <= area[0]:
        raise com_error("The headers must remain in the same row, and the resulting table must overlap the original")
    if any(meets(area, box(other.ref)) for other in sheet.tables.values() if other is not table):
        raise com_error("A table cannot overlap another table")
    if any(meets(area, box(str(merged))) for merged in sheet.merged_cells.ranges):
        raise com_error("A table cannot overlap a range that contains merged cells")
    table.ref = address(area, absolute=False)
    if table.autoFilter is not None:
        table.autoFilter.ref = table.ref
    if app.AutoFillFormulasInLists:
        for column in range(area[1], area[3] + 1):
            first = sheet.cell(was[0] + 1, column)
            if isinstance(first.value, str) and first.value.startswith("="):
                for row in range(was[2] + 1, area[2] + 1):
                    fill_from(first, sheet.cell(row, column))


def fill_from(source: Any, target: Any) -> None:
    """A formula copied to another cell: relative references move."""
    if isinstance(source.value, str) and source.value.startswith("="):
        target.value = Translator(source.value, source.coordinate).translate_formula(target.coordinate)
    else:
        target.value = source.value


def show_totals(sheet: Worksheet, table: Any, shown: bool) -> None:
    """
    ListObject.ShowTotals: the row goes with its contents, and comes back with its functions and labels.

    Cells that stand where the row comes back are shifted down.
    """
    area = box(table.ref)
    if bool(table.totalsRowCount) == shown:
        return
    if not shown:
        for column in range(area[1], area[3] + 1):
            sheet.cell(area[2], column).value = None
        table.ref, table.totalsRowCount = address((*area[:2], area[2] - 1, area[3]), absolute=False), None
        return
    row = area[2] + 1
    if any(sheet.cell(row, column).value is not None for column in range(area[1], area[3] + 1)):
        rows = f"{get_column_letter(area[1])}{row}:{get_column_letter(area[3])}{sheet.max_row}"
        sheet.move_range(rows, rows=1)
    for column, of in enumerate(table.tableColumns, start=area[1]):
        if of.totalsRowFunction == "sum":
            sheet.cell(row, column).value = f"=SUBTOTAL(109,{table.name}[{of.name}])"
        elif of.totalsRowLabel:
            sheet.cell(row, column).value = of.totalsRowLabel
    table.ref, table.totalsRowCount = address((*area[:2], row, area[3]), absolute=False), 1
