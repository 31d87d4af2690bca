"""The functions and operators of $filter, over values that are never None."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

_MOMENTS = ("date", "datetime")
_CLOCK = ("datetime", "time")


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes, argument by argument, and what it gives."""

    arguments: tuple[tuple[str, ...], ...]
    result: str


def _substring(text: str, start: float, length: float | None = None) -> str:
    begin = max(0, int(start))
    return text[begin:] if length is None else text[begin : begin + max(0, int(length))]


def _day(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _round(value: float) -> float:
    """Halves away from zero, as OData has it (Python rounds them to even)."""
    return math.floor(abs(value) + 0.5) * (1 if value >= 0 else -1)


def _divided(one: float, other: float) -> float | None:
    """Whole numbers divide to a whole number; nothing divides by zero."""
    if other == 0:
        return None
    if isinstance(one, int) and isinstance(other, int):
        return int(one / other) if abs(one) < 1 << 50 else (abs(one) // abs(other)) * (1 if one * other > 0 else -1)
    return one / other


_TEXTS = Signature((("text",), ("text",)), "text")
_TEXT_TEST = Signature((("text",), ("text",)), "boolean")
_TEXT = Signature((("text",),), "text")
_NUMBER = Signature((("number",),), "number")

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "contains": lambda text, part: part in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "concat": lambda one, other: one + other,
    "indexof": str.find,
    "substring": _substring,
    "length": len,
    "tolower": str.lower,
    "toupper": str.upper,
    "trim": str.strip,
    "year": lambda moment: moment.year,
    "month": lambda moment: moment.month,
    "day": lambda moment: moment.day,
    "hour": lambda moment: moment.hour,
    "minute": lambda moment: moment.minute,
    "second": lambda moment: moment.second,
    "date": _day,
    "time": datetime.time,
    "round": _round,
    "floor": math.floor,
    "ceiling": math.ceil,
}
KINDS_OF: Mapping[str, Signature] = {
    "contains": _TEXT_TEST,
    "startswith": _TEXT_TEST,
    "endswith": _TEXT_TEST,
    "concat": _TEXTS,
    "indexof": Signature(_TEXTS.arguments, "number"),
    "substring": Signature((("text",), ("number",), ("number",)), "text"),
    "length": Signature((("text",),), "number"),
    "tolower": _TEXT,
    "toupper": _TEXT,
    "trim": _TEXT,
    **{name: Signature((_MOMENTS,), "number") for name in ("year", "month", "day")},
    **{name: Signature((_CLOCK,), "number") for name in ("hour", "minute", "second")},
    "date": Signature((_MOMENTS,), "date"),
    "time": Signature((("datetime",),), "time"),
    **{name: _NUMBER for name in ("round", "floor", "ceiling")},
}
OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "add": lambda one, other: one + other,
    "sub": lambda one, other: one - other,
    "mult": lambda one, other: one * other,
    "div": _divided,
    "mod": lambda one, other: None if other == 0 else math.fmod(one, other),
}
