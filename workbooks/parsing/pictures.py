"""Pictures people put on or into a form's cells: floating ones, WPS cell pictures, Excel's pictures in cells."""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO

from lxml import etree

from workbooks.filled import Cell, FilledForm, Picture
from workbooks.findings import Finding, FindingCode
from workbooks.form import FieldType, FormDefinition, Text
from workbooks.guard import WORKBOOK, Inspection, parse, relations
from workbooks.parsing.grids import Range
from workbooks.parsing.lexical import column_number
from workbooks.refusal import Limits

_FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "BMP": "image/bmp", "WEBP": "image/webp"}
_BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"RIFF")
_DISPIMG = re.compile(r'DISPIMG\("([^"]+)"', re.IGNORECASE)
_EMBEDDED = (
    "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}embed",
    "{http://purl.oclc.org/ooxml/officeDocument/relationships}embed",
)
_RELATION_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_CELL_PICTURES = "xl/cellimages.xml"
_METADATA = "xl/metadata.xml"


@dataclass(frozen=True, slots=True)
class _Anchor:
    """Where a floating picture lies, rows and columns from 0, and the part that holds it."""

    top: int
    left: int
    bottom: int
    right: int
    part: str


def add_pictures(
    form: FilledForm,
    definition: FormDefinition,
    inspection: Inspection,
    merged: Callable[[str], list[Range]],
    limits: Limits,
) -> FilledForm:
    """
    *form* with the pictures of its image fields, and findings about what is no picture.

    A cell whose picture was found is empty afterwards: the formula or error text that
    stood in it was only the picture's place.

    Raises:
        etree.XMLSyntaxError: A drawing is not well-formed.
    """
    images = {path: field for path, field in definition.paths() if field.type is FieldType.IMAGE}
    places = [(path, cell) for path, cell in _cells(form) if path in images]
    if not places:
        return form
    finder = _Finder(inspection, merged, [cell for _, cell in places])
    pictures: list[Picture] = []
    findings: list[Finding] = []
    emptied: set[tuple[str, str]] = set()
    for path, cell in places:
        for part in finder.parts(cell):
            finding = Finding(
                code=FindingCode.NOT_AN_IMAGE, sheet=cell.sheet, cell=cell.address, field=path, label=images[path].label
            )
            size = inspection.archive.entries[part].size
            if size > limits.picture or len(pictures) >= limits.pictures:
                findings.append(
                    replace(finding, code=FindingCode.TOO_LARGE, context={"detail": _too_large(size, limits)})
                )
                continue
            content = inspection.archive.read(part)
            media_type = picture_type(content)
            if media_type is None:
                findings.append(finding)
                continue
            pictures.append(Picture(path, content, media_type))
            emptied.add((cell.sheet, cell.address))
    return replace(_without(form, emptied), pictures=(*form.pictures, *pictures), findings=(*form.findings, *findings))


def picture_type(content: bytes) -> str | None:
    """The media type of a picture by its bytes; None for anything that browsers do not show as one."""
    if not content.startswith(_BEGINNINGS):
        return None
    # Imported here: most forms hold no picture, and Pillow takes longer to import than they take to read.
    from PIL import Image, UnidentifiedImageError

    with warnings.catch_warnings():
        # Large photographs are normal; twice this size is an error, and nothing is decoded here.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            with Image.open(BytesIO(content), formats=tuple(_FORMATS)) as image:
                image.verify()
                return _FORMATS[image.format or ""]
        except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError, KeyError):
            # Pillow's readers report a broken file by any of these.
            return None


def _too_large(size: int, limits: Limits) -> Text:
    if size > limits.picture:
        return Text(
            f"一张图片 {size >> 20} MB，上限 {limits.picture >> 20} MB",
            f"a picture of {size >> 20} MB, at most {limits.picture >> 20} MB",
        )
    return Text(f"图片超过 {limits.pictures} 张", f"more than {limits.pictures} pictures")


def _cells(form: FilledForm) -> Iterator[tuple[str, Cell]]:
    yield from form.cells.items()
    for repeat, lines in form.repeats.items():
        for line in lines:
            yield from ((f"{repeat}.{name}", cell) for name, cell in line.items())


def _without(form: FilledForm, emptied: set[tuple[str, str]]) -> FilledForm:
    def empty(cells: Mapping[str, Cell]) -> dict[str, Cell]:
        return {
            name: replace(cell, value=None) if (cell.sheet, cell.address) in emptied else cell
            for name, cell in cells.items()
        }

    return replace(
        form,
        cells=empty(form.cells),
        repeats={repeat: tuple(map(empty, lines)) for repeat, lines in form.repeats.items()},
    )


