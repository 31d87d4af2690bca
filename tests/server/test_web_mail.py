"""The mail pages: what came beside what became of it, decisions of people, the alarm."""

from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from flask import Flask
from openpyxl import load_workbook

from server.access.seals import SealState, verify
from server.intake.mail import health, replies
from server.intake.mail.arrival import MailOutcome
from server.intake.mail.models import Mail, MailState, Reply, ReplyState
from server.settings import Settings
from server.site import Site
from tests.server.browsing import signed_in, visible_text
from tests.server.mail.conftest import MAIL
from tests.server.mail.posts import genuine, post, reply_to, sealed, take, visit
from tests.server.mail.posts import replies as replies_of
from workbooks.reader import read

# Pages over what other tests prove on both databases.
pytestmark = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings with two mailboxes and a server for replies."""
    return settings.model_copy(update={"mail": MAIL})


@pytest.fixture
def stored(site: Site) -> MailOutcome:
    """A sealed workbook that came from its station."""
    return take(site, post(sealed(site), results=[genuine()], subject="=?utf-8?B?6LWw6K6/6K6w5b2V?="))


@pytest.fixture
def held(site: Site) -> MailOutcome:
    """A workbook that only a From line vouches for."""
    return take(site, post(visit()))


@pytest.fixture
def poison(site: Site) -> MailOutcome:
    """A mail with a header beyond the limit."""
    return take(site, b"From: cz@station.cn\r\nSubject: x\r\nX-Long: " + b"x" * 70_000 + b"\r\n\r\ntext")


def test_the_list_names_sender_station_and_proof(app: Flask, stored: MailOutcome, held: MailOutcome):
    """What an administrator wants to know at a glance, with what waits beside it."""
    text = visible_text(signed_in(app, "ada").get("/mail").text)

    assert all(words in text for words in ("走访记录", "cz@station.cn", "常州站", "封印模板", "未证实", "待核实"))


def test_the_list_is_searched_and_filtered(app: Flask, stored: MailOutcome, held: MailOutcome):
    """By subject or sender, and by state; a percent sign is a percent sign."""
    ada = signed_in(app, "ada")
    found = {query: f'href="/mail/{stored.mail_id}"' in ada.get(f"/mail?{query}").text for query in (
        "q=走访", "q=STATION.CN", "q=%25", "state=done", "state=review",
    )}  # fmt: skip

    assert found == {"q=走访": True, "q=STATION.CN": True, "q=%25": False, "state=done": True, "state=review": False}


def test_a_page_beyond_the_last_is_empty(app: Flask, stored: MailOutcome):
    """Also one that no database can count to."""
    ada = signed_in(app, "ada")

    for path in ("/mail", "/mail/outgoing"):
        assert ada.get(f"{path}?page={10**30}").status_code == 200


def test_a_message_stands_beside_its_record_and_the_reply(app: Flask, site: Site, stored: MailOutcome):
    """Text, headers, why the sender is believed, the number, and what was answered."""
    page = signed_in(app, "ada").get(f"/mail/{stored.mail_id}").text
    text = visible_text(page)

    assert all(
        words in text for words in ("<1@station.cn>", "请查收附件", "封印", "V-2026-0001", "回信: 回执", "登记内容")
    )
    assert f"/submissions/{stored.submissions[0]}" in page


def test_a_reply_that_left_is_shown_as_it_left(app: Flask, site: Site, stored: MailOutcome):
    """From the kept bytes, with the names of its attachments, and as a download."""
    content = replies.compose(site, reply_to(site, stored))
    with site.session() as session:
        row = session.get_one(Reply, stored.reply_id)
        row.content_sha256, row.state, row.sent_at = site.originals.keep(content), ReplyState.SENT, datetime.now(UTC)
    ada = signed_in(app, "ada")
    page = ada.get(f"/mail/{stored.mail_id}").text
    download = ada.get(f"/mail/replies/{stored.reply_id}.eml")

    assert "已发出" in page
    assert "V-2026-0001 回执.xlsx" in page
    assert download.data == content
    assert "attachment" in download.headers["Content-Disposition"]


def test_the_original_mail_is_a_download(app: Flask, stored: MailOutcome, site: Site):
    """To the byte; no browser gets to open it."""
    answer = signed_in(app, "ada").get(f"/mail/{stored.mail_id}/raw")
    with site.session(read_only=True) as session:
        sha256 = session.get_one(Mail, stored.mail_id).sha256

    assert answer.data == site.originals.read(sha256)
    assert "attachment" in answer.headers["Content-Disposition"]
    assert answer.mimetype == "application/octet-stream"


def test_what_senders_write_is_text(app: Flask, site: Site):
    """In the subject, in the name, in the mail."""
    raw = post(visit(), subject="<script>alert(1)</script>").replace(b"visit1.xlsx", b"<img src=x>.xlsx")
    outcome = take(site, raw)
    ada = signed_in(app, "ada")

    for path in ("/mail", "/mail/review", f"/mail/{outcome.mail_id}"):
        page = ada.get(path).text
        assert "<script>alert" not in page
        assert "<img src=x" not in page


def test_a_submission_is_shown_with_its_mail(app: Flask, stored: MailOutcome):
    """To the station too; the way to the mail pages only to those who may go there."""
    path = f"/submissions/{stored.submissions[0]}"
    of_station, of_admin = (signed_in(app, name).get(path).text for name in ("alice", "ada"))

    assert "cz@station.cn" in of_station
    assert "请查收附件" in of_station
    assert [f"/mail/{stored.mail_id}" in page for page in (of_station, of_admin)] == [False, True]


def test_a_manager_sees_mail_of_the_own_region(app: Flask, site: Site, stored: MailOutcome, poison: MailOutcome):
    """And what waits to be verified; never the quarantine or the replies."""
    other = take(site, post(sealed(site, "CD"), sender="cd@station.cn", message_id="<5@station.cn>"))
    mei = signed_in(app, "mei")
    paths = [f"/mail/{outcome.mail_id}" for outcome in (stored, other, poison)]
    paths += ["/mail/quarantine", "/mail/outgoing", f"/mail/{poison.mail_id}/raw"]

    assert other.state is MailState.DONE
    assert [mei.get(path).status_code for path in paths] == [200, 404, 404, 404, 404, 404]
    assert f'href="{paths[1]}"' not in mei.get("/mail").text


def test_a_person_releases_a_mail_to_a_station(app: Flask, site: Site, held: MailOutcome):
    """It is stored, and its sender is answered."""
    ada = signed_in(app, "ada")
    assert "visit1.xlsx" in ada.get("/mail/review").text
    answer = ada.post(f"/mail/{held.mail_id}/release", {"station": "CZ"})
    page = ada.get(answer.location).text

    assert "已登记 1 份，退回 0 份" in page
    assert all(words in visible_text(page) for words in ("人工核实", "V-2026-0001", "常州站"))
    assert [reply.kind for reply in replies_of(site)] == ["held", "receipt"]


@pytest.mark.parametrize("station", ["", "XX", "CD"])
def test_a_station_out_of_reach_is_not_taken(app: Flask, site: Site, held: MailOutcome, station: str):
    """Mei manages 华东; Chengdu is not hers to vouch for."""
    mei = signed_in(app, "mei")
    answer = mei.post(f"/mail/{held.mail_id}/release", {"station": station})

    assert "请选择发件的服务站" in mei.get(answer.location).text
    with site.session(read_only=True) as session:
        assert session.get_one(Mail, held.mail_id).state == MailState.REVIEW


def test_a_person_refuses_a_mail(app: Flask, site: Site, held: MailOutcome):
    """Nothing is stored, and nobody hears more of it."""
    ada = signed_in(app, "ada")
    before = len(replies_of(site))
    ada.post(f"/mail/{held.mail_id}/refuse")

    assert "没有待核实的邮件" in ada.get("/mail/review").text
    assert "核实时拒绝" in ada.get(f"/mail/{held.mail_id}").text
    assert len(replies_of(site)) == before


def test_what_is_held_can_be_looked_into_before(app: Flask, held: MailOutcome):
    """Whoever vouches for a workbook has seen it."""
    answer = signed_in(app, "ada").get(f"/mail/{held.mail_id}/workbooks/1")

    assert read(answer.data).identity.form_id == "visit"
    assert signed_in(app, "ada").get(f"/mail/{held.mail_id}/workbooks/2").status_code == 404


def test_a_quarantined_mail_is_tried_again_or_put_away(app: Flask, site: Site, poison: MailOutcome):
    """Named with what was wrong; the bytes stay."""
    ada = signed_in(app, "ada")
    assert "信头太长" in ada.get("/mail/quarantine").text
    again = ada.post(f"/mail/{poison.mail_id}/retry")
    assert "仍然无法处理" in ada.get(again.location).text
    ada.post(f"/mail/{poison.mail_id}/discard")

    assert "没有隔离的邮件" in ada.get("/mail/quarantine").text
    assert ada.get(f"/mail/{poison.mail_id}/raw").data.startswith(b"From: cz@station.cn")


def test_a_reply_that_failed_is_sent_again(app: Flask, site: Site, stored: MailOutcome):
    """With what the server had said, once; a reply that left stays where it is."""
    with site.session() as session:
        row = session.get_one(Reply, stored.reply_id)
        row.state, row.error, row.next_try_at = ReplyState.DEAD, "550 no such user", None
    ada = signed_in(app, "ada")
    assert "550 no such user" in ada.get("/mail/outgoing?state=dead").text
    statuses = [ada.post(f"/mail/replies/{stored.reply_id}/resend").status_code for _ in range(2)]

    assert statuses == [302, 404]
    assert replies_of(site)[0].state == ReplyState.QUEUED


def test_a_silent_mailbox_alarms_administrators_on_every_page(app: Flask, site: Site):
    """After 15 minutes without an answer; nobody else is bothered."""
    now = datetime.now(UTC)
    with site.session() as session:
        health.polled(session, "forms", backlog=0, now=now - timedelta(minutes=14))
        health.failed(session, "office", "535 no", now=now - timedelta(minutes=16))
    pages = {name: signed_in(app, name).get("/templates").text for name in ("ada", "mei", "alice")}

    assert [name for name, page in pages.items() if "没有响应" in page or "从未响应" in page] == ["ada"]
    assert "office" in pages["ada"]
    assert "forms" not in visible_text(pages["ada"])


def test_a_template_is_issued_listed_and_revoked(app: Flask, site: Site):
    """The download carries a seal for that station, until it is revoked."""
    ada = signed_in(app, "ada")
    answer = ada.post("/templates/issued", {"form": "visit", "station": "CZ", "language": "en"})
    identity = read(answer.data).identity
    with site.session(read_only=True) as session:
        seal = verify(session, site.seal_key, identity)
    page = ada.get("/templates/issued").text
    ada.post(f"/templates/issued/{seal.issue_id}/revoke")
    with site.session(read_only=True) as session:
        revoked = verify(session, site.seal_key, identity)

    assert (seal.state, seal.station, identity.language) == (SealState.VALID, "CZ", "en")
    assert "常州站" in visible_text(page)
    assert load_workbook(BytesIO(answer.data)).worksheets[0].title == "Visit"
    assert revoked.state is SealState.REVOKED
    assert "已撤销" in ada.get("/templates/issued").text


def test_a_template_for_no_station_is_not_issued(app: Flask):
    """It would prove nothing."""
    ada = signed_in(app, "ada")
    ada.post("/templates/issued", {"form": "visit", "station": "XX"})

    assert "请选择发给哪个服务站" in ada.get("/templates/issued").text
    assert ada.post("/templates/issued", {"form": "nothing", "station": "CZ"}).status_code == 404
