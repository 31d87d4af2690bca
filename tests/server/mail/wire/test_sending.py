"""Replies over a real SMTP server that refuses, hangs up and comes back."""

import threading
from typing import Any

import pytest

from server.intake.mail.connection import Step
from server.intake.mail.outgoing import QueuedReply
from server.intake.mail.replies import compose
from server.intake.mail.sending import SendSummary, send_due
from server.site import Site
from tests.server.mail.wire.conftest import OpenSite
from tests.server.mail.wire.due import let_time_pass, queue, replies, states
from tests.server.mail.wire.ports import free_port
from tests.server.mail.wire.smtp_server import DROP_AFTER_DATA, DROP_BEFORE_DATA, SmtpServer

SQLITE = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)


def _send(site: Site) -> SendSummary:
    return send_due(site, compose)


def test_a_reply_is_sent_once(open_site: OpenSite):
    """To its recipient, under its own Message-ID, and never again."""
    with SmtpServer() as smtp:
        site = open_site(smtp_port=smtp.port)
        queue(site)
        first, second = _send(site), _send(site)

    (reply,) = replies(site)
    assert (first.sent, second.sent) == (1, 0)
    assert [recipients for _, recipients, _ in smtp.taken] == [["a1@station.cn"]]
    assert smtp.messages[0]["Message-ID"] == reply.message_id
    assert (reply.state, reply.tries, reply.error) == ("sent", 1, "")
    assert reply.sent_at is not None


@SQLITE
def test_nothing_is_sent_without_a_server(open_site: OpenSite):
    """[mail.smtp] is not set: the replies wait."""
    site = open_site()
    queue(site)

    assert _send(site) == SendSummary()
    assert states(site) == ["queued"]


@SQLITE
def test_a_reply_put_off_is_tried_again_later(open_site: OpenSite):
    """4xx: not now, and not at once again either."""
    with SmtpServer("450 greylisted", "rcpt 451 busy") as smtp:
        site = open_site(smtp_port=smtp.port)
        queue(site)
        assert (_send(site).later, _send(site)) == (1, SendSummary())
        (reply,) = replies(site)
        assert (reply.state, reply.error, reply.unclear) == ("queued", "450 greylisted", 0)
        let_time_pass(site)
        assert _send(site).later == 1
        let_time_pass(site)
        assert _send(site).sent == 1

    assert len(smtp.taken) == 1
    assert replies(site)[0].tries == 3


@SQLITE
@pytest.mark.parametrize("unreadable", [False, True], ids=["lost", "unreadable"])
def test_a_reply_whose_file_is_gone_holds_up_no_other(open_site: OpenSite, unreadable: bool):
    """The database was restored without all originals: it is composed anew. One of a broken disk is tried later."""
    with SmtpServer("450 greylisted") as smtp:
        site = open_site(smtp_port=smtp.port)
        queue(site)
        _send(site)
        (reply,) = replies(site)
        assert reply.content_sha256 is not None
        path = site.originals.path(reply.content_sha256)
        path.unlink()
        if unreadable:
            path.mkdir()
        queue(site, 2, first=2)
        let_time_pass(site)
        summary = _send(site)

    assert (summary.sent, summary.later, summary.trouble) == ((2, 1, None) if unreadable else (3, 0, None))
    assert ("cannot be read" in replies(site)[0].error) is unreadable


@SQLITE
@pytest.mark.parametrize("answer", ["rcpt 550 5.1.1 no such user", "554 5.7.1 looks like spam"])
def test_a_refused_reply_is_dead_and_the_next_one_is_sent(open_site: OpenSite, answer: str):
    """5xx: a person has to look; the others do not wait for that."""
    with SmtpServer(answer) as smtp:
        site = open_site(smtp_port=smtp.port)
        queue(site, 2)
        summary = _send(site)

    assert (summary.dead, summary.sent) == (1, 1)
    assert states(site) == ["dead", "sent"]
    assert replies(site)[0].error == answer.removeprefix("rcpt ")


@SQLITE
def test_a_connection_lost_after_the_data_costs_one_resend_of_the_same_mail(open_site: OpenSite):
    """The recipient's server can tell: same Message-ID, same bytes."""
    with SmtpServer(DROP_AFTER_DATA) as smtp:
        site = open_site(smtp_port=smtp.port)
        queue(site)
        assert _send(site).later == 1
        let_time_pass(site)
        assert _send(site).sent == 1

    first, second = smtp.taken
    assert first == second


@SQLITE
def test_a_server_that_never_answers_does_not_get_a_third_copy(open_site: OpenSite):
    """A virus scanner that hangs up each time must not flood a station."""
    with SmtpServer(*[DROP_AFTER_DATA] * 5) as smtp:
        site = open_site(smtp_port=smtp.port)
        queue(site)
        for _ in range(4):
            _send(site)
            let_time_pass(site)

    assert len(smtp.taken) == 2
    assert states(site) == ["dead"]


