"""A ZIP archive as parts by name: some replaced, every other one copied byte for byte."""

import struct
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

from isal import isal_zlib

from workbooks.ooxml.deflation import BROKEN, Deflated, alike, inflated
from workbooks.ooxml.directory import Entry, FileContent, PackageError, directory

_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 0x1, 0x800
_LARGEST = 0xFFFFFFFF  # sizes are written in 32 bits
_PIECE = 1 << 20


class Parts:
    """
    The parts of a ZIP archive by name, to be read, replaced, added and removed.

    `save` copies every untouched entry with its compressed bytes, in its old order, so
    that what nobody changed is the same to the bit. Part names match whatever their case,
    as the package format asks.
    """

    def __init__(self, content: bytes | FileContent) -> None:
        """
        Raises:
            PackageError: *content* has no readable central directory, or its entries are
                ambiguous: the same name twice, overlapping, not where the directory says.
        """
        self._content = content
        self._entries: dict[str, Entry] = {}
        for entry in directory(content):
            if entry.name.lower() in self._entries:
                raise PackageError(f"{entry.name} is in the archive twice")
            self._entries[entry.name.lower()] = entry
        self._changed: dict[str, bytes | Deflated | None] = {}
        self._added: dict[str, str] = {}

    def __contains__(self, name: str) -> bool:
        key = name.lower()
        if key in self._changed:
            return self._changed[key] is not None
        return key in self._entries

    def names(self) -> Iterator[str]:
        """The parts as they would be saved now."""
        yield from (entry.name for key, entry in self._entries.items() if key in self)
        yield from (name for key, name in self._added.items() if key in self)

    @property
    def changed(self) -> frozenset[str]:
        """The parts replaced, added or removed since opening."""
        return frozenset(self._entries[key].name if key in self._entries else self._added[key] for key in self._changed)

    def read(self, name: str) -> bytes:
        """
        The inflated bytes of part *name*.

        Never more than the directory announces, so a limit on the announced sizes holds.

        Raises:
            KeyError: There is no such part.
            PackageError: Its compressed bytes are damaged, encrypted, or of a method no
                workbook uses.
        """
        key = name.lower()
        if key in self._changed:
            content = self._changed[key]
            if content is None:
                raise KeyError(name)
            return b"".join(content.pieces()) if isinstance(content, Deflated) else content
        return self._inflate(self._entries[key])

    def pieces(self, name: str) -> Iterator[bytes]:
        """
        What `read` gives, piece by piece; a large part never stands in memory.

        Raises:
            KeyError: There is no such part.
            PackageError: As `read` does, some pieces later perhaps.
        """
        key = name.lower()
        entry = self._entries.get(key)
        if key in self._changed or entry is None or entry.method != _DEFLATED or entry.flags & _ENCRYPTED:
            yield self.read(name)
            return
        try:
            yield from inflated(self._packed(entry), entry.crc, entry.size)
        except BROKEN as error:
            raise PackageError(f"{name}: {error}") from error

    def _packed(self, entry: Entry) -> Iterator[bytes]:
        end = entry.data + entry.compressed
        for at in range(entry.data, end, _PIECE):
            yield self._content[at : min(end, at + _PIECE)]

    def _inflate(self, entry: Entry) -> bytes:
        raw = self._content[entry.data : entry.data + entry.compressed]
        if entry.flags & _ENCRYPTED:
            raise PackageError(f"{entry.name} is encrypted")
        if entry.method == _STORED:
            plain = raw
        elif entry.method == _DEFLATED:
            plain = _inflated(entry.name, raw, entry.size)
        else:
            raise PackageError(f"{entry.name} is compressed with method {entry.method}")
        if len(plain) != entry.size or isal_zlib.crc32(plain) != entry.crc:
            raise PackageError(f"{entry.name}: the contents are not what the directory says")
        return plain

    def put(self, name: str, content: bytes | Deflated) -> None:
        """Give part *name* (new or old) this content at the next `save`."""
        key = name.lower()
        if key not in self._entries:
            self._added[key] = name
        elif self._holds(self._entries[key], content):
            self._changed.pop(key, None)
            return
        self._changed[key] = content

    def _holds(self, entry: Entry, content: bytes | Deflated) -> bool:
        if isinstance(content, Deflated):
            same = (entry.size, entry.crc) == (content.size, content.crc)
            return same and alike(inflated(self._packed(entry), entry.crc, entry.size), content.pieces())
        same = entry.size == len(content) and entry.crc == isal_zlib.crc32(content)
        return same and self._inflate(entry) == content

    def remove(self, name: str) -> None:
        """Leave part *name* out."""
        key = name.lower()
        if key in self._entries:
            self._changed[key] = None
        else:
            self._changed.pop(key, None)
            self._added.pop(key, None)

    def save(self) -> bytes:
        """The whole archive: old entries in their order, then the new ones."""
        out = BytesIO()
        self.write(out)
        return out.getvalue()

    def write(self, out: BinaryIO) -> None:
        """
        `save` to the file *out*, which is empty.

        Raises:
            PackageError: It would be larger than Excel opens.
        """
        records: list[bytes] = []
        for key, entry in self._entries.items():
            if key not in self._changed:
                at, form = entry.offset_at
                moved = struct.pack(form, _fitting(out.tell()))
                for start in range(entry.offset, entry.end, _PIECE):
                    out.write(self._content[start : min(entry.end, start + _PIECE)])
                records.append(entry.header[:at] + moved + entry.header[at + len(moved) :])
            elif (content := self._changed[key]) is not None:
                records.append(_write(out, entry.name, content))
        for key, name in self._added.items():
            if (content := self._changed[key]) is not None:
                records.append(_write(out, name, content))
        start = _fitting(out.tell())
        for record in records:
            out.write(record)
        size = out.tell() - start
        out.write(struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, len(records), len(records), size, start, 0))


def _inflated(name: str, raw: bytes, size: int) -> bytes:
    """The first *size* inflated bytes, and one more if there are more."""
    try:
        plain: bytes = isal_zlib.decompressobj(wbits=-15).decompress(raw, size + 1)
    except BROKEN as error:
        raise PackageError(f"{name}: {error}") from error
    return plain


def _write(out: BinaryIO, name: str, content: bytes | Deflated) -> bytes:
    """Append the local record of one part to *out*; its central directory record."""
    if not isinstance(content, Deflated):
        content = Deflated.of(content)
    encoded = name.encode()
    flags = 0 if name.isascii() else _UTF8
    sizes = (content.crc, content.length, _fitting(content.size), len(encoded))
    common = struct.pack("<HHHHHIIIHH", 20, flags, _DEFLATED, 0, 0x21, *sizes, 0)
    offset = _fitting(out.tell())
    out.write(b"PK\x03\x04" + common + encoded)
    for piece in content.packed():
        out.write(piece)
    return b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, offset) + encoded


def _fitting(size: int) -> int:
    if size > _LARGEST:
        raise PackageError(f"{size} bytes are more than a workbook may have")
    return size
