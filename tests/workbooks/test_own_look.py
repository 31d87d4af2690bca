"""Any sheet at all: it ends in a message, or in a form that hands out and takes back every answer on that sheet."""

import random
import re
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.styles import Border, Side
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from tests.make_paper import PAPER
from tests.validity import assert_valid
from workbooks.check import check
from workbooks.filled import Value, Values
from workbooks.form import Field, FieldType, FormDefinition
from workbooks.form_check import look_problems
from workbooks.library import DefinitionError, load
from workbooks.ooxml.areas import Area
from workbooks.ooxml.cells import Sheet
from workbooks.ooxml.validations import put_validations, validations
from workbooks.package import Package
from workbooks.proposal import PaperError, propose
from workbooks.reader import read
from workbooks.sandbox import Sandbox
from workbooks.sheet.own_look import LookError, open_look
from workbooks.template import build_template

NOW = datetime(2026, 3, 5, 9, 30)
_LINE = Side("thin")
_TEXTS = (
    *("客户名称", "日期", "电话*", "故障现象：", "数量（台）", "□是 □否", "类型：□A □B □C", "编号", "序号", "备注"),
    *("金额（元）", "审核", "签字：", "牵引", "一、基本信息", "=1+1", 12, "    年  月  日", "客户名称：______", "照片"),
    *("No.", "1", "2", "□", "√", "到达时间", "名称", "名称", "状态", "版次", *[None] * 9),
)
_FORMATS = ("yyyy-mm-dd", "0.00", "@", "h:mm", '[$-804]yyyy"年"m"月"')


def any_sheet(seed: int) -> bytes:
    """A sheet of labels, boxes, numbers, formulas and empty cells, framed and merged at random."""
    chance = random.Random(seed)
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = chance.choice(["表", "Sheet1", "a'b 表", "x!y"])
    rows, columns = chance.randint(2, 20), chance.randint(2, 9)
    for row in range(1, rows + 1):
        for column in range(1, columns + 1):
            cell = sheet.cell(row, column, chance.choice(_TEXTS))
            if chance.random() < 0.8:
                cell.border = Border(_LINE, _LINE, _LINE, _LINE)
            if chance.random() < 0.1:
                cell.number_format = chance.choice(_FORMATS)
    merged: list[Area] = []
    for _ in range(chance.randint(0, 5)):
        top, left = chance.randint(1, rows), chance.randint(1, columns)
        area = Area(top, left, min(rows, top + chance.randint(0, 2)), min(columns, left + chance.randint(0, 3)))
        if not any(area.meets(other) for other in merged):
            merged.append(area)
            sheet.merge_cells(str(area))
    if chance.random() < 0.5:
        rule = DataValidation(type="list", formula1='"甲,乙,丙"')
        rule.add(f"A1:{sheet.cell(rows, columns).coordinate}" if chance.random() < 0.3 else "B2")
        sheet.add_data_validation(rule)
    if chance.random() < 0.2:
        sheet.protection.enable()
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def any_answer(field: Field, chance: random.Random) -> Value:
    if field.type is FieldType.SELECT_MULTIPLE:
        return tuple(choice.name for choice in field.choices if chance.random() < 0.5) or None
    if field.choices:
        return chance.choice(field.choices).name
    answers: Mapping[FieldType, Value] = {
        FieldType.TEXT: chance.choice(["=1+1", "007", "两行\n文字", "甲"]),
        FieldType.INTEGER: chance.randint(1, 9),
        FieldType.DECIMAL: Decimal("1.25"),
        FieldType.DATE: date(2026, 3, 5),
        FieldType.DATETIME: NOW,
        FieldType.TIME: time(9, 30),
    }
    return answers.get(field.type)


def form_in(folder: Path, content: bytes) -> FormDefinition:
    proposal = propose(content, filename="form.xlsx")
    (folder / "form.yaml").write_text(proposal.definition, encoding="utf-8")
    (folder / "template.xlsx").write_bytes(proposal.template)
    return load(folder / "form.yaml")


@pytest.mark.parametrize("seed", range(24))
def test_whatever_a_sheet_looks_like_its_form_keeps_every_answer(tmp_path: Path, seed: int):
    """The proposal loads and has no problem, its blank answers nothing, a record comes back as it was."""
    try:
        definition = form_in(tmp_path, any_sheet(seed))
    except PaperError:
        return
    chance, forms = random.Random(seed), {definition.form_id: definition}
    values: Values = {field.name: any_answer(field, chance) for field in definition.fields} | {
        repeat.name: tuple(
            {field.name: any_answer(field, chance) for field in repeat.fields} for _ in range(repeat.rows)
        )
        for repeat in definition.repeats
    }

    open_look(definition)  # raises where it does not fit
    blank = read(build_template(definition, now=NOW), forms)
    record = read(build_template(definition, values=values, number="A-1", revision=2, now=NOW), forms)
    report = check(definition, record, now=NOW)

    assert [problem.what.en for problem in look_problems(definition) if problem.error] == []
    assert (blank.findings, record.findings) == ((), ())
    assert (record.identity.record_number, record.identity.revision) == ("A-1", 2)
    assert {name: report.values[name] for name in values} == values


