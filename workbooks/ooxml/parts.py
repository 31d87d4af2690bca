"""A ZIP archive as parts by name: some replaced, every other one copied byte for byte."""

import struct
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from typing import cast

from isal import isal_zlib

_STORED, _DEFLATED = 0, 8
_ENCRYPTED, _UTF8 = 0x1, 0x800
# Extra field with the sizes that do not fit 32 bits, or that the writer put there anyway (POI's streaming does).
_ZIP64 = 0x0001
_FULL = 0xFFFFFFFF
_BROKEN = cast("type[Exception]", isal_zlib.error)  # its stub calls it an instance


class PackageError(Exception):
    """The bytes are not a ZIP archive this module can read; `guard.inspect` says so more kindly."""


@dataclass(slots=True)
class _Entry:
    """One entry of the central directory: its raw bytes, and where its local record stands."""

    name: str
    header: bytes  # central directory record as stored
    flags: int
    method: int
    crc: int
    compressed: int
    size: int
    offset: int
    offset_at: tuple[int, str]  # where in *header* the offset stands, and its struct format
    data: int = 0  # first compressed byte
    end: int = 0  # first byte after the local record, data descriptor included


@dataclass(frozen=True, slots=True)
class Deflated:
    """The contents of a part, compressed already."""

    packed: bytes
    crc: int
    size: int


class Deflation:
    """
    A part that is compressed while it is still being written.

    A thread does it beside the writer, so that a second core takes a third of the work off
    a large push and the whole part never stands in memory.
    """

    def __init__(self) -> None:
        # Level 1 of isal: a tenth of zlib's time for a file about as large.
        self._stream = isal_zlib.compressobj(1, wbits=-15)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="deflate")
        self._packed: list[Future[bytes]] = []
        self._crc = self._size = 0

    def write(self, piece: bytes) -> None:
        self._packed.append(self._thread.submit(self._compress, piece))

    def finish(self) -> Deflated:
        """Everything written; nothing more can be."""
        self._packed.append(self._thread.submit(self._stream.flush))
        packed = b"".join([piece.result() for piece in self._packed])
        self._thread.shutdown()
        return Deflated(packed, self._crc, self._size)

    def _compress(self, piece: bytes) -> bytes:
        self._crc = isal_zlib.crc32(piece, self._crc)
        self._size += len(piece)
        packed: bytes = self._stream.compress(piece)
        return packed


class Parts:
    """
    The parts of a ZIP archive by name, to be read, replaced, added and removed.

    `save` copies every untouched entry with its compressed bytes, in its old order, so
    that what nobody changed is the same to the bit. Part names match whatever their case,
    as the package format asks.
    """

    def __init__(self, content: bytes) -> None:
        """
        Raises:
            PackageError: *content* has no readable central directory, or its entries are
                ambiguous: the same name twice, overlapping, not where the directory says.
        """
        self._content = content
        self._entries: dict[str, _Entry] = {}
        for entry in _directory(content):
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
            return _inflated(name, content.packed, content.size) if isinstance(content, Deflated) else content
        return self._inflate(self._entries[key])

    def _inflate(self, entry: _Entry) -> bytes:
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

    def _holds(self, entry: _Entry, content: bytes | Deflated) -> bool:
        if isinstance(content, Deflated):
            alike = (entry.size, entry.crc) == (content.size, content.crc)
            return alike and self._inflate(entry) == _inflated(entry.name, content.packed, content.size)
        alike = entry.size == len(content) and entry.crc == isal_zlib.crc32(content)
        return alike and self._inflate(entry) == content

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
        directory: list[bytes] = []
        for key, entry in self._entries.items():
            if key not in self._changed:
                at, form = entry.offset_at
                moved = struct.pack(form, out.tell())
                out.write(memoryview(self._content)[entry.offset : entry.end])
                directory.append(entry.header[:at] + moved + entry.header[at + len(moved) :])
            elif (content := self._changed[key]) is not None:
                directory.append(_write(out, entry.name, content))
        for key, name in self._added.items():
            if (content := self._changed[key]) is not None:
                directory.append(_write(out, name, content))
        start = out.tell()
        for header in directory:
            out.write(header)
        size = out.tell() - start
        out.write(struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, len(directory), len(directory), size, start, 0))
        return out.getvalue()


def _directory(content: bytes) -> list[_Entry]:
    """The entries in the order of the directory, each with the bounds of its local record."""
    count, start, limit = _end_of_directory(content)
    entries: list[_Entry] = []
    position = start
    for _ in range(count):
        if content[position : position + 4] != b"PK\x01\x02" or position + 46 > limit:
            raise PackageError("central directory is damaged")
        entry = _entry(content, position)
        position += len(entry.header)
        if position > limit:
            raise PackageError("central directory is damaged")
        entries.append(entry)
    in_file_order = sorted(entries, key=lambda entry: entry.offset)
    for entry, following in pairwise(in_file_order):
        entry.end = following.offset
    if in_file_order:
        in_file_order[-1].end = start
    for entry in in_file_order:
        _find_data(content, entry)
    return entries


