"""The MIME structure of a message, split without recursion into its text and never beyond its limits."""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as default

from server.intake.mail.names import unfold
from server.intake.mail.parameters import parse_parameters
from server.intake.mail.refusal import MessageRefused

PARTS = 200
DEPTH = 20
HEADER = 64 << 10  # bytes of one header
HEADERS = 1 << 20  # bytes of all headers of one part
ALL_HEADERS = 2 << 20  # bytes of the headers of all parts
LINES = 5_000  # of the headers of one part

_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*+:")
# A line that is no header does not end the headers while one of these is still to come: programs that
# break a long Chinese subject without indenting the rest would lose all attachments.
_SURELY_HEADER = re.compile(
    rb"^(?:content-[a-z-]+|mime-version|message-id|from|to|subject|date|received|return-path|x-[a-z-]+):",
    re.IGNORECASE | re.MULTILINE,
)
_BLANK = re.compile(rb"\n\r?\n|\r\r")
_ENCODING = re.compile(rb"[\w-]+")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
EMBEDDED = frozenset({"message/rfc822", "message/global", "message/news"})
"""Media types of a message inside a message."""

Headers = tuple[tuple[str, bytes], ...]


@dataclass(slots=True)
class Budget:
    """How much may still come, over a message and all messages inside it: parts, and bytes of headers."""

    parts: int = PARTS
    headers: int = ALL_HEADERS

    def take(self, headers: int = 0) -> None:
        """
        Count one more part with so many bytes of headers.

        Raises:
            MessageRefused: It is one too many.
        """
        self.parts -= 1
        self.headers -= headers
        if self.parts < 0:
            raise MessageRefused("too-many-parts", f"more than {PARTS}")
        if self.headers < 0:
            raise MessageRefused("header-too-long", f"headers of all parts of more than {ALL_HEADERS} bytes")


@dataclass(frozen=True, slots=True)
class Part:
    """
    One part of a message; the message itself is one too.

    *kind* is the media type in lower case, *parts* what a multipart or a forwarded message holds.
    """

    headers: Headers
    kind: str
    parameters: dict[str, str]
    disposition: str
    body: bytes
    parts: "tuple[Part, ...]" = default(default=())

    def raw(self, name: str) -> bytes | None:
        """The value of the first header called *name* (lower case), as it was sent."""
        return _first(self.headers, name)

    def every(self, name: str) -> tuple[bytes, ...]:
        """The values of all headers called *name* (lower case), topmost first."""
        return tuple(value for header, value in self.headers if header == name)

    def content(self) -> bytes:
        """The body without its transfer encoding; what was damaged on the way is decoded as far as it goes."""
        return _decoded(self.body, self.raw("content-transfer-encoding"))


def parse(raw: bytes, budget: Budget, depth: int = 0) -> Part:
    """
    *raw* as a tree of parts; *depth* counts what it stands in already.

    Raises:
        MessageRefused: It exceeds one of the limits above, or no line of it is a header.
    """
    raw = raw.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if b"\n" not in raw[:HEADERS]:
        raw = raw.replace(b"\r", b"\n")
    part = _part(raw, 0, len(raw), depth, budget, "text/plain")
    if not part.headers:
        raise MessageRefused("unreadable", "no line is a header")
    return part


def _part(raw: bytes, start: int, end: int, depth: int, budget: Budget, usual: str) -> Part:
    headers, body = _headers(raw, start, end)
    budget.take(body - start)
    kind, parameters = _type(headers, usual)
    stated = _first(headers, "content-disposition")
    disposition = parse_parameters(unfold(stated))[0] if stated is not None else ""
    parts: tuple[Part, ...] = ()
    inside = raw[body:end]
    boundary = (parameters.get("boundary") or parameters.get("boundary*", "")).rstrip()
    if depth >= DEPTH and (kind in EMBEDDED or (kind.startswith("multipart/") and boundary)):
        raise MessageRefused("too-deep", f"more than {DEPTH} levels")
    if kind in EMBEDDED:
        message = _decoded(inside, _first(headers, "content-transfer-encoding")).lstrip(b"\r\n")
        parts = (_part(message, 0, len(message), depth + 1, budget, "text/plain"),)
    elif kind.startswith("multipart/") and boundary:
        of_digest = "message/rfc822" if kind == "multipart/digest" else "text/plain"
        parts = tuple(
            _part(raw, begin, stop, depth + 1, budget, of_digest)
            for begin, stop in _segments(raw, body, end, boundary.encode())
        )
    return Part(headers, kind, parameters, disposition, b"" if parts else inside, parts)


