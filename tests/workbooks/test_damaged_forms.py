"""What people do to a form before they send it: done in LibreOffice to good workbooks, and read again."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from server.demo import demo_master
from tests.libreoffice import Office
from tests.workbooks.test_receipt import marking
from workbooks.check import CheckReport, check
from workbooks.filled import FilledForm
from workbooks.finding_codes import FindingCode, Severity
from workbooks.findings import Finding
from workbooks.form import Language
from workbooks.library import library
from workbooks.reader import read
from workbooks.receipt import mark
from workbooks.template import build_template

DATA = Path(__file__).parents[1] / "data" / "good"
NOW = datetime(2026, 11, 20, 12, 0)
MASTER = demo_master(until=NOW.date())
LOAN, PLAN, SUMMARY = "trip_loan_chengdu", "trip_plan_shenzhen", "trip_summary_qingdao"

Damage = Callable[..., tuple[FilledForm, CheckReport]]


def checked(form: FilledForm) -> CheckReport:
    return check(library()[form.identity.form_id or ""], form, master=MASTER, now=NOW)


@pytest.fixture
def damage(office: Office, tmp_path: Path) -> Damage:
    """`damage(name, [command, ...], ...)` is that good workbook after these commands, read and checked."""

    def done(name: str, *commands: list[Any], suffix: str = ".xlsx") -> tuple[FilledForm, CheckReport]:
        office.open_copy(DATA / f"{name}.xlsx", tmp_path)
        office("unprotect")
        for command, *arguments in commands:
            office(command, *arguments)
        office("write", 0, [])
        office("save", tmp_path / f"sent{suffix}")
        form = read((tmp_path / f"sent{suffix}").read_bytes(), library())
        return form, checked(form)

    return done


@pytest.fixture(scope="module")
def good() -> dict[str, CheckReport]:
    return {name: checked(read((DATA / f"{name}.xlsx").read_bytes(), library())) for name in (LOAN, PLAN, SUMMARY)}


def told(form: FilledForm) -> list[tuple[FindingCode, str]]:
    return [(finding.code, finding.cell) for finding in form.findings]


def errors(report: CheckReport) -> set[FindingCode]:
    return {finding.code for finding in report.findings if finding.severity is Severity.ERROR}


# rows, columns, sheets: names follow


@pytest.mark.parametrize(
    "commands",
    [
        [["insert_rows", 0, 6, 3]],
        [["insert_rows", 0, 1, 2]],
        [["insert_columns", 0, 0, 2]],
        [["insert_columns", 0, 6]],
        [["rename", 0, "成都 十一月"]],
        [["add_sheet", "封面", 0], ["add_sheet", "说明", 2]],
        [["add_sheet", "封面", 1], ["move_sheet", "封面", 0]],
        [["add_sheet", "封面", 1], ["show_sheet", "出差借料单", False]],
    ],
    ids=lambda commands: " ".join(str(word) for word in commands[0]),
)
@pytest.mark.parametrize("suffix", [".xlsx", ".xls"])
def test_what_moves_is_found(damage: Damage, good: dict[str, CheckReport], commands: list[Any], suffix: str):
    """Rows, columns and sheets around the answers, and the answers' cells themselves: nothing is lost or mistaken."""
    form, report = damage(LOAN, *commands, suffix=suffix)

    assert report.values == good[LOAN].values
    assert [code for code, _ in told(form) if code is not FindingCode.OLD_FORMAT_TAKEN] == []
    assert report.accepted


def test_answers_that_were_cut_and_pasted_are_found(damage: Damage, good: dict[str, CheckReport]):
    """Names go with their cells."""
    form, report = damage(PLAN, ["merge", 0, "A1:M31", False], ["cut", 0, "D11", "T40"], ["cut", 0, "K11", "T45"])

    assert [form.cells[name].address for name in ("destination", "transport")] == ["T40", "T45"]
    assert report.values == good[PLAN].values


# lists


def test_rows_inserted_into_a_list_are_lines(damage: Damage):
    """The list has more lines than were printed."""
    form, report = damage(
        LOAN, ["insert_rows", 0, 14, 9], ["write", 0, [["B14", "工具"], ["D14", "塞尺"], ["I14", "总师办"], ["K14", 3]]]
    )

    assert [line["name"].value for line in form.repeats["items"]] == ["空压机总成图", "塞尺", "扭矩扳手", "进气滤芯"]
    assert report.accepted


