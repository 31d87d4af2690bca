"""Reports put on a share: a new file, the one put there before, and never over somebody else's; folder and WebDAV."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import select

from server.access.visibility import Viewer
from server.app import create_app
from server.intake.mail.models import Reply
from server.reports.registered import performing
from server.reports.registered.folders import FolderPlace
from server.reports.registered.period_rules import PeriodRule
from server.reports.registered.places import ChangedMeanwhile
from server.reports.registered.registration import Plan, RegistrationError, Source
from server.reports.registered.schedule import Rhythm
from server.reports.registered.store import ask_for_run, change, register, remove
from server.site import Site
from tests.server.browsing import program, signed_in, visible_text
from tests.server.registered.books import at, book, history, states
from tests.server.registered.conftest import OpenSite
from tests.server.registered.dav import PASSWORD, USER, DavServer
from workbooks.reporting.report_stamp import ReportStamp

pytestmark = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
REPORT = "trips"
OCTOBER = datetime(2026, 10, 20, 1, 0, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)  # Monday, 09:00 in Shanghai
MONTHLY = Plan(title="出差月报", period=PeriodRule.LAST_MONTH, rhythm=Rhythm.MONTH_END, keep=3)


def _put(site: Site, owner: Viewer, path: str = "月报/出差-{period}.xlsx", plan: Plan = MONTHLY) -> int:
    return register(site, Source(filename="", report=REPORT, share="盘", path=path), plan, by=owner, now=OCTOBER)


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "月报").iterdir() if path.name != "访问.xlsx")


@pytest.fixture(params=["folder", "webdav"])
def shared(request: pytest.FixtureRequest, open_site: OpenSite, folder: Path) -> Iterator[Site]:
    """A site with the same share as a folder, and over WebDAV."""
    if request.param == "folder":
        yield open_site()
        return
    with DavServer(folder) as dav:
        yield open_site(url=dav.url, user=USER, password=PASSWORD)


def test_each_period_gets_its_file(shared: Site, folder: Path, mei: Viewer):
    """In November October's, in December November's; a run by hand of the same period replaces its file."""
    workbook_id = _put(shared, mei)
    at(shared, NOVEMBER)
    first = (folder / "月报" / "出差-2026-09.xlsx").read_bytes()
    at(shared, NOVEMBER + timedelta(days=30))

    assert states(shared, workbook_id) == ["delivered", "delivered"]
    assert _files(folder) == ["出差-2026-09.xlsx", "出差-2026-10.xlsx"]
    stamp = ReportStamp.read(first)
    assert stamp is not None
    assert (stamp.report, stamp.period, stamp.username) == (REPORT, "2026-09", "mei")
    assert [run.delivered_to for run in history(shared, workbook_id)] == [
        "月报/出差-2026-09.xlsx",
        "月报/出差-2026-10.xlsx",
    ]


def test_what_somebody_has_changed_is_copied_beside_it(shared: Site, folder: Path, mei: Viewer):
    """Their notes stay in a copy that says so; the report is up to date, and nothing else lies there."""
    workbook_id = _put(shared, mei, "月报/出差.xlsx")
    at(shared, NOVEMBER)
    path = folder / "月报" / "出差.xlsx"
    noted = BytesIO()
    edited = load_workbook(path)
    edited.worksheets[0]["Z1"] = "我的批注"
    edited.save(noted)
    path.write_bytes(noted.getvalue())

    for days in (30, 60):
        at(shared, NOVEMBER + timedelta(days=days))

    assert states(shared, workbook_id) == ["delivered"] * 3
    current, copy = sorted(_files(folder), key=len)
    assert (current, copy[:3], "保留 2026-12-01" in copy) == ("出差.xlsx", "出差（", True)
    assert (folder / "月报" / copy).read_bytes() == noted.getvalue()
    stamp = ReportStamp.read(path.read_bytes())
    assert stamp is not None
    assert stamp.period == "2026-11"


def test_somebody_elses_file_is_never_replaced(shared: Site, folder: Path, mei: Viewer):
    """Told on registering; one laid there later fails the run in words, and stays to the byte."""
    with pytest.raises(RegistrationError, match="Another file"):
        _put(shared, mei, "月报/访问.xlsx")
    workbook_id, theirs = _put(shared, mei, "月报/出差.xlsx"), book()
    (folder / "月报" / "出差.xlsx").write_bytes(theirs)

    at(shared, NOVEMBER)

    (run,) = history(shared, workbook_id)
    assert (run.state, "已有别的文件" in run.reason_zh) == ("failed", True)
    assert (folder / "月报" / "出差.xlsx").read_bytes() == theirs


def test_a_folder_that_is_missing_is_waited_for(shared: Site, folder: Path, mei: Viewer):
    workbook_id = _put(shared, mei, "年报/出差.xlsx")
    assert at(shared, NOVEMBER).later == 1
    assert "没有文件夹“年报”" in history(shared, workbook_id)[0].reason_zh

    (folder / "年报").mkdir()

    assert at(shared, NOVEMBER + timedelta(minutes=5)).delivered == 1
    assert [path.name for path in (folder / "年报").iterdir()] == ["出差.xlsx"]


@pytest.mark.parametrize("lost", [False, True])
def test_a_worker_that_dies_after_putting_it_there_leaves_one_file(
    open_site: OpenSite, folder: Path, mei: Viewer, monkeypatch: pytest.MonkeyPatch, lost: bool
):
    """The next one finds its own bytes there, or a copy of the report it has to make anew; never "another file"."""
    site = open_site()
    workbook_id = _put(site, mei, "月报/出差.xlsx", Plan(title="出差", period=PeriodRule.THIS_MONTH))
    put, died = performing.put, []

    def dying(*given: Any, **named: Any) -> None:
        put(*given, **named)
        if not died:
            died.append(True)
            raise KeyboardInterrupt

    monkeypatch.setattr(performing, "put", dying)
    with pytest.raises(KeyboardInterrupt):
        at(site, NOVEMBER)
    if lost:
        for file in (site.settings.home / "refreshed").rglob("*-*"):
            file.unlink()

    assert at(site, NOVEMBER + timedelta(minutes=20)).delivered == 1
    assert len(_files(folder)) == (2 if lost else 1)
    assert states(site, workbook_id) == ["delivered"]


def test_a_file_laid_there_in_the_same_moment_stays(open_site: OpenSite, folder: Path):
    """Between the look and the naming; what is put there may be read by whoever may use the folder."""
    (folder / "月报").chmod(0o750)
    place = FolderPlace(folder, ("月报", "新.xlsx"))
    place.create(b"first")

    with pytest.raises(ChangedMeanwhile):
        place.create(b"second")

    new = folder / "月报" / "新.xlsx"
    assert (new.read_bytes(), new.stat().st_mode & 0o777) == (b"first", 0o640)
    assert _files(folder) == ["新.xlsx"]


def test_two_registrations_do_not_take_turns_in_one_file(open_site: OpenSite, mei: Viewer, ada: Viewer):
    """Not even of one person; removed, its place is free."""
    site = open_site()
    first = _put(site, mei, "月报/出差.xlsx")
    with pytest.raises(RegistrationError, match="Another registration"):
        _put(site, ada, "月报/出差.XLSX")
    change(site, first, MONTHLY, by=mei, source=Source(filename="", report=REPORT, share="盘", path="月报/出差.xlsx"))
    remove(site, first, by=mei)

    assert _put(site, mei, "月报/出差.xlsx") > first


def test_its_mail_says_where_it_was_put(open_site: OpenSite, mei: Viewer):
    site = open_site(smtp_port=25)
    _put(site, mei, "月报/出差-{period}.xlsx", replace(MONTHLY, recipients=("boss@company.cn",)))
    at(site, NOVEMBER)

    with site.session(read_only=True) as session:
        (letter,) = session.scalars(select(Reply))
    mail = message_from_bytes(site.originals.read(letter.content_sha256 or ""), policy=default)
    assert isinstance(mail, EmailMessage)
    body = mail.get_body(("plain",))
    assert body is not None
    assert "已放到共享“盘”：月报/出差-2026-09.xlsx" in body.get_content()


def test_on_the_page_and_through_the_api(open_site: OpenSite, folder: Path, mei: Viewer):
    """Chosen while it is set up; shown with where it has been put; a share that is not open is refused."""
    site = open_site()
    app: Flask = create_app(site)
    browser, client = signed_in(app, "mei"), program(app, site, "mei")
    edit = browser.post("/workbooks/new", {"source": "report", "report": REPORT}).headers["Location"]
    fields = {"title": "出差", "period": "last-month", "rhythm": "manual", "at": "08:00", "keep": "3"}
    bad = browser.post(edit, fields | {"share": "盘", "path": "../出差.xlsx"})
    saved = browser.post(edit, fields | {"share": "盘", "path": "月报/新出差.xlsx"})
    workbook_id = int(saved.headers["Location"].rpartition("/")[2])
    ask_for_run(site, workbook_id, by=mei)
    at(site, site.now())
    page = visible_text(browser.get(saved.headers["Location"]).text)
    plan = {"title": "出差", "report": REPORT, "share": "盘", "path": "月报/{period}.xlsx", "period": "history"}
    made = client.client.post("/api/v1/workbooks", json=plan, headers=client.headers)
    refused = client.client.post("/api/v1/workbooks", json=plan | {"share": "Z"}, headers=client.headers)

    assert 'value="月报/新出差.xlsx"' in browser.get(edit).text
    assert (bad.status_code, 'value="../出差.xlsx"' in bad.text) == (422, True)
    assert ("盘：月报/新出差.xlsx" in page, _files(folder)) == (True, ["新出差.xlsx"])
    assert (made.status_code, made.get_json()["in_place"], refused.status_code) == (201, True, 400)
    assert made.get_json()["source"]["path"] == "月报/{period}.xlsx"
