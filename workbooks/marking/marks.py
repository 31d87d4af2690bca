"""Highlights on cells that were found wrong: put so that they can be taken back after the file has been edited."""

import re
from collections import defaultdict
from collections.abc import Iterator

from lxml import etree

from workbooks.ooxml.areas import Area
from workbooks.ooxml.book import Book, quoted
from workbooks.ooxml.cells import Sheet
from workbooks.ooxml.elements import WORKSHEET, child, local, whole
from workbooks.ooxml.stylesheet import Stylesheet
from workbooks.package import SheetPart

# Colours nobody picks by hand: a cell that has one of them was marked by us.
ERROR_FILL, WARNING_FILL = "FFFFC9CE", "FFFFE9A9"
_FILLS = frozenset({ERROR_FILL, WARNING_FILL})

# AS__fill_<k> describes a fill, AS__mark_<k>_<n> stands for cells that had it.
FILL_NAME, MARK_NAME = "AS__fill_", "AS__mark_"
# The conditional format that keeps a mark above the form's own ones is known by its formula.
FORMULA = 'LEN("Aftersheet")>0'
_PRIORITIES = 2  # an error's and a warning's come before every other
_MERGED_LIMIT = 400  # cells of a merged area that are all marked; of a larger one the first, which is the one shown


class Marks:
    """
    The marks of one workbook.

    Everything needed to take them back is kept in hidden names, because those survive
    Excel, WPS and LibreOffice and move along when rows are inserted.
    """

    def __init__(self, book: Book) -> None:
        self._book = book
        self._fills: dict[str, int] = {}  # description of a fill → its number
        self._count = 0
        self._formats: dict[str, _Formats] = {}

    def put(self, part: SheetPart, area: Area, *, error: bool) -> None:
        """
        Fill the (merged) cell *area*, and remember what it was filled with.

        A gradient stays as it is.
        """
        sheet, styles = self._book.sheet(part.part), self._book.styles
        colour = ERROR_FILL if error else WARNING_FILL
        places = list(area.places()) if area.size <= _MERGED_LIMIT else [(area.top, area.left)]
        by_fill: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for place in places:
            style = sheet.style(place)
            fill = styles.fill_of(style)
            if fill is not None:
                by_fill[fill].append(place)
                sheet.set_style(place, styles.with_fill(style, f"pattern=solid fgColor.rgb={colour}"))
        for fill, filled in by_fill.items():
            for run in [area] if len(filled) == area.size else [Area(*place, *place) for place in filled]:
                self._remember(part, run, fill)
        if part.part not in self._formats:
            self._formats[part.part] = _Formats(sheet)
        self._formats[part.part].put_above(area, colour, styles)

    def take_back(self) -> None:
        """
        Give every cell marked earlier its own fill again, wherever it has gone.

        A cell that somebody has filled differently since keeps that; a marked cell that
        was copied loses the mark too.
        """
        book = self._book
        marks, fills = book.names(MARK_NAME), book.names(FILL_NAME)
        if not marks and not fills:
            return
        ours = book.styles.filled(_FILLS)
        first_fill: dict[str, str] = {}
        for name, reference in marks.items():
            located = book.located(reference)
            fill = fills.get(FILL_NAME + name.removeprefix(MARK_NAME).partition("_")[0], "").strip('"')
            if located is not None:
                part, area = located
                first_fill.setdefault(part.part, fill)
                _refill(book, part, _cells_in(book.sheet(part.part), area), fill, ours)
        book.undefine(*marks, *fills)
        formats = b"|".join(b"%d" % style for style in ours)
        for part in book.sheets():
            content = book.package.read(part.part)
            if ours and re.search(rb"""\ss=["'](?:%s)["']""" % formats, content):
                cells = (place for place, _ in book.sheet(part.part).cells())
                _refill(book, part, cells, first_fill.get(part.part, "pattern=none"), ours)
            if b"Aftersheet" in content:
                _remove_above(book.sheet(part.part))

    def _remember(self, part: SheetPart, area: Area, fill: str) -> None:
        if fill not in self._fills:
            self._fills[fill] = len(self._fills) + 1
            self._book.add_name(f"{FILL_NAME}{self._fills[fill]}", f'"{fill}"')
        self._count += 1
        name = f"{MARK_NAME}{self._fills[fill]}_{self._count}"
        self._book.add_name(name, f"{quoted(part.title)}!{area.absolute}")


