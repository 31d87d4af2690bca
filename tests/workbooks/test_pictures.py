"""Pictures people put on or into a form."""

import zipfile
import zlib
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from tests.archives import OFFICE, XML, relationships
from tests.workbooks.visit import FORMS, draw
from workbooks.filled import FilledForm
from workbooks.findings import FindingCode
from workbooks.package import Package
from workbooks.parsing.pictures import picture_type
from workbooks.reader import Limits, read

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


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n" + bytes(50), b"<svg/>", image()[:-30]])
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
