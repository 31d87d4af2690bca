"""Arithmetic and rounding."""

import math
from decimal import ROUND_DOWN, ROUND_UP

from workbooks.formulas.excel_values import ExcelError, finite, num_error, rounded
from workbooks.formulas.functions.registry import excel


@excel("ABS", "n", "the number without its sign")
def _abs(number: float) -> float:
    return abs(number)


@excel("SIGN", "n", "1, 0 or -1")
def _sign(number: float) -> int:
    return (number > 0) - (number < 0)


@excel("INT", "n", "rounded down to a whole number")
def _int(number: float) -> int:
    return math.floor(number)


@excel("TRUNC", "nn", "digits after the point cut off", minimum=1)
def _trunc(number: float, digits: float = 0) -> float:
    return rounded(number, _digits(digits), ROUND_DOWN)


@excel("ROUND", "nn", "rounded half away from zero to so many digits")
def _round(number: float, digits: float) -> float:
    return rounded(number, _digits(digits))


@excel("ROUNDUP", "nn", "rounded away from zero to so many digits")
def _roundup(number: float, digits: float) -> float:
    return rounded(number, _digits(digits), ROUND_UP)


@excel("ROUNDDOWN", "nn", "rounded towards zero to so many digits")
def _rounddown(number: float, digits: float) -> float:
    return rounded(number, _digits(digits), ROUND_DOWN)


def _digits(digits: float) -> int:
    # A double has 15 digits; beyond 20 places rounding changes nothing.
    return max(-20, min(20, math.trunc(digits)))


@excel("MOD", "nn", "the remainder, with the sign of the divisor")
def _mod(number: float, divisor: float) -> float:
    if divisor == 0:
        raise ExcelError("#DIV/0!")
    if isinstance(number, int) and isinstance(divisor, int):
        return number % divisor
    return number - divisor * math.floor(number / divisor)


@excel("POWER", "nn", "the same as ^")
def power(base: float, exponent: float) -> float:
    """
    *base* to the power of *exponent*.

    Raises:
        ExcelError: #NUM! for 0^0, fractional powers of negative numbers and overflow, #DIV/0! for 0^-1.
    """
    if base == 0 and exponent < 0:
        raise ExcelError("#DIV/0!")
    if (base == 0 and exponent == 0) or (base < 0 and exponent != math.floor(exponent)):
        raise num_error()
    try:
        return finite(float(base) ** exponent)
    except OverflowError:
        raise num_error() from None


@excel("SQRT", "n", "the square root; #NUM! for negative numbers")
def _sqrt(number: float) -> float:
    if number < 0:
        raise num_error()
    return math.sqrt(number)
