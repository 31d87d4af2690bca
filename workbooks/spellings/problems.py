"""What is wrong with one answer, and how a finding repeats what was typed."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as default
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Final

from workbooks.filled import RawValue, Value
from workbooks.finding_codes import FindingCode
from workbooks.form import Text
from workbooks.formulas.excel_values import plain_decimal
from workbooks.spellings.spelling import clean

_SHOWN: Final = 60  # characters of a wrong answer that a finding repeats


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one answer; with a warning, *value* is what was taken instead."""

    code: FindingCode
    context: Mapping[str, str | Text] = default(default_factory=lambda: MappingProxyType({}))
    value: Value = None


Normaliser = Callable[[RawValue, str | None], "Value | Problem"]
"""(what was in the cell, code of the answer one level up) → the answer."""


def problem(code: FindingCode, raw: RawValue, **context: str | Text) -> Problem:
    """What a finding of *code* says about *raw*."""
    return Problem(code, {"value": shown(raw), **context})


def corrected(raw: RawValue, value: Value, taken: str) -> Problem:
    """*value* was taken although something else was typed."""
    return Problem(FindingCode.CORRECTED_VALUE, {"value": shown(raw), "taken": taken}, value)


def shown(raw: RawValue) -> str:
    """What stands in the cell, as a finding repeats it: on one line and not too long."""
    text = " ".join(as_text(raw).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def as_text(raw: RawValue) -> str:
    """*raw* as plain text: 305.0 as 305, dates as 2026-11-21, lengths of time as 26:30."""
    match raw:
        case None:
            return ""
        case bool():
            return "TRUE" if raw else "FALSE"
        case float():
            return f"{plain_decimal(raw):f}" if math.isfinite(raw) else "#NUM!"
        case datetime():
            if raw.time() == time():
                return raw.date().isoformat()
            return raw.replace(tzinfo=None).isoformat(" ", "seconds" if raw.second else "minutes")
        case date():
            return raw.isoformat()
        case time():
            return raw.replace(tzinfo=None).isoformat("seconds" if raw.second else "minutes")
        case timedelta():
            hours, rest = divmod(round(raw.total_seconds()), 3600)
            return f"{hours}:{rest // 60:02d}"
    return clean(str(raw))
