"""Workbooks made from older versions of a form, filled in with LibreOffice, read by the form of today."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from tests.calls import TYPED, V1, V2, V3
from tests.libreoffice import Office, running
from workbooks.check import CheckReport, check
from workbooks.finding_codes import FindingCode
from workbooks.findings import Finding
from workbooks.form import FormDefinition, Migration
from workbooks.former import former, migration_problems
from workbooks.guard import inspect
from workbooks.migrations import migrated_answers
from workbooks.ooxml.book import Book
from workbooks.package import Package
from workbooks.reader import read
from workbooks.receipt import Mark, mark
from workbooks.template import build_template
from workbooks.values import to_json

NOW = datetime(2026, 11, 20, 12, 0)


@pytest.fixture(scope="module")
def office(require_program: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with running(require_program("soffice", "libreoffice"), tmp_path_factory.mktemp("office")) as started:
        yield started


@pytest.fixture(scope="module")
def sent(office: Office, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A blank of version 1, filled in and saved by LibreOffice."""
    folder = tmp_path_factory.mktemp("sent")
    (folder / "blank.xlsx").write_bytes(build_template(V1, instance_id="one"))
    office.fill(folder / "blank.xlsx", TYPED)
    office("save", folder / "sent.xlsx")
    return (folder / "sent.xlsx").read_bytes()


def checked(content: bytes, definition: FormDefinition) -> CheckReport:
    return check(definition, read(content, {"call": definition}), now=NOW)


def told(report: CheckReport, code: FindingCode) -> Finding:
    (found,) = [finding for finding in report.findings if finding.code is code]
    return found


def test_a_first_version_is_read_by_the_third(sent: bytes) -> None:
    """Renamed, split, re-coded and defaulted: every answer arrives, over both steps."""
    report = checked(sent, V3)

    assert report.accepted
    assert report.values == {
        "customer": "常州地铁",
        "received_on": date(2026, 11, 3),
        "channel": "telephone",
        "office_phone": "0519-8888",
        "contact_name": "王五",
        "contact_phone": "13800001111",
        "urgency": "urgent",
        "photo": None,
        "remark": None,
        "pieces": 10,
        "parts": (
            {"what": "密封条", "quantity": 2, "unit": "件"},
            {"what": "螺栓", "quantity": 8, "unit": "件"},
        ),
    }


def test_the_note_says_what_was_done(sent: bytes) -> None:
    """Which version it is, which one counts, and what became of the answers."""
    note = told(checked(sent, V3), FindingCode.MIGRATED_VERSION)

    assert (note.context["sent"], note.context["current"]) == ("1", "3")
    assert "“电话”现为“办公电话”" in note.what("zh")
    assert "“渠道”按“电话来访”" in note.what("zh")
    assert "“Contact” is split into “Name”, “Mobile”" in note.what("en")


def test_what_has_no_place_any_more_is_told_at_its_cell(sent: bytes) -> None:
    """Nothing that was typed is lost without a word."""
    gone = [f for f in checked(sent, V3).findings if f.code is FindingCode.DROPPED_ANSWER]

    assert [(f.label.zh, f.context["value"]) for f in gone if f.label] == [("传真", "0519-9999"), ("颜色", "黑")]
    cells = read(sent, {"call": V1}).cells
    assert gone[0].cell == cells["fax"].address


def test_a_split_answer_is_shown_in_its_parts(sent: bytes) -> None:
    """The sender sees which piece went where, at the cell that was filled in."""
    split = told(checked(sent, V3), FindingCode.SPLIT_ANSWER)

    assert split.cell == read(sent, {"call": V1}).cells["contact"].address
    assert "联系人姓名“王五”、联系人手机“13800001111”" in split.what("zh")


def test_a_finding_points_at_the_old_cell_with_the_old_label(sent: bytes) -> None:
    """The sender looks for what stands on the sheet, not for what the form calls it now."""
    form = read(sent, {"call": V3})
    bad = replace(form, cells={**form.cells, "received_on": replace(form.cells["received_on"], value="昨天")})

    finding = told(check(V3, bad, now=NOW), FindingCode.NOT_A_DATE)

    assert finding.cell == read(sent, {"call": V1}).cells["called_on"].address
    assert finding.label is not None
    assert finding.label.zh == "来电日期（现为“接到日期”）"


def test_the_receipt_marks_the_old_cells(sent: bytes) -> None:
    """The sender's own version 1 workbook comes back, marked where the answers stand."""
    report = checked(sent, V3)
    mark_ = Mark(
        number=None, revision=None, state=V3.title, received_at=NOW, findings=report.findings, form_title=V3.title,
        language="zh",
    )  # fmt: skip
    comments = "".join(
        part.decode() for name, part in inspect(mark(sent, mark_)).parts.items() if "comments" in name.lower()
    )

    cell = told(report, FindingCode.SPLIT_ANSWER).cell
    assert f'ref="{cell}"' in comments


def test_a_first_version_that_lost_its_names_is_known_by_its_old_labels(
    office: Office, sent: bytes, tmp_path: Path
) -> None:
    """Pasted into a new workbook it says no version; the labels do."""
    (tmp_path / "sent.xlsx").write_bytes(sent)
    office("open", tmp_path / "sent.xlsx")
    office("copy_to_new")
    office("save", tmp_path / "pasted.xlsx")

    form = read((tmp_path / "pasted.xlsx").read_bytes(), {"call": V3})

    assert form.identity.version == 1
    values = check(V3, form, now=NOW).values
    assert (values["office_phone"], values["contact_name"], values["urgency"]) == ("0519-8888", "王五", "urgent")
    assert [row["quantity"] for row in values["parts"]] == [2, 8]  # type: ignore[union-attr,index]


