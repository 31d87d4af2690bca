"""Names and subjects we write, read back by our own parser and by the standard library."""

import email
from email.policy import default

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.intake.mail import reply_headers
from server.intake.mail.addresses import Mailbox, parse_addresses
from server.intake.mail.names import attachment_name, decode_header
from server.intake.mail.parts import Budget, parse

# What `plain` lets through: no control characters, one space at a time, none at the ends.
_LETTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp", "Zs", "Mn", "Me"))
_WORDS = st.lists(st.text(_LETTERS, min_size=1, max_size=30), min_size=1, max_size=12)
TEXTS = _WORDS.map(" ".join)
NAMES = st.text(_LETTERS.filter(lambda c: c not in '\\/:*?"<>|'), min_size=1, max_size=60).map(lambda n: f"a{n}.xlsx")
CHINESE = "回执：成都服务站2026年第三季度故障报告、分析与纠正措施表（朱镕基，第2版）"


def _lines(header: str, value: str) -> list[str]:
    return f"{header}: {value}".split("\r\n")


@given(TEXTS)
@example(CHINESE)
@example("=?utf-8?q?not_a_word?=")
@example("回复：" + "x" * 200)
def test_a_subject_reads_back(text: str):
    """By both readers, in lines of at most 80."""
    raw = f"Subject: {reply_headers.text_value(text)}\r\n\r\n".encode()

    assert all(len(line) <= 80 for line in raw.decode().split("\r\n"))
    assert str(email.message_from_bytes(raw, policy=default)["Subject"]) == text
    assert decode_header(parse(raw, Budget()).raw("subject") or b"") == text


@given(NAMES)
@example(f"{CHINESE}.xlsx")
@example("V-2026-0001 回执.xlsx")
def test_the_name_of_an_attachment_reads_back_from_either_form(name: str):
    """`filename*` for those who follow the standards, `name=` in encoded words for the rest."""
    kind = reply_headers.content_type("application/octet-stream", name)
    disposition = reply_headers.content_disposition(name)
    both = f"Content-Type: {kind}\r\nContent-Disposition: {disposition}\r\n\r\n".encode()
    only_type = f"Content-Type: {kind}\r\n\r\n".encode()

    assert all(len(line) <= 80 for line in both.decode().split("\r\n"))
    assert email.message_from_bytes(both, policy=default).get_filename() == name
    assert attachment_name(parse(both, Budget())) == attachment_name(parse(only_type, Budget()))


@pytest.mark.parametrize("name", ["Aftersheet", "售后表单", 'A "B" \\C', "", "x" * 80])
def test_a_sender_reads_back(name: str):
    """Name and address."""
    value = reply_headers.mailbox_value(name, "forms@company.cn")
    header = f"From: {value}\r\n\r\n"
    own = parse_addresses(parse(header.encode(), Budget()).raw("from") or b"")

    assert own == (Mailbox(name or "forms@company.cn", "forms@company.cn"),)
    assert all(len(line) <= 80 for line in _lines("From", value))
    if len(name) < 60:  # the standard library leaves the space between two encoded words of a name
        found = email.message_from_string(header, policy=default)["From"].addresses
        assert [(each.display_name, each.addr_spec) for each in found] == [(name, "forms@company.cn")]
