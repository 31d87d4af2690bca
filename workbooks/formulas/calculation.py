"""A formula's syntax tree compiled to Python closures, so that a thousand forms cost one look at the formula."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as default
from datetime import datetime
from types import MappingProxyType
from typing import Final

from workbooks.formulas.excel_values import (
    CellValue,
    Column,
    ExcelError,
    Scalar,
    finite,
    is_number,
    less,
    nearly,
    same,
    serial_of,
    serial_of_instant,
    to_logical,
    to_number,
    to_text,
    value_error,
)
from workbooks.formulas.formula import Binary, Call, Logical, Name, Node, Number, String, Unary
from workbooks.formulas.functions import FUNCTIONS, Function
from workbooks.formulas.functions.maths import power
from workbooks.formulas.number_formats import formatted
from workbooks.formulas.references import Formula, Reference, asks_computed


class Unanswered(Exception):
    """A rule met an empty cell that it needs; the rule has nothing to say yet."""


@dataclass(slots=True)
class Scope:
    """
    The cells a formula sees: answers outside repeats by path, whole columns by path, and the current line.

    *now* is the site's local date and time.
    """

    now: datetime
    cells: Mapping[str, CellValue]
    columns: Mapping[str, Column] = default(default_factory=lambda: MappingProxyType({}))
    line: Mapping[str, CellValue] = default(default_factory=lambda: MappingProxyType({}))


Computed = Callable[[Scope], Scalar]
_Argument = Callable[[Scope], object]

_ADDED: Final[dict[str, Callable[[float, float], float]]] = {"+": operator.add, "-": operator.sub}


def compile_formula(formula: Formula, *, needs_answers: bool = False) -> Computed:
    """
    A function that works *formula* out over a `Scope`.

    With *needs_answers* it raises `Unanswered` when it needs an empty cell: one that is
    not inside a test for blanks (ISBLANK, COUNTA, = "", the condition of IF and its kin)
    and not in a branch that is not taken. Error values leave it as `ExcelError`.
    """
    return _Compiler(formula).value(formula.node, needs_answers)


def plus(left: Scalar, right: Scalar) -> float:
    return _added("+", to_number(left), to_number(right))


def minus(left: Scalar, right: Scalar) -> float:
    return _added("-", to_number(left), to_number(right))


def _added(sign: str, left: float, right: float) -> float:
    result = _ADDED[sign](left, right)
    if isinstance(result, float):
        # Excel, too, takes what is left of two almost equal numbers for nothing.
        if result and nearly(left, -right if sign == "+" else right):
            return 0
        return finite(result)
    return result


def times(left: Scalar, right: Scalar) -> float:
    return finite(to_number(left) * to_number(right))


def divided(left: Scalar, right: Scalar) -> float:
    divisor = to_number(right)
    if divisor == 0:
        raise ExcelError("#DIV/0!")
    return finite(to_number(left) / divisor)


def _raised(left: Scalar, right: Scalar) -> float:
    return power(to_number(left), to_number(right))


_OPERATORS: Final[dict[str, Callable[[Scalar, Scalar], Scalar]]] = {
    "+": plus,
    "-": minus,
    "*": times,
    "/": divided,
    "^": _raised,
    "&": lambda left, right: to_text(left) + to_text(right),
    "=": same,
    "<>": lambda left, right: not same(left, right),
    "<": less,
    ">": lambda left, right: less(right, left),
    "<=": lambda left, right: not less(right, left),
    ">=": lambda left, right: not less(left, right),
}
_SIGNS: Final[dict[str, Callable[[Scalar], Scalar]]] = {
    "-": lambda value: -to_number(value),
    "+": lambda value: 0 if value is None else value,
    "%": lambda value: to_number(value) / 100,
}


class _Compiler:
    def __init__(self, formula: Formula) -> None:
        self.formula, self.references = formula, formula.references

    def value(self, node: Node, needed: bool) -> Computed:
        """The closure of *node*; *needed* says whether an empty cell stops the rule."""
        match node:
            case Number(value=constant) | String(value=constant) | Logical(value=constant):
                return lambda scope: constant
            case Name(name=name):
                return self._name(self.references[name], needed)
            case Unary(operator=sign, operand=operand):
                apply, inner = _SIGNS[sign], self.value(operand, needed)
                return lambda scope: apply(inner(scope))
            case Binary():
                return self._binary(node, needed)
            case Call():
                return self._call(node, needed)

    def _name(self, reference: Reference, needed: bool) -> Computed:
        path = reference.path
        if reference.kind == "threshold":
            number = float(reference.number)
            constant = int(number) if number.is_integer() else number
            return lambda scope: constant
        if reference.kind == "line":
            return lambda scope: _answer(scope.line[path], needed)
        return lambda scope: _answer(scope.cells[path], needed)

    def _binary(self, node: Binary, needed: bool) -> Computed:
        apply = _OPERATORS[node.operator]
        if node.operator in ("=", "<>") and any(isinstance(s, String) and not s.value for s in (node.left, node.right)):
            needed = False  # a comparison with "" asks whether the cell is empty
        left, right = self.value(node.left, needed), self.value(node.right, needed)
        return lambda scope: apply(left(scope), right(scope))

    def _call(self, node: Call, needed: bool) -> Computed:
        function = FUNCTIONS[node.function]
        if asks_computed(self.formula, node):
            computed = self.value(node.arguments[0], False)
            return lambda scope: _or_error(computed, scope) in (None, "")
        if function.takes == "special":
            compile_special: Callable[[tuple[Node, ...], bool], Computed] = getattr(self, f"_{node.function.lower()}")
            return compile_special(node.arguments, needed)
        if function.takes == "scalars":
            return self._with_scalars(function, node.arguments, needed)
        return self._with_list(function, node.arguments, needed and node.function != "COUNTA")

    def _with_scalars(self, function: Function, nodes: tuple[Node, ...], needed: bool) -> Computed:
        needed = needed and function.name != "ISBLANK"
        work_out = function.work_out
        assert work_out is not None
        letters = zip(function.arguments, nodes, strict=False)
        arguments = tuple(self._argument(letter, node, needed) for letter, node in letters)
        match arguments:
            case (only,):
                return lambda scope: work_out(only(scope))
            case (first, second):
                return lambda scope: work_out(first(scope), second(scope))
        return lambda scope: work_out(*[argument(scope) for argument in arguments])

    def _argument(self, letter: str, node: Node, needed: bool) -> _Argument:
        if letter == "c":
            assert isinstance(node, Name)
            path = self.references[node.name].path
            return lambda scope: scope.columns[path]
        inner = self.value(node, needed)
        match letter:
            case "n":
                return lambda scope: to_number(inner(scope))
            case "t":
                return lambda scope: to_text(inner(scope))
            case "l":
                return lambda scope: to_logical(inner(scope))
            case "e":
                return lambda scope: _or_error(inner, scope)
        return inner

    def _with_list(self, function: Function, nodes: tuple[Node, ...], needed: bool) -> Computed:
        work_out, gather = function.work_out, _GATHER[function.takes]
        assert work_out is not None
        if function.takes == "logicals" and not any(isinstance(node, Name) for node in nodes):
            conditions = tuple(self.value(node, needed) for node in nodes)
            return lambda scope: work_out([to_logical(condition(scope)) for condition in conditions])
        sources = tuple(self._source(node, needed) for node in nodes)

        def listed(scope: Scope) -> Scalar:
            found: list[object] = []
            for in_cells, fetch in sources:
                gather(found, in_cells, fetch(scope))
            return work_out(found)

        return listed

    def _source(self, node: Node, needed: bool) -> tuple[bool, Callable[[Scope], "Column | CellValue"]]:
        """(whether the values stand in cells, what fetches them): Excel passes over texts and blanks in cells only."""
        if isinstance(node, Name):
            reference = self.references[node.name]
            path = reference.path
            if reference.kind == "column":
                return True, lambda scope: scope.columns[path]
            inner = self.value(node, needed)
            return reference.kind != "threshold", lambda scope: _or_error(inner, scope)
        inner = self.value(node, needed)
        return False, lambda scope: _or_error(inner, scope)

    def _if(self, nodes: tuple[Node, ...], needed: bool) -> Computed:
        test, yes = self.value(nodes[0], False), self.value(nodes[1], needed)
        no: Computed = self.value(nodes[2], needed) if len(nodes) == 3 else lambda scope: False
        return lambda scope: yes(scope) if to_logical(test(scope)) else no(scope)

    def _ifs(self, nodes: tuple[Node, ...], needed: bool) -> Computed:
        pairs = [(self.value(t, False), self.value(v, needed)) for t, v in zip(nodes[::2], nodes[1::2], strict=True)]

        def chosen(scope: Scope) -> Scalar:
            for test, value in pairs:
                if to_logical(test(scope)):
                    return value(scope)
            raise ExcelError("#N/A")

        return chosen

    def _iferror(self, nodes: tuple[Node, ...], needed: bool) -> Computed:
        value, otherwise = (self.value(node, needed) for node in nodes)

        def guarded(scope: Scope) -> Scalar:
            try:
                return value(scope)
            except ExcelError:
                return otherwise(scope)

        return guarded

    def _switch(self, nodes: tuple[Node, ...], needed: bool) -> Computed:
        subject, rest = self.value(nodes[0], False), nodes[1:]
        default_value = self.value(rest[-1], needed) if len(rest) % 2 else None
        cases = [(self.value(c, False), self.value(v, needed)) for c, v in zip(rest[::2], rest[1::2], strict=False)]

        def chosen(scope: Scope) -> Scalar:
            wanted = subject(scope)
            for case, value in cases:
                if same(wanted, case(scope)):
                    return value(scope)
            if default_value is None:
                raise ExcelError("#N/A")
            return default_value(scope)

        return chosen

    def _choose(self, nodes: tuple[Node, ...], needed: bool) -> Computed:
        index, values = self.value(nodes[0], False), [self.value(node, needed) for node in nodes[1:]]

        def chosen(scope: Scope) -> Scalar:
            position = int(to_number(index(scope)))
            if not 1 <= position <= len(values):
                raise value_error()
            return values[position - 1](scope)

        return chosen

    def _today(self, nodes: tuple[Node, ...], needed: bool) -> Computed:
        return lambda scope: serial_of(scope.now.date())

    def _now(self, nodes: tuple[Node, ...], needed: bool) -> Computed:
        return lambda scope: serial_of_instant(scope.now)

    def _text(self, nodes: tuple[Node, ...], needed: bool) -> Computed:
        value, format_node = self.value(nodes[0], needed), nodes[1]
        assert isinstance(format_node, String)
        format_text = format_node.value
        return lambda scope: formatted(value(scope), format_text)

    def _sumproduct(self, nodes: tuple[Node, ...], needed: bool) -> Computed:
        arrays = [self.array(node) for node in nodes]

        def summed(scope: Scope) -> Scalar:
            factors = [array(scope) for array in arrays]
            columns = [factor if isinstance(factor, list) else [factor] for factor in factors]
            if len({len(column) for column in columns}) > 1:
                raise value_error()
            total: float = 0
            for row in zip(*columns, strict=True):
                product: float = 1
                for value in row:
                    if isinstance(value, ExcelError):
                        raise value
                    # In a plain column, texts and TRUE count as nothing.
                    product *= 0 if isinstance(value, str | bool) or value is None else value
                total += product
            return finite(total)

        return summed

    def array(self, node: Node) -> Callable[[Scope], "list[CellValue] | Scalar"]:
        """The closure of *node* inside SUMPRODUCT, where operators work line by line."""
        match node:
            case Name(name=name) if self.references[name].kind == "column":
                path = self.references[name].path
                return lambda scope: list(scope.columns[path])
            case Unary(operator=sign, operand=operand):
                apply, inner = _SIGNS[sign], self.array(operand)
                return lambda scope: _each(lambda value, _: apply(value), inner(scope), None)
            case Binary(operator=sign, left=left, right=right):
                combine, first, second = _OPERATORS[sign], self.array(left), self.array(right)
                return lambda scope: _each(combine, first(scope), second(scope))
        return self.value(node, False)


def _answer(value: CellValue, needed: bool) -> Scalar:
    if needed and (value is None or value == ""):
        raise Unanswered  # a computed field that gives "" has no answer either
    if value.__class__ is ExcelError:
        raise value
    return value  # type: ignore[return-value]


def _or_error(inner: Computed, scope: Scope) -> CellValue:
    try:
        return inner(scope)
    except ExcelError as error:
        return error


def _each(
    apply: Callable[[Scalar, Scalar], Scalar], left: "list[CellValue] | Scalar", right: "list[CellValue] | Scalar"
) -> "list[CellValue] | Scalar":
    if not isinstance(left, list) and not isinstance(right, list):
        return apply(left, right)
    length = max(len(side) for side in (left, right) if isinstance(side, list))
    lefts = left if isinstance(left, list) else [left] * length
    rights = right if isinstance(right, list) else [right] * length
    if len(lefts) != len(rights):
        raise value_error()
    for value in (*lefts, *rights):
        if isinstance(value, ExcelError):
            raise value
    return [apply(a, b) for a, b in zip(lefts, rights, strict=True)]  # type: ignore[arg-type]


def _gather_numbers(found: list[object], in_cells: bool, values: "Column | CellValue") -> None:
    if isinstance(values, ExcelError):
        raise values
    if not in_cells:
        if values is not None:  # IF and its kin hand an empty cell on as what it is
            found.append(to_number(values))  # type: ignore[arg-type]
        return
    for value in values if isinstance(values, list | tuple) else (values,):
        if isinstance(value, ExcelError):
            raise value
        if is_number(value):
            found.append(value)


def _gather_logicals(found: list[object], in_cells: bool, values: "Column | CellValue") -> None:
    if isinstance(values, ExcelError):
        raise values
    for value in values if isinstance(values, list | tuple) else (values,):
        if isinstance(value, ExcelError):
            raise value
        if value is not None and not (in_cells and isinstance(value, str)):
            found.append(to_logical(value))


def _gather_values(found: list[object], in_cells: bool, values: "Column | CellValue") -> None:
    found.extend(values if isinstance(values, list | tuple) else (values,))


_GATHER: Final = {"numbers": _gather_numbers, "values": _gather_values, "logicals": _gather_logicals}
