"""What becomes of a mail: stored once, answered once, and never in the way of the next."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from server.access.visibility import Viewer
from server.intake.mail import ledger
from server.intake.mail.arrival import process
from server.intake.mail.eml import take_eml
from server.intake.mail.models import Mail, MailPlace, MailState, MailWorkbook
from server.intake.stations import UnknownStation
from server.intake.workbooks import marked_workbook
from server.records.audit import verify_audit
from server.records.models import Record, Submission
from server.site import Site
from tests.server.mail.letters import attached
from tests.server.mail.posts import arrive, genuine, mail_of, post, replies, reply_to, sealed, take, visit

MINE = genuine()


def _count(site: Site, model: type) -> int:
    with site.session(read_only=True) as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


# one mail, many workbooks


def test_every_workbook_of_a_mail_is_a_submission_and_one_reply_lists_them(site: Site):
    """Two good ones and one with errors: three submissions, two records, one reply in the order of the mail."""
    books = [visit(instance=f"i{n}", visited_on=date(2026, 11, n)) for n in (2, 3)]
    bad = visit(instance="i4", visited_on=date(2026, 11, 4), severity=None)

    outcome = take(site, post(books[0], bad, books[1], results=[MINE]))

    assert [receipt.outcome for receipt in outcome.receipts] == ["recorded", "rejected", "recorded"]
    assert (outcome.state, len(outcome.submissions)) == (MailState.DONE, 3)
    reply = reply_to(site, outcome)
    assert reply.kind == "findings"
    assert [receipt["filename"] for receipt in reply.payload["receipts"]] == [
        "visit1.xlsx",
        "visit2.xlsx",
        "visit3.xlsx",
    ]
    assert [receipt["submission_id"] for receipt in reply.payload["receipts"]] == list(outcome.submissions)
    with site.session(read_only=True) as session:
        rows = session.scalars(select(MailWorkbook).order_by(MailWorkbook.position)).all()
        assert [row.submission_id for row in rows] == list(outcome.submissions)
        assert all(row.sha256 in site.originals for row in rows)
        assert verify_audit(session, site.audit_key).sound
    assert _count(site, Record) == 2


def test_reply_goes_into_the_thread(site: Site):
    """It knows the Message-ID it answers and those before, and has one of its own that follows from the mail."""
    outcome = take(site, post(sealed(site), message_id="<b@x>", more=["References: <a@x>"], subject="Re: visit"))

    reply = reply_to(site, outcome)
    assert (reply.in_reply_to, reply.references) == ("<b@x>", ("<a@x>", "<b@x>"))
    assert reply.message_id == f"<receipt.{outcome.mail_id}.1@company.cn>"
    assert (reply.from_address, reply.subject) == ("forms@company.cn", "Re: visit")


def test_corrected_workbook_sent_as_a_reply_is_the_revision(site: Site):
    """Its number makes it revision 2, and the mail is linked to the one whose receipt it answers."""
    first = take(site, post(sealed(site)))
    receipt = first.receipts[0]
    correction = sealed(site, number=receipt.record_number, revision=1, hours=7)

    second = take(
        site, post(correction, message_id="<2@station.cn>", more=[f"In-Reply-To: {reply_to(site, first).message_id}"])
    )

    assert [(r.outcome, r.record_number, r.revision) for r in second.receipts] == [
        ("revised", receipt.record_number, 2)
    ]
    assert mail_of(site, second.mail_id).answers_id == first.mail_id


def test_workbook_handed_back_is_still_sealed(site: Site):
    """The marked workbook of the receipt, sent in from anywhere, is the same station's and the same record's."""
    first = take(site, post(sealed(site)))
    marked = marked_workbook(site, first.submissions[0], viewer=Viewer.operator(), language="zh")

    second = take(site, post(marked, sender="somebody@qq.com", message_id="<2@x>"))

    assert (second.state, mail_of(site, second.mail_id).trust) == (MailState.DONE, "seal")
    assert second.receipts[0].outcome == "already-received"
    assert second.receipts[0].record_number == first.receipts[0].record_number


def test_mended_workbook_without_a_number_is_taken_too(site: Site):
    """The first sending had errors and got no record; the mended copy makes it."""
    first = take(site, post(sealed(site, severity=None)))
    second = take(site, post(sealed(site), message_id="<2@station.cn>"))

    assert [outcome.receipts[0].outcome for outcome in (first, second)] == ["rejected", "recorded"]
    assert reply_to(site, first).kind == "findings"


def test_deadline_counts_to_the_arrival(site: Site):
    """A mail that lay in the mailbox over the weekend is not late, and what is stored says when it was stored."""
    raw = post(visit(visited_on=date(2026, 1, 5)), results=[MINE])
    sha256 = site.originals.keep(raw)
    in_time = datetime(2026, 1, 6, 4, tzinfo=UTC)
    with site.session() as session:
        mail_id = ledger.arrived(session, "forms", "INBOX", 1, 1, raw=raw, sha256=sha256, received_at=in_time)

    (receipt,) = process(site, mail_id).receipts

    assert [deadline.state for deadline in receipt.deadlines] == ["on-time"]
    assert datetime.now(UTC) - receipt.received_at < timedelta(minutes=5)


def test_clock_ahead_moves_nothing(site: Site):
    """A mailbox that says a mail came tomorrow is not believed."""
    raw = post(visit())
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with site.session() as session:
        mail_id = ledger.arrived(
            session, "forms", "INBOX", 1, 1, raw=raw, sha256=site.originals.keep(raw), received_at=tomorrow
        )

    assert mail_of(site, mail_id).received_at <= datetime.now(UTC)


# the same mail again


def test_same_mail_twice_is_one(site: Site):
    """Delivered twice, by other ways: two places, one mail, one record, one reply."""
    content = sealed(site)
    once = take(site, post(content, more=["Received: from a by b"]))
    again = take(site, post(content, more=["Received: from c by d;\r\n\tSat, 21 Nov 2026", "X-Spam-Score: 3"]))

    assert (again.mail_id, again.state, again.receipts) == (once.mail_id, MailState.DONE, ())
    assert again.submissions == once.submissions
    counts = [_count(site, model) for model in (Mail, MailPlace, Submission)]
    assert (counts, len(replies(site))) == ([1, 2, 1], 1)


def test_new_uidvalidity_brings_nothing_twice_and_hides_nothing(site: Site):
    """After the mailbox was rebuilt, its old mail is known again, and a new mail with an old UID is new."""
    old = post(sealed(site))
    new = post(sealed(site, instance="i2", hours=2), message_id="<2@station.cn>")
    take(site, old, uidvalidity=1, uid=1)

    with site.session(read_only=True) as session:
        assert set(ledger.seen(session, "forms", "INBOX", 1, [1, 7])) == {1}
        assert ledger.seen(session, "forms", "INBOX", 2, [1, 7]) == {}
    again, other = take(site, old, uidvalidity=2, uid=7), take(site, new, uidvalidity=2, uid=1)

    assert (again.receipts, [receipt.outcome for receipt in other.receipts]) == ((), ["recorded"])
    assert (_count(site, Mail), len(replies(site))) == (2, 2)


def test_message_id_makes_no_two_mails_one(site: Site):
    """Some senders use one Message-ID for all, some none: both mails count."""
    first = take(site, post(sealed(site), message_id="<always@same>"))
    second = take(site, post(sealed(site, instance="i2", hours=2), message_id="<always@same>"))

    assert first.mail_id != second.mail_id
    assert _count(site, Record) == 2


def test_same_workbook_in_another_mail_is_already_received(site: Site):
    """Sent again to be sure, and to the other mailbox: the same number, no second record."""
    content = sealed(site)
    first = take(site, post(content))
    second = take(site, post(content, message_id="<2@station.cn>"))
    third = take(site, post(content), account="office")

    numbers = {outcome.receipts[0].record_number for outcome in (first, second, third)}
    assert [outcome.receipts[0].outcome for outcome in (second, third)] == ["already-received"] * 2
    assert (len(numbers), _count(site, Record)) == (1, 1)


def test_two_fetchers_at_once_do_no_harm(site: Site):
    """Two processes fetch and process the same mail at the same moment: one record, one reply."""
    raw = post(sealed(site))
    ids: list[int] = []

    def fetch() -> None:
        ids.append(arrive(site, raw, uid=5))
        process(site, ids[-1])

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(ids)) == 1
    assert [_count(site, model) for model in (Mail, MailPlace, Record, Submission)] == [1, 1, 1, 1]
    assert (mail_of(site, ids[0]).state, len(replies(site))) == ("done", 1)


# nothing to store


def test_how_to_send_is_told_to_people_we_know(site: Site):
    """No workbook, a link to a large-attachment centre, an archive we do not open: each has its own answer."""
    text = b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
    link = text + "超大附件 https://mail.qq.com/cgi-bin/ftnExs_download?k=1".encode()
    rar = attached("a.rar", b"Rar!\x1a\x07\x00" + bytes(50))
    for n, (piece, kind) in enumerate([(text, "no-workbook"), (rar, "refused-file"), (link, "large-link")]):
        raw = post(results=[MINE], message_id=f"<{n}@x>", pieces=[piece])
        outcome = take(site, raw)

        assert (outcome.state, reply_to(site, outcome).kind) == (MailState.DONE, kind)
        assert reply_to(site, outcome).to_address == "cz@station.cn"


def test_how_to_send_is_told_once_in_a_thread(site: Site):
    """Another auto-responder that does not say what it is gets no second notice to answer."""
    first = take(site, post(results=[MINE]))
    more = [f"In-Reply-To: {reply_to(site, first).message_id}"]
    second = take(site, post(results=[MINE], message_id="<2@station.cn>", more=more, subject="Ticket 1 opened"))
    corrected = take(site, post(sealed(site), results=[MINE], message_id="<3@station.cn>", more=more))

    assert (first.reply_id is not None, second.reply_id, second.state) == (True, None, MailState.IGNORED)
    assert reply_to(site, corrected).kind == "receipt"


@pytest.mark.parametrize(
    ("sender", "results", "more", "reason"),
    [
        ("cz@station.cn", [], [], "no-workbook"),
        ("eve@evil.com", [genuine("eve@evil.com")], [], "no-workbook"),
        ("cz@station.cn", [MINE], ["Auto-Submitted: auto-replied"], "automatic"),
        ("cz@station.cn", [MINE], ["Precedence: bulk"], "automatic"),
        ("cz@station.cn", [MINE], ["Return-Path: <>"], "automatic"),
        ("mailer-daemon@station.cn", [genuine()], [], "automatic"),
        ("forms@company.cn", [genuine("forms@company.cn")], [], "own"),
    ],
)
def test_mail_without_a_workbook_that_nobody_waits_for(
    site: Site, sender: str, results: list[str], more: list[str], reason: str
):
    """Strangers, machines and ourselves get no answer."""
    outcome = take(site, post(sender=sender, results=results, more=more))

    assert (outcome.state, outcome.reason, outcome.reply_id) == (MailState.IGNORED, reason, None)


# loops


def test_scheduled_sender_gets_its_receipt_once(site: Site):
    """A station's program sends with an automatic header: stored and answered; the same again is not."""
    machine = ["Auto-Submitted: auto-generated"]
    content = sealed(site)
    first = take(site, post(content, more=machine))
    again = take(site, post(content, more=machine, message_id="<2@station.cn>"))

    assert (first.receipts[0].outcome, reply_to(site, first).kind) == ("recorded", "receipt")
    assert (again.receipts[0].outcome, again.reply_id) == ("already-received", None)


