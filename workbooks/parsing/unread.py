"""Cells that the reading library leaves empty although something is in them: errors, and formulas without a result."""

import re
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from zipfile import ZipFile

from lxml import etree

from workbooks.parsing.lexical import column_number
from workbooks.refusal import unsafe

NEVER_CALCULATED = "#CALC!"
"""What stands for the result of a formula that nobody has worked out."""

_ERROR = re.compile(rb'<c r="([A-Z]{1,3}\d{1,7})"(?=[^>]*\bt="e")[^>]*>(?:<f[^>]*/>|<f[^>]*>[^<]*</f>)?<v>([^<]*)</v>')
# Found by its formula, which is rarer than a cell. An empty <v> is an empty text, but no number.
_NO_RESULT = re.compile(rb"<f(?:>| [^>]*>)(?:(?<=/>)|[^<]*</f>)(?:<v ?/>|<v></v>)?</c>")
_TEXT = re.compile(rb'<c r="[A-Z0-9]+"[^>]*\bt="str"')
_PLACE = re.compile(rb'<c r="([A-Z]{1,3}\d{1,7})"')
# An error that the library does not know, such as #SPILL!: it takes the whole sheet for damaged.
_STRANGE_ERROR = re.compile(
    rb"""(<(?:\w+:)?c\b[^>]*\bt\s*=\s*["']e["'][^>]*>"""
    rb"(?:<(?:\w+:)?f\b[^>]*/>|<(?:\w+:)?f\b[^>]*>[^<]*</(?:\w+:)?f>)?\s*<(?:\w+:)?v>)"
    rb"(?!\s*#(?:DIV/0!|N/A|NAME\?|NULL!|NUM!|REF!|VALUE!)\s*<)[^<]*"
)

Position = tuple[int, int]


def unread_cells(data: bytes) -> Iterator[tuple[Position, str]]:
    """
    (row, column) from 0 of such cells in a worksheet part, and the error text that stands for each.

    Raises:
        Refused: A value is spelled so that readers see different things in it.
    """
    start = data.find(b'<c r="')
    if start < 0 or data[start - 1 : start].isspace():
        # Written by hand, or by a library with habits of its own.
        yield from _parsed(data)
        return
    if b"#" in data and b't="e"' in data:
        for place, text in _ERROR.findall(data):
            yield _position(place), text.decode("utf-8", "replace").strip()
    for formula in _NO_RESULT.finditer(data):
        start = data.rfind(b"<c ", 0, formula.start())
        place = _PLACE.match(data, start)
        if place is not None and not _TEXT.match(data, start, formula.start()):
            yield _position(place[1]), NEVER_CALCULATED


def with_known_errors(parts: Mapping[str, bytes], sheets: Iterable[str]) -> bytes | None:
    """
    The package of *parts* with errors that the reading library does not know as #N/A; None if *sheets* hold none.

    What those cells really hold is told by `unread_cells`.
    """
    known = {part: _STRANGE_ERROR.sub(rb"\1#N/A", parts[part]) for part in sheets}
    if all(data == parts[part] for part, data in known.items()):
        return None
    out = BytesIO()
    with ZipFile(out, "w") as package:
        for name, data in {**parts, **known}.items():
            package.writestr(name, data)
    return out.getvalue()


def _parsed(data: bytes) -> Iterator[tuple[Position, str]]:
    tree = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True))
    row = column = 0
    for line in tree.iterfind("{*}sheetData/{*}row"):
        row, column = int(line.get("r") or row + 1), 0
        for cell in line.iterfind("{*}c"):
            place = cell.get("r")
            column = _position(place.encode())[1] + 1 if place else column + 1
            value = cell.findtext("{*}v") or ""
            text = value.strip()
            if text != value and cell.get("t") != "str":
                # Readers take " 5 " for number 5, for text number 5, or for nothing.
                raise unsafe(f"单元格 {place} 的值里有空白", f"the value of cell {place} is spelled with white space")
            if cell.get("t") == "e":
                yield (row - 1, column - 1), text or NEVER_CALCULATED
            elif cell.find("{*}f") is not None and not text and cell.get("t") != "str":
                yield (row - 1, column - 1), NEVER_CALCULATED


def _position(place: bytes) -> Position:
    letters = place.rstrip(b"0123456789")
    return int(place[len(letters) :]) - 1, column_number(letters) - 1
