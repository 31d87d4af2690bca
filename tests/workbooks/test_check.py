"""Every finding of the check, each drawn as the sheet that causes it."""

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.workbooks.drawing import SHEET, choices, define, draw, field, repeat, rule, section, text
from tests.workbooks.typing_in import MASTER, YES_NO
from workbooks.check import CheckReport, check
from workbooks.filled import Cell, FilledForm, Identity, Picture, RawValue
from workbooks.finding_codes import FindingCode, Severity
from workbooks.findings import Finding
from workbooks.form import FormDefinition, Text
from workbooks.library import library
from workbooks.master import EMPTY, Master, MasterRow
from workbooks.values import show

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=timezone(timedelta(hours=8)))
LIMIT = {"name": "limit", "value": 2, "source": "002:L97 (T06)"}


def checked(definition: FormDefinition, filled: FilledForm, **more: Any) -> CheckReport:
    return check(definition, filled, **({"master": MASTER, "now": NOW} | more))


def told(report: CheckReport) -> list[tuple[FindingCode, str]]:
    """(code, cell) of every finding, in order."""
    return [(finding.code, finding.cell) for finding in report.findings]


def one(kind: str, content: str, **more: Any) -> Finding:
    """The only finding of a sheet whose only field *it* holds *content*."""
    sheet = f"""
        |   | B  | C         |
        | 3 | It | {content} |
    """
    report = checked(define(field("it", kind, **more)), draw(sheet, it="C3"))
    (finding,) = report.findings
    assert (finding.sheet, finding.cell, finding.field, finding.label) == (SHEET, "C3", "it", Text("it栏", "it"))
    assert report.accepted is (finding.severity is Severity.WARNING)
    return finding


@pytest.mark.parametrize(
    ("kind", "content", "code", "more"),
    [
        ("integer", "约2小时", FindingCode.NOT_A_NUMBER, {}),
        ("integer", "3.5", FindingCode.NOT_AN_INTEGER, {}),
        ("decimal", "101", FindingCode.OUT_OF_RANGE, {"minimum": 0, "maximum": 100}),
        ("decimal", "-1", FindingCode.OUT_OF_RANGE, {"minimum": 0}),
        ("date", "5月3日", FindingCode.NOT_A_DATE, {}),
        ("date", "03/04/2026", FindingCode.AMBIGUOUS_DATE, {}),
        ("time", "上午", FindingCode.NOT_A_TIME, {}),
        ("datetime", "昨天 14:30", FindingCode.NOT_A_DATETIME, {}),
        ("select_one", "丙", FindingCode.NOT_A_CHOICE, {"choices": choices("a", "b")}),
        ("text", "太长了", FindingCode.TOO_LONG, {"max_length": 2}),
        ("text", "#N/A", FindingCode.CELL_ERROR, {}),
        ("image", "见附件", FindingCode.NOT_AN_IMAGE, {}),
        ("text", "", FindingCode.MISSING_VALUE, {"required": True}),
        ("select_one", "305", FindingCode.CORRECTED_VALUE, {"master": {"table": "stations"}}),
    ],
)
def test_each_wrong_answer_has_its_finding(kind: str, content: str, code: FindingCode, more: Mapping[str, Any]):
    """The finding names the sheet, the cell and the label, and says what was typed."""
    finding = one(kind, content, **more)

    assert finding.code is code
    if content and code not in (FindingCode.TOO_LONG, FindingCode.NOT_AN_IMAGE):
        assert content in finding.what("zh")
    assert finding.what("en")
    assert finding.fix("zh")


def test_a_corrected_answer_says_what_was_taken():
    """Excel dropped the zero of 0305; the sender sees that it was put back."""
    finding = one("select_one", "305", master={"table": "stations"})

    assert "0305" in finding.what("zh")


