"""Forms that have lost their names, read by what people see."""

from dataclasses import replace
from typing import Any

import pytest

from tests.workbooks.visit import ENGLISH_LABELS, FORMS, LABELS, PLACES, SHEET, VISIT, draw
from workbooks.filled import FilledForm
from workbooks.finding_codes import FindingCode
from workbooks.form import FormDefinition, Text
from workbooks.parsing.labels import fold
from workbooks.reader import read

ANSWERS = {"B3": "甲", "B5": 12, "B6": "好", "B10": "客户要求", "A13": "S1", "B13": 2, "A14": "S2"}


def nameless(cells: dict[str, Any] | None = None, **how: Any) -> bytes:
    return draw(ANSWERS if cells is None else cells, places={}, constants={}, **how)


def answers(form: FilledForm) -> dict[str, Any]:
    return {name: cell.value for name, cell in form.cells.items()}


@pytest.mark.parametrize(("labels", "language"), [(LABELS, "zh"), (ENGLISH_LABELS, "en")])
def test_a_form_pasted_into_a_new_file_is_read(labels: dict[str, str], language: str):
    """Required marks, colons and units beside a label do not hide it."""
    form = read(nameless(labels=labels), FORMS)

    assert (form.identity.form_id, form.identity.version, form.identity.language) == ("visit", 2, language)
    assert answers(form) == {"customer": "甲", "arrived_on": None, "mileage": 12, "result": "好", "photo": None}
    assert form.cells["mileage"].address == "B5"
    assert form.reason is not None
    assert form.reason.value == "客户要求"
    assert [finding.code for finding in form.findings] == [FindingCode.LOST_NAMES]


def test_lines_are_read_under_their_headers():
    """Up to the next label of the form."""
    lines = read(nameless(), FORMS).repeats["parts"]

    assert [(line["serial"].value, line["quantity"].value) for line in lines] == [("S1", 2), ("S2", None)]


def test_an_empty_list_still_has_a_place():
    """What is said about a list without lines points at its first cell, as with a form that has its names."""
    start = read(nameless({"B3": "甲"}), FORMS).starts["parts"]

    assert (start.sheet, start.address) == (SHEET, "A13")


def test_lines_beyond_the_printed_ones_are_read_until_one_is_empty():
    """People go on writing below the last printed line."""
    filled = {f"A{row}": f"S{row}" for row in (13, 14, 15, 16)} | {"A19": "a remark"}
    labels = {place: label for place, label in LABELS.items() if place != "A17"}

    assert len(read(nameless(filled, labels=labels), FORMS).repeats["parts"]) == 4


def test_values_pasted_without_merged_cells_are_found():
    """The answer then stands where the merged cells began."""
    moved = {"A3": "客户", "A4": "到达日期", "A5": "里程", "A6": "结论", "A7": "照片"}
    form = read(nameless({"C3": "甲", "D5": 7}, labels=moved, merge=False), FORMS)

    assert (answers(form)["customer"], form.cells["customer"].address) == ("甲", "C3")
    assert answers(form)["mileage"] == 7


def test_an_empty_answer_ends_at_the_next_label_also_one_with_a_unit():
    """Without merged cells the answer is looked for to the right, and the next label is none."""
    moved = {"A3": "客户", "D3": "里程（km）", "A4": "到达日期", "A6": "结论", "A7": "照片"}
    form = read(nameless({"E3": 7}, labels=moved, merge=False), FORMS)

    assert (answers(form)["customer"], answers(form)["mileage"]) == (None, 7)


def test_a_field_whose_label_is_gone_is_a_finding():
    """It is not silently empty."""
    form = read(nameless(labels={k: v for k, v in LABELS.items() if k != "A6"}), FORMS)

    assert [(f.code, f.field) for f in form.findings[1:]] == [(FindingCode.LOST_FIELD, "result")]


def test_too_few_labels_are_no_form():
    """Two common words do not make a sheet ours."""
    form = read(nameless(labels={"A3": "客户", "A4": "到达日期"}), FORMS)

    assert [finding.code for finding in form.findings] == [FindingCode.UNKNOWN_FORM]
    assert form.cells == {}


def test_a_sheet_that_fits_two_forms_is_not_guessed():
    """A wrong guess would file it in the wrong place."""
    twin = replace(VISIT, form_id="twin")

    assert read(nameless(), FORMS).cells
    assert not read(nameless(), FORMS | {"twin": twin}).cells


def test_hidden_sheets_are_not_searched():
    """What people do not see is not what they mean."""

    def hide(book: Any, sheet: Any) -> None:
        book.add_worksheet("visible").activate()
        sheet.hide()

    assert [f.code for f in read(nameless(finish=hide), FORMS).findings] == [FindingCode.UNKNOWN_FORM]


def test_a_section_title_is_not_taken_for_a_field():
    """The same words may head a section and label a field below."""
    section = replace(VISIT.sections[0], label=Text("客户", "Customer"))
    definition: FormDefinition = replace(VISIT, sections=(section, *VISIT.sections[1:]))
    form = read(nameless(labels=LABELS | {"A2": "客户"}), {"visit": definition})

    assert form.cells["customer"].address == "B3"


def test_a_form_that_lost_most_of_its_cells_is_read_by_labels():
    """It still says which form it is; somebody pasted the page over another one."""
    gone = dict.fromkeys(PLACES, "#REF!")
    form = read(draw(ANSWERS, places=gone), FORMS)

    assert answers(form)["customer"] == "甲"
    assert form.identity.instance_id is not None
    assert form.findings[0].code is FindingCode.LOST_NAMES


def test_the_sheet_with_the_labels_is_found():
    """People paste a form behind a cover sheet."""

    def cover(book: Any, sheet: Any) -> None:
        book.add_worksheet("cover").set_first_sheet()

    assert read(nameless(finish=cover), FORMS).cells["customer"].sheet == SHEET


@pytest.mark.parametrize("text", ["客户", "* 客户", "客户＊", "客户：", " 客 户 :", "★客户", "客户 *", "客户*："])
def test_marks_around_a_label_do_not_matter(text: str):
    """Templates mark what is required; people add colons."""
    assert fold(text) == "客户"
