"""`aftersheet form`: propose, check, install, list, remove, as people type it."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from openpyxl import load_workbook

from server.cli import main
from tests.make_paper import PAPER
from workbooks.package import Package
from workbooks.reader import read

Run = Callable[..., Result]
COMPLAINT = PAPER / "客户投诉处理单.xlsx"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("form", "list")` is the result of one command on an installation of its own."""
    monkeypatch.setenv("AFTERSHEET_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("AFTERSHEET_DATABASE_URL", raising=False)

    def run_command(*arguments: object) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)

    return run_command


@pytest.fixture
def folder(run: Run, tmp_path: Path) -> Path:
    """The proposed complaint form."""
    assert run("form", "new", COMPLAINT, "--out", tmp_path).exit_code == 0
    return tmp_path / "customer_complaint_form"


def test_from_a_workbook_to_a_form_in_use(run: Run, tmp_path: Path):
    """Proposed with a table of what was found, checked, installed, listed, handed out, removed."""
    proposed = run("form", "new", COMPLAINT, "--out", tmp_path)
    folder = tmp_path / "customer_complaint_form"
    blank = tmp_path / "blank.xlsx"

    assert proposed.exit_code == 0, proposed.output
    assert ("B4" in proposed.output, "AS_customer_name" in proposed.output) == (True, True)
    assert "? B3" in proposed.output
    assert sorted(path.name for path in folder.iterdir()) == ["form.yaml", "template.xlsx"]
    assert run("form", "check", folder).exit_code == 0
    assert run("template", "customer_complaint_form", "--out", blank).exit_code == 2
    assert "version 1 is installed" in run("form", "install", folder).output
    assert "installed already" in run("form", "install", folder).output
    assert run("template", "customer_complaint_form", "--out", blank).exit_code == 0
    assert load_workbook(BytesIO(blank.read_bytes())).sheetnames[0] == "投诉单"
    assert read(blank.read_bytes()).identity.form_id == "customer_complaint_form"
    checked = run("check", blank)
    assert checked.exit_code == 1
    assert "客户投诉处理单" in checked.output
    listed = [line for line in run("form", "list").output.splitlines() if "customer_complaint_form" in line]
    assert "installed" in listed[0]
    assert "records_customer_complaint_form" in run("datasets").output
    assert run("form", "remove", "customer_complaint_form").exit_code == 0
    assert run("form", "remove", "customer_complaint_form").exit_code == 1
    assert run("audit", "verify").exit_code == 0


def test_a_file_that_is_no_form_ends_in_a_message(run: Run, tmp_path: Path):
    """An old .xls is to be saved as .xlsx; noise, an empty file and a price list say what they are."""
    data = Path(__file__).parents[1] / "data"
    noise = tmp_path / "noise.xlsx"
    noise.write_bytes(b"noise" * 100)
    results = {
        path.name: run("form", "new", path, "--out", tmp_path / "out", "--lang", "en")
        for path in (
            data / "good" / "trip_plan_old_format.xls",
            data / "bad" / "empty.xlsx",
            data / "bad" / "price_list_not_a_form.xlsx",
            noise,
        )
    }

    assert {result.exit_code for result in results.values()} == {1}
    assert ".xlsx" in results["trip_plan_old_format.xls"].output
    assert "no empty cell with a label" in results["price_list_not_a_form.xlsx"].output
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_over(run: Run, folder: Path, tmp_path: Path):
    """A folder that is there stays as it is; a bad id is refused."""
    before = (folder / "form.yaml").read_bytes()
    again = run("form", "new", COMPLAINT, "--out", tmp_path)
    bad = run("form", "new", COMPLAINT, "--out", tmp_path, "--id", "Mein-Formular")

    assert (again.exit_code, bad.exit_code) == (1, 2)
    assert (folder / "form.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("type: integer", "type: number", "form.yaml:"),
        ("form_id: customer_complaint_form", "form_id: fracas", "form_id: fracas"),
        ('number: "CCF-', 'number: "FR-', "fracas"),
        ('number: "CCF-{year}-{serial:06d}"', 'number: "CCF-{serie}"', "serie"),
        ("name: corrective_action ", "name: improvement ", "AS_improvement"),
        ("name: corrective_action ", "name: improvement ", "AS_corrective_action"),
        ("name: corrective_action ", "name: revision ", "may not be called 'revision'"),
        ('{name: "yes", label: {zh: 是', '{name: "yes", label: {zh: 已解决', "已解决"),
    ],
)
def test_check_names_what_is_wrong_in_the_definition(run: Run, folder: Path, old: str, new: str, told: str):
    """Type, taken id, taken numbers, a name that no cell has, one that no field has, other choices than the boxes."""
    text = (folder / "form.yaml").read_text(encoding="utf-8")
    assert old in text
    (folder / "form.yaml").write_text(text.replace(old, new), encoding="utf-8")

    result = run("form", "check", folder)

    assert result.exit_code == 1
    assert told in result.output, result.output
    assert run("form", "install", folder).exit_code == 1


def test_check_names_everything_wrong_with_the_workbook_at_once(run: Run, folder: Path):
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

    result = run("form", "check", folder, "--lang", "en")

    assert result.exit_code == 1
    for told in (
        "AS_customer_name: “Customer name”: its name has lost its cell",
        "AS_phone and AS_contact stand for the same cell",
        "AS_complaint points into the merged cells",
        "AS_formation: “Field 1”: no cell has this name",
        "AS_field_1: the form has no such field",
    ):
        assert told in result.output, result.output