def test_all_findings_come_at_once_in_the_order_of_the_sheet():
    """Nobody has to send a form five times to learn of five mistakes."""
    sheet = """
        |   | C          | F     |
        | 3 | drei       | 5月3日 |
        | 4 | 2026.13.1  |       |
        | 9 | maybe      |       |
    """
    definition = define(
        field("last", "select_one", choices=YES_NO),
        field("count", "integer"),
        field("day", "date"),
        field("date", "date"),
        field("name", required=True),
    )

    report = checked(definition, draw(sheet, last="C9", count="C3", day="F3", date="C4", name="F4"))

    assert told(report) == [
        (FindingCode.NOT_A_NUMBER, "C3"),
        (FindingCode.NOT_A_DATE, "F3"),
        (FindingCode.NOT_A_DATE, "C4"),
        (FindingCode.MISSING_VALUE, "F4"),
        (FindingCode.NOT_A_CHOICE, "C9"),
    ]
    assert not report.accepted
    assert report.values == {"last": None, "count": None, "day": None, "date": None, "name": None}


def test_a_web_form_without_addresses_is_told_in_the_order_of_the_definition():
    """A page has no cells; its fields have an order."""
    filled = FilledForm(
        identity=Identity(form_id="visit", version=3),
        cells={name: Cell("", "", "?") for name in ("second", "first")},
    )

    report = checked(define(field("first", "integer"), field("second", "date")), filled)

    assert [finding.field for finding in report.findings] == ["first", "second"]


PARTS = repeat(
    "parts",
    field("name", required=True),
    field("quantity", "integer", required=True),
    field("note"),
    field("cost", "decimal", calculation="=quantity*2"),
    minimum=1,
    rows=3,
)
LINES = {"parts__name": "B5:B7", "parts__quantity": "C5:C7", "parts__cost": "D5:D7"}


def test_findings_in_lines_name_the_lines_own_cell():
    """The second line stands in row 7, because row 6 was left free."""
    sheet = """
        |   | B     | C   | D |
        | 5 | valve | 2   |   |
        | 6 |       |     |   |
        | 7 | seal  | two |   |
    """
    report = checked(define(PARTS), draw(sheet, **LINES))

    assert told(report) == [(FindingCode.NOT_A_NUMBER, "C7")]
    assert [row["quantity"] for row in report.values["parts"]] == [2, None]  # type: ignore[union-attr]


def test_a_begun_line_must_be_complete():
    """What a line requires is asked of filled lines only."""
    sheet = """
        |   | B     | C | D |
        | 5 | valve |   |   |
        | 6 |       |   | 0 |
        | 7 | /     |   |   |
    """
    definition = define(repeat("parts", *[f for f in PARTS["fields"] if f["name"] != "name"], field("name", "integer")))

    report = checked(define(PARTS), draw(sheet, **LINES))
    without_text = checked(definition, draw(sheet.replace("valve", "3"), **LINES))

    assert told(report) == [(FindingCode.MISSING_VALUE, "C5"), (FindingCode.MISSING_VALUE, "C7")]
    assert len(report.values["parts"]) == 2  # type: ignore[arg-type]
    # A line with nothing but a computed cell or a word for nothing is no line.
    assert len(without_text.values["parts"]) == 1  # type: ignore[arg-type]


def test_too_few_lines_are_counted():
    """A table that must have a line says so, and one that needs two counts what is there."""
    empty = checked(define(PARTS), draw("|   | B |\n| 5 |   |", parts__name="B5:B7"))
    short = checked(
        define(PARTS | {"minimum": "=IF(1>0,2,0)"}),
        draw("|   | B | C |\n| 5 | a | 1 |", parts__name="B5", parts__quantity="C5"),
    )

    assert told(empty) == [(FindingCode.TOO_FEW_ROWS, "B5")]
    assert told(short) == [(FindingCode.TOO_FEW_ROWS, "B5")]
    assert "2" in short.findings[0].what("zh")


CASCADE = define(
    field("system", "select_one", master={"table": "products", "level": 1}),
    field("part", "select_one", master={"table": "products", "level": 2, "under": "system"}, required=True),
)


def cascade(system: str, part: str) -> CheckReport:
    return checked(CASCADE, draw(f"|   | C |\n| 1 | {system} |\n| 2 | {part} |", system="C1", part="C2"))


