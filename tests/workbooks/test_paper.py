"""Forms that companies have drawn to be printed: what is found on them, and what is made of it."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import Workbook
from openpyxl.styles import Border, Side
from openpyxl.worksheet.worksheet import Worksheet

from tests.hostile import ALL
from tests.make_paper import PAPER
from tests.proposals import write_proposal
from tests.validity import assert_valid
from workbooks.form import FieldType, FormDefinition
from workbooks.library import load
from workbooks.package import Package
from workbooks.paper.words import english, snake
from workbooks.proposal import PaperError, Proposal, propose
from workbooks.refusal import Refused
from workbooks.sandbox import Sandbox, Stopped

# cell, name without AS_, type
EXPECTED = {
    "维修服务单": """
        B4 customer_name text | F4 phone text | B5 equipment_name text | F5 serial_no text | B6 reported_on date
        F6 arrived_at datetime | B7 warranty select_one | F7 mileage decimal | B8 service_type select_multiple
        B9 symptom text | B10 measures_taken text | B13:B16 replaced_parts__part_name text
        D13:D16 replaced_parts__model text | E13:E16 replaced_parts__quantity integer
        F13:F16 replaced_parts__unit_price decimal | H13:H16 replaced_parts__remark text
        B18 customer_rating select_one | F18 service_engineer text
    """,
    "客户投诉处理单": """
        D3 complained_on date | B4 customer_name text | D4 contact text | B5 phone text | D5 product_model text
        B6 complaint_grade select_one | D6 complaint_channel select_one | B7 field_1 text | D7 affected_sets integer
        A10 complaint text | A12 cause_analysis text | A14 corrective_action text | B15 solved select_one
    """,
    "设备点检表": """
        C2 equipment_name text | E2 equipment_no text | C3 checked_on date | E3 shift select_one
        B5:B9 items__check_item text | C5:C9 items__check_standard text | D5:D9 items__check_result select_one
        E5:E9 items__remark text | B10 abnormality_handling text | B11 checked_by text
    """,
    "备件申请单": """
        C2 requesting_department text | E2 requested_on date | C3 requested_by text | E3 urgency select_one
        B6:B11 items__material_code text | C6:C11 items__part_name text | D6:D11 items__specification text
        E6:E11 items__quantity integer | F6:F11 items__unit_price decimal | G6:G11 items__needed_on date
        C13 purpose text
    """,
}


def proposed(name: str) -> Proposal:
    return propose((PAPER / f"{name}.xlsx").read_bytes(), filename=f"{name}.xlsx")


def installed(name: str, folder: Path) -> FormDefinition:
    """The form as its definition loads, with its look."""
    return load(write_proposal(name, folder) / "form.yaml")


@pytest.mark.parametrize("name", EXPECTED)
def test_every_answer_of_a_paper_form_is_found(name: str):
    """Its cell, its name and its type, and nothing that is no answer."""
    wanted = [entry.split() for line in EXPECTED[name].strip().splitlines() for entry in line.split("|")]
    found = [[cell.cell, cell.name.removeprefix("AS_"), str(cell.type)] for cell in proposed(name).found]

    assert found == wanted


@pytest.mark.parametrize("name", EXPECTED)
def test_a_proposal_loads_as_it_stands(name: str, tmp_path: Path):
    """No definition needs a hand before it can be used; its title is that of the sheet."""
    definition = installed(name, tmp_path)

    assert definition.title.zh == name
    assert definition.own_look is not None
    assert set(definition.key) <= {field.name for field in definition.fields}


def test_what_the_paper_says_becomes_the_definition(tmp_path: Path):
    """Stars, units, boxes, validations, lines and signatures are in it, in both languages."""
    repair = installed("维修服务单", tmp_path)
    request = installed("备件申请单", tmp_path)

    assert [field.name for field in repair.fields if field.required] == ["customer_name", "reported_on", "symptom"]
    assert repair.field("mileage").unit is not None
    assert [choice.name for choice in repair.field("warranty").choices] == ["in_warranty", "out_of_warranty"]
    assert [choice.label.zh for choice in repair.field("service_type").choices][-1] == "其他"
    quantity = repair.field("replaced_parts.quantity")
    assert (quantity.minimum, quantity.maximum, quantity.label.en) == (1, 999, "Quantity")
    assert [signature.zh for signature in repair.signatures] == ["客户签字", "工程师签字"]
    assert next(repair.repeats).rows == 4
    assert [field.name for field in request.fields if field.required] == ["requesting_department", "requested_on"]
    assert request.field("items.part_name").required
    assert request.field("items.unit_price").decimals == 2
    assert [choice.label.en for choice in request.field("urgency").choices] == ["Normal", "Urgent", "Very urgent"]
    assert request.number == "PRF-{year}-{serial:06d}"


def test_what_is_doubtful_is_told():
    """A number that the system will write, formulas that stay, words printed in a table."""
    told = {name: " ".join(unsure.zh for unsure in proposed(name).unsure) for name in EXPECTED}

    assert "H3“编号”" in told["维修服务单"]
    assert "G13" in told["维修服务单"]
    assert "公式" in told["备件申请单"]
    assert "印好的文字" in told["设备点检表"]


def test_only_names_a_strip_and_formats_are_added():
    """Every other part of the company's workbook is the same to the byte."""
    for name in EXPECTED:
        before = Package((PAPER / f"{name}.xlsx").read_bytes())
        after = Package(proposed(name).template)

        assert list(after.names()) == list(before.names())
        changed = {part for part in before.names() if before.read(part) != after.read(part)}
        assert changed == {"xl/workbook.xml", "xl/styles.xml", "xl/worksheets/sheet1.xml"}


