"""Templates: what stands where, what Excel enforces, and that a record survives the way to a workbook and back."""

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time
from decimal import Decimal
from io import BytesIO

import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet
from PIL import Image

from server.demo import demo_master
from tests.validity import assert_valid
from workbooks.check import check
from workbooks.filled import Values
from workbooks.form import (
    Choice,
    Constraint,
    Field,
    FieldType,
    FormDefinition,
    Language,
    Lookup,
    MasterChoices,
    Repeat,
    Section,
    Text,
    Threshold,
    defined_name,
)
from workbooks.library import library
from workbooks.master import Master, MasterRow
from workbooks.package import Package
from workbooks.reader import read
from workbooks.template import build_template, sheet_title
from workbooks.values import show

NOW = datetime(2026, 11, 20, 12, 0)
LANGUAGES: tuple[Language, ...] = ("zh", "en")
MASTER = Master(
    {
        "products": [
            MasterRow(code="B", label_zh="制动", label_en="Brake", level=1, attributes={"drawing": "D-1"}),
            MasterRow(code="A", label_zh="供风", label_en="Air", level=1, attributes={"drawing": "D-2"}),
            MasterRow(
                code="B1", label_zh="控制", label_en="Control", parent="B", level=2, attributes={"since": "2020-05-01"}
            ),
            MasterRow(
                code="A1", label_zh="控制", label_en="Control", parent="A", level=2, attributes={"since": "2021-06-02"}
            ),
            MasterRow(code="B2", label_zh="夹钳", label_en="Caliper", parent="B", level=2),
            MasterRow(code="Z9", label_zh="孤儿", label_en="Orphan", parent="gone", level=2),
        ],
        "people": [
            MasterRow(code="P1", label_zh="李伟", label_en="Wei Li"),
            MasterRow(code="P2", label_zh="李伟", label_en="Wei Li"),
            MasterRow(code="P3", label_zh="王芳", label_en="Fang Wang"),
        ],
    }
)


def text(words: str) -> Text:
    return Text(f"{words}（中）", words)


def field(name: str, type_: FieldType, **more: object) -> Field:
    return Field(name=name, type=type_, label=text(name), **more)  # type: ignore[arg-type]