def test_a_part_must_belong_to_the_chosen_system():
    """The finding names the system that was chosen."""
    report = cascade("空调系统", "中继阀")

    assert told(report) == [(FindingCode.NOT_UNDER_PARENT, "C2")]
    assert "空调系统" in report.findings[0].what("zh")
    assert "Air conditioning" in report.findings[0].what("en")


def test_a_wrong_system_says_nothing_about_its_part():
    """One mistake is one finding."""
    assert told(cascade("制动系桶", "压力传感器")) == [(FindingCode.NOT_A_CHOICE, "C1")]
    assert cascade("制动系统", "压力传感器").values == {"system": "A", "part": "A2"}


RELEVANT = define(
    field("returned", "select_one", choices=YES_NO),
    field("why", relevant='=returned="no"', required='=returned="no"'),
)


@pytest.mark.parametrize(
    ("returned", "reason", "codes"),
    [
        ("是", "", []),
        ("是", "生病", [FindingCode.NOT_RELEVANT]),
        ("是", "无", []),
        ("否", "", [FindingCode.MISSING_VALUE]),
        ("否", "生病", []),
        ("也许", "生病", [FindingCode.NOT_A_CHOICE]),
        ("也许", "", [FindingCode.NOT_A_CHOICE]),
    ],
)
def test_answers_that_do_not_apply_stay_empty(returned: str, reason: str, codes: list[FindingCode]):
    """What depends on a wrong answer is left alone until that one is right."""
    report = checked(RELEVANT, draw(f"|   | C |\n| 1 | {returned} |\n| 2 | {reason} |", returned="C1", why="C2"))

    assert [finding.code for finding in report.findings] == codes


TRIP = define(
    field("left", "date"),
    field("back", "date"),
    field("cost", "decimal"),
    constraints=[
        rule("=back>=left", "order"),
        rule("=cost<=1000", "dear", soft=True, message=text("费用超过 {limit} 元", "Costs more than {limit}")),
    ],
)


def trip(left: str, back: str, cost: str, why: str = "") -> CheckReport:
    sheet = f"|   | C |\n| 1 | {left} |\n| 2 | {back} |\n| 3 | {cost} |\n| 9 | {why} |"
    return checked(TRIP, draw(sheet, left="C1", back="C2", cost="C3", reason="C9"))


def test_a_broken_rule_is_marked_at_its_field():
    """Back before left: the first field the rule reads is marked."""
    assert told(trip("2026-05-03", "2026-05-01", "10")) == [(FindingCode.RULE_BROKEN, "C2")]
    assert trip("2026-05-03", "2026-05-03", "10").accepted


def test_a_rule_over_a_wrong_answer_keeps_silent():
    """A date that cannot be read is one mistake, not two."""
    assert told(trip("5月3日", "2026-05-01", "10")) == [(FindingCode.NOT_A_DATE, "C1")]


def test_a_soft_rule_asks_for_a_reason_and_is_taken_with_one():
    """合理性说明: the form is accepted and the reason kept with the finding."""
    asked, taken, idle = (trip("", "", "5000", why) for why in ("", "客户要求加急", "无"))

    assert (told(asked), asked.accepted) == ([(FindingCode.NEEDS_REASON, "C3")], False)
    assert (told(taken), taken.accepted) == ([(FindingCode.TAKEN_WITH_REASON, "C3")], True)
    assert "客户要求加急" in taken.findings[0].fix("zh")
    assert told(idle) == told(asked)


def test_an_authors_text_is_shown_as_it_stands():
    """Braces in a message are no holes."""
    assert trip("", "", "5000").findings[0].what("zh") == "费用超过 {limit} 元"


def test_rules_of_lines_are_checked_line_by_line():
    """Each broken line is marked, and a line that cannot be read spares only itself."""
    sheet = """
        |   | B     | C  |
        | 5 | valve | 2  |
        | 6 | seal  | -1 |
        | 7 | bolt  | x  |
    """
    definition = define(repeat("parts", field("name"), field("quantity", "integer"), constraints=[rule("=quantity>0")]))

    report = checked(definition, draw(sheet, parts__name="B5:B7", parts__quantity="C5:C7"))

    assert told(report) == [(FindingCode.RULE_BROKEN, "C6"), (FindingCode.NOT_A_NUMBER, "C7")]


