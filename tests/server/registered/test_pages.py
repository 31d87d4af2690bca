"""Registered workbooks on pages, through the API and by command."""

import json
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from openpyxl import load_workbook

from server.access.visibility import Viewer
from server.reports.registered.store import ask_for_run, result
from server.site import Site
from tests.server.browsing import program, signed_in, visible_text
from tests.server.commands import commands
from tests.server.conftest import SECRET
from tests.server.registered.books import EIGHT, at, book, numbers, uploaded, visit

PLAN = {"title": "月报", "tables": [{"table": "T_visits", "dataset": "records_visit", "station": "常州站"}]}


def test_a_manager_registers_a_workbook_without_a_script(app: Flask, site: Site, alice: Viewer):
    """Upload, take what is offered, wait for tomorrow, download."""
    number, mei = visit(site, alice), signed_in(app, "mei")

    begun = mei.post("/workbooks/new", {"source": "upload", "workbook": (BytesIO(book()), "华东 访问.xlsx")})
    edit = begun.headers["Location"]
    asked = mei.get(edit).text
    assert '<option value="records_visit" selected>' in asked
    assert "待设置" in mei.get("/workbooks").text
    fields = {
        "title": "华东月报", "language": "zh", "table.0": "T_visits", "dataset.0": "records_visit",
        "period.0": "this-month", "station.0": "CZ", "rhythm": "working-days", "at": "08:30", "recipients": "",
        "keep": "5",
    }  # fmt: skip
    saved = mei.post(edit, fields)
    page = mei.get(saved.headers["Location"]).text
    mei.post(saved.headers["Location"] + "/run")
    at(site, site.now())

    assert "每个工作日 08:30" in visible_text(page)
    assert "常州站" in visible_text(page)
    answer = mei.get(saved.headers["Location"] + "/latest")
    assert numbers(answer.data) == [number]
    assert "%E5%8D%8E%E4%B8%9C" in answer.headers["Content-Disposition"]


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_what_is_wrong_is_told_on_the_page(app: Flask, site: Site):
    """Nothing typed is lost, and a share that is not set, or a file that is no workbook, is said."""
    mei = signed_in(app, "mei")
    no_book = mei.post("/workbooks/new", {"source": "upload", "workbook": (BytesIO(b"no"), "x.xlsx")})
    no_share = mei.post("/workbooks/new", {"source": "share", "share": "Z", "path": "x.xlsx"})
    edit = mei.post("/workbooks/new", {"source": "report", "report": "fracas_board"}).headers["Location"]
    late = mei.post(edit, {"title": "早报", "period": "last-month", "rhythm": "manual", "at": "26:00"})

    assert [no_book.status_code, no_share.status_code, late.status_code] == [422, 422, 422]
    assert "08:00" in visible_text(late.text)
    assert 'value="早报"' in late.text


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_page_moves_while_a_run_is_under_way(app: Flask, site: Site, mei: Viewer):
    """It loads itself anew until there is nothing more to see."""
    workbook_id = uploaded(site, mei)
    browser = signed_in(app, "mei")
    quiet = browser.get(f"/workbooks/{workbook_id}").text
    ask_for_run(site, workbook_id, by=mei)
    waiting = browser.get(f"/workbooks/{workbook_id}").text
    at(site, EIGHT)

    assert ["http-equiv" in page for page in (quiet, waiting, browser.get("/workbooks").text)] == [False, True, False]


