"""The formats TEXT may use: those that look the same in every language of Excel."""

import re
from functools import cache

from workbooks.formulas.excel_values import (
    ExcelError,
    Scalar,
    instant_of,
    plain_decimal,
    to_number,
    to_places,
    to_text,
    value_error,
)

_NUMBER = re.compile(r"(?P<thousands>#,##)?0+(?P<fraction>\.0+)?(?P<percent>%)?")
_DATE_TOKEN = re.compile(r"yyyy|mm?|dd?|hh?|ss|[-/:.年月日时分秒 ]")
_PATTERNS = {
    "yyyy": "{0.year:04d}", "mm": "{0.month:02d}", "m": "{0.month}", "dd": "{0.day:02d}", "d": "{0.day}",
    "hh": "{0.hour:02d}", "h": "{0.hour}", "minute": "{0.minute:02d}", "ss": "{0.second:02d}",
}  # fmt: skip


def is_number_format(format_text: str) -> bool:
    """Whether *format_text* is one of 0, 0.00, #,##0.0, 0% and their like."""
    return _NUMBER.fullmatch(format_text) is not None


@cache
def date_pattern(format_text: str) -> str | None:
    """*format_text* such as yyyy-mm-dd hh:mm as a pattern over a datetime; None when it is not supported."""
    plain = format_text.replace('"', "").lower()
    tokens = _DATE_TOKEN.findall(plain)
    if "".join(tokens) != plain or not {"yyyy", "m", "mm", "d", "dd", "h", "hh", "ss"} & set(tokens):
        return None
    pieces, before = [], ""
    for part in tokens:
        # Behind hours, mm means minutes.
        if part == "mm" and before in ("h", "hh"):
            pieces.append(_PATTERNS["minute"])
        else:
            pieces.append(_PATTERNS.get(part, part))
        before = part if part in _PATTERNS else before
    return "".join(pieces)


def formatted(value: Scalar, format_text: str) -> str:
    """
    *value* as Excel's TEXT writes it; texts stay as they are.

    Raises:
        ExcelError: #VALUE! for a number that is no date where a date is written.
    """
    if isinstance(value, str | bool):
        return to_text(value)
    number = to_number(value)
    pattern = date_pattern(format_text)
    if pattern is None:
        return _formatted_number(number, format_text)
    try:
        return pattern.format(instant_of(number))
    except ExcelError:
        raise value_error() from None


def _formatted_number(number: int | float, format_text: str) -> str:
    match = _NUMBER.fullmatch(format_text)
    if match is None:
        raise value_error()
    exact = plain_decimal(number) * (100 if match["percent"] else 1)
    digits = len(match["fraction"] or ".") - 1
    exact = to_places(exact, digits)
    whole = format_text.partition(".")[0].count("0")
    width = whole + (digits + 1 if digits else 0)
    body = f"{abs(exact):{'' if match['thousands'] else f'0{width}'}{',' if match['thousands'] else ''}.{digits}f}"
    return ("-" if exact < 0 else "") + body + (match["percent"] or "")
