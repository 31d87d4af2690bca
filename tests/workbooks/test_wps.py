"""Workbooks as WPS saves them: pictures in cells by a function of its own, macros in a part of its own."""

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from tests.archives import OFFICE, XML
from tests.workbooks.test_receipt import marking
from tests.workbooks.visit import FORMS, SHEET, draw
from workbooks.finding_codes import FindingCode
from workbooks.findings import Finding
from workbooks.form import Text
from workbooks.guard import inspect
from workbooks.package import Package
from workbooks.reader import read
from workbooks.receipt import mark

WPS = "http://www.wps.cn/officeDocument"


def image(colour: tuple[int, int, int]) -> bytes:
    out = BytesIO()
    Image.new("RGB", (50, 30), colour).save(out, "JPEG")
    return out.getvalue()


RED, BLUE = image((200, 0, 0)), image((0, 0, 200))


def saved_by_wps(*, part: str = "xl/cellimages.xml", macros: bool = False) -> bytes:
    """The form with one of two cell pictures in its field, as WPS 12 writes them; *macros* adds its JavaScript."""

    def formula(book: Any, sheet: Any) -> None:
        # A text result that looks like a formula, with WPS's own name for the function in the formula.
        sheet.write_formula("B7", '=_xlfn.DISPIMG("ID_1F0C",1)', None, '=DISPIMG("ID_1F0C",1)')

    def picture(number: int, name: str) -> str:
        return (
            f'<etc:cellImage><xdr:pic><xdr:nvPicPr><xdr:cNvPr id="{number}" name="{name}" descr="现场"/><xdr:cNvPicPr/>'
            f'</xdr:nvPicPr><xdr:blipFill><a:blip r:embed="rId{number}"/><a:stretch><a:fillRect/></a:stretch>'
            "</xdr:blipFill><xdr:spPr/></xdr:pic></etc:cellImage>"
        )

    package = Package(draw({"B3": "甲"}, finish=formula))
    package.put(
        part,
        f'{XML}<etc:cellImages xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" '
        f'xmlns:r="{OFFICE}" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
        f'xmlns:etc="{WPS}/2017/etCustomData">{picture(1, "ID_77AA")}{picture(2, "ID_1F0C")}</etc:cellImages>'.encode(),
    )
    package.set_content_type(part, "application/vnd.wps-officedocument.cellimage+xml")
    package.set_default_type("jpeg", "image/jpeg")
    for number, content in enumerate((RED, BLUE), start=1):
        package.put(f"xl/media/image{number}.jpeg", content)
        package.relate(part, f"{OFFICE}/image", f"xl/media/image{number}.jpeg")
    package.relate(package.workbook, f"{WPS}/2020/cellImage", part)
    if macros:
        package.put("xl/JDEData.bin", b"<jde>function Workbook_Open(){}</jde>")
        package.set_content_type("xl/JDEData.bin", "application/vnd.wps-officedocument.jde")
        package.relate(package.workbook, f"{WPS}/2018/jdeExtension", "xl/JDEData.bin")
    return package.save()


@pytest.mark.parametrize("part", ["xl/cellimages.xml", "xl/cellImages.xml", "xl/wps/pictures.xml"])
def test_the_picture_in_the_cell_is_its_answer(part: str):
    """The one with the name in the formula, wherever the workbook says that its cell pictures are."""
    form = read(saved_by_wps(part=part), FORMS)

    assert [(p.field, p.content, p.media_type) for p in form.pictures] == [("photo", BLUE, "image/jpeg")]
    assert form.cells["photo"].value is None
    assert form.findings == ()


def test_its_macros_are_flagged_and_left_out_of_what_is_sent_on():
    """They are JavaScript in plain text, and run when the workbook is opened."""
    content = saved_by_wps(macros=True)
    marked = mark(content, marking())

    assert inspect(content).flags == {"macro"}
    assert inspect(marked).flags == frozenset()
    assert "xl/JDEData.bin" not in Package(marked)


def test_the_marked_workbook_keeps_the_pictures():
    """Corrected and sent again it has them still."""
    finding = Finding(code=FindingCode.MISSING_VALUE, sheet=SHEET, cell="B4", label=Text("到达日期", "Arrived on"))
    marked = mark(saved_by_wps(), marking(finding))

    assert [picture.content for picture in read(marked, FORMS).pictures] == [BLUE]
    assert Package(marked).read("xl/cellimages.xml") == Package(saved_by_wps()).read("xl/cellimages.xml")


def test_a_picture_that_excel_has_thrown_away_is_told():
    """Excel keeps neither the function nor the picture: what is left is #NAME?."""

    def formula(book: Any, sheet: Any) -> None:
        sheet.write_formula("B7", '=_xlfn.DISPIMG("ID_1F0C",1)', None, "#NAME?")

    form = read(draw({"B3": "甲"}, finish=formula), FORMS)

    assert form.pictures == ()
    assert form.cells["photo"].value == "#NAME?"
