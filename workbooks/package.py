"""The .xlsx as a ZIP of parts: some replaced, every other one copied byte for byte."""

import posixpath
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from typing import Self

from isal import isal_zlib
from lxml import etree

SHEET_NS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATION_NS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE_RELATION_NS = "http://schemas.openxmlformats.org/package/2006/relationships"
CONTENT_TYPES = "[Content_Types].xml"
CONTENT_TYPE_NS = "http://schemas.openxmlformats.org/package/2006/content-types"

_STORED, _DEFLATED = 0, 8


class PackageError(Exception):
    """The bytes are not a ZIP archive this module can read; `guard.inspect` says so more kindly."""


@dataclass(slots=True)
class _Entry:
    """One entry of the central directory: its raw bytes, and where its local record stands."""

    name: str
    header: bytes  # central directory record as stored
    method: int
    compressed: int
    size: int
    offset: int
    end: int = 0  # first byte after the local record, data descriptor included


@dataclass(frozen=True, slots=True)
class SheetPart:
    """One worksheet of the workbook: its title, its part and its position (0-based)."""

    title: str
    part: str
    index: int
    state: str


class Package:
    """
    A workbook's parts, to be read, replaced, added and removed.

    `save` copies every untouched entry with its compressed bytes, in its old order, so
    that what nobody changed is the same to the bit.
    """

    def __init__(self, content: bytes) -> None:
        """
        Raises:
            PackageError: *content* has no readable central directory.
        """
        self._content = content
        self._entries = {entry.name: entry for entry in _directory(content)}
        self._changed: dict[str, bytes | None] = {}

    def __contains__(self, name: str) -> bool:
        if name in self._changed:
            return self._changed[name] is not None
        return name in self._entries

    def names(self) -> Iterator[str]:
        """The parts as they would be saved now."""
        yield from (name for name in self._entries if name in self)
        yield from (name for name in self._changed if name not in self._entries and name in self)

    @property
    def changed(self) -> frozenset[str]:
        """The parts replaced, added or removed since opening."""
        return frozenset(self._changed)

    def read(self, name: str) -> bytes:
        """
        The inflated bytes of part *name*.

        Raises:
            KeyError: There is no such part.
            PackageError: Its compressed bytes are damaged.
        """
        if name in self._changed:
            content = self._changed[name]
            if content is None:
                raise KeyError(name)
            return content
        entry = self._entries[name]
        raw = self._content[_data_offset(self._content, entry.offset) :][: entry.compressed]
        if entry.method == _STORED:
            return raw
        try:
            return isal_zlib.decompress(raw, wbits=-15)
        except isal_zlib.error as error:
            raise PackageError(f"{name}: {error}") from error

    def xml(self, name: str) -> etree._Element:
        """Part *name* as an XML tree, entities left alone."""
        return etree.fromstring(self.read(name), etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True))

    def replace(self, name: str, content: bytes | etree._Element) -> None:
        """Give part *name* (new or old) this content at the next `save`."""
        if not isinstance(content, bytes):
            content = etree.tostring(content, xml_declaration=True, encoding="UTF-8", standalone=True)
        if name in self._entries and name not in self._changed and self.read(name) == content:
            return
        self._changed[name] = content

    def remove(self, name: str) -> None:
        if name in self._entries:
            self._changed[name] = None
        else:
            self._changed.pop(name, None)

    def save(self) -> bytes:
        """The whole archive: old entries in their order, then the new ones."""
        out = BytesIO()
        directory: list[bytes] = []
        for entry in self._entries.values():
            if entry.name not in self._changed:
                header = entry.header[:42] + struct.pack("<I", out.tell()) + entry.header[46:]
                out.write(memoryview(self._content)[entry.offset : entry.end])
                directory.append(header)
            elif (content := self._changed[entry.name]) is not None:
                directory.append(_write(out, entry.name, content))
        for name, content in self._changed.items():
            if name not in self._entries and content is not None:
                directory.append(_write(out, name, content))
        start = out.tell()
        for header in directory:
            out.write(header)
        size = out.tell() - start
        out.write(struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, len(directory), len(directory), size, start, 0))
        return out.getvalue()

    # What the parts mean

    @property
    def workbook(self) -> str:
        """The name of the workbook part, usually xl/workbook.xml."""
        for relation in self.relations(""):
            if relation.get("Type", "").endswith("/officeDocument"):
                return relation_target("", relation.get("Target", ""))
        raise PackageError("no workbook part")

    def relations(self, part: str) -> list[etree._Element]:
        """The relationship elements of *part* ("" for the package)."""
        name = relations_part(part)
        return list(self.xml(name)) if name in self else []

    def sheets(self) -> list[SheetPart]:
        """The worksheets in tab order; chart and macro sheets are left out."""
        workbook = self.workbook
        targets = {
            relation.get("Id"): relation_target(workbook, relation.get("Target", ""))
            for relation in self.relations(workbook)
            if relation.get("Type", "").endswith("/worksheet")
        }
        found = self.xml(workbook).iterfind(f"{{{SHEET_NS}}}sheets/{{{SHEET_NS}}}sheet")
        return [
            SheetPart(sheet.get("name", ""), targets[key], index, sheet.get("state", "visible"))
            for index, sheet in enumerate(found)
            if (key := sheet.get(f"{{{RELATION_NS}}}id")) in targets
        ]


