"""What people type into a cell, as a value of the field's type or as what is wrong with it."""

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from workbooks.filled import RawValue, Value
from workbooks.finding_codes import FindingCode
from workbooks.form import Field, FieldType, Text
from workbooks.formulas.excel_values import plain_decimal, to_places, trimmed
from workbooks.master import EMPTY, Master
from workbooks.spellings.choices import options_of
from workbooks.spellings.chosen import choice_reader, choices_reader
from workbooks.spellings.dates import AmbiguousDate, Moment, clock_in, moment_in, moment_of
from workbooks.spellings.numbers import LARGEST, number_in
from workbooks.spellings.problems import Normaliser, Problem, as_text, corrected, problem
from workbooks.spellings.spelling import CELL_ERRORS, clean, is_blank

MAX_TEXT: Final = 32767  # characters that fit into a cell


def normalise(
    field: Field, raw: RawValue, *, master: Master = EMPTY, parent: str | None = None, complete_lists: bool = True
) -> Value | Problem:
    """
    What was typed for *field*, as a checked value; a `Problem` when it is none, or only by a guess.

    *parent* is the code chosen one level up. Without *complete_lists*, what comes from a
    master table that is empty here is kept as text. Never raises for bad input.
    """
    return normaliser(field, master, complete_lists)(raw, parent)


def normaliser(field: Field, master: Master = EMPTY, complete_lists: bool = True) -> Normaliser:
    """The function that `normalise` calls, made once for many cells of the same *field*."""
    match field.type:
        case FieldType.INTEGER | FieldType.DECIMAL:
            return _guarded(field, _number_reader(field))
        case FieldType.DATE:
            return _guarded(field, _date_reader)
        case FieldType.DATETIME:
            return _guarded(field, _datetime_reader)
        case FieldType.TIME:
            return _guarded(field, _time_reader)
        case FieldType.IMAGE:
            return lambda raw, parent: None if raw is None or raw == "" else problem(FindingCode.NOT_AN_IMAGE, raw)
    options = options_of(field, master)
    unlisted = field.master is not None and not complete_lists and not master.rows(field.master.table)
    if options is None or unlisted:
        return _guarded(field, _text_reader(field))
    if field.type is FieldType.SELECT_MULTIPLE:
        return _guarded(field, choices_reader(field, options))
    if field.type in (FieldType.SELECT_ONE, FieldType.PERSON) or field.master is not None:
        return _guarded(field, choice_reader(field, options))
    return _guarded(field, _text_reader(field))


def _guarded(field: Field, read: Normaliser) -> Normaliser:
    """*read* behind what holds for every type: empty cells, clean text, formula errors."""

    def reader(raw: RawValue, parent: str | None) -> Value | Problem:
        if raw is None:
            return None
        if raw.__class__ is str:
            text = clean(raw)
            if not text:
                return None
            if text[0] == "#" and text.upper() in CELL_ERRORS:
                return problem(FindingCode.CELL_ERROR, text)
            return read(text, parent)
        if isinstance(raw, float) and not math.isfinite(raw):
            return problem(FindingCode.CELL_ERROR, "#NUM!")
        return read(raw, parent)

    return reader


def _text_reader(field: Field) -> Normaliser:
    longest = field.max_length or MAX_TEXT

    def read(raw: RawValue, parent: str | None) -> Value | Problem:
        text = raw if raw.__class__ is str else as_text(raw)
        assert isinstance(text, str)
        if len(text) > longest:
            return Problem(FindingCode.TOO_LONG, {"length": str(len(text)), "maximum": str(longest)})
        if isinstance(raw, float) and abs(raw) >= 1e15:
            return corrected(raw, text, text)  # Excel keeps 15 digits of a long number; the rest is lost
        return text

    return read


def _number_reader(field: Field) -> Normaliser:
    whole = field.type is FieldType.INTEGER
    places = field.decimals

    def fitted(raw: RawValue, number: Decimal, guessed: bool) -> Value | Problem:
        if whole:
            if number != number.to_integral_value():
                return problem(FindingCode.NOT_AN_INTEGER, raw)
            value: int | Decimal = int(number)
        elif places is not None and number != (kept := to_places(number, places)):
            # What is left beyond nine places is the noise of binary fractions, not something typed.
            guessed = guessed or abs(number - kept) > Decimal("1e-9")
            value = trimmed(kept)
        else:
            value = number
        if (out := out_of_range(field, value)) is not None:
            return out
        return corrected(raw, value, f"{value:f}" if isinstance(value, Decimal) else str(value)) if guessed else value

    def read(raw: RawValue, parent: str | None) -> Value | Problem:
        if raw.__class__ is int or raw.__class__ is float:
            if abs(raw) >= LARGEST:
                return problem(FindingCode.NOT_A_NUMBER, raw)
            return fitted(raw, plain_decimal(raw), False)
        if isinstance(raw, str):
            typed = number_in(raw, field.unit)
            if typed is not None:
                return fitted(raw, typed.number, typed.guessed)
            return None if is_blank(raw) else problem(FindingCode.NOT_A_NUMBER, raw)
        if isinstance(raw, timedelta | time) and (hours := _duration(raw, field.unit)) is not None:
            return fitted(raw, hours, True)
        return problem(FindingCode.NOT_A_NUMBER, raw)

    return read