COLOURS = (Choice(name="red", label=Text("红", "red")), Choice(name="blue", label=Text("蓝", "blue")))
RETURN_RULE = Constraint(
    name="after",
    check="=AND(returned_on>=left_on,returned_on<=TODAY())",
    message=Text("返回早于出发。", "Returned too early."),
)
DRAWN = FormDefinition(
    form_id="drawn",
    version=3,
    title=Text("全类型表", "Every type"),
    number="DR-{serial}",
    key=("note",),
    hint=Text("先读再填。", "Read first."),
    signatures=(Text("填表人", "Filled in by"), Text("批准", "Approved")),
    thresholds=(Threshold(name="most_days", value=Decimal(9), source="ours"),),
    constraints=(
        Constraint(
            name="short_trip",
            check="=returned_on-left_on<=most_days",
            message=Text("太长。", "Too long."),
            soft=True,
            at="returned_on",
        ),
    ),
    sections=(
        Section(
            name="first",
            label=text("First"),
            owner="station",
            items=(
                field("note", FieldType.TEXT, required=True, max_length=500, wide=True, rows=3),
                field("count", FieldType.INTEGER, minimum=Decimal(0), maximum=Decimal(10), unit=Text("件", "pcs")),
                field("weight", FieldType.DECIMAL, decimals=2, minimum=Decimal(0)),
                field("left_on", FieldType.DATE, required=True),
                field("returned_on", FieldType.DATE, constraints=(RETURN_RULE,)),
                field("at", FieldType.TIME),
                field("moment", FieldType.DATETIME),
                field("colour", FieldType.SELECT_ONE, choices=COLOURS, required="=NOT(ISBLANK(count))"),
                field("colours", FieldType.SELECT_MULTIPLE, choices=COLOURS),
                field("why_red", FieldType.TEXT, relevant='=colour="red"', max_length=40),
                field("system", FieldType.SELECT_ONE, master=MasterChoices(table="products", level=1)),
                field("unit", FieldType.SELECT_ONE, master=MasterChoices(table="products", level=2, under="system")),
                field("drawing", FieldType.TEXT, lookup=Lookup(by="system", column="drawing")),
                field("since", FieldType.DATE, lookup=Lookup(by="unit", column="since")),
                field("who", FieldType.PERSON, master=MasterChoices(table="people")),
                field("days", FieldType.INTEGER, calculation='=IF(ISBLANK(returned_on),"",returned_on-left_on+1)'),
                field("photo", FieldType.IMAGE),
            ),
        ),
        Section(
            name="second",
            label=text("Second"),
            owner="quality",
            items=(
                Repeat(
                    name="parts",
                    label=text("Parts"),
                    rows=3,
                    minimum=1,
                    fields=(
                        field("serial", FieldType.TEXT, required=True, max_length=20),
                        field("price", FieldType.DECIMAL, decimals=2),
                        field("number", FieldType.INTEGER, minimum=Decimal(1)),
                        field(
                            "total", FieldType.DECIMAL, decimals=2, calculation='=IF(ISBLANK(price),"",price*number)'
                        ),
                    ),
                    constraints=(
                        Constraint(
                            name="cheap", check="=price*number<=1000", at="price", message=Text("太贵。", "Too dear.")
                        ),
                    ),
                ),
                field("sum", FieldType.DECIMAL, decimals=2, calculation="=SUM(parts.total)"),
                field("verdict", FieldType.TEXT, required=True, max_length=100),
            ),
        ),
    ),
)
ANSWERS: Values = {
    "note": "=cmd|'/c calc'!A0",
    "count": 7,
    "weight": Decimal("12.50"),
    "left_on": date(2026, 11, 1),
    "returned_on": date(2026, 11, 4),
    "at": time(14, 30),
    "moment": datetime(2026, 11, 4, 9, 5),
    "colour": "red",
    "colours": ("red", "blue"),
    "why_red": "-5 °C, _x0041_ + 0012",
    "system": "A",
    "unit": "A1",
    "who": "P2",
    "parts": (
        {"serial": "00123", "price": Decimal("19.90"), "number": 2},
        {"serial": "+86", "price": Decimal("5"), "number": 1},
    ),
    "verdict": "@ok",
}


def sheet_of(content: bytes) -> Worksheet:
    sheet = load_workbook(BytesIO(content)).worksheets[0]
    assert isinstance(sheet, Worksheet)
    return sheet


def place(content: bytes, name: str) -> str:
    """Where a defined name points, without sheet and dollars."""
    return str(load_workbook(BytesIO(content)).defined_names[name].attr_text).rpartition("!")[2].replace("$", "")


def validation(content: bytes, path: str) -> DataValidation:
    first = place(content, defined_name(path)).partition(":")[0]
    return next(v for v in sheet_of(content).data_validations.dataValidation if first in v.sqref)


def constants(content: bytes) -> Mapping[str, str]:
    names = load_workbook(BytesIO(content)).defined_names
    return {
        name: entry.attr_text for name, entry in names.items() if name.startswith("AS__") and "!" not in entry.attr_text
    }


@pytest.fixture(scope="module")
def blank() -> bytes:
    return build_template(DRAWN, language="en", master=MASTER, instance_id="i-1", now=NOW)


@pytest.fixture(scope="module")
def record() -> bytes:
    return build_template(
        DRAWN, language="en", master=MASTER, values=ANSWERS, number="DR-1", revision=2, state="open", now=NOW
    )


def test_the_same_arguments_give_the_same_bytes(blank: bytes) -> None:
    """Two templates with one instance_id are equal to the bit; another instance_id makes another file."""
    again = build_template(DRAWN, language="en", master=MASTER, instance_id="i-1", now=NOW)
    other = build_template(DRAWN, language="en", master=MASTER, instance_id="i-2", now=NOW)

    assert again == blank
    assert other != blank