@pytest.mark.parametrize("suffix", [".xlsx", ".xls"])
def test_lines_added_below_a_list_are_lines(damage: Damage, suffix: str):
    """The row below looks like the last line because it was copied from it; that it was taken is told."""
    form, report = damage(
        LOAN,
        ["insert_rows", 0, 23, 2],
        ["copy_row", 0, 13, 23],
        ["copy_row", 0, 14, 24],
        suffix=suffix,
    )
    names = [line["name"].value for line in form.repeats["items"]]

    assert names == ["空压机总成图", "扭矩扳手", "进气滤芯", "空压机总成图", "扭矩扳手"]
    assert told(form)[-2:] == [(FindingCode.LINE_ADDED, "B23"), (FindingCode.LINE_ADDED, "B24")]
    assert report.accepted


def test_what_stands_below_a_list_and_looks_otherwise_is_told(damage: Damage):
    """A row pasted with another look: it is not taken for a line, and not passed over in silence."""
    form, report = damage(
        SUMMARY,
        ["insert_rows", 0, 26, 1],
        ["copy_row", 0, 21, 26],
        ["write", 0, [["A26", ""], ["B26", "再查一遍"], ["G26", ""], ["J26", "合格"], ["Q26", "是"]]],
    )

    assert told(form) == [(FindingCode.LINE_NOT_READ, "B26")]
    assert len(form.repeats["done"]) == 2
    assert report.accepted


# merged cells


def test_two_inputs_merged_into_one_are_told(damage: Damage):
    """One cell cannot answer two questions."""
    form, report = damage(PLAN, ["merge", 0, "D11:H12", False], ["merge", 0, "D11:H12"])
    merged = [finding for finding in form.findings if finding.code is FindingCode.MERGED_INPUT]

    assert [(finding.field, finding.cell, finding.context["into"]) for finding in merged] == [
        ("departs_on", "D12", "D11:H12")
    ]
    assert not report.accepted


def test_an_input_merged_into_its_label_is_told(damage: Damage):
    """What is typed there replaces the label."""
    form, report = damage(PLAN, ["merge", 0, "D9:M9", False], ["merge", 0, "A9:C9", False], ["merge", 0, "A9:M9"])

    assert (FindingCode.MERGED_INPUT, "D9") in told(form)
    assert not report.accepted


def test_lines_of_a_list_merged_with_each_other_are_told(damage: Damage):
    """The same lender for two things: merged, the second has none."""
    form, report = damage(LOAN, ["merge", 0, "I13:J14", False], ["merge", 0, "I13:J14"])

    assert [(f.field, f.cell) for f in form.findings] == [("items.lender", "I14")]
    assert errors(report) >= {FindingCode.MERGED_INPUT}


def test_unmerged_inputs_keep_their_answers(damage: Damage, good: dict[str, CheckReport]):
    """The value stays in the first of the cells, which is the one with the name."""
    form, report = damage(PLAN, ["merge", 0, "A1:M31", False])

    assert report.values == good[PLAN].values
    assert told(form) == []


def test_an_answer_beside_its_cell_is_told(damage: Damage):
    """Unmerged, an input is several cells, and people type into any of them."""
    form, _ = damage(PLAN, ["merge", 0, "K6:M6", False], ["write", 0, [["K6", ""], ["L6", "RW-2026-999"]]])

    assert told(form) == [(FindingCode.ANSWER_BESIDE, "K6")]
    assert form.findings[0].context["beside"] == "L6"


# names


def test_names_deleted_in_part_are_told(damage: Damage):
    """Each field without a cell by its label, once: nobody can fill it in."""
    form, report = damage(PLAN, ["remove_names", ["AS_destination", "AS_departs_on"]])
    lost = {finding.field for finding in form.findings if finding.code is FindingCode.LOST_FIELD}

    assert lost == {"destination", "departs_on"}
    assert errors(report) == {FindingCode.LOST_FIELD}
    assert not report.accepted


def test_a_cell_cut_onto_another_input_is_told(damage: Damage):
    """LibreOffice leaves both names at the cell; its one value is not taken for two answers."""
    form, report = damage(PLAN, ["merge", 0, "A1:M31", False], ["cut", 0, "K11", "D11"])
    shared = [finding for finding in form.findings if finding.code is FindingCode.SHARED_CELL]

    assert {(f.field, f.cell) for f in shared} == {("destination", "D11"), ("transport", "D11")}
    assert not report.accepted


# pasted over


