"""From a station's mail to the reply in its thread, with everything running as in a server."""

import smtplib
import threading
import time
from email import message_from_bytes
from email.message import Message

import pytest
from sqlalchemy import func, select

from server.intake.mail import health
from server.intake.mail.running import mail_at_work
from server.records.models import Record
from server.site import Site
from tests.server.mail.posts import STATION, genuine, post, sealed, visit
from tests.server.mail.wire.conftest import OpenSite
from tests.server.mail.wire.dovecot import PASSWORD, Dovecot
from tests.server.mail.wire.imap_accounts import ImapAccount
from tests.server.mail.wire.postfix import Postfix
from tests.server.mail.wire.quirks import QuirkProxy, Quirks
from tests.server.mail.wire.smtp_server import DROP_AFTER_DATA, SmtpServer

pytestmark = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)


def _records(site: Site) -> int:
    with site.session(read_only=True) as session:
        return session.scalar(select(func.count()).select_from(Record)) or 0


def test_a_station_has_its_answer_within_a_minute(imap: ImapAccount, open_site: OpenSite):
    """The workbook is appended to the mailbox, the record is there, the receipt has left."""
    with SmtpServer() as smtp:
        site = open_site(imap.settings(), smtp_port=smtp.port)
        with mail_at_work(site):
            time.sleep(1)  # it has looked once and is waiting
            imap.put(post(sealed(site), results=[genuine()]))
            start = time.monotonic()
            smtp.wait_for(1, seconds=60)
            seconds = time.monotonic() - start

    assert seconds < 60
    assert _records(site) == 1
    assert smtp.taken[0][1] == [STATION]
    assert smtp.messages[0]["In-Reply-To"] == "<1@station.cn>"
    assert smtp.messages[0]["Auto-Submitted"] == "auto-replied"


@pytest.mark.parametrize(
    "quirks",
    [
        Quirks(needs_id=True, hides=("IDLE", "MOVE")),
        Quirks(drop_on="IDLE"),
        Quirks(drop_on="FETCH"),
        Quirks(drop_on="MOVE", drop_late=True),
    ],
    ids=["as 163.com", "cut in idle", "cut in fetch", "cut in move"],
)
def test_difficult_servers_and_lost_connections_cost_time_only(
    dovecot: Dovecot, dovecot_account: ImapAccount, open_site: OpenSite, quirks: Quirks
):
    """The thread never ends; the next round does what is left, and nobody hears twice."""
    with SmtpServer() as smtp, QuirkProxy(dovecot.imap, quirks) as proxy:
        site = open_site(dovecot_account.settings(port=proxy.port), smtp_port=smtp.port)
        with mail_at_work(site):
            dovecot_account.put(post(sealed(site), results=[genuine()]))
            smtp.wait_for(1)
            _wait_until_put_away(dovecot_account)

    assert (_records(site), len(smtp.taken)) == (1, 1)


def test_a_mailbox_that_is_down_for_a_while_is_found_again(dovecot_account: ImapAccount, open_site: OpenSite):
    """Meanwhile the other mailbox is served, and the page says what is wrong."""
    down = dovecot_account.settings(name="down", host="mail.invalid")
    with SmtpServer() as smtp:
        site = open_site(down, dovecot_account.settings(), smtp_port=smtp.port)
        with mail_at_work(site):
            dovecot_account.put(post(sealed(site), results=[genuine()]))
            smtp.wait_for(1)

    with site.session(read_only=True) as session:
        first, second = health.overview(session, site.settings.mail).mailboxes
    assert first.last_error.startswith("dns")
    assert (first.last_success_at, second.failures) == (None, 0)


def test_mail_stops_with_the_server(dovecot_account: ImapAccount, open_site: OpenSite):
    """Nobody waits for a poll or a server that is slow to say goodbye."""
    with SmtpServer() as smtp:
        site = open_site(dovecot_account.settings(poll_seconds=600), smtp_port=smtp.port)
        with mail_at_work(site):
            time.sleep(1.5)
            start = time.monotonic()

    assert time.monotonic() - start < 6


def test_nothing_runs_where_nothing_is_set(open_site: OpenSite):
    """Mail is optional."""
    with mail_at_work(open_site()):
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("mail")]


def test_through_real_servers_and_back(dovecot: Dovecot, postfix: Postfix, open_site: OpenSite):
    """Postfix delivers the station's mail, Dovecot holds it, Postfix carries the reply to the station's mailbox."""
    forms = ImapAccount(port=dovecot.imap, user="forms@company.cn", password=PASSWORD)
    station = ImapAccount(port=dovecot.imap, user=STATION, password=PASSWORD)
    site = open_site(forms.settings(), smtp_port=postfix.port)
    with mail_at_work(site):
        with smtplib.SMTP("127.0.0.1", postfix.port, "station.cn", timeout=30) as smtp:
            smtp.sendmail(STATION, ["forms@company.cn"], post(sealed(site), visit(instance="second")))
        (reply,) = _wait_for_mail(station)

    assert _records(site) >= 1
    assert reply["Message-ID"] == "<receipt.1.1@company.cn>"
    assert reply["References"] == "<1@station.cn>"
    assert reply["Return-Path"] == "<>"


def test_a_reply_is_not_lost_with_the_connection(imap: ImapAccount, open_site: OpenSite):
    """It stays queued for the resend, and the record stands."""
    with SmtpServer(DROP_AFTER_DATA) as smtp:
        site = open_site(imap.settings(), smtp_port=smtp.port)
        with mail_at_work(site):
            imap.put(post(sealed(site), results=[genuine()]))
            smtp.wait_for(1)
            time.sleep(1)

    with site.session(read_only=True) as session:
        assert health.overview(session, site.settings.mail).replies_waiting == 1
    assert _records(site) == 1


def _wait_until_put_away(account: ImapAccount) -> None:
    deadline = time.monotonic() + 60
    while account.mails() or not account.mails("已处理"):
        assert time.monotonic() < deadline, "the mail is still in the inbox"
        time.sleep(0.2)


def _wait_for_mail(account: ImapAccount) -> list[Message]:
    deadline = time.monotonic() + 60
    while not (mails := account.mails()):
        assert time.monotonic() < deadline, "no reply within a minute"
        time.sleep(0.2)
    return [message_from_bytes(raw) for raw in mails]
