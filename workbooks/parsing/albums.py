"""The pictures of an .xlsx: floating over its sheets, in WPS's cells, in Excel's cells."""

import re
from collections.abc import Iterator, Mapping
from typing import Protocol

from workbooks.filled import Cell
from workbooks.guard import WORKBOOK, Inspection, parse, relations
from workbooks.parsing.floating import Floating, floating_pictures, target

_DISPIMG = re.compile(r'DISPIMG\("([^"]+)"', re.IGNORECASE)
_CELL_PICTURES = "xl/cellimages.xml"
_METADATA = "xl/metadata.xml"
_RELATION_IDS = (
    "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id",
    "{http://purl.oclc.org/ooxml/officeDocument/relationships}id",
)


class Album(Protocol):
    """The pictures of a workbook, each under a key of its own."""

    def floating(self, title: str) -> Iterator[Floating]:
        """Those that lie over sheet *title*."""

    def in_cell(self, cell: Cell) -> Iterator[str]:
        """The keys of those that *cell* itself shows."""

    def size(self, key: str) -> int | None:
        """The bytes of picture *key*; None if there is no such picture."""

    def read(self, key: str) -> bytes:
        """The contents of picture *key*."""


class NewAlbum:
    """
    The pictures of an .xlsx by the part that holds them.

    Raises, from `floating` and `in_cell`:
        etree.XMLSyntaxError: A drawing is not well-formed.
    """

    def __init__(self, inspection: Inspection) -> None:
        self._inspection = inspection
        self._parts: Mapping[str, bytes] = inspection.parts
        self._sheets = {sheet.title: sheet.part for sheet in inspection.sheets}

    def floating(self, title: str) -> Iterator[Floating]:
        return floating_pictures(self._inspection, self._sheets[title])

    def in_cell(self, cell: Cell) -> Iterator[str]:
        if isinstance(cell.value, str):
            if named := _DISPIMG.search(cell.value):
                yield from self._wps(named[1])
            elif cell.value.startswith("#"):
                yield from self._rich(cell)

    def size(self, key: str) -> int | None:
        entry = self._inspection.archive.entries.get(key)
        return entry.size if entry is not None else None

    def read(self, key: str) -> bytes:
        return self._inspection.archive.read(key)

    def _wps(self, name: str) -> Iterator[str]:
        """WPS keeps pictures in cells in a part of its own, by the name in =DISPIMG("ID_…", 1)."""
        known = (part for kind, part in relations(self._parts, WORKBOOK).values() if kind.lower() == "cellimage")
        kept = next(known, _CELL_PICTURES)
        if kept not in self._parts:
            return
        targets = relations(self._parts, kept)
        for picture in parse(self._parts[kept]).iter("{*}pic"):
            if any(properties.get("name") == name for properties in picture.iter("{*}cNvPr")):
                for blip in picture.iter("{*}blip"):
                    if part := target(blip, targets):
                        yield part

    def _rich(self, cell: Cell) -> Iterator[str]:
        """
        Excel 365 keeps a picture placed in a cell as a rich value behind a #VALUE! error.

        The cell's vm counts value metadata, which count future metadata, which count rich
        values, which count their pictures' relationships (MS-XLSX 2.3.6).
        """
        data = self._parts[self._sheets[cell.sheet]]
        marked = re.search(rb'<c r="' + cell.address.encode() + rb'"[^>]*\bvm="(\d{1,6})"', data)
        if not marked or _METADATA not in self._parts:
            return
        related = {kind: part for kind, part in relations(self._parts, WORKBOOK).values() if part in self._parts}
        if not {"rdRichValue", "richValueRel"} <= related.keys():
            return
        key: str | None = str(int(marked[1]) - 1)
        for part, path, attribute in (
            (_METADATA, "{*}valueMetadata/{*}bk/{*}rc", ("v",)),
            (_METADATA, "{*}futureMetadata[@name='XLRICHVALUE']/{*}bk/{*}extLst/{*}ext/{*}rvb", ("i",)),
            (related["rdRichValue"], "{*}rv/{*}v[1]", ()),
            (related["richValueRel"], "{*}rel", _RELATION_IDS),
        ):
            elements = parse(self._parts[part]).findall(path)
            if key is None or not key.isdigit() or int(key) >= len(elements):
                return
            element = elements[int(key)]
            key = next(filter(None, map(element.get, attribute)), None) if attribute else element.text
        _, picture = relations(self._parts, related["richValueRel"]).get(key or "", ("", ""))
        yield picture