def test_machine_that_answers_our_receipt_is_not_answered(site: Site):
    """It sends our workbook back with something changed each time: stored, and the conversation ends."""
    first = take(site, post(sealed(site)))
    more = ["Auto-Submitted: auto-replied", f"References: {reply_to(site, first).message_id}"]
    second = take(site, post(sealed(site, hours=9), message_id="<2@station.cn>", more=more))

    assert (second.receipts[0].outcome, second.reply_id) == ("revised", None)


def test_our_own_receipt_coming_back_is_ignored_with_its_workbook(site: Site):
    """A mailbox that forwards to itself does not feed on its own receipts."""
    content = sealed(site)
    by_address = take(site, post(content, sender="Forms@company.cn"))
    by_id = take(site, post(content, message_id="<receipt.7.1@company.cn>"))

    assert [(outcome.state, outcome.reason) for outcome in (by_address, by_id)] == [(MailState.IGNORED, "own")] * 2
    assert (_count(site, Submission), replies(site)) == (0, [])


def test_cap_per_address_stops_a_loop_with_one_alarm(site: Site):
    """Everything is stored; of eight replies in a minute five leave, three are held, one raises the alarm."""
    for n in range(1, 9):
        take(site, post(sealed(site, instance=f"i{n}", visited_on=date(2026, 10, n)), message_id=f"<{n}@x>"))

    queued = replies(site)
    assert [reply.state for reply in queued] == ["queued"] * 5 + ["held"] * 3
    assert [reply.alarm for reply in queued] == [False] * 5 + [True, False, False]
    assert _count(site, Record) == 8


