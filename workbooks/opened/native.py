"""What xlwings leaves to the two programs themselves: Excel for Windows over COM, Excel for Mac over Apple events."""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from workbooks.form import Text
from workbooks.opened import fills
from workbooks.opened.excel import App, Book, DeskError, Range, Sheet, excel_errors

_ALLOWED = (
    "FormattingCells",
    "FormattingColumns",
    "FormattingRows",
    "InsertingColumns",
    "InsertingRows",
    "InsertingHyperlinks",
    "DeletingColumns",
    "DeletingRows",
    "Sorting",
    "Filtering",
    "UsingPivotTables",
)
_NO_PATTERN, _SOLID, _AUTOMATIC = -4142, 1, -4105  # xlPatternNone, xlPatternSolid, xlPatternAutomatic

_THEME_COLOURS = 12

Protection = Mapping[str, Any]
"""How a sheet is protected, as the arguments that protect it so again."""


class Native(Protocol):
    """One of the two programs."""

    def copy(self, book: Book, folder: Path) -> Path:
        """A file in *folder* with what *book* holds now, also what is not saved yet."""

    def protection(self, sheet: Sheet) -> Protection | None:
        """How *sheet* is protected; None when it is not."""

    def unprotect(self, sheet: Sheet) -> None:
        """Lift a protection that has no password; one that has is an error of Excel's."""

    def protect(self, sheet: Sheet, protection: Protection) -> None:
        """Protect *sheet* as `protection` found it."""

    def is_structure_protected(self, book: Book) -> bool:
        """Whether sheets can neither be added nor removed."""

    def refresh_all(self, book: Book) -> None:
        """Refresh pivot tables and queries, and wait for those that run in the background."""

    def calculate(self, cells: Range) -> None:
        """Calculate *cells*, whatever the calculation mode."""

    def hide_name(self, name: Any) -> None:
        """Take a defined name out of the name manager's sight."""

    def fill(self, cell: Range) -> str | None:
        """The fill of one cell in the words of `Stylesheet.fill_of`; None for one that could not be put back."""

    def put_fill(self, cells: Range, words: str) -> None:
        """Fill *cells* as *words* say."""

    def show_all_rows(self, table: Any) -> None:
        """Take the filters off a table's rows; its arrows stay."""


class Windows:
    """Excel for Windows: names and arguments are those of its object model (VBA)."""

    def copy(self, book: Book, folder: Path) -> Path:
        name = str(book.name)
        target = folder / (name if "." in name else f"{name}.xlsx")  # a book never saved is called "Book1"
        book.api.SaveCopyAs(str(target))  # the open book keeps its file, its name and its unsaved state
        return target

    def protection(self, sheet: Sheet) -> Protection | None:
        api = sheet.api
        if not (api.ProtectContents or api.ProtectDrawingObjects or api.ProtectScenarios):
            return None
        found: dict[str, Any] = {
            "DrawingObjects": bool(api.ProtectDrawingObjects),
            "Contents": bool(api.ProtectContents),
            "Scenarios": bool(api.ProtectScenarios),
            "UserInterfaceOnly": bool(api.ProtectionMode),
        }
        return found | {f"Allow{what}": bool(getattr(api.Protection, f"Allow{what}")) for what in _ALLOWED}

    def unprotect(self, sheet: Sheet) -> None:
        sheet.api.Unprotect(Password="")  # without the argument Excel would ask for the password in a dialog

    def protect(self, sheet: Sheet, protection: Protection) -> None:
        sheet.api.Protect(**protection)

    def is_structure_protected(self, book: Book) -> bool:
        return bool(book.api.ProtectStructure)

    def refresh_all(self, book: Book) -> None:
        book.api.RefreshAll()
        book.app.api.CalculateUntilAsyncQueriesDone()

    def calculate(self, cells: Range) -> None:
        cells.api.Calculate()

    def hide_name(self, name: Any) -> None:
        name.api.Visible = False

    def fill(self, cell: Range) -> str | None:
        interior = cell.api.Interior
        if interior.Pattern not in (_NO_PATTERN, _SOLID, _AUTOMATIC):
            return None
        try:
            theme = interior.ThemeColor
        except excel_errors():  # as documented for a colour that is not the theme's
            theme = None
        if isinstance(theme, int) and 1 <= theme <= _THEME_COLOURS and interior.Pattern == _SOLID:
            return fills.in_words(theme=theme - 1, tint=float(interior.TintAndShade))
        return fills.in_words(rgb=cell.color)

    def put_fill(self, cells: Range, words: str) -> None:
        theme = fills.theme(words)
        cells.color = fills.rgb(words)
        if theme is not None:
            cells.api.Interior.ThemeColor = theme[0] + 1
            cells.api.Interior.TintAndShade = theme[1]

    def show_all_rows(self, table: Any) -> None:
        chosen = table.api.AutoFilter if table.api.ShowAutoFilter else None
        if chosen is not None and chosen.FilterMode:
            chosen.ShowAllData()


