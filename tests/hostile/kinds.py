"""What a hostile file is, and the usual ways to make one out of the small workbook."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from tests.archives import MAIN, SHEET, XML, Member, book, repeated, sheet

READ = "read"  # the answer W001 is read as if nothing were odd
ODD = "odd"  # it is read, but its cells are not those of the good workbook

HEAD = f'{XML}<worksheet xmlns="{MAIN}"><sheetData>'
TAIL = "</sheetData></worksheet>"
ANSWER = '<row r="2"><c r="A2" t="s"><v>1</v></c></row>'
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@dataclass(frozen=True, slots=True)
class Hostile:
    """
    One file: what it tries, what must come of it (a finding's slug, READ or ODD), its bytes when asked for.

    *guarded* is the slug from the guard alone, which opens no compound file, where it is another one.
    """

    name: str
    outcome: str
    content: Callable[[], bytes]
    guarded: str = ""


@cache
def good() -> bytes:
    """The small workbook as it should be."""
    return book()


def changed(part: str, content: str | bytes | Member) -> Callable[[], bytes]:
    return lambda: book({part: content})


def rows(cells: str, *, before: str = "", after: str = "") -> Callable[[], bytes]:
    return lambda: book({SHEET: sheet(cells, before=before, after=after)})


def behind_the_cells(after: str) -> Callable[[], bytes]:
    return lambda: book({SHEET: sheet(after=after)})


def inflating(part: str, head: str, unit: str, count: int, tail: str) -> Callable[[], bytes]:
    return lambda: book({part: repeated(part, head, unit, count, tail)})