# poison and limits


def test_mail_that_cannot_be_processed_is_tried_three_times(site: Site):
    """Its bytes on the disk are damaged: twice it stays new with the error, then it is put aside."""
    mail_id = arrive(site, post(sealed(site)))
    site.originals.path(mail_of(site, mail_id).sha256).write_bytes(b"rotten")

    outcomes = [process(site, mail_id) for _ in range(4)]

    assert [outcome.state for outcome in outcomes] == [MailState.NEW, MailState.NEW] + [MailState.QUARANTINED] * 2
    assert outcomes[-1].reason == "attempts"
    assert "OriginalDamaged" in outcomes[-1].error
    assert mail_of(site, mail_id).attempts == 3
    assert take(site, post(sealed(site), message_id="<next@x>")).state is MailState.DONE


def test_unreadable_file_stops_no_other_mail(site: Site):
    """Where its bytes should lie the disk has something else: that mail is put aside, and nothing is raised."""
    mail_id = arrive(site, post(sealed(site)))
    path = site.originals.path(mail_of(site, mail_id).sha256)
    path.unlink()
    path.mkdir()

    outcomes = [process(site, mail_id) for _ in range(3)]

    assert (outcomes[-1].state, outcomes[-1].error) == (MailState.QUARANTINED, "OriginalUnreadable: Is a directory")


