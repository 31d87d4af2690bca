"""The workbooks in a message, wherever its sender's program has put them, and why other files were left out."""

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as default
from typing import Literal

from server.intake.mail import archives, winmail
from server.intake.mail.kinds import Kind, kind_of
from server.intake.mail.names import attachment_name
from server.intake.mail.parts import DEPTH, Budget, Part, parse
from server.intake.mail.refusal import MessageRefused

Origin = Literal["attachment", "forwarded", "winmail", "zip"]

WORKBOOKS = 100
"""Workbooks taken from one message; more come by the folder or the API."""
_SKIPPED = 50  # files named as left out

_TEXTS = ("text/plain", "text/html")
_SUFFIX_OF_UNNAMED = ".xlsx"


@dataclass(slots=True)
class Found:
    """
    What a message holds.

    *workbooks* are (name, bytes, origin), each content once; *skipped* are (name, reason);
    *texts* are the parts meant to be read, of the message itself and not of those forwarded in it.
    """

    workbooks: list[tuple[str, bytes, Origin]] = default(default_factory=list)
    skipped: list[tuple[str, str]] = default(default_factory=list)
    texts: list[Part] = default(default_factory=list)
    room: archives.Room = default(default_factory=archives.Room)
    budget: Budget = default(default_factory=Budget)

    def skip(self, name: str, reason: str) -> None:
        if len(self.skipped) < _SKIPPED:
            self.skipped.append((name, reason))

    def take(self, name: str, content: bytes, origin: Origin) -> None:
        if any(content == taken for _, taken, _ in self.workbooks):
            return  # some programs attach a file once for each form of the text
        if len(self.workbooks) >= WORKBOOKS:
            self.skip(name, "too-many-workbooks")
            return
        self.workbooks.append((name or f"附件{len(self.workbooks) + 1}{_SUFFIX_OF_UNNAMED}", content, origin))


def collect(message: Part, found: Found) -> None:
    """
    Look through *message* and everything in it.

    Raises:
        MessageRefused: A message attached as a file exceeds the limits of the whole.
    """
    for part, origin, depth in _leaves(message, "attachment", 0, is_report=False):
        name = attachment_name(part)
        if part.kind == "message/rfc822":
            found.skip(name or "message.eml", "bounced-message")
        elif part.kind in _TEXTS and not name and part.disposition != "attachment":
            if origin == "attachment":
                found.texts.append(part)
        elif _is_decoration(part):
            _take_unless_picture(found, name, part.content(), origin, depth)
        else:
            _take(found, name, part.content(), origin, depth)


def _leaves(part: Part, origin: Origin, depth: int, *, is_report: bool) -> Iterator[tuple[Part, Origin, int]]:
    """
    The parts that hold no others, in order.

    A message returned in a report comes whole: it was ours, or an answer to ours, and is
    not sent in again by coming back.
    """
    if not part.parts or (is_report and part.kind == "message/rfc822"):
        yield part, origin, depth
        return
    inner: Origin = origin if part.kind.startswith("multipart/") else "forwarded"
    is_report = is_report or part.kind == "multipart/report"
    for each in part.parts:
        yield from _leaves(each, inner, depth + 1, is_report=is_report)


def _is_decoration(part: Part) -> bool:
    """Whether the part belongs to the text, as a logo under it does, rather than being sent along."""
    return part.disposition == "inline" or part.raw("content-id") is not None


def _take_unless_picture(found: Found, name: str, content: bytes, origin: Origin, depth: int) -> None:
    if kind_of(name, content) is not Kind.PICTURE:
        _take(found, name, content, origin, depth)


def _take(found: Found, name: str, content: bytes, origin: Origin, depth: int) -> None:
    """Keep *content* if it is a workbook, look inside if it holds files, and say so if it is neither."""
    kind = kind_of(name, content)
    if kind is Kind.WORKBOOK:
        found.take(name, content, origin)
    elif kind is Kind.ZIP:
        _take_members(found, name, content)
    elif kind is Kind.WINMAIL:
        _take_winmail(found, name, content, depth)
    elif kind is Kind.MESSAGE:
        _take_message(found, name, content, depth)
    elif kind is not Kind.QUIET:
        found.skip(name, kind.value)


def _take_members(found: Found, name: str, content: bytes) -> None:
    """Workbooks in a ZIP archive; what is packed twice is left to the sender to unpack."""
    try:
        for member in archives.members(content, found.room):
            if member.content is None:
                found.skip(f"{name}/{member.name}", member.reason)
                continue
            kind = kind_of(member.name, member.content)
            if kind is Kind.WORKBOOK:
                found.take(member.name, member.content, "zip")
            elif kind in (Kind.ZIP, Kind.WINMAIL, Kind.MESSAGE):
                found.skip(f"{name}/{member.name}", "archive-nested")
            elif kind is not Kind.QUIET:
                found.skip(f"{name}/{member.name}", kind.value)
    except archives.ArchiveError:
        found.skip(name, Kind.DAMAGED_ZIP.value)


def _take_winmail(found: Found, name: str, content: bytes, depth: int) -> None:
    if depth >= DEPTH:
        raise MessageRefused("too-deep", f"more than {DEPTH} levels")
    try:
        inside = winmail.attachments(content)
    except winmail.WinmailError:
        found.skip(name, "winmail-unreadable")
        return
    for inner, data in inside:
        found.budget.take()
        if kind_of(inner, data) is not Kind.PICTURE:  # of pictures in the text nothing says that they are
            _take(found, inner, data, "winmail", depth + 1)


def _take_message(found: Found, name: str, content: bytes, depth: int) -> None:
    """A message attached as a file: Foxmail and QQ forward so, under a type of their own."""
    if depth >= DEPTH:
        raise MessageRefused("too-deep", f"more than {DEPTH} levels")
    try:
        message = parse(content, found.budget, depth + 1)
    except MessageRefused as refused:
        if refused.slug != "unreadable":
            raise
        found.skip(name, Kind.OTHER.value)
        return
    before = len(found.texts)
    for part, _, deeper in _leaves(message, "forwarded", depth + 1, is_report=False):
        inner = attachment_name(part)
        if part.kind not in _TEXTS or inner:
            (_take_unless_picture if _is_decoration(part) else _take)(found, inner, part.content(), "forwarded", deeper)
    del found.texts[before:]
