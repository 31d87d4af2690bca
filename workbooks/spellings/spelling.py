"""Text as people and Excel leave it in cells: cleaned, folded for comparison, blank although something stands there."""

import re
import unicodedata
from typing import Final

# Excel writes characters that XML cannot hold as _x000D_; only control characters are meant by it here.
_ESCAPE = re.compile(r"_x(00[01][0-9A-Fa-f]|007[Ff]|00[89][0-9A-Fa-f]|[Ff]{3}[EeFf])_")
_DROPPED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
_WIDE: Final = {0x3000: " ", 0xA0: " "} | {
    code: chr(code - 0xFEE0) for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))
}
# Text without any of these, and in NFC, is clean but for the spaces around it.
_ODD = re.compile(f"{_DROPPED.pattern}|[\r\x85\u3000\xa0０-９Ａ-Ｚａ-ｚ]|_x")
_WHITE = re.compile(r"\s+")

CELL_ERRORS: Final = frozenset(
    {
        "#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NULL!", "#NUM!", "#GETTING_DATA", "#SPILL!", "#CALC!",
        "#FIELD!", "#BLOCKED!", "#UNKNOWN!", "#CONNECT!", "#BUSY!",
    }
)  # fmt: skip
"""What a cell shows when its formula failed."""

_BLANK_WORDS: Final = frozenset(
    {
        "无", "暂无", "没有", "空", "不详", "不明", "未知", "不适用", "未填", "-", "--", "---", "—", "——",
        "———", "–", "―", "_", "/", "//", "\\", ".", "。", "…", "……", "*", "n/a", "n.a.", "na", "n\\a",
        "nil", "none", "null",
    }
)  # fmt: skip


def clean(text: str) -> str:
    """
    *text* as it is stored: without control characters and spaces at the ends, in NFC.

    Full-width letters, digits and spaces become plain ones; Chinese punctuation stays.
    """
    if _ODD.search(text) is None and (text.isascii() or unicodedata.is_normalized("NFC", text)):
        return text.strip()
    text = _ESCAPE.sub(_unescaped, text.translate(_WIDE))
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x85", "\n").replace("\u2028", "\n")
    return unicodedata.normalize("NFC", _DROPPED.sub("", text)).strip()


def _unescaped(match: re.Match[str]) -> str:
    return {0x09: "\t", 0x0A: "\n", 0x0D: "\n"}.get(int(match[1], 16), "")


def fold(text: str) -> str:
    """*text* as choices are compared: width, case, spaces and quotation marks do not matter."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return _WHITE.sub("", text.casefold()).strip("\"'“”‘’`")


# What forms print into a cell for a date or a time to be written around.
_TO_BE_DATED: Final = re.compile(
    r"[\s_＿]*年?[\s_＿]*月[\s_＿]*日?([\s_＿]*时([\s_＿]*分)?)?[\s_＿]*|[\s_＿]*时[\s_＿]*分[\s_＿]*"
)


def is_blank(text: str) -> bool:
    """Whether a cleaned *text* is empty, says in words that there is nothing to say, or is "  年  月  日"."""
    if not text or text.casefold() in _BLANK_WORDS or fold(text) in _BLANK_WORDS:
        return True
    return text[-1] in "日月分时_" and _TO_BE_DATED.fullmatch(text) is not None
