"""The ledger, the replies' queue and the mailboxes' health, without any mail being processed."""

from datetime import UTC, datetime, timedelta

import pytest

from server.intake.mail import health, ledger, outgoing
from server.intake.mail.ledger import content_hash
from server.intake.mail.models import Mail, MailState, ReplyState
from server.intake.mail.outgoing import ReplyKind
from server.intake.mail.plain import paragraphs, plain
from server.site import Site
from tests.server.mail.conftest import MAIL
from tests.server.mail.posts import arrive, mail_of, post, replies

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)
MAIL_TEXT = b"From: a@b.cn\r\nSubject: x\r\nDate: Sat\r\n\r\nbody\r\n\r\nmore\r\n"


@pytest.mark.parametrize(
    "same",
    [
        b"Received: from a\r\n by b; Sat\r\n" + MAIL_TEXT,
        b"Authentication-Results: x;\r\n\tspf=pass\r\nX-QQ-mid: 1\r\nX-Spam-Score: 3\r\n" + MAIL_TEXT,
        MAIL_TEXT.replace(b"Date", b"RETURN-PATH: <a@b.cn>\r\nDate"),
        MAIL_TEXT.replace(b"\r\n", b"\n"),
        MAIL_TEXT + b"\r\n",
        MAIL_TEXT.rstrip(),
    ],
)
def test_lines_of_servers_do_not_make_another_mail(same: bytes):
    """Trace lines, spam scores, line ends: added on the way."""
    assert content_hash(same) == content_hash(MAIL_TEXT)


@pytest.mark.parametrize(
    "other",
    [
        MAIL_TEXT.replace(b"Sat", b"Sun"),
        MAIL_TEXT.replace(b"body", b"Body"),
        MAIL_TEXT.replace(b"\r\n\r\nbody", b"\r\nReceived: x\r\n folded\r\n\r\nbody", 1).replace(b"a@b", b"c@b"),
        MAIL_TEXT.replace(b"body", b"Received: in the body\r\nbody"),
        b"\r\n" + MAIL_TEXT,
        b"",
    ],
)
def test_what_the_sender_wrote_makes_another_mail(other: bytes):
    """Header or body; a trace line in the body is no trace line."""
    assert content_hash(other) != content_hash(MAIL_TEXT)


def test_folder_is_compared_by_uid(site: Site):
    """Those that are asked for and noted, with how they stand; a large folder in several queries."""
    done, waiting = arrive(site, post(message_id="<1@x>"), uid=3), arrive(site, post(message_id="<2@x>"), uid=4)
    with site.session() as session:
        session.get_one(Mail, done).state = MailState.DONE

    with site.session(read_only=True) as session:
        seen = ledger.seen(session, "forms", "INBOX", 1, range(1, 1200))
        assert {uid: (at.mail_id, at.state) for uid, at in seen.items()} == {
            3: (done, MailState.DONE),
            4: (waiting, MailState.NEW),
        }
        assert (
            ledger.seen(session, "office", "INBOX", 1, [3, 4]) == ledger.seen(session, "forms", "INBOX", 1, [5]) == {}
        )
        assert ledger.unsettled(session, "forms") == [waiting]
        assert (ledger.backlog(session, "forms"), ledger.backlog(session, "office")) == (1, 0)


def test_trouble_of_ours_is_not_the_mails(site: Site):
    """An attempt that failed for want of the database does not count towards quarantine."""
    mail_id = arrive(site, post())
    for _ in range(5):
        with site.session() as session:
            assert ledger.open_attempt(session, mail_id) is not None
        with site.session() as session:
            assert ledger.close_attempt(session, mail_id, "disk full", counts=False) is MailState.NEW

    assert (mail_of(site, mail_id).attempts, mail_of(site, mail_id).error) == (0, "disk full")


# replies


def _queue(site: Site, to: str, now: datetime, message_id: str = "<1@x>") -> int | None:
    mail_id = arrive(site, post(message_id=message_id))
    with site.session() as session:
        mail = session.get_one(Mail, mail_id)
        return outgoing.queue(session, MAIL, mail, ReplyKind.NO_WORKBOOK, to_address=to, now=now)


