"""A compound file ([MS-CFB], version 3) with one storage and some streams; the same contents give the same bytes."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

SECTOR, MINI_SECTOR, CUTOFF = 512, 64, 4096
_FREE, _END, _FAT, _NONE = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF
_STORAGE, _STREAM, _ROOT = 1, 2, 5
_RED, _BLACK = 0, 1
_PER_SECTOR = SECTOR // 4
_IN_HEADER = 109  # sectors of the allocation table that the header can name: 7 MB


class CompoundError(ValueError):
    """The contents do not fit into the small compound file written here."""


@dataclass(slots=True)
class _Entry:
    """One line of the directory; *inside* holds the entries of a storage."""

    name: str
    kind: int
    content: bytes = b""
    inside: list["_Entry"] = field(default_factory=list)
    start: int = 0
    colour: int = _BLACK
    left: int = _NONE
    right: int = _NONE
    child: int = _NONE

    @property
    def order(self) -> tuple[int, str]:
        return len(self.name.encode("utf-16-le")), self.name.upper()


def compound_file(streams: Mapping[str, bytes]) -> bytes:
    """
    The file that holds *streams*; a name such as "VBA/dir" puts one into a storage.

    Raises:
        CompoundError: A name is longer than 31 characters, or the whole larger than 7 MB.
    """
    root = _Entry("Root Entry", _ROOT)
    for path, content in streams.items():
        holder = root
        *folders, name = path.split("/")
        for folder in folders:
            found = next((entry for entry in holder.inside if entry.name == folder), None)
            if found is None:
                found = _Entry(folder, _STORAGE)
                holder.inside.append(found)
            holder = found
        holder.inside.append(_Entry(name, _STREAM, content))
    return _Writer(root).file()


class _Writer:
    def __init__(self, root: _Entry) -> None:
        self._entries: list[_Entry] = []
        self._sectors: list[bytes] = []
        self._table: list[int] = []  # the allocation table: per sector the one that follows
        self._collect(root)

    def file(self) -> bytes:
        root, mini, mini_table = self._entries[0], bytearray(), list[int]()
        for entry in self._entries:
            if entry.kind != _STREAM:
                continue
            if len(entry.content) >= CUTOFF:
                entry.start = self._add(entry.content)
            elif entry.content:
                entry.start = len(mini) // MINI_SECTOR
                count = -(-len(entry.content) // MINI_SECTOR)
                mini_table += [*range(entry.start + 1, entry.start + count), _END]
                mini += entry.content.ljust(count * MINI_SECTOR, b"\0")
            else:
                entry.start = _END
        root.content, root.start = bytes(mini), self._add(bytes(mini))
        first_mini = self._add(_numbers(mini_table))
        directory = b"".join(map(_line, self._entries))
        directory += _line(_Entry("", 0, colour=_RED)) * (-len(self._entries) % (SECTOR // 128))
        first_line = self._add(directory)
        return self._header(first_line, first_mini, -(-len(mini_table) // _PER_SECTOR)) + b"".join(self._sectors)

    def _collect(self, entry: _Entry) -> int:
        """Number the entries, and make the search tree of each storage."""
        if len(entry.name) > 31:
            raise CompoundError(f"{entry.name!r} is longer than 31 characters")
        number = len(self._entries)
        self._entries.append(entry)
        numbers = {id(inner): self._collect(inner) for inner in entry.inside}
        ordered = sorted(entry.inside, key=lambda inner: inner.order)
        entry.child = _tree(ordered, numbers, 0, len(ordered).bit_length() - 1)
        return number

    def _add(self, content: bytes) -> int:
        """Append *content* as a chain of sectors; its first one."""
        count = -(-len(content) // SECTOR)
        if not count:
            return _END
        start = len(self._sectors)
        padded = content.ljust(count * SECTOR, b"\0")
        self._sectors += [padded[at : at + SECTOR] for at in range(0, len(padded), SECTOR)]
        self._table += [*range(start + 1, start + count), _END]
        return start

    def _header(self, first_line: int, first_mini: int, mini_sectors: int) -> bytes:
        used, count = len(self._table), 1
        while used + count > count * _PER_SECTOR:
            count += 1
        if count > _IN_HEADER:
            raise CompoundError(f"{used} sectors")
        table = self._table + [_FAT] * count
        self._sectors += [_numbers(table[at : at + _PER_SECTOR]) for at in range(0, count * _PER_SECTOR, _PER_SECTOR)]
        head = struct.pack(
            "<8s16xHHHHH6xIIIIIIIIII",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            0x3E, 3, 0xFFFE, 9, 6,  # version 3.62, little-endian, sectors of 2^9 and 2^6 bytes
            0, count, first_line, 0, CUTOFF, first_mini, mini_sectors, _END, 0, used,
        )  # fmt: skip
        named = [*range(used, used + count)]
        return head + struct.pack(f"<{_IN_HEADER - 1}I", *named[1:], *[_FREE] * (_IN_HEADER - len(named)))


def _tree(ordered: list[_Entry], numbers: Mapping[int, int], depth: int, last: int) -> int:
    """A balanced tree of *ordered*; only its deepest, incomplete row is red, so every way down is as black."""
    if not ordered:
        return _NONE
    middle = len(ordered) // 2
    entry = ordered[middle]
    entry.colour = _RED if depth and depth == last else _BLACK
    entry.left = _tree(ordered[:middle], numbers, depth + 1, last)
    entry.right = _tree(ordered[middle + 1 :], numbers, depth + 1, last)
    return numbers[id(entry)]


def _numbers(values: list[int]) -> bytes:
    """Sectors of 32-bit numbers, filled up with "free"."""
    padded = values + [_FREE] * (-len(values) % _PER_SECTOR)
    return struct.pack(f"<{len(padded)}I", *padded)


def _line(entry: _Entry) -> bytes:
    name = (entry.name + "\0").encode("utf-16-le") if entry.name else b""
    return struct.pack(
        "<64sHBBIII16xI16xIQ",
        name, len(name), entry.kind, entry.colour, entry.left, entry.right, entry.child, 0,
        entry.start, len(entry.content),
    )  # fmt: skip
