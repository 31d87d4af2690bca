"""Marks in an open workbook: colours and notes, put so that we and the server can take them back later."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from workbooks.form import Language
from workbooks.marking.comments import HEADING, SEPARATOR
from workbooks.marking.marks import ERROR_FILL, FILL_NAME, FORMULA, MARK_NAME, WARNING_FILL
from workbooks.opened import fills
from workbooks.opened.answer import Remark
from workbooks.opened.excel import Book, Range, Sheet, excel_errors
from workbooks.opened.identity import names_of
from workbooks.opened.native import native

_COLOURS = {fills.rgb(f"fgColor.rgb={colour}") for colour in (ERROR_FILL, WARNING_FILL)}
_LOOKED_AT = 400  # cells of one marked area that are looked at


def marked_sheets(book: Book) -> set[str]:
    """The titles of the sheets that hold marks of an earlier answer."""
    return {area.sheet.name for _, _, area in _marks(book, names_of(book))}


def take_back(book: Book, open_sheets: set[str]) -> None:
    """
    Undo the marks of earlier answers on *open_sheets*: fill, note, conditional format, hidden names.

    A cell that somebody has filled differently since keeps that.
    """
    names = names_of(book)
    program = native(book.app)
    kept: set[str] = set()
    for name, words, area in _marks(book, names):
        if area.sheet.name not in open_sheets:
            kept |= {name, FILL_NAME + _number(name)}
            continue
        cells = [area] if len(area) == 1 else [area(place) for place in range(1, min(len(area), _LOOKED_AT) + 1)]
        for cell in cells:
            if cell.color in _COLOURS:
                program.put_fill(cell, words)
    for sheet in book.sheets:
        if sheet.name in open_sheets:
            _take_back_notes(sheet)
            _take_back_formats(sheet)
    for name in names:
        if name.startswith((MARK_NAME, FILL_NAME)) and name not in kept:
            book.names[name].delete()


class Marker:
    """Puts marks into one workbook; those of earlier answers are taken back before."""

    def __init__(self, book: Book, language: Language) -> None:
        self._book, self._language = book, language
        self._native = native(book.app)
        self._fills: dict[str, int] = {}
        self._count = 0
        # Those on a sheet under password stay, and keep their numbers.
        taken = [
            int(_number(name)) for name in names_of(book) if name.startswith(MARK_NAME) and _number(name).isdigit()
        ]
        self._first = max(taken, default=0) + 1

    def put(self, cell: Range, remarks: list[Remark]) -> None:
        """Mark the (merged) cell *cell* and note *remarks* on it."""
        area = cell.merge_area
        error = any(remark.error for remark in remarks)
        colour = fills.rgb(f"fgColor.rgb={ERROR_FILL if error else WARNING_FILL}")
        first = area(1, 1)  # its format is what a merged cell shows
        words = self._native.fill(first)
        if words is not None:
            self._remember(first, words)
            first.color = colour
        if len(area.conditional_formats):  # the form's own colours would cover the mark
            area.conditional_formats.add_custom(f"={FORMULA}", fill_color=colour)
        self._note(first, list(_lines(remarks, self._language)))

    def _remember(self, cell: Range, words: str) -> None:
        if words not in self._fills:
            self._fills[words] = self._first + len(self._fills)
            self._define(f"{FILL_NAME}{self._fills[words]}", f'="{words}"')
        self._count += 1
        where = f"='{cell.sheet.name.replace(chr(39), chr(39) * 2)}'!{cell.address}"
        self._define(f"{MARK_NAME}{self._fills[words]}_{self._count}", where)

    def _define(self, name: str, refers_to: str) -> None:
        self._native.hide_name(self._book.names.add(name, refers_to))

    def _note(self, cell: Range, lines: list[str]) -> None:
        text = "\n".join([HEADING[self._language], *lines])
        before = cell.note
        if before is not None:
            text = f"{text}\n{SEPARATOR}\n{before.text}"
            before.delete()
        # A cell with a threaded comment takes no note; it is coloured and stands in the list.
        with suppress(*excel_errors()):
            cell.add_note(text)


def _marks(book: Book, names: Mapping[str, str]) -> Iterator[tuple[str, str, Range]]:
    """The name of each mark, words for the fill its cells had, and the cells; deleted cells have no mark."""
    for name, refers_to in names.items():
        if name.startswith(MARK_NAME) and "#REF!" not in refers_to:
            words = names.get(FILL_NAME + _number(name), "").removeprefix("=").strip('"')
            yield name, words or "pattern=none", book.names[name].refers_to_range


def _number(name: str) -> str:
    return name.removeprefix(MARK_NAME).partition("_")[0]


def _take_back_notes(sheet: Sheet) -> None:
    for note in list(sheet.notes):
        text = str(note.text or "")
        if not text.lstrip().startswith((HEADING.zh, HEADING.en)):
            continue
        _, _, others = text.partition(SEPARATOR)
        cell = note.location
        note.delete()
        if others.strip():
            cell.add_note(others.lstrip("\r\n"))


def _take_back_formats(sheet: Sheet) -> None:
    for rule in reversed(list(sheet.cells.conditional_formats)):
        if _is_ours(rule):
            rule.delete()


def _is_ours(rule: Any) -> bool:
    return rule.type == "custom" and str(rule.formula or "").replace(" ", "").removeprefix("=") == FORMULA


def _lines(remarks: Iterable[Remark], language: Language) -> Iterator[str]:
    told = list(remarks)
    for number, remark in enumerate(told, start=1):
        yield (f"{number}. " if len(told) > 1 else "") + remark.what[language]
        yield f"→ {remark.fix[language]}"
