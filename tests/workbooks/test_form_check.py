"""A form's folder is checked as a whole: what is wrong with its definition, its workbook, and how the two fit."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.make_paper import PAPER
from tests.proposals import write_proposal
from workbooks.form_check import check_folder
from workbooks.library import library
from workbooks.package import Package
from workbooks.sandbox import Sandbox

COMPLAINT = PAPER / "客户投诉处理单.xlsx"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(workers=1) as started:
        yield started


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The proposed complaint form."""
    return write_proposal("客户投诉处理单", tmp_path)


@pytest.mark.parametrize("name", ["维修服务单", "设备点检表", "备件申请单"])
def test_a_proposal_has_no_errors(sandbox: Sandbox, tmp_path: Path, name: str):
    """It can be installed as it stands; what is only a remark is no error."""
    definition, problems = check_folder(write_proposal(name, tmp_path), library(), sandbox)

    assert definition is not None
    assert [problem for problem in problems if problem.error] == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("type: integer", "type: number", "form.yaml:"),
        ("form_id: customer_complaint_form", "form_id: fracas", "form_id: fracas"),
        ("form_id: customer_complaint_form", "form_id: by_form", "form_id: by_form"),
        ('number: "CCF-', 'number: "FR-', "fracas"),
        ('number: "CCF-{year}-{serial:06d}"', 'number: "CCF-{serie}"', "serie"),
        ('number: "CCF-{year}-{serial:06d}"', 'number: "CCF-{year}"', "{serial}"),
        ("name: corrective_action ", "name: improvement ", "AS_improvement"),
        ("name: corrective_action ", "name: improvement ", "AS_corrective_action"),
        ('{name: "yes", label: {zh: 是', '{name: "yes", label: {zh: 已解决', "已解决"),
        ("label: {zh: 联系电话, en: Phone}", "label: {zh: 投诉编号, en: Phone}", "空白表本身"),
        ("name: corrective_action ", "name: corrective_action\n        calculation: =1+\n        hint: ", "form.yaml:"),
    ],
)
def test_what_is_wrong_in_the_definition_is_named(sandbox: Sandbox, folder: Path, old: str, new: str, told: str):
    """Types, ids and numbers others have, names that no cell or no field has, other choices than the boxes."""
    text = (folder / "form.yaml").read_text(encoding="utf-8")
    assert old in text
    (folder / "form.yaml").write_text(text.replace(old, new), encoding="utf-8")

    _, problems = check_folder(folder, library(), sandbox)

    assert any(told in f"{problem.where}: {problem.what.zh}" for problem in problems), problems
    assert any(problem.error for problem in problems)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("        type: integer", "\ttype: integer", "Tab"),
        ("type: integer", "type：integer", "半角"),
        ("type: integer", "type: number", "只能是 'text'"),
        ("name: corrective_action ", "name: 纠正措施 ", "小写字母"),
        ("type: integer", "typ: integer", "没有这个键"),
        ("key: [", "key: [nobody, ", "key：没有名为 'nobody' 的字段"),
    ],
)
def test_mistakes_of_authors_are_told_in_chinese(sandbox: Sandbox, folder: Path, old: str, new: str, told: str):
    """What a person without programming types wrong: one problem each, with its line, in words that say what to do."""
    text = (folder / "form.yaml").read_text(encoding="utf-8")
    (folder / "form.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")

    _, problems = check_folder(folder, library(), sandbox)
    told_so = [problem.where for problem in problems if told in problem.what.zh]

    assert len(told_so) == 1, problems
    assert re.search(r"form\.yaml:\d+$", told_so[0])


def test_another_encoding_is_told(sandbox: Sandbox, folder: Path):
    """Notepad may save in the encoding of the country."""
    text = (folder / "form.yaml").read_text(encoding="utf-8")
    (folder / "form.yaml").write_bytes(text.encode("gb18030"))

    _, problems = check_folder(folder, library(), sandbox)

    assert ["UTF-8" in problem.what.zh for problem in problems] == [True]


@pytest.mark.parametrize("content", [b"", b"noise" * 99, b"PK\x05\x06" + bytes(18)])
def test_a_template_that_is_no_workbook_is_told(sandbox: Sandbox, folder: Path, content: bytes):
    """It is parsed behind the guard, like any file somebody brings."""
    (folder / "template.xlsx").write_bytes(content)

    _, problems = check_folder(folder, library(), sandbox)

    assert [problem.where for problem in problems if problem.error] == ["template.xlsx"]


def test_a_folder_without_a_form_is_told(sandbox: Sandbox, tmp_path: Path):
    """Its definition is missing, or is no text."""
    _, missing = check_folder(tmp_path, library(), sandbox)
    (tmp_path / "form.yaml").write_bytes(b"\xff\xfe\x00")
    _, noise = check_folder(tmp_path, library(), sandbox)

    assert "form.yaml" in missing[0].what.en
    assert noise[0].error


def test_check_names_everything_wrong_with_the_workbook_at_once(folder: Path, sandbox: Sandbox):
    """A name that lost its cell, two on one cell, one inside merged cells, one no cell has, one no field has."""
    template = folder / "template.xlsx"
    package = Package(template.read_bytes())
    workbook = package.read("xl/workbook.xml").decode()
    for old, new in (
        (">'投诉单'!$B$4<", ">#REF!<"),
        (">'投诉单'!$B$5<", ">'投诉单'!$D$4<"),
        (">'投诉单'!$A$10<", ">'投诉单'!$B$10<"),
    ):
        assert old in workbook
        workbook = workbook.replace(old, new)
    package.put("xl/workbook.xml", workbook.encode())
    template.write_bytes(package.save())
    yaml = (folder / "form.yaml").read_text(encoding="utf-8")
    (folder / "form.yaml").write_text(yaml.replace("name: field_1 ", "name: formation "), encoding="utf-8")

    _, problems = check_folder(folder, library(), sandbox)
    found = "\n".join(f"{problem.where}: {problem.what.en}" for problem in problems)

    for told in (
        "AS_customer_name: “Customer name”: its name has lost its cell",
        "AS_phone and AS_contact stand for the same cell",
        "AS_complaint points into the merged cells",
        "AS_formation: “Field 1”: no cell has this name",
        "AS_field_1: the form has no such field",
    ):
        assert told in found, found
