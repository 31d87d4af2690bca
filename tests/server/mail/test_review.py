"""The review queue and the quarantine: what waits for a person, and what people may do with it."""

from datetime import UTC, date, datetime

import pytest

from server.access.visibility import Viewer
from server.intake.mail import ledger, quarantine, review
from server.intake.mail.arrival import process
from server.intake.mail.models import MailState
from server.intake.stations import UnknownStation
from server.records import store
from server.records.audit import verify_audit
from server.records.listing import NotFound
from server.site import Site
from tests.server.mail.posts import arrive, mail_of, post, replies, reply_to, sealed, take, visit

# review


def test_released_mail_is_stored_for_the_station_that_was_named(site: Site, bob: Viewer, alice: Viewer):
    """The record is the station's, the sender gets the receipt, the audit says who vouched."""
    waiting = take(site, post(visit(), sender="somebody@qq.com"))

    outcome = review.release(site, waiting.mail_id, station="CZ", by=bob)

    assert (outcome.state, [receipt.outcome for receipt in outcome.receipts]) == (MailState.DONE, ["recorded"])
    mail = mail_of(site, waiting.mail_id)
    assert (mail.station, mail.trust) == ("CZ", "person")
    assert [reply.kind for reply in replies(site)] == ["held", "receipt"]
    assert (reply_to(site, outcome).to_address, reply_to(site, outcome).n) == ("somebody@qq.com", 2)
    with site.session(read_only=True) as session:
        assert store.submission(session, alice, outcome.submissions[0]).station == "CZ"
        assert verify_audit(session, site.audit_key).sound
        entries = session.connection().exec_driver_sql("SELECT actor FROM audit_entries WHERE action = 'mail-released'")
        assert entries.scalars().all() == ["bob"]


def test_released_mail_of_the_wrong_station_is_turned_down_with_findings(site: Site, bob: Viewer):
    """Vouching for a station does not open another's records to it."""
    waiting = take(site, post(visit()))

    outcome = review.release(site, waiting.mail_id, station="CD", by=bob)

    assert outcome.receipts[0].outcome == "rejected"
    assert {finding.slug for finding in outcome.receipts[0].findings} == {"not-your-record"}


def test_release_stores_only_what_was_held(site: Site, bob: Viewer):
    """The sealed workbook was stored on arrival; releasing adds the other one."""
    waiting = take(site, post(sealed(site), visit(instance="i2", hours=2, visited_on=date(2026, 11, 2))))

    outcome = review.release(site, waiting.mail_id, station="CZ", by=bob)

    assert (len(waiting.submissions), len(outcome.receipts), len(outcome.submissions)) == (1, 1, 2)
    assert (mail_of(site, waiting.mail_id).station, mail_of(site, waiting.mail_id).trust) == ("CZ", "seal")


def test_mail_of_several_stations_belongs_to_none(site: Site, bob: Viewer):
    """Part sealed by one station, part released for another: only people who see both see the mail."""
    waiting = take(site, post(sealed(site), visit(instance="i2"), sender="somebody@qq.com"))

    review.release(site, waiting.mail_id, station="NJ", by=bob)

    assert mail_of(site, waiting.mail_id).station is None


def test_deadline_counts_to_the_arrival_not_to_the_release(site: Site, bob: Viewer):
    """Whoever sent in time is in time, however long the mail waited."""
    raw = post(visit(visited_on=date(2026, 1, 5)))
    sha256, came = site.originals.keep(raw), datetime(2026, 1, 6, 4, tzinfo=UTC)
    with site.session() as session:
        mail_id = ledger.arrived(session, "forms", "INBOX", 1, 1, raw=raw, sha256=sha256, received_at=came)
    process(site, mail_id)

    (receipt,) = review.release(site, mail_id, station="CZ", by=bob).receipts

    assert [deadline.state for deadline in receipt.deadlines] == ["on-time"]


def test_a_mail_is_released_once(site: Site, bob: Viewer):
    """The second click finds nothing that waits."""
    waiting = take(site, post(visit()))
    review.release(site, waiting.mail_id, station="CZ", by=bob)

    with pytest.raises(NotFound):
        review.release(site, waiting.mail_id, station="CZ", by=bob)
    with pytest.raises(NotFound):
        review.refuse(site, waiting.mail_id, by=bob)
    assert len(replies(site)) == 2


