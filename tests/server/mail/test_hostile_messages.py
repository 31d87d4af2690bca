"""Messages made to bring a mailbox down end in a refusal, or are read, in a child process and in time."""

import sys
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from server.intake.mail.message import LARGEST, MessageRefused, read_message
from tests.archives import archive, member, repeated
from tests.server.mail.letters import BOOK, HEADERS, PNG, attached, letter, multipart, part, winmail
from workbooks.parsing.worker import peak_memory
from workbooks.sandbox import Sandbox

READ = "read"


class Hostile(NamedTuple):
    """A message made when asked for, and what becomes of it: a slug, or `READ`."""

    name: str
    outcome: str
    make: Callable[[], bytes]


def _nested_multiparts(depth: int) -> bytes:
    raw = b"Content-Type: text/plain\r\n\r\nend"
    for level in range(depth):
        raw = multipart([raw], boundary=b"b%d" % level)
    return raw


def _many(kind: bytes, count: int, piece: bytes = b"Content-Type: text/plain\r\n\r\nx") -> bytes:
    return b"From: a@b.cn\r\n" + multipart([piece] * count, kind)


def _html(body: bytes) -> bytes:
    return b"From: a@b.cn\r\nContent-Type: text/html\r\n\r\n" + body


def _bomb() -> bytes:
    """100 members of 19 MB each, in 2 MB."""
    return archive(repeated(f"{number}.xlsx", "", "0" * 1024, 19 << 10, "") for number in range(100))


def _headed(header: bytes, times: int = 1, start: bytes = b"From: a@b.cn\r\n") -> bytes:
    return start + (header + b"\r\n") * times + b"\r\n"


def _disposed(header: bytes, times: int) -> bytes:
    """So many attachments with this Content-Disposition."""
    return letter(*[part(b"a/b", b"x", b"Content-Disposition: a" + header)] * times)


def _delimited(boundary: bytes, body: bytes) -> bytes:
    return b'Content-Type: multipart/mixed; boundary="' + boundary + b'"\r\n\r\n' + body


def _pieces(count: int) -> bytes:
    return b"".join(b"; filename*%d*=%%E5" % number for number in range(count))


HOSTILE = (
    Hostile("50,000 parts", "too-many-parts", lambda: _many(b"mixed", 50_000)),
    Hostile("50,000 parts of a digest", "too-many-parts", lambda: _many(b"digest", 50_000, b"x: y")),
    Hostile(
        "190 messages of 190 parts",
        "too-many-parts",
        lambda: letter(*[attached(f"{number}.eml", _many(b"mixed", 190)) for number in range(190)]),
    ),
    Hostile("20,000 addresses", "header-too-long", lambda: _headed(b"To: " + b"a@b.cn, " * 20_000)),
    Hostile("20,000 addresses in short headers", READ, lambda: _headed(b"To: " + b"a@b.cn, " * 5_000, 4)),
    Hostile("10,000 pieces of a name", "header-too-long", lambda: _disposed(_pieces(10_000), 1)),
    Hostile("3,000 pieces of a name", READ, lambda: _disposed(_pieces(3_000), 30)),
    Hostile("long headers on every part", "header-too-long", lambda: _disposed(b";" * 60_000, 190)),
    Hostile("semicolons", READ, lambda: _disposed(b";" * 60_000 + b"=", 30)),
    Hostile("quotes that never end", READ, lambda: _disposed(b';a="x\\"' * 9_000, 30)),
    Hostile("beginnings of encoded words", READ, lambda: _disposed(b'; filename="' + b"=?a?q?" * 10_000 + b'"', 30)),
    Hostile("2,000 nested multiparts", "too-deep", lambda: b"From: a@b.cn\r\n" + _nested_multiparts(2_000)),
    Hostile("3,000 nested messages", "too-deep", lambda: b"Content-Type: message/rfc822\r\n\r\n" * 3_000),
    Hostile("5,000 nested comments", READ, lambda: _headed(b"From: " + b"(" * 5_000 + b")" * 5_000 + b" a@b.cn")),
    Hostile("open brackets", READ, lambda: _headed(b"From: " + b"<(\\" * 20_000)),
    Hostile("open quotes", READ, lambda: _headed(b'From: "' + b'"\\' * 30_000)),
    Hostile("one header of 25 MB", "header-too-long", lambda: _headed(b"Subject: " + b"x" * (25 << 20))),
    Hostile("a million headers", "header-too-long", lambda: _headed(b"a:b", 1_000_000)),
    Hostile("a million lines that are no header", READ, lambda: _headed(b"x", 1_000_000) + b"To: b@c\n"),
    Hostile("25 MB without a line break", "unreadable", lambda: b"x" * (25 << 20)),
    Hostile("25 MB of line breaks", "unreadable", lambda: b"\n" * (25 << 20)),
    Hostile("25 MB of zeros", "unreadable", lambda: bytes(25 << 20)),
    Hostile("31 MB", "too-large", lambda: letter(b"\r\n" + bytes(LARGEST))),
    Hostile("a delimiter of hyphens", READ, lambda: _delimited(b"-", b"-" * (25 << 20))),
    Hostile("a delimiter never at the start of a line", READ, lambda: _delimited(b"b", b" --b\n" * (4 << 20))),
    Hostile("a delimiter that never ends its line", READ, lambda: _delimited(b"b", b"\n--b x" * (4 << 20))),
    Hostile("elements that never end", READ, lambda: _html(b"<style " * (3 << 20))),
    Hostile("brackets without tags", READ, lambda: _html(b"<" * (20 << 20))),
    Hostile("character references", READ, lambda: _html(b"&#x" * (5 << 20))),
    Hostile("a ZIP bomb", READ, lambda: letter(attached("a.zip", _bomb()))),
    Hostile(
        "a ZIP archive of 60,000 files",
        READ,
        lambda: letter(attached("a.zip", archive(member(f"{number}", "", 0) for number in range(60_000)))),
    ),
    Hostile(
        "a winmail.dat of four billion properties",
        READ,
        lambda: letter(attached("winmail.dat", winmail((b"a", b"")) + _property_bomb())),
    ),
    Hostile(
        "a winmail.dat of many objects", READ, lambda: letter(attached("winmail.dat", winmail(*[(b"a", PNG)] * 20_000)))
    ),
)