def test_empty_cells_for_dates_show_dates(tmp_path: Path):
    """A day pasted or written into one is no number of five digits, whoever wrote "General" how; others stay."""
    book = load_workbook(PAPER / "客户投诉处理单.xlsx")
    sheet = book.worksheets[0]
    sheet["D3"].value, sheet["D3"].number_format = None, "General"
    drawn = BytesIO()
    book.save(drawn)
    blank = load_workbook(BytesIO(build_template(form_in(tmp_path, drawn.getvalue()), now=NOW))).worksheets[0]

    assert (blank["D3"].number_format, blank["B4"].number_format) == ("yyyy-mm-dd", sheet["B4"].number_format)


def test_the_look_is_a_file_and_no_key(tmp_path: Path):
    """A definition cannot carry a workbook in its text."""
    form_in(tmp_path, any_sheet(1))
    source = tmp_path / "form.yaml"
    source.write_text(source.read_text(encoding="utf-8") + "own_look: abc\n", encoding="utf-8")

    with pytest.raises(DefinitionError, match=r"form\.yaml:\d+: own_look: is the file template\.xlsx"):
        load(source)


def test_a_look_that_lost_a_name_gives_way_to_ours(tmp_path: Path):
    """Nobody is left without a form: it is drawn by us until the look is mended."""
    form_in(tmp_path, any_sheet(1))
    package = Package((tmp_path / "template.xlsx").read_bytes())
    package.put("xl/workbook.xml", package.read("xl/workbook.xml").replace(b'"AS_', b'"BS_'))
    (tmp_path / "template.xlsx").write_bytes(package.save())
    definition = load(tmp_path / "form.yaml")

    with pytest.raises(LookError):
        open_look(definition)
    assert read(build_template(definition, now=NOW), {definition.form_id: definition}).findings == ()


def test_a_look_without_names_is_no_form_of_ours(tmp_path: Path):
    """Where answers stand is known by name only: guessed from labels, one could be taken for empty."""
    definition = form_in(tmp_path, (PAPER / "客户投诉处理单.xlsx").read_bytes())
    values: Values = {"customer_name": "长客", "complaint": "逆变柜异响", "complaint_grade": "serious"}
    package = Package(build_template(definition, values=values, now=NOW))
    workbook = package.read("xl/workbook.xml")
    package.put("xl/workbook.xml", re.sub(rb"<definedNames>.*</definedNames>", b"", workbook, flags=re.DOTALL))

    with Sandbox(workers=1, definitions={definition.form_id: definition}) as sandbox:
        filled = sandbox.read(package.save())

    assert [finding.slug for finding in filled.findings] == ["unknown-form"]
    assert read(package.save(), {definition.form_id: definition}).findings == filled.findings


def test_validations_leave_the_cells_that_get_others():
    """Of an area with a hole the rest keeps its rule, in as many pieces as it takes; one without cells goes."""
    tree = Package(any_sheet(1)).xml("xl/worksheets/sheet1.xml")
    sheet = Sheet(tree)
    namespace = sheet.ns
    for area in ("A1:D4 F1", "B2"):
        container = tree.find(f"{namespace}dataValidations")
        if container is None:
            put_validations(sheet, [tree.makeelement(f"{namespace}dataValidation", sqref=area)], [])
        else:
            container.append(tree.makeelement(f"{namespace}dataValidation", sqref=area))
    hole = Area(2, 2, 3, 3)
    before = [areas for _, areas in validations(sheet)][-2:]

    put_validations(sheet, [], [hole])

    assert [str(area) for area in before[0]] == ["A1:D4", "F1"]
    kept = [areas for _, areas in validations(sheet)]
    assert kept[-1] == tuple(filter(None, map(Area.parse, ["A1:D1", "A2:A3", "D2:D3", "A4:D4", "F1"])))
    assert not any(area.meets(hole) for areas in kept for area in areas)


_EXTENDED_LIST = """<extLst><ext uri="{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}"
xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main"><x14:dataValidations count="1"
xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main"><x14:dataValidation type="list" allowBlank="1">
<x14:formula1><xm:f>%s!$A$1:$A$3</xm:f></x14:formula1><xm:sqref>B2</xm:sqref></x14:dataValidation></x14:dataValidations></ext></extLst>"""


def test_lists_on_other_sheets_as_excel_writes_them(tmp_path: Path):
    """Their entries become choices; in the blank our list takes their place, and nothing empty is left behind."""
    book = Workbook()
    sheet, lists = book.active, book.create_sheet("列表")
    assert isinstance(sheet, Worksheet)
    for row, texts in enumerate((("服务单", None), ("类别", None), ("客户", None)), start=1):
        for column, text in enumerate(texts, start=1):
            sheet.cell(row, column, text).border = Border(_LINE, _LINE, _LINE, _LINE)
    for row, text in enumerate("甲乙丙", start=1):
        lists.cell(row, 1, text)
    out = BytesIO()
    book.save(out)
    package = Package(out.getvalue())
    part = "xl/worksheets/sheet1.xml"
    extended = (_EXTENDED_LIST % "列表").encode()
    package.put(part, package.read(part).replace(b"</worksheet>", extended + b"</worksheet>"))

    definition = form_in(tmp_path, package.save())
    blank = build_template(definition, now=NOW)

    assert [choice.label.zh for choice in definition.field("category").choices] == ["甲", "乙", "丙"]
    written = Package(blank).read(part)
    assert (b"extLst" in written, written.count(b"<dataValidation ")) == (False, 1)
    assert_valid(blank, baseline=out.getvalue())