def _end_of_directory(content: bytes) -> tuple[int, int, int]:
    """(number of entries, offset of the directory, first byte after it)."""
    end = content.rfind(b"PK\x05\x06", max(0, len(content) - 65_557))
    if end < 0 or len(content) < end + 22:
        raise PackageError("no end of central directory")
    count, size, start = struct.unpack_from("<HII", content, end + 10)
    if (count == 0xFFFF or _FULL in (size, start)) and content[max(0, end - 20) : end - 16] == b"PK\x06\x07":
        record = struct.unpack_from("<Q", content, end - 12)[0]
        if content[record : record + 4] != b"PK\x06\x06" or record + 56 > end:
            raise PackageError("no end of central directory")
        count, size, start = struct.unpack_from("<QQQ", content, record + 32)
    if start + size > end:
        raise PackageError("central directory lies outside the file")
    return count, start, start + size


def _entry(content: bytes, position: int) -> _Entry:
    flags, method = struct.unpack_from("<HH", content, position + 8)
    crc, compressed, size, name_length, extra_length, comment = struct.unpack_from("<IIIHHH", content, position + 16)
    offset = struct.unpack_from("<I", content, position + 42)[0]
    header = content[position : position + 46 + name_length + extra_length + comment]
    name = _name(header[46 : 46 + name_length], flags)
    offset_at = (42, "<I")
    at, end = 46 + name_length, 46 + name_length + extra_length
    while at + 4 <= end <= len(header):
        kind, length = struct.unpack_from("<HH", header, at)
        if kind == _ZIP64:
            # It holds, in this order, only those of the three that are full above.
            place = at + 4
            needed = 8 * [size, compressed, offset].count(_FULL)
            if needed > length or place + needed > len(header):
                raise PackageError("central directory is damaged")
            if size == _FULL:
                size, place = struct.unpack_from("<Q", header, place)[0], place + 8
            if compressed == _FULL:
                compressed, place = struct.unpack_from("<Q", header, place)[0], place + 8
            if offset == _FULL:
                offset, offset_at = struct.unpack_from("<Q", header, place)[0], (place, "<Q")
        at += 4 + length
    return _Entry(name, header, flags, method, crc, compressed, size, offset, offset_at)


def _name(raw: bytes, flags: int) -> str:
    try:
        # Some writers put UTF-8 without saying so; part names are ASCII, so cp437 is only a way to keep odd ones apart.
        name = raw.decode("utf-8" if flags & _UTF8 else "cp437")
    except UnicodeDecodeError as error:
        raise PackageError("a name in the archive is not UTF-8") from error
    # Early .NET wrote backslashes; Excel reads them.
    return name.replace("\\", "/")


def _find_data(content: bytes, entry: _Entry) -> None:
    """Set where the compressed bytes begin, once the local record is where the directory says and overlaps nothing."""
    if content[entry.offset : entry.offset + 4] != b"PK\x03\x04" or entry.offset + 30 > entry.end:
        raise PackageError(f"{entry.name} is not where the directory says")
    name_length, extra = struct.unpack_from("<HH", content, entry.offset + 26)
    local = content[entry.offset + 30 : entry.offset + 30 + name_length]
    central_length = struct.unpack_from("<H", entry.header, 28)[0]
    if local != entry.header[46 : 46 + central_length]:
        raise PackageError(f"{entry.name} has another name in its own record")
    entry.data = entry.offset + 30 + int(name_length) + int(extra)
    if entry.data + entry.compressed > entry.end:
        raise PackageError(f"{entry.name} overlaps what follows it")


def _inflated(name: str, raw: bytes, size: int) -> bytes:
    """The first *size* inflated bytes, and one more if there are more."""
    try:
        plain: bytes = isal_zlib.decompressobj(wbits=-15).decompress(raw, size + 1)
    except _BROKEN as error:
        raise PackageError(f"{name}: {error}") from error
    return plain


def _write(out: BytesIO, name: str, content: bytes | Deflated) -> bytes:
    """Append the local record of one part to *out*; its central directory record."""
    if not isinstance(content, Deflated):
        packed = isal_zlib.compress(content, 1, wbits=-15)
        content = Deflated(packed, isal_zlib.crc32(content), len(content))
    encoded = name.encode()
    flags = 0 if name.isascii() else _UTF8
    sizes = (content.crc, len(content.packed), content.size, len(encoded))
    common = struct.pack("<HHHHHIIIHH", 20, flags, _DEFLATED, 0, 0x21, *sizes, 0)
    offset = out.tell()
    out.write(b"PK\x03\x04" + common + encoded)
    out.write(content.packed)
    return b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, offset) + encoded
