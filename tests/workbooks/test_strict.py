""" "Strict Open XML Spreadsheet": what Excel offers beside .xlsx, with other namespaces and ISO dates."""

from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.strict import strict
from tests.workbooks.test_push import cases, workbook
from tests.workbooks.test_receipt import marking
from tests.workbooks.visit import FORMS, draw
from workbooks.finding_codes import FindingCode
from workbooks.findings import Finding
from workbooks.form import FieldType, Text
from workbooks.guard import inspect
from workbooks.library import library
from workbooks.package import STRICT_RELATION_NS, STRICT_SHEET_NS, Package
from workbooks.push import push
from workbooks.reader import read
from workbooks.receipt import mark

DATA = Path(__file__).parents[1] / "data" / "good"
DATES = (FieldType.DATE, FieldType.DATETIME)


def dated(name: str) -> tuple[bytes, bytes]:
    """A good workbook, and the same as a strict file with its dates as dates."""
    content = (DATA / name).read_bytes()
    form = read(content, library())
    definition = library()[form.identity.form_id or ""]
    dates = {cell.address for path, cell in form.cells.items() if definition.field(path).type in DATES}
    for repeat, lines in form.repeats.items():
        for line in lines:
            dates |= {c.address for n, c in line.items() if definition.field(f"{repeat}.{n}").type in DATES}
    return content, strict(content, dates.__contains__)


@pytest.mark.parametrize("name", sorted(path.name for path in DATA.glob("*.xlsx")))
def test_a_strict_workbook_has_the_answers_of_the_other(name: str):
    """Names, cells, dates, lines: everything, whatever the form."""
    content, same = dated(name)

    assert read(same, library()) == read(content, library())


def test_dates_in_it_were_really_iso_dates():
    """Or the test above shows nothing."""
    _, same = dated("fracas_shanghai_bcu.xlsx")

    assert Package(same).read("xl/worksheets/sheet1.xml").count(b't="d"') >= 5


def test_pictures_on_strict_sheets_are_found():
    """Their drawings have other namespaces too."""
    out = BytesIO()
    Image.new("RGB", (60, 40), (9, 9, 200)).save(out, "PNG")

    def insert(book: Any, sheet: Any) -> None:
        sheet.insert_image("B7", "p.png", {"image_data": BytesIO(out.getvalue())})

    form = read(strict(draw(finish=insert)), FORMS)

    assert [picture.content for picture in form.pictures] == [out.getvalue()]


def test_a_strict_workbook_is_marked_in_its_own_namespaces():
    """Everything that is added speaks them too; nothing that was there is lost."""
    _, same = dated("trip_plan_shenzhen.xlsx")
    form = read(same, library())
    cell = form.cells["destination"]
    finding = Finding(
        code=FindingCode.MISSING_VALUE, sheet=cell.sheet, cell=cell.address, label=Text("目的地", "Destination")
    )
    marked = mark(same, marking(finding))
    again = read(marked, library())

    assert again.cells == form.cells
    assert again.identity.record_number == "FK-2026-000123"
    package = Package(marked)
    for sheet in package.sheets():
        assert package.xml(sheet.part).tag == f"{{{STRICT_SHEET_NS}}}worksheet"
    kinds = {relation.get("Type", "") for relation in package.relations(package.workbook)}
    assert {kind.rpartition("/")[0] for kind in kinds} == {STRICT_RELATION_NS}
    assert inspect(marked).sheets[-1].title == "检查结果"


def test_rows_are_pushed_into_a_strict_workbook():
    """A manager's own report may be one; the rows are the same as in the usual namespaces."""
    usual, same = push(workbook(), cases(5)), push(strict(workbook()), cases(5))

    def rows(content: bytes) -> bytes:
        return Package(content).read("xl/worksheets/sheet1.xml").partition(b"<sheetData>")[2].partition(b"</s")[0]

    assert Package(same.content).xml("xl/tables/table1.xml").get("ref") == "A1:D6"
    assert b"FR-5" in rows(same.content)
    assert rows(same.content) == rows(usual.content)
