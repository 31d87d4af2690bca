"""
Drives LibreOffice for tests/libreoffice.py: one JSON command per line in, one JSON answer per line out.

Runs under the system's Python, the only one that has UNO; so nothing of ours is imported here.
"""

import json
import sys
import time
from pathlib import Path

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException
from com.sun.star.sheet.ValidationType import LIST, WHOLE
from com.sun.star.table import BorderLine2
from com.sun.star.table.CellContentType import FORMULA, TEXT, VALUE
from com.sun.star.table.CellHoriJustify import CENTER
from com.sun.star.table.CellVertJustify2 import CENTER as MIDDLE
from com.sun.star.util import CellProtection

FILTERS = {
    ".xlsx": "Calc MS Excel 2007 XML",
    ".xlsm": "Calc MS Excel 2007 VBA XML",
    ".xls": "MS Excel 97",
    ".pdf": "calc_pdf_Export",
    ".ods": "calc8",
}
HTML = "HTML (StarCalc)"
NUMBER = 1  # com.sun.star.sheet.FormulaResult.VALUE
FORMULAS = 16  # com.sun.star.sheet.CellFlags.FORMULA
TEXT_FORMAT = 256  # com.sun.star.util.NumberFormat.TEXT


def connect(pipe):
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    deadline = time.monotonic() + 60
    while True:
        try:
            context = resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
            return context.ServiceManager
        except NoConnectException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def properties(**values):
    return tuple(PropertyValue(Name=name, Value=value) for name, value in values.items())


