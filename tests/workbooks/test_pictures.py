"""Pictures people put on or into a form."""

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.archives import OFFICE, XML, relationships
from tests.libreoffice import Office
from tests.workbooks.visit import FORMS, PLACES, VISIT, draw
from workbooks.filled import FilledForm
from workbooks.finding_codes import FindingCode
from workbooks.form import Field, FieldType, Text
from workbooks.library import library
from workbooks.package import Package
from workbooks.parsing.pictures import picture_type
from workbooks.reader import Limits, Refused, read

DATA = Path(__file__).parents[1] / "data" / "good"
_CELL_IMAGE = "http://www.wps.cn/officeDocument/2020/cellImage"


def image(kind: str = "PNG", size: tuple[int, int] = (60, 40)) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, kind)
    return out.getvalue()


def with_image(place: str, content: bytes | None = None, **options: Any) -> bytes:
    """The form with a picture floating at *place*."""
    data = BytesIO(image() if content is None else content)
    return draw(finish=lambda book, sheet: sheet.insert_image(place, "p.png", {"image_data": data, **options}))


def with_parts(content: bytes, parts: Mapping[str, bytes]) -> bytes:
    package = Package(content)
    for name, data in parts.items():
        package.replace(name, data)
    return package.save()


def found(content: bytes) -> FilledForm:
    return read(content, FORMS)


@pytest.mark.parametrize("place", ["B7", "C8", "D9"])
def test_a_picture_over_the_field_is_its_answer(place: str):
    """Anywhere on the merged cells counts."""
    pictures = found(with_image(place)).pictures

    assert [(p.field, p.content, p.media_type) for p in pictures] == [("photo", image(), "image/png")]


def test_a_picture_whose_middle_is_over_the_field_is_its_answer():
    """People do not aim exactly."""
    content = with_image("A5", image(size=(300, 120)), object_position=1)

    assert [p.field for p in found(content).pictures] == ["photo"]


@pytest.mark.parametrize("place", ["A1", "F7", "B20"])
def test_a_picture_elsewhere_is_no_answer(place: str):
    """A logo or a stamp belongs to the page."""
    assert found(with_image(place)).pictures == ()


def test_several_pictures_are_all_taken():
    """An accident has more than one side."""

    def two(book: Any, sheet: Any) -> None:
        sheet.insert_image("B7", "a.png", {"image_data": BytesIO(image())})
        sheet.insert_image("C8", "b.jpg", {"image_data": BytesIO(image("JPEG"))})

    assert {p.media_type for p in found(draw(finish=two)).pictures} == {"image/png", "image/jpeg"}


def test_a_picture_placed_in_the_cell_is_its_answer():
    """Excel 365 keeps it behind an error value, which must not be taken for the answer."""
    content = draw(finish=lambda book, sheet: sheet.embed_image("B7", "p.png", {"image_data": BytesIO(image())}))
    form = found(without_leading_slashes(content))

    assert [(p.field, p.content) for p in form.pictures] == [("photo", image())]
    assert form.cells["photo"].value is None


