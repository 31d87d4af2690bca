"""What comes out of a filled workbook."""

import re
import subprocess
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.workbook.defined_name import DefinedName

from tests.archives import MAIN, OFFICE, SHEET, book, parts, sheet
from tests.workbooks.visit import CONSTANTS, FORMS, LABELS, PLACES, draw
from tests.workbooks.visit import SHEET as TITLE
from workbooks.filled import Cell, FilledForm, Identity
from workbooks.finding_codes import FindingCode
from workbooks.package import Package
from workbooks.reader import Refused, read


def value(content: bytes, path: str = "customer") -> Any:
    return read(content, FORMS).cells[path].value


def codes(form: FilledForm) -> list[FindingCode]:
    return [finding.code for finding in form.findings]


def with_workbook_part(content: bytes, change: Callable[[str], str]) -> bytes:
    package = Package(content)
    package.replace("xl/workbook.xml", change(package.read("xl/workbook.xml").decode()).encode())
    return package.save()


def test_a_cell_says_where_it_is():
    """A finding can point to it, also on a sheet whose title needs quotes."""
    assert read(draw({"B3": "甲公司"}), FORMS).cells["customer"] == Cell(TITLE, "B3", "甲公司")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("甲公司 ", "甲公司 "),
        ("", None),
        (12.5, 12.5),
        (True, True),
        (False, False),
        ((date(2026, 3, 5), "yyyy-mm-dd"), date(2026, 3, 5)),
        ((date(2026, 3, 5), 'yyyy"年"m"月"d"日"'), date(2026, 3, 5)),
        ((datetime(2026, 3, 5, 14, 30), "yyyy-mm-dd hh:mm"), datetime(2026, 3, 5, 14, 30)),
        ((0.25, "hh:mm"), time(6, 0)),
        ((1.5, "[h]:mm"), timedelta(hours=36)),
        ("_x0041_", "_x0041_"),
    ],
)
def test_a_value_keeps_its_type(typed: object, expected: object):
    """Nothing is interpreted yet; that is the check's part."""
    actual = value(draw({"B3": typed}))

    assert (actual, type(actual)) == (expected, type(expected))


def test_an_empty_cell_is_none():
    """Whoever asks for an answer need not know how emptiness looks in a file."""
    assert value(draw()) is None


def test_a_date_counted_from_1904_is_the_same_date():
    """Workbooks that began their life on a Macintosh count otherwise."""
    content = draw({"B4": (date(2026, 3, 5), "yyyy-mm-dd")}, options={"date_1904": True})

    assert value(content, "arrived_on") == date(2026, 3, 5)


@pytest.mark.parametrize("error", ["#N/A", "#DIV/0!", "#NAME?", "#REF!"])
def test_a_formula_error_is_its_text(error: str):
    """The check can say which error stands in the cell."""
    content = draw(finish=lambda book, sheet: sheet.write_formula("B3", "=1/0", None, error))

    assert value(content) == error


@pytest.mark.parametrize("error", ["#SPILL!", "#GETTING_DATA", "#CONNECT!"])
def test_an_error_newer_than_the_reading_library_is_its_text(error: str):
    """In a field it can be told; in a note beside the form it costs nobody the whole file."""
    content = draw(
        {"B4": "乙"},
        finish=lambda book, sheet: [sheet.write_formula(cell, "=1/0", None, "#DIV/0!") for cell in ("B3", "H30")],
    )
    package = Package(content)
    part = package.sheets()[0].part
    package.replace(part, package.read(part).replace(b"#DIV/0!", error.encode()))

    form = read(package.save(), FORMS)

    assert form.cells["customer"].value == error
    assert form.findings == read(content, FORMS).findings


def test_a_formula_gives_its_last_result():
    """People calculate an answer in its own cell."""
    content = draw(finish=lambda book, sheet: sheet.write_formula("B5", "=6*7", None, 42))

    assert value(content, "mileage") == 42


def test_a_number_no_sheet_can_hold_is_text():
    """Infinity must not reach arithmetic; as text it becomes an ordinary finding."""
    cells = '<row r="2"><c r="A2"><v>1e999</v></c></row>'

    assert read(book({SHEET: sheet(cells)})).cells["order"].value == "inf"


def test_merged_cells_are_read_at_their_first():
    """A name may cover the whole merged range."""
    assert read(draw({"B5": 7}), FORMS).cells["mileage"] == Cell(TITLE, "B5", 7)


def test_values_begin_anywhere():
    """The first filled cell need not be A1."""
    content = draw({"B3": "甲"}, labels={}, merge=False)

    assert value(content) == "甲"