def test_a_version_in_between_takes_only_the_steps_after_it() -> None:
    """Version 2 is not renamed a second time."""
    values = {"customer": "甲", "called_on": date(2026, 11, 3), "phone": "1", "urgency": "normal"}
    report = checked(build_template(V2, instance_id="two", values=values), V3)

    assert report.accepted
    assert (report.values["office_phone"], report.values["urgency"]) == ("1", "normal")
    assert [f.slug for f in report.findings] == ["migrated-version"]


def test_a_required_answer_the_old_template_does_not_ask_says_so() -> None:
    """Nobody is told to fill in a cell that is not there."""
    items = V3.sections[0].items
    fields = tuple(replace(i, required=True) if i.name == "remark" else i for i in items)  # type: ignore[call-arg]
    strict = replace(V3, sections=(replace(V3.sections[0], items=fields),))
    values = {"customer": "甲", "called_on": date(2026, 11, 3)}

    report = checked(build_template(V2, instance_id="two", values=values), strict)

    finding = told(report, FindingCode.NOT_ON_OLD_TEMPLATE)
    assert (finding.field, finding.cell, finding.context["sent"]) == ("remark", "", "2")


def test_a_newer_version_than_the_servers_is_turned_down() -> None:
    """An older server does not guess what a newer form means."""
    report = checked(build_template(V3, instance_id="three"), V2)

    assert [f.code for f in report.findings if f.severity == "error"][-1] is FindingCode.NEWER_VERSION
    assert not report.accepted


def test_a_name_lost_on_an_old_sheet_is_a_finding(sent: bytes) -> None:
    """The old name counts: what stands in the cell is not taken for not asked."""
    book = Book(Package(sent))
    book.undefine("AS_tel")

    lost = told(checked(book.save(), V3), FindingCode.LOST_FIELD)

    assert (lost.field, lost.label and lost.label.zh) == ("office_phone", "电话")


def test_stored_answers_take_the_same_steps(sent: bytes) -> None:
    """A record of version 1 reads as if its workbook had been sent today."""
    old = check(V1, read(sent, {"call": V1}), now=NOW).values
    new = checked(sent, V3).values

    assert migrated_answers(V3, 1, to_json(old)) == {k: v for k, v in to_json(new).items() if k != "remark"}


def test_stored_answers_that_do_not_fit_are_kept_as_text_or_left_empty() -> None:
    """Showing an old record never fails."""
    step = Migration(to=2, rename={"tel": "pieces_asked", "fax": "urgency"})
    field = replace(V1.field("items.count"), name="pieces_asked")
    items = tuple(field if i.name == "tel" else i for i in V1.sections[0].items if i.name != "fax")
    form = replace(V1, version=2, migrations=(step,), sections=(replace(V1.sections[0], items=items),))

    answers = migrated_answers(form, 1, {"tel": "约三个", "fax": "很急"})

    assert answers == {"pieces_asked": None, "urgency": "很急"}


def test_the_former_form_has_the_old_names_labels_and_order() -> None:
    """What the reader looks for is exactly what version 1 had."""
    old = former(V3, 1)

    assert {path: field.label for path, field in old.paths()} == {path: field.label for path, field in V1.paths()}


@pytest.mark.parametrize(
    ("step", "problem"),
    [
        ({"rename": {"tel": "gone"}}, "no field is called 'gone'"),
        ({"rename": {"customer": "fax"}}, "'customer' is still in the form"),
        ({"rename": {"a": "tel", "b": "tel"}}, "'tel' gets its answer in two ways"),
        ({"rename": {"old": "items.what"}}, "do not stand in the same list"),
        ({"rename": {"other.what": "items.what"}}, "do not stand in the same list"),
        ({"drop": ["tel"]}, "'tel' is still in the form"),
        ({"default": {"customer": None}}, "'customer' is required: it needs a default"),
        ({"default": {"called_on": "sometime"}}, "'sometime' is no answer to 'called_on'"),
        ({"default": {"pieces": 3}}, "nobody types it"),
        ({"choices": {"urgency": {"x": "middling"}}}, "no choice called 'middling'"),
        ({"choices": {"tel": {"x": "y"}}}, "no choice called 'y'"),
        ({"labels": {"nothing": {"zh": "无", "en": "no"}}}, "no field was called 'nothing'"),
        ({"split": {"a": {"into": ["tel", "gone"], "at": ["/"]}}}, "no field is called 'gone'"),
        ({"to": 3}, "must lead one after the other up to 2"),
    ],
)
def test_migrations_that_cannot_be_meant_are_refused(step: dict, problem: str) -> None:
    """A form does not load with a migration that names what is not there, or does not chain."""
    form = replace(V1, version=2, migrations=(Migration(**{"to": 2, **step}),))

    found = list(migration_problems(form))

    assert [what for _, what in found if problem in what], found


def test_separators_in_full_width_split_too_and_the_last_piece_takes_the_rest() -> None:
    """People type ／ as often as /, and more of them than there are fields."""
    for text, parts in (("甲/乙/丙", ("甲", "乙/丙")), ("甲", ("甲", None)), ("／乙", (None, "乙"))):
        answers = migrated_answers(V3, 1, {"contact": text})
        assert (answers["contact_name"], answers["contact_phone"]) == parts
