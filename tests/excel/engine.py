"""xlwings' engine over the model: what `xlwings._xlwindows` does with COM, with the same shapes of values."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import xlwings as xw
from openpyxl.comments import Comment
from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import Alignment, Border, PatternFill, Side
from openpyxl.styles import Font as CellFont
from openpyxl.utils import get_column_letter
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.worksheet import Worksheet
from xlwings import base_classes

from tests.excel import native
from tests.excel.model import (
    Application,
    Box,
    OpenWorkbook,
    address,
    box,
    check_content,
    check_format,
    com_error,
    enter,
    fill_from,
    meets,
    resize_table,
    show_totals,
)

_pids = itertools.count(1)


class Engine:
    """One computer: its Excels, Windows or Mac."""

    name, type = "tests", "desktop"

    def __init__(self, *, mac: bool = False) -> None:
        self.mac = mac
        self.running: list[App] = []

    @property
    def apps(self) -> "Apps":
        return Apps(self)

    def start(self, **options: Any) -> Application:
        self.running.insert(0, App(self, Application(**options)))
        return self.running[0].model

    @staticmethod
    def prepare_xl_data_element(x: Any, options: Any) -> Any:
        return "" if x is None else x

    @staticmethod
    def clean_value_data(data: Any, dates: Any, empty: Any, numbers: Any, err_to_str: Any) -> Any:
        rows = data if isinstance(data, list) else [[data]]
        return [[empty if x in ("", None) else numbers(x) if numbers and isinstance(x, float) else x for x in row]
                for row in rows]  # fmt: skip


@contextmanager
def installed(engine: Engine) -> Iterator[Engine]:
    """xlwings with this engine and no other."""
    before = xw.engines.active
    added = xw.Engine(impl=engine)
    xw.engines.add(added)
    added.activate()
    try:
        yield engine
    finally:
        xw.engines.engines.remove(added)
        del xw.engines.engines_by_name[engine.name]
        xw.engines.active = before
        if hasattr(xw.Book, "_mock_caller"):
            del xw.Book._mock_caller


class Apps(base_classes.Apps):
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keys(self) -> list[int]:
        return [app.pid for app in self._engine.running]

    def __iter__(self) -> Any:
        return iter(self._engine.running)

    def __len__(self) -> int:
        return len(self._engine.running)

    def __getitem__(self, pid: int) -> "App":
        return next(app for app in self._engine.running if app.pid == pid)


class App(base_classes.App):
    def __init__(self, engine: Engine, model: Application) -> None:
        self.engine, self.model, self._pid = engine, model, next(_pids)

    pid = property(lambda self: self._pid)
    api = property(lambda self: native.WindowsApp(self.model))
    books = property(lambda self: Books(self))
    version = property(lambda self: "16.0")

    @property
    def selection(self) -> "Range | None":
        book = self.model.active
        if book is None:
            return None
        area = book.selections.get(book.active_title, (1, 1, 1, 1))
        return Range(Sheet(Book(self, book), book.content[book.active_title]), area)

    def _property(name: str) -> Any:
        def set_(self: Any, value: Any) -> None:
            self.model.note(f"{name}={value}")
            setattr(self.model, name, value)

        return property(lambda self: getattr(self.model, name), set_)

    screen_updating = _property("ScreenUpdating")
    display_alerts = _property("DisplayAlerts")
    enable_events = _property("EnableEvents")
    calculation = _property("Calculation")

    def activate(self, steal_focus: bool = False) -> None: ...

    def alert(self, prompt: str, title: str, buttons: str, mode: str, callback: Any) -> str:
        self.model.alerts.append(prompt)
        return "ok"


class Books(base_classes.Books):
    def __init__(self, app: App) -> None:
        self._app = app

    @property
    def active(self) -> "Book":
        return Book(self._app, self._app.model.active)

    def __call__(self, key: Any) -> "Book":
        found = self._app.model.workbooks
        if isinstance(key, int):
            return Book(self._app, found[key - 1])
        for book in found:
            if book.name.casefold() == key.casefold():
                return Book(self._app, book)
        raise KeyError(key)

    def __len__(self) -> int:
        return len(self._app.model.workbooks)

    def __iter__(self) -> Any:
        return (Book(self._app, book) for book in self._app.model.workbooks)


class Book(base_classes.Book):
    def __init__(self, app: App, model: OpenWorkbook) -> None:
        self._app, self.model = app, model

    app = property(lambda self: self._app)
    name = property(lambda self: self.model.name)
    fullname = property(lambda self: self.model.fullname)
    sheets = property(lambda self: Sheets(self))
    names = property(lambda self: Names(self))

    @property
    def api(self) -> Any:
        return native.MacBook(self.model) if self._app.engine.mac else native.WindowsBook(self.model)

    def activate(self) -> None:
        self._app.model.active = self.model

    def save(self, path: Any = None, password: Any = None) -> None:
        self.model.Save()


class Sheets(base_classes.Sheets):
    def __init__(self, book: Book) -> None:
        self._book = book

    active = property(lambda self: self(self._book.model.active_title))

    def __call__(self, key: Any) -> "Sheet":
        sheets = self._book.model.content.worksheets
        if isinstance(key, int):
            return Sheet(self._book, sheets[key - 1])
        for sheet in sheets:
            if sheet.title.casefold() == key.casefold():
                return Sheet(self._book, sheet)
        raise com_error("Subscript out of range")

    def __len__(self) -> int:
        return len(self._book.model.content.worksheets)

    def __iter__(self) -> Any:
        return (Sheet(self._book, sheet) for sheet in self._book.model.content.worksheets)

    def add(self, before: Any = None, after: Any = None, name: str | None = None) -> "Sheet":
        """Sheets.Add: the new sheet becomes the active one."""
        self._book.model.check_structure()
        at = after.index if after else before.index - 1
        sheet = self._book.model.content.create_sheet(name, at)
        self._book.model.activate_sheet(sheet.title)
        return Sheet(self._book, sheet)


class Sheet(base_classes.Sheet):
    def __init__(self, book: Book, sheet: Worksheet) -> None:
        self._book, self.sheet = book, sheet

    book = property(lambda self: self._book)
    name = property(lambda self: self.sheet.title)
    index = property(lambda self: self._book.model.content.worksheets.index(self.sheet) + 1)
    tables = property(lambda self: Tables(self))
    cells = property(lambda self: Range(self, (1, 1, 1_048_576, 16_384)))

    @property
    def api(self) -> Any:
        kind = native.MacSheet if self._book.app.engine.mac else native.WindowsSheet
        return kind(self._book.model, self.sheet)

    @property
    def used_range(self) -> "Range":
        return Range(self, (1, 1, self.sheet.max_row, self.sheet.max_column))

    @property
    def notes(self) -> list["Note"]:
        rows = self.sheet.iter_rows()
        return [Note(self, cell) for row in rows for cell in row if getattr(cell, "comment", None) is not None]

    def range(self, arg1: Any, arg2: Any = None) -> "Range":
        first = self._box(arg1)
        last = first if arg2 is None else self._box(arg2)
        return Range(self, (first[0], first[1], last[2], last[3]))

    def _box(self, arg: Any) -> Box:
        if isinstance(arg, Range):
            return arg.area
        return (arg[0], arg[1], arg[0], arg[1]) if isinstance(arg, tuple) else box(arg)

    def activate(self) -> None:
        self._book.model.activate_sheet(self.sheet.title)

    def clear(self) -> None:
        check_content(self.sheet, [cell for row in self.sheet.iter_rows() for cell in row])
        for merged in list(self.sheet.merged_cells.ranges):
            self.sheet.unmerge_cells(str(merged))
        self.sheet._cells.clear()


class Range(base_classes.Range):
    def __init__(self, sheet: Sheet, area: Box) -> None:
        self._sheet, self.area = sheet, area

    sheet = property(lambda self: self._sheet)
    row = property(lambda self: self.area[0])
    column = property(lambda self: self.area[1])
    shape = property(lambda self: (self.area[2] - self.area[0] + 1, self.area[3] - self.area[1] + 1))
    address = property(lambda self: address(self.area))
    coords = property(lambda self: (self._sheet.name, self.row, self.column, *self.shape))

    def __len__(self) -> int:
        return self.shape[0] * self.shape[1]

    def __call__(self, arg1: int, arg2: int | None = None) -> "Range":
        if arg2 is None:
            arg1, arg2 = divmod(arg1 - 1, self.shape[1])
            arg1, arg2 = arg1 + 1, arg2 + 1
        row, column = self.row + arg1 - 1, self.column + arg2 - 1
        return Range(self._sheet, (row, column, row, column))

    @property
    def api(self) -> Any:
        return native.SimpleNamespace(
            Interior=native.Interior(self.cells(), lambda: check_format(self._sheet.sheet)),
            Calculate=lambda: self._sheet.book.app.model.note("Calculate"),
        )

    def cells(self) -> list[Any]:
        return [cell for row in self.rows_of_cells() for cell in row]

    def rows_of_cells(self) -> list[list[Any]]:
        top, left, bottom, right = self.area
        sheet = self._sheet.sheet
        return [[sheet.cell(row, column) for column in range(left, right + 1)] for row in range(top, bottom + 1)]

    def get_address(self, row_absolute: bool, column_absolute: bool, external: bool) -> str:
        return address(self.area, absolute=row_absolute)

    @property
    def raw_value(self) -> Any:
        rows = [[_read(cell.value) for cell in row] for row in self.rows_of_cells()]
        return rows[0][0] if len(self) == 1 else rows

    @raw_value.setter
    def raw_value(self, value: Any) -> None:
        self._sheet.book.app.model.note("Value")
        check_content(self._sheet.sheet, self.cells())
        if not isinstance(value, list | tuple):
            value = [[value] * self.shape[1]] * self.shape[0]
        for cells, values in zip(self.rows_of_cells(), value, strict=True):
            for cell, each in zip(cells, values, strict=True):
                enter(cell, each)

    @property
    def formula(self) -> Any:
        rows = tuple(tuple("" if c.value is None else str(c.value) for c in row) for row in self.rows_of_cells())
        return rows[0][0] if len(self) == 1 else rows

    @formula.setter
    def formula(self, value: str) -> None:
        self.raw_value = value

    def clear_contents(self) -> None:
        check_content(self._sheet.sheet, self.cells())
        for cell in self.cells():
            cell.value = None

    def autofill(self, destination: Any, type_: str) -> None:
        source = self.cells()[0]
        for cell in destination.impl.cells():
            if cell is not source:
                fill_from(source, cell)

    def select(self) -> None:
        model = self._sheet.book.model
        if model.active_title != self._sheet.name:
            raise com_error("Select method of Range class failed")  # only on the active sheet
        model.selections[self._sheet.name] = self.area

    # looks

    @property
    def color(self) -> Any:
        fill = self.cells()[0].fill
        if fill.patternType is None:
            return None
        if fill.fgColor.type == "theme":
            return (68, 114, 196)  # what the theme makes of it
        return tuple(int(fill.fgColor.rgb[start : start + 2], 16) for start in (2, 4, 6))

    @color.setter
    def color(self, value: Any) -> None:
        check_format(self._sheet.sheet)
        rgb = "{:02X}{:02X}{:02X}".format(*value) if isinstance(value, tuple) else (value or "").lstrip("#")
        for cell in self.cells():
            cell.fill = PatternFill("solid", fgColor=f"FF{rgb}") if rgb else PatternFill()

    @property
    def number_format(self) -> str | None:
        found = {cell.number_format for cell in self.cells()}
        return found.pop() if len(found) == 1 else None

    @number_format.setter
    def number_format(self, value: str) -> None:
        check_format(self._sheet.sheet)
        for cell in self.cells():
            cell.number_format = value

    @property
    def font(self) -> "Font":
        return Font(self)

    @property
    def borders(self) -> "Borders":
        return Borders(self)

    def _aligned(name: str) -> Any:
        def set_(self: Any, value: Any) -> None:
            check_format(self._sheet.sheet)
            for cell in self.cells():
                kept = cell.alignment
                now = {"wrap_text": kept.wrap_text, "vertical": kept.vertical, "horizontal": kept.horizontal}
                cell.alignment = Alignment(**(now | {name: value}))

        return property(lambda self: getattr(self.cells()[0].alignment, name), set_)

    wrap_text, vertical_alignment = _aligned("wrap_text"), _aligned("vertical")
    horizontal_alignment = _aligned("horizontal")

    def _sized(dimensions: str, size: str, first: int) -> Any:
        def set_(self: Any, value: float) -> None:
            check_format(self._sheet.sheet)
            for number in range(self.area[first], self.area[first + 2] + 1):
                key = number if first == 0 else get_column_letter(number)
                setattr(getattr(self._sheet.sheet, dimensions)[key], size, value)

        return property(lambda self: None, set_)

    row_height, column_width = _sized("row_dimensions", "height", 0), _sized("column_dimensions", "width", 1)

    def autofit(self, axis: Any = None) -> None: ...  # rows without a height are fitted by whoever opens the file

    def add_hyperlink(self, where: str, text_to_display: str, screen_tip: str) -> None:
        cell = self.cells()[0]
        cell.value, cell.hyperlink = text_to_display, where

    @property
    def merge_area(self) -> "Range":
        for merged in self._sheet.sheet.merged_cells.ranges:
            if meets(box(str(merged)), self.area):
                return Range(self._sheet, box(str(merged)))
        return self

    def merge(self, across: bool) -> None:
        check_format(self._sheet.sheet)
        self._sheet.sheet.merge_cells(address(self.area, absolute=False))

    @property
    def note(self) -> "Note | None":
        cell = self.cells()[0]
        return Note(self._sheet, cell) if cell.comment is not None else None

    def add_note(self, text: str) -> "Note":
        check_format(self._sheet.sheet)
        cell = self.cells()[0]
        if cell.comment is not None:
            raise com_error("Application-defined or object-defined error")  # AddComment: the cell has one
        cell.comment = Comment(text, "Application.UserName")
        return Note(self._sheet, cell)

    @property
    def conditional_formats(self) -> "ConditionalFormats":
        return ConditionalFormats(self)


def _read(value: Any) -> Any:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Note(base_classes.Note):
    def __init__(self, sheet: Sheet, cell: Any) -> None:
        self._sheet, self._cell = sheet, cell

    text = property(lambda self: self._cell.comment.text)

    @property
    def location(self) -> Range:
        return self._sheet.range((self._cell.row, self._cell.column))

    def delete(self) -> None:
        check_format(self._sheet.sheet)
        self._cell.comment = None


class Font(base_classes.Font):
    def __init__(self, cells: Range) -> None:
        self._cells = cells

    def _part(name: str) -> Any:
        def set_(self: Any, value: Any) -> None:
            check_format(self._cells.sheet.sheet)
            if name == "color":
                value = "FF{:02X}{:02X}{:02X}".format(*_rgb(value))
            for cell in self._cells.cells():
                if hasattr(cell, "font"):
                    old = cell.font
                    kept = {"name": old.name, "sz": old.sz, "b": old.b, "color": old.color}
                    cell.font = CellFont(**(kept | {{"size": "sz", "bold": "b"}.get(name, name): value}))

        return property(lambda self: None, set_)

    name, size, bold, color = _part("name"), _part("size"), _part("bold"), _part("color")


class Borders(base_classes.Borders):
    def __init__(self, cells: Range) -> None:
        self._cells = cells

    def set(self, which: Any = "all", **options: Any) -> None:
        side = Side("thin", color="FF{:02X}{:02X}{:02X}".format(*_rgb(options["color"])))
        for cell in self._cells.cells():
            cell.border = Border(left=side, right=side, top=side, bottom=side)


def _rgb(colour: Any) -> tuple[int, ...]:
    return colour if isinstance(colour, tuple) else tuple(int(colour.lstrip("#")[at : at + 2], 16) for at in (0, 2, 4))


class ConditionalFormat(base_classes.ConditionalFormat):
    def __init__(self, sheet: Worksheet, holder: Any, rule: Any) -> None:
        self._sheet, self._holder, self._rule = sheet, holder, rule

    type = property(lambda self: "custom" if self._rule.type == "expression" else "cell_value")
    formula = property(lambda self: f"={self._rule.formula[0]}" if self._rule.type == "expression" else None)

    def delete(self) -> None:
        check_format(self._sheet)
        kept = self._sheet.conditional_formatting._cf_rules
        kept[self._holder] = [rule for rule in kept[self._holder] if rule is not self._rule]  # from all its cells
        if not kept[self._holder]:
            del kept[self._holder]


class ConditionalFormats(base_classes.ConditionalFormats):
    def __init__(self, cells: Range) -> None:
        self._cells = cells

    def _found(self) -> list[ConditionalFormat]:
        sheet = self._cells.sheet.sheet
        return [
            ConditionalFormat(sheet, holder, rule)
            for holder in sheet.conditional_formatting
            if any(meets(box(str(part)), self._cells.area) for part in holder.sqref.ranges)
            for rule in holder.cfRule
        ]

    def __len__(self) -> int:
        return len(self._found())

    def __iter__(self) -> Any:
        return iter(self._found())

    def __call__(self, key: int) -> ConditionalFormat:
        return self._found()[key - 1]

    def add_custom(self, spec: dict[str, Any]) -> ConditionalFormat:
        """FormatConditions.Add, then SetFirstPriority, as xlwings does."""
        sheet = self._cells.sheet.sheet
        check_format(sheet)
        rules = [rule for holder in sheet.conditional_formatting for rule in holder.cfRule]
        for rule in rules:
            rule.priority += 1
        fill = PatternFill("solid", bgColor="FF{:02X}{:02X}{:02X}".format(*spec["fill_color"]))
        rule = FormulaRule(formula=[spec["formula"].removeprefix("=")], fill=fill)
        sheet.conditional_formatting.add(address(self._cells.area, absolute=False), rule)
        rule.priority = 1
        return next(each for each in self._found() if each._rule is rule)


class Names(base_classes.Names):
    def __init__(self, book: Book) -> None:
        self._book = book
        self._names = book.model.content.defined_names

    def snapshot(self) -> list[tuple[str, "Name"]]:
        return [(name, Name(self._book, entry)) for name, entry in list(self._names.items())]

    def __len__(self) -> int:
        return len(self._names)

    def __call__(self, key: str) -> "Name":
        if key not in self._names:
            raise com_error("Unknown name")
        return Name(self._book, self._names[key])

    def contains(self, key: str) -> bool:
        return key in self._names

    def add(self, name: str, refers_to: str) -> "Name":
        self._names[name] = DefinedName(name, attr_text=refers_to.removeprefix("="))
        return Name(self._book, self._names[name])


class Name(base_classes.Name):
    def __init__(self, book: Book, entry: DefinedName) -> None:
        self._book, self._entry = book, entry

    name = property(lambda self: self._entry.name)
    refers_to = property(lambda self: f"={self._entry.attr_text}")

    @property
    def api(self) -> Any:
        if self._book.app.engine.mac:
            return native.SimpleNamespace(visible=native.Term(None, self._show))
        return _Visible(self._show)

    def _show(self, visible: bool) -> None:
        self._entry.hidden = not visible

    @property
    def refers_to_range(self) -> Range:
        destinations = list(self._entry.destinations)
        if len(destinations) != 1:
            raise com_error("The name does not refer to a range")
        title, reference = destinations[0]
        return self._book.sheets(title).range(reference)

    def delete(self) -> None:
        del self._book.model.content.defined_names[self._entry.name]


class _Visible:
    def __init__(self, show: Any) -> None:
        object.__setattr__(self, "_show", show)

    def __setattr__(self, name: str, value: bool) -> None:
        assert name == "Visible"
        self._show(value)


class Tables(base_classes.Collection):
    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet

    def _found(self) -> list["Table"]:
        return [Table(self._sheet, table) for table in self._sheet.sheet.tables.values()]

    def __iter__(self) -> Any:
        return iter(self._found())

    def __len__(self) -> int:
        return len(self._found())

    def __call__(self, key: Any) -> "Table":
        return self._found()[key - 1] if isinstance(key, int) else next(t for t in self._found() if t.name == key)


class Table(base_classes.Table):
    def __init__(self, sheet: Sheet, table: Any) -> None:
        self._sheet, self.table = sheet, table

    name = property(lambda self: self.table.name)
    parent = property(lambda self: self._sheet)
    range = property(lambda self: Range(self._sheet, box(self.table.ref)))
    show_headers = property(lambda self: self.table.headerRowCount != 0)

    @property
    def api(self) -> Any:
        table = self.table

        def show_all() -> None:
            table.autoFilter.filterColumn = []
            for row in self._sheet.sheet.row_dimensions.values():
                row.hidden = False

        chosen = native.SimpleNamespace(
            FilterMode=bool(table.autoFilter and table.autoFilter.filterColumn), ShowAllData=show_all
        )
        return native.SimpleNamespace(ShowAutoFilter=table.autoFilter is not None, AutoFilter=chosen)

    @property
    def autofilter(self) -> Any:
        api = self.api
        criteria = [{"field": 1, "type": "values" if api.AutoFilter.FilterMode else "none"}]
        return native.SimpleNamespace(criteria=criteria, clear=lambda field=None: api.AutoFilter.ShowAllData())

    @property
    def header_row_range(self) -> Range:
        top, left, _, right = box(self.table.ref)
        return Range(self._sheet, (top, left, top, right))

    @property
    def data_body_range(self) -> Range | None:
        top, left, bottom, right = box(self.table.ref)
        if self.table.insertRow:
            return None  # DataBodyRange is Nothing while only the insert row is there
        return Range(self._sheet, (top + 1, left, bottom - (self.table.totalsRowCount or 0), right))

    @property
    def totals_row_range(self) -> Range | None:
        _, left, bottom, right = box(self.table.ref)
        return Range(self._sheet, (bottom, left, bottom, right)) if self.table.totalsRowCount else None

    @property
    def show_totals(self) -> bool:
        return bool(self.table.totalsRowCount)

    @show_totals.setter
    def show_totals(self, value: bool) -> None:
        show_totals(self._sheet.sheet, self.table, value)

    def resize(self, range: Any) -> None:
        resize_table(self._sheet.book.app.model, self._sheet.sheet, self.table, range.impl.area)
        self.table.insertRow = None
