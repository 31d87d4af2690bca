"""Who a workbook in a mail is from: seal, authenticated sender, or a person who says so."""

from collections.abc import Callable

import pytest

from server.access.visibility import Viewer
from server.intake.mail.models import MailState
from server.intake.mail.review import held
from server.intake.mail.senders import station_sender
from server.intake.sealed import revoke_template
from server.records import store
from server.records.listing import SubmissionView
from server.site import Site
from tests.server.company import MASTER
from tests.server.mail.posts import genuine, issued, mail_of, post, replies, reply_to, sealed, take, visit

EXCHANGE = "spf=pass smtp.mailfrom=station.cn; dmarc=pass action=none header.from=station.cn;compauth=pass"


def _submission(site: Site, submission_id: str) -> SubmissionView:
    with site.session(read_only=True) as session:
        return store.submission(session, Viewer.operator(), submission_id)


# taken at once


def test_seal_names_the_station_whoever_the_from_is(site: Site):
    """A sealed form from a private address is the station's; the answer goes to the station's own address."""
    outcome = take(site, post(sealed(site), sender="somebody@qq.com"))

    assert (outcome.state, [receipt.outcome for receipt in outcome.receipts]) == (MailState.DONE, ["recorded"])
    mail = mail_of(site, outcome.mail_id)
    assert (mail.trust, mail.station, mail.from_address) == ("seal", "CZ", "somebody@qq.com")
    assert reply_to(site, outcome).to_address == "cz@station.cn"
    submission = _submission(site, outcome.submissions[0])
    assert (submission.channel, submission.station) == ("mail", "CZ")
    assert "常州站" in submission.sender


def test_a_sender_whose_name_says_the_station_is_named_once():
    """Stations write under their own name."""
    names = [station_sender(MASTER, "CZ", "cz@station.cn", name).display_name for name in ("常州站 李", "常州站", "李")]

    assert names == ["常州站 李", "常州站", "常州站 李"]


def test_authenticated_sender_needs_no_seal(site: Site):
    """DMARC passed for an address of the station: stored for that station, answered where it came from."""
    outcome = take(site, post(visit(), results=[genuine()]))

    assert (outcome.state, mail_of(site, outcome.mail_id).trust) == (MailState.DONE, "sender")
    assert mail_of(site, outcome.mail_id).station == "CZ"
    assert reply_to(site, outcome).to_address == "cz@station.cn"


def test_authenticated_user_is_that_user(site: Site, bob: Viewer):
    """Quality may send its sections by mail in its own name."""
    outcome = take(site, post(visit(), sender="bob@company.cn", results=[genuine("bob@company.cn")]))

    assert outcome.state is MailState.DONE
    assert _submission(site, outcome.submissions[0]).sender == bob.display_name


def test_user_of_the_house_sends_a_sealed_form_on(site: Site, bob: Viewer):
    """A form of a station, forwarded by quality: nobody takes it for a copy."""
    outcome = take(site, post(sealed(site), sender="bob@company.cn", results=[genuine("bob@company.cn")]))

    assert (outcome.state, _submission(site, outcome.submissions[0]).sender) == (MailState.DONE, bob.display_name)


def test_revoked_seal_of_an_authenticated_sender(site: Site):
    """The seal says nothing any more, but the sender is proven without it."""
    issue_id, seal = issued(site)
    revoke_template(site, issue_id, by=Viewer.operator())

    outcome = take(site, post(visit(station="CZ", seal=seal), results=[genuine()]))

    assert (outcome.state, mail_of(site, outcome.mail_id).trust) == (MailState.DONE, "sender")


def test_exchange_online_is_believed_on_top_only(site: Site):
    """Its mailbox takes the topmost header without a name; one put above it spoils it."""
    good = take(site, post(visit(), results=[EXCHANGE]), account="office")
    other = visit(instance="instance-2", hours=2)
    spoiled = take(site, post(other, results=["mx.evil.com; none", EXCHANGE]), account="office")

    assert (good.state, spoiled.state) == (MailState.DONE, MailState.REVIEW)


# held for a person


def _bare(site: Site) -> bytes:
    return post(visit())


def _spf_only(site: Site) -> bytes:
    return post(visit(), results=["mx.company.cn; spf=pass smtp.mailfrom=station.cn"])


def _forged_below(site: Site) -> bytes:
    return post(visit(), results=["mx.company.cn; dmarc=fail header.from=station.cn", genuine()])


def _foreign_boundary(site: Site) -> bytes:
    return post(visit(), results=["mx.evil.com; dmarc=pass header.from=station.cn"])