def test_a_workbook_says_what_it_is(blank: bytes) -> None:
    """Form, version, language and instance stand in hidden constants; station and seal only when issued to one."""
    issued = build_template(DRAWN, language="zh", instance_id='a"b', station="SH", seal="s3", now=NOW)

    assert constants(blank) == {
        "AS__form_id": '"drawn"',
        "AS__version": '"3"',
        "AS__language": '"en"',
        "AS__instance_id": '"i-1"',
    }
    assert {"AS__station": '"SH"', "AS__seal": '"s3"', "AS__instance_id": '"a""b"'}.items() <= constants(issued).items()
    assert all(load_workbook(BytesIO(blank)).defined_names[name].hidden for name in constants(blank))


def test_a_blank_without_an_instance_gets_its_own() -> None:
    """Two downloads of one blank can be told apart."""
    one, other = build_template(DRAWN, now=NOW), build_template(DRAWN, now=NOW)

    assert constants(one)["AS__instance_id"] != constants(other)["AS__instance_id"]


def test_nobody_is_named_in_the_file(blank: bytes) -> None:
    """The document properties hold the title and no person, and no part says when it was made."""
    with zipfile.ZipFile(BytesIO(blank)) as archive:
        core = archive.read("docProps/core.xml").decode()
        moments = {entry.date_time for entry in archive.infolist()}

    assert "<dc:title>Every type</dc:title>" in core
    assert "lastModifiedBy" not in core
    assert moments == {(1980, 1, 1, 0, 0, 0)}


def test_every_field_has_its_name(blank: bytes) -> None:
    """A field's defined name is its cell; a repeat's covers all entry lines."""
    names = load_workbook(BytesIO(blank)).defined_names
    first, _, last = place(blank, "AS_parts__serial").partition(":")

    assert {defined_name(path) for path, _ in DRAWN.paths()} <= set(names)
    assert {"AS__number", "AS__revision", "AS__state", "AS__received_at", "AS__reason"} <= set(names)
    assert int(last.strip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")) - int(first.strip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")) == 2


def test_a_form_without_soft_rules_has_no_reason_cell() -> None:
    """The cell for the sender's reason is there only where a rule may be broken with one."""
    content = build_template(replace(DRAWN, constraints=()), now=NOW)

    assert "AS__reason" not in load_workbook(BytesIO(content)).defined_names


def test_field_names_never_collide_with_the_form_s_own() -> None:
    """Fields called number, state and received_at have their own cells beside those of the title block."""
    own = Section(
        name="own",
        label=text("Own"),
        items=tuple(field(name, FieldType.TEXT) for name in ("number", "state", "received_at", "reason")),
    )
    content = build_template(replace(DRAWN, sections=(*DRAWN.sections, own)), now=NOW)

    for name in ("number", "state", "received_at", "reason"):
        assert place(content, f"AS_{name}") != place(content, f"AS__{name}")


def test_only_answers_are_unlocked(blank: bytes) -> None:
    """The sheet is protected without a password: inputs are open, labels and calculated cells are not."""
    sheet = sheet_of(blank)
    open_ = {cell.coordinate for row in sheet.iter_rows() for cell in row if not cell.protection.locked}

    assert sheet.protection.sheet
    assert not sheet.protection.password
    assert not sheet.protection.objects  # a picture must be pasteable
    assert place(blank, "AS_note") in open_
    assert place(blank, "AS__reason") in open_
    for name in ("AS_days", "AS_drawing", "AS__number", "AS__state"):
        assert place(blank, name) not in open_


def test_only_the_owner_s_sections_are_open() -> None:
    """With *editable* the other owners' inputs are locked; the reason stays open."""
    content = build_template(DRAWN, editable=frozenset({"quality"}), now=NOW)
    sheet = sheet_of(content)

    assert sheet[place(content, "AS_note")].protection.locked
    assert not sheet[place(content, "AS_verdict")].protection.locked
    assert not sheet[place(content, "AS__reason")].protection.locked


