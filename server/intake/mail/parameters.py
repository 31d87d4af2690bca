"""The parameters of Content-Type and Content-Disposition, plain and in pieces (RFC 2045, RFC 2231)."""

import re
from bisect import bisect_left
from urllib.parse import unquote_to_bytes

from server.intake.mail import charsets

_AT_MOST = 2_000  # parameters of one header
_PIECE = re.compile(r"([^*]+)(?:\*(\d{1,9}))?(\*)?")
_CHARSET = re.compile(r"([\w.:+-]*)'([\w-]*)'")
_QUOTE = re.compile(r'\\*+"')
_QUOTED = re.compile(r'\\(["\\])')
_END = re.compile(r"\s*+(?:;|$)")


def parse_parameters(text: str) -> tuple[str, dict[str, str]]:
    """
    What stands before the first semicolon, in lower case, and the parameters after it.

    A value in the extended form is decoded and filed under "name*", beside a plain "name";
    encoded words in either are left as they are. Of two parameters with one name the first counts.
    """
    kind, _, rest = text.partition(";")
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    for name, value in _pairs(rest):
        match = _PIECE.fullmatch(name)
        if match is None or (match[2] is None and match[3] is None):
            plain.setdefault(name, value)
        else:
            pieces.setdefault(match[1], {}).setdefault(int(match[2] or 0), (match[3] is not None, value))
    return kind.strip().lower(), plain | {f"{name}*": _assemble(numbered) for name, numbered in pieces.items()}


def _pairs(text: str) -> list[tuple[str, str]]:
    """(name in lower case, value) of each parameter; semicolons in quotes do not end one."""
    pairs: list[tuple[str, str]] = []
    quotes = _Quotes(text)
    position, equals = 0, -1
    while position < len(text) and len(pairs) < _AT_MOST:
        equals = text.find("=", position) if equals < position else equals
        if equals < 0:
            break
        # Between the last semicolon and the sign stands the name; words without a sign are passed over.
        name = text[max(position, text.rfind(";", position, equals) + 1) : equals].strip().lower()
        start = equals + 1
        while start < len(text) and text[start] in " \t":
            start += 1
        if text.startswith('"', start):
            stop, position = quotes.close(start + 1)
            value = _QUOTED.sub(r"\1", text[start + 1 : stop])
        else:
            stop = text.find(";", start)
            stop = len(text) if stop < 0 else stop
            value, position = text[start:stop].strip(), stop + 1
        if name:
            pairs.append((name, value))
    return pairs


class _Quotes:
    """
    Where quoted values end, found once for a whole header.

    A quote that does not end the parameter belongs to the name, and a backslash that
    escapes nothing is one: both come from programs that do not escape.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._plain = [match.end() - 1 for match in _QUOTE.finditer(text) if len(match[0]) % 2]
        self._ending = [quote for quote in self._plain if _END.match(text, quote + 1)]

    def close(self, start: int) -> tuple[int, int]:
        """Where the value that begins at *start* ends, and where the next parameter begins."""
        if (quote := _next(self._ending, start)) is not None:
            match = _END.match(self._text, quote + 1)
            assert match is not None
            return quote, match.end()
        quote = _next(self._plain, start)
        if quote is None:
            return len(self._text), len(self._text)
        semicolon = self._text.find(";", quote)
        return quote, len(self._text) if semicolon < 0 else semicolon + 1


def _next(positions: list[int], start: int) -> int | None:
    index = bisect_left(positions, start)
    return positions[index] if index < len(positions) else None


def _assemble(numbered: dict[int, tuple[bool, str]]) -> str:
    """
    The value of a parameter from its pieces, which may be cut inside %XX and inside a character.

    Bytes are collected from all pieces first and decoded once.
    """
    ordered = [numbered[number] for number in sorted(numbered)]
    starred = escaped = any(extended for extended, _ in ordered)
    label = ""
    first, value = ordered[0]
    # Some programs forget the star but not what it announces.
    if (match := _CHARSET.match(value)) and (first or "%" in value):
        label, escaped = match[1], True
        ordered[0] = (first, value[match.end() :])
    if not escaped:
        return "".join(value for _, value in ordered)
    data = bytearray()
    run = ""
    for extended, value in ordered:
        if extended or not starred:
            run += value
            continue
        data += unquote_to_bytes(run)
        run = ""
        data += value.encode("utf-8" if value.isascii() else _spelled(label), "replace")
    data += unquote_to_bytes(run)
    return charsets.decode(bytes(data), label)


def _spelled(label: str) -> str:
    """The encoding in which text that was sent raw joins bytes labelled *label*."""
    return "utf-8" if label.lower() in ("", "utf-8", "utf8") else "gb18030"