COMPUTED = define(
    field("a", "integer"),
    field("b", "integer"),
    field("total", "decimal", calculation="=a+b", maximum=100),
    field("age", "integer", calculation="=TODAY()-DATE(2026,1,1)"),
)


def total(a: str, b: str, shown: str) -> CheckReport:
    sheet = f"|   | C |\n| 1 | {a} |\n| 2 | {b} |\n| 3 | {shown} |\n| 4 | 7 |"
    return checked(COMPUTED, draw(sheet, a="C1", b="C2", total="C3", age="C4"))


def test_a_stale_calculation_is_recalculated_with_a_warning():
    """What WPS left in the cell is not believed; the sender sees both."""
    report = total("2", "3", "99")

    assert told(report) == [(FindingCode.STALE_CALCULATION, "C3")]
    assert (report.values["total"], report.accepted) == (Decimal(5), True)
    assert ("99" in report.findings[0].what("zh"), "5" in report.findings[0].what("zh")) == (True, True)


@pytest.mark.parametrize("shown", ["5", "", '"5.00"', "#N/A", "5.0000000000001"])
def test_a_calculation_that_agrees_is_no_finding(shown: str):
    """Empty cells and error values are not trusted either, but there is nothing to tell; nor about the clock."""
    report = total("2", "3", shown)

    assert told(report) == []
    assert (report.values["total"], report.values["age"]) == (Decimal(5), 324)


def test_a_computed_answer_keeps_its_limits():
    """The total is marked although nobody typed it."""
    assert told(total("60", "60", "120")) == [(FindingCode.OUT_OF_RANGE, "C3")]


def test_a_calculation_over_a_wrong_answer_is_left_open():
    """Nothing is said about a total of what cannot be read."""
    report = total("sixty", "60", "120")

    assert told(report) == [(FindingCode.NOT_A_NUMBER, "C1")]
    assert report.values["total"] is None


def test_a_looked_up_answer_replaces_what_was_typed():
    """The station's label comes from master data."""
    definition = define(
        field("station", "select_one", master={"table": "stations"}),
        field("name", lookup={"by": "station", "column": "label"}),
    )
    filled = draw("|   | C |\n| 1 | 广州站 |\n| 2 | 武汉站 |", station="C1", name="C2")

    report = checked(definition, filled)
    offline = checked(definition, filled, master=EMPTY, complete_lists=False)

    assert told(report) == [(FindingCode.STALE_CALCULATION, "C2")]
    assert report.values["name"] == "广州站"
    assert (told(offline), offline.values) == ([], {"station": "广州站", "name": None})


DUE = define(
    field("back", "date"),
    thresholds=[LIMIT],
    deadlines=[{"name": "due", "label": text("总结单", "Summary"), "start": "back", "within": "limit"}],
)


def due(back: str, **more: Any) -> CheckReport:
    return checked(DUE, draw(f"|   | C |\n| 1 | {back} |", back="C1"), **more)


def test_a_late_form_is_taken_and_says_so():
    """Two calendar days after the 18th is the 20th; on the 21st the form is one day late."""
    report = due("2026-11-18")

    assert (told(report), report.accepted) == ([(FindingCode.PAST_DEADLINE, "C1")], True)
    (state,) = report.deadlines
    assert (state.due, state.late_days, state.state) == (date(2026, 11, 20), 1, "late")


def test_a_form_in_time_keeps_its_deadline():
    """The last day still counts."""
    report = due("2026-11-19")

    assert told(report) == []
    assert [(state.due, state.late_days, state.state) for state in report.deadlines] == [
        (date(2026, 11, 21), 0, "on-time")
    ]