def _property_bomb() -> bytes:
    return b"\x02\x05\x90\x06\x00\x04\x00\x00\x00\xff\xff\xff\xff\x00\x00"


@pytest.fixture(scope="module")
def children() -> Iterator[Sandbox]:
    with Sandbox(workers=1) as pool:
        read_message(pool, letter(attached("a.xlsx")))  # what is imported once takes its time once
        yield pool


@pytest.mark.parametrize("kind", HOSTILE, ids=lambda kind: kind.name)
def test_a_hostile_message_ends_in_time_and_the_next_is_read(children: Sandbox, kind: Hostile):
    """By our own limits: the child does not even have to be killed."""
    raw = kind.make()
    started = time.monotonic()
    outcome, detail = _outcome(children, raw)
    seconds = time.monotonic() - started

    assert outcome == kind.outcome
    assert detail not in ("time", "memory", "died")
    assert seconds < 8  # on a busy machine; one second usually
    assert _outcome(children, letter(attached("a.xlsx"))) == (READ, "")


def _outcome(children: Sandbox, raw: bytes) -> tuple[str, str]:
    try:
        read_message(children, raw)
    except MessageRefused as refused:
        return refused.slug, refused.detail
    return READ, ""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits time only")
def test_no_message_needs_much_memory(children: Sandbox):
    """After all of the above; the limit is 768 MB."""
    assert children.run(peak_memory) < 600 << 20


def test_a_child_that_dies_is_a_refusal_too(children: Sandbox, monkeypatch: pytest.MonkeyPatch):
    """Whatever our limits overlook, the mailbox goes on."""
    monkeypatch.setattr("server.intake.mail.message.SECONDS", 0.0)
    with pytest.raises(MessageRefused) as refused:
        read_message(children, letter(attached("a.xlsx", bytes(1 << 20))))
    monkeypatch.undo()

    assert (refused.value.slug, refused.value.detail) == ("unreadable", "time")
    assert read_message(children, letter(attached("a.xlsx"), headers=HEADERS)).from_address == "station1@test.local"


def test_all_workbooks_of_a_full_message_arrive(children: Sandbox):
    """20 MB of attachments, the most that most providers let through."""
    raw = letter(*[attached(f"{number}.xlsx", BOOK + bytes([number]) * (1 << 20)) for number in range(20)])

    assert len(read_message(children, raw).workbooks) == 20