def test_lines_of_a_repeat_are_read_by_row():
    """Lines left empty between others, or filled with blanks or formulas only, are no entries."""
    filled = {"A13": "S1", "B13": 2, "A14": "  ", "B15": 5}
    content = draw(filled, finish=lambda book, sheet: sheet.write_formula("C14", "=B14*2", None, 0))
    lines = read(content, FORMS).repeats["parts"]

    assert [(line["serial"].value, line["quantity"].value) for line in lines] == [("S1", 2), (None, 5)]
    assert lines[1]["quantity"].address == "B15"


def test_an_empty_repeat_has_a_place():
    """Where its first line would begin: that is what a finding about it points to."""
    form = read(draw({}), FORMS)

    assert form.repeats["parts"] == ()
    assert form.starts["parts"].address == "A13"


def test_rows_inserted_into_a_repeat_are_read():
    """Excel stretches the names; they need not stretch alike."""
    places = PLACES | {"parts.serial": "$A$13:$A$17", "parts.quantity": "$B$13:$B$16"}
    lines = read(draw({"A13": "S1", "B13": 1, "A17": "S2"}, places=places), FORMS).repeats["parts"]

    assert [line["serial"].value for line in lines] == ["S1", "S2"]
    assert "quantity" not in lines[1]


def test_the_identity_is_read():
    """Constants say which form it is, cells in the title block which record."""
    places = PLACES | {"AS__number": "$D$2", "AS__revision": "$D$3"}
    constants = CONSTANTS | {"language": "en", "station": "S-07", "seal": 'a"b'.replace('"', '""')}
    identity = read(draw({"D2": "V-0007", "D3": 3}, places=places, constants=constants), FORMS).identity

    assert identity == Identity(
        form_id="visit",
        version=2,
        instance_id=CONSTANTS["instance_id"],
        language="en",
        record_number="V-0007",
        revision=3,
        station="S-07",
        seal='a"b',
    )


def test_the_reason_has_its_cell():
    """Soft rules may be broken with a reason (合理性说明)."""
    form = read(draw({"B10": "客户要求"}, places=PLACES | {"AS__reason": "$B$10"}), FORMS)

    assert form.reason == Cell(TITLE, "B10", "客户要求")


def test_any_form_is_read_by_its_names():
    """Without definitions every name of ours is taken; nothing is said about lost ones."""
    form = read(draw({"B3": "甲", "A13": "S1"}))

    assert (form.cells["customer"].value, form.repeats["parts"][0]["serial"].value) == ("甲", "S1")
    assert form.findings == ()


def test_a_deleted_cell_is_a_finding():
    """A deleted row leaves its name behind, pointing nowhere."""
    form = read(draw(places=PLACES | {"customer": "#REF!"}), FORMS)

    assert [(f.code, f.field) for f in form.findings] == [(FindingCode.LOST_FIELD, "customer")]
    assert "customer" not in form.cells


def test_a_calculated_field_need_not_have_a_cell():
    """It is recalculated anyway."""
    assert codes(read(draw(places={k: v for k, v in PLACES.items() if k != "parts.amount"}), FORMS)) == []


def test_an_older_template_need_not_know_every_field():
    """A field added since is not lost."""
    older = {path: place for path, place in PLACES.items() if path != "result"}
    labels = {place: label for place, label in LABELS.items() if place != "A6"}

    assert codes(read(draw(places=older, constants=CONSTANTS | {"version": "1"}, labels=labels), FORMS)) == []
    assert codes(read(draw(places=older), FORMS)) == [FindingCode.LOST_FIELD]


def test_an_older_template_whose_label_stands_there_has_lost_the_name():
    """What was typed beside the label is not passed over."""
    older = {path: place for path, place in PLACES.items() if path != "result"}

    found = codes(read(draw(places=older, constants=CONSTANTS | {"version": "1"}), FORMS))

    assert found == [FindingCode.LOST_FIELD]


def test_an_unknown_form_is_a_finding():
    """A form of another company, or one that has been withdrawn."""
    assert codes(read(draw(constants=CONSTANTS | {"form_id": "other"}), FORMS)) == [FindingCode.UNKNOWN_FORM]
    assert codes(read(draw(places={}, constants={}, labels={}), FORMS)) == [FindingCode.UNKNOWN_FORM]


def test_a_sheet_moved_to_another_file_is_known_by_its_names():
    """Excel takes the names of its cells along, but not what the form said of itself."""
    form = read(draw({"B3": "甲"}, constants={}, labels={}), FORMS)

    assert (form.identity.form_id, form.cells["customer"].value) == ("visit", "甲")
    assert codes(form) == [FindingCode.LOST_NAMES]


def test_the_copy_of_a_sheet_is_not_the_form():
    """Excel gives a copied sheet names of its own; those of the whole workbook go before."""

    def copy(book: Any, sheet: Any) -> None:
        book.add_worksheet("copy").write("B3", "of the copy")
        book.define_name("copy!AS_customer", "=copy!$B$3")

    assert value(draw({"B3": "original"}, finish=copy)) == "original"


