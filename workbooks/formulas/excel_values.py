"""Values as an Excel formula sees them: numbers, texts, TRUE and FALSE, blanks, and how one becomes another."""

import math
import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Final, TypeGuard

from workbooks.filled import Value

Scalar = int | float | str | bool | None

MAX_SERIAL: Final = 2958465  # 9999-12-31
_WIDE = Context(prec=400)  # digits of the largest double with all its places
_EPOCH = date(1899, 12, 30)
_MIDNIGHT = datetime(1899, 12, 30)  # noqa: DTZ001  Excel's instants have no zone
_NUMERIC_TEXT = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*")
_ISO_DATE = re.compile(r"\s*(\d{4})-(\d{1,2})-(\d{1,2})\s*")


class ExcelError(Exception):
    """An error value such as #DIV/0!; it passes through every operation until IFERROR or ISERROR meets it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


CellValue = Scalar | ExcelError
Column = Sequence[CellValue]


def value_error() -> ExcelError:
    return ExcelError("#VALUE!")


def num_error() -> ExcelError:
    return ExcelError("#NUM!")


def is_number(value: CellValue) -> TypeGuard[int | float]:
    """Whether Excel counts *value* as a number; TRUE and FALSE are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def to_number(value: Scalar) -> int | float:
    """
    *value* as arithmetic takes it: a blank is 0, TRUE is 1, a text must look like a number or an ISO date.

    Raises:
        ExcelError: #VALUE! for any other text.
    """
    if value is None:
        return 0
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        return _number_in(value)
    return value


def to_text(value: Scalar) -> str:
    """*value* as & joins it: numbers with up to 15 digits, as Excel's General format shows them in a wide cell."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return number_text(value)


def to_logical(value: Scalar) -> bool:
    """
    *value* as a condition takes it.

    Raises:
        ExcelError: #VALUE! for a text other than TRUE and FALSE.
    """
    if isinstance(value, str):
        if value.upper() in ("TRUE", "FALSE"):
            return value.upper() == "TRUE"
        raise value_error()
    return bool(value)


def number_text(value: int | float) -> str:
    """*value* with at most 15 significant digits; very large and very small ones as 1E+20."""
    if isinstance(value, int) and abs(value) < 10**15:
        return str(value)
    if value == 0:
        return "0"
    if 1e-9 <= abs(value) < 1e20:
        return f"{plain_decimal(value):f}"
    mantissa, _, exponent = f"{value:.14E}".partition("E")
    return f"{mantissa.rstrip('0').rstrip('.')}E{exponent}"


def plain_decimal(value: int | float) -> Decimal:
    """The decimal number a person means by the double *value*: its 15 significant digits, without trailing zeros."""
    if abs(value) < 10**15 and value == int(value):
        return Decimal(int(value))
    return trimmed(Decimal(f"{value:.15g}"))


def trimmed(number: Decimal) -> Decimal:
    """*number* without trailing zeros behind the point, and never with an exponent for a whole number."""
    return Decimal(int(number)) if number == number.to_integral_value() else number.normalize()


def rounded(value: int | float, digits: int, rounding: str = ROUND_HALF_UP) -> float:
    """*value* rounded as people do it on paper: 2.675 to 2.68, although the double lies a little below."""
    exact = Decimal(f"{value:.15g}")
    return float(to_places(exact, digits, rounding))


def to_places(number: Decimal, digits: int, rounding: str = ROUND_HALF_UP) -> Decimal:
    """*number* with *digits* places behind the point (or zeros before it, when negative), however large it is."""
    return number.quantize(Decimal(1).scaleb(-digits), rounding=rounding, context=_WIDE)


def finite(value: float) -> float:
    """
    *value* itself.

    Raises:
        ExcelError: #NUM! when it is beyond a double.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise num_error()
    return value


def same(left: Scalar, right: Scalar) -> bool:
    """Whether Excel's = holds: case does not matter, a blank equals 0, "" and FALSE, types never mix."""
    if isinstance(left, str) and isinstance(right, str):
        return left == right or left.casefold() == right.casefold()
    return _rank(left, right) == _rank(right, left) and not less(left, right) and not less(right, left)


def less(left: Scalar, right: Scalar) -> bool:
    """Whether Excel's < holds: numbers come before texts, texts before FALSE and TRUE."""
    rank, other_rank = _rank(left, right), _rank(right, left)
    if rank != other_rank:
        return rank < other_rank
    if rank == 1:
        return to_text(left).casefold() < to_text(right).casefold()
    first, second = to_number(left), to_number(right)
    return first < second and not nearly(first, second)


def nearly(left: int | float, right: int | float) -> bool:
    """Whether two numbers differ only by the noise of binary fractions, which Excel does not show."""
    if left == right:
        return True
    if isinstance(left, int) and isinstance(right, int):
        return False
    return abs(left - right) < min(abs(left), abs(right)) * 2.0**-48


def _rank(value: Scalar, other: Scalar) -> int:
    if value is None:
        value = other
    if isinstance(value, bool):
        return 2
    return 1 if isinstance(value, str) else 0


def _number_in(text: str) -> int | float:
    if _NUMERIC_TEXT.fullmatch(text):
        number = float(text)
        return int(number) if number.is_integer() and abs(number) < 2**53 else finite(number)
    if match := _ISO_DATE.fullmatch(text):
        try:
            return serial_of(date(int(match[1]), int(match[2]), int(match[3])))
        except ValueError:
            raise value_error() from None
    raise value_error()


def serial_of(day: date) -> int:
    """The serial number of *day* in the 1900 date system."""
    return (day - _EPOCH).days


def serial_of_instant(instant: datetime) -> float:
    """The serial number of *instant*, its time of day as the fraction."""
    whole = instant.replace(tzinfo=None) - _MIDNIGHT
    return whole.days + (whole.seconds + whole.microseconds / 1e6) / 86400


def serial_of_time(clock: time) -> float:
    return (clock.hour * 3600 + clock.minute * 60 + clock.second + clock.microsecond / 1e6) / 86400


def date_of(serial: int | float) -> date:
    """
    The day of *serial*.

    Raises:
        ExcelError: #NUM! before 1900-01-01 and after 9999-12-31.
    """
    whole = math.floor(serial)
    if not 0 <= whole <= MAX_SERIAL:
        raise num_error()
    # Excel believes in a 29 February 1900 (serial 60); before it, its count is one day ahead.
    return _EPOCH + timedelta(days=whole if whole >= 61 else whole + 1)


def instant_of(serial: int | float) -> datetime:
    """
    The instant of *serial*, to the second.

    Raises:
        ExcelError: #NUM! outside Excel's calendar.
    """
    day = date_of(serial)
    seconds = round((serial - math.floor(serial)) * 86400)
    return datetime(day.year, day.month, day.day) + timedelta(seconds=seconds)  # noqa: DTZ001


def cell_of(value: Value) -> Scalar:
    """A checked answer as the cell of a sheet holds it: dates as serial numbers, several choices as one text."""
    convert = _CELLS.get(value.__class__)
    return value if convert is None else convert(value)  # type: ignore[return-value]


def _number_cell(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() and abs(value) < 2**53 else float(value)


_CELLS: Final[dict[type, Callable[..., Scalar]]] = {
    Decimal: _number_cell,
    datetime: serial_of_instant,
    date: serial_of,
    time: serial_of_time,
    tuple: lambda names: "、".join(names) or None,
}