def without_leading_slashes(content: bytes) -> bytes:
    """XlsxWriter writes the parts of rich values with one, which Excel does not."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            target.writestr(name.lstrip("/"), source.read(name))
    return out.getvalue()


def wps(name: str, asked: str) -> bytes:
    """The form with a WPS picture called *name*, and a cell that shows the one called *asked*."""
    drawing = (
        f'{XML}<etc:cellImages xmlns:etc="http://www.wps.cn/officeDocument/2017/etCustomData" xmlns:r="{OFFICE}" '
        'xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" '
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><etc:cellImage><xdr:pic><xdr:nvPicPr>'
        f'<xdr:cNvPr id="2" name="{name}"/></xdr:nvPicPr><xdr:blipFill><a:blip r:embed="rId1"/></xdr:blipFill>'
        "</xdr:pic></etc:cellImage></etc:cellImages>"
    )

    def formula(book: Any, sheet: Any) -> None:
        sheet.write_formula("B7", f'=_xlfn.DISPIMG("{asked}",1)', None, f'=DISPIMG("{asked}",1)')

    return with_parts(
        draw(finish=formula),
        {
            "xl/cellimages.xml": drawing.encode(),
            "xl/_rels/cellimages.xml.rels": relationships(("rId1", "image", "media/image1.png")).encode(),
            "xl/media/image1.png": image(),
        },
    )


def test_a_wps_picture_in_a_cell_is_its_answer():
    """WPS writes a formula of its own and keeps the picture in a part of its own."""
    form = found(wps("ID_8F2A", "ID_8F2A"))

    assert [(p.field, p.content) for p in form.pictures] == [("photo", image())]
    assert form.cells["photo"].value is None


def test_a_wps_picture_that_is_gone_leaves_its_formula():
    """The check then says that the cell holds no picture."""
    form = found(wps("ID_8F2A", "ID_0000"))

    assert form.pictures == ()
    assert form.cells["photo"].value == '=DISPIMG("ID_0000",1)'


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n" + bytes(50), b"<feed/>", image()[:-30]])
def test_what_is_no_picture_is_a_finding(content: bytes):
    """Whatever its name says, browsers would not show it."""
    package = Package(with_image("B7"))
    package.replace("xl/media/image1.png", content)
    form = found(package.save())

    assert form.pictures == ()
    assert [(f.code, f.cell, f.field) for f in form.findings] == [(FindingCode.NOT_AN_IMAGE, "B7", "photo")]


@pytest.mark.parametrize("limits", [Limits(picture=100), Limits(pictures=0)])
def test_too_large_or_too_many_is_a_finding(limits: Limits):
    """Photographs straight from a camera fill a mailbox; the sender is told which one."""
    form = read(with_image("B7"), FORMS, limits)

    assert form.pictures == ()
    assert [(f.code, f.cell) for f in form.findings] == [(FindingCode.TOO_LARGE, "B7")]
    assert "{" not in form.findings[0].message("zh")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
def test_a_picture_is_told_by_its_bytes(kind: str):
    """Its name plays no part."""
    assert picture_type(image(kind)) == f"image/{kind.lower()}"


def test_a_picture_that_unpacks_to_gigabytes_is_none():
    """A few kilobytes can claim a picture of 60,000 by 60,000 dots."""
    claimed = bytearray(image())
    claimed[16:24] = (60_000).to_bytes(4, "big") * 2
    claimed[29:33] = zlib.crc32(claimed[12:29]).to_bytes(4, "big")

    assert picture_type(bytes(claimed)) is None


# where a picture lies


def drawing_of(*anchors: str) -> bytes:
    """The form with the drawing *anchors* on it; each shows the same picture."""
    package = Package(with_image("B7"))
    package.replace(
        "xl/drawings/drawing1.xml",
        f'{XML}<xdr:wsDr xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" '
        f'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="{OFFICE}">'
        f"{''.join(anchors)}</xdr:wsDr>".encode(),
    )
    return package.save()


def frame(x: int, y: int, width: int, height: int, names: str = "off ext") -> str:
    start, size = names.split()
    return f'<a:{start} x="{x}" y="{y}"/><a:{size} cx="{width}" cy="{height}"/>'


def pic(own: str = "") -> str:
    return (
        '<xdr:pic><xdr:nvPicPr><xdr:cNvPr id="2" name="p"/><xdr:cNvPicPr/></xdr:nvPicPr><xdr:blipFill>'
        f'<a:blip r:embed="rId1"/></xdr:blipFill><xdr:spPr><a:xfrm>{own}</a:xfrm></xdr:spPr></xdr:pic>'
    )


def corner(which: str, column: int, across: int, row: int, down: int) -> str:
    return (
        f"<xdr:{which}><xdr:col>{column}</xdr:col><xdr:colOff>{across}</xdr:colOff><xdr:row>{row}</xdr:row>"
        f"<xdr:rowOff>{down}</xdr:rowOff></xdr:{which}>"
    )


PIXEL = 9_525


def absolute(x: int, y: int, width: int, height: int, content: str = pic()) -> str:
    """An anchor in pixels from the corner of the sheet; a column has 64, a row 20."""
    return (
        f'<xdr:absoluteAnchor><xdr:pos x="{x * PIXEL}" y="{y * PIXEL}"/>'
        f'<xdr:ext cx="{width * PIXEL}" cy="{height * PIXEL}"/>{content}<xdr:clientData/></xdr:absoluteAnchor>'
    )


@pytest.mark.parametrize(
    ("box", "there"),
    [
        ((70, 125, 100, 40), True),  # inside B7:D9, which begins at 64, 120
        ((40, 90, 100, 80), True),  # its middle is inside
        ((70, 60, 60, 70), True),  # a seventh of it reaches in
        ((70, 60, 60, 62), False),  # it only touches
        ((300, 130, 60, 40), False),
    ],
)
def test_a_picture_without_cells_is_found_by_its_measures(box: tuple[int, int, int, int], there: bool):
    """Set to "don't move or size with cells", it has its place in units of length."""
    assert len(found(drawing_of(absolute(*box))).pictures) == there


def test_widths_and_hidden_columns_are_measured():
    """What is 100 pixels from the corner is another cell when the first column is wide."""

    def widen(book: Any, sheet: Any) -> None:
        sheet.set_column_pixels("A:A", 400)
        sheet.set_row_pixels(0, 200)
        sheet.insert_image("B7", "p.png", {"image_data": BytesIO(image())})

    package = Package(draw(finish=widen))
    drawing = Package(drawing_of(absolute(420, 310, 60, 40))).read("xl/drawings/drawing1.xml")
    package.replace("xl/drawings/drawing1.xml", drawing)

    assert [p.field for p in found(package.save()).pictures] == ["photo"]


def test_pictures_in_a_group_lie_each_where_they_lie():
    """Grouped with an arrow or with each other, they still show what they show."""
    group = (
        f"<xdr:grpSp><xdr:nvGrpSpPr/><xdr:grpSpPr><a:xfrm>{frame(0, 0, 10, 10)}"
        f"{frame(0, 0, 1000, 1000, 'chOff chExt')}</a:xfrm></xdr:grpSpPr>"
        f"{pic(frame(0, 0, 200, 1000))}{pic(frame(800, 0, 200, 1000))}</xdr:grpSp>"
    )
    # From column B to column J: a fifth of it is B and most of C, the last fifth is I and J.
    form = found(drawing_of(absolute(64, 130, 9 * 64, 40, group)))

    assert len(form.pictures) == 1
    assert [(f.code, f.cell) for f in form.findings] == [(FindingCode.STRAY_PICTURE, "I7")]


def test_a_group_in_a_group_is_looked_into():
    """People group what they have grouped."""
    inner = (
        f"<xdr:grpSp><xdr:grpSpPr><a:xfrm>{frame(0, 0, 10, 10)}{frame(0, 0, 10, 10, 'chOff chExt')}</a:xfrm>"
        f"</xdr:grpSpPr>{pic(frame(0, 0, 10, 10))}</xdr:grpSp>"
    )
    outer = (
        f"<xdr:grpSp><xdr:grpSpPr><a:xfrm>{frame(0, 0, 10, 10)}{frame(0, 0, 20, 10, 'chOff chExt')}</a:xfrm>"
        f"</xdr:grpSpPr>{inner}</xdr:grpSp>"
    )

    assert len(found(drawing_of(absolute(70, 125, 300, 40, outer))).pictures) == 1
    assert len(found(drawing_of(absolute(70, 125, 300, 40, "<xdr:grpSp>" * 40 + "</xdr:grpSp>" * 40))).pictures) == 0


TWO_FIELDS = replace(
    VISIT,
    sections=(
        replace(
            VISIT.sections[0],
            items=(*VISIT.sections[0].items, Field(name="plate", type=FieldType.IMAGE, label=Text("铭牌", "Plate"))),
        ),
        *VISIT.sections[1:],
    ),
)


@pytest.mark.parametrize(("x", "field"), [(150, "photo"), (215, "plate")])
def test_a_picture_over_two_fields_belongs_to_that_under_its_middle(x: int, field: str):
    """It reaches into the next one by a few dots."""
    package = Package(
        draw(places=PLACES | {"plate": "$E$7"}, finish=lambda book, sheet: sheet.merge_range("E7:G9", ""))
    )
    with_drawing = Package(with_image("B7"))
    sheet = package.read("xl/worksheets/sheet1.xml").replace(b"</worksheet>", b'<drawing r:id="rId1"/></worksheet>')
    package.replace("xl/worksheets/sheet1.xml", sheet)
    for name in ("xl/worksheets/_rels/sheet1.xml.rels", "xl/drawings/_rels/drawing1.xml.rels", "xl/media/image1.png"):
        package.replace(name, with_drawing.read(name))
    drawing = Package(drawing_of(absolute(x, 125, 120, 50))).read("xl/drawings/drawing1.xml")
    package.replace("xl/drawings/drawing1.xml", drawing)

    assert [p.field for p in read(package.save(), {"visit": TWO_FIELDS}).pictures] == [field]


@pytest.mark.parametrize(("place", "told"), [("A1", []), ("F7", ["F7"]), ("B20", [])])
def test_a_picture_beside_the_field_is_told(place: str, told: list[str]):
    """A letterhead above and a stamp below belong to the page; among the answers, somebody missed the field."""
    form = found(with_image(place))

    assert [f.cell for f in form.findings if f.code is FindingCode.STRAY_PICTURE] == told


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (bytes(40) + b" EMF" + bytes(60), "EMF"),
        (b"\xd7\xcd\xc6\x9a" + bytes(60), "WMF"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"II*\x00" + bytes(60), "TIFF"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(60), "HEIC"),
        (b"\x1f\x8b" + bytes(60), "EMZ"),
    ],
)
def test_a_picture_that_browsers_do_not_show_is_named(content: bytes, kind: str):
    """The sender is told which format it is, and to paste a screenshot."""
    package = Package(with_image("B7"))
    package.replace("xl/media/image1.png", content)
    form = found(package.save())

    assert [(f.code, f.context["kind"]) for f in form.findings] == [(FindingCode.PICTURE_FORMAT, kind)]
    assert form.pictures == ()


# real programs


@pytest.mark.parametrize("suffix", [".xlsx", ".xls"])
def test_pictures_that_libreoffice_has_put_on_a_sheet_are_found(office: Office, tmp_path: Path, suffix: str):
    """Two on the field, one of them aimed badly, and one beside it; in the new format and in the old one."""
    office.open_copy(DATA / "fracas_shanghai_bcu.xlsx", tmp_path)
    left, top, _, height = office("place_of", "AS_photo")
    for name, kind, at in (
        ("a.png", "PNG", (left + 500, top + 300)),
        ("b.jpg", "JPEG", (left + 4_000, top - 700)),
        ("c.png", "PNG", (left + 2_000, top - 9_000)),
    ):
        (tmp_path / name).write_bytes(image(kind, (90, 60 + len(kind))))
        office("picture", 0, tmp_path / name, *at, 2_600, height // 2)
    office("write", 0, [])
    office("save", tmp_path / f"sent{suffix}")
    form = read((tmp_path / f"sent{suffix}").read_bytes(), library())

    assert sorted((p.field, p.media_type) for p in form.pictures) == [("photo", "image/jpeg"), ("photo", "image/png")]
    assert [f.code for f in form.findings if f.code is not FindingCode.OLD_FORMAT_TAKEN] == [FindingCode.STRAY_PICTURE]
    for picture in form.pictures:
        with Image.open(BytesIO(picture.content)) as shown:
            assert shown.size[0] == 90


def test_a_damaged_drawing_in_an_old_workbook_costs_only_its_pictures(office: Office, tmp_path: Path):
    """Whatever the records claim."""
    office.open_copy(DATA / "fracas_shanghai_bcu.xlsx", tmp_path)
    left, top, *_ = office("place_of", "AS_photo")
    (tmp_path / "a.png").write_bytes(image())
    office("picture", 0, tmp_path / "a.png", left + 500, top + 300, 2_600, 2_000)
    office("save", tmp_path / "sent.xls")
    content = (tmp_path / "sent.xls").read_bytes()
    at = content.index(b"\xeb\x00") + 4
    for change in range(0, 120, 3):
        broken = bytearray(content)
        broken[at + change] ^= 0xFF
        try:
            form = read(bytes(broken), library())
        except Refused:
            continue
        assert form.cells["vehicle"].value == "0101"