def test_labels_show_what_is_required(blank: bytes) -> None:
    """Each label stands on the sheet, with its unit and a star when it must be filled in."""
    shown = {cell.value for row in sheet_of(blank).iter_rows() for cell in row if isinstance(cell.value, str)}

    assert {"note *", "left_on *", "count (pcs)", "colour", "serial *", "Every type"} <= shown


def test_choices_come_from_the_hidden_sheet(blank: bytes) -> None:
    """A drop-down's list is a range of the hidden sheet that holds the labels in the template's language."""
    found = validation(blank, "colour")
    where = str(found.formula1).replace("_lists!", "").replace("$", "")
    lists = load_workbook(BytesIO(blank))["_lists"]

    assert lists.sheet_state == "hidden"
    assert [row[0].value for row in lists[where]] == ["red", "blue"]
    assert found.errorStyle in (None, "stop")


def test_a_cascade_offers_the_children_of_the_parent(blank: bytes) -> None:
    """The child's list is cut out of a list sorted by parent; a row without a parent on offer is left out."""
    lists = load_workbook(BytesIO(blank))["_lists"]
    columns = {str(column[0].value): [cell.value for cell in column[1:] if cell.value] for column in lists.columns}

    assert str(validation(blank, "unit").formula1).startswith("OFFSET(_lists!$")
    assert "AS_system" in str(validation(blank, "unit").formula1)
    assert columns["products 2 <"] == ["Brake", "Brake", "Air"]
    assert columns["products 2"] == ["Control", "Caliper", "Control"]


def test_rows_that_look_alike_carry_their_code(blank: bytes) -> None:
    """Two people of one name are told apart by their codes, others are not burdened with them."""
    lists = load_workbook(BytesIO(blank))["_lists"]
    people = next(column for column in lists.columns if column[0].value == "people")

    assert [cell.value for cell in people[1:4]] == ["Wei Li (P1)", "Wei Li (P2)", "Fang Wang"]


def test_a_rule_is_excel_s_own_validation(blank: bytes) -> None:
    """Type and rule are one formula, silent while the other answer is missing; the message is the author's."""
    found = validation(blank, "returned_on")

    assert found.type == "custom"
    assert found.errorStyle in (None, "stop")
    assert 'OR(AS_left_on="",AND(AS_returned_on>=AS_left_on,AS_returned_on<=TODAY()))' in str(found.formula1)
    assert "Returned too early." in str(found.error)


def test_a_soft_rule_only_warns() -> None:
    """Where rules may be broken with a reason, Excel asks instead of refusing, and says where to write it."""
    first = DRAWN.sections[0]
    items = tuple(replace(i, constraints=()) if i.name == "returned_on" else i for i in first.items)  # type: ignore[type-var]
    content = build_template(
        replace(DRAWN, sections=(replace(first, items=items), DRAWN.sections[1])), language="en", now=NOW
    )
    found = validation(content, "returned_on")

    assert found.errorStyle == "warning"
    assert "AS_returned_on-AS_left_on<=9" in str(found.formula1)
    assert "Reason" in str(found.error)


def test_a_repeat_s_rule_looks_at_its_own_line(blank: bytes) -> None:
    """Inside a repeat one validation covers all lines and refers to the cells of the same line."""
    found = validation(blank, "parts.price")
    row = place(blank, "AS_parts__price").partition(":")[0].strip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")

    assert f"{row}<=1000" in str(found.formula1)
    assert f"${row}" not in str(found.formula1)
    assert [area.size["rows"] for area in found.sqref.ranges] == [3]


