"""A message from outside, read in a child process into what intake, trust and replies need of it."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz
from typing import Any, Self, TypedDict

from server.intake.mail import automatic
from server.intake.mail.addresses import Mailbox, only_address, parse_addresses
from server.intake.mail.attachments import Found, Origin, collect
from server.intake.mail.names import decode_header
from server.intake.mail.parts import Part, parse
from server.intake.mail.refusal import MessageRefused
from server.intake.mail.texts import has_large_link, words
from workbooks.sandbox import ChildError, Sandbox, Stopped

__all__ = ["LARGEST", "Attachment", "Message", "MessageRefused", "parse_message", "read_message"]

LARGEST = 30 << 20
"""Bytes of a message, the attachments in their transfer encoding included."""
SECONDS = 10.0
MEMORY_MB = 768

_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
_REFERENCES = 100
_YEARS = range(1980, 2200)
_COMMENT = re.compile(r"\([^()]*\)")


class PlainMessage(TypedDict):
    """A message as plain values, which is what a child process can hand back."""

    message_id: str
    in_reply_to: str
    references: list[str]
    from_name: str
    from_address: str
    reply_to: str
    to: list[str]
    subject: str
    date: str | None
    return_path: str | None
    authentication_results: list[str]
    automatic: str | None
    workbooks: list[tuple[str, bytes, Origin]]
    skipped: list[tuple[str, str]]
    large_links: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A workbook, not yet looked into; *origin* says where in the message it was."""

    filename: str
    content: bytes
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """
    What a message says of itself; all of it can be forged.

    Addresses are in lower case. *from_address* is empty when the message names no sender,
    several, or none that is an address. *return_path* is None when there is no such header
    and empty for `<>`. *authentication_results* are in the order of the message: the
    topmost was added last. *automatic* is the sign that a machine sent it. *skipped* are
    (name, reason) of files that were left out; those nobody meant to send are not named.
    """

    message_id: str
    in_reply_to: str
    references: tuple[str, ...]
    from_name: str
    from_address: str
    reply_to: str
    to: tuple[str, ...]
    subject: str
    date: datetime | None
    return_path: str | None
    authentication_results: tuple[str, ...]
    automatic: str | None
    workbooks: tuple[Attachment, ...]
    skipped: tuple[tuple[str, str], ...]
    large_links: bool
    text: str

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """
        The message whose plain values `parse_message` returned.

        Raises:
            MessageRefused: They say that it was refused.
        """
        if "refused" in plain:
            raise MessageRefused(*plain["refused"])
        values = dict(plain)
        values["date"] = datetime.fromisoformat(values["date"]) if values["date"] else None
        values["workbooks"] = tuple(
            Attachment(filename=name, content=content, origin=origin) for name, content, origin in values["workbooks"]
        )
        values["skipped"] = tuple((name, reason) for name, reason in values["skipped"])
        for name in ("references", "to", "authentication_results"):
            values[name] = tuple(values[name])
        return cls(**values)


def read_message(
    sandbox: Sandbox, raw: bytes, *, own_addresses: Collection[str] = (), own_domain: str = "", largest: int = LARGEST
) -> Message:
    """
    The message in *raw*, read in a child process within `SECONDS` and `MEMORY_MB`.

    Raises:
        MessageRefused: It exceeds a limit, or reading it failed, whatever the cause.
    """
    _check_size(raw, largest)
    try:
        plain = sandbox.run(
            parse_message, raw, tuple(own_addresses), own_domain, largest, seconds=SECONDS, memory_mb=MEMORY_MB
        )
    except Stopped as stopped:
        raise MessageRefused("unreadable", stopped.reason) from stopped
    except ChildError as error:
        # A mistake of ours must not stop the mailbox either. Of its traceback only the kind is safe to show and store.
        raise MessageRefused("unreadable", str(error).strip().rpartition("\n")[2].partition(":")[0]) from error
    return Message.of(plain)


def parse_message(
    raw: bytes, own_addresses: Collection[str] = (), own_domain: str = "", largest: int = LARGEST
) -> dict[str, Any]:
    """
    The message in *raw* as plain values for `Message.of`, which raises what they say was refused.

    Meant for a child process, out of which no exception of this package comes.
    """
    try:
        return {**_parse(raw, own_addresses, own_domain, largest)}
    except MessageRefused as refused:
        return {"refused": (refused.slug, refused.detail)}


def _parse(raw: bytes, own_addresses: Collection[str], own_domain: str, largest: int) -> PlainMessage:
    _check_size(raw, largest)
    found = Found()
    part = parse(raw, found.budget)
    collect(part, found)
    sender = _mailboxes(part, "from")
    address = only_address(sender)
    message_id = "".join(_ids(part, "message-id")[:1])
    return PlainMessage(
        message_id=message_id,
        in_reply_to="".join(_ids(part, "in-reply-to")[:1]),
        references=_references(part),
        from_name=sender[0].name if sender else "",
        from_address=address,
        reply_to=only_address(_mailboxes(part, "reply-to")),
        to=[mailbox.address for mailbox in _mailboxes(part, "to") if mailbox.address],
        subject=decode_header(part.raw("subject") or b""),
        date=_date(part.raw("date")),
        return_path=_return_path(part),
        # Not decoded: an encoded word in an address would become a result of its own.
        authentication_results=[_unfolded(value) for value in part.every("authentication-results")],
        automatic=automatic.why(part, address, message_id, own_addresses, own_domain),
        workbooks=found.workbooks,
        skipped=found.skipped,
        large_links=has_large_link(found.texts),
        text=words(found.texts),
    )


def _check_size(raw: bytes, largest: int) -> None:
    if len(raw) > largest:
        raise MessageRefused("too-large", f"{len(raw)} bytes, at most {largest}")


def _unfolded(value: bytes) -> str:
    return " ".join(value.decode("ascii", "replace").split())


def _mailboxes(part: Part, name: str) -> tuple[Mailbox, ...]:
    return tuple(mailbox for value in part.every(name) for mailbox in parse_addresses(value))


def _ids(part: Part, name: str) -> list[str]:
    return _MESSAGE_ID.findall(decode_header(b" ".join(part.every(name))))


def _references(part: Part) -> list[str]:
    """The thread's first message and its latest ones."""
    found = list(dict.fromkeys(_ids(part, "references")))
    return found if len(found) <= _REFERENCES else [found[0], *found[1 - _REFERENCES :]]


def _return_path(part: Part) -> str | None:
    value = part.raw("return-path")
    return None if value is None else only_address(parse_addresses(value))


def _date(raw: bytes | None) -> str | None:
    """When the sender's clock says the message was written, as ISO text in UTC; None when that is no date."""
    try:
        parsed = parsedate_tz(_COMMENT.sub("", decode_header(raw or b""))[:100])
        if parsed is None:
            return None
        year, month, day, hour, minute, second, *_, offset = parsed
        if year not in _YEARS:
            return None  # the next time zone might lie beyond the calendar
        moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
        return (moment - timedelta(seconds=offset or 0)).isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
