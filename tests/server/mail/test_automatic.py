"""Machines are told from people by what they say of themselves, and people are never taken for machines."""

import pytest

from server.intake.mail.message import Message, parse_message
from tests.server.mail.letters import HEADERS, TEXT, attached, letter, multipart, word

OURS = {"own_addresses": ("forms@test.local",), "own_domain": "Test.local"}


def why(*more: bytes, without: bytes = b"\0", **own: object) -> str | None:
    headers = [header for header in HEADERS if not header.startswith(without)]
    return Message.of(parse_message(letter(headers=headers, more=more), **own)).automatic


@pytest.mark.parametrize(
    "header",
    [
        b"Auto-Submitted: auto-replied",
        b"Auto-Submitted: auto-generated (rejected)",
        b'AUTO-SUBMITTED: Auto-Notified; owner-email="a@b.cn"',
        b"Precedence: bulk",
        b"Precedence: Junk",
        b"Precedence: list",
        b"Precedence: auto_reply",
        b"X-Autoreply: yes",
        b"X-Autorespond: vacation",
        b"X-Autoresponder: 1",
        b"X-Auto-Reply: 1",
        b"List-Id: <news.test.local>",
        b"List-Unsubscribe: <mailto:leave@test.local>",
    ],
)
def test_a_header_of_machines_is_a_sign(header: bytes):
    """RFC 3834, and what programs wrote before it."""
    assert (
        why(header)
        == header.decode().partition(":")[0].title().replace("Id", "Id") + ":" + header.decode().partition(":")[2]
    )


@pytest.mark.parametrize(
    "header",
    [
        b"Auto-Submitted: no",
        b"Auto-Submitted: No (written by hand)",
        b"X-Auto-Response-Suppress: All",
        b"Precedence: first-class",
        b"X-Autoreply: no",
        b"X-Loop: someone-else@other.cn",
        b"Subject: Re: automatic gearbox",
        "Subject: 自动回复器故障报告".encode(),
        b"Message-ID: <receipt.1.1@other.cn>",
    ],
)
def test_a_person_is_not_taken_for_a_machine(header: bytes):
    """Exchange puts X-Auto-Response-Suppress on what people write; `Auto-Submitted: no` says a person wrote it."""
    assert why(header, without=header.partition(b":")[0], **OURS) is None


def test_the_second_of_two_headers_counts_too():
    """A gateway adds its own without looking."""
    assert why(b"Auto-Submitted: no", b"Auto-Submitted: auto-replied") == "Auto-Submitted: auto-replied"


@pytest.mark.parametrize(
    ("instead", "header"),
    [
        (b"Return-Path", b"Return-Path: <>"),
        (b"From", b"From: Mail Delivery System <MAILER-DAEMON@mx.test.local>"),
        (b"From", b"From: PostMaster@qq.com"),
        (b"Subject", b"Subject: " + word("自动回复：我在休假", "gb18030", "gb18030")),
        (b"Subject", "Subject: 自动回复: Re: 回执".encode()),
    ],
)
def test_a_message_no_person_sends_is_automatic(instead: bytes, header: bytes):
    """Bounces, daemons, and the answers of QQ mail, which no header announces."""
    assert why(header, without=instead) is not None


@pytest.mark.parametrize(
    ("instead", "header"),
    [
        (b"From", b"From: Forms <FORMS@test.local>"),
        (b"X-Loop", b"X-Loop: forms@test.local"),
        (b"Message-ID", b"Message-ID: <receipt.0193.1@test.local>"),
    ],
)
def test_what_we_sent_ourselves_is_known_when_it_comes_back(instead: bytes, header: bytes):
    """By address, by our mark, and by the Message-ID of a receipt."""
    assert why(header, without=instead, **OURS) is not None
    assert why(header, without=instead) is None


def test_a_colleague_at_our_own_domain_is_a_person():
    """Foxmail makes Message-IDs at the sender's domain: the domain alone is no sign."""
    assert why(**OURS) is None


def test_a_report_of_delivery_is_automatic():
    """Also one with a usual Return-Path; read receipts are reports too."""
    raw = b"\r\n".join(HEADERS) + b"\r\n" + multipart([TEXT], b"report; report-type=disposition-notification")

    assert "disposition-notification" in (Message.of(parse_message(raw)).automatic or "")


def test_a_machine_may_send_workbooks():
    """A station's scheduled sender: its workbook is read all the same."""
    message = Message.of(parse_message(letter(attached("a.xlsx"), more=[b"Auto-Submitted: auto-generated"])))

    assert message.automatic == "Auto-Submitted: auto-generated"
    assert [workbook.filename for workbook in message.workbooks] == ["a.xlsx"]
