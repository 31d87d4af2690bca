"""Logic and kinds of values: AND, OR, NOT, ISBLANK ...; IF and its kin compute only what they need."""

from collections.abc import Sequence

from workbooks.formulas.excel_values import ExcelError, Scalar, is_number, to_number, value_error
from workbooks.formulas.functions.registry import excel, special, spread

special("IF", 2, 3, "one value when a condition holds, else another (FALSE when not given)")
special("IFS", 2, None, "the value behind the first condition that holds; #N/A when none does")
special("IFERROR", 2, 2, "a value, or another one where it is an error")
special("SWITCH", 3, None, "the value behind the first match of an expression, else the last one; #N/A without")
special("CHOOSE", 2, None, "the n-th of the values")
special("TODAY", 0, 0, "the date of the check, in the site's zone")
special("NOW", 0, 0, "date and time of the check, in the site's zone")
special("TEXT", 2, 2, 'a number or date written in a format such as "0.00" or "yyyy-mm-dd"')
special("SUMPRODUCT", 1, None, "the sum of products, row by row over columns of one repeat")


@spread("AND", "logicals", "TRUE when all conditions hold")
def _and(conditions: Sequence[bool]) -> bool:
    return all(_some(conditions))


@spread("OR", "logicals", "TRUE when at least one condition holds")
def _or(conditions: Sequence[bool]) -> bool:
    return any(_some(conditions))


@spread("XOR", "logicals", "TRUE when an odd number of conditions holds")
def _xor(conditions: Sequence[bool]) -> bool:
    return sum(_some(conditions)) % 2 == 1


def _some(conditions: Sequence[bool]) -> Sequence[bool]:
    if not conditions:
        raise value_error()
    return conditions


@excel("VALUE", "v", "the number a text means; #VALUE! when it means none")
def _value(value: Scalar) -> int | float:
    if isinstance(value, bool):
        raise value_error()
    return to_number(value)


@excel("N", "v", "the number itself, 1 for TRUE, 0 for anything else")
def _n(value: Scalar) -> int | float:
    return 0 if isinstance(value, str) else to_number(value)


@excel("ISNUMBER", "e", "TRUE for a number or date")
def _isnumber(value: Scalar | ExcelError) -> bool:
    return is_number(value)


@excel("ISTEXT", "e", "TRUE for a text")
def _istext(value: Scalar | ExcelError) -> bool:
    return isinstance(value, str)


@excel("ISBLANK", "e", "TRUE for an empty cell")
def _isblank(value: Scalar | ExcelError) -> bool:
    return value is None


@excel("ISERROR", "e", "TRUE for an error value")
def _iserror(value: Scalar | ExcelError) -> bool:
    return isinstance(value, ExcelError)


@excel("NOT", "l", "TRUE for FALSE, FALSE for TRUE")
def _not(value: bool) -> bool:
    return not value
