"""Header texts and attachment names as people wrote them, in every form mail programs send them."""

import binascii
import re
import unicodedata
from typing import Protocol
from urllib.parse import unquote_to_bytes

from server.intake.mail import charsets
from server.intake.mail.parameters import parse_parameters

LONGEST = 180
"""Characters a cleaned name has at most; its suffix is kept."""

_WORD = re.compile(r"=\?([\w.:+*-]{1,60})\?([bBqQ])\?([^?]*)(?:\?=|\??$)")
_FOLD = re.compile(rb"[\r\n]+")
_SPACES = re.compile("[\t\n\v\f\r\x85\u2028\u2029]+")
# Controls, soft hyphens, zero-width and bidi characters, surrogates, non-characters, tags: a name shows none of them.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ud800-\udfff\ufdd0-\ufdef\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e0fff]"
)
_NOT_IN_NAMES = re.compile(r'[<>:"|?*]')
_RESERVED = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[\d¹²³])(?= *(?:\.|$))", re.IGNORECASE)
_SUFFIX = re.compile(r"\.[^. ]{1,10}$")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
_CHARSET = re.compile(r"([\w.:+-]*)'[\w-]*'(.*)", re.DOTALL)
_ESCAPED = re.compile("[\udc80-\udcff]")  # how the standard library's parser hands over bytes that are no ASCII
_PERCENTS = re.compile(r"(?:%[89A-Fa-f][0-9A-Fa-f]){2}")


class HasHeaders(Protocol):
    """A part of a message: `raw("content-type")` is the first such header's value, as it was sent, or None."""

    def raw(self, name: str) -> bytes | None: ...


def decode_header(raw: bytes | str) -> str:
    """
    The text of a header: unfolded, encoded words decoded, nothing invisible left in it.

    Words are joined before they are decoded, because gateways cut characters in half.
    """
    text = unfold(raw)
    if "=?" in text:
        text = _decode_words(text)
    return visible(text).strip()


def unfold(raw: bytes | str) -> str:
    """A header's value on one line, its 8-bit bytes read as what they are."""
    if isinstance(raw, str):
        raw = raw.encode("utf-8", "surrogateescape" if _ESCAPED.search(raw) else "surrogatepass")
    return charsets.decode(_FOLD.sub(b"", raw))


def visible(text: str) -> str:
    """*text* on one line without characters that show nothing or turn the direction of reading."""
    return _INVISIBLE.sub("", _SPACES.sub(" ", text))


def attachment_name(part: HasHeaders) -> str:
    """
    The cleaned name of an attachment; empty when it has none.

    Of the up to four names a part may carry, the one in RFC 2231 form comes first, then
    the disposition's; one that lost characters on its way (??.xlsx) only if all did.
    """
    names = []
    for header, parameter in (("content-disposition", "filename"), ("content-type", "name")):
        if (raw := part.raw(header)) is not None:
            _, parameters = parse_parameters(unfold(raw))
            names += [
                text for key in (f"{parameter}*", parameter) if (text := _decode_parameter(parameters.get(key, "")))
            ]
    whole = (text for text in names if "\ufffd" not in text and "?" not in text and clean_name(text))
    return clean_name(next(whole, names[0] if names else ""))


def clean_name(text: str) -> str:
    """
    *text* as a file name that can be shown and offered for saving anywhere.

    Composed (NFC), its last path segment only, nothing invisible, none of Windows' reserved
    names or characters, at most `LONGEST` characters. It is never used to find or store a file.
    """
    name = unicodedata.normalize("NFC", visible(text))
    name = name.replace("\\", "/").rstrip("/ ").rpartition("/")[2]
    name = _NOT_IN_NAMES.sub("_", name).strip(" ").rstrip(". ")
    if _RESERVED.match(name):
        name = f"_{name}"
    if len(name) > LONGEST:
        suffix = match[0] if (match := _SUFFIX.search(name)) else ""
        name = name[: LONGEST - len(suffix)].rstrip(". ") + suffix
    return name if name.strip(".") else ""


def _decode_parameter(text: str) -> str:
    if "=?" in text:
        return _decode_words(text)
    if text.isascii() and _PERCENTS.search(text):
        # Web mail that escapes a name like a link, or forgets the star that RFC 2231 puts behind "filename".
        label, value = match.groups() if (match := _CHARSET.fullmatch(text)) else ("", text)
        readable = charsets.decode(unquote_to_bytes(value), label)
        return text if "\ufffd" in readable else readable
    return text


def _decode_words(text: str) -> str:
    """*text* with its encoded words decoded; blanks between two of them are not part of it."""
    out: list[str] = []
    run: list[tuple[str, bytes]] = []  # words that follow each other
    position = 0
    for match in _WORD.finditer(text):
        between = text[position : match.start()]
        if between.strip() or not run:
            out += [_join(run), between]
            run = []
        position = match.end()
        label, encoding, payload = match.groups()
        if payload.isascii():
            run.append((label, _base64(payload) if encoding in "bB" else _quoted(payload)))
        else:
            out += [_join(run), payload]  # raw bytes in a word that says it is encoded
            run = []
    return "".join([*out, _join(run), text[position:]])


def _join(words: list[tuple[str, bytes]]) -> str:
    out: list[str] = []
    start = 0
    for index in range(1, len(words) + 1):
        label = words[start][0].lower()
        if index < len(words) and words[index][0].lower() == label:
            continue
        group = [data for _, data in words[start:index]]
        text = charsets.decode(b"".join(group), label)
        if "\ufffd" in text and len(group) > 1:
            alone = "".join(charsets.decode(data, label) for data in group)
            text = min(text, alone, key=lambda each: each.count("\ufffd"))
        out.append(text)
        start = index
    return "".join(out)


def _base64(payload: str) -> bytes:
    """Base64 as it comes: with blanks inside, and without the padding at its end."""
    data = _NOT_BASE64.sub(b"", payload.encode())
    if len(data) % 4 == 1:
        data = data[:-1]
    return binascii.a2b_base64(data + b"=" * (-len(data) % 4))


def _quoted(payload: str) -> bytes:
    return binascii.a2b_qp(payload.encode(), header=True)
