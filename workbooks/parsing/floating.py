"""Pictures that float over a sheet: where each lies, measured in cells."""

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import NamedTuple

from lxml import etree

from workbooks.guard import Inspection, parse, relations
from workbooks.parsing.lexical import GRID_COLUMNS, GRID_ROWS

_EMU_PER_PIXEL, _EMU_PER_POINT = 9_525, 12_700
_DIGIT_PIXELS = 7  # of the usual font; a column's width is counted in digits
_WIDTH, _HEIGHT = 64.0 * _EMU_PER_PIXEL, 15.0 * _EMU_PER_POINT  # where a sheet does not say
_FARTHEST = 5_000  # rows or columns; nothing of a form lies behind them
_MOST = 500  # pictures looked at
_DEEPEST = 12  # elements in elements: groups, and alternatives for other programs
_COLUMN = re.compile(rb"<(?:\w+:)?col (?=[^>]*\bmin=\"(\d+)\")(?=[^>]*\bmax=\"(\d+)\")([^>]*)>")
_WIDE = re.compile(rb'\bwidth="([\d.]+)"')
_HIDDEN = re.compile(rb'\bhidden="(?:1|true)"')
_ROW = re.compile(rb'<(?:\w+:)?row (?=[^>]*\br="(\d+)")(?=[^>]*\b(?:ht|hidden)=)([^>]*)>')
_HIGH = re.compile(rb'\bht="([\d.]+)"')
_USUAL = re.compile(rb"<(?:\w+:)?sheetFormatPr\b([^>]*)>")
_USUAL_WIDTH, _USUAL_HEIGHT = (
    re.compile(rb'\bdefaultColWidth="([\d.]+)"'),
    re.compile(rb'\bdefaultRowHeight="([\d.]+)"'),
)
_EMBEDDED = (
    "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}embed",
    "{http://purl.oclc.org/ooxml/officeDocument/relationships}embed",
)


class Rect(NamedTuple):
    """A rectangle in cells: (1.5, 6, 3, 8) reaches from the middle of B7 to the end of C8."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    def holds(self, point: tuple[float, float]) -> bool:
        return self.left <= point[0] < self.right and self.top <= point[1] < self.bottom

    def shared(self, other: "Rect") -> float:
        """The area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, width) * max(0.0, height)

    @property
    def area(self) -> float:
        return max(1e-9, self.right - self.left) * max(1e-9, self.bottom - self.top)


class Floating(NamedTuple):
    """One picture: where it lies and the part it is kept in."""

    rect: Rect
    part: str


def floating_pictures(inspection: Inspection, sheet: str) -> Iterator[Floating]:
    """
    The pictures on the sheet kept in part *sheet*, those inside groups and shapes too.

    Raises:
        etree.XMLSyntaxError: A drawing is not well-formed.
    """
    parts = inspection.parts
    drawings = [part for kind, part in relations(parts, sheet).values() if kind == "drawing" and part in parts]
    if drawings:
        grid = _Grid(parts[sheet])
        found = (each for drawing in drawings for each in _of_drawing(parts, drawing, grid))
        yield from islice(dict.fromkeys(islice(found, 2 * _MOST)), _MOST)


def target(blip: etree._Element, targets: Mapping[str, tuple[str, str]]) -> str:
    """The part that holds the picture of *blip*; empty when it is not in the file."""
    key = next((key for name in _EMBEDDED if (key := blip.get(name))), "")
    return targets.get(key, ("", ""))[1]


class _Grid:
    """The widths and heights of a sheet, to find the cell that lies so many EMU from its corner."""

    def __init__(self, data: bytes) -> None:
        usual = found[1] if (found := _USUAL.search(data)) else b""
        width = _measure(_USUAL_WIDTH, usual)
        height = _measure(_USUAL_HEIGHT, usual)
        self._width = _WIDTH if width is None else _column_emu(width)
        self._height = _HEIGHT if height is None else height * _EMU_PER_POINT
        self._widths: dict[int, float] = {}
        self._heights: dict[int, float] = {}
        for first, last, text in _COLUMN.findall(data):
            wide = _measure(_WIDE, text)
            emu = 0.0 if _HIDDEN.search(text) else self._width if wide is None else _column_emu(wide)
            for column in range(int(first) - 1, min(int(last), _FARTHEST)):
                self._widths[column] = emu
        for row, text in _ROW.findall(data):
            high = _measure(_HIGH, text)
            emu = 0.0 if _HIDDEN.search(text) else self._height if high is None else high * _EMU_PER_POINT
            self._heights[int(row) - 1] = emu

    def column(self, start: int, emu: float) -> float:
        """Where one comes *emu* to the right of column *start*, in columns."""
        return _walk(self._widths, self._width, start, emu)

    def row(self, start: int, emu: float) -> float:
        return _walk(self._heights, self._height, start, emu)


