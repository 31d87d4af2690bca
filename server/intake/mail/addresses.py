"""Who a message is from and to: an address list read in one pass, without recursion."""

import re
from typing import NamedTuple

from server.intake.mail.names import decode_header, unfold, visible

_OUTSIDE = re.compile(r'"(?:[^"\\]|\\.)*+"?|\\.?|[()<>,;:]|[^"\\()<>,;:]+', re.DOTALL)
_COMMENT = re.compile(r"[()]|\\.?|[^()\\]+", re.DOTALL)
_UNESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ADDRESS = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?", re.ASCII)
_LONGEST = 254


class Mailbox(NamedTuple):
    """A name to show and an address in lower case; the address is empty when it is none a reply could go to."""

    name: str
    address: str


def parse_addresses(raw: bytes | str) -> tuple[Mailbox, ...]:
    """
    The mailboxes of a From, To or Reply-To header, in order.

    Encoded words are decoded last: one that decodes to "<a@b>" is a strange name, not an
    address. Where two addresses in angle brackets stand in one mailbox, neither is taken.
    """
    text = unfold(raw)
    found: list[Mailbox] = []
    phrase: list[str] = []
    comment: list[str] = []
    angles: list[str] = []
    in_angle = False
    depth = position = 0

    def flush() -> None:
        if phrase or angles or comment:
            found.extend(_mailbox("".join(phrase), "".join(comment), angles))
        phrase.clear()
        comment.clear()
        angles.clear()

    while position < len(text):
        match = (_COMMENT if depth else _OUTSIDE).match(text, position)
        assert match is not None  # each pattern takes any character
        piece, position = match[0], match.end()
        if depth or piece == "(":
            depth += {"(": 1, ")": -1}.get(piece, 0)
            if depth and piece not in "()":
                comment.append(piece)
        elif in_angle:
            in_angle = piece != ">"
            angles[-1] += piece if in_angle else ""
        elif piece == "<":
            angles.append("")
            in_angle = True
        elif piece in ",;":
            flush()
        elif piece == ":":
            phrase.clear()  # the name of a group, or "mailto:"
        elif piece[0] == '"':
            phrase.append(_UNESCAPE.sub(r"\1", piece[1:].removesuffix('"')))
        else:
            phrase.append(piece)
    flush()
    return tuple(found)


def only_address(mailboxes: tuple[Mailbox, ...]) -> str:
    """The address when there is exactly one mailbox; two people cannot have written a message."""
    return mailboxes[0].address if len(mailboxes) == 1 else ""


def _mailbox(phrase: str, comment: str, angles: list[str]) -> list[Mailbox]:
    if angles:
        address = _valid(angles[0]) if len(angles) == 1 else ""
        return [Mailbox(decode_header(phrase) or decode_header(comment) or address, address)]
    if not phrase.strip() and not comment.strip():
        return []
    address = _valid(phrase)
    return [Mailbox(decode_header(comment) or address or decode_header(phrase), address)]


def _valid(text: str) -> str:
    """*text* in lower case when it is an ASCII address, without the source route of old; otherwise nothing."""
    address = visible(text).strip().lower()
    if address.startswith("@"):
        address = address.rpartition(":")[2]
    address = address.removesuffix(".")
    return address if len(address) <= _LONGEST and _ADDRESS.fullmatch(address) else ""
