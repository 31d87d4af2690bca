"""A form's own workbook, patched for one use: identity, answers, drop-downs, rules, what is open and what is not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from xml.sax.saxutils import escape

from lxml import etree
from openpyxl import Workbook
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from workbooks.filled import Values
from workbooks.form import FieldType, FormDefinition, Language, Text
from workbooks.formulas.excel_values import ExcelError
from workbooks.master import Master
from workbooks.ooxml.areas import Area
from workbooks.ooxml.book import Book
from workbooks.ooxml.cells import Sheet, text_content
from workbooks.ooxml.elements import WORKBOOK, WORKSHEET, child, true
from workbooks.ooxml.validations import put_validations, validations
from workbooks.pushing.columns import serial
from workbooks.sheet.answers import Answers, Calculation, Content
from workbooks.sheet.blocks import Block, own_name
from workbooks.sheet.dropdowns import SHEET as LISTS
from workbooks.sheet.dropdowns import Dropdowns, ListValue
from workbooks.sheet.own_look import Look, ticked, with_boxes
from workbooks.sheet.sheet_rules import SheetRules
from workbooks.sheet.validations import add_validations

_DATES = {FieldType.DATE: "yyyy-mm-dd", FieldType.DATETIME: "yyyy-mm-dd hh:mm", FieldType.TIME: "hh:mm"}
_TICK_ONE = Text("请从下拉列表中选择。", "Pick from the list.")
_TICK_MORE = Text("在所选项前的“□”处打“√”，可多选。", "Put √ in place of the □ before each choice.")
# The words on the sheet are its company's own, in one language; what we add speaks the same.
_WORDS: Language = "zh"
# What Excel's own validations ask that is no rule of the form stays; the others say the same as ours.
_REPLACED = frozenset({"", "none", "list", "whole", "decimal", "date", "time", "textLength"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What one copy is made for; *own* are contents by defined name (number, state ...), *constants* its identity."""

    values: Values
    own: Mapping[str, Content]
    constants: Mapping[str, str | None]
    editable: frozenset[str] | None
    now: datetime


def fits(definition: FormDefinition, look: Look, values: Values) -> bool:
    """Whether the sheet has room for *values*: lines enough, and no pictures, which it has no place for."""
    for repeat in definition.repeats:
        lines: tuple[object, ...] = values.get(repeat.name) or ()  # type: ignore[assignment]
        if len(lines) > min(len(look.layout.inputs(f"{repeat.name}.{field.name}")) for field in repeat.fields):
            return False
    return not any(field.type is FieldType.IMAGE and values.get(field.name) for field in definition.fields)


def write_look(definition: FormDefinition, look: Look, master: Master, use: Use) -> bytes:
    """The workbook of *look* for one *use*; parts that need no change are the same to the byte."""
    shown = with_boxes(definition, look)
    dropdowns = Dropdowns(shown, _WORDS, master)
    rules = SheetRules(definition=shown, language=_WORDS, layout=look.layout, dropdowns=dropdowns)
    if dropdowns.columns:
        _add_lists(look.book, dropdowns)
    _replace_validations(look, rules)
    _show_dates(definition, look)
    _write_answers(definition, look, Answers(rules, use.values, master, use.now))
    _write_own(look, use)
    _lock(definition, look, use.editable)
    if use.values:
        _recalculate(look)
    return look.book.save()


def _show_dates(definition: FormDefinition, look: Look) -> None:
    """Give cells for dates that have no number format one: a pasted or written day would show as 46086."""
    for path, field in definition.paths():
        if field.type in _DATES:
            for block in look.layout.inputs(path):
                place = (block.row, block.first)
                if look.book.styles.is_general(style := look.sheet.style(place)):
                    look.sheet.set_style(place, look.book.styles.with_number(style, _DATES[field.type]))


