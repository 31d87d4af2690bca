"""A report derived again from the database: what was altered in either is named, what came later is not."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import select, update

from server.access.visibility import Viewer
from server.database import table_of
from server.records import form_tables, kept_revisions
from server.records.models import Revision
from server.records.stored_answers import answers_hash, stored_values
from server.reports import build_named_report
from server.reports.pushed_uploads import Order, push_upload
from server.reports.record_links import with_record_links
from server.reports.refused_checks import CannotVerify
from server.reports.verification import Verification, verify, verify_table
from server.site import Site
from server.statistics.datasets import load
from server.statistics.report_period import ReportPeriod
from server.statistics.rollup_tables import CASES, WHOLE
from tests.libreoffice import Office, running_here
from tests.server.browsing import program, signed_in, visible_text
from tests.server.commands import commands
from tests.server.conftest import SECRET
from tests.server.test_statistics import ANALYSIS, CLOSE, FAILURE, OPERATOR, case, colleague, send
from workbooks.export import tables_workbook
from workbooks.push import push
from workbooks.reporting.report_stamp import ReportStamp, restamped
from workbooks.reporting.shown_figures import read_shown

__all__ = ["case", "colleague"]  # fixtures
NAME = "fracas_board"
_REVISIONS = table_of(Revision)


@pytest.fixture(scope="module")
def libreoffice(require_program: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with running_here(require_program, tmp_path_factory.mktemp("office")) as started:
        yield started


@pytest.fixture
def cases(site: Site, case: str) -> list[str]:
    """A failure of March, closed in April, and one of February."""
    later = FAILURE | {"reported_at": datetime(2026, 2, 9, 9), "occurred_at": datetime(2026, 2, 9, 8)}
    later |= {name: datetime(2026, 2, 9, 15) for name in ("responded_at", "arrived_at", "repaired_at")}
    later |= {"visits": 3, "severity": "critical"}
    return [case, send(site, "fracas", later, datetime(2026, 2, 10), "second")]


def report(site: Site, period: str = "2026Q1", viewer: Viewer = OPERATOR, **known: Any) -> bytes:
    return build_named_report(site, NAME, viewer, language="zh", period=ReportPeriod.parse(period), **known)


def edited(content: bytes, part: str, change: Callable[[str], str]) -> bytes:
    """*content* with one part's text changed by hand."""
    out, changed = BytesIO(), False
    with ZipFile(BytesIO(content)) as old, ZipFile(out, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name == part:
                after = change(data.decode()).encode()
                changed, data = after != data, after
            new.writestr(name, data)
    assert changed, part
    return out.getvalue()


def part_of(content: bytes, title: str) -> str:
    from workbooks.package import Package

    return next(sheet.part for sheet in Package(content).sheets() if sheet.title == title)


def told(found: Verification) -> list[tuple[str, str, str, str]]:
    return [(d.kind, d.sheet, d.cell, d.record) for d in found.differences]


def test_a_report_stays_equal_whatever_comes_later(site: Site, cases: list[str]) -> None:
    """Revisions, closures and late records after its instant are not in it, nor in what is derived again."""
    content = report(site)
    send(site, "fracas", FAILURE | ANALYSIS | CLOSE | {"visits": 2}, datetime(2026, 5, 10), "case")
    send(site, "fracas", FAILURE | {"part": "P111"}, datetime(2026, 5, 11), "late")

    found = verify(site, content, OPERATOR, originals=True)
    assert (found.verdict, told(found), found.unverified) == ("equal", [], ())
    assert found.figures > 100


def test_libreoffice_may_save_it(site: Site, cases: list[str], libreoffice: Office, tmp_path: Path) -> None:
    """Everything re-encoded, pivot tables refreshed: still equal."""
    (tmp_path / "report.xlsx").write_bytes(report(site))
    libreoffice.convert(tmp_path / "report.xlsx", tmp_path / "saved.xlsx")

    found = verify(site, (tmp_path / "saved.xlsx").read_bytes(), OPERATOR)
    assert (told(found), found.unverified, found.verdict) == ([], (), "equal"), found.differences


def number_in(content: bytes, title: str, cell: str, value: str) -> bytes:
    """*content* with the number *value* typed into a cell that holds one."""
    pattern = rf'(<c r="{cell}"[^>]*><v>)[^<]*(</v>)'
    return edited(content, part_of(content, title), lambda xml: re.sub(pattern, rf"\g<1>{value}\g<2>", xml))


def cell_under(content: bytes, title: str, header: str, row: int) -> str:
    sheet = load_workbook(BytesIO(content), data_only=True)[title]
    return next(cell.coordinate for cell in sheet[row] if sheet.cell(1, cell.column).value == header)


def test_an_altered_cell_is_named_with_record_and_both_figures(site: Site, cases: list[str]) -> None:
    """Also in an order that a manager chose."""
    content = report(site)
    cell = cell_under(content, "数据_本期故障", "响应h", 2)
    found = verify(site, number_in(content, "数据_本期故障", cell, "77"), OPERATOR)

    assert found.verdict == "different"
    (one,) = found.differences
    assert (one.sheet, one.cell, one.column, one.in_workbook) == ("数据_本期故障", cell, "响应h", 77.0)
    assert one.in_database in (0.5, 6.0)
    assert one.record in cases


def test_an_altered_pivot_cell_is_named(site: Site, cases: list[str]) -> None:
    """The cell that people read, whatever the cache behind it says."""
    content = report(site)
    (pivot,) = [p for p in read_shown(content).pivots if p.name == "PV_trend"]
    cell = f"B{pivot.top + pivot.header_rows}"
    found = verify(site, number_in(content, pivot.sheet, cell, "9"), OPERATOR)

    (one,) = found.differences
    assert (one.part, one.sheet, one.cell, one.row, one.column) == ("PV_trend", pivot.sheet, cell, "2026-02", "华东")
    assert (one.in_workbook, one.in_database) == (9.0, 1.0)


def rows_of(site: Site, content: bytes, change: Callable[[list[list[Any]]], list[list[Any]]]) -> bytes:
    """The failures of *content* replaced by what *change* makes of them, as a person does in Excel."""
    with site.session(read_only=True) as session:
        rows = load(session, "fracas_cases", OPERATOR, site=site, as_of=MARCH(site), language="zh")
    columns = list(zip(*change([list(row) for row in rows.rows()]), strict=True))
    return push(content, replace(rows, data=tuple(columns)), table="T_fracas_cases").content


def MARCH(site: Site) -> datetime:
    return datetime(2026, 3, 31, 23, 59, 59, 999999, site.zone)


def test_rows_deleted_and_added_are_named(site: Site, cases: list[str]) -> None:
    """A record left out, and one that nobody ever sent; their order alone is the owner's."""
    content = report(site)
    turned = rows_of(site, content, lambda rows: rows[::-1])
    less = rows_of(site, content, lambda rows: [row for row in rows if row[0] == cases[0]])
    more = rows_of(site, content, lambda rows: [*rows, ["FR-2026-009999", *rows[0][1:]]])

    assert verify(site, turned, OPERATOR).verdict == "equal"
    assert told(verify(site, less, OPERATOR)) == [("missing", "数据_本期故障", "", cases[1])]
    assert told(verify(site, more, OPERATOR)) == [("added", "数据_本期故障", "A4", "FR-2026-009999")]


def test_a_changed_stamp_is_named_and_a_strange_one_told(site: Site, cases: list[str]) -> None:
    """Which property was changed; or that another installation has made the report; or that there is none."""
    content = report(site)
    moved = edited(content, "docProps/custom.xml", lambda xml: xml.replace("2026-03-31T", "2026-03-30T"))
    stamp = ReportStamp.read(content)
    assert stamp is not None
    strange = restamped(content, stamp.sealed(b"another"))

    found = verify(site, moved, OPERATOR)
    assert (found.verdict, [d.column for d in found.differences]) == ("different", ["aftersheet.as_of"])
    other = verify(site, strange, OPERATOR)
    assert other.verdict == "different"
    assert other.broken is not None
    assert "another installation" in other.broken.en
    with pytest.raises(CannotVerify, match="no stamp"):
        verify(site, tables_workbook([], "zh"), OPERATOR)


def test_what_was_altered_behind_our_back_is_found(site: Site, cases: list[str]) -> None:
    """A value changed in the database by hand differs from what the report says, in every place it counts."""
    content = report(site)
    with site.session() as session:
        session.execute(update(kept_revisions.table(site.definitions["fracas"])).values(car="9车"))

    found = verify(site, content, OPERATOR)
    behind = {
        (d.sheet, d.record, d.in_workbook, d.in_database) for d in found.differences if d.part == "T_fracas_cases"
    }
    assert behind == {("数据_本期故障", number, "3车", "9车") for number in cases}


def test_a_sum_altered_before_the_report_is_found(site: Site, cases: list[str]) -> None:
    """What is kept of settled cases makes reports quick; a check adds the cases up themselves."""
    report(site)
    with site.session() as session:
        session.execute(update(WHOLE[CASES]).values(failures=WHOLE[CASES].c.failures + 1))
    found = verify(site, report(site), OPERATOR)

    assert ("T_fracas_months", 2, 1) in {(d.part, d.in_workbook, d.in_database) for d in found.differences}


def test_a_push_leaves_a_report_that_verifies_as_of_the_push(site: Site, cases: list[str]) -> None:
    """Its table is of today, the rest of the stamp; a broken stamp gets no new seal by a push."""
    content = report(site)
    send(site, "fracas", FAILURE | ANALYSIS | CLOSE | {"visits": 2}, datetime(2026, 5, 10), "case")
    orders = [Order("fracas_cases", "T_fracas_cases")]
    pushed, (change,) = push_upload(site, content, orders, OPERATOR, language="zh", filename="a.xlsx")
    stamp = ReportStamp.read(pushed)
    assert stamp is not None
    assert stamp.tables["T_fracas_cases"].pushed is not None
    assert "docProps/custom.xml" in change.changed_parts
    send(
        site, "fracas", FAILURE | ANALYSIS | CLOSE | {"visits": 3}, datetime.now(site.zone).replace(tzinfo=None), "case"
    )

    found = verify(site, pushed, OPERATOR)
    assert (told(found), found.verdict) == ([], "equal")
    moved = edited(content, "docProps/custom.xml", lambda xml: xml.replace("2026-03-31T", "2026-03-30T"))
    laundered, _ = push_upload(site, moved, orders, OPERATOR, language="zh", filename="a.xlsx")
    assert verify(site, laundered, OPERATOR).verdict == "different"


def test_a_station_has_its_own_report_checked_and_no_other(
    site: Site, cases: list[str], alice: Viewer, charlie: Viewer
) -> None:
    """In the scope it was made in; who may see less is refused, the operator may."""
    content = report(site, viewer=alice)

    assert verify(site, content, alice).verdict == "equal"
    assert verify(site, content, OPERATOR).verdict == "equal"
    assert verify(site, report(site, viewer=charlie), charlie).verdict == "equal"
    for foreign in (content, report(site)):
        with pytest.raises(CannotVerify, match="scope of somebody else"):
            verify(site, foreign, charlie)


def test_a_table_of_an_own_workbook_is_checked_against_a_dataset(site: Site, cases: list[str]) -> None:
    """Without a stamp: the table, the data set and the instant are told."""
    with site.session(read_only=True) as session:
        rows = load(session, "fracas_cases", OPERATOR, site=site, as_of=MARCH(site), language="zh")
    mine = tables_workbook([rows], "zh")
    linked = tables_workbook([with_record_links(site, rows, "https://asked.example")], "zh")

    for content in (mine, linked):  # an address is none of the database's figures
        assert verify_table(site, content, OPERATOR, "fracas_cases", as_of=MARCH(site)).verdict == "equal"
    assert verify_table(site, mine, OPERATOR, "fracas_cases").verdict == "different"


def test_an_original_that_is_not_what_was_kept_is_found(site: Site, cases: list[str], app: Flask) -> None:
    """Figure, record, submission and its bytes hang together by number and sha256; altered bytes do not."""
    content = report(site)
    sheet = load_workbook(BytesIO(content), data_only=True)["溯源"]
    number, digest = sheet["A5"].value, sheet["J5"].value
    page = signed_in(app, "ada")
    record, sent = page.get(f"/records/{number}").text, f"/submissions/{sheet['I5'].value}"

    assert sent in record
    assert page.get(sent).status_code == 200
    assert hashlib.sha256(site.originals.read(digest)).hexdigest() == digest
    path = site.originals.path(digest)
    path.chmod(0o600)
    path.write_bytes(b"something else")
    found = verify(site, content, OPERATOR, originals=True)
    assert [(d.kind, d.record) for d in found.differences] == [("original", number)]


def test_page_program_and_command_tell_the_same(
    app: Flask, site: Site, cases: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of what differs; exit codes 0, 1 and 2; a problem for what has no stamp."""
    content = report(site)
    cell = cell_under(content, "数据_本期故障", "响应h", 2)
    altered, none = number_in(content, "数据_本期故障", cell, "77"), tables_workbook([], "zh")
    page, api = signed_in(app, "ada"), program(app, site, "ada")

    def asked(body: bytes) -> Any:
        data: Any = {"file": (BytesIO(body), "a.xlsx")}
        return api.client.post(
            "/api/v1/reports/verify", data=data, headers=api.headers, content_type="multipart/form-data"
        )

    assert asked(content).get_json()["verdict"] == "equal"
    (one,) = asked(altered).get_json()["differences"]
    assert (one["sheet"], one["cell"], one["in_workbook"]) == ("数据_本期故障", cell, 77)
    assert (asked(none).status_code, asked(none).get_json()["slug"]) == (422, "not-verifiable")
    shown = visible_text(page.post("/verify", {"workbook": (BytesIO(altered), "a.xlsx")}).text)
    assert all(words in shown for words in ("不一致", cell, "77", one["record"]))
    assert page.post("/verify", {"workbook": (BytesIO(none), "a.xlsx")}).status_code == 422
    assert "核对报表" in page.get("/").text
    if site.engine.dialect.name != "sqlite":
        return
    monkeypatch.setenv("AFTERSHEET_SECRET_KEY", SECRET)
    run = commands(site.settings.home, monkeypatch)
    for name, body, code in (("equal", content, 0), ("altered", altered, 1), ("none", none, 2)):
        (tmp_path / f"{name}.xlsx").write_bytes(body)
        assert run("verify", tmp_path / f"{name}.xlsx", "--json").exit_code == code
    moved = edited(content, "docProps/custom.xml", lambda xml: xml.replace("2026-03-31T", "2026-03-30T"))
    (tmp_path / "moved.xlsx").write_bytes(moved)
    broken = [run("verify", tmp_path / "moved.xlsx", "--lang", "zh").output]
    broken.append(visible_text(page.post("/verify", {"workbook": (BytesIO(moved), "a.xlsx")}).text))
    assert all("没有核对" in words and "不一致" not in words and "核对了" not in words for words in broken), broken
    told_in_words = run("verify", tmp_path / "altered.xlsx", "--lang", "en").output
    assert all(words in told_in_words for words in (cell, one["record"], "Different from the database"))
    assert "UTC" not in told_in_words  # the as-of time is that of the site's zone, like everywhere else


def change(site: Site, table: Any, **values: Any) -> None:
    with site.session() as session:
        session.execute(update(table).values(**values))


def behind(found: Verification) -> set[tuple[Any, ...]]:
    return {(d.part, d.record, d.column, d.accepted, d.in_database) for d in found.differences if d.record}


def test_what_was_altered_in_one_place_only_is_named(site: Site, cases: list[str]) -> None:
    """The kept answers, a form's own table, a line of it: no figure need depend on them, still each is told."""
    parts = [{"position": "3车", "part_name": "门控器", "quantity": 2, "disposition": "repair"}]
    number = send(site, "fracas", FAILURE | {"replaced_parts": parts}, datetime(2026, 3, 3), "parts")
    content, form = report(site), site.definitions["fracas"]
    assert (verify(site, content, OPERATOR).verdict, verify(site, content, OPERATOR).records) == ("equal", 3)

    own, lines = form_tables.table(form), form_tables.repeat_tables(form)["replaced_parts"]
    change(site, own, symptom="门已关好")
    assert behind(verify(site, content, OPERATOR)) == {
        ("form_fracas", each, "故障现象", "门无法关闭", "门已关好") for each in (*cases, number)
    }
    change(site, own, symptom="门无法关闭")
    change(site, lines, quantity=5)
    assert behind(verify(site, content, OPERATOR)) == {
        ("form_fracas__replaced_parts", number, "第 1 行 数量", 2.0, 5.0)
    }
    change(site, lines, quantity=2, line=2)
    found = verify(site, content, OPERATOR)
    assert [(d.column, d.accepted) for d in found.differences] == [("第 1 行 整行", None), ("第 2 行 整行", None)]


def test_answers_altered_after_they_were_accepted_are_named(site: Site, cases: list[str]) -> None:
    """By the content hash, also where a later revision holds now; by the audit trail where the hash was made to fit."""
    content = report(site)
    first = (_REVISIONS.c.record_id == 1) & (_REVISIONS.c.revision == 1)
    with site.session() as session:
        kept = session.scalar(select(_REVISIONS.c.answers).where(first))
        hashed = session.scalar(select(_REVISIONS.c.content_hash).where(first))
    assert kept is not None

    def put(answers: str, content_hash: str | None = hashed) -> set[tuple[Any, ...]]:
        with site.session() as session:
            session.execute(update(_REVISIONS).where(first).values(answers=answers, content_hash=content_hash))
        return behind(verify(site, early, OPERATOR))

    early = report(site, as_of=datetime(2026, 3, 15, tzinfo=site.zone))
    assert put(kept.replace('"visits":1', '"visits":4')) == {("revisions.answers", cases[0], "上门次数", 1.0, 4.0)}
    other = kept.replace("门无法关闭", "门已关好")
    assert put(other) == {("revisions.answers", cases[0], "", None, None)}
    form = site.definitions["fracas"]
    assert put(other, answers_hash(form, stored_values(form, form.version, other)))
    assert put(kept) == set()
    assert verify(site, content, OPERATOR).verdict == "equal"