def _encoded_result(site: Site) -> bytes:
    hidden = "=?utf-8?Q?x;_dmarc=3Dpass_header.from=3Dstation.cn?="
    return post(visit(), results=[f"mx.company.cn; spf=fail smtp.mailfrom={hidden}"])


def _stranger(site: Site) -> bytes:
    return post(visit(), sender="eve@evil.com", results=[genuine("eve@evil.com")])


def _shared_address(site: Site) -> bytes:
    return post(visit(), sender="east@station.cn", results=[genuine("east@station.cn")])


def _forged_seal(site: Site) -> bytes:
    return post(visit(station="CZ", seal="0123456789abcdef." + "A" * 43), results=[genuine()])


def _seal_of_another_form(site: Site) -> bytes:
    return post(visit(station="CD", seal=issued(site, "CZ")[1]))


def _revoked(site: Site) -> bytes:
    issue_id, seal = issued(site)
    revoke_template(site, issue_id, by=Viewer.operator())
    return post(visit(station="CZ", seal=seal))


def _copied(site: Site) -> bytes:
    return post(sealed(site, "CZ"), sender="cd@station.cn", results=[genuine("cd@station.cn")])


def _copied_bare(site: Site) -> bytes:
    return post(sealed(site, "CZ"), sender="cd@station.cn")


def _closed_station(site: Site) -> bytes:
    return post(sealed(site, "OLD"))


@pytest.mark.parametrize(
    ("mail", "reason", "claimed"),
    [
        (_bare, "unauthenticated", "CZ"),
        (_spf_only, "unauthenticated", "CZ"),
        (_forged_below, "unauthenticated", "CZ"),
        (_foreign_boundary, "unauthenticated", "CZ"),
        (_encoded_result, "unauthenticated", "CZ"),
        (_stranger, "unknown-sender", None),
        (_shared_address, "several-stations", None),
        (_forged_seal, "forged-seal", "CZ"),
        (_seal_of_another_form, "forged-seal", "CD"),
        (_revoked, "revoked-seal", "CZ"),
        (_copied, "other-station", "CZ"),
        (_copied_bare, "other-station", "CZ"),
        (_closed_station, "unknown-station", "OLD"),
    ],
)
def test_doubtful_sender_waits_for_a_person(
    site: Site, bob: Viewer, mail: Callable[[Site], bytes], reason: str, claimed: str | None
):
    """Nothing is stored, the reason is named, and the sender is told no more than that it came."""
    outcome = take(site, mail(site))

    assert (outcome.state, outcome.reason, outcome.submissions) == (MailState.REVIEW, reason, ())
    with site.session(read_only=True) as session:
        ((waiting,),) = (view.workbooks for view in held(session, bob))
        assert store.submissions(session, Viewer.operator())[1] == 0
    assert (waiting.reason, waiting.claimed) == (reason, claimed)
    reply = reply_to(site, outcome)
    assert reply.kind == "held"
    assert (reply.payload["receipts"], reply.payload["held"], reply.payload["skipped"]) == ([], [], [])


def test_spreadsheet_of_a_stranger_is_kept_and_not_answered(site: Site):
    """A virus writes from forged addresses: whoever they belong to hears nothing from us."""
    outcome = take(site, post(b"PK\x03\x04 no form at all", sender="victim@example.com"))

    assert (outcome.state, outcome.reply_id, replies(site)) == (MailState.REVIEW, None, [])


def test_sealed_form_from_an_address_nobody_knows_gets_no_data(site: Site):
    """A proven station without an address on record, an unproven From: stored, but only said to have come."""
    with site.session() as session:
        session.connection().exec_driver_sql("UPDATE stations SET email = ''")
        session.connection().exec_driver_sql("UPDATE counters SET value = value + 1 WHERE name = 'master'")

    outcome = take(site, post(sealed(site), sender="somebody@qq.com"))

    assert (outcome.state, len(outcome.receipts)) == (MailState.DONE, 1)
    reply = reply_to(site, outcome)
    assert (reply.kind, reply.payload["receipts"], reply.payload["reason"]) == ("taken", [], "address-not-proven")


def test_one_mail_may_be_half_believed(site: Site):
    """A sealed workbook is stored, the one beside it without a seal waits."""
    outcome = take(site, post(sealed(site), visit(instance="instance-2", hours=2)))

    assert (outcome.state, len(outcome.submissions)) == (MailState.REVIEW, 1)
    reply = reply_to(site, outcome)
    assert (reply.kind, len(reply.payload["receipts"]), reply.payload["held"]) == ("receipt", 1, ["visit2.xlsx"])
