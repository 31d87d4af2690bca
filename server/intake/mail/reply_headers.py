"""Headers of what we send, folded by ourselves: short lines that every mail program reads right."""

from base64 import b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import quote

WIDTH = 76
"""Longest line of a header; a single Message-ID or word of a name may be longer by itself."""

_WORD_BYTES = 36  # of UTF-8 in one encoded word: 48 letters, 60 with its frame
_SEGMENT = 56  # letters of one piece of a long parameter
_FOLD = "\r\n "


def text_value(text: str) -> str:
    """*text* as the value of Subject or as a display name: encoded words, cut between characters."""
    if text.isascii() and "=?" not in text and all(len(word) < 60 for word in text.split(" ")):
        return _FOLD.join(_wrapped(text))
    return _FOLD.join(_encoded_words(text))


def mailbox_value(name: str, address: str) -> str:
    """A name and an address as From or To; *address* must be an address."""
    if not name:
        return f"<{address}>"
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    plain = name.isascii() and "=?" not in name and len(quoted) < 60
    written = f'"{quoted}"' if plain else _FOLD.join(_encoded_words(name))
    joined = f"{written} <{address}>"
    return joined if len(joined) < WIDTH - len("From: ") and _FOLD not in written else f"{written}{_FOLD}<{address}>"


def ids_value(ids: Iterable[str]) -> str:
    """Message-IDs, one to a line."""
    return _FOLD.join(ids)


def content_type(media_type: str, filename: str) -> str:
    """Content-Type with the name as RFC 2047 words, which is what QQ and old Outlook read."""
    return f'{media_type};{_FOLD}name="{_FOLD.join(_encoded_words(filename))}"'


def content_disposition(filename: str) -> str:
    """Content-Disposition with the name as RFC 2231 says, in pieces that never cut a character."""
    whole = quote(filename, safe="")
    if len(whole) <= _SEGMENT:
        return f"attachment;{_FOLD}filename*=UTF-8''{whole}"
    pieces = [""]
    for character in filename:
        escaped = quote(character, safe="")
        if len(pieces[-1]) + len(escaped) > _SEGMENT:
            pieces.append("")
        pieces[-1] += escaped
    first, *rest = pieces
    written = [f"filename*0*=UTF-8''{first}", *(f"filename*{n}*={piece}" for n, piece in enumerate(rest, 1))]
    return ";".join(["attachment", *(f"{_FOLD}{piece}" for piece in written)])


def _encoded_words(text: str) -> Iterator[str]:
    word = b""
    for character in text:
        encoded = character.encode()
        if len(word) + len(encoded) > _WORD_BYTES:
            yield _encoded(word)
            word = b""
        word += encoded
    if word:
        yield _encoded(word)


def _encoded(word: bytes) -> str:
    return f"=?utf-8?B?{b64encode(word).decode()}?="


def _wrapped(text: str) -> Iterator[str]:
    line = ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > WIDTH - len("Subject: "):
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line