def test_a_revision_is_not_late_again():
    """The first sending has met or missed the deadline."""
    assert due("2026-11-01", previous={"back": date(2026, 11, 1)}).deadlines == ()
    assert due("2026-11-02", previous={"back": date(2026, 11, 1)}).deadlines[0].state == "late"


def test_a_form_without_its_first_day_has_no_deadline_yet():
    """Nothing is due before the return."""
    assert due("").deadlines == ()


OWNED = define(
    sections=[
        section("report", field("fault", required=True), owner="station"),
        section("analysis", field("cause", required=True), field("mode"), owner="engineer"),
        section("proof", repeat("tests", field("result", required=True), minimum=1), owner="quality"),
        section("remarks", field("remark", required=True)),
    ]
)


def owned(
    fault: str = "", cause: str = "", mode: str = "", result: str = "", remark: str = "x", **more: Any
) -> CheckReport:
    sheet = f"|   | C |\n| 1 | {fault} |\n| 2 | {cause} |\n| 3 | {mode} |\n| 4 | {result} |\n| 5 | {remark} |"
    filled = draw(sheet, fault="C1", cause="C2", mode="C3", tests__result="C4:C4", remark="C5")
    return checked(OWNED, filled, **more)


ROLES = {name: frozenset({name}) for name in ("station", "engineer", "quality", "manager", "admin")}
STORED = {"fault": "漏风", "cause": None, "mode": None, "tests": (), "remark": "x"}


@pytest.mark.parametrize(
    ("roles", "cells"),
    [
        (None, ["C1"]),
        (ROLES["admin"], ["C1"]),
        (ROLES["station"], ["C1"]),
        (ROLES["engineer"], ["C2"]),
        (ROLES["quality"], ["C4"]),
        (ROLES["manager"], []),
        (ROLES["station"] | ROLES["engineer"], ["C1", "C2"]),
    ],
)
def test_what_a_section_requires_is_asked_of_its_owner(roles: frozenset[str] | None, cells: list[str]):
    """The station is not asked for the engineer's analysis."""
    report = owned(roles=roles, previous={**STORED, "fault": None})

    assert [finding.cell for finding in report.findings] == cells


@pytest.mark.parametrize(
    ("role", "cells"),
    [("station", ["C1"]), ("engineer", ["C1", "C2"]), ("quality", ["C1", "C4"]), ("manager", ["C1"])],
)
def test_a_new_form_is_never_without_its_first_owners_part(role: str, cells: list[str]):
    """Nobody opens a case that says nothing of the failure."""
    report = owned(roles=ROLES[role])

    assert [finding.cell for finding in report.findings] == cells


def test_a_begun_section_is_asked_of_anybody():
    """Who begins the analysis finishes it, or leaves it alone."""
    assert told(owned(fault="漏风", mode="磨损")) == [(FindingCode.MISSING_VALUE, "C2")]
    assert told(owned(remark="")) == [(FindingCode.MISSING_VALUE, "C1"), (FindingCode.MISSING_VALUE, "C5")]


def test_another_owners_section_must_stay_as_it_was():
    """The first change is marked, once per section; owners, admins and unknown senders may change it."""
    changed = {"fault": "漏油", "cause": "磨损", "mode": "老化", "result": "合格"}
    report = owned(**changed, roles=ROLES["engineer"], previous=STORED)

    assert told(report) == [(FindingCode.SECTION_NOT_YOURS, "C1"), (FindingCode.SECTION_NOT_YOURS, "C4")]
    assert "服务站" in report.findings[0].what("zh")
    assert told(owned(**changed, roles=ROLES["admin"], previous=STORED)) == []
    assert told(owned(**changed, roles=None, previous=STORED)) == []
    assert told(owned(fault="漏风", cause="磨损", roles=ROLES["engineer"], previous=STORED)) == []


def test_a_new_form_comes_without_another_owners_section():
    """A station cannot send its own analysis along."""
    report = owned(fault="漏风", cause="磨损", roles=ROLES["station"])

    assert told(report) == [(FindingCode.SECTION_NOT_YOURS, "C2")]