def relations_part(part: str) -> str:
    """Where the relationships of *part* are kept."""
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def relation_target(part: str, target: str) -> str:
    """The part a relationship of *part* points to."""
    if target.startswith("/"):
        return target[1:]
    return posixpath.normpath(posixpath.join(posixpath.dirname(part), target))


def _directory(content: bytes) -> list[_Entry]:
    end = content.rfind(b"PK\x05\x06", max(0, len(content) - 65_557))
    if end < 0 or len(content) < end + 22:
        raise PackageError("no end of central directory")
    count, size, start = struct.unpack_from("<HII", content, end + 10)
    if start + size > end:
        raise PackageError("central directory lies outside the file")
    entries: list[_Entry] = []
    position = start
    for _ in range(count):
        if content[position : position + 4] != b"PK\x01\x02":
            raise PackageError("central directory is damaged")
        flags, method, _, _, _, compressed, plain, name_length, extra, comment = struct.unpack_from("<HHHHIIIHHH", content, position + 8)
        offset = struct.unpack_from("<I", content, position + 42)[0]
        length = 46 + name_length + extra + comment
        name = content[position + 46 : position + 46 + name_length].decode("utf-8" if flags & 0x800 else "cp437")
        entries.append(_Entry(name, content[position : position + length], method, compressed, plain, offset))
        position += length
    in_file_order = sorted(entries, key=lambda entry: entry.offset)
    for entry, following in pairwise(in_file_order):
        entry.end = following.offset
    if in_file_order:
        in_file_order[-1].end = start
    return entries


def _data_offset(content: bytes, offset: int) -> int:
    name_length, extra = struct.unpack_from("<HH", content, offset + 26)
    return offset + 30 + int(name_length) + int(extra)


def _write(out: BytesIO, name: str, content: bytes) -> bytes:
    """Append the local record of one part to *out*; its central directory record."""
    encoded = name.encode()
    # Level 1 of isal: a tenth of zlib's time for a file about as large.
    packed = isal_zlib.compress(content, 1, wbits=-15)
    flags = 0 if name.isascii() else 0x800
    common = struct.pack(
        "<HHHHHIIIHH", 20, flags, _DEFLATED, 0, 0x21, zlib.crc32(content), len(packed), len(content), len(encoded), 0
    )
    offset = out.tell()
    out.write(b"PK\x03\x04" + common + encoded + packed)
    return b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, offset) + encoded
