"""How the blocks of a form look, and the one way in which text gets into a template's cells."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.styles import Alignment, Border, Color, Font, PatternFill, Protection, Side
from openpyxl.utils.indexed_list import IndexedList
from openpyxl.worksheet.worksheet import Worksheet

from workbooks.form import Field, FieldType, Language
from workbooks.sheet.answers import Calculation, Content
from workbooks.sheet.blocks import Block, Part, own_name
from workbooks.sheet.layout import BODY, SMALL, TITLE

DATETIME_FORMAT = "yyyy\\-mm\\-dd\\ hh:mm"

# Fonts by name that every Excel and WPS in China has; the headings are set in the usual 黑体.
TEXT_FONT: Mapping[Language, str] = {"zh": "宋体", "en": "Calibri"}
DIGIT_PX: Mapping[Language, int] = {"zh": 8, "en": 7}
HEAD_FONT: Mapping[Language, str] = {"zh": "黑体", "en": "Calibri"}

INK, NAVY, GREY, RED = "FF1F2937", "FF1F3864", "FF6B7280", "FFC00000"
LINE_COLOUR = "FF8A94A6"
REQUIRED_FILL, OPTIONAL_FILL, LOCKED_FILL = "FFFFF8DC", "", "FFF0F1F3"
SECTION_FILL, LABEL_FILL, HEADER_FILL = "FFD6E0EE", "FFF2F5F9", "FFE6ECF4"
# Conditional colours: asked for and still empty, a broken rule, an answer that does not apply.
MISSING_FILL, BROKEN_FILL, IRRELEVANT_FILL = "FFFFE08A", "FFF8C9BC", "FFDADDE2"

_FORMATS = {
    FieldType.DATE: "yyyy\\-mm\\-dd",
    FieldType.TIME: "hh:mm",
    FieldType.DATETIME: DATETIME_FORMAT,
    FieldType.INTEGER: "0",
}
_OWN_FORMATS = {own_name("revision"): "0", own_name("received_at"): DATETIME_FORMAT}
_LOOKS_LIKE_FORMULA = ("=", "+", "-", "@")
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Everything a cell's style says; equal looks share one style record."""

    size: float = BODY
    bold: bool = False
    heading: bool = False
    colour: str = INK
    fill: str = ""
    horizontal: str = "left"
    vertical: str = "center"
    indent: int = 0
    wrap: bool = True
    format: str = "General"
    locked: bool = True
    quoted: bool = False
    lines: bool = True  # thin lines around the block


LOOKS: Mapping[Part, Look] = {
    Part.TITLE: Look(size=TITLE, bold=True, heading=True, colour=NAVY, horizontal="center", lines=False),
    Part.META_LABEL: Look(size=SMALL, colour=GREY, fill=LABEL_FILL, horizontal="center"),
    Part.META: Look(size=SMALL, wrap=False, horizontal="center", format="@"),
    Part.HINT: Look(size=SMALL, colour=GREY, lines=False),
    Part.SECTION: Look(size=11, bold=True, heading=True, colour=NAVY, fill=SECTION_FILL, indent=1),
    Part.NOTE: Look(size=SMALL, colour=GREY, indent=1),
    Part.LABEL: Look(size=10, fill=LABEL_FILL, indent=1),
    Part.REPEAT: Look(bold=True, fill=LABEL_FILL, indent=1),
    Part.HEADER: Look(size=SMALL, fill=HEADER_FILL, horizontal="center"),
    Part.LINE: Look(size=SMALL, colour=GREY, fill=LABEL_FILL, horizontal="center"),
    Part.REASON: Look(locked=False, vertical="top", format="@", indent=1),
    Part.SIGNER: Look(size=SMALL, fill=LABEL_FILL, horizontal="center"),
    Part.SIGNATURE: Look(size=SMALL, colour=GREY, horizontal="center", vertical="bottom"),
}


