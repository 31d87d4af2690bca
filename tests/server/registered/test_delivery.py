"""Refreshed workbooks delivered: never over somebody's changes, never mailed twice, whatever is killed in between."""

import email
import json
import multiprocessing.context
from datetime import timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from server.access.visibility import Viewer
from server.intake.mail.models import Reply
from server.intake.mail.replies import compose
from server.intake.mail.sending import send_due
from server.records.audit import verify_audit
from server.reports.registered import performing
from server.reports.registered.folders import FolderPlace
from server.reports.registered.models import WorkbookLetter
from server.reports.registered.places import Found
from server.reports.registered.registration import RegistrationError, Source
from server.reports.registered.store import register, result
from server.reports.registered.webdav import WebdavPlace
from server.site import Site
from tests.server.browsing import signed_in, visible_text
from tests.server.mail.wire import killed as sending
from tests.server.mail.wire.due import let_time_pass
from tests.server.mail.wire.smtp_server import SmtpServer
from tests.server.registered import killed
from tests.server.registered.books import EIGHT, MONDAY, at, book, history, note, numbers, plan, states, visit
from tests.server.registered.conftest import PATH, OpenSite
from tests.server.registered.dav import PASSWORD, USER, DavServer

SQLITE = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)


def _shared(site: Site, owner: Viewer, **changes: Any) -> int:
    """The workbook on the share, refreshed in place."""
    source = Source(filename="", share="盘", path=PATH)
    return register(site, source, plan(**({"in_place": True} | changes)), by=owner, now=MONDAY)


def _letters(site: Site) -> list[Reply]:
    with site.session(read_only=True) as session:
        return list(session.scalars(select(Reply).order_by(Reply.id)))


@SQLITE
def test_a_workbook_on_a_share_is_refreshed_where_it_lies(
    open_site: OpenSite, folder: Path, alice: Viewer, mei: Viewer
):
    """And what it was made is kept besides."""
    site = open_site()
    number, workbook_id = visit(site, alice), _shared(site, mei)

    at(site, EIGHT)

    (run,) = history(site, workbook_id)
    content = (folder / PATH).read_bytes()
    assert (run.state, run.in_place_at is not None) == ("delivered", True)
    assert (numbers(content), note(content)) == ([number], "我的批注")
    assert result(site, mei, workbook_id) == ("访问.xlsx", content)


@SQLITE
def test_an_open_workbook_waits_and_its_owner_is_told_once(
    open_site: OpenSite, folder: Path, alice: Viewer, mei: Viewer
):
    """Tried again after one, two and four minutes; after the fourth time a mail; when it is closed, it is refreshed."""
    with SmtpServer() as smtp:
        site = open_site(smtp.port)
        number, workbook_id = visit(site, alice), _shared(site, mei)
        mark = folder / "月报" / "~$访问.xlsx"
        mark.write_bytes(b"\x02Wu")
        rounds = [at(site, EIGHT + timedelta(minutes=n)) for n in (0, 0.5, 2, 5, 10, 19, 20)]
        assert [r.later for r in rounds] == [1, 0, 1, 1, 1, 1, 0]
        (run,) = history(site, workbook_id)
        assert (run.state, "Wu" in run.reason_zh, run.finished_at) == ("queued", True, None)
        assert [letter.kind for letter in _letters(site)] == ["workbook-trouble"]
        mark.unlink()

        assert at(site, EIGHT + timedelta(minutes=40)).delivered == 1
        send_due(site, compose)

    (told,) = smtp.messages
    assert (told["To"], numbers((folder / PATH).read_bytes())) == ("<mei@company.cn>", [number])
    assert history(site, workbook_id)[0].reason_zh == ""


@SQLITE
def test_a_later_day_takes_the_place_of_one_that_waits(open_site: OpenSite, folder: Path, alice: Viewer, mei: Viewer):
    """Open since yesterday: the run of yesterday is dropped, that of today is delivered."""
    site = open_site()
    workbook_id = _shared(site, mei)
    (folder / PATH).rename(folder / "away.xlsx")
    at(site, EIGHT)
    (folder / "away.xlsx").rename(folder / PATH)

    at(site, EIGHT + timedelta(days=1))

    assert states(site, workbook_id) == ["superseded", "delivered"]
    assert "找不到" in history(site, workbook_id)[0].reason_zh


