"""Pictures people put on or into a form's cells: floating ones, WPS cell pictures, Excel's pictures in cells."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from itertools import islice

from workbooks.filled import Cell, FilledForm, Picture
from workbooks.finding_codes import FindingCode
from workbooks.findings import Finding
from workbooks.form import FieldType, FormDefinition, Text
from workbooks.parsing.albums import Album
from workbooks.parsing.floating import Floating, Rect
from workbooks.parsing.grids import Range, address
from workbooks.parsing.lexical import column_number
from workbooks.refusal import Limits

_FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "BMP": "image/bmp", "WEBP": "image/webp"}
_BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"RIFF")
# Pictures that people see in Excel and browsers do not show.
_OTHER_KINDS = (
    (b"\xd7\xcd\xc6\x9a", "WMF"),
    (b"\x01\x00\x09\x00", "WMF"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II\xbc", "JPEG XR"),
    (b"\x1f\x8b", "EMZ"),
    (b"\x00\x00\x01\x00", "ICO"),
)
_HEIF = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif")
_ENOUGH = 0.1  # of a picture must lie over a field
_STRAYS = 20  # findings about pictures that lie on none


def add_pictures(
    form: FilledForm,
    definition: FormDefinition,
    album: Album,
    merged: Callable[[str], list[Range]],
    limits: Limits,
) -> FilledForm:
    """
    *form* with the pictures of its image fields, and findings about what is no picture or lies on no field.

    A cell whose picture was found is empty afterwards: the formula or error text that
    stood in it was only the picture's place.

    Raises:
        etree.XMLSyntaxError: A drawing is not well-formed.
    """
    images = {path: field for path, field in definition.paths() if field.type is FieldType.IMAGE}
    places = [(path, cell) for path, cell in _cells(form) if path in images]
    if not places:
        return form
    finder = _Finder(album, merged, [cell for _, cell in places])
    pictures: list[Picture] = []
    findings: list[Finding] = []
    emptied: set[tuple[str, str]] = set()
    for path, cell in places:
        for key in finder.keys(cell):
            finding = Finding(
                code=FindingCode.NOT_AN_IMAGE, sheet=cell.sheet, cell=cell.address, field=path, label=images[path].label
            )
            size = album.size(key) or 0
            if size > limits.picture or len(pictures) >= limits.pictures:
                findings.append(
                    replace(finding, code=FindingCode.TOO_LARGE, context={"detail": _too_large(size, limits)})
                )
                continue
            content = album.read(key)
            media_type = picture_type(content)
            if media_type is None:
                kind = other_kind(content)
                code = FindingCode.PICTURE_FORMAT if kind else FindingCode.NOT_AN_IMAGE
                findings.append(replace(finding, code=code, context={"kind": kind}))
                continue
            pictures.append(Picture(path, content, media_type))
            emptied.add((cell.sheet, cell.address))
    findings += _stray(form, finder.strays, images[places[0][0]].label)
    return replace(_without(form, emptied), pictures=(*form.pictures, *pictures), findings=(*form.findings, *findings))


def other_kind(content: bytes) -> str:
    """The name of a picture format that browsers do not show; empty for what is no picture at all."""
    if content[40:44] == b" EMF":
        return "EMF"
    head = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"<") and b"<svg" in content[:4096]:
        return "SVG"
    if content[4:8] == b"ftyp" and content[8:12] in _HEIF:
        return "HEIC"
    return next((kind for magic, kind in _OTHER_KINDS if content.startswith(magic)), "")


def _stray(form: FilledForm, strays: Iterable[tuple[str, Floating]], label: Text) -> Iterator[Finding]:
    """
    Pictures on the form that lie on no field for them.

    Above the first answer is the letterhead, below the last one people sign and stamp:
    what lies there belongs to the page.
    """
    rows: dict[str, list[int]] = {}
    reason = [form.reason] if form.reason is not None else []
    for cell in (*(cell for _, cell in _cells(form)), *form.starts.values(), *reason):
        rows.setdefault(cell.sheet, []).append(_position(cell.address)[0])
    for sheet, (rect, _) in islice(strays, _STRAYS):
        if min(rows[sheet]) <= rect.middle[1] < max(rows[sheet]) + 1:
            where = address(int(rect.top), int(rect.left))
            yield Finding(code=FindingCode.STRAY_PICTURE, sheet=sheet, cell=where, label=label)


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
    """Finds the pictures that belong to a cell."""

    def __init__(self, album: Album, merged: Callable[[str], list[Range]], cells: Sequence[Cell]) -> None:
        self._album, self._merged = album, merged
        self.strays: list[tuple[str, Floating]] = []
        self._floating_over = self._assign(cells)

    def keys(self, cell: Cell) -> list[str]:
        """The pictures in, or floating over, *cell*; each once."""
        found = [*self._floating_over.get((cell.sheet, cell.address), ()), *self._album.in_cell(cell)]
        return [key for key in dict.fromkeys(found) if self._album.size(key) is not None]

    def _assign(self, cells: Sequence[Cell]) -> dict[tuple[str, str], list[str]]:
        """
        The floating pictures of each cell.

        One belongs to the field its middle lies on; else to the one it covers most of, if
        that is a tenth of it: people do not aim exactly.
        """
        assigned: dict[tuple[str, str], list[str]] = {}
        for sheet in dict.fromkeys(cell.sheet for cell in cells):
            ends = dict(self._merged(sheet))
            areas: list[tuple[Cell, Rect]] = []
            for cell in cells:
                if cell.sheet == sheet:
                    row, column = _position(cell.address)
                    bottom, right = ends.get((row, column), (row, column))
                    areas.append((cell, Rect(column, row, right + 1, bottom + 1)))
            for picture in self._album.floating(sheet):
                over = [cell for cell, area in areas if area.holds(picture.rect.middle)]
                if not over:
                    share, _, nearest = max(
                        (area.shared(picture.rect), -n, cell) for n, (cell, area) in enumerate(areas)
                    )
                    over = [nearest] if share >= _ENOUGH * picture.rect.area else []
                if over:
                    assigned.setdefault((sheet, over[0].address), []).append(picture.part)
                else:
                    self.strays.append((sheet, picture))
        return assigned


def _position(address: str) -> tuple[int, int]:
    letters = address.rstrip("0123456789")
    return int(address[len(letters) :]) - 1, column_number(letters.encode()) - 1
