"""Bytes to text by what they are rather than by what they are labelled: Chinese mail programs label wrongly."""

import codecs
import re
from collections.abc import Iterator
from functools import cache

# Foxmail writes gb2312 for everything a Chinese Windows can type; gb18030 holds all of it.
_CHINESE = "gb18030"
_CODECS = {
    "utf-8": ("utf-8", "utf8", "unicode-1-1-utf-8", "cp65001", "utf-8-sig", "utf8mb4"),
    _CHINESE: (
        "gb2312", "gb-2312", "gb2312-80", "gb-2312-80", "csgb2312", "iso-ir-58", "chinese", "euc-cn", "x-euc-cn",
        "gbk", "x-gbk", "cp936", "ms936", "936", "windows-936", "gb18030", "gb-18030", "gb18030-2000", "x-gb18030",
    ),
    "hz": ("hz-gb-2312", "hz-gb2312", "hz"),
    "big5hkscs": ("big5", "big5-hkscs", "cn-big5", "x-big5", "cp950", "ms950"),
    "cp932": ("shift-jis", "sjis", "x-sjis", "ms-kanji", "cp932", "windows-31j"),
    "euc_jp": ("euc-jp", "x-euc-jp"),
    "iso2022_jp_2": ("iso-2022-jp", "iso-2022-jp-1", "iso-2022-jp-2", "csiso2022jp"),
    "cp949": ("euc-kr", "ks-c-5601-1987", "cp949", "uhc"),
    "utf-16": ("utf-16", "unicode"),
    "utf-16-le": ("utf-16le",),
    "utf-16-be": ("utf-16be",),
    "utf-7": ("utf-7", "unicode-1-1-utf-7"),
    "koi8_r": ("koi8-r",),
    "koi8_u": ("koi8-u",),
    # What browsers make of these labels too; the bytes 80 to 9F are letters and quotes, never controls.
    "cp1252": ("iso-8859-1", "latin1", "latin-1", "windows-1252", "cp1252", "us-ascii", "ascii", "iso-8859-15"),
}  # fmt: skip
_BY_LABEL = {label: codec for codec, labels in _CODECS.items() for label in labels}
_BY_LABEL |= {f"windows-{page}": f"cp{page}" for page in (1250, 1251, 1253, 1254, 1255, 1256, 1257, 1258, 874)}
_BY_LABEL |= {f"iso-8859-{number}": f"iso8859_{number}" for number in (*range(2, 12), 13, 14, 16)}
_STATEFUL = frozenset({"hz", "iso2022_jp_2", "utf-7", "utf-16", "utf-16-le", "utf-16-be"})

_TWO_HANZI = re.compile("(?=[\u4e00-\u9fff]{2})")
_HANZI_OR_SIGN = re.compile("[\u2010-\u2bff\u3000-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef]")
_TWO_BYTE_LETTER = re.compile("[\u0080-\u07ff]")


def decode(data: bytes, label: str = "") -> str:
    """
    *data* as text, whatever it was labelled; an empty or unknown *label* is a guess between UTF-8 and GB 18030.

    Never raises: what no charset explains comes as U+FFFD. Half a character at the end,
    where a gateway cut it off, is left out.
    """
    codec = _codec(label)
    if codec not in _STATEFUL and data.isascii():
        return data.decode("ascii")
    if codec is None:
        return _guess(data)
    if codec == "utf-8":
        return _utf8(data) or _first(data, _CHINESE, "utf-8")
    if codec == _CHINESE:
        return _obvious_utf8(data) or _first(data, _CHINESE, "utf-8")
    if codec == "cp1252":
        # A label of Latin letters over pairs of bytes that are Chinese: a program that never asked its user.
        return _obvious_utf8(data) or _hanzi(data, _CHINESE) or _first(data, "cp1252", _CHINESE)
    return _first(data, codec, "utf-8", _CHINESE)


@cache
def _codec(label: str) -> str | None:
    # RFC 2231 lets a language follow the charset of an encoded word: =?utf-8*zh?…
    return _BY_LABEL.get(label.partition("*")[0].strip().lower().replace("_", "-"))


def _guess(data: bytes) -> str:
    text = _utf8(data)
    if text is None:
        return _first(data, _CHINESE, "utf-8")
    if not _HANZI_OR_SIGN.search(text) and (hanzi := _hanzi(data)):
        # Short GBK texts such as 一些 happen to be valid UTF-8 for Cyrillic or accented letters.
        return hanzi
    return text


def _utf8(data: bytes) -> str | None:
    """The text when *data* is UTF-8, up to a character cut off at its end; None when it is not."""
    text = _strict(data, "utf-8")
    return text.removeprefix("\ufeff") if text and not text.isascii() else None


def _obvious_utf8(data: bytes) -> str | None:
    """The text when *data* is UTF-8 that cannot well be anything else: of three-byte characters only."""
    text = _utf8(data)
    return text if text and _HANZI_OR_SIGN.search(text) and not _TWO_BYTE_LETTER.search(text) else None


def _hanzi(data: bytes, codec: str = "gb2312") -> str | None:
    """The text when *data* is all Chinese, two common characters in a row; accented letters do not stand in fours."""
    text = _strict(data, codec)
    if text is None or not any(_strict(pair.encode("gb2312", "replace"), "gb2312") == pair for pair in _pairs(text)):
        return None
    return text


def _pairs(text: str) -> Iterator[str]:
    return (text[match.start() : match.start() + 2] for match in _TWO_HANZI.finditer(text))


def _first(data: bytes, *candidates: str) -> str:
    """The text by the first codec that explains all bytes; failing that, by the one that explains the most."""
    for codec in candidates:
        if (text := _strict(data, codec)) is not None:
            return text
    return min((data.decode(codec, "replace") for codec in candidates), key=lambda text: text.count("\ufffd"))


def _strict(data: bytes, codec: str) -> str | None:
    try:
        return codecs.getincrementaldecoder(codec)().decode(data)
    except UnicodeError:
        return None
