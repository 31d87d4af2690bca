"""Cells, names and labels that have come apart, sheets filled in twice, cells that only look empty."""

from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest

from tests.workbooks.visit import FORMS, LABELS, PLACES, draw
from workbooks.filled import FilledForm
from workbooks.finding_codes import FindingCode
from workbooks.findings import Finding
from workbooks.parsing.unread import NEVER_CALCULATED, unread_cells
from workbooks.reader import Refused, read

ANSWERS: dict[str, Any] = {"B3": "甲", "B5": 12, "B6": "好", "A13": "S1", "B13": 2, "A14": "S2"}


def found(form: FilledForm, code: FindingCode) -> list[Finding]:
    return [finding for finding in form.findings if finding.code is code]


def unlock(*addresses: str) -> Any:
    """Let these cells be ones to type into, as a template's answers are."""

    def finish(book: Any, sheet: Any) -> None:
        for address, value in addresses_and_values:
            sheet.write(address, value, book.add_format({"locked": False}))

    addresses_and_values = [pair.split("=") for pair in addresses]
    return finish


def test_a_form_as_it_was_made_has_nothing_out_of_place() -> None:
    """Units, colons and required marks at the labels do not matter."""
    assert read(draw(ANSWERS), FORMS).findings == ()


def test_a_name_that_stands_beside_another_label_is_a_finding() -> None:
    """The answer of one field is not taken for that of another; both cells are named."""
    form = read(draw(ANSWERS, places=PLACES | {"customer": "$B$6"}), FORMS)

    (finding,) = found(form, FindingCode.MISPLACED_ANSWER)
    assert (finding.field, finding.cell, finding.context["found"]) == ("customer", "B6", "A3")


def test_a_name_that_leads_to_an_empty_place_is_a_finding() -> None:
    """It would count as not answered although the answer stands beside its label."""
    form = read(draw(ANSWERS, places=PLACES | {"customer": "$F$20"}), FORMS)

    assert [f.field for f in found(form, FindingCode.MISPLACED_ANSWER)] == ["customer"]


def test_columns_of_a_list_that_changed_places_are_a_finding() -> None:
    """Headers and answers moved together, the names stayed."""
    form = read(draw(ANSWERS, labels=LABELS | {"A12": "数量", "B12": "序列号*"}), FORMS)

    fields = [finding.field for finding in found(form, FindingCode.MISPLACED_ANSWER)]
    assert fields == ["parts.serial", "parts.quantity"]


def test_a_column_that_begins_in_another_row_is_a_finding() -> None:
    """Cells were inserted into one column: its answers belong to other lines."""
    form = read(draw(ANSWERS, places=PLACES | {"parts.quantity": "$B$14:$B$16"}), FORMS)

    assert [f.field for f in found(form, FindingCode.MISPLACED_ANSWER)] == ["parts.quantity"]


@pytest.mark.parametrize("label", ["客户（全称）", "请填写客户", "顾客", ""])
def test_a_label_in_other_words_is_no_finding(label: str) -> None:
    """People put their own words to a sheet."""
    assert read(draw(ANSWERS, labels=LABELS | {"A3": label}), FORMS).findings == ()


def test_the_same_words_elsewhere_do_not_make_an_edited_label_a_finding() -> None:
    """A note with the field's name in it stands far away, and the label has words added."""
    labels = LABELS | {"A3": "客户 / Customer name", "F30": "客户"}

    assert read(draw(ANSWERS, labels=labels), FORMS).findings == ()


def test_names_that_all_moved_are_read_by_the_labels() -> None:
    """A script inserted a row at the top: cells moved, names did not. The labels say what is what."""
    moved = {path: place.replace("$", "$", 1) for path, place in PLACES.items()}
    moved = {path: _one_up(place) for path, place in moved.items()}
    form = read(draw(ANSWERS, places=moved), FORMS)

    assert [finding.code for finding in form.findings] == [FindingCode.LOST_NAMES]
    assert (form.cells["customer"].value, form.cells["mileage"].value) == ("甲", 12)


def _one_up(place: str) -> str:
    return ":".join(f"${part.split('$')[1]}${int(part.split('$')[2]) - 1}" for part in place.split(":"))


def test_what_is_typed_beside_an_empty_cell_is_a_finding() -> None:
    """Cells that were merged have been taken apart, and the answer stands in the second of them."""
    answers = {address: value for address, value in ANSWERS.items() if address != "B3"}
    form = read(draw(answers, finish=unlock("C3=甲")), FORMS)

    (finding,) = found(form, FindingCode.ANSWER_BESIDE)
    assert (finding.field, finding.cell, finding.context["beside"]) == ("customer", "B3", "C3")


def test_a_unit_beside_an_empty_cell_is_none() -> None:
    """What the template itself prints there stands in a locked cell."""
    answers = {address: value for address, value in ANSWERS.items() if address != "B3"}

    assert read(draw(answers | {"C3": "（全称）"}), FORMS).findings == ()