def test_a_rule_too_long_for_excel_is_left_to_colour_and_check() -> None:
    """A formula beyond 255 characters keeps the type check as validation; the whole rule is a conditional format."""
    long = Constraint(
        name="long",
        check="=AND(" + ",".join(f"count<>{n}" for n in range(100, 200)) + ")",
        message=text("no"),
        at="count",
    )
    content = build_template(replace(DRAWN, constraints=(*DRAWN.constraints, long)), now=NOW)
    formulas = [str(f) for c in sheet_of(content).conditional_formatting for rule in c.rules for f in rule.formula]

    assert validation(content, "count").type == "whole"
    assert any("AS_count<>199" in formula for formula in formulas)


def test_messages_help_and_fit(blank: bytes) -> None:
    """Every input has a message within Excel's limits that says what is allowed."""
    found = {path: validation(blank, path) for path, f in DRAWN.paths() if not f.computed}

    assert all(len(str(v.prompt)) <= 255 and len(str(v.promptTitle)) <= 32 for v in found.values())
    assert "from 0 to 10" in str(found["count"].prompt)
    assert "2026-11-21" in str(found["left_on"].prompt)
    assert "red; blue" in str(found["colours"].prompt)
    assert "system" in str(found["unit"].prompt)
    assert "Paste" in str(found["photo"].prompt)


def test_one_cell_has_one_validation(blank: bytes) -> None:
    """No cell is covered twice, and none of the formulas is longer than Excel takes."""
    validations = sheet_of(blank).data_validations.dataValidation
    cells = [cell for v in validations for area in v.sqref.ranges for cell in area.cells]

    assert len(cells) == len(set(cells))
    assert all(len(str(v.formula1 or "")) <= 255 for v in validations)


def test_colours_follow_the_answers(blank: bytes) -> None:
    """Required and irrelevant cells and broken rules are marked by formulas that wait until the form is begun."""
    formats = {
        str(c.sqref): [str(f) for r in c.rules for f in r.formula] for c in sheet_of(blank).conditional_formatting
    }
    formulas = [formula for group in formats.values() for formula in group]

    assert f'AND(${place(blank, "AS_note")[0]}${place(blank, "AS_note")[1:]}="",begun_form>0)' in formulas
    assert any(f.startswith('AND(begun_form>0,NOT(AS_colour="red"))') for f in formulas)
    assert any("NOT(ISBLANK(AS_count))" in f and "begun_form>0" in f for f in formulas)
    assert any("begun_second>0" in f for f in formulas)
    assert any('OR(AS_returned_on="",AS_left_on="",AS_returned_on-AS_left_on<=9)' in f for f in formulas)


def test_the_reason_is_asked_for_while_a_soft_rule_is_broken(blank: bytes) -> None:
    """The cell for the reason is marked as long as a rule that needs one is broken and it is empty."""
    reason = place(blank, "AS__reason")
    formats = {str(c.sqref).partition(":")[0]: c.rules[0].formula[0] for c in sheet_of(blank).conditional_formatting}

    assert "AS_returned_on-AS_left_on<=9" in formats[reason]
    assert formats[reason].startswith("AND($")


def test_without_master_data_nothing_is_promised(blank: bytes) -> None:
    """A field whose master table is empty has no drop-down, and no message that speaks of one."""
    bare = build_template(DRAWN, language="en", now=NOW)
    paths = [str(v.prompt) for v in sheet_of(bare).data_validations.dataValidation if v.type == "list"]

    assert "list" in str(validation(blank, "system").prompt)
    assert len(paths) == 1  # the colour


def test_rows_are_as_high_as_a_record_s_texts(blank: bytes) -> None:
    """Nothing of a long answer is cut off in print: its row grows with it."""
    content = build_template(DRAWN, language="en", values={"note": "word " * 400}, now=NOW)
    row = int(place(blank, "AS_note").strip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))

    assert sheet_of(content).row_dimensions[row].height > 3 * sheet_of(blank).row_dimensions[row].height


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("form_id", "pages"),
    [("feedback", 2), ("survey", 1), ("fracas", 3), ("trip_plan", 1), ("trip_loan", 1), ("trip_summary", 2)],
)
def test_a_blank_form_takes_no_page_more_than_it_must(form_id: str, pages: int, language: Language) -> None:
    """What is empty asks for no height of its own; no page holds but a few lines."""
    setup = sheet_of(build_template(library()[form_id], language=language, now=NOW)).page_setup

    assert setup.fitToHeight == pages