@SQLITE
def test_a_connection_lost_before_the_data_counts_against_no_reply(open_site: OpenSite):
    """Nothing was handed over, so nothing is doubtful."""
    with SmtpServer(DROP_BEFORE_DATA) as smtp:
        site = open_site(smtp_port=smtp.port)
        queue(site)
        trouble = _send(site).trouble
        (reply,) = replies(site)
        assert trouble is not None
        assert (reply.state, reply.tries, reply.unclear) == ("queued", 0, 0)
        let_time_pass(site)
        assert _send(site).sent == 1


@SQLITE
def test_a_server_that_is_down_leaves_the_replies_queued(open_site: OpenSite):
    """However long it lasts, none dies of it."""
    site = open_site(smtp_port=free_port())
    queue(site, 3)
    summary = _send(site)

    assert summary.trouble is not None
    assert summary.trouble.step is Step.CONNECT
    assert states(site) == ["queued"] * 3


@SQLITE
@pytest.mark.parametrize(("password", "step"), [("right", None), ("wrong", Step.LOGIN)])
def test_signing_in(open_site: OpenSite, password: str, step: Step | None):
    """With a user we sign in and write from its address; a wrong password is everybody's trouble."""
    with SmtpServer(login=("forms@company.cn", "right"), only_from="forms@company.cn") as smtp:
        site = open_site(smtp_port=smtp.port, smtp={"user": "forms@company.cn", "password": password})
        queue(site)
        trouble = _send(site).trouble

    assert (trouble and trouble.step) == step
    assert states(site) == ["queued" if step else "sent"]


@SQLITE
def test_an_address_we_may_not_use_is_everybodys_trouble(open_site: OpenSite):
    """The settings are wrong, not the reply."""
    with SmtpServer(only_from="somebody@company.cn") as smtp:
        site = open_site(smtp_port=smtp.port)
        queue(site)
        trouble = _send(site).trouble

    assert trouble is not None
    assert (trouble.step, states(site)) == (Step.SENDER, ["queued"])


@SQLITE
def test_no_failure_notice_can_come_back_from_a_relay_of_the_house(open_site: OpenSite):
    """Nobody signs in there, so the envelope's sender is empty, as it should be of automatic mail."""
    with SmtpServer() as smtp:
        site = open_site(smtp_port=smtp.port)
        queue(site)
        _send(site)

    assert [sender for sender, _, _ in smtp.taken] == ["<>"]


@SQLITE
def test_a_reply_that_cannot_be_composed_holds_up_no_other(open_site: OpenSite):
    """It is shown with what went wrong, and given up after three tries: memory may have been short."""

    def composed(site: Site, reply: QueuedReply) -> bytes:
        if reply.to_address.startswith("a1@"):
            raise LookupError("no words")
        return compose(site, reply)

    with SmtpServer() as smtp:
        site = open_site(smtp_port=smtp.port)
        queue(site, 2)
        left = []
        for _ in range(3):
            send_due(site, composed)
            let_time_pass(site)
            left.append(states(site))

    assert left == [["queued", "sent"], ["queued", "sent"], ["dead", "sent"]]
    assert replies(site)[0].error == "cannot be composed: LookupError"


def test_two_senders_send_each_reply_once(open_site: OpenSite):
    """Two processes work off one queue."""
    with SmtpServer() as smtp:
        site = open_site(smtp_port=smtp.port)
        queue(site, 20)
        threads = [threading.Thread(target=_send, args=(site,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(recipients for _, recipients, _ in smtp.taken) == sorted([f"a{n}@station.cn"] for n in range(1, 21))
    assert states(site) == ["sent"] * 20


@SQLITE
def test_a_sender_that_took_too_long_does_not_undo_the_next_ones_work(open_site: OpenSite):
    """Its lease ended while it composed; somebody else has sent the reply meanwhile."""
    with SmtpServer() as smtp:
        site = open_site(smtp_port=smtp.port)
        queue(site)

        def slowly(site: Site, reply: QueuedReply) -> bytes:
            let_time_pass(site)
            assert send_due(site, compose).sent == 1
            return compose(site, reply)

        send_due(site, slowly)

    assert len(smtp.taken) == 1
    assert states(site) == ["sent"]


@SQLITE
def test_every_line_ends_as_smtp_wants_it(open_site: OpenSite):
    """A bare line feed lets some servers see a second mail in the first."""
    bare: Any = b"Subject: x\n\nfirst\n.\nsecond\r\n"
    with SmtpServer() as smtp:
        site = open_site(smtp_port=smtp.port)
        queue(site)
        send_due(site, lambda *_: bare)

    assert [content for _, _, content in smtp.taken] == [b"Subject: x\r\n\r\nfirst\r\n.\r\nsecond\r\n"]