def test_refused_mail_is_kept_and_not_answered(site: Site, bob: Viewer):
    """Nothing is stored, and an address that may be anybody's hears no more."""
    waiting = take(site, post(visit()))

    outcome = review.refuse(site, waiting.mail_id, by=bob)

    assert (outcome.state, outcome.reason, outcome.submissions) == (MailState.IGNORED, "refused", ())
    assert [reply.kind for reply in replies(site)] == ["held"]
    assert mail_of(site, waiting.mail_id).sha256 in site.originals
    with site.session(read_only=True) as session:
        assert review.held(session, bob) == []


def test_people_of_a_station_do_not_decide(site: Site, alice: Viewer, mei: Viewer):
    """They see no queue; a regional manager vouches for stations of the region only."""
    waiting = take(site, post(visit()))

    with site.session(read_only=True) as session:
        assert review.held(session, alice) == []
        assert [view.mail.id for view in review.held(session, mei)] == [waiting.mail_id]
        with pytest.raises(NotFound):
            review.held_mail(session, alice, waiting.mail_id)
    with pytest.raises(NotFound):
        review.release(site, waiting.mail_id, station="CZ", by=alice)
    with pytest.raises(NotFound):
        review.refuse(site, waiting.mail_id, by=alice)
    for station in ("CD", "XX"):
        with pytest.raises(UnknownStation):
            review.release(site, waiting.mail_id, station=station, by=mei)
    assert review.release(site, waiting.mail_id, station="NJ", by=mei).settled


# quarantine


def _poisoned(site: Site) -> tuple[int, bytes]:
    raw = post(sealed(site))
    mail_id = arrive(site, raw)
    site.originals.path(mail_of(site, mail_id).sha256).write_bytes(b"rotten")
    for _ in range(3):
        process(site, mail_id)
    return mail_id, raw


def test_quarantined_mail_is_seen_and_tried_again(site: Site, ada: Viewer):
    """Once the cause is gone, a retry stores it like any other."""
    mail_id, raw = _poisoned(site)
    with site.session(read_only=True) as session:
        (view,) = quarantine.quarantined(session, ada)
    assert (view.id, view.reason, view.attempts) == (mail_id, "attempts", 3)

    site.originals.path(mail_of(site, mail_id).sha256).write_bytes(raw)
    assert quarantine.raw(site, mail_id, ada) == raw
    outcome = quarantine.retry(site, mail_id, by=ada)

    assert (outcome.state, outcome.receipts[0].outcome, outcome.error) == (MailState.DONE, "recorded", "")
    with pytest.raises(NotFound):
        quarantine.retry(site, mail_id, by=ada)


def test_retry_that_fails_again_gets_all_its_attempts(site: Site, ada: Viewer):
    """It is new after the first failure, and back in quarantine after the third."""
    mail_id, _ = _poisoned(site)

    states = [quarantine.retry(site, mail_id, by=ada).state, process(site, mail_id).state, process(site, mail_id).state]

    assert states == [MailState.NEW, MailState.NEW, MailState.QUARANTINED]


def test_discarded_mail_stays_on_the_disk(site: Site, ada: Viewer):
    """It leaves the list, and the audit knows who put it away."""
    mail_id, _ = _poisoned(site)

    quarantine.discard(site, mail_id, by=ada)

    mail = mail_of(site, mail_id)
    assert (mail.state, mail.reason) == (MailState.IGNORED, "discarded")
    assert mail.sha256 in site.originals
    with site.session(read_only=True) as session:
        assert quarantine.quarantined(session, ada) == []
        assert verify_audit(session, site.audit_key).sound


def test_quarantine_is_for_administrators(site: Site, bob: Viewer, alice: Viewer):
    """Nobody knows whose such a mail is, so nobody else sees it."""
    mail_id, _ = _poisoned(site)

    for person in (bob, alice):
        with site.session(read_only=True) as session:
            assert quarantine.quarantined(session, person) == []
        with pytest.raises(NotFound):
            quarantine.raw(site, mail_id, person)
        with pytest.raises(NotFound):
            quarantine.retry(site, mail_id, by=person)
        with pytest.raises(NotFound):
            quarantine.discard(site, mail_id, by=person)