def test_full_disk_is_not_the_mails_fault(site: Site):
    """What cannot be kept now is kept later; the attempt does not count."""
    mail_id = arrive(site, post(sealed(site)))
    new = site.originals.path("0" * 64).parents[1] / "new"
    new.rename(new.with_name("away"))

    for _ in range(4):
        with pytest.raises(OSError, match="No such file"):
            process(site, mail_id)
    new.with_name("away").rename(new)

    assert mail_of(site, mail_id).attempts == 0
    assert process(site, mail_id).state is MailState.DONE


def test_mail_beyond_a_limit_is_put_aside_at_once(site: Site):
    """Three hundred parts: no second attempt; a proven sender is told, a bare From is not."""

    def bomb(results: list[str]) -> bytes:
        return post(results=results, pieces=[b"\r\nx"] * 300)

    proven, bare = take(site, bomb([MINE])), take(site, bomb([]), account="office")

    assert [(outcome.state, outcome.reason) for outcome in (proven, bare)] == [
        (MailState.QUARANTINED, "too-many-parts")
    ] * 2
    assert (reply_to(site, proven).kind, bare.reply_id) == ("over-limit", None)
    assert mail_of(site, proven.mail_id).from_address == "cz@station.cn"


def test_mail_too_large_to_fetch_is_known_by_its_header(site: Site):
    """Its sender is told, and it is not looked at again in the next poll."""
    header = post(results=[MINE]).partition(b"\r\n\r\n")[0]
    with site.session() as session:
        mail_id = ledger.arrived_without_body(
            session, "forms", "INBOX", 1, 9, header=header, sha256=site.originals.keep(header), size=90_000_000
        )

    outcome = process(site, mail_id)

    assert (outcome.state, outcome.reason, outcome.problem) == (MailState.QUARANTINED, "too-large", True)
    assert reply_to(site, outcome).kind == "over-limit"
    with site.session(read_only=True) as session:
        assert ledger.seen(session, "forms", "INBOX", 1, [9])[9].state is MailState.QUARANTINED


def test_text_that_no_database_takes_is_cleaned(site: Site):
    """NUL, half surrogates, direction marks and kilometres of text in the headers stop nothing."""
    subject = "=?utf-8?B?YQBi4oCuY+2goGQ=?= " + "x" * 3000
    outcome = take(site, post(sealed(site), subject=subject, more=["X-Empty:"]))

    mail = mail_of(site, outcome.mail_id)
    assert outcome.state is MailState.DONE
    assert len(mail.subject) == 500
    assert not set("\0\u202e") & set(mail.subject)


# files


def test_eml_file_is_taken_like_mail(site: Site):
    """Only its seal is believed; the same file again changes nothing."""
    raw = post(sealed(site))
    first, again = take_eml(site, raw), take_eml(site, raw)

    assert (first.state, first.receipts[0].outcome, len(first.submissions)) == (MailState.DONE, "recorded", 1)
    assert (again.mail_id, again.receipts, again.submissions) == (first.mail_id, (), first.submissions)


def test_headers_of_a_file_prove_nothing(site: Site):
    """Anybody can type them; whoever hands the file in may name the station."""
    raw = post(visit(), results=[MINE])

    held = take_eml(site, raw)
    released = take_eml(site, raw, station="CZ", by=Viewer.operator())

    assert (held.state, released.state) == (MailState.REVIEW, MailState.DONE)
    assert [receipt.outcome for receipt in released.receipts] == ["recorded"]
    with pytest.raises(UnknownStation):
        take_eml(site, raw, station="XX")


def test_without_an_answer_none_is_queued(site: Site):
    """An archive read in afterwards writes to nobody."""
    outcome = take_eml(site, post(sealed(site)), answer=False)

    assert (outcome.state, replies(site)) == (MailState.DONE, [])
    assert outcome.reply_id is None