class Styles:
    """The styles of one workbook; each distinct look is registered once and then shared."""

    def __init__(self, workbook: Workbook, language: Language) -> None:
        self.language = language
        scratch = workbook.create_sheet("scratch")
        self._scratch: Worksheet = scratch
        self._made: dict[tuple[Look, str], Any] = {}

        self._set_default(workbook)

    def _set_default(self, workbook: Workbook) -> None:
        """Column widths count digits of the default font: 8 pixels in 宋体 11, 7 in Arial 10."""
        font = Font(name="宋体", size=11) if self.language == "zh" else Font(name="Arial", size=10)
        workbook._fonts = IndexedList([font])  # type: ignore[attr-defined]
        workbook._named_styles["Normal"].font = font  # type: ignore[attr-defined]

    def close(self) -> None:
        """Remove the sheet on which the styles were made."""
        workbook = self._scratch.parent
        assert workbook is not None
        workbook.remove(self._scratch)

    def paint(self, sheet: Worksheet, block: Block, look: Look, frame: str = "") -> None:
        """
        Give the cells of *block* this *look*, with lines around the block.

        *frame* holds a letter (l, r, t, b) for each side on the outer frame of the form.
        """
        for column in range(block.first, block.last + 1):
            sides = "".join(side for side, here in (("l", column == block.first), ("r", column == block.last)) if here)
            outer = "".join(side.upper() for side in frame if side in "tb" or side in sides)
            cell: Any = sheet.cell(block.row, column)
            cell._style = self._style(look, f"{sides}tb{outer}" if look.lines else "")

    def _style(self, look: Look, sides: str) -> Any:
        if (made := self._made.get((look, sides))) is None:
            cell: Any = self._scratch.cell(1, len(self._made) + 1)
            cell.font = self.font(look)
            if look.fill:
                cell.fill = PatternFill("solid", fgColor=look.fill)
            cell.border = _border(sides)
            cell.alignment = Alignment(
                horizontal=look.horizontal,
                vertical=look.vertical,
                wrap_text=look.wrap,
                indent=look.indent,
            )
            cell.number_format = look.format
            cell.protection = Protection(locked=look.locked)
            cell.quotePrefix = look.quoted
            made = self._made[look, sides] = cell._style
        return made

    def font(self, look: Look) -> Font:
        name = (HEAD_FONT if look.heading else TEXT_FONT)[self.language]
        return Font(name=name, size=look.size, bold=look.bold, color=look.colour)

    def caption(self, block: Block, look: Look) -> str | CellRichText:
        """The text of a *block* that is no answer: with the red mark, and what stands aside in a lighter tone."""
        if not block.aside and not block.required:
            return block.text
        name = (HEAD_FONT if look.heading else TEXT_FONT)[self.language]
        text = TextBlock(
            InlineFont(rFont=name, sz=look.size, b=look.bold or None, color=Color(look.colour)), block.text
        )
        aside = TextBlock(
            InlineFont(rFont=TEXT_FONT[self.language], sz=min(look.size, SMALL), color=Color(GREY)), block.aside
        )
        mark = TextBlock(InlineFont(rFont=name, sz=look.size, b=True, color=Color(RED)), " *")
        # The legend explains the mark; everywhere else the mark comes last, where readers of labels strip it.
        legend = block.part is Part.HINT
        runs = [text] * bool(block.text) + [mark] * legend + [aside] * bool(block.aside) + [mark] * block.required
        return CellRichText(*runs)


def input_look(field: Field, part: Part, content: object, *, editable: bool, asked: bool) -> Look:
    """The look of one answer cell with *content*: locked when not *editable* or computed, yellow when *asked* for."""
    short = field.type not in (FieldType.TEXT, FieldType.SELECT_MULTIPLE, FieldType.PERSON)
    locked = field.computed or not editable
    return Look(
        size=BODY if part is Part.INPUT else SMALL + 0.5,
        fill=LOCKED_FILL if locked else REQUIRED_FILL if asked else OPTIONAL_FILL,
        horizontal="center" if part is Part.ENTRY and short else "left",
        vertical="top" if field.rows > 1 and not field.computed else "center",
        indent=1 if part is Part.INPUT else 0,
        format=number_format(field),
        locked=locked,
        quoted=isinstance(content, str) and content.startswith(_LOOKS_LIKE_FORMULA),
    )


def own_look(block: Block) -> Look:
    """The look of any other block: captions, and the cells in which the form says something of itself."""
    look = LOOKS[block.part]
    return replace(look, format=_OWN_FORMATS[block.path]) if block.path in _OWN_FORMATS else look


def number_format(field: Field) -> str:
    """How the cell shows its answer; text stays as it was typed, so that 0012 keeps its zeros."""
    if field.type == FieldType.DECIMAL:
        return "General" if field.decimals is None else f"0.{'0' * field.decimals}".rstrip(".")
    return _FORMATS.get(field.type, "General" if field.computed else "@")


def put(cell: Any, content: Content) -> None:
    """
    Write *content* into *cell*: text stays text whatever it begins with, a `Calculation` is a formula.

    The one place that fills cells; a style set before is kept.
    """
    if isinstance(content, str):
        cell.value = _ESCAPE.sub("_x005F_", content)
        cell.data_type = "s"
    elif isinstance(content, Calculation):
        cell.value = content.formula
    elif content is not None:
        style = cell._style
        cell.value = content
        cell._style = style  # openpyxl would give dates a format of its own


def _border(sides: str) -> Border:
    thin, medium = Side("thin", color=LINE_COLOUR), Side("medium", color=NAVY)
    none = Side()

    def side(letter: str) -> Side:
        return medium if letter.upper() in sides else thin if letter in sides else none

    return Border(left=side("l"), right=side("r"), top=side("t"), bottom=side("b"))