def test_clearing_another_owners_section_is_a_change():
    """An empty cell where there was an answer is reported too."""
    report = owned(cause="磨损", roles=ROLES["engineer"], previous=STORED)

    assert (FindingCode.SECTION_NOT_YOURS, "C1") in told(report)


@pytest.mark.parametrize(
    ("version", "codes"),
    [
        (3, [FindingCode.MISSING_VALUE]),
        (None, [FindingCode.MISSING_VALUE]),
        (2, [FindingCode.OLD_VERSION, FindingCode.MISSING_VALUE]),
        (1, [FindingCode.RETIRED_VERSION]),
        (4, [FindingCode.NEWER_VERSION]),
        (-1, [FindingCode.UNKNOWN_VERSION]),
    ],
)
def test_template_versions_are_recognised(version: int | None, codes: list[FindingCode]):
    """An old template is taken with a warning or turned down with a way on, never misread."""
    definition = define(field("it", required=True), accepts=[2])

    report = checked(definition, draw("|   | C |\n| 1 |   |", it="C1", version=version))

    assert [finding.code for finding in report.findings] == codes


def test_what_the_reader_found_comes_first():
    """Findings about the file stand before those about its cells."""
    filled = replace(draw("|   | C |\n| 1 | x |", it="C1"), findings=(Finding(code=FindingCode.LOST_NAMES),))

    report = checked(define(field("it", "integer")), filled)

    assert [finding.code for finding in report.findings] == [FindingCode.LOST_NAMES, FindingCode.NOT_A_NUMBER]


def picture(content: bytes, media_type: str = "image/png") -> Picture:
    return Picture(field="photo", content=content, media_type=media_type)


def test_pictures_are_kept_by_their_digest():
    """The same picture twice is one; text beside a picture does not matter."""
    definition = define(field("photo", "image", required=True))
    sheet = "|   | C |\n| 1 | {} |"

    report = checked(
        definition, draw(sheet.format(""), photo="C1", pictures=(picture(b"one"), picture(b"one"), picture(b"two")))
    )
    beside = checked(definition, draw(sheet.format("见图"), photo="C1", pictures=(picture(b"one"),)))
    none = checked(definition, draw(sheet.format(""), photo="C1", pictures=(picture(b"one", "text/html"),)))

    assert (told(report), told(beside), told(none)) == ([], [], [(FindingCode.MISSING_VALUE, "C1")])
    assert report.values["photo"] == tuple(sha256(content).hexdigest() for content in (b"one", b"two"))


def test_a_picture_problem_is_told_once():
    """The reader has already said that the cell holds no picture."""
    told_before = Finding(code=FindingCode.NOT_AN_IMAGE, sheet=SHEET, cell="C1", field="photo", label=Text("图", "p"))
    filled = replace(draw("|   | C |\n| 1 | 见附件 |", photo="C1"), findings=(told_before,))

    assert told(checked(define(field("photo", "image")), filled)) == [(FindingCode.NOT_AN_IMAGE, "C1")]


def test_the_values_have_every_field_and_every_repeat():
    """Also where nothing was filled, and where cells are missing altogether."""
    definition = define(field("a"), field("b", "integer"), PARTS)

    report = checked(definition, FilledForm(identity=Identity(form_id="visit", version=3)))

    assert report.values == {"a": None, "b": None, "parts": ()}
    assert (report.form_id, report.version) == ("visit", 3)


def test_now_is_the_sites_time():
    """22:00 in Greenwich is already tomorrow in Shanghai."""
    definition = define(field("day", "date", constraints=[rule("=day<=TODAY()")]))
    filled = draw("|   | C |\n| 1 | 2026-11-22 |", day="C1")
    late = datetime(2026, 11, 21, 22, tzinfo=UTC)

    assert told(check(definition, filled, now=late)) == [(FindingCode.RULE_BROKEN, "C1")]
    assert told(check(definition, filled, now=late.astimezone(timezone(timedelta(hours=8))))) == []
    assert told(check(definition, draw("|   | C |\n| 1 | 2020-01-01 |", day="C1"))) == []