def test_templates_are_valid_workbooks():
    """The Open XML SDK has nothing against them that it had not against the company's own."""
    for name in ("维修服务单", "备件申请单"):
        assert_valid(proposed(name).template, baseline=(PAPER / f"{name}.xlsx").read_bytes())


def test_proposing_again_from_a_template_gives_the_same_names():
    """Our names on it are replaced, not doubled; the strip below is not taken for questions."""
    first = proposed("客户投诉处理单")
    again = propose(first.template, filename="template.xlsx")

    assert [cell.name for cell in again.found] == [cell.name for cell in first.found]


def test_a_sheet_is_chosen_by_name():
    """Another one has nothing to fill in, and one that is not there is named with those that are."""
    content = (PAPER / "设备点检表.xlsx").read_bytes()

    assert propose(content, filename="a.xlsx", sheet="点检表").form_id == "equipment_check_sheet"
    with pytest.raises(PaperError, match="没有找到可填写的空格"):
        propose(content, filename="a.xlsx", sheet="班次")
    with pytest.raises(PaperError, match="点检表"):
        propose(content, filename="a.xlsx", sheet="别的")


def test_ids_and_numbers_of_other_forms_are_left_alone():
    """A second form of the same title gets the next id and another prefix."""
    content = (PAPER / "备件申请单.xlsx").read_bytes()
    second = propose(content, filename="a.xlsx", taken=["parts_request_form"], numbers=["PRF-{year}-{serial:06d}"])

    assert second.form_id == "parts_request_form_2"
    assert 'number: "PRF2-{year}-{serial:06d}"' in second.definition


def test_hostile_files_end_in_a_message():
    """A proposal is made in the sandbox, behind the guard: bombs, loops and rubbish are refused, nothing hangs."""
    ended = []
    with Sandbox(workers=2) as sandbox:
        for hostile in ALL:
            try:
                sandbox.run(propose, hostile.content(), filename="a.xlsx", seconds=10.0)
                ended.append("proposed")
            except (Refused, PaperError, Stopped) as error:
                ended.append(type(error).__name__)

    assert len(ended) > 30
    assert "Refused" in ended


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("客户名称", "customer_name"),
        ("设备运行里程", "equipment_mileage"),
        ("投诉 受理时间", "complaint_accepted_at"),
        ("Serial No.", "serial_no"),
        ("饕餮", None),
    ],
)
def test_labels_become_names(label: str, name: str | None):
    """By phrases and by words; what is not known gets no name, never one by its sound."""
    assert snake(english(label)) == name


def test_types_come_from_the_paper():
    """The reason given for each type is the one the sheet shows."""
    why = {cell.name: cell.why.en for cell in proposed("客户投诉处理单").found}

    assert "年月日" in why["AS_complained_on"]
    assert why["AS_complaint_grade"] == "its data validation"
    assert "check boxes" in why["AS_solved"]
    assert "unit" in why["AS_affected_sets"]
    assert {cell.type for cell in proposed("设备点检表").found} >= {FieldType.DATE, FieldType.SELECT_ONE}


def test_what_is_printed_with_its_answer_is_no_question():
    """A document code stays as it is, the form's own number is ours, and a lot may have letters beside its quantity."""
    sheet = drawn({
        "A1": "售后服务派工单", "A2": "表单编号：QR-7.5-03", "C2": "派工单号：",
        "A3": "客户名称", "C3": "设备编号", "A4": "批号/数量", "C4": "数量",
    })  # fmt: skip
    found = {cell.label.zh: cell.type for cell in sheet.found}

    assert set(found) == {"客户名称", "设备编号", "批号/数量", "数量"}
    assert (found["批号/数量"], found["数量"]) == (FieldType.TEXT, FieldType.INTEGER)
    assert "D2“派工单号”" in " ".join(unsure.zh for unsure in sheet.unsure)


def test_what_follows_a_table_is_not_under_its_heading():
    """The heading of a table ends with it."""
    table = {"A3": "更换配件明细", "A4": "名称", "B4": "规格", "C4": "数量", "D4": "备注"}
    sheet = drawn({"A1": "服务单", "A2": "客户名称", **table, "A7": "到达时间"}, across=("A3:D3",))

    labels = re.findall(r"  - name: (\w+)\n    label: \{zh: (\w+)", sheet.definition)
    assert labels == [("contents", "填写内容"), ("replaced_parts", "更换配件明细"), ("more", "其他内容")]


def drawn(texts: dict[str, str], *, across: tuple[str, ...] = ()) -> Proposal:
    """What is proposed for a framed sheet of four columns with *texts* on it."""
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    thin = Side(style="thin")
    for row in sheet["A2:D7"]:
        for cell in row:
            cell.border = Border(left=thin, right=thin, top=thin, bottom=thin)
    for place, text in texts.items():
        sheet[place] = text
    for area in ("A1:D1", *across):
        sheet.merge_cells(area)
    content = BytesIO()
    book.save(content)
    return propose(content.getvalue(), filename="a.xlsx")
