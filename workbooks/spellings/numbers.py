"""Numbers as people type them: 1,250 · １２．５万 · ￥1,200元 · (500) · 125000km · 三十五."""

import re
import unicodedata
from decimal import Decimal
from typing import Final, NamedTuple

from workbooks.form import Text
from workbooks.formulas.excel_values import trimmed

LARGEST: Final = 10**18  # what a database keeps as a whole number
_LONGEST = 40  # characters; a number of a service form has far fewer
_NUMBER = re.compile(
    r"""(?P<open>\()?
        (?P<sign>[-+]?)
        (?:[¥$€£]|rmb|cny|usd|人民币)?
        (?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d*)?|\d+\.?\d*|\.\d+)
        (?:e(?P<exponent>[-+]?\d{1,2}))?
        (?P<times>(?:千(?![米克瓦伏帕])|[十百万亿]){1,2})?
        (?P<unit>[^\d()]{0,12})
        (?P<close>\))?""",
    re.VERBOSE,
)
_DASHES: Final = str.maketrans("−–－", "---")
_TIMES: Final = {"十": 10, "百": 100, "千": 1000, "万": 10**4, "亿": 10**8}
_CHINESE_DIGITS: Final = {
    character: value
    for value, characters in enumerate(
        ["零〇○", "一壹", "二贰两", "三叁", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖"]
    )
    for character in characters
}
_CHINESE_TENS: Final = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_CHINESE = re.compile(rf"[{''.join((*_CHINESE_DIGITS, *_CHINESE_TENS))}万亿]+")

_MONEY: Final = frozenset({"元", "圆", "块", "元整", "yuan", "rmb", "cny"})
# Spellings of one unit, by dimension, with what one of it is worth in the dimension's smallest.
_DIMENSIONS: Final = (
    {"km": 1000, "公里": 1000, "千米": 1000, "m": 1, "米": 1},
    {
        "s": 1, "秒": 1, "秒钟": 1, "sec": 1, "min": 60, "mins": 60, "minute": 60, "minutes": 60, "分": 60, "分钟": 60,
        "h": 3600, "hr": 3600, "hrs": 3600, "hour": 3600, "hours": 3600, "时": 3600, "小时": 3600, "个小时": 3600,
        "钟头": 3600, "d": 86400, "day": 86400, "days": 86400, "天": 86400, "日": 86400,
    },
    dict.fromkeys((*_MONEY, "¥"), 1),
    {"g": 1, "克": 1, "kg": 1000, "公斤": 1000, "千克": 1000, "t": 10**6, "吨": 10**6},
    {"kpa": 1, "mpa": 1000, "bar": 100},
    {"v": 1, "伏": 1, "kv": 1000}, {"a": 1, "安": 1, "安培": 1}, {"℃": 1, "°c": 1, "度": 1, "摄氏度": 1},
    {"年": 12, "year": 12, "years": 12, "月": 1, "个月": 1, "month": 1, "months": 1},
    {"分": 1, "points": 1, "point": 1, "pts": 1},
)  # fmt: skip
_COUNTED: Final = frozenset(
    {
        "个", "件", "台", "套", "次", "只", "份", "张", "项", "人", "名", "位", "根", "块", "片", "组", "辆",
        "列", "箱", "条", "支", "处", "人次", "台次", "人天", "pcs", "pc", "个人", "pieces", "piece", "times",
        "set", "sets", "persons",
    }
)  # fmt: skip


class Typed(NamedTuple):
    """The number found in a text; *guessed* when its unit had to be converted or left aside."""

    number: Decimal
    guessed: bool = False


def number_in(text: str, unit: Text | None = None) -> Typed | None:
    """
    The number that *text* means in a field measured in *unit*; None when it is not exactly one number.

    Unsure ones (约2小时, 半天, 3-5, >10) are none: nobody can compute with them.
    """
    if len(text) > _LONGEST:
        return None
    plain = unicodedata.normalize("NFKC", text).translate(_DASHES).casefold()
    plain = "".join(plain.split())
    match = _NUMBER.fullmatch(plain)
    if match is None:
        return _chinese_with_unit(plain, unit)
    if bool(match["open"]) != bool(match["close"]) or (match["open"] and match["sign"]):
        return None
    number = Decimal(match["digits"].replace(",", "")).scaleb(int(match["exponent"] or 0))
    for times in match["times"] or "":
        number *= _TIMES[times]
    if abs(number) >= LARGEST:
        return None
    if match["sign"] == "-" or match["open"]:
        number = -number  # accountants put a loss in brackets
    return _in_unit(number, match["unit"], unit)


def _chinese_with_unit(plain: str, unit: Text | None) -> Typed | None:
    match = _CHINESE.match(plain)
    if match is None:
        return None
    number = chinese_number(match[0])
    return None if number is None else _in_unit(Decimal(number), plain[match.end() :], unit)


def _in_unit(number: Decimal, written: str, unit: Text | None) -> Typed | None:
    """*number* of the unit *written* behind it, in the field's own *unit*."""
    own = {u.casefold() for u in (unit.zh, unit.en)} if unit is not None else set()
    if written in own or not written:
        return Typed(_trimmed(number))
    if written == "%":
        return Typed(_trimmed(number / 100))
    if written in _COUNTED and (not own or own & _COUNTED):
        return Typed(_trimmed(number))
    if not own and written in _MONEY:
        return Typed(_trimmed(number))
    if not own:
        known = any(written in dimension for dimension in _DIMENSIONS)
        return Typed(_trimmed(number), guessed=True) if known else None
    for dimension in _DIMENSIONS:
        for spelling in own & dimension.keys():
            if written in dimension:
                factor = Decimal(dimension[written]) / Decimal(dimension[spelling])
                return Typed(_trimmed(number * factor), guessed=factor != 1)
    return None


def _trimmed(number: Decimal) -> Decimal:
    """*number* without trailing zeros and exponent, with at most 15 decimals."""
    return trimmed(round(number, 15) if int(number.as_tuple().exponent) < -15 else number)


def chinese_number(text: str) -> int | None:
    """The number written in Chinese numerals (三十五, 一百零二, 两万, 二〇二二); None when it is not one."""
    if all(character in _CHINESE_DIGITS for character in text):
        if len(text) == 2 and all(map(_CHINESE_DIGITS.get, text)):
            return None  # 五六 is five or six
        return int("".join(str(_CHINESE_DIGITS[character]) for character in text)) if text else None
    total = section = 0
    digit: int | None = None
    smallest = 10**9
    for character in text:
        if character in _CHINESE_DIGITS:
            if digit:
                return None
            digit = _CHINESE_DIGITS[character]
        elif character in _CHINESE_TENS:
            size = _CHINESE_TENS[character]
            if size >= smallest or (digit is None and size != 10) or digit == 0:
                return None
            section += (1 if digit is None else digit) * size
            smallest, digit = size, None
        elif character in "万亿":
            section += digit or 0
            if not section or (total and total < _TIMES[character]):
                return None
            total = (total + section) * _TIMES[character] if character == "亿" else total + section * 10**4
            section, smallest, digit = 0, 10**9, None
        else:
            return None
    # 三百五 means 350 to some and 305 to others.
    if digit and text[-2:-1] in _CHINESE_TENS and _CHINESE_TENS[text[-2]] > 10:
        return None
    if digit and text[-2:-1] in ("万", "亿"):
        return None
    return total + section + (digit or 0)
