"""The pictures of an .xls, from the drawing records in it (MS-ODRAW)."""

import struct
from collections.abc import Iterator

from workbooks.filled import Cell
from workbooks.parsing.biff import OldBook
from workbooks.parsing.floating import Floating, Rect

_HEAD = struct.Struct("<HHI")
_STORE, _ENTRY = 0xF001, 0xF007
_GROUP, _SHAPE, _GROUP_FRAME, _PROPERTIES, _CHILD, _PLACE = 0xF003, 0xF004, 0xF009, 0xF00B, 0xF00F, 0xF010
_ENTRY_HEAD = 36
_METAFILES = {0xF01A: b" EMF", 0xF01B: b"\xd7\xcd\xc6\x9a", 0xF01C: b"PICT"}
_BITMAPS = (0xF01D, 0xF01E, 0xF01F, 0xF029, 0xF02A)
_BARE_BITMAP = 0xF01F
_PICTURE = 0x0104  # the property that says which picture a shape shows
_COLUMN_UNITS, _ROW_UNITS = 1024, 256  # into which an anchor divides a cell
_DEEPEST = 12
_MOST = 500


class OldAlbum:
    """The pictures of an .xls by their number; what is damaged is left out."""

    def __init__(self, book: OldBook) -> None:
        self._book = book
        self._pictures = {str(number): content for number, content in enumerate(_stored(book.blips), start=1)}

    def floating(self, title: str) -> Iterator[Floating]:
        for rect, number in _shapes(self._book.drawings.get(title, b""), None, None, _DEEPEST):
            if str(number) in self._pictures:
                yield Floating(rect, str(number))

    def in_cell(self, cell: Cell) -> Iterator[str]:
        return iter(())

    def size(self, key: str) -> int | None:
        return len(self._pictures[key]) if key in self._pictures else None

    def read(self, key: str) -> bytes:
        return self._pictures[key]


def _records(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(instance, kind, contents) of the records in *data*, up to the first that does not fit."""
    at = 0
    while at + _HEAD.size <= len(data):
        flags, kind, length = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        if length > len(data) - at:
            return
        yield flags >> 4, kind, data[at : at + length]
        at += length


def _stored(data: bytes) -> Iterator[bytes]:
    """The contents of every picture in the order in which shapes count them; empty where there is none."""
    for _, _, group in _records(data):
        for _, kind, store in _records(group):
            if kind == _STORE:
                entries = [body for _, kind, body in _records(store) if kind == _ENTRY]
                yield from map(_content, entries[:_MOST])


def _content(entry: bytes) -> bytes:
    name = entry[33] if len(entry) > _ENTRY_HEAD else 0
    for instance, kind, body in _records(entry[_ENTRY_HEAD + name :]):
        if kind in _METAFILES:
            # Packed, and of no use to a browser: its beginning is enough to say what it is.
            return _METAFILES[kind].rjust(44, b"\0") if kind == 0xF01A else _METAFILES[kind]
        if kind in _BITMAPS:
            content = body[(32 if instance & 1 else 16) + 1 :]
            return _whole_bitmap(content) if kind == _BARE_BITMAP else content
    return b""


def _whole_bitmap(content: bytes) -> bytes:
    """A bitmap with the file header it is stored without."""
    if len(content) < 40:
        return b""
    (head,), (bits,) = struct.unpack_from("<I", content), struct.unpack_from("<H", content, 14)
    (used,) = struct.unpack_from("<I", content, 32)
    colours = used or (1 << bits if bits <= 8 else 0)
    return struct.pack("<2sIII", b"BM", 14 + len(content), 0, 14 + head + 4 * min(colours, 256)) + content


def _shapes(
    data: bytes, rect: Rect | None, frame: tuple[int, int, int, int] | None, deep: int
) -> Iterator[tuple[Rect, int]]:
    """Where each shape with a picture lies, and the picture's number; members of a group lie within *rect*."""
    for _, kind, body in _records(data):
        if kind == _SHAPE:
            yield from _shape(body, rect, frame)
        elif kind == _GROUP and deep:
            # The first shape of a group is the group itself.
            first = next((inner for _, kind, inner in _records(body) if kind == _SHAPE), b"")
            own = {kind: inner for _, kind, inner in _records(first)}
            outer = _lies(own, rect, frame)
            inside = own.get(_GROUP_FRAME, b"")
            measure = struct.unpack("<4i", inside) if len(inside) == 16 and outer is not None else None
            yield from _shapes(body, outer, measure, deep - 1)
        elif kind == 0xF002 and deep:
            yield from _shapes(body, None, None, deep - 1)


def _shape(body: bytes, rect: Rect | None, frame: tuple[int, int, int, int] | None) -> Iterator[tuple[Rect, int]]:
    parts = {kind: (instance, inner) for instance, kind, inner in _records(body)}
    count, properties = parts.get(_PROPERTIES, (0, b""))
    lies = _lies({kind: inner for kind, (_, inner) in parts.items()}, rect, frame)
    for name, value in struct.iter_unpack("<HI", properties[: 6 * count] if len(properties) >= 6 * count else b""):
        if name & 0x3FFF == _PICTURE and lies is not None:
            yield lies, value


def _lies(parts: dict[int, bytes], rect: Rect | None, frame: tuple[int, int, int, int] | None) -> Rect | None:
    """The cells a shape covers, by its own place or by that within its group."""
    place, child = parts.get(_PLACE, b""), parts.get(_CHILD, b"")
    if len(place) >= 18:
        left, dx, top, dy, right, dx2, bottom, dy2 = struct.unpack_from("<8H", place, 2)
        return Rect(
            left + dx / _COLUMN_UNITS, top + dy / _ROW_UNITS, right + dx2 / _COLUMN_UNITS, bottom + dy2 / _ROW_UNITS
        )
    if len(child) == 16 and rect is not None and frame is not None:
        wide, high = max(1, frame[2] - frame[0]), max(1, frame[3] - frame[1])
        left, top, right, bottom = struct.unpack("<4i", child)
        across, down = (rect.right - rect.left) / wide, (rect.bottom - rect.top) / high
        return Rect(
            rect.left + (left - frame[0]) * across,
            rect.top + (top - frame[1]) * down,
            rect.left + (right - frame[0]) * across,
            rect.top + (bottom - frame[1]) * down,
        )
    return None