class Driver:
    def __init__(self, services):
        self.services = services
        self.desktop = services.createInstance("com.sun.star.frame.Desktop")
        self.document = None
        self.left_open = []

    def open(self, path):
        self.close()
        options = properties(Hidden=True, MacroExecutionMode=0, UpdateDocMode=0)
        self.document = self.desktop.loadComponentFromURL(Path(path).as_uri(), "_blank", 0, options)
        if self.document is None:
            raise RuntimeError(f"LibreOffice cannot open {path}")

    def let_refresh(self, folder):
        """Trust the workbooks in *folder*, and bring their links up to date when they are opened."""
        provider = self.services.createInstance("com.sun.star.configuration.ConfigurationProvider")
        for node, name, value in (
            ("/org.openoffice.Office.Common/Security/Scripting", "SecureURL", (Path(folder).as_uri(),)),
            ("/org.openoffice.Office.Calc/Content/Update", "Link", 0),  # always
        ):
            access = "com.sun.star.configuration.ConfigurationUpdateAccess"
            found = provider.createInstanceWithArguments(access, properties(nodepath=node))
            setattr(found, name, value)
            found.commitChanges()

    def open_refreshed(self, path):
        """Open with the links brought up to date; the addresses they lead to."""
        self.close()
        options = properties(Hidden=True, MacroExecutionMode=0, UpdateDocMode=3)
        self.document = self.desktop.loadComponentFromURL(Path(path).as_uri(), "_blank", 0, options)
        return [link.Url for link in self.document.AreaLinks]

    def open_address(self, address):
        """Fetch a page into a new workbook, as Sheet, External Links does."""
        self.close()
        options = properties(Hidden=True, FilterName="calc_HTML_WebQuery")
        self.document = self.desktop.loadComponentFromURL(address, "_blank", 0, options)
        if self.document is None:
            raise RuntimeError(f"LibreOffice cannot open {address}")
        return self.document.Sheets.getByIndex(0).Name

    def open_with_macros(self, path):
        """Let its macros run; with a view, which LibreOffice's Excel objects need. (name of library, its modules)."""
        self.close()
        options = properties(MacroExecutionMode=4)
        self.document = self.desktop.loadComponentFromURL(Path(path).as_uri(), "_blank", 0, options)
        libraries = self.document.BasicLibraries
        return [[name, list(libraries.getByName(name).ElementNames)] for name in libraries.ElementNames]

    def call(self, library, macro):
        """What the function or sub (without arguments) of a module returns."""
        address = f"vnd.sun.star.script:{library}.{macro}?language=Basic&location=document"
        return self.document.getScriptProvider().getScript(address).invoke((), (), ())[0]

    def buttons(self):
        """[caption, whether it is printed, the macro it runs] of the first sheet's form buttons."""
        forms = self.document.Sheets.getByIndex(0).DrawPage.Forms
        return [
            [form.getByIndex(n).Label, form.getByIndex(n).Printable, form.getScriptEvents(n)[0].ScriptCode]
            for form in (forms.getByIndex(number) for number in range(forms.Count))
            for n in range(form.Count)
        ]

    def notes(self, sheet):
        """[cell, text] of a sheet's notes."""
        found = self.document.Sheets.getByName(sheet)
        return [
            [
                found.getCellByPosition(n.Position.Column, n.Position.Row)
                .AbsoluteName.rpartition(".")[2]
                .replace("$", ""),
                n.String,
            ]
            for n in found.Annotations
        ]

    def sheet(self, title):
        """(whether it is protected, its texts row by row as far as they go); None when there is none."""
        if not self.document.Sheets.hasByName(title):
            return None
        found = self.document.Sheets.getByName(title)
        cursor = found.createCursor()
        cursor.gotoEndOfUsedArea(False)
        columns, rows = cursor.RangeAddress.EndColumn + 1, cursor.RangeAddress.EndRow + 1
        texts = [[found.getCellByPosition(c, r).String for c in range(columns)] for r in range(min(rows, 60))]
        return [found.isProtected(), texts]

    def sheet_values(self, title):
        """All values of a sheet, row by row: numbers, texts, empty text."""
        found = self.document.Sheets.getByName(title)
        cursor = found.createCursor()
        cursor.gotoEndOfUsedArea(False)
        cursor.gotoStartOfUsedArea(True)
        return [list(row) for row in cursor.getDataArray()]

    def new(self):
        self.close()
        self.document = self.desktop.loadComponentFromURL("private:factory/scalc", "_blank", 0, properties(Hidden=True))

    def close(self):
        if self.document is not None:
            self.document.close(True)
            self.document = None
        while self.left_open:
            self.left_open.pop().close(True)

    def range(self, name):
        found = self.document.NamedRanges.getByName(name)
        return found.getReferredCells()

    def names(self):
        return list(self.document.NamedRanges.ElementNames)

    def type(self, entries, loose=False):
        """[name, line, text]: type *text* into the line-th cell of a name; *loose* leaves it text, as pasting does."""
        for name, line, text in entries:
            cell = self.range(name).getCellByPosition(0, line)
            if cell.CellProtection.IsLocked and cell.Spreadsheet.isProtected():
                raise RuntimeError(f"{name} line {line} is locked")
            number_format = self.document.NumberFormats.getByKey(cell.NumberFormat)
            if loose or number_format.Type & TEXT_FORMAT:
                cell.setString(text)
            else:
                cell.setFormula(text)
        self.document.calculateAll()

    def put(self, sheet, entries):
        """[column, row, text] (from 0): type into any cell of a sheet, found by its position."""
        target = self.document.Sheets.getByIndex(sheet)
        for column, row, text in entries:
            target.getCellByPosition(column, row).setString(text)

    def draw(self, drawing):
        """Draw a paper form on an empty workbook; see tests/paper_forms.py for the words of *drawing*."""
        self.new()
        self.document.CharLocale = uno.createUnoStruct("com.sun.star.lang.Locale", "zh", "CN", "")
        sheets = self.document.Sheets
        for position, sheet in enumerate(drawing["sheets"]):
            if position:
                sheets.insertNewByName(sheet["title"], position)
            sheets.getByIndex(position).Name = sheet["title"]
        for position, sheet in enumerate(drawing["sheets"]):
            self.draw_sheet(sheets.getByIndex(position), sheet)

    def draw_sheet(self, target, sheet):
        for column, width in enumerate(sheet.get("widths", ())):
            target.Columns.getByIndex(column).Width = width * 100
        for row, height in sheet.get("heights", ()):
            target.Rows.getByIndex(row - 1).Height = height * 100
        for place in sheet.get("merged", ()):
            target.getCellRangeByName(place).merge(True)
        for place, text in sheet.get("texts", ()):
            cell = target.getCellRangeByName(place).getCellByPosition(0, 0)
            (cell.setFormula if text.startswith("=") else cell.setString)(text)
            cell.CharFontNameAsian, cell.CharFontName = "宋体", "宋体"
            cell.CharHeight = cell.CharHeightAsian = 10.5
            cell.VertJustify, cell.IsTextWrapped = MIDDLE, True
        for place in sheet.get("centred", ()):
            target.getCellRangeByName(place).HoriJustify = CENTER
        for place, size in sheet.get("large", ()):
            area = target.getCellRangeByName(place)
            area.CharHeight = area.CharHeightAsian = size
            area.CharWeight = area.CharWeightAsian = 150.0
        line = BorderLine2(OuterLineWidth=18, LineWidth=18)
        for place in sheet.get("lined", ()):
            for area in self.each(target.getCellRangeByName(place)):
                area.TopBorder = area.BottomBorder = area.LeftBorder = area.RightBorder = line
        for place in sheet.get("underlined", ()):
            target.getCellRangeByName(place).BottomBorder = line
        for place, colour in sheet.get("shaded", ()):
            target.getCellRangeByName(place).CellBackColor = colour
        for place, code in sheet.get("formats", ()):
            formats, locale = self.document.NumberFormats, self.document.CharLocale
            key = formats.queryKey(code, locale, False)
            target.getCellRangeByName(place).NumberFormat = key if key >= 0 else formats.addNew(code, locale)
        for place, kind, first, second in sheet.get("rules", ()):
            area = target.getCellRangeByName(place)
            validation = area.Validation
            validation.Type = LIST if kind == "list" else WHOLE
            validation.setFormula1(first)
            if kind == "whole":
                validation.setOperator(uno.Enum("com.sun.star.sheet.ConditionOperator", "BETWEEN"))
                validation.setFormula2(second)
            area.Validation = validation
        for place in sheet.get("open", ()):
            target.getCellRangeByName(place).CellProtection = CellProtection(IsLocked=False)
        if sheet.get("protected"):
            target.protect("")
        if "printed" in sheet:
            target.setPrintAreas((target.getCellRangeByName(sheet["printed"]).RangeAddress,))
        style = self.document.StyleFamilies.getByName("PageStyles").getByName(target.PageStyle)
        style.HeaderIsOn = style.FooterIsOn = False
        style.ScaleToPagesX, style.ScaleToPagesY = 1, 0

    def unprotect(self):
        for sheet in self.document.Sheets:
            sheet.unprotect("")

    def delete_row_of(self, name):
        cell = self.range(name)
        cell.Spreadsheet.Rows.removeByIndex(cell.RangeAddress.StartRow, 1)

    def merge(self, sheet, area, merged=True):
        self.document.Sheets.getByIndex(sheet).getCellRangeByName(area).merge(merged)

    def insert_rows(self, sheet, at, count=1):
        """*count* rows before the one Excel calls *at*; they look like the row above."""
        self.document.Sheets.getByIndex(sheet).Rows.insertByIndex(at - 1, count)

    def insert_columns(self, sheet, at, count=1):
        """*count* columns before the *at*-th (from 0)."""
        self.document.Sheets.getByIndex(sheet).Columns.insertByIndex(at, count)

    def copy_row(self, sheet, source, target):
        """Copy a whole row, formats and all, onto another one."""
        rows = self.document.Sheets.getByIndex(sheet)
        last = rows.Columns.Count - 1
        area = rows.getCellRangeByPosition(0, source - 1, last, source - 1).RangeAddress
        rows.copyRange(rows.getCellByPosition(0, target - 1).CellAddress, area)

    def write(self, sheet, entries):
        """[address, value]: a number, or a text typed as into the input line (formulas, dates)."""
        target = self.document.Sheets.getByIndex(sheet)
        for address, value in entries:
            cell = target.getCellRangeByName(address).getCellByPosition(0, 0)
            if isinstance(value, str):
                cell.setFormula(value)
            else:
                cell.setValue(value)
        self.document.calculateAll()

    def cut(self, sheet, area, target):
        """Cut *area* and paste it at cell *target*: names go with it."""
        of = self.document.Sheets.getByIndex(sheet)
        place = of.getCellRangeByName(target).getCellByPosition(0, 0).CellAddress
        of.moveRange(place, of.getCellRangeByName(area).RangeAddress)

    def rename(self, sheet, title):
        self.document.Sheets.getByIndex(sheet).setName(title)

    def add_sheet(self, title, at):
        self.document.Sheets.insertNewByName(title, at)

    def move_sheet(self, title, at):
        self.document.Sheets.moveByName(title, at)

    def copy_sheet(self, title, copy, at):
        self.document.Sheets.copyByName(title, copy, at)

    def show_sheet(self, title, visible):
        self.document.Sheets.getByName(title).IsVisible = visible

    def remove_names(self, names):
        for name in names:
            self.document.NamedRanges.removeByName(name)

    def import_into_new(self):
        """Copy the first sheet into a new workbook, as the menu of its tab does."""
        source = self.document
        title = source.Sheets.getByIndex(0).Name
        self.document = None
        self.new()
        self.document.Sheets.importSheet(source, title, 0)
        self.left_open.append(source)

    def paste_into_new(self, area, target):
        """Copy *area* of the first sheet to the clipboard and paste it at *target* of a new workbook."""
        source = self.document
        source.CurrentController.select(source.Sheets.getByIndex(0).getCellRangeByName(area))
        content = source.CurrentController.getTransferable()
        self.document = None
        self.new()
        controller = self.document.CurrentController
        controller.select(self.document.Sheets.getByIndex(0).getCellRangeByName(target))
        controller.insertTransferable(content)
        self.left_open.append(source)  # what was copied belongs to it

    def place_of(self, name):
        """Left, top, width and height of a name's first cell (with what it is merged with), in 1/100 mm."""
        cell = self.range(name).getCellByPosition(0, 0)
        cursor = cell.Spreadsheet.createCursorByRange(cell)
        cursor.collapseToMergedArea()
        return [cursor.Position.X, cursor.Position.Y, cursor.Size.Width, cursor.Size.Height]

    def picture(self, sheet, path, left, top, width, height):
        """Put a picture file onto the sheet, measures in 1/100 mm."""
        provider = self.services.createInstance("com.sun.star.graphic.GraphicProvider")
        shape = self.document.createInstance("com.sun.star.drawing.GraphicObjectShape")
        shape.Graphic = provider.queryGraphic(properties(URL=Path(path).as_uri()))
        self.document.Sheets.getByIndex(sheet).DrawPage.add(shape)
        for name, kind, values in (("Size", "Size", (width, height)), ("Position", "Point", (left, top))):
            setattr(shape, name, uno.createUnoStruct(f"com.sun.star.awt.{kind}", *values))

    def copy_to_new(self):
        """Copy the first sheet's cells into a new workbook, as somebody who pastes it does: names stay behind."""
        source = self.document.Sheets.getByIndex(0)
        cursor = source.createCursor()
        cursor.gotoEndOfUsedArea(False)
        columns, rows = cursor.RangeAddress.EndColumn + 1, cursor.RangeAddress.EndRow + 1
        texts = [
            [self.plain(source.getCellByPosition(column, row)) for column in range(columns)] for row in range(rows)
        ]
        self.new()
        target = self.document.Sheets.getByIndex(0)
        target.getCellRangeByPosition(0, 0, columns - 1, rows - 1).setDataArray(tuple(map(tuple, texts)))

    def plain(self, cell):
        """What pasting as text gives: dates as they are shown, numbers as numbers."""
        if cell.Type == VALUE and self.document.NumberFormats.getByKey(cell.NumberFormat).Type & 6:
            return cell.String
        return cell.Value if cell.Type == VALUE else cell.String

    def values(self, names):
        """Per name its cells' contents: numbers, texts, None when empty."""
        return {name: [self.value(cell) for cell in self.cells(name)] for name in names}

    def cells(self, name):
        area = self.range(name)
        rows = area.RangeAddress.EndRow - area.RangeAddress.StartRow + 1
        return [area.getCellByPosition(0, row) for row in range(rows)]

    def value(self, cell):
        if cell.Type == FORMULA:
            if cell.getError():
                return f"#{cell.getError()}"
            return cell.Value if cell.FormulaResultType2 == NUMBER else cell.String
        if cell.Type == VALUE:
            return cell.Value
        return cell.String if cell.Type == TEXT else None

    def formulas(self):
        """Every formula cell of the document after recalculation: [sheet, address, formula, result]."""
        self.document.calculateAll()
        found = []
        for sheet in self.document.Sheets:
            for area in sheet.queryContentCells(FORMULAS):
                for cell in self.each(area):
                    place = cell.AbsoluteName.rpartition(".")[2].replace("$", "")
                    found.append([sheet.Name, place, cell.Formula, self.value(cell)])
        return found

    def each(self, area):
        where = area.RangeAddress
        for row in range(where.EndRow - where.StartRow + 1):
            for column in range(where.EndColumn - where.StartColumn + 1):
                yield area.getCellByPosition(column, row)

    def validations(self, names):
        """Per name the kind of its first cell's validation and its formula."""
        found = {}
        for name in names:
            validation = self.cells(name)[0].Validation
            found[name] = [validation.Type.value, validation.getFormula1(), validation.InputMessage]
        return found

    def evaluate(self, formulas):
        """What each formula text comes to in a spare cell of the first sheet."""
        sheet = self.document.Sheets.getByIndex(0)
        cell = sheet.getCellByPosition(200, 0)
        results = []
        for formula in formulas:
            cell.setFormula(formula)
            results.append(self.value(cell))
        cell.setFormula("")
        return results

    def save(self, path, password=""):
        options = properties(FilterName=FILTERS[Path(path).suffix], Overwrite=True)
        if password and Path(path).suffix == ".xls":
            options += properties(Password=password)
        elif password:
            kinds = (("CryptoType", "Standard"), ("OOXPassword", password))  # what the password dialog hands on
            data = tuple(uno.createUnoStruct("com.sun.star.beans.NamedValue", *kind) for kind in kinds)
            options += properties(EncryptionData=uno.Any("[]com.sun.star.beans.NamedValue", data))
        self.document.storeToURL(Path(path).as_uri(), options)

    def save_html(self, path):
        self.document.storeToURL(Path(path).as_uri(), properties(FilterName=HTML, Overwrite=True))


def main():
    driver = Driver(connect(sys.argv[1]))
    for line in sys.stdin:
        command, arguments = json.loads(line)
        try:
            answer = {"answer": getattr(driver, command)(*arguments)}
        except Exception as error:  # noqa: BLE001  reported to the test, which fails with it
            answer = {"error": f"{command}: {type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    driver.close()


main()
