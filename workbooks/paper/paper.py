"""A sheet as a person sees it on paper: cells and merged cells with their text, their lines and their format."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from lxml import etree

from workbooks.ooxml.areas import Area
from workbooks.ooxml.book import Book
from workbooks.ooxml.cells import Sheet
from workbooks.ooxml.elements import true, whole
from workbooks.ooxml.strings import Strings
from workbooks.ooxml.validations import validations
from workbooks.package import SheetPart

MOST_ROWS, MOST_COLUMNS = 400, 100
_SIDES = ("left", "right", "top", "bottom")
_BETWEEN_CJK = re.compile(r"(?<=[\u3400-\u9fff])[ \u3000]+(?=[\u3400-\u9fff])")
_PLACEHOLDER = re.compile(r"[\s_＿]*(年[\s_＿]*月[\s_＿]*(日[\s_＿]*)?)?(时[\s_＿]*(分[\s_＿]*)?)?")

Place = tuple[int, int]


class PaperError(Exception):
    """The sheet is no form that a definition can be proposed for; *zh* and *en* say why."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(zh, en)
        self.zh, self.en = zh, en


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """
    One cell, or merged cells.

    *text* is what it shows, cleaned of the spaces that spread a heading; *sides* are those
    along which a line is drawn; *format* is the number format as `Stylesheet.number_code`
    gives it. *formula*: the workbook fills it itself.
    """

    area: Area
    text: str
    sides: frozenset[str]
    format: str
    formula: bool
    number: bool
    locked: bool

    @property
    def empty(self) -> bool:
        """Nothing, or only "  年  月  日", stands in it."""
        return not self.formula and not self.number and _PLACEHOLDER.fullmatch(self.text) is not None

    @property
    def placeholder(self) -> bool:
        return self.empty and bool(self.text)

    @property
    def width(self) -> int:
        return self.area.right - self.area.left + 1


class Paper:
    """
    The sheet *part* of *book*.

    Raises:
        PaperError: It is empty, or far too large for a form.
    """

    def __init__(self, book: Book, part: SheetPart) -> None:
        self.book, self.part = book, part
        self.sheet: Sheet = book.sheet(part.part)
        self.strings = Strings(book)
        borders = [_lines(border) for border in book.styles.tree.iterfind("{*}borders/{*}border")]
        self._styles = [
            (borders[index] if (index := whole(form.get("borderId"))) < len(borders) else frozenset(), _locked(form))
            for form in book.styles.tree.iterfind("{*}cellXfs/{*}xf")
        ]
        protection = self.sheet.tree.find("{*}sheetProtection")
        self.protected = protection is not None and true(protection.get("sheet"))
        self.bottom, self.right = self._extent()
        self._slots: dict[Place, Slot] = {}

    def _extent(self) -> Place:
        bottom = right = 0
        for place, cell in self.sheet.cells():
            if len(cell) or self._style(place)[0]:
                area = self.sheet.merged(place)
                bottom, right = max(bottom, area.bottom), max(right, area.right)
        if not bottom:
            raise PaperError("工作表是空的", "the sheet is empty")
        if bottom > MOST_ROWS or right > MOST_COLUMNS:
            raise PaperError(
                f"工作表有 {bottom} 行 {right} 列，不像一张表单（至多 {MOST_ROWS} 行 {MOST_COLUMNS} 列）",
                f"{bottom} rows and {right} columns are no form (at most {MOST_ROWS} and {MOST_COLUMNS})",
            )
        return bottom, right

    def slot(self, place: Place) -> Slot | None:
        """The slot that covers (row, column); None outside the used part of the sheet."""
        row, column = place
        if not (1 <= row <= self.bottom and 1 <= column <= self.right):
            return None
        area = self.sheet.merged(place)
        first = (area.top, area.left)
        if first not in self._slots:
            self._slots[first] = self._made(area)
        return self._slots[first]

    def slots(self) -> Iterator[Slot]:
        """All slots, row by row."""
        for row in range(1, self.bottom + 1):
            yield from self.row(row)

    def row(self, row: int) -> Iterator[Slot]:
        """The slots that begin in *row*, from left to right."""
        column = 1
        while column <= self.right:
            slot = self.slot((row, column))
            assert slot is not None
            if slot.area.top == row and slot.area.left == column:
                yield slot
            column = max(column, slot.area.right) + 1

    @cached_property
    def rules(self) -> list[tuple[etree._Element, tuple[Area, ...]]]:
        return list(validations(self.sheet))

    def rule(self, area: Area) -> etree._Element | None:
        """The data validation of the cells' first one."""
        place = (area.top, area.left)
        return next((element for element, areas in self.rules if any(place in other for other in areas)), None)

    def text(self, place: Place) -> str:
        return _clean(self.strings.of(self.sheet, place))

    def hidden(self, row: int) -> bool:
        return self.sheet.row_px(row) == 0

    def divided(self, left: Slot, right: Slot) -> bool:
        """Whether a line stands between two neighbours in one row."""
        return "right" in left.sides or "left" in right.sides

    def _style(self, place: Place) -> tuple[frozenset[str], bool]:
        index = self.sheet.style(place)
        return self._styles[index] if index < len(self._styles) else (frozenset(), True)

    def _made(self, area: Area) -> Slot:
        first = (area.top, area.left)
        cell = self.sheet.cell(first)
        text = self.text(first)
        corners = {"left": first, "top": first, "right": (area.top, area.right), "bottom": (area.bottom, area.left)}
        sides = {side for side, place in corners.items() if side in self._style(place)[0]}
        beyond = {"left": (area.top, area.left - 1), "right": (area.top, area.right + 1)}
        beyond |= {"top": (area.top - 1, area.left), "bottom": (area.bottom + 1, area.left)}
        for side, place in beyond.items():
            opposite = _SIDES[_SIDES.index(side) ^ 1]
            if min(place) > 0 and opposite in self._style(place)[0]:
                sides.add(side)
        return Slot(
            area=area,
            text=text,
            sides=frozenset(sides),
            format=self.book.styles.number_code(self.sheet.style(first)),
            formula=cell is not None and cell.find("{*}f") is not None,
            number=cell is not None and not text and bool(cell.findtext("{*}v")),
            locked=self._style(first)[1],
        )


def _clean(text: str) -> str:
    text = unicodedata.normalize("NFC", text.replace("\r", "")).strip(" \t\n\u3000")
    return _BETWEEN_CJK.sub("", text) if len(text) < 60 and not _PLACEHOLDER.fullmatch(text) else text


def _lines(border: etree._Element) -> frozenset[str]:
    names = {"start": "left", "end": "right"}
    found = set()
    for side in border:
        name = etree.QName(side).localname
        if side.get("style", "none") != "none":
            found.add(names.get(name, name))
    return frozenset(found & set(_SIDES))


def _locked(form: etree._Element) -> bool:
    protection = form.find("{*}protection")
    return protection is None or true(protection.get("locked", "1"))