def _type(headers: Headers, usual: str) -> tuple[str, dict[str, str]]:
    value = _first(headers, "content-type")
    if value is None:
        return usual, {}
    kind, parameters = parse_parameters(unfold(value))
    return kind if kind.count("/") == 1 else "text/plain", parameters


def _first(headers: Headers, name: str) -> bytes | None:
    return next((value for header, value in headers if header == name), None)


def _headers(raw: bytes, start: int, end: int) -> tuple[Headers, int]:
    """The headers from *start* on, unparsed, and where the body begins."""
    found: list[tuple[str, bytes]] = []
    name, begin, until = "", start, start  # the header that is being collected
    last_sure = -1
    position = start

    def close() -> None:
        if until - begin > HEADER:
            raise MessageRefused("header-too-long", f"{until - begin} bytes, at most {HEADER}")
        if name:
            found.append((name, raw[begin:until].strip()))

    for _ in range(LINES):
        newline = raw.find(b"\n", position, end)
        stop = end if newline < 0 else newline + 1
        if position >= end or raw[position:stop] in (b"\n", b"\r\n"):
            close()
            return tuple(found), stop
        if raw[position] in b" \t":
            until = stop
        elif match := _FIELD.match(raw, position, stop):
            close()
            name, begin, until = match[1].decode("ascii").lower(), match.end(), stop
        elif not (position == start and raw.startswith(b"From ", start)):
            # The envelope line of a mailbox file is passed over; anything else may be where the body begins.
            last_sure = _last_sure_header(raw, position, end) if last_sure < 0 else last_sure
            if last_sure <= position:
                close()
                return tuple(found), position
        position = stop
        if position - start > HEADERS:
            break
    close()
    raise MessageRefused("header-too-long", f"headers of more than {HEADERS} bytes or {LINES} lines")


def _last_sure_header(raw: bytes, position: int, end: int) -> int:
    end = min(end, position + HEADERS)
    blank = _BLANK.search(raw, position, end)
    sure = [match.start() for match in _SURELY_HEADER.finditer(raw, position, blank.start() if blank else end)]
    return sure[-1] if sure else 0


def _segments(raw: bytes, start: int, end: int, boundary: bytes) -> Iterator[tuple[int, int]]:
    """Where each part of a multipart begins and ends; one that is never closed ends with what it stands in."""
    delimiter = re.compile(rb"\n--" + re.escape(boundary) + rb"(--)?[ \t\r]*+(?![^\n])")
    begin: int | None = None
    for match in delimiter.finditer(raw, max(0, start - 1), end):
        at = match.start()
        if begin == at + 1:  # delimiters line under line are one, as the standard library has it
            begin = min(end, match.end() + 1)
            continue
        if begin is not None:
            yield begin, max(begin, at - (raw[at - 1 : at] == b"\r"))
        if match[1]:
            return
        begin = min(end, match.end() + 1)
    if begin is not None:
        yield begin, end


def _decoded(body: bytes, encoding: bytes | None) -> bytes:
    name = match[0].lower() if (match := _ENCODING.search(encoding or b"")) else b""
    if name == b"base64":
        try:
            return binascii.a2b_base64(body)
        except binascii.Error:
            data = _NOT_BASE64.sub(b"", body)
            return binascii.a2b_base64(data[: len(data) - (len(data) % 4 == 1)] + b"===")
    if name == b"quoted-printable":
        return binascii.a2b_qp(body)
    return body