def _walk(sizes: Mapping[int, float], usual: float, start: int, emu: float) -> float:
    for number in range(start, min(start + _FARTHEST, 2 * _FARTHEST)):
        size = sizes.get(number, usual)
        if emu < size:
            return number + emu / size
        emu -= size
    return float(start + _FARTHEST)


def _measure(pattern: re.Pattern[bytes], text: bytes) -> float | None:
    found = pattern.search(text)
    try:
        return float(found[1]) if found else None
    except ValueError:
        return None


def _column_emu(width: float) -> float:
    return int((256 * width + 128 // _DIGIT_PIXELS) / 256 * _DIGIT_PIXELS) * float(_EMU_PER_PIXEL)


def _of_drawing(parts: Mapping[str, bytes], drawing: str, grid: _Grid) -> Iterator[Floating]:
    targets = relations(parts, drawing)
    for anchor in parse(parts[drawing]).iter("{*}twoCellAnchor", "{*}oneCellAnchor", "{*}absoluteAnchor"):
        rect = _rect(anchor, grid)
        if rect is not None:
            yield from _pictures(anchor, rect, targets, _DEEPEST)


def _rect(anchor: etree._Element, grid: _Grid) -> Rect | None:
    """The cells an anchor covers; None when it does not say."""
    position = anchor.find("{*}pos")
    if position is not None:
        x, y = _pair(position, "x", "y")
        start: tuple[int, int, int, int] | None = (0, x, 0, y)
    else:
        start = _corner(anchor.find("{*}from"))
    if start is None:
        return None
    column, across, row, down = start
    left, top = grid.column(column, across), grid.row(row, down)
    end = _corner(anchor.find("{*}to"))
    if end is not None:
        right, bottom = grid.column(end[0], end[1]), grid.row(end[2], end[3])
    else:
        extent = anchor.find("{*}ext")
        width, height = _pair(extent, "cx", "cy") if extent is not None else (0, 0)
        right, bottom = grid.column(column, across + width), grid.row(row, down + height)
    return Rect(left, top, max(left, right), max(top, bottom))


def _corner(element: etree._Element | None) -> tuple[int, int, int, int] | None:
    """Column, EMU into it, row, EMU into it; None where they lie outside the grid."""
    if element is None:
        return None
    column, across, row, down = (
        _number(element.findtext(f"{{*}}{name}", "")) for name in ("col", "colOff", "row", "rowOff")
    )
    if column is None or row is None or not (0 <= column < GRID_COLUMNS and 0 <= row < GRID_ROWS):
        return None
    return column, max(0, across or 0), row, max(0, down or 0)


def _pair(element: etree._Element, first: str, second: str) -> tuple[int, int]:
    one, two = _number(element.get(first, "")), _number(element.get(second, ""))
    return max(0, one or 0), max(0, two or 0)


def _number(text: str) -> int | None:
    """A coordinate; Strict files may have a unit behind it, which is not read."""
    text = text.strip()
    return int(text) if len(text) < 12 and text.lstrip("-").isascii() and text.lstrip("-").isdigit() else None


def _pictures(
    element: etree._Element, rect: Rect, targets: Mapping[str, tuple[str, str]], deep: int
) -> Iterator[Floating]:
    """The pictures in *element*, which covers *rect*; a group's members cover their share of it."""
    kind = element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""
    if kind in ("pic", "sp"):
        yield from (Floating(rect, part) for blip in element.iter("{*}blip") if (part := target(blip, targets)))
    elif deep:
        frame = _frame(element.find("{*}grpSpPr/{*}xfrm"), "chOff", "chExt") if kind == "grpSp" else None
        for member in element:
            share = _inside(rect, frame, _own_frame(member)) if frame is not None else rect
            yield from _pictures(member, share, targets, deep - 1)


def _own_frame(element: etree._Element) -> tuple[int, int, int, int] | None:
    """Where a member of a group says that it lies, in the group's own measure."""
    found = element.find("{*}spPr/{*}xfrm")
    return _frame(found if found is not None else element.find("{*}grpSpPr/{*}xfrm"), "off", "ext")


def _frame(element: etree._Element | None, corner: str, extent: str) -> tuple[int, int, int, int] | None:
    """x, y, width and height of a transform."""
    start = element.find(f"{{*}}{corner}") if element is not None else None
    size = element.find(f"{{*}}{extent}") if element is not None else None
    if start is None or size is None:
        return None
    x, y = (_number(start.get(name, "")) or 0 for name in ("x", "y"))
    width, height = _pair(size, "cx", "cy")
    return (x, y, width, height) if width and height else None


def _inside(rect: Rect, frame: tuple[int, int, int, int], inner: tuple[int, int, int, int] | None) -> Rect:
    """The part of *rect*, which shows *frame*, that a member at *inner* takes."""
    if inner is None:
        return rect
    wide, high = (rect.right - rect.left) / frame[2], (rect.bottom - rect.top) / frame[3]
    left, top = rect.left + (inner[0] - frame[0]) * wide, rect.top + (inner[1] - frame[1]) * high
    return Rect(left, top, left + inner[2] * wide, top + inner[3] * high)
