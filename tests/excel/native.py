"""The native objects behind xlwings' `.api`: of Excel for Windows (COM), and of Excel for Mac (appscript)."""

from types import SimpleNamespace
from typing import Any

from openpyxl.worksheet.worksheet import Worksheet

from tests.excel.model import Application, OpenWorkbook, com_error

# Excel's argument of Protect → openpyxl's (and the file's) attribute, which says the opposite: "is locked".
ALLOWED = {
    "AllowFormattingCells": "formatCells",
    "AllowFormattingColumns": "formatColumns",
    "AllowFormattingRows": "formatRows",
    "AllowInsertingColumns": "insertColumns",
    "AllowInsertingRows": "insertRows",
    "AllowInsertingHyperlinks": "insertHyperlinks",
    "AllowDeletingColumns": "deleteColumns",
    "AllowDeletingRows": "deleteRows",
    "AllowSorting": "sort",
    "AllowFiltering": "autoFilter",
    "AllowUsingPivotTables": "pivotTables",
}
PARTS = {"DrawingObjects": "objects", "Contents": "sheet", "Scenarios": "scenarios"}


class WindowsApp:
    def __init__(self, app: Application) -> None:
        self._app = app

    def CalculateUntilAsyncQueriesDone(self) -> None:
        self._app.note("CalculateUntilAsyncQueriesDone")


class WindowsBook:
    def __init__(self, book: OpenWorkbook) -> None:
        self._book = book
        self.SaveCopyAs, self.RefreshAll = book.SaveCopyAs, book.RefreshAll

    @property
    def ProtectStructure(self) -> bool:
        security = self._book.content.security
        return bool(security is not None and security.lockStructure)


class WindowsSheet:
    """Worksheet: Protect, Unprotect and what tells how it is protected."""

    def __init__(self, book: OpenWorkbook, sheet: Worksheet) -> None:
        self._book, self._sheet = book, sheet

    ProtectContents = property(lambda self: bool(self._sheet.protection.sheet))
    ProtectDrawingObjects = property(lambda self: bool(self._sheet.protection.sheet and self._sheet.protection.objects))
    ProtectScenarios = property(lambda self: bool(self._sheet.protection.sheet and self._sheet.protection.scenarios))
    ProtectionMode = False

    @property
    def Protection(self) -> SimpleNamespace:
        kept = self._sheet.protection
        return SimpleNamespace(**{name: not getattr(kept, locked) for name, locked in ALLOWED.items()})

    def Unprotect(self, Password: str) -> None:
        if self._book.passwords.get(self._sheet.title, "") != Password:
            raise com_error("The password you supplied is not correct.")
        self._book.app.note("Unprotect")
        self._sheet.protection.sheet = False

    def Protect(self, **arguments: bool) -> None:
        self._book.app.note("Protect")
        kept = self._sheet.protection
        kept.sheet = arguments["Contents"]
        kept.objects, kept.scenarios = arguments["DrawingObjects"], arguments["Scenarios"]
        for name, locked in ALLOWED.items():
            setattr(kept, locked, not arguments[name])


class Interior:
    """Range.Interior, as far as it tells patterns and theme colours."""

    def __init__(self, cells: list[Any], check: Any) -> None:
        self._cells, self._check = cells, check

    @property
    def Pattern(self) -> int:
        kinds = {"solid": 1, None: -4142}
        fill = self._cells[0].fill
        return kinds.get(fill.patternType, 4) if fill.tagname == "patternFill" else 4000  # xlPatternLinearGradient

    def _colour(self) -> Any:
        colour = self._cells[0].fill.fgColor
        if colour.type != "theme":
            raise com_error("Invalid request")
        return colour

    @property
    def ThemeColor(self) -> int:
        return self._colour().theme + 1

    @ThemeColor.setter
    def ThemeColor(self, value: int) -> None:
        self._set(theme=value - 1)

    @property
    def TintAndShade(self) -> float:
        return self._colour().tint

    @TintAndShade.setter
    def TintAndShade(self, value: float) -> None:
        self._set(theme=self._colour().theme, tint=value)

    def _set(self, **colour: Any) -> None:
        from openpyxl.styles import PatternFill
        from openpyxl.styles.colors import Color

        self._check()
        for cell in self._cells:
            cell.fill = PatternFill("solid", fgColor=Color(**colour))


class Term:
    """A property over Apple events: `get()` and `set()`."""

    def __init__(self, get: Any, set_: Any = None) -> None:
        self.get, self._set = get, set_

    def set(self, value: Any) -> None:
        self._set(value)


class MacBook:
    def __init__(self, book: OpenWorkbook) -> None:
        self.refresh_all = book.RefreshAll
        self.protect_structure = Term(lambda: WindowsBook(book).ProtectStructure)


class MacSheet:
    """The same worksheet in the words of Excel's dictionary for Apple events."""

    def __init__(self, book: OpenWorkbook, sheet: Worksheet) -> None:
        same = WindowsSheet(book, sheet)
        self._same = same
        self.protect_contents = Term(lambda: same.ProtectContents)
        self.protect_drawing_objects = Term(lambda: same.ProtectDrawingObjects)
        self.protect_scenarios = Term(lambda: same.ProtectScenarios)
        self.protection_mode = Term(lambda: False)
        terms = {term(name): Term(lambda name=name: getattr(same.Protection, name)) for name in ALLOWED}
        self.protection_object = SimpleNamespace(**terms)

    def unprotect(self, password: str) -> None:
        self._same.Unprotect(password)

    def protect_worksheet(self, **arguments: bool) -> None:
        names = {term(name): name for name in ALLOWED}
        names |= {"drawing_objects": "DrawingObjects", "worksheet_contents": "Contents", "scenarios": "Scenarios"}
        names["user_interface_only"] = "UserInterfaceOnly"
        self._same.Protect(**{names[name]: value for name, value in arguments.items()})


def term(name: str) -> str:
    """AllowUsingPivotTables → allow_using_pivot_table, as the dictionary has it."""
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).strip("_")
    return words.replace("pivot_tables", "pivot_table")