def _refill(book: Book, part: SheetPart, places: Iterator[tuple[int, int]], fill: str, ours: frozenset[int]) -> None:
    sheet = book.sheet(part.part)
    for place in list(places):
        style = sheet.style(place)
        if style in ours:
            sheet.set_style(place, book.styles.with_fill(style, fill))


def _cells_in(sheet: Sheet, area: Area) -> Iterator[tuple[int, int]]:
    if area.size <= _MERGED_LIMIT:
        yield from (place for place in area.places() if sheet.cell(place) is not None)
    else:
        yield from (place for place, _ in sheet.cells() if place in area)


class _Formats:
    """The conditional formats of one sheet: where the form has its own, and ours before them."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        # Newer rules stand in an extension of the sheet, in another namespace.
        newer = [f for ext in sheet.tree.iterfind(f"{sheet.ns}extLst") for f in ext.iter("{*}conditionalFormatting")]
        holders = [*sheet.tree.iterfind(f"{sheet.ns}conditionalFormatting"), *newer]
        self._rules = [rule for holder in holders for rule in holder if local(rule) == "cfRule"]
        self._areas = [area for holder in holders for area in _ranges(holder)]
        self._ours: dict[int, etree._Element] = {}

    def put_above(self, area: Area, colour: str, styles: Stylesheet) -> None:
        """Where the form has conditional formats on *area*, put one before them: their fill would cover the mark."""
        if not any(area.meets(other) for other in self._areas):
            return
        pattern = f'<patternFill patternType="solid"><fgColor rgb="{colour}"/><bgColor rgb="{colour}"/></patternFill>'
        style = styles.add("dxfs", f"<dxf><fill>{pattern}</fill></dxf>")
        if style in self._ours:
            element = self._ours[style]
            element.set("sqref", f"{element.get('sqref')} {area}")
        else:
            self._ours[style] = self._insert(area, style)
        self._sheet.changed = True

    def _insert(self, area: Area, style: int) -> etree._Element:
        if not self._ours and min(whole(rule.get("priority"), 1) for rule in self._rules) <= _PRIORITIES:
            for rule in self._rules:
                rule.set("priority", str(whole(rule.get("priority"), 1) + _PRIORITIES))
        ns, priority = self._sheet.ns, str(len(self._ours) + 1)
        element = etree.Element(f"{ns}conditionalFormatting", sqref=str(area))
        rule = etree.SubElement(element, f"{ns}cfRule", type="expression", dxfId=str(style), priority=priority)
        etree.SubElement(rule, f"{ns}formula").text = FORMULA
        first = child(self._sheet.tree, "conditionalFormatting", WORKSHEET)
        first.addprevious(element)
        if not len(first):
            self._sheet.tree.remove(first)
        return element


def _ranges(holder: etree._Element) -> list[Area]:
    """The cells a conditionalFormatting is for; newer ones say so in an element of their own."""
    references = holder.get("sqref") or holder.findtext("{*}sqref") or ""
    return [area for reference in references.split() if (area := Area.parse(reference))]


def _is_ours(rule: etree._Element) -> bool:
    return (rule.findtext("{*}formula") or "").replace(" ", "") == FORMULA


def _remove_above(sheet: Sheet) -> None:
    for element in list(sheet.tree.iterfind(f"{sheet.ns}conditionalFormatting")):
        for rule in list(element):
            if rule.tag == f"{sheet.ns}cfRule" and _is_ours(rule):
                element.remove(rule)
                sheet.changed = True
        if element.find(f"{sheet.ns}cfRule") is None:
            sheet.tree.remove(element)
