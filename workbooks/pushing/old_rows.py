"""A worksheet part read past its table: the rows that will be replaced are left out while it streams by."""

import re
from collections.abc import Callable, Iterator

from workbooks.ooxml.areas import Area
from workbooks.ooxml.letters import column_letters
from workbooks.ooxml.sheet_xml import normal, strange
from workbooks.pushing.columns import Tags

_DATA = re.compile(rb"<((?:[\w.-]+:)?)sheetData\s*(/?)>")
_ROOM = 256 << 10  # a row is passed over when so much stands behind its beginning, or nothing more comes
_OPENING = 64  # bytes; <x:row r="1048576" is shorter


class _Strange(Exception):
    """Comments, CDATA or another encoding: what looks like a row may be none."""


def shortened(pieces: Callable[[], Iterator[bytes]], body: Area) -> bytes:
    """
    The worksheet part that *pieces* reads, without the rows of *body* but the first.

    A row that holds anything left or right of *body* stays, and so does everything from a
    row on that is not written in the usual way.
    """
    try:
        return _Reader(pieces(), body).kept()
    except _Strange:
        return _Reader(iter([normal(b"".join(pieces()))]), body).kept()


class _Reader:
    """A stretch of the part at a time; *position* is how far it has been dealt with."""

    def __init__(self, pieces: Iterator[bytes], body: Area) -> None:
        self._pieces, self._body = pieces, body
        self._letters = frozenset(column_letters(number).encode() for number in range(body.left, body.right + 1))
        self._kept: list[bytes] = []
        self._buffer, self._position, self._ended = next(pieces, b""), 0, False
        if strange(self._buffer, start=True):
            raise _Strange

    def kept(self) -> bytes:
        data = _DATA.search(self._buffer)
        while data is None and self._read_on():
            data = _DATA.search(self._buffer)
        if data is not None and not data[2]:
            self._keep_to(data.end())
            self._prepare(Tags(data[1]))
            if self._keep_rows_above():
                self._leave_rows_out()
        self._keep_to(len(self._buffer))
        while self._read_on():
            self._keep_to(len(self._buffer))
        return b"".join(self._kept)

    def _prepare(self, tags: Tags) -> None:
        cell = tags.open("c") + b' r="'
        self._opening = re.compile(rb"\s*" + tags.open("row") + rb' r="(\d+)"')
        self._usual = re.compile(self._opening.pattern + rb"[^>]*>\s*" + cell + rb"([A-Z]+)")
        self._last_cell = re.compile(cell + rb"([A-Z]+)")
        self._any_cell, self._closing = tags.open("c"), tags.close("row")

    def _read_on(self) -> bool:
        """Forget what was dealt with and read the next piece behind the rest; False at the end."""
        piece = b"" if self._ended else next(self._pieces, b"")
        if strange(self._buffer[-1:] + piece):
            raise _Strange
        self._buffer = self._buffer[self._position :] + piece
        self._position, self._ended = 0, not piece
        return not self._ended

    def _keep_to(self, position: int) -> None:
        self._kept.append(self._buffer[self._position : position])
        self._position = position

    def _keep_rows_above(self) -> bool:
        """Keep all down to the first row of the body; whether anything comes below it."""
        while True:
            for row in self._opening.finditer(self._buffer, self._position):
                if int(row[1]) > self._body.top:
                    self._keep_to(row.start())
                    return True
            self._keep_to(max(self._position, len(self._buffer) - _OPENING))
            if not self._read_on():
                return False

    def _leave_rows_out(self) -> None:
        """Keep of the body's other rows those that hold something beside it; stop where it ends."""
        while True:
            enough = len(self._buffer) - (0 if self._ended else _ROOM)
            self._pass_over(enough)
            if self._position >= enough and not self._ended:
                self._read_on()
                continue
            end = self._end_of_row()
            if end is None:
                return
            if self._buffer[end - 2 : end] == b"/>":
                self._position = end
            else:
                self._keep_to(end)

    def _pass_over(self, enough: int) -> None:
        """
        Pass over rows with cells in the body's columns only, as far as byte *enough*.

        The first and the last cell of a row say so for all of it.
        """
        content, closing, position, letters = self._buffer, self._closing, self._position, self._letters
        usual, last_cell, after, leap = self._usual.match, self._last_cell.match, len(self._closing), 0
        row = usual(content, position)
        number = int(row[1]) if row else 0
        while row and row[2] in letters and number <= self._body.bottom and position < enough:
            # A row is about as long as the one before. A leap too far shows in the number of the row after it.
            stop = content.find(closing, position + leap)
            following = usual(content, stop + after)
            number += 1
            if following is None or int(following[1]) != number:
                stop = content.find(closing, position)
                following = usual(content, stop + after)
                number = int(following[1]) if following else 0
            last = last_cell(content, content.rfind(self._any_cell, position, stop))
            if stop < 0 or last is None or last[1] not in letters:
                break
            leap = (stop - position) * 7 // 8
            position, row = stop + after, following
        self._position = position

    def _end_of_row(self) -> int | None:
        """Where the row that begins here ends; None if it lies below the body or gives no number."""
        while True:
            row = self._opening.match(self._buffer, self._position)
            if row and int(row[1]) > self._body.bottom:
                return None
            end = self._buffer.find(b">", row.end()) + 1 if row else 0
            if end and self._buffer[end - 2] != ord("/"):
                end = self._buffer.find(self._closing, end)
                end += len(self._closing) if end >= 0 else 1
            if end:
                return end
            if not self._read_on():
                return None
