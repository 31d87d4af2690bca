"""Sums, counts and extremes, over single values and over the columns of repeats."""

import math
import re
from collections.abc import Callable, Sequence

from workbooks.formulas.excel_values import (
    CellValue,
    Column,
    ExcelError,
    Scalar,
    finite,
    is_number,
    same,
    to_number,
    value_error,
)
from workbooks.formulas.functions.registry import excel, spread
from workbooks.formulas.functions.texts import wildcard


@spread("SUM", "numbers", "the sum")
def _sum(numbers: Sequence[float]) -> float:
    return finite(math.fsum(numbers)) if any(isinstance(n, float) for n in numbers) else sum(numbers)


@spread("MIN", "numbers", "the smallest number, 0 when there is none")
def _min(numbers: Sequence[float]) -> float:
    return min(numbers, default=0)


@spread("MAX", "numbers", "the largest number, 0 when there is none")
def _max(numbers: Sequence[float]) -> float:
    return max(numbers, default=0)


@spread("AVERAGE", "numbers", "the mean; #DIV/0! when there is no number")
def _average(numbers: Sequence[float]) -> float:
    if not numbers:
        raise ExcelError("#DIV/0!")
    return math.fsum(numbers) / len(numbers)


@spread("COUNT", "values", "how many numbers there are")
def _count(values: Column) -> int:
    return sum(1 for value in values if is_number(value))


@spread("COUNTA", "values", "how many cells are filled")
def _counta(values: Column) -> int:
    return sum(1 for value in values if value is not None)


@excel("COUNTBLANK", "c", "how many cells are empty")
def _countblank(column: Column) -> int:
    return sum(1 for value in column if value is None or value == "")


@excel("COUNTIF", "cv", 'how many cells meet a criterion such as 5, "brake", ">=3" or "BCU*"')
def _countif(column: Column, criterion: Scalar) -> int:
    meets = _criterion(criterion)
    return sum(1 for value in column if meets(value))


@excel("SUMIF", "cvc", "the sum of the cells whose row meets a criterion", minimum=2)
def _sumif(column: Column, criterion: Scalar, summed: Column | None = None) -> float:
    meets = _criterion(criterion)
    pairs = zip(column, column if summed is None else summed, strict=False)
    return _sum([n for value, n in pairs if is_number(n) and meets(value)])


_COMPARING = re.compile(r"(<>|<=|>=|=|<|>)?(.*)", re.DOTALL)


def _criterion(criterion: Scalar) -> Callable[[CellValue], bool]:
    """The test that COUNTIF and SUMIF make of their criterion."""
    if not isinstance(criterion, str):
        wanted = 0 if criterion is None else criterion
        return lambda value: is_number(value) and same(value, wanted)
    match = _COMPARING.fullmatch(criterion)
    operator, text = (match[1] or "=", match[2]) if match else ("=", criterion)
    try:
        return _number_test(operator, to_number(text))
    except ExcelError:
        pass
    if operator in ("<", ">", "<=", ">="):
        raise value_error()  # the order of texts depends on the language of the Excel that opens the form
    if text == "":
        # "" counts blanks, "<>" counts filled cells.
        return (lambda value: value is not None) if operator == "<>" else (lambda value: value in (None, ""))
    pattern = re.compile(wildcard(text), re.IGNORECASE | re.DOTALL)
    wanted_match = operator == "="
    return lambda value: (isinstance(value, str) and bool(pattern.fullmatch(value))) is wanted_match


def _number_test(operator: str, wanted: int | float) -> Callable[[CellValue], bool]:
    def meets(value: CellValue) -> bool:
        if not is_number(value):
            return operator == "<>"
        equal = same(value, wanted)
        by_operator = {
            "=": equal,
            "<>": not equal,
            "<": value < wanted and not equal,
            ">": value > wanted and not equal,
            "<=": value < wanted or equal,
            ">=": value > wanted or equal,
        }
        return by_operator[operator]

    return meets