def test_the_sheet_prints_on_a4(blank: bytes) -> None:
    """A4 portrait, one page wide, centred, the title block on every page, page numbers in the footer."""
    sheet = sheet_of(blank)

    assert (sheet.page_setup.paperSize, sheet.page_setup.orientation) == (9, "portrait")
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    assert sheet.page_setup.fitToWidth == 1
    assert sheet.print_options.horizontalCentered
    assert sheet.print_title_rows == "$1:$2"
    assert sheet.print_area.replace("$", "").endswith(f"A1:{sheet.dimensions.partition(':')[2]}")
    assert "&P" in sheet.oddFooter.center.text
    assert "drawn" in sheet.oddFooter.left.text


def test_a_wide_repeat_turns_the_sheet() -> None:
    """A repeat with more columns than fit across A4 makes the form landscape."""
    wide = Repeat(
        name="wide", label=text("Wide"), fields=tuple(field(f"column_{n}", FieldType.DATETIME) for n in range(9))
    )
    content = build_template(
        replace(DRAWN, sections=(*DRAWN.sections, Section(name="third", label=text("Third"), items=(wide,)))), now=NOW
    )

    assert sheet_of(content).page_setup.orientation == "landscape"


def test_a_record_survives_the_way_to_a_workbook_and_back(record: bytes) -> None:
    """Reading and checking a record's workbook gives the answers it was built from, of every type."""
    filled = read(record, {"drawn": DRAWN})
    report = check(DRAWN, filled, master=MASTER, now=NOW)

    assert report.findings == ()
    assert (filled.identity.record_number, filled.identity.revision) == ("DR-1", 2)
    expected = dict(ANSWERS) | {
        "days": 4,
        "drawing": "D-2",
        "since": date(2021, 6, 2),
        "sum": Decimal("44.8"),
        "photo": None,
    }
    lines = [dict(line) | {"total": total} for line, total in zip(ANSWERS["parts"], ("39.8", "5"), strict=True)]  # type: ignore[arg-type]
    assert {name: value for name, value in report.values.items() if name != "parts"} == {
        name: value for name, value in expected.items() if name != "parts"
    }
    assert [{k: str(v) if k == "total" else v for k, v in row.items()} for row in report.values["parts"]] == lines  # type: ignore[union-attr]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_record_s_choices_are_shown_by_label(language: Language) -> None:
    """Choices and master rows appear as people read them in the template's language."""
    content = build_template(DRAWN, language=language, master=MASTER, values=ANSWERS, now=NOW)
    sheet = sheet_of(content)
    shown = {path: sheet[place(content, defined_name(path))].value for path in ("colour", "colours", "unit", "who")}

    assert (
        shown
        == {
            "zh": {"colour": "红", "colours": "红、蓝", "unit": "控制", "who": "李伟 (P2)"},
            "en": {"colour": "red", "colours": "red; blue", "unit": "Control", "who": "Wei Li (P2)"},
        }[language]
    )


@pytest.mark.parametrize(("language", "shown"), [("zh", "东"), ("en", "East")])
def test_what_is_looked_up_is_shown_in_the_template_s_language(language: Language, shown: str) -> None:
    """Where the master data has the column in English too, as a station's region; in the list and in the cell."""
    attributes = {"drawing": "东", "drawing_en": "East"}
    row = MasterRow(code="A", label_zh="供风", label_en="Air", level=1, attributes=attributes)
    content = build_template(DRAWN, language=language, master=Master({"products": [row]}), values=ANSWERS, now=NOW)
    lists = load_workbook(BytesIO(content)).worksheets[-1]
    cached = load_workbook(BytesIO(content), data_only=True).worksheets[0]

    assert cached[place(content, "AS_drawing")].value == shown
    assert shown in {cell.value for column in lists.columns for cell in column}
    assert show(DRAWN.field("drawing"), "东", language, Master({"products": [row]})) == shown