ANY_CELL = st.one_of(
    st.text(max_size=20), st.floats(), st.integers(), st.booleans(), st.dates(), st.datetimes(), st.none()
)


@given(data=st.data(), form_id=st.sampled_from(sorted(library())))
@settings(max_examples=60, deadline=None)
def test_no_content_of_any_cell_raises(data: st.DataObject, form_id: str):
    """Whatever stands in the cells of our own forms, the answer is a report whose texts can be read."""
    definition = library()[form_id]

    def cell(number: int) -> Cell:
        raw: RawValue = data.draw(ANY_CELL)
        return Cell(SHEET, f"C{number}", raw)

    filled = FilledForm(
        identity=Identity(form_id=form_id, version=definition.version),
        cells={f.name: cell(number) for number, f in enumerate(definition.fields, start=1)},
        repeats={
            r.name: tuple({f.name: cell(100 + line) for f in r.fields} for line in range(2)) for r in definition.repeats
        },
    )

    report = checked(definition, filled, roles=frozenset({"engineer"}))

    assert set(report.values) == {f.name for f in definition.fields} | {r.name for r in definition.repeats}
    assert all(finding.message("zh") and finding.message("en") for finding in report.findings)


def test_an_accepted_form_is_accepted_again_as_it_is_shown():
    """Shown values, typed in again, are the same values: the closed loop of a record."""
    definition = define(
        field("day", "date"), field("moment", "datetime"), field("km", "decimal", unit=text("公里", "km")),
        field("kinds", "select_multiple", choices=choices("a", "b")),
        field("station", "select_one", master={"table": "stations"}),
        field("person", "person", master={"table": "people"}), field("ok", "select_one", choices=YES_NO),
    )  # fmt: skip
    sheet = """
        |   | C                   |
        | 1 | 二〇二六年五月三日    |
        | 2 | 2026.5.3 下午2点半   |
        | 3 | 12.5万km            |
        | 4 | b级，a级             |
        | 5 | 上海站               |
        | 6 | 张伟 (U002)          |
        | 7 | √                   |
    """
    places = {f.name: f"C{row}" for row, f in enumerate(definition.fields, start=1)}
    first = checked(definition, draw(sheet, **places))

    for language in ("zh", "en"):
        shown = {f.name: show(f, first.values[f.name], language, MASTER) for f in definition.fields}  # type: ignore[arg-type]
        cells = {name: Cell(SHEET, places[name], content) for name, content in shown.items()}
        again = checked(definition, FilledForm(identity=Identity(form_id="visit", version=3), cells=cells))

        assert (told(first), told(again)) == ([], [])
        assert again.values == first.values


def test_checking_is_fast():
    """A form of the size of our largest is checked in a few milliseconds, even on a busy machine."""
    definition = library()["fracas"]
    cells = {
        f.name: Cell(SHEET, f"C{row}", datetime(2026, 5, 3, 8) if f.type in ("date", "datetime") else "漏风")
        for row, f in enumerate(definition.fields, start=1)
        if not f.computed
    }
    filled = FilledForm(identity=Identity(form_id="fracas", version=definition.version), cells=cells)
    checked(definition, filled)

    started = time.perf_counter()
    for _ in range(20):
        checked(definition, filled)

    assert (time.perf_counter() - started) / 20 < 0.05


def test_a_hostile_master_list_does_not_slow_suggestions_down():
    """A thousand mistyped answers against a list of five thousand are still answered at once."""
    rows = [MasterRow(code=f"P{i:05d}", label_zh=f"部件名称{i}号阀体组件", label_en=f"part {i}") for i in range(5000)]
    definition = define(repeat("parts", field("part", "select_one", master={"table": "products"})))
    lines = tuple({"part": Cell(SHEET, f"B{i}", f"部见名称{i}伐体")} for i in range(200))
    filled = FilledForm(identity=Identity(form_id="visit", version=3), repeats={"parts": lines})

    started = time.perf_counter()
    report = checked(definition, filled, master=Master({"products": rows}))

    assert len(report.findings) == 200
    assert time.perf_counter() - started < 10
