"""The command line as people and scripts use it: exit codes, JSON, files written whole."""

import json
import socket
import subprocess
import sys
import threading
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import pytest
import xlsxwriter
from openpyxl import load_workbook
from rich.text import Text
from sqlalchemy import select

from server.cli import demo
from server.cli.installation import open_site
from server.cli.terminal import plain
from server.demo import demo_master
from server.records.models import AuditEntry
from server.site import Site
from tests.server.commands import Run, commands
from workbooks.master_workbook import write_master
from workbooks.reader import read

DATA = Path(__file__).parents[1] / "data"
GOOD = DATA / "good" / "fracas_shanghai_bcu.xlsx"
BAD = DATA / "bad" / "trip_summary_return_before_departure.xlsx"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("check", path)` is the result of one command on an installation of its own."""
    return commands(tmp_path / "home", monkeypatch)


@pytest.fixture
def company(run: Run, tmp_path: Path) -> Run:
    """An installation with the demo company's master data."""
    path = tmp_path / "master.xlsx"
    path.write_bytes(write_master(demo_master(), "zh"))
    assert run("master", "import", path).exit_code == 0
    return run


def test_template_is_a_blank_form(run: Run, tmp_path: Path):
    """What is written is the form asked for, in the language asked for."""
    path = tmp_path / "deep" / "folder" / "blank.xlsx"

    result = run("template", "trip_plan", "--out", path, "--lang", "en")

    identity = read(path.read_bytes()).identity
    assert result.exit_code == 0
    assert (identity.form_id, identity.language) == ("trip_plan", "en")


def test_unknown_form_names_those_there_are(run: Run, tmp_path: Path):
    """A wrong name is answered with the right ones."""
    result = run("template", "tripplan", "--out", tmp_path / "x.xlsx")

    assert result.exit_code == 2
    assert "trip_plan" in result.output
    assert not (tmp_path / "x.xlsx").exists()


def test_file_that_cannot_be_written_is_named(run: Run, tmp_path: Path):
    """A full disk or a wrong folder is no traceback, and leaves nothing half written."""
    (tmp_path / "file").write_text("")

    result = run("template", "trip_plan", "--out", tmp_path / "file" / "x.xlsx")

    assert (result.exit_code, list(tmp_path.iterdir())) == (1, [tmp_path / "file"])
    assert "cannot be written" in result.output


def test_file_that_holds_no_master_data_is_named(run: Run, tmp_path: Path):
    """Neither something else nor another workbook is taken, wherever master data is asked for."""
    text, form = tmp_path / "list.csv", GOOD
    text.write_text("a,b\n")

    for arguments in (["check", GOOD, "--master"], ["template", "fracas", "--out", tmp_path / "x.xlsx", "--master"]):
        assert [run(*arguments, path).exit_code for path in (text, form)] == [1, 1]
        assert "is not usable as master data" in run(*arguments, text).output
    imported = run("master", "import", text, "--lang", "en")
    assert (imported.exit_code, "text file" in imported.output) == (1, True)


def test_check_needs_no_database(company: Run, tmp_path: Path):
    """Exit status 0 for a good form and 1 for a bad one; nothing is stored."""
    good, bad = company("check", GOOD), company("check", GOOD, BAD, "--json")

    found = {Path(entry["file"]).name: entry for entry in json.loads(bad.stdout)}
    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert found[GOOD.name]["accepted"] is True
    assert {finding["slug"] for finding in found[BAD.name]["findings"]} >= {"rule-broken"}
    assert json.loads(company("records", "fracas", "--json").stdout)["total"] == 0


def test_check_without_master_data_says_so(run: Run):
    """Lists that are not there cannot be checked; silence would look like a clean form."""
    result = run("check", GOOD)

    assert result.exit_code == 0
    assert "master import" in result.stderr


def test_intake_stores_once(company: Run):
    """A folder is taken in, and taking it in again does no harm."""
    first = json.loads(company("intake", GOOD, BAD, "--json").stdout)
    again = company("intake", GOOD, "--json")

    assert [receipt["outcome"] for receipt in first] == ["recorded", "rejected"]
    assert json.loads(again.stdout)[0]["outcome"] == "already-received"
    assert again.exit_code == 0
    assert json.loads(company("records", "fracas", "--json").stdout)["total"] == 1


def test_folder_without_workbooks_is_named(run: Run, tmp_path: Path):
    """Nothing taken in is no success."""
    result = run("intake", tmp_path)

    assert result.exit_code == 1
    assert "there is no workbook and no mail in" in result.output


def test_folder_is_taken_in_whole(company: Run):
    """Every workbook below the folder, and the exit status tells that one was turned down."""
    result = company("intake", DATA / "bad", "--json")

    outcomes = {receipt["filename"]: receipt["outcome"] for receipt in json.loads(result.stdout)}
    assert result.exit_code == 1
    assert set(outcomes) == {path.name for path in (DATA / "bad").iterdir()}
    assert set(outcomes.values()) == {"rejected"}


def test_records_are_found_by_condition(company: Run):
    """Conditions and their mistakes."""
    company("intake", GOOD)

    found = json.loads(company("records", "fracas", "--where", "station=SH", "--json").stdout)
    none = json.loads(company("records", "fracas", "--where", "station=BJ", "--json").stdout)
    wrong = company("records", "fracas", "--where", "stationn=SH")
    table = company("records", "fracas")

    assert (found["total"], none["total"]) == (1, 0)
    assert wrong.exit_code == 2
    assert "stationn" in wrong.output
    assert found["records"][0]["number"] in table.output


def test_texts_are_shown_as_they_stand():
    """What looks like the terminal's markup is only what somebody wrote."""
    written = "[/bold] [red]电磁阀[1] C:\\[link]"

    assert Text.from_markup(plain(written)).plain == written


def test_receipt_is_the_marked_workbook(company: Run, tmp_path: Path):
    """By the submission's id out of the JSON; an unknown id is an error without a traceback."""
    receipt = json.loads(company("intake", BAD, "--json").stdout)[0]
    path = tmp_path / "marked.xlsx"

    result = company("receipt", receipt["submission_id"], "--out", path)
    unknown = company("receipt", "nothing", "--out", tmp_path / "none.xlsx")

    assert result.exit_code == 0
    assert read(path.read_bytes()).identity.form_id == "trip_summary"
    assert path.read_bytes() != BAD.read_bytes()
    assert (unknown.exit_code, (tmp_path / "none.xlsx").exists()) == (1, False)


def test_report_is_refreshed_by_push(company: Run, tmp_path: Path):
    """A report is built, then gets the rows of what came in since."""
    path = tmp_path / "report.xlsx"
    assert company("report", "fracas_board", "--out", path).exit_code == 0
    company("intake", GOOD)

    result = company("push", "fracas_cases", path)

    assert result.exit_code == 0, result.output
    assert "现有 1 行" in result.output


def test_record_links_without_an_address_are_told(company: Run, tmp_path: Path):
    """With one they are addresses in text; the owner's HYPERLINK column beside them goes on to the new rows."""
    path = tmp_path / "mine.xlsx"
    book = xlsxwriter.Workbook(path)
    headers = [
        {"header": "故障编号"},
        {"header": "记录链接"},
        {"header": "打开", "formula": "=HYPERLINK([@记录链接],[@故障编号])"},
    ]
    book.add_worksheet().add_table(0, 0, 1, 2, {"name": "T_mine", "columns": headers})
    book.close()
    company("intake", GOOD)

    bare = company("push", "fracas_cases", path)
    assert load_workbook(path).active["B2"].value is None  # half an address leads nowhere
    addressed = company("push", "fracas_cases", path, "--server", "https://known.example/")
    number, link, opened = (cell.value for cell in load_workbook(path).active[2])

    assert ["AFTERSHEET_PUBLIC_URL" in result.output for result in (bare, addressed)] == [True, False]
    assert link == f"https://known.example/records/{number}"
    assert str(opened).startswith("=HYPERLINK(")


def test_a_push_is_taken_back_by_restore(company: Run, tmp_path: Path):
    """What the workbook held is kept in the data folder, listed and brought back; --out leaves it alone."""
    path = tmp_path / "report.xlsx"
    company("report", "fracas_board", "--out", path)
    before = path.read_bytes()
    company("intake", GOOD)

    company("push", "fracas_cases", path, "--out", tmp_path / "copy.xlsx")
    assert (path.read_bytes(), (tmp_path / "copy.xlsx").read_bytes() != before) == (before, True)
    company("push", "fracas_cases", path)
    listed = company("versions", path)
    assert path.read_bytes() != before
    restored = company("restore", path)

    assert "刷新 fracas_cases" in listed.output
    assert (restored.exit_code, path.read_bytes()) == (0, before)
    assert company("restore", path, "--version", "9").exit_code == 1


def test_a_day_out_of_reach_is_refused(company: Run, tmp_path: Path):
    """A mistyped year is told, not calculated."""
    result = company("report", "fracas_board", "--out", tmp_path / "x.xlsx", "--as-of", "9999-12-31")

    assert result.exit_code == 2
    assert "--as-of" in result.output


def test_push_into_a_workbook_without_the_table_says_why(company: Run, tmp_path: Path):
    """The workbook stays as it was."""
    path = tmp_path / "loan.xlsx"
    company("template", "trip_loan", "--out", path)
    before = path.read_bytes()

    result = company("push", "fracas_cases", path)

    assert result.exit_code == 1
    assert path.read_bytes() == before


def test_refusals_are_in_one_language(company: Run, tmp_path: Path):
    """Commands over figures and workbooks say what is wrong and what there is, in the language asked for alone."""
    path = tmp_path / "loan.xlsx"
    company("template", "trip_loan", "--out", path)
    out, bind = ("--out", tmp_path / "x.xlsx"), ("--owner", "nobody", "--report", "fracas_board")
    wrong = [
        (("push", "nothing", path), "fracas_cases", 2),
        (("push", "fracas_cases", path), "Ctrl+T", 1),
        (("push", "fracas_cases", path, "--period", "yesterday"), "2026Q2", 2),
        (("push", "fracas_cases", path, "--station", "Atlantis"), "--station", 2),
        (("report", "nothing", *out), "fracas_board", 2),
        (("report", "fracas_board", *out, "--as-of", "9999-12-31"), "2199-12-31", 2),
        (("report", "fracas_board", *out, "--connection", "web"), "--server", 2),
        (("verify", path), "--dataset", 2),
        (("restore", path), str(path), 1),
        (("workbooks", "show", 7), "workbooks list", 1),
        (("workbooks", "add", *bind), "user list", 2),
        (("workbooks", "add", "--owner", "nobody"), "--share", 2),
    ]

    for arguments, told, code in wrong:
        for language, opening in (("zh", "错误："), ("en", "Error: ")):
            result = company(*arguments, "--lang", language)
            said = result.output.strip()
            assert (result.exit_code, said[: len(opening)], told in said) == (code, opening, True), said
            chinese = [letter for letter in said.replace(str(tmp_path), "") if "一" <= letter <= "龥"]
            assert bool(chinese) == (language == "zh"), said


def test_master_data_comes_back_as_it_left(company: Run, tmp_path: Path):
    """Export and import again change nothing."""
    path = tmp_path / "out.xlsx"
    assert company("master", "export", "--out", path).exit_code == 0

    result = company("master", "import", path)

    assert result.exit_code == 0
    counts = [line.split("│")[2:6] for line in result.output.splitlines() if "│" in line]
    assert counts
    assert all(
        (new.strip(), changed.strip(), retired.strip()) == ("0", "0", "0") for new, changed, _, retired in counts
    )


def test_user_needs_a_good_password_and_gets_a_token(company: Run):
    """A weak password is refused with the reason; a token is for an existing user."""
    weak = company("user", "add", "chen", "--role", "admin", "--password-stdin", text="short\n")
    good = company("user", "add", "chen", "--role", "admin", "--password-stdin", text="a long pass phrase\n")
    token = company("user", "token", "chen")
    nobody = company("user", "token", "nobody")

    assert (weak.exit_code, good.exit_code, token.exit_code, nobody.exit_code) == (1, 0, 0, 1)
    assert token.stdout.startswith("as_")


def test_a_user_is_let_out_in_again_and_given_a_new_password(company: Run):
    """Every step is in the audit trail; who leaves is out, and whoever forgot a password gets another."""
    first, second = "a long pass phrase\n", "another pass phrase\n"
    assert company("user", "add", "chen", "--role", "admin", "--password-stdin", text=first).exit_code == 0
    gone = company("user", "disable", "Chen")
    token = company("user", "token", "chen")
    (listed,) = json.loads(company("user", "list", "--json").stdout)
    shown = company("user", "list").output
    back = [company("user", "enable", "chen"), company("user", "password", "chen", "--password-stdin", text=second)]
    weak = company("user", "password", "chen", "--password-stdin", text="short\n")
    nobody = [company("user", each, "nobody") for each in ("disable", "enable")]

    assert (gone.exit_code, token.exit_code) == (0, 1)
    assert (listed["username"], listed["active"], listed["roles"]) == ("chen", False, ["admin"])
    assert "chen" in shown
    assert [result.exit_code for result in (*back, weak, *nobody)] == [0, 0, 1, 1, 1]
    assert _noted() == ["master-imported", "user-added", "user-disabled", "user-enabled", "password-reset"]


def test_an_issued_template_is_listed_and_revoked(company: Run, tmp_path: Path):
    """By the id that was told when it was issued; what is not there is said to be missing."""
    issued = company("template", "fracas", "--station", "SH", "--out", tmp_path / "x.xlsx")
    (listed,) = json.loads(company("issued", "list", "--station", "SH", "--json").stdout)
    revoked = company("issued", "revoke", listed["issue"])
    nothing = company("issued", "revoke", "gone")

    assert listed["issue"] in issued.stderr
    assert (listed["form_id"], listed["station"], listed["revoked_at"]) == ("fracas", "SH", None)
    assert (revoked.exit_code, nothing.exit_code) == (0, 1)
    assert "撤销" in company("issued", "list").output
    assert json.loads(company("issued", "list", "--station", "CD", "--json").stdout) == []
    assert _noted()[-2:] == ["template-issued", "template-revoked"]


def _noted() -> list[str]:
    """What the audit trail says was done."""
    with open_site() as site, site.session(read_only=True) as session:
        return list(session.scalars(select(AuditEntry.action).order_by(AuditEntry.sequence)))


def test_user_of_an_unknown_station_is_refused(company: Run):
    """They would see nothing; the answer says which there are."""
    password = "a long password 9" + chr(10)
    station = company("user", "add", "li", "--role", "station", "--station", "X", "--password-stdin", text=password)
    region = company("user", "add", "li", "--role", "manager", "--region", "X", "--password-stdin", text=password)

    assert (station.exit_code, region.exit_code) == (2, 2)
    assert "SH" in station.output
    assert "华东" in region.output


def test_audit_chain_is_sound(company: Run):
    """After everything above, nothing was changed behind the chain's back."""
    company("intake", GOOD)

    result = company("audit", "verify")

    assert result.exit_code == 0
    assert "sound" in result.output


def test_serve_names_a_port_that_is_taken(company: Run):
    """No traceback, and no address that leads to somebody else's server."""
    user = company("user", "add", "li", "--role", "admin", "--password-stdin", text="a long password 9")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = company("serve", "--port", taken.getsockname()[1])

    assert (user.exit_code, result.exit_code) == (0, 1)
    assert "cannot be listened on" in result.output


def test_serve_never_starts_without_a_user(run: Run):
    """There is no default account."""
    result = run("serve")

    assert result.exit_code == 1
    assert "user add" in result.output


def test_broken_setting_is_named(run: Run, monkeypatch: pytest.MonkeyPatch):
    """An installation that cannot start says which variable is wrong."""
    monkeypatch.setenv("AFTERSHEET_ZONE", "Mars/Olympus")

    result = run("records", "fracas")

    assert result.exit_code == 1
    assert "AFTERSHEET_ZONE" in result.output


def test_demo_does_the_whole_job(run: Run, tmp_path: Path):
    """Loads, serves, sends every kept workbook over HTTP, each answered as expected, and builds the report."""
    since = date.today() - timedelta(days=45)

    result = run("demo", "--once", "--port", "8699", "--workbooks", DATA, "--since", since.isoformat(), "--lang", "en")

    assert result.exit_code == 0, result.output
    assert (tmp_path / "home" / "reports" / "fracas_board.xlsx").stat().st_size > 10_000
    assert "sign in as" in result.output


def test_demo_refreshes_registered_workbooks_while_it_serves(site: Site, monkeypatch: pytest.MonkeyPatch):
    """What a visitor registers there is not left in the queue."""
    alive: list[str] = []
    monkeypatch.setattr(demo, "_wait", lambda _: alive.extend(thread.name for thread in threading.enumerate()))

    demo._keep_serving(site, "http://127.0.0.1:1")

    assert "registered workbooks" in alive


def test_check_opens_locked_workbooks(run: Run):
    """With the password on the line, or asked for."""
    locked = DATA / "bad" / "trip_plan_encrypted.xlsx"
    without, given = run("check", locked), run("check", locked, "--password", "zhidong2026")
    asked = run("check", "--password", "--json", locked, text="zhidong2026\n")

    assert (without.exit_code, given.exit_code, asked.exit_code) == (1, 0, 0)
    assert "zhidong2026" not in asked.output


def test_intake_takes_old_and_locked_workbooks(company: Run, tmp_path: Path):
    """An .xls comes back as our own template, filled in and marked."""
    old, locked = DATA / "good" / "trip_plan_old_format.xls", DATA / "bad" / "trip_plan_encrypted.xlsx"
    receipts = json.loads(company("intake", "--json", "--password", "zhidong2026", old, locked).output)
    company("receipt", receipts[0]["submission_id"], "--out", tmp_path / "marked.xlsx")
    marked = read((tmp_path / "marked.xlsx").read_bytes())

    assert [receipt["outcome"] for receipt in receipts] == ["recorded", "already-received"]
    assert marked.identity.record_number == receipts[0]["record_number"]
    assert marked.cells["destination"].value == "深圳"


def test_old_workbook_with_mistakes_comes_back_as_it_was_typed(run: Run, tmp_path: Path):
    """Without master data no station is known: what cannot be taken stands in its cell, marked."""
    receipts = json.loads(run("intake", "--json", DATA / "good" / "trip_plan_old_format.xls").output)
    run("receipt", receipts[0]["submission_id"], "--out", tmp_path / "marked.xlsx")
    content = (tmp_path / "marked.xlsx").read_bytes()
    form = read(content)
    notes = {cell.coordinate for row in load_workbook(BytesIO(content)).worksheets[0] for cell in row if cell.comment}

    wrong = {finding["field"]: finding["slug"] for finding in receipts[0]["findings"]}
    assert wrong["station"] == "not-a-choice"
    assert form.cells["station"].value == "深圳服务站"
    assert form.cells["destination"].value == "深圳"
    assert form.cells["station"].address in notes
    assert form.identity.instance_id


def test_the_commands_run_where_their_folder_is_not_on_the_path() -> None:
    """On Windows pip often puts `aftersheet` where the prompt does not look: Python itself finds it."""
    run = subprocess.run(
        [sys.executable, "-m", "server.cli", "desk", "--help"], capture_output=True, text=True, timeout=60, check=False
    )

    assert (run.returncode, run.stderr) == (0, "")
    assert "Usage: aftersheet desk" in run.stdout