def test_a_name_that_leads_to_another_workbook_is_lost():
    """It would read somebody else's file, or nothing."""
    form = read(draw(places=PLACES | {"customer": "'[1]表'!$B$3"}), FORMS)

    assert codes(form) == [FindingCode.LOST_FIELD]


@pytest.mark.parametrize("spelling", ["出差!$A$1", "'出差'!$A$1", "出差!A1", "'出差'!$A$1:$C$1", "出差!$A$1,出差!$B$1"])
def test_names_are_understood_as_writers_spell_them(spelling: str):
    """Excel, WPS and LibreOffice quote and anchor differently."""

    def respell(text: str) -> str:
        text = text.replace(TITLE.replace("'", "''"), "出差").replace(TITLE, "出差")
        return re.sub('(AS_customer">)[^<]*', rf"\g<1>{spelling}", text)

    content = with_workbook_part(draw({"B3": "x"}), respell)

    assert read(content, FORMS).cells["customer"] == Cell("出差", "A1", "出差服务单")


def test_a_strict_file_reads_the_same():
    """ "Strict Open XML" has other namespaces; some libraries take it for an empty workbook."""
    content = draw({"B3": "甲", "A13": "S1"})
    package = Package(content)
    for name in [name for name in package.names() if name.endswith((".xml", ".rels"))]:
        text = package.read(name).decode()
        package.replace(
            name,
            text.replace(MAIN, "http://purl.oclc.org/ooxml/spreadsheetml/main")
            .replace(OFFICE, "http://purl.oclc.org/ooxml/officeDocument/relationships")
            .encode(),
        )

    assert read(package.save(), FORMS) == read(content, FORMS)


def test_a_workbook_built_by_openpyxl_is_read():
    """Its texts stand in the cells themselves, its names without quotes."""
    source = openpyxl.Workbook()
    page = source.active
    page.title = "visit"
    page["B3"], page["B4"] = "甲", datetime(2026, 3, 5)
    page["B4"].number_format = "yyyy/m/d"
    for path, place in PLACES.items():
        name = "AS_" + path.replace(".", "__")
        source.defined_names[name] = DefinedName(name, attr_text=f"visit!{place}")
    source.defined_names["AS__form_id"] = DefinedName("AS__form_id", attr_text='"visit"', hidden=True)
    out = BytesIO()
    source.save(out)
    form = read(out.getvalue(), FORMS)

    assert (form.cells["customer"].value, form.cells["arrived_on"].value) == ("甲", date(2026, 3, 5))
    assert form.findings == ()


@pytest.mark.parametrize(
    "broken",
    [
        '<row r="1"><c r="A1" t="s"><v>9</v></c></row>',
        '<row r="1"><c r="A1" t="b"><v>9</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>1</v></row>',
    ],
)
def test_what_the_library_cannot_read_is_damaged(broken: str):
    """The sender is asked for another copy; nothing crashes."""
    with pytest.raises(Refused) as caught:
        read(book({SHEET: sheet(broken + '<row r="2"><c r="A2" t="s"><v>1</v></c></row>')}))

    assert caught.value.finding.code is FindingCode.DAMAGED


def test_a_broken_workbook_part_is_damaged():
    """Half a workbook part is not half a workbook."""
    with pytest.raises(Refused) as caught:
        read(book({"xl/workbook.xml": str(parts()["xl/workbook.xml"])[:-30]}))

    assert caught.value.finding.code is FindingCode.DAMAGED


def test_a_workbook_saved_by_libreoffice_reads_the_same(require_program: Callable[..., str], tmp_path: Path):
    """It spells names, dates and errors in its own way."""

    def calculate(book: Any, sheet: Any) -> None:
        sheet.write_formula("A15", "=B13*10", None, 20)
        sheet.write_formula("B6", "=NA()", None, "#N/A")

    source = draw(
        {
            "B3": "甲公司 & <乙>",
            "B4": (date(2026, 3, 5), "yyyy-mm-dd"),
            "B5": (1234.5, "#,##0.00"),
            "A13": "S1",
            "B13": 2,
        },
        places=PLACES | {"AS__reason": "$B$10"},
        finish=calculate,
    )
    original = tmp_path / "visit.xlsx"
    original.write_bytes(source)
    subprocess.run(
        [
            require_program("soffice", "libreoffice"),
            f"-env:UserInstallation=file://{tmp_path}/profile",
            "--headless",
            "--convert-to",
            "xlsx:Calc MS Excel 2007 XML",
            "--outdir",
            tmp_path / "out",
            original,
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    before, after = read(source, FORMS), read((tmp_path / "out" / "visit.xlsx").read_bytes(), FORMS)

    assert after.identity == before.identity
    assert after.cells == before.cells
    assert [line["serial"].value for line in after.repeats["parts"]] == ["S1", 20]
    assert after.findings == ()
