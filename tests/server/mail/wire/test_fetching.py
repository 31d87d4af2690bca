"""Rounds over real mailboxes: everything stored once, however the servers and their connections behave."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import func, select

from server.intake.mail import health, ledger
from server.intake.mail.connection import MailServerError
from server.intake.mail.downloads import Downloads
from server.intake.mail.fetching import FetchSummary, fetch_once
from server.intake.mail.models import Mail, MailState, Reply
from server.mail_settings import MailboxSettings
from server.records.models import Record
from server.site import Site
from tests.server.mail.posts import post, sealed
from tests.server.mail.wire.conftest import OpenSite
from tests.server.mail.wire.dovecot import Dovecot
from tests.server.mail.wire.imap_accounts import ImapAccount
from tests.server.mail.wire.quirks import QuirkProxy, Quirks

SQLITE = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
DONE, PROBLEM = "已处理", "问题邮件"


def _counts(site: Site) -> tuple[int, int, int]:
    """Mails, records and replies."""
    with site.session(read_only=True) as session:
        return tuple(session.scalar(select(func.count()).select_from(model)) or 0 for model in (Mail, Record, Reply))  # type: ignore[return-value]


def _visit(site: Site, n: int, **changes: Any) -> bytes:
    book = sealed(site, instance=f"visit-{n}", visited_on=datetime(2026, 3, n, tzinfo=UTC).date(), **changes)
    return post(book, message_id=f"<{n}@station.cn>")


@SQLITE
def test_a_mail_becomes_a_record_and_a_reply_and_is_put_away(imap: ImapAccount, open_site: OpenSite):
    """The plain case, from mailbox to queued reply."""
    site = open_site(imap.settings())
    raw = _visit(site, 1)
    imap.put(raw)

    summary = fetch_once(site, site.settings.mail.mailboxes[0])

    assert (summary.new, summary.states, summary.put_away, summary.replies) == (1, {MailState.DONE: 1}, 1, 1)
    assert _counts(site) == (1, 1, 1)
    assert (imap.mails(), imap.mails(DONE)) == ([], [raw])


@SQLITE
def test_a_second_round_finds_nothing_to_do(imap: ImapAccount, open_site: OpenSite):
    """Also where the server can only mark what is done."""
    with QuirkProxy(imap.port, Quirks(hides=("MOVE", "UIDPLUS"))) as proxy:
        site = open_site(imap.settings(port=proxy.port))
        imap.put(_visit(site, 1))
        fetch_once(site, site.settings.mail.mailboxes[0])
        said = len(proxy.commands)
        summary = fetch_once(site, site.settings.mail.mailboxes[0])

    assert (summary.new, summary.put_away) == (0, 0)
    assert not any(word in command for command in proxy.commands[said:] for word in ("BODY", "STORE"))
    assert _counts(site) == (1, 1, 1)


@SQLITE
def test_the_same_mail_again_is_the_same_mail(imap: ImapAccount, open_site: OpenSite):
    """A mailbox that was moved to another server shows everything under new UIDs."""
    site = open_site(imap.settings())
    raw = _visit(site, 1)
    imap.put(raw)
    fetch_once(site, site.settings.mail.mailboxes[0])
    imap.put(b"Received: from mx2.company.cn by mx.company.cn; Sat, 21 Nov 2026 10:00:01 +0800\r\n" + raw)
    fetch_once(site, site.settings.mail.mailboxes[0])

    assert _counts(site) == (1, 1, 1)
    assert len(imap.mails(DONE)) == 2


@SQLITE
def test_two_mails_with_one_message_id_are_two_mails(imap: ImapAccount, open_site: OpenSite):
    """Some programs give all their mails the same one."""
    site = open_site(imap.settings())
    books = [sealed(site, instance=f"i{n}", visited_on=datetime(2026, 3, n, tzinfo=UTC).date()) for n in (1, 2)]
    imap.put(*(post(book, message_id="<same@station.cn>") for book in books))
    fetch_once(site, site.settings.mail.mailboxes[0])

    assert _counts(site) == (2, 2, 2)


@SQLITE
def test_a_correction_right_behind_its_form_becomes_its_revision(imap: ImapAccount, open_site: OpenSite):
    """Mails of one round are settled in the order they came."""
    site = open_site(imap.settings())
    imap.put(*(post(sealed(site, hours=hours), message_id=f"<{hours}@station.cn>") for hours in range(2, 8)))
    fetch_once(site, site.settings.mail.mailboxes[0])

    with site.session(read_only=True) as session:
        (record,) = session.scalars(select(Record))
        assert record.revision == 6
    assert _counts(site) == (6, 1, 6)


@SQLITE
def test_a_mail_we_cannot_read_is_laid_aside_and_stops_no_other(imap: ImapAccount, open_site: OpenSite):
    """It lies in a folder that people can open, and on the page."""
    site = open_site(imap.settings())
    monster = EmailMessage()
    for _ in range(250):
        monster.add_attachment(b"x", "application", "octet-stream")
    bad, good = monster.as_bytes(), _visit(site, 2)
    imap.put(bad, good)
    summary = fetch_once(site, site.settings.mail.mailboxes[0])

    assert summary.states == {MailState.QUARANTINED: 1, MailState.DONE: 1}
    assert len(imap.mails(PROBLEM)) == 1
    assert imap.mails(DONE) == [good]


@SQLITE
def test_a_too_large_mail_is_not_downloaded(imap: ImapAccount, open_site: OpenSite):
    """Its size is asked for first; only the header crosses the line."""
    with QuirkProxy(imap.port, Quirks()) as proxy:
        site = open_site(imap.settings(port=proxy.port), max_message_mb=1)
        imap.put(b"From: a@station.cn\r\nSubject: big\r\n\r\n" + b"x" * 1_100_000)
        summary = fetch_once(site, site.settings.mail.mailboxes[0])

    assert summary.states == {MailState.QUARANTINED: 1}
    assert not any("BODY.PEEK[]" in command for command in proxy.commands)
    assert len(imap.mails(PROBLEM)) == 1
    with site.session(read_only=True) as session:
        assert session.scalars(select(Mail.reason)).all() == ["too-large"]


@SQLITE
@pytest.mark.parametrize("after", [60, 700, 1500, 9000, 20000])
def test_a_cut_anywhere_in_what_the_server_says_loses_nothing(imap: ImapAccount, open_site: OpenSite, after: int):
    """The next round does what is left."""
    with QuirkProxy(imap.port, Quirks(drop_after=after)) as proxy:
        site = open_site(imap.settings(port=proxy.port))
        imap.put(_visit(site, 1), _visit(site, 2))
        _despite(MailServerError, lambda: fetch_once(site, site.settings.mail.mailboxes[0]))
        fetch_once(site, site.settings.mail.mailboxes[0])

    assert _counts(site) == (2, 2, 2)
    assert (len(imap.mails()), len(imap.mails(DONE))) == (0, 2)


@SQLITE
@pytest.mark.parametrize("late", [False, True], ids=["unheard", "unanswered"])
@pytest.mark.parametrize(
    ("word", "hides"),
    [
        ("CREATE", ()),
        ("MOVE", ()),
        ("COPY", ("MOVE",)),
        ("STORE", ("MOVE",)),
        ("EXPUNGE", ("MOVE",)),
        ("STORE", ("MOVE", "UIDPLUS")),
    ],
    ids=str,
)
def test_a_cut_while_mail_is_put_away_stores_nothing_twice(
    dovecot: Dovecot,
    dovecot_account: ImapAccount,
    open_site: OpenSite,
    word: str,
    hides: tuple[str, ...],
    late: bool,
):
    """Before or after the server has done what it was told: one record, one reply, and the mail is put away."""
    with QuirkProxy(dovecot.imap, Quirks(hides=hides, drop_on=word, drop_late=late)) as proxy:
        site = open_site(dovecot_account.settings(port=proxy.port))
        dovecot_account.put(_visit(site, 1))
        with pytest.raises(MailServerError):
            fetch_once(site, site.settings.mail.mailboxes[0])
        fetch_once(site, site.settings.mail.mailboxes[0])
        fetch_once(site, site.settings.mail.mailboxes[0])

    assert _counts(site) == (1, 1, 1)
    if "UIDPLUS" in hides:
        assert "Seen" in dovecot_account.flags()[0]
    else:
        assert dovecot_account.mails() == []
        assert dovecot_account.mails(DONE)


@SQLITE
def test_old_mails_are_left_alone_at_first_but_not_after_a_pause_of_ours(imap: ImapAccount, open_site: OpenSite):
    """A mailbox may hold years of mail when it is set up; what came while we were off for a month is not that."""
    site = open_site(imap.settings(window_days=3))
    settings = site.settings.mail.mailboxes[0]
    imap.put(_visit(site, 1), days_ago=100)
    first = fetch_once(site, settings)
    with site.session() as session:
        health.polled(session, imap.name, backlog=0, now=datetime.now(UTC) - timedelta(days=30))
    imap.put(_visit(site, 2), days_ago=29)
    imap.put(_visit(site, 3), days_ago=5)
    second = fetch_once(site, settings)

    assert (first.new, second.new) == (0, 2)
    assert (len(imap.mails()), len(imap.mails(DONE))) == (1, 2)


@SQLITE
@pytest.mark.parametrize("refused", [False, True], ids=["cut", "refused"])
def test_a_mail_the_server_never_hands_out_stops_no_other(imap: ImapAccount, open_site: OpenSite, refused: bool):
    """A scanner on the way cuts the line over it each time: it is laid aside, and seen in quarantine."""
    imap.put(b"From: a@station.cn\r\nSubject: poison\r\n\r\n")
    over = f"UID FETCH {_first_uid(imap)} (BODY.PEEK[])"
    quirks = Quirks(refuses=over) if refused else Quirks(drop_on=over, times=99)
    with QuirkProxy(imap.port, quirks) as proxy:
        site = open_site(imap.settings(port=proxy.port))
        settings, downloads = site.settings.mail.mailboxes[0], Downloads()
        imap.put(_visit(site, 1), _visit(site, 2))
        for _ in range(4):
            _despite(MailServerError, lambda: fetch_once(site, settings, downloads=downloads))

    assert _counts(site)[:2] == (3, 2)
    assert (len(imap.mails()), len(imap.mails(DONE)), len(imap.mails(PROBLEM))) == (0, 2, 1)
    with site.session(read_only=True) as session:
        query = select(Mail.subject, Mail.reason).where(Mail.state == MailState.QUARANTINED)
        assert session.execute(query).all() == [("poison", "not-fetched")]


@SQLITE
def test_mails_before_a_cut_are_kept(imap: ImapAccount, open_site: OpenSite):
    """They need not be fetched again, nor wait."""
    imap.put(b"From: a@station.cn\r\n\r\nno form")
    last = _first_uid(imap) + 2
    with QuirkProxy(imap.port, Quirks(drop_on=f"UID FETCH {last} (BODY.PEEK[])")) as proxy:
        site = open_site(imap.settings(port=proxy.port))
        imap.put(_visit(site, 1), _visit(site, 2))
        with pytest.raises(MailServerError, match=f"mail {last}"):
            fetch_once(site, site.settings.mail.mailboxes[0])

    assert _counts(site)[:2] == (2, 1)


@SQLITE
def test_progress_is_told_with_how_much_there_is(imap: ImapAccount, open_site: OpenSite):
    """What an earlier round has left counts as well."""
    site = open_site(imap.settings())
    raw = _visit(site, 3)
    with site.session() as session:
        ledger.arrived(session, imap.name, "INBOX", 1, 1_000, raw=raw, sha256=site.originals.keep(raw))
    imap.put(_visit(site, 1), _visit(site, 2))
    told: list[tuple[int, int]] = []
    fetch_once(site, site.settings.mail.mailboxes[0], progress=lambda done, total: told.append((done, total)))

    assert told == [(1, 1), (2, 3), (3, 3)]


@SQLITE
def test_a_mail_that_cannot_be_moved_is_stored_all_the_same(imap: ImapAccount, open_site: OpenSite):
    """A full mailbox must not keep a form from its record, nor the next one."""
    with QuirkProxy(imap.port, Quirks(refuses="MOVE")) as proxy:
        site = open_site(imap.settings(port=proxy.port))
        imap.put(_visit(site, 1))
        first = fetch_once(site, site.settings.mail.mailboxes[0])
        imap.put(_visit(site, 2))
        fetch_once(site, site.settings.mail.mailboxes[0])

    assert "OVERQUOTA" in first.refused[0]
    assert _counts(site) == (2, 2, 2)


@SQLITE
def test_a_mail_that_was_kept_is_processed_though_somebody_moved_it(imap: ImapAccount, open_site: OpenSite):
    """What we have kept we do not need to find again."""
    site = open_site(imap.settings())
    raw = _visit(site, 1)
    with site.session() as session:
        ledger.arrived(session, imap.name, "INBOX", 1, 1, raw=raw, sha256=site.originals.keep(raw))
    summary = fetch_once(site, site.settings.mail.mailboxes[0])

    assert summary.states == {MailState.DONE: 1}
    assert _counts(site) == (1, 1, 1)


def test_two_fetchers_on_one_mailbox_do_no_harm(pymap_account: ImapAccount, open_site: OpenSite):
    """Two machines are set to the same mailbox by mistake."""
    _both_fetch(open_site(pymap_account.settings()), pymap_account)


@SQLITE
def test_two_fetchers_on_one_dovecot_mailbox_do_no_harm(dovecot_account: ImapAccount, open_site: OpenSite):
    """The same, where a mail that another session has moved is still shown for a moment."""
    _both_fetch(open_site(dovecot_account.settings()), dovecot_account)


def _both_fetch(site: Site, account: ImapAccount) -> None:
    account.put(*(_visit(site, n) for n in range(1, 6)))
    settings = site.settings.mail.mailboxes[0]
    threads = [threading.Thread(target=_fetch_twice, args=(site, settings)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    fetch_once(site, settings)

    assert _counts(site) == (5, 5, 5)
    assert account.mails() == []
    assert len(account.mails(DONE)) >= 5


def _fetch_twice(site: Site, settings: MailboxSettings) -> None:
    for _ in range(2):
        fetch_once(site, settings)


@SQLITE
def test_health_tells_when_the_mailbox_last_answered_and_what_it_said(imap: ImapAccount, open_site: OpenSite):
    """The page shows both, and an alarm when it has been silent."""
    site = open_site(imap.settings())
    settings = site.settings.mail.mailboxes[0]
    fetch_once(site, settings)
    with pytest.raises(MailServerError):
        fetch_once(site, settings.model_copy(update={"password": "changed"}))

    with site.session(read_only=True) as session:
        (box,) = health.overview(session, site.settings.mail).mailboxes
    assert box.last_success_at is not None
    assert (box.failures, box.last_error.partition(":")[0], box.alarm) == (1, "login", False)


def _first_uid(account: ImapAccount) -> int:
    with account.client() as client:
        client.select("INBOX")
        return int(client.uid("SEARCH", "ALL")[1][0].split()[0])


def _despite(error: type[Exception], action: Callable[[], FetchSummary]) -> None:
    try:
        action()
    except error:
        return
