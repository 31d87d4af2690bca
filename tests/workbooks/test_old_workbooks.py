"""Workbooks in the old format (.xls, BIFF8; WPS calls it .et), saved by LibreOffice."""

import random
from datetime import datetime
from pathlib import Path

import pytest

from server.demo import demo_master
from tests.libreoffice import Office
from tests.sendings import GOOD
from workbooks.check import check
from workbooks.filled import FilledForm
from workbooks.finding_codes import FindingCode
from workbooks.library import library
from workbooks.reader import Refused, read
from workbooks.refusal import Limits
from workbooks.sandbox import Sandbox

DATA = Path(__file__).parents[1] / "data" / "good"
NOW = datetime(2026, 11, 20, 12, 0)
MASTER = demo_master(until=NOW.date())
NAMES = ("fracas_shanghai_bcu", "feedback_nanjing_complaint", "survey_wuhan_returned", "trip_plan_shenzhen_english",
         "trip_loan_chengdu", "trip_summary_qingdao_with_undone_item")  # fmt: skip


@pytest.fixture(scope="module")
def old(office: Office, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One good workbook of each form, opened, calculated and saved as .xls."""
    folder = tmp_path_factory.mktemp("old")
    for name in NAMES:
        office.open_copy(DATA / f"{name}.xlsx", folder)
        office("write", 0, [])
        office("save", folder / f"{name}.xls")
    return {name: (folder / f"{name}.xls").read_bytes() for name in NAMES}


def codes(form: FilledForm) -> list[FindingCode]:
    return [finding.code for finding in form.findings]


def refused(content: bytes, limits: Limits = Limits()) -> FindingCode:  # noqa: B008 - frozen
    with pytest.raises(Refused) as caught:
        read(content, library(), limits)
    return caught.value.finding.code


def test_texts_that_libreoffice_did_not_calculate_are_no_mistakes(office: Office, tmp_path: Path):
    """Opened and saved as .xls at once, it writes 0 where a formula gives a text; people see the text."""
    office.open_copy(DATA / "survey_xian_not_returned.xlsx", tmp_path)
    office("save", tmp_path / "sent.xls")
    form = read((tmp_path / "sent.xls").read_bytes(), library())
    report = check(library()["survey"], form, master=MASTER, now=NOW)

    assert form.cells["region"].value == 0
    assert [finding.code for finding in report.findings] == [FindingCode.OLD_FORMAT_TAKEN]


@pytest.mark.parametrize("name", NAMES)
def test_an_old_workbook_has_the_answers_of_the_new_one(old: dict[str, bytes], name: str):
    """Names, dates, times, numbers, lines of lists: all as in the .xlsx, with a note that the format is old."""
    new, form = read((DATA / f"{name}.xlsx").read_bytes(), library()), read(old[name], library())
    definition = library()[form.identity.form_id or ""]
    reports = [check(definition, each, master=MASTER, now=NOW) for each in (new, form)]

    assert form.identity == new.identity
    assert reports[1].values == reports[0].values
    assert reports[1].accepted
    assert codes(form) == [FindingCode.OLD_FORMAT_TAKEN]
    assert {finding.code for finding in reports[1].findings} <= {FindingCode.OLD_FORMAT_TAKEN} | {
        finding.code for finding in reports[0].findings
    }


def test_every_form_is_among_them():
    """A new form joins the list above."""
    assert {sending.form_id for sending in GOOD if sending.name in NAMES} == set(library())


def test_a_formula_error_in_an_old_workbook_is_told(office: Office, tmp_path: Path):
    """The reading library leaves the cell empty, and empty it would be "not filled in"."""
    office.open_copy(DATA / "trip_plan_shenzhen.xlsx", tmp_path)
    office("unprotect")
    office("write", 0, [["D9", "=1/0"], ["D11", "=NA()"]])
    office("save", tmp_path / "plan.xls")
    cells = read((tmp_path / "plan.xls").read_bytes(), library()).cells

    assert {cells["task"].value, cells["destination"].value} == {"#DIV/0!", "#N/A"}


def test_an_old_workbook_without_names_is_read_by_its_labels(office: Office, tmp_path: Path):
    """Pasted into a new workbook and saved in the old format: both is told."""
    office.open_copy(DATA / "trip_loan_pasted_into_new_workbook.xlsx", tmp_path)
    office("save", tmp_path / "loan.xls")
    form = read((tmp_path / "loan.xls").read_bytes(), library())

    assert codes(form) == [FindingCode.OLD_FORMAT_TAKEN, FindingCode.LOST_NAMES]
    assert form.cells["borrower"].value == "郑洋"


def test_a_link_to_the_file_it_was_pasted_from_starts_no_program(office: Office, tmp_path: Path):
    """The drop-downs lead to it; with a program and a topic instead of folders and a file it is DDE."""
    office.open_copy(DATA / "trip_plan_shenzhen.xlsx", tmp_path)
    office("paste_into_new", "A1:M31", "A1")
    office("save", tmp_path / "plan.xls")
    content = (tmp_path / "plan.xls").read_bytes()
    path = f"\x01\x02{tmp_path.parts[1]}\x03".encode()
    assert path in content

    assert read(content, library()).cells["destination"].value == "深圳"
    assert refused(content.replace(path, b"x" + path[1:])) is FindingCode.ACTIVE_CONTENT


def test_a_moved_and_renamed_sheet_is_found(office: Office, tmp_path: Path):
    """Names in an .xls count sheets by number; the number follows the sheet."""
    office.open_copy(DATA / "trip_plan_shenzhen.xlsx", tmp_path)
    office("rename", 0, "十一月　'新' 计划")
    office("add_sheet", "说明", 0)
    office("save", tmp_path / "plan.xls")
    form = read((tmp_path / "plan.xls").read_bytes(), library())

    assert form.cells["destination"].sheet == "十一月　'新' 计划"
    assert form.cells["destination"].value == "深圳"


def test_a_deleted_row_is_told(office: Office, tmp_path: Path):
    """The name is left behind, pointing nowhere."""
    office.open_copy(DATA / "trip_plan_shenzhen.xlsx", tmp_path)
    office("unprotect")
    office("delete_row_of", "AS_destination")
    office("save", tmp_path / "plan.xls")
    form = read((tmp_path / "plan.xls").read_bytes(), library())

    assert {f.field for f in form.findings if f.code is FindingCode.LOST_FIELD} >= {"destination"}


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        # The version in the first record: Excel 5.0/95.
        (b"\x09\x08\x10\x00\x00\x06\x05\x00", b"\x09\x08\x10\x00\x00\x05\x05\x00", FindingCode.OLD_FILE_FORMAT),
        # The hidden sheet of lists, said to be a sheet of Excel 4.0 macros.
        (b"\x01\x00\x06\x00_lists", b"\x01\x01\x06\x00_lists", FindingCode.ACTIVE_CONTENT),
        (b"\x01\x00\x06\x00_lists", b"\x01\x00\x06\x00_li\x00ts", FindingCode.DAMAGED),
        ("\x01Ole".encode("utf-16-le"), "Ctls".encode("utf-16-le"), FindingCode.ACTIVE_CONTENT),
        # A link whose path has a program and a topic.
        (b"\xae\x01\x04\x00\x02\x00\x01\x04", b"\xae\x01\x04\x00\x02\x00\x01\x00", FindingCode.DAMAGED),
    ],
)
def test_what_no_form_needs_is_refused(old: dict[str, bytes], before: bytes, after: bytes, code: FindingCode):
    """As in an .xlsx: the finding names it."""
    content = old["trip_plan_shenzhen_english"]
    assert before in content

    assert refused(content.replace(before, after, 1)) is code


@pytest.mark.parametrize(
    "limits",
    [{"sheets": 1}, {"names": 5}, {"dense": 100}, {"cells": 10}, {"merges": 3}, {"upload": 5_000}, {"part": 9}],
)
def test_limits_hold_for_old_workbooks_too(old: dict[str, bytes], limits: dict[str, int]):
    """A site may set them lower than they are."""
    assert refused(old["trip_plan_shenzhen_english"], Limits(**limits)) is FindingCode.TOO_LARGE


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_cut_off_old_workbook_is_damaged(old: dict[str, bytes], share: float):
    """An upload that broke off is no shorter form."""
    content = old["trip_loan_chengdu"]

    assert refused(content[: int(len(content) * share)]) is FindingCode.DAMAGED


def test_bytes_changed_at_random_end_in_a_finding_or_a_form(old: dict[str, bytes]):
    """Whatever the records then claim: no crash of ours, and the child lives or is replaced."""
    chance = random.Random(20_261_122)
    outcomes = set()
    with Sandbox(workers=1, definitions=library()) as sandbox:
        for _ in range(80):
            content = bytearray(old["trip_plan_shenzhen_english"])
            for _ in range(chance.choice((1, 2, 5, 30))):
                content[chance.randrange(len(content) if chance.random() < 0.6 else 3_000)] = chance.randrange(256)
            try:
                outcomes.add(sandbox.read(bytes(content)).identity.form_id)
            except Refused as turned_down:
                outcomes.add(turned_down.finding.slug)

    assert {"trip_plan", "damaged"} <= outcomes


def test_control_characters_do_not_get_into_what_it_says_of_itself(old: dict[str, bytes]):
    """Names in an .xls can hold any; databases refuse some."""
    content = old["trip_plan_shenzhen_english"]
    instance = (read(content, library()).identity.instance_id or "").encode()
    assert content.count(instance) == 1

    form = read(content.replace(instance, b"\0\x07" + instance[2:]), library())

    assert form.identity.instance_id == instance[2:].decode()