def test_replies_of_one_mail_are_counted(site: Site):
    """Message-IDs follow from the mail and the count, so a reply sent twice is recognisable."""
    first, second = _queue(site, "A@b.cn", NOW), _queue(site, "a@b.cn", NOW)

    assert first != second
    mail_id = replies(site)[0].mail_id
    assert [reply.message_id for reply in replies(site)] == [
        f"<receipt.{mail_id}.1@company.cn>",
        f"<receipt.{mail_id}.2@company.cn>",
    ]
    assert {reply.to_address for reply in replies(site)} == {"a@b.cn"}


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@b@c", "a b@c.cn", "a@b.cn\r\nBcc: x@y.cn", "Forms@company.cn", "office@company.cn"]
)
def test_no_reply_to_what_is_no_address_or_our_own(site: Site, address: str):
    """Nothing that could forge a header, nothing to our own mailboxes."""
    assert _queue(site, address, NOW) is None
    assert replies(site) == []


def test_caps_per_address_move_on_with_time(site: Site):
    """Five in ten minutes and thirty in a day for one address; another address is not concerned."""
    for minute in range(0, 40 * 3, 3):  # one every three minutes: the ten minutes never hold
        _queue(site, "a@b.cn", NOW + timedelta(minutes=minute))
    states = [reply.state for reply in replies(site)]
    assert states == [ReplyState.QUEUED] * 30 + [ReplyState.HELD] * 10
    assert sum(reply.alarm for reply in replies(site)) == 1

    _queue(site, "c@d.cn", NOW + timedelta(minutes=120))
    _queue(site, "a@b.cn", NOW + timedelta(days=1, minutes=100))
    assert [reply.state for reply in replies(site)[-2:]] == [ReplyState.QUEUED] * 2


def test_held_reply_leaves_when_a_person_lets_it_go(site: Site):
    """It is due at once and its alarm is over."""
    for _ in range(6):
        _queue(site, "a@b.cn", NOW)
    held = replies(site)[-1]

    with site.session() as session:
        outgoing.let_go(session, held.id)

    last = replies(site)[-1]
    assert (held.state, held.next_try_at) == (ReplyState.HELD, None)
    assert (last.state, last.alarm) == (ReplyState.QUEUED, False)
    assert last.next_try_at is not None


@pytest.mark.parametrize(
    ("ids", "mail_id"),
    [
        (["<x@y>", "<receipt.12.3@company.cn>"], 12),
        (["<receipt.12.3@Company.CN>", "<receipt.13.1@company.cn>", "<x@y>"], 13),
        (["<receipt.12.3@other.cn>"], None),
        (["<receipt.12@company.cn>", "<receipt.0.1@company.cn>", "<receipt.x.1@company.cn>"], None),
        ([], None),
    ],
)
def test_answered_mail_is_found_by_our_message_ids(ids: list[str], mail_id: int | None):
    """The newest of ours in the thread; others' are others'."""
    assert outgoing.answered_mail(MAIL, ids) == mail_id


# health


def test_mailbox_that_does_not_answer_raises_the_alarm_after_a_quarter_of_an_hour(site: Site):
    """One that has never answered, and one that has stopped; not one that was set a moment ago."""

    def alarms(minutes: int) -> dict[str, bool]:
        with site.session(read_only=True) as session:
            view = health.overview(session, MAIL, now=NOW + timedelta(minutes=minutes))
            return {mailbox.account: mailbox.alarm for mailbox in view.mailboxes}

    assert alarms(60) == {"forms": False, "office": False}
    with site.session() as session:
        health.polled(session, "forms", backlog=2, now=NOW)
        assert health.failed(session, "office", "Login fail.\r\n\0", now=NOW) == 1
        assert health.failed(session, "office", "Login fail.", now=NOW + timedelta(minutes=10)) == 2
    assert alarms(15) == {"forms": False, "office": False}
    assert alarms(16) == {"forms": True, "office": True}

    with site.session() as session:
        health.polled(session, "office", backlog=0, now=NOW + timedelta(minutes=16))
        view = health.overview(session, MAIL, now=NOW + timedelta(minutes=17))
    office = view.mailboxes[1]
    assert (office.failures, office.last_error, office.alarm) == (0, "", False)
    assert (view.mailboxes[0].backlog, view.alarm) == (2, True)


# text


def test_text_for_headers_and_pages():
    """One line or several, without what forges a header or turns a page's text around."""
    assert plain("a\r\nBcc: x\t y\0\ud800\u202e", 50) == "a Bcc: x y"
    assert plain("字" * 100, 10) == "字" * 10
    assert paragraphs("a\r\n\r\nb\0c\u202e\n", 50) == "a\n\nbc"