@SQLITE
@pytest.mark.parametrize("kind", ["folder", "webdav"])
def test_what_a_person_saves_while_it_is_refreshed_is_not_lost(
    open_site: OpenSite, folder: Path, alice: Viewer, mei: Viewer, kind: str, monkeypatch: pytest.MonkeyPatch
):
    """Between reading and replacing: the figures go into their version, with their note in it."""
    place = FolderPlace if kind == "folder" else WebdavPlace
    replace, saved = place.replace, []

    def saving_first(self: Any, content: bytes, expected: Found) -> None:
        if not saved:
            saved.append((folder / PATH).write_bytes(book("今天的新批注")))
        replace(self, content, expected)

    monkeypatch.setattr(place, "replace", saving_first)
    with DavServer(folder) as dav:
        secret = {"url": dav.url, "user": USER, "password": PASSWORD} if kind == "webdav" else {}
        site = open_site(**secret)
        number, workbook_id = visit(site, alice), _shared(site, mei)
        at(site, EIGHT)

    content = (folder / PATH).read_bytes()
    assert (numbers(content), note(content)) == ([number], "今天的新批注")
    assert [(run.state, run.attempts) for run in history(site, workbook_id)] == [("delivered", 1)]
    if kind == "webdav":
        assert dav.requests.count("PUT") == 1
        assert dav.requests.count("LOCK") == dav.requests.count("UNLOCK") == 2


def test_it_is_mailed_to_its_recipients(open_site: OpenSite, alice: Viewer, mei: Viewer):
    """Each gets the workbook as it is, under its own name, in a mail that says as of when it is."""
    with SmtpServer() as smtp:
        site = open_site(smtp.port)
        recipients = ("boss@company.cn", "ada@company.cn")
        number, workbook_id = visit(site, alice), _shared(site, mei, in_place=False, recipients=recipients)
        at(site, EIGHT)
        assert send_due(site, compose).sent == 2
        assert send_due(site, compose).sent == 0

    mails = [email.message_from_bytes(content, policy=default) for _, _, content in smtp.taken]
    assert sorted(mail["To"].addresses[0].addr_spec for mail in mails) == sorted(recipients)
    for mail in mails:
        assert isinstance(mail, EmailMessage)
        (attached,) = mail.iter_attachments()
        body = mail.get_body(("plain",))
        assert body is not None
        assert (mail["Subject"], attached.get_filename()) == ("访问月报（数据截至 2026-11-24）", "访问.xlsx")
        assert "2026-11-24 08:00" in body.get_content()
        assert attached.get_content() == result(site, mei, workbook_id)[1]
        assert numbers(attached.get_content()) == [number]


@SQLITE
def test_figures_are_mailed_to_the_house_only(open_site: OpenSite, mei: Viewer):
    site = open_site(smtp_port=25)
    for address in ("boss@elsewhere.cn", "not an address", "forms@company.cn"):
        with pytest.raises(RegistrationError):
            _shared(site, mei, recipients=(address,))


@SQLITE
def test_shares_are_for_those_they_are_open_to(open_site: OpenSite, bob: Viewer, mei: Viewer, ada: Viewer):
    """Managers and administrators, or the people named; the settings are asked again at each run."""
    site = open_site()
    with pytest.raises(RegistrationError):
        _shared(site, bob)
    workbook_id = _shared(site, mei)

    named = open_site(users=("bob",), managers=False)
    assert at(named, EIGHT).failed == 1
    assert "共享" in history(named, workbook_id)[0].reason_zh
    assert _shared(named, bob) > workbook_id
    with pytest.raises(RegistrationError):
        register(named, Source(filename="", share="盘", path="../x.xlsx"), plan(), by=bob)