class _Finder:
    """Finds the parts of the pictures that belong to a cell."""

    def __init__(self, inspection: Inspection, merged: Callable[[str], list[Range]], cells: Sequence[Cell]) -> None:
        self._inspection = inspection
        self._parts = inspection.parts
        self._sheets = {sheet.title: sheet.part for sheet in inspection.sheets}
        self._merged = merged
        self._floating_over = self._assign(cells)

    def parts(self, cell: Cell) -> list[str]:
        """The picture parts in, or floating over, *cell*; each once."""
        found = self._floating_over.get((cell.sheet, cell.address), [])
        if isinstance(cell.value, str):
            if named := _DISPIMG.search(cell.value):
                found += self._wps(named[1])
            elif cell.value.startswith("#"):
                found += self._in_cell(cell)
        return [part for part in dict.fromkeys(found) if part in self._inspection.archive.entries]

    def _assign(self, cells: Sequence[Cell]) -> dict[tuple[str, str], list[str]]:
        """The floating pictures of each cell: one belongs where its middle lies, else where it begins."""
        assigned: dict[tuple[str, str], list[str]] = {}
        for sheet in {cell.sheet for cell in cells}:
            ends = dict(self._merged(sheet))
            areas = [
                (cell, start, ends.get(start, start))
                for cell in cells
                if cell.sheet == sheet and (start := _position(cell.address))
            ]
            for anchor in self._floating(self._sheets[sheet]):
                middle = (anchor.top + anchor.bottom) / 2, (anchor.left + anchor.right) / 2
                for row, column in (middle, (anchor.top, anchor.left)):
                    over = [cell for cell, a, b in areas if a[0] <= row <= b[0] and a[1] <= column <= b[1]]
                    if over:
                        assigned.setdefault((sheet, over[0].address), []).append(anchor.part)
                        break
        return assigned

    def _floating(self, sheet: str) -> Iterator[_Anchor]:
        for kind, drawing in relations(self._parts, sheet).values():
            if kind != "drawing" or drawing not in self._parts:
                continue
            targets = relations(self._parts, drawing)
            for anchor in parse(self._parts[drawing]).iter("{*}twoCellAnchor", "{*}oneCellAnchor"):
                corners = [_corner(anchor, which) for which in ("from", "to")]
                start = corners[0]
                if start is None:
                    continue
                end = corners[1] or start
                for blip in anchor.iter("{*}blip"):
                    if part := _target(blip, targets):
                        yield _Anchor(*start, *end, part)

    def _wps(self, name: str) -> Iterator[str]:
        """WPS keeps pictures in cells in a part of its own, by the name in =DISPIMG("ID_…", 1)."""
        if _CELL_PICTURES not in self._parts:
            return
        targets = relations(self._parts, _CELL_PICTURES)
        for picture in parse(self._parts[_CELL_PICTURES]).iter("{*}pic"):
            if any(properties.get("name") == name for properties in picture.iter("{*}cNvPr")):
                for blip in picture.iter("{*}blip"):
                    if part := _target(blip, targets):
                        yield part

    def _in_cell(self, cell: Cell) -> Iterator[str]:
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
            (_METADATA, "{*}valueMetadata/{*}bk/{*}rc", "v"),
            (_METADATA, "{*}futureMetadata[@name='XLRICHVALUE']/{*}bk/{*}extLst/{*}ext/{*}rvb", "i"),
            (related["rdRichValue"], "{*}rv/{*}v[1]", ""),
            (related["richValueRel"], "{*}rel", _RELATION_ID),
        ):
            elements = parse(self._parts[part]).findall(path)
            if key is None or not key.isdigit() or int(key) >= len(elements):
                return
            key = elements[int(key)].get(attribute) if attribute else elements[int(key)].text
        _, picture = relations(self._parts, related["richValueRel"]).get(key or "", ("", ""))
        yield picture


def _target(blip: etree._Element, targets: Mapping[str, tuple[str, str]]) -> str:
    key = next((key for name in _EMBEDDED if (key := blip.get(name))), "")
    return targets.get(key, ("", ""))[1]


def _corner(anchor: etree._Element, which: str) -> tuple[int, int] | None:
    """Row and column of the anchor's *which* corner."""
    row, column = (anchor.findtext(f"{{*}}{which}/{{*}}{name}", "").strip() for name in ("row", "col"))
    return (
        (int(row), int(column)) if row.isascii() and row.isdigit() and column.isascii() and column.isdigit() else None
    )


def _position(address: str) -> tuple[int, int]:
    letters = address.rstrip("0123456789")
    return int(address[len(letters) :]) - 1, column_number(letters.encode()) - 1
