"""A workbook handed in on the page or by a program comes back with fresh rows, or with the reason why not."""

import os
import re
import threading
import time
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
import xlsxwriter
from flask import Flask
from openpyxl import load_workbook

from server.access.visibility import Viewer
from server.records.models import AuditEntry
from server.reports import handed_back, pushed_uploads
from server.site import Site
from server.statistics.datasets import definition_of
from tests.server.browsing import XLSX, Program, program, signed_in, visible_text
from tests.server.visits import send, workbook

VISITS = ("编号", "站点", "记录链接")


def mine(
    headers: tuple[str, ...] = VISITS, *, name: str = "T_mine", protect: str | None = None, twice: bool = False
) -> bytes:
    """A workbook with a table of two old rows under *headers*, and a chart sheet beside it."""
    out = BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    for number in range(1 + twice):
        sheet = book.add_worksheet(f"数据{number}")
        columns = [{"header": header} for header in headers]
        sheet.add_table(0, 0, 2, len(headers) - 1, {"name": f"{name}{number or ''}", "columns": columns})
        if protect is not None:
            sheet.protect(protect)
    chart = book.add_chart({"type": "line"})
    chart.add_series({"values": "=数据0!$A$2:$A$3"})
    book.add_worksheet("我的图").insert_chart("A1", chart)
    book.close()
    return out.getvalue()


def push(client: Program, content: bytes, query: str = "", **more: Any) -> Any:
    return client.client.post(
        f"/api/v1/datasets/records_visit/push{query}",
        data=content, headers=client.headers, **{"content_type": XLSX} | more,
    )  # fmt: skip


def rows(content: bytes, title: str = "数据0") -> list[list[Any]]:
    return [list(row) for row in load_workbook(BytesIO(content))[title].values]


@pytest.fixture
def client(app: Flask, site: Site, alice: Viewer) -> Program:
    """A program of Alice's, who has sent one visit."""
    send(site, alice, workbook())
    return program(app, site, "alice")


def test_a_program_gets_its_workbook_back_refreshed(client: Program, site: Site):
    """Rows, the address of each record, what was changed; every other part as it was, and the audit chain knows."""
    content = mine()
    answer = push(client, content, "?filename=我的.xlsx&lang=zh")

    assert answer.status_code == 200, answer.get_json()
    header, row = rows(answer.data)
    assert (header, len(row)) == (list(VISITS), 3)
    assert row[2].endswith(f"/records/{row[0]}")
    told = {name: answer.headers[f"Aftersheet-{name}"] for name in ("Table", "Rows", "Rows-Before")}
    assert told == {"Table": "T_mine", "Rows": "1", "Rows-Before": "2"}
    changed = set(answer.headers["Aftersheet-Changed-Parts"].split(", "))
    before, after = ZipFile(BytesIO(content)), ZipFile(BytesIO(answer.data))
    assert {name for name in before.namelist() if before.read(name) != after.read(name)} == changed
    with site.session(read_only=True) as session:
        assert session.query(AuditEntry).filter_by(subject="workbook:我的.xlsx", action="exported").count() == 1


def test_choices_come_in_the_language_asked_for_or_that_of_the_headings(client: Program, site: Site):
    """A program that names no language gets Chinese under Chinese headings, English under others."""
    columns = {column.name: column.label for column in definition_of(site, "records_visit").columns}
    number, severity = columns["number"], columns["severity"]

    def pushed(headers: tuple[str, str], query: str = "", **asked: str) -> str:
        client.headers = {"Authorization": client.headers["Authorization"]} | asked
        return str(rows(push(client, mine(headers), query).data)[1][1])

    zh, en = (number.zh, severity.zh), (number.en, severity.en)
    assert [pushed(headers) for headers in (zh, en, ("number", "severity"))] == ["轻微", "Minor", "Minor"]
    assert pushed(zh, **{"Accept-Language": "*"}) == "轻微"
    assert (pushed(zh, "?lang=en"), pushed(en, **{"Accept-Language": "zh-CN"})) == ("Minor", "轻微")


def test_only_what_the_caller_may_see_goes_in(client: Program, app: Flask, site: Site):
    """Charlie's workbook gets no row of Alice's; another period none either."""
    charlie = program(app, site, "charlie")

    assert push(charlie, mine()).headers["Aftersheet-Rows"] == "0"
    assert push(client, mine(), "?period=2019").headers["Aftersheet-Rows"] == "0"
    assert push(client, mine(), "?period=x").status_code == 400


@pytest.mark.parametrize(
    ("content", "query", "told"),
    [
        (mine(protect="secret"), "", "密码"),
        (mine(("编号", "随手记")), "?table=T_mine", "随手记"),
        (mine(), "?table=T_other", "T_other"),
        (b"PK\x03\x04 no workbook", "", ".xlsx"),
        (mine()[:-40], "", ".xlsx"),
    ],
)
def test_what_cannot_be_refreshed_is_answered_with_the_reason(client: Program, content: bytes, query: str, told: str):
    """As a problem in both languages."""
    answer = push(client, content, query)

    problem = answer.get_json()
    assert (answer.status_code, problem["slug"]) == (422, "not-refreshable")
    assert told in problem["messages"]["zh"]


