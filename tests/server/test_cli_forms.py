"""`aftersheet form`: propose, check, install, list, remove, as people type it."""

from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.make_paper import PAPER
from tests.proposals import write_proposal
from tests.server.commands import Run, commands
from workbooks.reader import read

COMPLAINT = PAPER / "客户投诉处理单.xlsx"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("form", "list")` is the result of one command on an installation of its own."""
    return commands(tmp_path / "home", monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The proposed complaint form."""
    return write_proposal("客户投诉处理单", tmp_path)


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
    assert "自行安装" in listed[0]
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


def test_what_has_errors_is_not_installed(run: Run, folder: Path):
    """Not even in part: there is no such form afterwards."""
    text = (folder / "form.yaml").read_text(encoding="utf-8")
    (folder / "form.yaml").write_text(text.replace("name: field_1 ", "name: revision "), encoding="utf-8")

    result = run("form", "install", folder)

    assert (result.exit_code, run("form", "check", folder).exit_code) == (1, 1)
    assert "AS_revision" in result.output
    assert "may not be called 'revision'" in result.output
    assert "customer_complaint_form" not in run("form", "list").output
