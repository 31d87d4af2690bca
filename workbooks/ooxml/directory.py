"""The central directory of a ZIP archive: every entry with the bounds of its local record."""

import io
import struct
import threading
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

_UTF8 = 0x800
# Extra field with the sizes that do not fit 32 bits, or that the writer put there anyway (POI's streaming does).
_ZIP64 = 0x0001
_FULL = 0xFFFFFFFF
_END_AT_MOST = 65_557  # the record at the end, with the longest comment


class PackageError(Exception):
    """The bytes are not a ZIP archive this module can read; `guard.inspect` says so more kindly."""


class FileContent:
    """The bytes of a file, read when they are asked for, in any thread; open until `close`."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._lock = threading.Lock()
        self._size = self._file.seek(0, io.SEEK_END)

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> bytes:
        start, stop, _ = part.indices(self._size)
        with self._lock:
            self._file.seek(start)
            return self._file.read(max(0, stop - start))

    def close(self) -> None:
        self._file.close()


@dataclass(slots=True)
class Entry:
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


def directory(content: bytes | FileContent) -> list[Entry]:
    """The entries in the order of the directory, each with the bounds of its local record."""
    count, start, limit = _end_of_directory(content)
    records = content[start:limit]
    entries: list[Entry] = []
    position = 0
    for _ in range(count):
        if records[position : position + 4] != b"PK\x01\x02" or position + 46 > len(records):
            raise PackageError("central directory is damaged")
        entry = _entry(records, position)
        position += len(entry.header)
        if position > len(records):
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


def _end_of_directory(content: bytes | FileContent) -> tuple[int, int, int]:
    """(number of entries, offset of the directory, first byte after it)."""
    before = max(0, len(content) - _END_AT_MOST)
    end = content[before : len(content)].rfind(b"PK\x05\x06")
    if end < 0 or len(content) < before + end + 22:
        raise PackageError("no end of central directory")
    end += before
    count, size, start = struct.unpack("<HII", content[end + 10 : end + 20])
    if (count == 0xFFFF or _FULL in (size, start)) and content[max(0, end - 20) : end - 16] == b"PK\x06\x07":
        record = struct.unpack("<Q", content[end - 12 : end - 4])[0]
        if record + 56 > end or content[record : record + 4] != b"PK\x06\x06":
            raise PackageError("no end of central directory")
        count, size, start = struct.unpack("<QQQ", content[record + 32 : record + 56])
    if start + size > end:
        raise PackageError("central directory lies outside the file")
    return count, start, start + size


def _entry(content: bytes, position: int) -> Entry:
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
    return Entry(name, header, flags, method, crc, compressed, size, offset, offset_at)


def _name(raw: bytes, flags: int) -> str:
    try:
        # Some writers put UTF-8 without saying so; part names are ASCII, so cp437 is only a way to keep odd ones apart.
        name = raw.decode("utf-8" if flags & _UTF8 else "cp437")
    except UnicodeDecodeError as error:
        raise PackageError("a name in the archive is not UTF-8") from error
    # Early .NET wrote backslashes; Excel reads them.
    return name.replace("\\", "/")


def _find_data(content: bytes | FileContent, entry: Entry) -> None:
    """Set where the compressed bytes begin, once the local record is where the directory says and overlaps nothing."""
    opening = content[entry.offset : entry.offset + 30]
    if opening[:4] != b"PK\x03\x04" or entry.offset + 30 > entry.end:
        raise PackageError(f"{entry.name} is not where the directory says")
    name_length, extra = struct.unpack_from("<HH", opening, 26)
    local = content[entry.offset + 30 : entry.offset + 30 + name_length]
    central_length = struct.unpack_from("<H", entry.header, 28)[0]
    if local != entry.header[46 : 46 + central_length]:
        raise PackageError(f"{entry.name} has another name in its own record")
    entry.data = entry.offset + 30 + int(name_length) + int(extra)
    if entry.data + entry.compressed > entry.end:
        raise PackageError(f"{entry.name} overlaps what follows it")