def test_a_program_registers_runs_and_fetches(app: Flask, site: Site, alice: Viewer, mei: Viewer):
    number, client = visit(site, alice), program(app, site, "mei")
    form = {"file": (BytesIO(book()), "访问.xlsx"), "plan": json.dumps(PLAN)}

    made = client.client.post("/api/v1/workbooks", data=form, headers=client.headers)
    own = made.headers["Location"].removeprefix("/api/v1")
    asked = client.client.post(f"/api/v1{own}/runs", headers=client.headers)
    at(site, site.now())
    found = client.get(own).get_json()

    assert (made.status_code, asked.status_code, made.get_json()["state"]) == (201, 202, "active")
    assert found["tables"][0]["selection"] == {"station": "CZ"}
    assert [(run["state"], run["rows"], run["kept"]) for run in found["runs"]] == [("delivered", 1, True)]
    assert numbers(client.get(f"{own}/workbook").data) == [number]
    assert numbers(client.get(f"{own}/runs/{found['runs'][0]['id']}/workbook").data) == [number]
    assert [entry["title"] for entry in client.get("/workbooks").get_json()["workbooks"]] == ["月报"]
    assert client.get("/workbooks").get_json()["workbooks"][0]["last"]["state"] == "delivered"


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"title": "x", "report": "nothing"}, "nothing"),
        ({"title": "x", "report": "fracas_board", "schedule": "yearly"}, "schedule"),
        ({"title": "x", "report": "fracas_board", "station": "Atlantis"}, "Atlantis"),
        ({"title": "x", "share": "Z", "path": "x.xlsx"}, "Z"),
        ({"report": "fracas_board"}, "title"),
    ],
)
def test_a_program_is_told_what_it_cannot_have(app: Flask, site: Site, body: dict[str, str], words: str):
    client = program(app, site, "mei")
    answer = client.client.post("/api/v1/workbooks", json=body, headers=client.headers)

    assert answer.status_code == 400
    assert words in answer.get_json()["messages"]["en"]


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_record_links_that_lead_nowhere_are_left_out_and_told(
    app: Flask, site: Site, alice: Viewer, mei: Viewer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Where the server's address is not set: when it is set up, at each delivery, and of a report's numbers."""
    monkeypatch.setenv("AFTERSHEET_SECRET_KEY", SECRET)
    visit(site, alice)
    linked = book(headings=("编号", "走访日期", "记录链接"))
    (tmp_path / "链接.xlsx").write_bytes(linked)
    browser, run = signed_in(app, "mei"), commands(site.settings.home, monkeypatch)
    workbook_id = uploaded(site, mei, linked)
    at(site, EIGHT)
    add = ["workbooks", "add", "--owner", "mei", "--when", "manual"]
    told = [
        visible_text(browser.get(f"/workbooks/{workbook_id}/edit").text),
        visible_text(browser.get(f"/workbooks/{workbook_id}").text),
        run("workbooks", "show", workbook_id).output,
        run(*add, "--upload", tmp_path / "链接.xlsx", "--bind", "T_visits=fracas_cases").output,
        run(*add, "--report", "fracas_board").output,
    ]
    page = browser.get(browser.post("/workbooks/new", {"source": "report", "report": "trips"}).headers["Location"])
    note = program(app, site, "mei").get(f"/workbooks/{workbook_id}").get_json()["last"]["note"]
    _, content = result(site, mei, workbook_id)

    assert ["AFTERSHEET_PUBLIC_URL" in words for words in (*told, visible_text(page.text), note["en"])] == [True] * 7
    assert load_workbook(BytesIO(content))["数据"]["C2"].value is None
    assert "AFTERSHEET_PUBLIC_URL" not in visible_text(browser.get(f"/workbooks/{uploaded(site, mei)}/edit").text)


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_commands_do_the_same(site: Site, alice: Viewer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Registered, run, listed, fetched, paused, gone; `run-due` for cron."""
    monkeypatch.setenv("AFTERSHEET_SECRET_KEY", SECRET)
    visit(site, alice)
    file, out = tmp_path / "访问.xlsx", tmp_path / "out.xlsx"
    file.write_bytes(book())
    run = commands(site.settings.home, monkeypatch)
    add = ["workbooks", "add", "--owner", "mei", "--upload", file]

    wrong = run(*add, "--bind", "T_nothing=trips")
    bound = run(*add, "--bind", "T_visits=fracas_cases:this-month", "--filter", "region=华东")
    refused = run("workbooks", "run", 1)
    due = run("workbooks", "run-due")

    assert (wrong.exit_code, "T_visits" in wrong.output) == (1, True)
    assert (bound.exit_code, refused.exit_code, due.exit_code) == (0, 1, 0)
    assert "失败" in refused.output
    listed = json.loads(run("workbooks", "list", "--json").output)
    assert [(entry["id"], entry["title"], entry["last"]["state"]) for entry in listed] == [(1, "访问", "failed")]
    assert run("workbooks", "fetch", 1, "--out", out).exit_code == 1
    assert [run("workbooks", act, 1).exit_code for act in ("disable", "enable", "show", "versions")] == [0] * 4
    assert run("workbooks", "remove", 1).exit_code == 0
    assert run("workbooks", "show", 1).exit_code == 1
