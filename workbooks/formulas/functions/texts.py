"""Texts: parts, positions, replacements."""

import math
import re
from collections.abc import Sequence

from workbooks.formulas.excel_values import ExcelError, Scalar, to_text, value_error
from workbooks.formulas.functions.registry import excel, spread

MAX_TEXT = 32767  # characters in one cell


@excel("LEN", "t", "how many characters the text has")
def _len(text: str) -> int:
    return len(text)


@excel("LEFT", "tn", "the first characters (1 when not said)", minimum=1)
def _left(text: str, count: float = 1) -> str:
    return text[: _at_least(count, 0)]


@excel("RIGHT", "tn", "the last characters (1 when not said)", minimum=1)
def _right(text: str, count: float = 1) -> str:
    wanted = _at_least(count, 0)
    return text[-wanted:] if wanted else ""


@excel("MID", "tnn", "characters from a position on")
def _mid(text: str, start: float, count: float) -> str:
    first = _at_least(start, 1) - 1
    return text[first : first + _at_least(count, 0)]


def _at_least(number: float, minimum: int) -> int:
    whole = math.trunc(number)
    if whole < minimum:
        raise value_error()
    return min(whole, MAX_TEXT)


@excel("TRIM", "t", "without spaces at the ends, and with single spaces inside")
def _trim(text: str) -> str:
    return re.sub(" +", " ", text).strip(" ")


@excel("UPPER", "t", "in capital letters")
def _upper(text: str) -> str:
    return text.upper()


@excel("LOWER", "t", "in small letters")
def _lower(text: str) -> str:
    return text.lower()


@excel("EXACT", "tt", "TRUE when two texts are the same, capitals included")
def _exact(first: str, second: str) -> bool:
    return first == second


@excel("FIND", "ttn", "where a text stands in another, capitals matter; #VALUE! when it does not", minimum=2)
def _find(wanted: str, text: str, start: float = 1) -> int:
    found = text.find(wanted, _start(text, start))
    if found < 0:
        raise value_error()
    return found + 1


@excel("SEARCH", "ttn", "where a text stands in another, with ? and *; #VALUE! when it does not", minimum=2)
def _search(wanted: str, text: str, start: float = 1) -> int:
    found = re.compile(wildcard(wanted), re.IGNORECASE | re.DOTALL).search(text, _start(text, start))
    if found is None:
        raise value_error()
    return found.start() + 1


def _start(text: str, start: float) -> int:
    first = _at_least(start, 1) - 1
    if first > len(text):
        raise value_error()
    return first


@excel("SUBSTITUTE", "tttn", "a text with one part replaced, everywhere or only the n-th time", minimum=3)
def _substitute(text: str, old: str, new: str, instance: float | None = None) -> str:
    if instance is None:
        return text.replace(old, new) if old else text
    wanted = _at_least(instance, 1)
    pieces = text.split(old) if old else [text]
    if len(pieces) <= wanted:
        return text
    return old.join(pieces[:wanted]) + new + old.join(pieces[wanted:])


@excel("REPT", "tn", "a text repeated")
def _rept(text: str, times: float) -> str:
    count = _at_least(times, 0)
    if len(text) * count > MAX_TEXT:
        raise value_error()
    return text * count


@spread("CONCATENATE", "values", "texts joined, the same as &")
def _concatenate(texts: Sequence[Scalar | ExcelError]) -> str:
    for text in texts:
        if isinstance(text, ExcelError):
            raise text
    return "".join(to_text(text) for text in texts if not isinstance(text, ExcelError))


def wildcard(text: str) -> str:
    """The regular expression of a text with Excel's wildcards: ? * and ~ before a literal one."""
    segments, escaped = [""], False
    for character in text:
        if escaped or character not in "~*?":
            segments[-1] += re.escape(character)
            escaped = False
        elif character == "~":
            escaped = True
        elif character == "*":
            segments.append("")
        else:
            segments[-1] += "."
    if escaped:
        segments[-1] += "~"
    if len(segments) == 1:
        return segments[0]
    first, *middle, last = segments
    # The first place for each part is good enough, so nothing is tried twice: a text of stars cannot hold us up.
    return first + "".join(f"(?>.*?{part})" for part in middle if part) + ".*" + last
