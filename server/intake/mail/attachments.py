"""The workbooks in a message, wherever its sender's program has put them, and why other files were left out."""

from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as default
from typing import Literal

from server.intake.mail import archives, winmail
from server.intake.mail.kinds import Kind, kind_of
from server.intake.mail.names import attachment_name
from server.intake.mail.parts import DEPTH, EMBEDDED, Budget, Part, parse
from server.intake.mail.refusal import MessageRefused

Origin = Literal["attachment", "forwarded", "winmail", "zip"]

WORKBOOKS = 100
"""Workbooks taken from one message; more come by the folder or the API."""
_SKIPPED = 50  # files named as left out

_TEXTS = ("text/plain", "text/html")
_UNNAMED = "附件"


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
            self.skipped.append((name or _UNNAMED, reason))

    def take(self, name: str, content: bytes, origin: Origin) -> None:
        if any(content == taken for _, taken, _ in self.workbooks):
            return  # some programs attach a file once for each form of the text
        if len(self.workbooks) >= WORKBOOKS:
            self.skip(name, "too-many-workbooks")
            return
        self.workbooks.append((name or f"{_UNNAMED}{len(self.workbooks) + 1}.xlsx", content, origin))


def collect(message: Part, found: Found, origin: Origin = "attachment", depth: int = 0) -> None:
    """
    Look through *message*, which stands in so many others, and through everything in it.

    Raises:
        MessageRefused: A message attached as a file exceeds the limits of the whole.
    """
    for part, inner, deeper in _leaves(message, origin, depth, is_report=False):
        name = attachment_name(part)
        if part.kind in EMBEDDED:
            found.skip(name or "message.eml", "bounced-message")
        elif part.kind in _TEXTS and not name and part.disposition != "attachment":
            if inner == "attachment":
                found.texts.append(part)
        else:
            _take(found, name, part.content(), inner, deeper, unsaid=_not_worth_a_word(part, name))


def _leaves(part: Part, origin: Origin, depth: int, *, is_report: bool) -> Iterator[tuple[Part, Origin, int]]:
    """
    The parts that hold no others, in order.

    A message returned in a report comes whole: it was ours, or an answer to ours, and is
    not sent in again by coming back.
    """
    if not part.parts or (is_report and part.kind in EMBEDDED):
        yield part, origin, depth
        return
    inner: Origin = origin if part.kind.startswith("multipart/") else "forwarded"
    is_report = is_report or part.kind == "multipart/report"
    for each in part.parts:
        yield from _leaves(each, inner, depth + 1, is_report=is_report)


def _not_worth_a_word(part: Part, name: str) -> frozenset[Kind]:
    """What is left out of the reply: logos in the text, invitations, the machine-readable half of a report."""
    if not name and part.kind.startswith(("text/", "message/")):
        return frozenset({Kind.OTHER, Kind.PICTURE})
    is_in_text = part.disposition == "inline" or part.raw("content-id") is not None
    return frozenset({Kind.PICTURE}) if is_in_text else frozenset()


def _take(
    found: Found, name: str, content: bytes, origin: Origin, depth: int, unsaid: frozenset[Kind] = frozenset()
) -> None:
    """Keep *content* if it is a workbook, look inside if it holds files, and say so if it is neither."""
    kind = kind_of(name, content)
    if kind is Kind.WORKBOOK:
        found.take(name, content, origin)
    elif kind is Kind.ZIP:
        _take_members(found, name or "zip", content)
    elif kind is Kind.WINMAIL:
        _take_winmail(found, name or "winmail.dat", content, depth)
    elif kind is Kind.MESSAGE:
        _take_message(found, name, content, depth)
    elif kind is not Kind.QUIET and kind not in unsaid:
        found.skip(name, kind.value)


def _take_members(found: Found, name: str, content: bytes) -> None:
    """Workbooks in a ZIP archive; what is packed twice is left to the sender to unpack."""
    try:
        for member in archives.members(content, found.room):
            path = f"{name}/{member.name}"
            if member.content is None:
                found.skip(path, member.reason)
                continue
            kind = kind_of(member.name, member.content)
            if kind is Kind.WORKBOOK:
                found.take(member.name, member.content, "zip")
            elif kind in (Kind.ZIP, Kind.WINMAIL, Kind.MESSAGE):
                found.skip(path, "archive-nested")
            elif kind is not Kind.QUIET:
                found.skip(path, kind.value)
    except archives.ArchiveError:
        found.skip(name, Kind.DAMAGED_ZIP.value)


def _take_winmail(found: Found, name: str, content: bytes, depth: int) -> None:
    _check_depth(depth)
    try:
        inside = winmail.attachments(content)
    except winmail.WinmailError:
        found.skip(name, "winmail-unreadable")
        return
    for inner, data in inside:
        found.budget.take()
        # Nothing in it says which pictures belong to the text.
        _take(found, inner, data, "winmail", depth + 1, unsaid=frozenset({Kind.PICTURE}))


def _take_message(found: Found, name: str, content: bytes, depth: int) -> None:
    """A message attached as a file: Foxmail and QQ forward so, under a type of their own."""
    _check_depth(depth)
    try:
        message = parse(content, found.budget, depth + 1)
    except MessageRefused as refused:
        if refused.slug != "unreadable":
            raise
        found.skip(name, Kind.OTHER.value)
        return
    collect(message, found, "forwarded", depth + 1)


def _check_depth(depth: int) -> None:
    if depth >= DEPTH:
        raise MessageRefused("too-deep", f"more than {DEPTH} levels")