@pytest.mark.parametrize(
    "broken",
    [
        {"xl/tables/table1.xml": (b'ref="A1:C3"', b'ref="nonsense"')},
        {"xl/tables/table1.xml": (b"<table ", b'<!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/passwd">]><table ')},
        {"xl/workbook.xml": (b'r:id="rId1"', b'r:id="rId99"')},
        {"xl/worksheets/sheet1.xml": (b"<worksheet", b"<a><b")},
    ],
)
def test_a_workbook_damaged_inside_is_no_error_of_ours(
    client: Program, app: Flask, broken: dict[str, tuple[bytes, bytes]]
):
    """Program, page and registration: a sentence or the refreshed workbook, and nothing of our own files."""
    parts = ZipFile(BytesIO(mine()))
    out = BytesIO()
    with ZipFile(out, "w") as made:
        for name in parts.namelist():
            made.writestr(name, parts.read(name).replace(*broken.get(name, (b"", b""))))
    content, browser = out.getvalue(), signed_in(app, "bob")
    answers = [
        push(client, content),
        browser.post("/refresh", {"workbook": (BytesIO(content), "a.xlsx"), "dataset": ""}),
        browser.post("/workbooks/new", {"workbook": (BytesIO(content), "a.xlsx")}),
    ]

    assert {answer.status_code for answer in answers} <= {200, 302, 422}
    assert not any(b"root:" in answer.data for answer in answers)


def test_large_workbooks_leave_room_for_other_people(client: Program, app: Flask, monkeypatch: pytest.MonkeyPatch):
    """Who would be one too many is asked to wait; a place is free again after each, refused or not."""
    places = threading.BoundedSemaphore(1)
    monkeypatch.setattr(pushed_uploads, "_AT_ONCE", places)
    monkeypatch.setattr(pushed_uploads, "_PATIENCE", 0.0)
    with places:
        busy = push(client, mine())
        page = signed_in(app, "bob").post("/refresh", {"workbook": (BytesIO(mine()), "a.xlsx"), "dataset": ""})
    answers = [push(client, content).status_code for content in (mine(), b"PK no workbook", mine())]

    assert (busy.status_code, page.status_code) == (422, 422)
    assert "过一会儿" in busy.get_json()["messages"]["zh"]
    assert answers == [200, 422, 200]


def test_a_file_name_no_database_takes_is_cleaned(client: Program, app: Flask):
    """A NUL would stop PostgreSQL where the audit chain notes it."""
    browser = signed_in(app, "bob")
    for path in ("/refresh", "/workbooks/new"):
        answer = browser.post(path, {"workbook": (BytesIO(mine()), "a\x00b.xlsx"), "title": "t\x00"})
        assert answer.status_code in (200, 302), path


def test_a_form_field_will_do_and_unknown_datasets_are_told(client: Program):
    """Multipart as browsers send it; 404 for a dataset that is not there."""
    data = {"file": (BytesIO(mine()), "我的.xlsx")}
    answer = push(client, data, content_type="multipart/form-data")  # type: ignore[arg-type]

    assert (answer.status_code, len(rows(answer.data))) == (200, 2)
    nothing = client.client.post("/api/v1/datasets/nothing/push", data=b"x", headers=client.headers, content_type=XLSX)
    assert nothing.status_code == 404


def test_the_page_fills_every_table_it_knows(client: Program, app: Flask):
    """The datasets are found by the headings; what was changed is told, and the workbook waits for its owner only."""
    browser = signed_in(app, "alice")
    content = mine(("编号", "走访日期", "记录链接"), twice=True)
    answer = browser.post("/refresh", {"workbook": (BytesIO(content), "我的 报表.xlsx"), "dataset": ""})
    found = re.search(r'href="(/refresh/[^"]+)"', answer.text)

    assert found is not None, visible_text(answer.text)
    assert all(words in visible_text(answer.text) for words in ("T_mine", "T_mine1", "xl/worksheets/sheet1.xml"))
    link = found[1].replace("&amp;", "&")
    fetched = browser.get(link)
    assert [len(rows(fetched.data, f"数据{n}")) for n in (0, 1)] == [2, 2]
    assert "attachment" in fetched.headers["Content-Disposition"]
    assert signed_in(app, "charlie").get(link).status_code == 404
    one = browser.post("/refresh", {"workbook": (BytesIO(content), "a.xlsx"), "dataset": "", "table": "T_MINE1"})
    assert one.text.count("<code>xl/tables/") == 1


def test_the_page_says_why_not(app: Flask):
    """No file, an unknown table, a workbook without tables: a sentence, no traceback."""
    browser = signed_in(app, "alice")
    empty = browser.post("/refresh", {"dataset": ""})
    odd = browser.post("/refresh", {"workbook": (BytesIO(mine(("甲", "乙"))), "a.xlsx"), "dataset": ""})
    late = browser.post("/refresh", {"workbook": (BytesIO(mine()), "a.xlsx"), "period": "soon"})

    assert [answer.status_code for answer in (empty, odd, late)] == [422, 422, 422]
    assert "Ctrl+T" in visible_text(odd.text)
    assert "2026Q2" in visible_text(late.text)


def test_what_waits_to_be_fetched_goes_after_an_hour_and_is_not_endless(site: Site, alice: Viewer, bob: Viewer):
    """Whoever refreshes again and again fills nobody's disk; the newest are still there, and other people's."""
    folder, begun = site.settings.home / handed_back.FOLDER, time.time() - 60

    def wrote(token: str, moment: float) -> None:
        (file,) = folder.rglob(token)
        os.utime(file, (moment, moment))

    other, tokens = handed_back.keep(site, bob, b"his"), []
    for number in range(handed_back.MOST + 3):
        tokens.append(handed_back.keep(site, alice, b"hers"))
        wrote(tokens[-1], begun + number)
    kept = [handed_back.fetch(site, alice, token) for token in tokens]
    wrote(tokens[-1], begun - 3600)

    assert kept == [None] * 3 + [b"hers"] * handed_back.MOST
    assert handed_back.fetch(site, bob, other) == b"his"
    assert handed_back.fetch(site, alice, tokens[-1]) is None
