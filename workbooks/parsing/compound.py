"""A compound (OLE) file read strictly: every chain of sectors is followed once, and proved to end."""

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from workbooks.refusal import Limits, Refused, damaged, too_large

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# version, byte order, sector sizes; table sectors, directory, cutoff, small table, first and count of what lists more
_HEADER = struct.Struct("<26xHHHH10xII4xII4xII")
_ENTRY = struct.Struct("<64sHBBIII16xI16xIQ")
_END, _FREE = 0xFFFFFFFE, 0xFFFFFFFF
_STORAGE, _STREAM, _ROOT = 1, 2, 5
_IN_HEADER = 109  # numbers of table sectors that the header itself holds


@dataclass(frozen=True, slots=True)
class Entry:
    """One storage or stream of the directory."""

    name: str
    kind: int
    left: int
    right: int
    child: int
    start: int
    size: int


class Compound:
    """
    The streams of a compound file (MS-CFB).

    Opening it has followed the allocation table, the directory and the small sectors, so
    that a library which reads the same file afterwards meets no circle and no absurd
    claim. *streams* are those beside the root, by name; *storages* all storages at any depth.
    """

    def __init__(self, content: bytes, limits: Limits) -> None:
        """
        Raises:
            Refused: The file is damaged, contradicts itself or is too large.
        """
        self._content, self._limits = content, limits
        shift, tables, directory, self._cutoff, small, more, more_count = self._header()
        self._size = 1 << shift
        # What stands behind the header, which fills one sector; the last may be cut short.
        self._sectors = -(-len(content) // self._size) - 1
        self._table = self._allocation(tables, more, more_count)
        self._small_table = array("I", self._joined(small)) if small != _END else array("I")
        entries = list(self._entries(directory))
        if not entries or entries[0].kind != _ROOT:
            raise self._damaged()
        root = entries[0]
        self._small = self._joined(root.start)[: root.size] if root.start not in (_END, _FREE) else b""
        self.storages = frozenset(entry.name for entry in entries if entry.kind == _STORAGE)
        self.streams: dict[str, Entry] = {}
        for entry in self._beside_root(entries):
            if entry.kind == _STREAM:
                if entry.name.lower() in {name.lower() for name in self.streams}:
                    raise self._damaged()
                self.streams[entry.name] = entry

    def read(self, name: str) -> bytes:
        """
        The bytes of stream *name*.

        Raises:
            KeyError: There is no such stream.
            Refused: It is larger than a part may be, or larger than its sectors.
        """
        entry = self.streams[name]
        if entry.size > self._limits.part:
            raise too_large(f"“{name}”有 {entry.size >> 20} MB", f"“{name}” has {entry.size >> 20} MB")
        if not entry.size:
            return b""
        data = self._joined_small(entry.start) if entry.size < self._cutoff else self._joined(entry.start)
        if len(data) < entry.size:
            raise self._damaged()
        return data[: entry.size]

    def _header(self) -> tuple[int, ...]:
        if len(self._content) < 1536:
            raise self._damaged()
        major, order, shift, small_shift, *rest = _HEADER.unpack_from(self._content)
        known = (major, shift) in ((3, 9), (4, 12)) and (order, small_shift, rest[2]) == (0xFFFE, 6, 4096)
        if not known:
            raise self._damaged()
        return shift, *rest

    def _allocation(self, count: int, more: int, more_count: int) -> "array[int]":
        """The allocation table: which sector follows which."""
        per_sector = self._size // 4
        if count > self._sectors or more_count > self._sectors or count * per_sector > 4 * len(self._content):
            raise self._damaged()
        numbers = list(struct.unpack_from(f"<{_IN_HEADER}I", self._content, 76))
        for _ in range(more_count):
            listed = struct.unpack(f"<{per_sector}I", self._sector(more))
            numbers += listed[:-1]
            more = listed[-1]
        numbers = [number for number in numbers if number not in (_END, _FREE)]
        if len(numbers) != count or len(set(numbers)) != count:
            raise self._damaged()
        return array("I", b"".join(map(self._sector, numbers)))

    def _sector(self, number: int) -> bytes:
        if number >= self._sectors:
            raise self._damaged()
        start = (number + 1) * self._size
        return self._content[start : start + self._size].ljust(self._size, b"\0")

    def _chain(self, start: int, table: "array[int]", count: int) -> Iterator[int]:
        """The numbers from *start* on; a chain longer than there are sectors runs in a circle."""
        for _ in range(count + 1):
            if start == _END:
                return
            if start >= min(count, len(table)):
                break
            yield start
            start = table[start]
        raise self._damaged()

    def _joined(self, start: int) -> bytes:
        return b"".join(map(self._sector, self._chain(start, self._table, self._sectors)))

    def _joined_small(self, start: int) -> bytes:
        numbers = self._chain(start, self._small_table, len(self._small) // 64 + 1)
        return b"".join(self._small[64 * number : 64 * number + 64] for number in numbers)

    def _entries(self, directory: int) -> Iterator[Entry]:
        data = self._joined(directory)
        count = len(data) // _ENTRY.size
        if count > 4 * self._limits.entries:
            raise too_large(f"有 {count} 个内部部件", f"{count} parts inside")
        for raw, length, kind, _, left, right, child, _, start, size in islice(_ENTRY.iter_unpack(data), count):
            name = raw[: max(0, min(length, 64) - 2)].decode("utf-16-le", "replace")
            # Version 3 files may have anything in the upper half of the size.
            yield Entry(name, kind, left, right, child, start, size & 0xFFFFFFFF if self._size == 512 else size)

    def _beside_root(self, entries: list[Entry]) -> Iterator[Entry]:
        """What lies directly in the file, and not in a storage: the same names may occur there."""
        ahead, seen = [entries[0].child], {_FREE}
        while ahead:
            number = ahead.pop()
            if number in seen:
                continue
            seen.add(number)
            if number >= len(entries):
                raise self._damaged()
            entry = entries[number]
            yield entry
            ahead += [entry.left, entry.right]

    def _damaged(self) -> Refused:
        return damaged(self._content)