def test_digits_shown_with_zeros_are_read_as_shown() -> None:
    """A serial number 0041729 that is a number with the format 0000000."""
    form = read(draw(ANSWERS | {"A13": (41729, "0000000"), "B3": (12, "000")}), FORMS)

    assert form.repeats["parts"][0]["serial"].value == "0041729"
    assert form.cells["customer"].value == "012"


def test_bare_days_of_a_workbook_that_counts_from_1904_are_the_right_days() -> None:
    """A date that lost its format in a file from an old Macintosh is not four years early."""
    drawn = draw(ANSWERS | {"B4": 44867}, options={"date_1904": True})

    assert read(drawn, FORMS).cells["arrived_on"].value == 44867 + 1462
    assert read(draw(ANSWERS | {"B4": 44867}), FORMS).cells["arrived_on"].value == 44867


HEAD = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'


@pytest.mark.parametrize(
    ("cells", "unread"),
    [
        (b'<row r="2"><c r="B2"><f>A1</f></c></row>', NEVER_CALCULATED),
        (b'<row r="2"><c r="B2"><f>A1</f><v></v></c></row>', NEVER_CALCULATED),
        (b'<row r="2"><c r="B2" s="4"><f t="shared" si="0"/></c></row>', NEVER_CALCULATED),
        (b'<row r="2"><c r="B2" t="str"><f>A1</f><v></v></c></row>', None),
        (b'<row r="2"><c r="B2"><f>A1</f><v>3</v></c></row>', None),
        (b'<row r="2"><c r="B2" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>', "#DIV/0!"),
        (b"<row r='2'><c t='e' r='B2'><v>#N/A</v></c></row>", "#N/A"),
        (b'<row r="2">\n <c r="B2" t="e">\n  <v>#N/A</v>\n </c>\n</row>', "#N/A"),
        (b'<row><c/></row><row><c/><c s="1" t="e"><v>#NUM!</v></c></row>', "#NUM!"),
    ],
)
def test_cells_that_only_look_empty_are_found(cells: bytes, unread: str | None) -> None:
    """Errors and formulas without a result, however the sheet is spelled."""
    assert list(unread_cells(HEAD + cells + b"</sheetData></worksheet>")) == ([((1, 1), unread)] if unread else [])


def test_values_spelled_with_white_space_are_refused() -> None:
    """Our reader takes the index of a text with a line end in it for the first text of all."""
    with pytest.raises(Refused):
        list(unread_cells(HEAD + b'<row r="2">\n<c r="B2" t="s"><v>\n5\n</v></c></row></sheetData></worksheet>'))


def test_rows_inserted_under_the_head_of_a_list_are_no_finding() -> None:
    """However many: the names went along, and so did what is under them."""
    moved = {p: place.replace("13", "23").replace("15", "25") for p, place in PLACES.items() if "." in p}
    form = read(draw({"B3": "甲", "A23": "S1", "B23": 2}, places=PLACES | moved), FORMS)

    assert form.findings == ()
    assert [line["serial"].value for line in form.repeats["parts"]] == ["S1"]


def test_a_name_that_leads_to_a_label_is_a_finding() -> None:
    """The words of the form are not taken for an answer."""
    form = read(
        draw({**ANSWERS, "C3": "结论", "D3": "好"}, places=PLACES | {"customer": "$C$3", "result": "$D$3"}), FORMS
    )

    assert "customer" in [finding.field for finding in found(form, FindingCode.MISPLACED_ANSWER)]


def test_an_optional_answer_that_was_never_calculated_is_not_taken_for_empty() -> None:
    """A script wrote a formula and no result."""
    with ZipFile(BytesIO(draw(ANSWERS))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(b'<c r="B5">', b'<c r="B5"><f>1+1</f></c><c r="Z5">')
    form = read(_zipped(parts), FORMS)

    assert form.cells["mileage"].value == NEVER_CALCULATED


@pytest.mark.parametrize("odd", [b"<!-- -->", b"<?a b?>"])
def test_a_text_parted_by_a_comment_is_refused(odd: bytes) -> None:
    """Some readers see 12, others 1: nobody is asked to trust either."""
    with ZipFile(BytesIO(draw(ANSWERS))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    assert b"<v>12</v>" in parts[name]
    parts[name] = parts[name].replace(b"<v>12</v>", b"<v>1" + odd + b"2</v>")

    with pytest.raises(Refused) as refused:
        read(_zipped(parts), FORMS)

    assert refused.value.finding.code is FindingCode.UNSAFE


def test_a_comment_between_the_cells_is_no_reason_to_refuse() -> None:
    """Some programs sign what they write."""
    with ZipFile(BytesIO(draw(ANSWERS))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    parts[name] = parts[name].replace(b"<sheetData>", b"<!-- made by hand -->\n<sheetData><!--x-->", 1)

    assert read(_zipped(parts), FORMS).cells["customer"].value == "甲"


def _zipped(parts: dict[str, bytes]) -> bytes:
    out = BytesIO()
    with ZipFile(out, "w", 8) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()