class Mac:
    """Excel for Mac: names are those of its dictionary for Apple events, as appscript writes them."""

    def copy(self, book: Book, folder: Path) -> Path:
        if "/" not in str(book.fullname):
            raise DeskError(
                Text(
                    "这个工作簿还没有保存过。请先用“文件 > 另存为”保存一次，再提交。",
                    "This workbook has never been saved. Save it once with File > Save As, then submit it.",
                )
            )
        book.save()  # there is no SaveCopyAs: what is sent is what is saved
        target = folder / str(book.name)
        try:
            shutil.copyfile(book.fullname, target)
        except OSError as error:  # a folder that macOS keeps other programs out of, or a disk that went away
            reason = error.strerror or type(error).__name__
            raise DeskError(
                Text(
                    f"读不到已保存的文件（{reason}）。请把工作簿另存到“文稿”文件夹后再提交。",
                    f"The saved file cannot be read ({reason}). Save it in your Documents folder, then submit it.",
                )
            ) from error
        return target

    def protection(self, sheet: Sheet) -> Protection | None:
        api = sheet.api
        found = {
            "drawing_objects": bool(api.protect_drawing_objects.get()),
            "worksheet_contents": bool(api.protect_contents.get()),
            "scenarios": bool(api.protect_scenarios.get()),
        }
        if not any(found.values()):
            return None
        found["user_interface_only"] = bool(api.protection_mode.get())
        for what in _ALLOWED:
            term = "allow_" + "".join(f"_{c.lower()}" if c.isupper() else c for c in what).strip("_")
            term = term.replace("pivot_tables", "pivot_table")
            found[term] = bool(getattr(api.protection_object, term).get())
        return found

    def unprotect(self, sheet: Sheet) -> None:
        sheet.api.unprotect(password="")

    def protect(self, sheet: Sheet, protection: Protection) -> None:
        sheet.api.protect_worksheet(**protection)

    def is_structure_protected(self, book: Book) -> bool:
        return bool(book.api.protect_structure.get())

    def refresh_all(self, book: Book) -> None:
        book.api.refresh_all()  # there is no way to wait for background queries on a Mac

    def calculate(self, cells: Range) -> None:
        del cells  # Apple events calculate the whole program or nothing: manual calculation stays manual

    def hide_name(self, name: Any) -> None:
        name.api.visible.set(False)

    def fill(self, cell: Range) -> str | None:
        return fills.in_words(rgb=cell.color)  # of a theme's colour, the colour

    def put_fill(self, cells: Range, words: str) -> None:
        cells.color = fills.rgb(words)

    def show_all_rows(self, table: Any) -> None:
        if any(criteria.type != "none" for criteria in table.autofilter.criteria):
            table.autofilter.clear()


def native(app: App) -> Native:
    """The program that runs *app*."""
    del app
    return Mac() if sys.platform == "darwin" else Windows()