def test_text_that_looks_like_a_formula_stays_text(record: bytes) -> None:
    """= + - @ at the beginning never make a live formula, and stay text when somebody edits the cell."""
    sheet = sheet_of(record)
    package = Package(record)

    for path in ("note", "why_red", "verdict"):
        cell = sheet[place(record, defined_name(path))]
        assert cell.data_type == "s"
        assert cell.quotePrefix
    assert b"cmd|" not in b"".join(
        (element.text or "").encode() for element in package.xml("xl/worksheets/sheet1.xml").iter("{*}f")
    )


def test_a_record_has_lines_to_spare() -> None:
    """There are two more lines than the record has, or as many as the blank form prints."""
    many: Values = {"parts": tuple({"serial": str(n)} for n in range(9))}
    content = build_template(DRAWN, values=many, now=NOW)
    first, _, last = place(content, "AS_parts__serial").partition(":")

    assert len(sheet_of(content)[f"{first}:{last}"]) == 11


def test_calculated_cells_hold_their_results(record: bytes, blank: bytes) -> None:
    """Readers that do not recalculate see the right results, also in lines nobody has filled in."""
    filled = load_workbook(BytesIO(record), data_only=True).worksheets[0]
    empty = load_workbook(BytesIO(blank), data_only=True).worksheets[0]

    assert filled[place(record, "AS_days")].value == 4
    assert filled[place(record, "AS_drawing")].value == "D-2"
    assert filled[place(record, "AS_since")].value == datetime(2021, 6, 2)
    assert filled[place(record, "AS_sum")].value == pytest.approx(44.8)
    assert empty[place(blank, "AS_days")].value in ("", None)
    assert empty[place(blank, "AS_sum")].value == 0


def test_a_record_s_picture_comes_back() -> None:
    """A picture of the record lies in its box again, byte for byte, so that sending it in keeps it."""
    out = BytesIO()
    Image.new("RGB", (400, 300), "teal").save(out, "PNG")
    first = build_template(DRAWN, values={"photo": ("digest",)}, pictures={"digest": out.getvalue()}, now=NOW)

    assert [picture.content for picture in read(first, {"drawn": DRAWN}).pictures] == [out.getvalue()]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form_id", list(library()))
def test_blanks_are_recognised_and_empty(form_id: str, language: Language) -> None:
    """The reader knows a blank of each form, finds every field, and no answer in it."""
    definition = library()[form_id]
    filled = read(
        build_template(definition, language=language, master=demo_master(), instance_id="x", now=NOW), library()
    )

    assert (filled.identity.form_id, filled.identity.version) == (form_id, definition.version)
    assert filled.identity.language == language
    assert filled.findings == ()
    assert not [path for path, cell in filled.cells.items() if cell.value and not definition.field(path).computed]
    assert not any(filled.repeats.values())


def test_templates_with_long_lists_stay_small() -> None:
    """With the demo company's 100 trains and their failure modes no blank exceeds 60 KB."""
    sizes = {form_id: len(build_template(d, master=demo_master(), now=NOW)) for form_id, d in library().items()}

    assert max(sizes.values()) < 60_000


def test_sheet_titles_are_what_excel_allows() -> None:
    """A title too long or with forbidden characters is shortened, not refused."""
    definition = replace(DRAWN, title=Text("甲/乙:丙" * 9, "It's [a] form?"))

    assert len(sheet_title(definition, "zh")) == 31
    assert sheet_title(definition, "en") == "It s  a  form"


def test_templates_pass_the_gate(blank: bytes, record: bytes) -> None:
    """Neither the Open XML SDK nor our lint finds anything in blanks and records of any form."""
    master = demo_master()
    contents = [
        build_template(d, language=language, master=master, now=NOW)
        for d in library().values()
        for language in LANGUAGES
    ]

    assert_valid(blank, record, *contents)