def _write_answers(definition: FormDefinition, look: Look, answers: Answers) -> None:
    for path, field in definition.paths():
        for line, block in enumerate(look.layout.inputs(path)):
            content = answers.content(path, line)
            text, value = look.boxed.get(path), answers.value(path, line)
            if text is not None and field.type is FieldType.SELECT_MULTIPLE and isinstance(value, tuple):
                content = ticked(text, field, frozenset(map(str, value)))
            if content is not None:
                _put(look, (block.row, block.first), content, field.type)


def _put(look: Look, place: tuple[int, int], content: Content, kind: FieldType) -> None:
    """Write *content*; a date gets a format that shows dates where the cell has none."""
    sheet = look.sheet
    match content:
        case Calculation(formula=formula, result=result):
            text, type_ = _result(result)
            sheet.set_formula(place, formula.removeprefix("="), text, type_)
            return
        case str():
            sheet.set_text(place, content)
            return
        case date() | time():
            number = _serial(content, look.book)
            if not look.book.styles.shows_dates(sheet.style(place)):
                code = _DATES.get(kind, "yyyy-mm-dd hh:mm")
                sheet.set_style(place, look.book.styles.with_number(sheet.style(place), code))
        case int() | float() | Decimal():
            number = float(content)
        case _:
            return
    sheet.set_number(place, int(number) if number.is_integer() else number)


def _serial(content: date | time, book: Book) -> float:
    if isinstance(content, time):
        return (content.hour * 60 + content.minute) / 1440 + content.second / 86400
    number = serial(content, date1904=book.date1904)
    return float(number) if not isinstance(number, str) else 0.0  # checked answers are later than 1900


def _result(result: object) -> tuple[str, str]:
    """The result of a formula as a cell stores it, and the cell's type."""
    match result:
        case bool():
            return str(int(result)), "b"
        case ExcelError():
            return result.code, "e"
        case str():
            return result, "str"
    return repr(result), "n"


def _write_own(look: Look, use: Use) -> None:
    """What the workbook says of itself: in its cells where it has some, else in hidden names."""
    constants = {own_name(name): text for name, text in use.constants.items()}
    for name, content in use.own.items():
        found = look.book.place(name)
        if found is None:
            constants[name] = str(content) if isinstance(content, str | int) and content != "" else None
        elif content is not None:
            part, area = found
            sheet, place = look.book.sheet(part.part), (area.top, area.left)
            if isinstance(content, datetime) and not look.book.styles.shows_dates(sheet.style(place)):
                content = content.strftime("%Y-%m-%d %H:%M")
            _put(replace(look, part=part), place, content, FieldType.DATETIME)
    for name, text in constants.items():
        if text is None:
            if look.book.place(name) is None:
                look.book.undefine(name)
        else:
            quoted = text.replace('"', '""')
            look.book.define(name, f'"{quoted}"')


def _add_lists(book: Book, dropdowns: Dropdowns) -> None:
    """The hidden sheet of drop-down lists, as a sheet of its own."""
    rows: dict[int, list[str]] = {1: []}
    for column, listed in enumerate(dropdowns.columns, start=1):
        for row, value in enumerate((listed.header, *listed.values), start=1):
            if value is not None:
                rows.setdefault(row, []).append(_list_cell(f"{get_column_letter(column)}{row}", value))
    data = "".join(f'<row r="{row}">{"".join(cells)}</row>' for row, cells in sorted(rows.items()))
    xml = f'<worksheet xmlns="{book.namespace}"><sheetData>{data}</sheetData><sheetProtection sheet="1"/></worksheet>'
    book.add_sheet(LISTS, xml.encode())
    child(book.tree, "sheets", WORKBOOK)[-1].set("state", "hidden")


def _list_cell(reference: str, value: ListValue) -> str:
    if isinstance(value, str):
        text = escape(text_content(value))
        return f'<c r="{reference}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
    number = serial(value) if isinstance(value, date) else value
    return f'<c r="{reference}"><v>{number!r}</v></c>'


