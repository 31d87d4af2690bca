"""The Excel functions that rules may use; what LibreOffice makes of each is the test."""

from workbooks.formulas.functions import aggregates, dates, logic, maths, texts  # noqa: F401  they register themselves
from workbooks.formulas.functions.registry import FUNCTIONS, Function

__all__ = ["FUNCTIONS", "Function"]
