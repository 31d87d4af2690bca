"""FormDefinition → workbook: a form to print, sign or fill in, blank or with a record's answers."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from io import BytesIO
from uuid import uuid4
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.utils import get_column_letter
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.pagebreak import Break
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from workbooks.filled import Values
from workbooks.form import REASON, FieldType, FormDefinition, Language, defined_name
from workbooks.master import EMPTY, Master
from workbooks.package import PackageError
from workbooks.sheet.answers import Answers, Calculation, Content, write_pictures
from workbooks.sheet.blocks import Block, Layout, Part, own_name
from workbooks.sheet.dropdowns import SHEET as LISTS
from workbooks.sheet.dropdowns import Dropdowns
from workbooks.sheet.finishing import CachedValue, finish
from workbooks.sheet.highlights import add_highlights, begun_inputs
from workbooks.sheet.layout import META, lay_out
from workbooks.sheet.own_look import LookError, open_look
from workbooks.sheet.own_template import Use, fits, write_look
from workbooks.sheet.sheet_rules import SheetRules
from workbooks.sheet.styles import DIGIT_PX, Styles, input_look, own_look, put
from workbooks.sheet.validations import add_validations

SPARE_LINES = 2  # entry lines left free below those of a record
_ZONE = ZoneInfo("Asia/Shanghai")
_ILLEGAL_IN_TITLE = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))
_CENTIMETRE = 1 / 2.54


def build_template(
    definition: FormDefinition,
    *,
    language: Language = "zh",
    master: Master = EMPTY,
    instance_id: str | None = None,
    station: str | None = None,
    seal: str | None = None,
    values: Values | None = None,
    number: str | None = None,
    revision: int | None = None,
    state: str | None = None,
    received_at: datetime | None = None,
    reason: str = "",
    editable: frozenset[str] | None = None,
    pictures: Mapping[str, bytes] | None = None,
    now: datetime | None = None,
) -> bytes:
    """
    The workbook of one form, as .xlsx bytes; the same arguments with an *instance_id* give the same bytes.

    Without *instance_id* the workbook gets a new one, by which its sendings are told apart.
    Without *values* it is a blank to fill in. With the checked *values* of a record, its
    *number*, *revision* and *state*, it is that record to be continued; *pictures* holds
    the contents of its pictures by digest. *editable* names the section owners whose
    inputs stay open (None: all); sections without an owner are always open.
    *received_at* is local to the site, like *now*, which calculations with TODAY() see.

    A form that brings its own workbook comes on that, in either language; a record it has
    no room for (more lines, pictures) comes on a sheet of ours.
    """
    now = now or datetime.now(_ZONE).replace(tzinfo=None)
    own: dict[str, Content] = {"number": number, "revision": revision, "state": state, "received_at": received_at}
    own = {own_name(name): content for name, content in own.items()} | {own_name(REASON): reason or None}
    identity = {"form_id": definition.form_id, "version": str(definition.version), "language": language}
    constants = identity | {"instance_id": instance_id or uuid4().hex, "station": station, "seal": seal}
    if definition.own_look is not None:
        use = Use(values=values or {}, own=own, constants=constants, editable=editable, now=now)
        if (content := _on_own_look(definition, master, use)) is not None:
            return content
    form = _Form(definition, language, master, values or {}, now)
    title = sheet_title(definition, language)
    workbook = Workbook()
    sheet = workbook.active
    assert isinstance(sheet, Worksheet)
    sheet.title = title
    results = {title: _draw(sheet, form, Styles(workbook, language), own, editable), LISTS: _lists(workbook, form)}
    for block, size in form.picture_boxes():
        write_pictures(sheet, form.answers, block, size, pictures or {})
    _set_up(sheet, form)
    add_validations(sheet, form.rules)
    add_highlights(sheet, form.rules)
    _name_cells(workbook, form)
    _name_constants(workbook, constants)
    workbook.calculation.fullCalcOnLoad = (
        False  # the results are in the file; nobody is asked to save what he only read
    )
    workbook.calculation.calcId = 191029
    out = BytesIO()
    workbook.save(out)
    return finish(out.getvalue(), results, definition.title[language])


def _on_own_look(definition: FormDefinition, master: Master, use: Use) -> bytes | None:
    """The form on the workbook it brings; None where that has no room for the values, or lost its cells."""
    try:
        look = open_look(definition)
        return write_look(definition, look, master, use) if fits(definition, look, use.values) else None
    except (LookError, PackageError):
        return None


def sheet_title(definition: FormDefinition, language: Language) -> str:
    """The main sheet's name: the form's title, as far as Excel allows it (31 characters, no []:*?/\\')."""
    return definition.title[language].translate(_ILLEGAL_IN_TITLE).strip()[:31].strip()


class _Form:
    """What all drawing steps need to know: plan, lists, rules and answers of one workbook."""

    def __init__(
        self, definition: FormDefinition, language: Language, master: Master, values: Values, now: datetime
    ) -> None:
        self.definition, self.language = definition, language
        self.title = sheet_title(definition, language)
        filled = {repeat.name: len(values.get(repeat.name) or ()) for repeat in definition.repeats}  # type: ignore[arg-type]
        lines = {name: count + SPARE_LINES for name, count in filled.items()}
        self.layout: Layout = lay_out(definition, language, lines, _texts(definition, values))
        dropdowns = self.dropdowns = Dropdowns(definition, language, master)
        self.rules = SheetRules(definition=definition, language=language, layout=self.layout, dropdowns=dropdowns)
        self.answers = Answers(self.rules, values, master, now)
        framed = [
            block.row
            for block in self.layout.blocks
            if block.row > self.layout.repeated and block.part is not Part.HINT
        ]
        self._top, self._bottom, self._right = framed[0], framed[-1], len(self.layout.widths)

    def is_open(self, block: Block, editable: frozenset[str] | None) -> bool:
        """Whether the owner of the block's section is among those whose inputs stay open."""
        owner = self.definition.section_of(block.path).owner
        return editable is None or owner is None or owner in editable

    def is_asked(self, block: Block, line: int) -> bool:
        """Whether the cell must be filled whatever else is: in a repeat only so many lines as it needs."""
        repeat = self.rules.repeat_of(block.path)
        needed = repeat is None or (isinstance(repeat.minimum, int) and line < repeat.minimum)
        return needed and self.definition.field(block.path).required is True

    def frame(self, block: Block) -> str:
        """Which sides of *block* lie on the form's outer frame."""
        if not self._top <= block.row <= self._bottom:
            return ""
        sides = {
            "l": block.first == 1,
            "r": block.last == self._right,
            "t": block.row == self._top,
            "b": block.row == self._bottom,
        }
        return "".join(side for side, here in sides.items() if here)

    def picture_boxes(self) -> Iterator[tuple[Block, tuple[int, int]]]:
        """The boxes of the image fields with their size in pixels."""
        for field in self.definition.fields:
            if field.type == FieldType.IMAGE:
                (block,) = self.layout.inputs(field.name)
                width = sum(self.layout.widths[block.first - 1 : block.last])
                yield block, (width, round(self.layout.heights[block.row - 1] * 4 / 3))


def _texts(definition: FormDefinition, values: Values) -> dict[str, list[str]]:
    """The record's texts by field path, for rows as high as they need."""
    texts: dict[str, list[str]] = {}
    for path, _ in definition.paths():
        repeat, _, name = path.rpartition(".")
        rows: Iterable[Mapping[str, object]] = values.get(repeat) or () if repeat else (values,)  # type: ignore[assignment]
        found = [row.get(name) for row in rows]
        texts[path] = [text if isinstance(text, str) else "" for text in found]
    return texts


def _draw(
    sheet: Worksheet, form: _Form, styles: Styles, own: Mapping[str, Content], editable: frozenset[str] | None
) -> dict[str, CachedValue]:
    """Draw every block and fill the answers in; the results of the calculated cells by address."""
    layout = form.layout
    results: dict[str, CachedValue] = {}
    for column, pixels in enumerate(layout.widths, start=1):
        sheet.column_dimensions[get_column_letter(column)].width = pixels / DIGIT_PX[form.language]
    for row, points in enumerate(layout.heights, start=1):
        sheet.row_dimensions[row].height = points
    lines: Counter[str] = Counter()
    for block in layout.blocks:
        content: Content = None
        if block.part in (Part.INPUT, Part.ENTRY):
            content = form.answers.content(block.path, lines[block.path])
            asked = form.is_asked(block, lines[block.path])
            lines[block.path] += 1
            field, open_ = form.definition.field(block.path), form.is_open(block, editable)
            look = input_look(field, block.part, content, editable=open_, asked=asked)
        else:
            look = own_look(block)
            content = own.get(block.path)
        styles.paint(sheet, block, look, form.frame(block))
        cell = sheet.cell(block.row, block.first)
        put(cell, content)
        if isinstance(content, Calculation):
            results[block.address] = content.result
        elif block.text or block.aside:
            cell.value = styles.caption(block, look)
        if block.last > block.first:
            sheet.merged_cells.add(block.reference)
    styles.close()
    return results


def _lists(workbook: Workbook, form: _Form) -> dict[str, CachedValue]:
    """The hidden sheet: drop-down lists, then counts of what is filled in; the counts by address."""
    sheet = workbook.create_sheet(LISTS)
    sheet.sheet_state = "hidden"
    sheet.protection.enable()
    for column, listed in enumerate(form.dropdowns.columns, start=1):
        put(sheet.cell(1, column), listed.header)
        for row, value in enumerate(listed.values, start=2):
            put(sheet.cell(row, column), value)
    results: dict[str, CachedValue] = {}
    for column, (name, paths) in enumerate(begun_inputs(form.rules).items(), start=len(form.dropdowns.columns) + 1):
        put(sheet.cell(1, column), name)
        cell = sheet.cell(2, column)
        count = form.answers.count(paths)
        put(cell, Calculation(_counted(paths), count))
        results[cell.coordinate] = count
        where = f"{LISTS}!${get_column_letter(column)}$2"
        workbook.defined_names[name] = DefinedName(name, attr_text=where, hidden=True)
    return results


def _counted(paths: Sequence[str]) -> str:
    """The formula that counts the cells of *paths* that hold something; Excel takes 255 arguments at once."""
    names = [defined_name(path) for path in paths]
    groups = [names[start : start + 255] for start in range(0, len(names), 255)]
    return "=" + "+".join(f"COUNTA({','.join(group)})" for group in groups) if groups else "=0"


def _name_cells(workbook: Workbook, form: _Form) -> None:
    """Give every answer's cell, and those the form says of itself, its defined name."""
    names = {defined_name(path): path for path, _ in form.definition.paths()}
    names |= {own_name(name): own_name(name) for name, *_ in META}
    if form.definition.has_soft_rules:
        names[own_name(REASON)] = own_name(REASON)
    for name, path in names.items():
        workbook.defined_names[name] = DefinedName(name, attr_text=f"'{form.title}'!{form.layout.cell(path)}")


def _name_constants(workbook: Workbook, constants: Mapping[str, str | None]) -> None:
    """Hidden names that hold a text instead of naming a cell."""
    for name, text in constants.items():
        if text is not None:
            quoted = '"' + text.replace('"', '""') + '"'
            full = own_name(name)
            workbook.defined_names[full] = DefinedName(full, attr_text=quoted, hidden=True)


def _set_up(sheet: Worksheet, form: _Form) -> None:
    """Protection without password, A4 print layout, footer, and the cursor in the first input."""
    layout, zh = form.layout, form.language == "zh"
    sheet.protection.enable()
    sheet.protection.formatColumns = False
    sheet.protection.formatRows = False
    sheet.print_area = f"A1:{layout.last}"
    sheet.print_title_rows = f"1:{layout.repeated}"
    sheet.page_setup.paperSize = 9  # A4
    sheet.page_setup.orientation = "landscape" if layout.landscape else "portrait"
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_setup.fitToWidth = 1
    sheet.page_setup.fitToHeight = len(layout.pages)
    for start in layout.pages[1:]:
        sheet.row_breaks.append(Break(id=start))
    sheet.print_options.horizontalCentered = True
    margins = sheet.page_margins
    margins.left = margins.right = 0.7 * _CENTIMETRE
    margins.top, margins.bottom = 1.2 * _CENTIMETRE, 1.5 * _CENTIMETRE
    margins.header = margins.footer = 0.7 * _CENTIMETRE
    version = f"第 {form.definition.version} 版" if zh else f"version {form.definition.version}"
    footer = sheet.oddFooter
    assert footer is not None
    for place, text in (
        (footer.left, f"{form.definition.form_id}  {version}"),
        (footer.center, "第 &P 页，共 &N 页" if zh else "Page &P of &N"),
        (footer.right, form.definition.title[form.language].replace("&", "&&")),
    ):
        assert place is not None
        place.text, place.size = text, 8
    view = sheet.sheet_view
    view.showGridLines = False
    first = next((b.address for b in layout.blocks if b.part in (Part.INPUT, Part.ENTRY)), "A1")
    view.selection[0].activeCell = view.selection[0].sqref = first
