"""What a message says in words, and whether a link stands where the workbook should be attached."""

import html
import re
from collections.abc import Iterable

from server.intake.mail import charsets
from server.intake.mail.names import visible
from server.intake.mail.parts import Part

LONGEST = 2_000
_LOOKED_AT = 512 << 10  # bytes of one text part
_UNSEEN = ("style", "script", "head", "title")
_BREAKS = frozenset({"br", "p", "div", "tr", "li", "table", "h1", "h2", "h3", "blockquote"})
_TAG = re.compile(r"/?([a-z][a-z0-9]*)", re.IGNORECASE)
_BLANKS = re.compile(r"[^\S\n]+")
_EMPTY_LINES = re.compile(r"\n\s*\n\s*\n")

# Where QQ, Exmail, Foxmail, 163, 126 and NetEase Mail Master put attachments that are too large for them.
_CENTRES = re.compile(
    r"(?:mail|exmail)\.qq\.com/cgi-bin/ftn|wx\.mail\.qq\.com/ftn/|ftn\.(?:exmail\.)?qq\.com/"
    r"|exmail(?:\.weixin)?\.qq\.com/ftn/"
    r"|mail\.163\.com/large-attachment-download/|dashi\.163\.com/html/cloud-attachment-download"
    r"|(?:fs|u)\.163\.com/\w|fs\.(?:126|yeah)\.(?:com|net)/fs/|x-netease-huge-attachment",
    re.IGNORECASE,
)


def has_large_link(parts: Iterable[Part]) -> bool:
    """Whether one of the text *parts* links to a mail provider's centre for large attachments."""
    return any(_CENTRES.search(_text(part)) for part in parts)


def words(parts: Iterable[Part]) -> str:
    """The first `LONGEST` characters people read in the text *parts*: plain text where there is any, else HTML."""
    ordered = sorted(parts, key=lambda part: part.kind == "text/html")
    for part in ordered:
        text = _text(part)
        text = _without_tags(text) if part.kind == "text/html" else text
        lines = "\n".join(visible(line).strip() for line in _BLANKS.sub(" ", text).split("\n"))
        if shown := _EMPTY_LINES.sub("\n\n", lines).strip():
            return shown[:LONGEST]
    return ""


def _text(part: Part) -> str:
    return charsets.decode(part.content()[:_LOOKED_AT], part.parameters.get("charset", ""))


def _without_tags(text: str) -> str:
    """The text of an HTML page, in one pass: this is no parser, so that no page can make it slow."""
    before, *pieces = text.split("<")
    out = [before]
    unseen = ""  # the element whose text is not for people
    for piece in pieces:
        tag, closed, after = piece.partition(">")
        match = _TAG.match(tag)
        name = match[1].lower() if match else ""
        if unseen:
            if not (name == unseen and tag.startswith("/")):
                continue
            unseen = ""
        elif name in _UNSEEN and not tag.startswith("/"):
            unseen = name
            continue
        if closed and (match or tag.startswith("!")):
            out += ["\n" if name in _BREAKS else "", after]
        else:
            out += ["<", piece]  # a "less than"
    return html.unescape("".join(out))