def _replace_validations(look: Look, rules: SheetRules) -> None:
    """Put the form's validations in place of those that say the same; a rule of the company's own stays."""
    kept = [
        area for element, areas in validations(look.sheet) if element.get("type", "") not in _REPLACED for area in areas
    ]
    scratch = Workbook().active
    assert isinstance(scratch, Worksheet)
    add_validations(scratch, rules)
    added, cells = [], []
    for validation in scratch.data_validations.dataValidation:
        areas = [area for text in str(validation.sqref).split() if (area := Area.parse(text))]
        path = next(p for p, _ in rules.definition.paths() if rules.area(p) == str(validation.sqref))
        ruled = rules.definition.field(path).constraints or validation.type == "list"
        if any(area.meets(other) for area in areas for other in kept) and not ruled:
            continue
        if path in look.boxed:
            one = rules.definition.field(path).type is FieldType.SELECT_ONE
            validation.prompt = (_TICK_ONE if one else _TICK_MORE)[_WORDS]
            validation.showInputMessage = True
        if not validation.type and not validation.prompt:
            continue
        added.append(_in_namespace(validation.to_tree(), look.sheet.ns))
        cells += areas
    if added:
        put_validations(look.sheet, added, cells)


def _in_namespace(element: etree._Element, namespace: str) -> etree._Element:
    """*element*, as openpyxl makes it without a namespace, in that of the sheet."""
    copy = etree.Element(f"{namespace}{element.tag}", {str(name): str(value) for name, value in element.attrib.items()})
    copy.text = element.text
    copy.extend(_in_namespace(inner, namespace) for inner in element)
    return copy


def _lock(definition: FormDefinition, look: Look, editable: frozenset[str] | None) -> None:
    """
    Unlock what people fill in, where the sheet is protected.

    A sheet that is not gets protected (without password) when a section may only be read.
    """
    open_ = {path: _is_open(definition, path, editable) for path, _ in definition.paths()}
    protection = look.sheet.tree.find("{*}sheetProtection")
    protected = protection is not None and true(protection.get("sheet"))
    if not protected and all(open_[path] or field.computed for path, field in definition.paths()):
        return
    if not protected:
        element = child(look.sheet.tree, "sheetProtection", WORKSHEET)
        for name, value in (("sheet", "1"), ("objects", "1"), ("scenarios", "1"), ("formatRows", "0")):
            element.set(name, value)
        look.sheet.changed = True
    paths = [(look.layout.inputs(path), not is_open) for path, is_open in open_.items()]
    for blocks, locked in paths:
        for place in _cells(blocks, look.sheet):
            style = look.sheet.style(place)
            if (wanted := look.book.styles.with_protection(style, locked=locked)) != style:
                look.sheet.set_style(place, wanted)


def _is_open(definition: FormDefinition, path: str, editable: frozenset[str] | None) -> bool:
    owner = definition.section_of(path).owner
    return not definition.field(path).computed and (editable is None or owner is None or owner in editable)


def _cells(blocks: tuple[Block, ...], sheet: Sheet) -> Iterator[tuple[int, int]]:
    for block in blocks:
        area = sheet.merged((block.row, block.first))
        yield from area.places() if area.size <= 2000 else [(block.row, block.first)]


def _recalculate(look: Look) -> None:
    """Let formulas of the company's own work again: their results are those of empty cells."""
    named = {(block.row, block.first) for block in look.layout.blocks}
    stale = [cell for place, cell in look.sheet.cells() if place not in named and cell.find("{*}f") is not None]
    for cell in stale:
        if (value := cell.find("{*}v")) is not None:
            cell.remove(value)  # LibreOffice works out only what has no result; Excel does as it is told below
        cell.attrib.pop("t", "")
        look.sheet.changed = True
    if stale:
        child(look.book.tree, "calcPr", WORKBOOK).set("fullCalcOnLoad", "1")
