"""Authentication-Results (RFC 8601): whether our own boundary has found the From address to be genuine."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as default

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[();=]|[^\s();="]+|\s+')
_LONGEST = 16_384  # our boundary's line is a few hundred characters


@dataclass(slots=True)
class _Result:
    method: str
    value: str
    properties: dict[str, str] = default(default_factory=dict)


def from_is_genuine(headers: Sequence[str], address: str, *, authserv_id: str, without_name: bool = False) -> bool:
    """
    Whether the boundary says that *address* is no forgery: DMARC passed for its domain, or DKIM with that very domain.

    Believed is only the topmost of *headers* (topmost first) that carries *authserv_id*;
    those below it came with the message. With *without_name* (Exchange Online) it is the
    very first header, and only if it carries no name. SPF alone proves the envelope, not
    the From. Anything doubtful is no.
    """
    domain = address.rpartition("@")[2].lower().rstrip(".")
    results = _boundary(headers, authserv_id, without_name) if domain else None
    if results is None:
        return False
    dmarc = [result for result in results if result.method == "dmarc"]
    if dmarc and all(result.value == "pass" for result in dmarc):
        return all(result.properties.get("header.from", "").rstrip(".") == domain for result in dmarc)
    if any(result.value != "none" for result in dmarc):
        return False  # failed, or could not be decided
    return any(
        result.method == "dkim" and result.value == "pass" and _signer(result).rstrip(".") == domain
        for result in results
    )


def _boundary(headers: Sequence[str], authserv_id: str, without_name: bool) -> list[_Result] | None:
    """The results of our own boundary; None when it has stamped none."""
    for header in headers:
        name, results = _parse(header)
        if without_name:
            return results if name == "" else None
        if authserv_id and name == authserv_id.lower():
            return results
    return None


def _parse(header: str) -> tuple[str | None, list[_Result]]:
    """The authserv-id ("" for none) and the results of one header; (None, []) for one that makes no sense."""
    if len(header) > _LONGEST:
        return None, []
    segments = _segments(header)
    if segments is None:
        return None, []
    head, *rest = segments
    if "=" in head:  # no authserv-id: the first results stand where it belongs
        name, rest = "", segments
    else:
        name = head[0].lower() if head else ""
    results = [result for segment in rest if (result := _result(segment)) is not None]
    return name, results


def _segments(header: str) -> list[list[str]] | None:
    """The words between semicolons, comments left out; None when a comment or a string does not end."""
    segments: list[list[str]] = [[]]
    depth, position = 0, 0
    while position < len(header):
        match = _TOKEN.match(header, position)
        if match is None:
            return None
        word, position = match[0], match.end()
        if word in "()":
            depth += 1 if word == "(" else -1
            if depth < 0:
                return None
        elif depth or word.isspace():
            continue
        elif word == ";":
            segments.append([])
        else:
            segments[-1].append(word)
    return segments if depth == 0 else None


def _result(words: list[str]) -> _Result | None:
    """One `method=result property=value …`; None for `none` and for what is no result."""
    pairs: dict[str, str] = {}
    method = ""
    for name, equals, value in zip(words, words[1:], words[2:], strict=False):
        if equals != "=" or name == "=" or value == "=":
            continue
        name, value = name.lower(), _unquoted(value).lower()
        if not method:
            method = name.partition("/")[0]
            pairs[""] = value
        elif pairs.setdefault(name, value) != value:
            pairs[name] = ""  # said twice, and not the same: neither is believed
    return _Result(method, pairs.pop(""), pairs) if method else None


def _signer(result: _Result) -> str:
    return result.properties.get("header.d") or result.properties.get("header.i", "").rpartition("@")[2]


def _unquoted(word: str) -> str:
    return re.sub(r"\\(.)", r"\1", word[1:-1]) if word.startswith('"') else word