@pytest.mark.parametrize(
    ("entries", "field", "code"),
    [
        ([["D7", "洗车"]], "purpose", FindingCode.NOT_A_CHOICE),
        ([["D12", "昨天"]], "departs_on", FindingCode.NOT_A_DATE),
        ([["D12", "=1/0"]], "departs_on", FindingCode.CELL_ERROR),
        ([["D12", True]], "departs_on", FindingCode.NOT_A_DATE),
        ([["D5", '="深圳"&"站点"']], "station", FindingCode.NOT_A_CHOICE),
    ],
)
def test_values_pasted_over_a_drop_down_are_checked_again(
    damage: Damage, entries: list[Any], field: str, code: FindingCode
):
    """Pasting passes by Excel's validation, not by ours."""
    _, report = damage(PLAN, ["write", 0, entries])

    assert (code, field) in {(finding.code, finding.field) for finding in report.findings}
    assert not report.accepted


def test_formulas_that_give_a_good_answer_are_good_answers(damage: Damage, good: dict[str, CheckReport]):
    """People calculate in the cell; its result is what counts."""
    _, report = damage(PLAN, ["write", 0, [["D12", "=DATE(2026;11;10)+2"], ["D11", '="深"&"圳"']]])

    assert report.values == good[PLAN].values


# other workbooks, other sheets


@pytest.mark.parametrize("target", ["A1", "C4"])
def test_a_form_pasted_into_a_new_workbook_is_read_by_its_labels(
    office: Office, tmp_path: Path, good: dict[str, CheckReport], target: str
):
    """As a block, wherever it begins; merged cells and formats come along, names do not."""
    office.open_copy(DATA / f"{PLAN}.xlsx", tmp_path)
    office("unprotect")
    office("paste_into_new", "A1:M31", target)
    office("save", tmp_path / "new.xlsx")
    form = read((tmp_path / "new.xlsx").read_bytes(), library())

    assert told(form) == [(FindingCode.LOST_NAMES, "")]
    assert checked(form).values == good[PLAN].values


def test_a_sheet_copied_into_a_new_workbook_is_read(office: Office, tmp_path: Path, good: dict[str, CheckReport]):
    """The menu of its tab takes names along or not: the answers are the same."""
    office.open_copy(DATA / f"{PLAN}.xlsx", tmp_path)
    office("import_into_new")
    office("save", tmp_path / "new.xlsx")
    form = read((tmp_path / "new.xlsx").read_bytes(), library())

    assert checked(form).values == good[PLAN].values


def test_a_second_filled_form_in_the_workbook_is_told(damage: Damage):
    """One sheet copied for each trip: they are not silently left out."""
    form, report = damage(PLAN, ["copy_sheet", "出差安排计划单", "第二次", 1], ["write", 1, [["D11", "广州"]]])
    other = [finding for finding in form.findings if finding.code is FindingCode.OTHER_FORM]

    assert [finding.context["other"] for finding in other] == ["第二次"]
    assert form.cells["destination"].value == "深圳"
    assert not report.accepted


def test_the_same_form_twice_is_one(damage: Damage, good: dict[str, CheckReport]):
    """People keep a copy in the same file; it says nothing new."""
    form, report = damage(PLAN, ["copy_sheet", "出差安排计划单", "备份", 1])

    assert told(form) == []
    assert report.values == good[PLAN].values


def test_two_forms_without_names_in_one_workbook_are_told(office: Office, tmp_path: Path):
    """Which of them is read is said, and that the other is not."""
    office.open_copy(DATA / "trip_loan_pasted_into_new_workbook.xlsx", tmp_path)
    office("copy_sheet", "Sheet1", "Sheet2", 1)
    office("write", 1, [["E6", "王五"]])
    office("save", tmp_path / "two.xlsx")
    form = read((tmp_path / "two.xlsx").read_bytes(), library())
    other = [finding for finding in form.findings if finding.code is FindingCode.OTHER_FORM]

    assert [(f.context["other"], f.context["read"]) for f in other] == [("Sheet2", "Sheet1")]


# what is as it should be


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("form_id", sorted(library()))
def test_nothing_is_said_of_a_form_that_is_whole(form_id: str, language: Language):
    """Everything a template prints is known to be printed, and our own receipt's sheet is no other form."""
    definition = library()[form_id]
    blank = build_template(definition, language=language, master=MASTER)
    missing = check(definition, read(blank, library()), master=MASTER, now=NOW).findings
    everything = tuple(
        Finding(code=FindingCode.MISSING_VALUE, field=path, label=field.label) for path, field in definition.paths()
    )
    receipt = mark(blank, marking(*missing, *everything))

    assert read(blank, library()).findings == ()
    assert read(receipt, library()).findings == ()
