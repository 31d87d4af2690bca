"""Form buttons on a sheet: VML shapes bound to macros, beside what is printed."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from workbooks.form import Language, Text
from workbooks.marking.comments import VML_TYPE
from workbooks.marking.note_shapes import blocks
from workbooks.ooxml.areas import Area
from workbooks.ooxml.book import Book
from workbooks.ooxml.cells import Sheet
from workbooks.ooxml.elements import WORKSHEET, child, whole
from workbooks.package import SheetPart, relation_id

FONT = Text("微软雅黑", "Calibri")
_WIDTH, _HEIGHT, _GAP = 104, 32, 12  # pixels
_NUMBER = re.compile(rb"_x0000_s(\d{1,9})")
_XML_NS = (
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:x="urn:schemas-microsoft-com:office:excel"'
)
_EMPTY = f'<xml {_XML_NS}><o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="{{block}}"/></o:shapelayout></xml>'
_TYPE = (
    f'<v:shapetype {_XML_NS} id="_x0000_t201" coordsize="21600,21600" o:spt="201" '
    'path="m,l,21600r21600,l21600,xe"><v:stroke joinstyle="miter"/><v:path shadowok="f" o:extrusionok="f" '
    'strokeok="f" fillok="f" o:connecttype="rect"/><o:lock v:ext="edit" shapetype="t"/></v:shapetype>'
)
_BUTTON = (
    f"<v:shape {_XML_NS} "
    'id="_x0000_s{number}" type="#_x0000_t201" style="position:absolute;margin-left:{left}pt;'
    'margin-top:{top}pt;width:{width}pt;height:{height}pt;z-index:{index};mso-wrap-style:tight" o:button="t" '
    'fillcolor="buttonFace [67]" strokecolor="windowText [64]" o:insetmode="auto">'
    '<v:fill color2="buttonFace [67]" o:detectmouseclick="t"/><o:lock v:ext="edit" rotation="t"/>'
    '<v:textbox style="mso-direction-alt:auto" o:singleclick="f"><div style="text-align:center">'
    '<font face="{font}" size="210" color="#1F3864">{caption}</font></div></v:textbox>'
    '<x:ClientData ObjectType="Button"><x:Anchor>{anchor}</x:Anchor><x:PrintObject>False</x:PrintObject>'
    "<x:AutoFill>False</x:AutoFill><x:FmlaMacro>[0]!{macro}</x:FmlaMacro><x:TextHAlign>Center</x:TextHAlign>"
    "<x:TextVAlign>Center</x:TextVAlign></x:ClientData></v:shape>"
)


@dataclass(frozen=True, slots=True)
class Button:
    """One button: the public macro it runs, and what stands on it."""

    macro: str
    caption: Text


SUBMIT = Button("AftersheetSubmit", Text("提交", "Submit"))
CHECK = Button("AftersheetCheck", Text("只检查", "Check"))
FETCH = Button("AftersheetFetch", Text("下载记录", "Get record"))
REFRESH = Button("AftersheetRefresh", Text("刷新统计", "Refresh"))
ON_FORMS = (SUBMIT, CHECK, FETCH, REFRESH)
ON_REPORTS = (REFRESH,)


def put_buttons(book: Book, sheet: SheetPart, buttons: Sequence[Button], language: Language) -> None:
    """
    Stack *buttons* to the right of the first rows of *sheet*, outside its print area.

    They are not printed either way (PrintObject). Notes and controls that are there stay.
    """
    cells, package = book.sheet(sheet.part), book.package
    element = child(cells.tree, "legacyDrawing", WORKSHEET)
    part = package.related(sheet.part, "vmlDrawing").get(relation_id(element), "")
    used = {block for name in package.names() if name.lower().endswith(".vml") for block in blocks(package.read(name))}
    block = next(number for number in range(1, len(used) + 2) if number not in used)
    drawing = package.read(part) if part else _EMPTY.format(block=block).encode()
    if not part:
        part = book.free_part("xl/drawings/vmlDrawing{}.vml")
        package.set_default_type("vml", VML_TYPE)
        element.set(f"{{{book.relation_ns}}}id", book.relate(sheet.part, "vmlDrawing", part))
        cells.changed = True
    # Numbers go on where the drawing's own end; a new drawing begins its block.
    taken = [int(number) for number in _NUMBER.findall(drawing)]
    first = max(taken, default=1024 * next(blocks(drawing), block)) + 1
    shapes = "".join(_shapes(cells, _edge(book, sheet, cells), buttons, language, first))
    end = drawing.rindex(b"</")
    kind = b"" if b'"_x0000_t201"' in drawing else _TYPE.encode()
    package.put(part, drawing[:end] + kind + shapes.encode() + drawing[end:])


def _shapes(cells: Sheet, edge: int, buttons: Sequence[Button], language: Language, first: int) -> Iterator[str]:
    left = sum(cells.column_px(number) for number in range(1, edge + 1)) + _GAP
    for index, button in enumerate(buttons):
        top = _GAP + index * (_HEIGHT + _GAP)
        start = (*_column(cells, left), *_row(cells, top))
        corners = (*start, *_column(cells, left + _WIDTH), *_row(cells, top + _HEIGHT))
        yield _BUTTON.format(
            number=first + index, index=index + 1, left=left * 0.75, top=top * 0.75, width=_WIDTH * 0.75,
            height=_HEIGHT * 0.75, font=FONT[language], caption=escape(button.caption[language]),
            anchor=", ".join(map(str, corners)), macro=button.macro,
        )  # fmt: skip


def _edge(book: Book, sheet: SheetPart, cells: Sheet) -> int:
    """The last column that is printed or has a width of its own."""
    for name in book.tree.iterfind("{*}definedNames/{*}definedName"):
        if name.get("name") == "_xlnm.Print_Area" and whole(name.get("localSheetId"), -1) == sheet.index:
            area = Area.parse((name.text or "").rpartition("!")[2])
            if area is not None:
                return area.right
    columns = [whole(column.get("max")) for column in cells.tree.iterfind("{*}cols/{*}col")]
    return max((column for column in columns if column < 100), default=8)


def _column(cells: Sheet, distance: int) -> tuple[int, int]:
    """(index from 0, pixels into it) of the column so many pixels from the sheet's left edge."""
    number = 1
    while distance >= (width := cells.column_px(number)):
        distance -= width
        number += 1
    return number - 1, distance


def _row(cells: Sheet, distance: int) -> tuple[int, int]:
    number = 1
    while distance >= (height := cells.row_px(number)):
        distance -= height
        number += 1
    return number - 1, distance