@SQLITE
@pytest.mark.parametrize("point", killed.POINTS)
def test_a_kill_at_any_point_is_delivered_once(
    open_site: OpenSite, folder: Path, alice: Viewer, mei: Viewer, point: str,
    processes: multiprocessing.context.ForkServerContext,
):  # fmt: skip
    """The next worker finishes: one run, the file refreshed, one letter; not before the dead one's lease is over."""
    site = open_site(smtp_port=25)
    number, workbook_id = visit(site, alice), _shared(site, mei, recipients=("boss@company.cn",))
    secret = site.settings.secret_key
    process = processes.Process(target=killed.main, args=(_dumped(site), secret, point))
    process.start()
    process.join(120)
    assert process.exitcode == -9
    assert at(site, EIGHT + timedelta(minutes=10)).delivered == 0

    delivered = at(site, EIGHT + timedelta(minutes=20)).delivered

    content = (folder / PATH).read_bytes()
    (run,) = history(site, workbook_id)
    assert delivered == (0 if point == "delivered" else 1)
    assert (run.state, run.in_place_at is not None) == ("delivered", True)
    assert run.attempts == (1 if point == "delivered" else 2)
    assert (numbers(content), note(content)) == ([number], "我的批注")
    assert [path.name for path in (folder / "月报").iterdir()] == ["访问.xlsx"]
    with site.session(read_only=True) as session:
        assert len(session.scalars(select(WorkbookLetter)).all()) == len(_letters(site)) == 1
        assert verify_audit(session, site.audit_key).sound


@SQLITE
@pytest.mark.parametrize("point", ["connected", "handing over", "handed over"])
def test_a_mail_whose_sender_is_killed_comes_once_at_most(
    open_site: OpenSite, app: Flask, mei: Viewer, point: str, processes: multiprocessing.context.ForkServerContext
):
    """Sent by the next one, or, where the server may have it, not again: the owner is told so and can refresh."""
    with SmtpServer() as smtp:
        site = open_site(smtp.port)
        workbook_id = _shared(site, mei, recipients=("boss@company.cn",))
        at(site, EIGHT)
        mail = json.dumps(site.settings.mail.model_dump(mode="json"))
        process = processes.Process(target=sending.main, args=(str(site.settings.home), mail, point))
        process.start()
        process.join(120)
        assert process.exitcode == -9
        let_time_pass(site)
        again = [send_due(site, compose).sent for _ in range(2)]

    unclear = point in ("handing over", "handed over")
    (letter,) = _letters(site)
    page = visible_text(signed_in(app, "mei").get(f"/workbooks/{workbook_id}").text)
    assert (again, letter.state) == (([0, 0], "dead") if unclear else ([1, 0], "sent"))
    assert len(smtp.taken) == (0 if point == "handing over" else 1)
    assert [run.state for run in history(site, workbook_id)] == ["delivered"]
    assert ("boss@company.cn 的邮件也许已送达" in page) == unclear


@SQLITE
def test_a_workbook_that_kills_the_process_is_laid_aside(
    open_site: OpenSite, mei: Viewer, monkeypatch: pytest.MonkeyPatch
):
    """Three workers died over it: the fourth says so, and goes on with the others."""
    site = open_site()
    workbook_id = _shared(site, mei)

    def dying(*_: object, **__: object) -> None:
        raise SystemExit  # what no worker catches stands for its death

    with monkeypatch.context() as patched:
        patched.setattr(performing, "refresh", dying)
        for n in range(3):
            with pytest.raises(SystemExit):
                at(site, EIGHT + timedelta(minutes=20 * n))

    assert at(site, EIGHT + timedelta(hours=2)).failed == 1
    assert "3" in history(site, workbook_id)[0].reason_zh


def test_two_processes_at_once_deliver_once(
    open_site: OpenSite, folder: Path, alice: Viewer, mei: Viewer,
    processes: multiprocessing.context.ForkServerContext,
):  # fmt: skip
    """Two servers over one database see the same hour strike."""
    site = open_site(smtp_port=25)
    number, workbook_id = visit(site, alice), _shared(site, mei, recipients=("boss@company.cn",))
    others = [
        processes.Process(target=killed.main, args=(_dumped(site), site.settings.secret_key, "nowhere"))
        for _ in range(2)
    ]
    for other in others:
        other.start()
    for other in others:
        other.join(120)

    assert [other.exitcode for other in others] == [0, 0]
    assert [(run.state, run.attempts) for run in history(site, workbook_id)] == [("delivered", 1)]
    assert numbers((folder / PATH).read_bytes()) == [number]
    assert len(_letters(site)) == 1


def _dumped(site: Site) -> str:
    """The site's settings for another process; its key goes beside them."""
    return json.dumps(site.settings.model_dump(mode="json", exclude={"secret_key"}))
