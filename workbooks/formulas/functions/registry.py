"""The register of Excel functions that rules may use: what each takes and what it says of itself."""

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeVar

from workbooks.formulas.excel_values import Scalar

Takes = Literal["scalars", "numbers", "values", "logicals", "special"]
Work = TypeVar("Work", bound=Callable[..., Scalar])


class Function(NamedTuple):
    """
    One function.

    *takes* "scalars": *arguments* has one letter per argument (n number, t text, l
    logical, v value as it stands, e value or error, c column of a repeat), the first
    *minimum* of them must be given. "numbers", "values" and "logicals" take any number of arguments and columns
    as one flat list; in cells, numbers leaves texts and blanks out, and values keeps errors. A "special" one works
    on the formula itself (IF computes one branch only), with *minimum* to *maximum* arguments.
    """

    name: str
    description: str
    work_out: Callable[..., Scalar] | None
    takes: Takes = "scalars"
    arguments: str = ""
    minimum: int = 0
    maximum: int | None = None


FUNCTIONS: dict[str, Function] = {}


def excel(name: str, arguments: str, description: str, minimum: int | None = None) -> Callable[[Work], Work]:
    """Register the decorated function under *name*; see `Function` for the letters of *arguments*."""

    def register(work_out: Work) -> Work:
        least = len(arguments) if minimum is None else minimum
        FUNCTIONS[name] = Function(
            name, description, work_out, arguments=arguments, minimum=least, maximum=len(arguments)
        )
        return work_out

    return register


def spread(name: str, takes: Takes, description: str) -> Callable[[Work], Work]:
    """Register the decorated function, which gets all its arguments and columns as one list."""

    def register(work_out: Work) -> Work:
        FUNCTIONS[name] = Function(name, description, work_out, takes=takes, minimum=1)
        return work_out

    return register


def special(name: str, minimum: int, maximum: int | None, description: str) -> None:
    """Register a function whose evaluation the compiler knows."""
    FUNCTIONS[name] = Function(name, description, None, takes="special", minimum=minimum, maximum=maximum)