def _duration(raw: timedelta | time, unit: Text | None) -> Decimal | None:
    """1:30 typed into a field of hours or minutes, in that unit; None for fields of anything else."""
    seconds = raw.total_seconds() if isinstance(raw, timedelta) else (raw.hour * 60 + raw.minute) * 60 + raw.second
    typed = number_in(f"{seconds:.0f}s", unit)
    return None if typed is None or unit is None else typed.number


def out_of_range(field: Field, value: int | Decimal) -> Problem | None:
    """The problem of a number outside the field's *minimum* and *maximum*, None when it is within."""
    low, high = field.minimum, field.maximum
    if (low is None or value >= low) and (high is None or value <= high):
        return None
    if high is None:
        limits = Text(f"不小于 {low:f}", f"at least {low:f}")
    elif low is None:
        limits = Text(f"不大于 {high:f}", f"at most {high:f}")
    else:
        limits = Text(f"在 {low:f} 到 {high:f} 之间", f"between {low:f} and {high:f}")
    text = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return Problem(FindingCode.OUT_OF_RANGE, {"value": text, "range": limits})


def _date_reader(raw: RawValue, parent: str | None) -> Value | Problem:
    if isinstance(raw, datetime):
        return _plausible(raw.date(), raw.date(), FindingCode.NOT_A_DATE, raw)
    if isinstance(raw, date):
        return _plausible(raw, raw, FindingCode.NOT_A_DATE, raw)
    found = _moment(raw, FindingCode.NOT_A_DATE)
    if not isinstance(found, Moment):
        return found
    if found.doubtful:
        return corrected(raw, found.day, found.day.isoformat())
    return found.day


def _datetime_reader(raw: RawValue, parent: str | None) -> Value | Problem:
    if isinstance(raw, datetime):
        whole = (raw.replace(tzinfo=None) + timedelta(microseconds=500_000)).replace(microsecond=0)
        return _plausible(whole, whole.date(), FindingCode.NOT_A_DATETIME, raw)
    if isinstance(raw, date):
        return _plausible(datetime.combine(raw, time()), raw, FindingCode.NOT_A_DATETIME, raw)
    found = _moment(raw, FindingCode.NOT_A_DATETIME)
    if not isinstance(found, Moment):
        return found
    if found.doubtful or found.clock is None:
        return corrected(raw, found.instant, found.instant.isoformat(" ", "minutes"))
    return found.instant


def _plausible(value: date | datetime, day: date, code: FindingCode, raw: RawValue) -> Value | Problem:
    # Day 0 and its neighbours are times, or numbers that got a date format.
    return value if 1900 < day.year < 2200 else problem(code, raw)


def _moment(raw: RawValue, code: FindingCode) -> "Moment | Problem | None":
    """The moment typed as text or left as a bare number."""
    found: Moment | None = None
    if isinstance(raw, str):
        try:
            found = moment_in(raw)
        except AmbiguousDate:
            return problem(FindingCode.AMBIGUOUS_DATE, raw)
        if found is None and is_blank(raw):
            return None
        if found is None and raw.isdecimal() and len(raw) == 5 and (serial := moment_of(int(raw))) is not None:
            return Moment(serial.day, serial.clock, doubtful=True)
    elif raw.__class__ is int or raw.__class__ is float:
        found = moment_of(raw)
    return found if found is not None else problem(code, raw)


def _time_reader(raw: RawValue, parent: str | None) -> Value | Problem:
    match raw:
        case datetime():
            clock = raw.time().replace(microsecond=0)
            return clock if raw.year <= 1900 else corrected(raw, clock, as_text(clock))
        case time():
            return raw.replace(microsecond=0, tzinfo=None)
        case timedelta() if timedelta() <= raw <= timedelta(days=1):
            return _clock_of(raw.total_seconds() / 86400, raw)
        case str():
            found = clock_in(raw)
            if found is not None:
                clock, next_day = found
                return corrected(raw, clock, as_text(clock)) if next_day else clock
            return None if is_blank(raw) else problem(FindingCode.NOT_A_TIME, raw)
        case bool():
            return problem(FindingCode.NOT_A_TIME, raw)
        case int() | float() if 0 <= raw <= 1:
            return _clock_of(raw, raw)
    return problem(FindingCode.NOT_A_TIME, raw)


def _clock_of(fraction: float, raw: RawValue) -> Value | Problem:
    seconds = round(fraction * 86400)
    clock = (datetime(1900, 1, 1) + timedelta(seconds=seconds % 86400)).time()  # noqa: DTZ001  a clock has no zone
    return corrected(raw, clock, as_text(clock)) if seconds == 86400 else clock
