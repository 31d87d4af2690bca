"""$filter and $orderby: parsed by odata-query, checked against the columns, and turned into functions of a row."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from operator import ge, gt, le, lt
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from odata_query import ast
from odata_query.exceptions import ArgumentCountException, ODataException, UnknownFunctionException
from odata_query.grammar import ODataLexer, ODataParser

from server.api.odata.entities import Entities, naive
from server.api.odata.errors import unsupported, wrong
from server.api.odata.functions import FUNCTIONS, KINDS_OF, OPERATORS
from workbooks.dataset import ColumnType

Kind = Literal["text", "number", "date", "datetime", "time", "boolean", "null"]
LONGEST = 8_000  # characters of an expression
_DEEPEST = 60
_MOST_STEPS = 60_000_000  # parts of the question times rows: about 20 seconds
_MOST_ORDERS = 20  # each is one more sorting of all rows
_NO_RESULT = (ArithmeticError, ValueError)  # too large, or infinite: then there is none, as of 1 div 0
_ORDER = {ast.Lt: lt, ast.LtE: le, ast.Gt: gt, ast.GtE: ge}
_KIND_OF_COLUMN: Mapping[ColumnType, Kind] = {
    "text": "text",
    "integer": "number",
    "decimal": "number",
    "percent": "number",
    "date": "date",
    "datetime": "datetime",
    "boolean": "boolean",
}
_KIND_OF_LITERAL: Mapping[type[ast._Node], Kind] = {
    ast.Null: "null",
    ast.Integer: "number",
    ast.Float: "number",
    ast.Boolean: "boolean",
    ast.String: "text",
    ast.Date: "date",
    ast.DateTime: "datetime",
    ast.Time: "time",
}
_QUOTED = re.compile(r"('(?:[^']|'')*')")
# The parser takes the start of such a name for the word itself; one underscore hides it.
_HIDDEN = re.compile(r"\b(?=(?:any|all|null|true|false)\w)(?=[a-z])\w+")
_LISTED = re.compile(r"(?<=\s)in\s*\(\s*([^\s(),]+)\s*\)")  # the parser wants a comma after a single item


@dataclass(frozen=True, slots=True)
class Term:
    """A part of an expression: its kind and its value in a row; *constant* where that is the same in all."""

    kind: Kind
    at: Callable[[int], Any]
    constant: bool = False


def parse(text: str) -> ast._Node:
    """
    The syntax tree of an expression.

    Raises:
        ODataError: 400 for what is no expression, 501 for a function this service lacks.
    """
    if len(text) > LONGEST:
        raise wrong(f"表达式超过 {LONGEST} 个字符。", f"The expression is longer than {LONGEST} characters.", "$filter")
    if "@" in _QUOTED.sub("", text):
        raise unsupported("parameter aliases (@)")
    if not text.isprintable():
        raise wrong("表达式含有控制字符。", "The expression has control characters.", "$filter")
    pieces = _QUOTED.split(text)
    prepared = "\0".join(_HIDDEN.sub(lambda name: f"_{name[0]}", piece) for piece in pieces[::2])
    prepared = _LISTED.sub(r"in (\1,)", prepared.replace("\0", "'\0'"))
    quoted = iter(pieces[1::2])
    prepared = re.sub("'\0'", lambda _: next(quoted), prepared)
    try:
        return cast(ast._Node, ODataParser().parse(ODataLexer().tokenize(prepared)))
    except UnknownFunctionException as error:
        raise unsupported(f"{str(error).partition(': ')[2].strip(chr(39))}()") from error
    except ArgumentCountException as error:
        raise wrong("函数的参数个数不对。", str(error), "$filter") from error
    except (ODataException, ValueError) as error:
        raise wrong(f"看不懂的表达式：{text}", f"This is no expression: {text}", "$filter") from error


class Compiler:
    """Turns syntax trees into functions over the rows of *entities*."""

    def __init__(self, entities: Entities) -> None:
        self._entities = entities
        self._parts = 0

    def refuse_endless(self) -> None:
        """
        Raises:
            ODataError: What was compiled has so many parts that all rows would take minutes.
        """
        if self._parts * len(self._entities) > _MOST_STEPS:
            raise wrong(
                "条件太复杂，而行数很多：请先用 period 缩小范围，或减少条件。",
                "Too many conditions for so many rows: narrow them by `period` first, or ask for less.",
                "$filter",
            )

    def condition(self, tree: ast._Node) -> Callable[[int], Any]:
        """
        Whether a row fulfils *tree*: true, false, or None where a null leaves it open (then the row is out).

        Raises:
            ODataError: It names no column, compares what cannot be compared, or is not supported.
        """
        found = self.term(tree)
        if found.kind not in ("boolean", "null"):
            raise wrong("$filter 应为真假条件。", "$filter is a condition, true or false.", "$filter")
        return found.at

    def term(self, tree: ast._Node, depth: int = 0) -> Term:
        if depth > _DEEPEST:
            raise wrong("表达式嵌套过深。", "The expression is nested too deeply.", "$filter")
        self._parts += not isinstance(tree, ast._Literal)
        match tree:
            case ast.Identifier():
                return self._column(tree)
            case ast.Compare():
                return self._compared(tree, depth + 1)
            case ast.BoolOp():
                return self._joined(tree, depth + 1)
            case ast.UnaryOp():
                return self._unary(tree, depth + 1)
            case ast.BinOp():
                return self._computed(tree, depth + 1)
            case ast.Call():
                return self._called(tree, depth + 1)
            case ast.Attribute() | ast.CollectionLambda() | ast.List() | ast.NamedParam():
                raise unsupported(type(tree).__name__)
        return literal(tree, self._entities.zone)

    def _column(self, tree: ast.Identifier) -> Term:
        column = self._entities.type.property(_name(tree)) or self._entities.type.property(tree.name[1:])
        if column is None:
            known = ", ".join(each.name for each in self._entities.type.properties)
            name = _name(tree)
            raise wrong(f"没有列“{name}”；有：{known}。", f"There is no column {name!r}; there are: {known}.", name)
        values = self._entities.column(column.name)
        if column.type in ("decimal", "percent"):  # both are Edm.Double, whatever Python holds
            return Term("number", lambda row: None if (v := values[row]) is None else float(v))
        if column.type == "integer":  # a sum of floats is a whole number, too
            return Term("number", lambda row: None if (v := values[row]) is None else round(v))
        return Term(_KIND_OF_COLUMN[column.type], values.__getitem__)

    def _compared(self, tree: ast.Compare, depth: int) -> Term:
        left = self.term(tree.left, depth)
        if isinstance(tree.comparator, ast.In):
            items = [self.term(item, depth) for item in cast(ast.List, tree.right).val]
            if not all(item.constant for item in items):
                raise unsupported("in (…) with columns")
            for item in items:
                _agree(left, item)
            members = {item.at(0) for item in items}
            return Term("boolean", lambda row: left.at(row) in members)
        left, right = _agree(left, self.term(tree.right, depth))
        first, second = left.at, right.at
        if isinstance(tree.comparator, ast.Eq):
            return Term("boolean", lambda row: first(row) == second(row))
        if isinstance(tree.comparator, ast.NotEq):
            return Term("boolean", lambda row: first(row) != second(row))
        ordered = _ORDER[type(tree.comparator)]

        def compared(row: int) -> bool:
            one, other = first(row), second(row)
            return one is not None and other is not None and ordered(one, other)

        return Term("boolean", compared)

    def _joined(self, tree: ast.BoolOp, depth: int) -> Term:
        one, other = self.term(tree.left, depth), self.term(tree.right, depth)
        for each in (one, other):
            _expect(each, ("boolean", "null"), "and, or")
        first, second = one.at, other.at
        decisive = isinstance(tree.op, ast.Or)  # true decides an or, false an and; else a null leaves it open

        def joined(row: int) -> Any:
            left = first(row)
            if left is decisive:
                return decisive
            right = second(row)
            if right is decisive:
                return decisive
            return None if left is None or right is None else not decisive

        return Term("boolean", joined)

    def _unary(self, tree: ast.UnaryOp, depth: int) -> Term:
        operand = self.term(tree.operand, depth)
        at = operand.at
        if isinstance(tree.op, ast.Not):
            _expect(operand, ("boolean", "null"), "not")
            return Term("boolean", lambda row: None if (v := at(row)) is None else not v)
        _expect(operand, ("number", "null"), "-")
        return Term("number", lambda row: None if (v := at(row)) is None else -v, operand.constant)

    def _computed(self, tree: ast.BinOp, depth: int) -> Term:
        one, other = self.term(tree.left, depth), self.term(tree.right, depth)
        name = type(tree.op).__name__.lower()
        for each in (one, other):
            _expect(each, ("number", "null"), name)
        first, second, combine = one.at, other.at, OPERATORS[name]

        def computed(row: int) -> Any:
            left, right = first(row), second(row)
            try:
                return None if left is None or right is None else combine(left, right)
            except _NO_RESULT:
                return None

        return Term("number", computed, one.constant and other.constant)

    def _called(self, tree: ast.Call, depth: int) -> Term:
        name = _name(tree.func)
        if name == "now":
            moment = naive(datetime.now(UTC), self._entities.zone)
            return Term("datetime", lambda row: moment, constant=True)
        if name not in FUNCTIONS:
            raise unsupported(f"{name}()")
        terms = [self.term(argument, depth) for argument in tree.args]
        for term, kinds in zip(terms, KINDS_OF[name].arguments, strict=False):
            _expect(term, (*kinds, "null"), f"{name}()")
        function = FUNCTIONS[name]
        parts = [term.at for term in terms]

        def called(row: int) -> Any:
            values = [at(row) for at in parts]
            try:
                return None if None in values else function(*values)
            except _NO_RESULT:
                return None

        return Term(cast(Kind, KINDS_OF[name].result), called, all(term.constant for term in terms))


def literal(tree: ast._Node, zone: ZoneInfo) -> Term:
    """
    A constant.

    Raises:
        ODataError: Not one of the kinds that columns have.
    """
    kind = _KIND_OF_LITERAL.get(type(tree))
    if kind is None:
        raise unsupported(f"{type(tree).__name__} literals")
    try:
        value = cast(ast._Literal, tree).py_val
    except ValueError as error:
        raise wrong(f"无效的值：{tree.val}", f"No such value: {tree.val}", "$filter") from error  # type: ignore[attr-defined]
    if isinstance(value, datetime):
        value = naive(value, zone)
    return Term(kind, lambda row: value, constant=True)


def _name(tree: ast.Identifier) -> str:
    return ".".join((*tree.namespace, tree.name))


def _agree(left: Term, right: Term) -> tuple[Term, Term]:
    """Both sides of a comparison in one kind; a day beside an instant is its midnight."""
    kinds = {left.kind, right.kind} - {"null"}
    if kinds == {"date", "datetime"}:
        return _as_instant(left), _as_instant(right)
    if len(kinds) > 1:
        raise wrong(
            f"不能比较 {left.kind} 与 {right.kind}。", f"{left.kind} cannot be compared with {right.kind}.", "$filter"
        )
    return left, right


def _as_instant(term: Term) -> Term:
    if term.kind != "date":
        return term
    at = term.at
    return Term(
        "datetime", lambda row: None if (v := at(row)) is None else datetime.combine(v, time.min), term.constant
    )


def _expect(term: Term, kinds: Sequence[str], where: str) -> None:
    if term.kind not in kinds:
        raise wrong(f"{where} 不能用于 {term.kind}。", f"{where} cannot take {term.kind}.", "$filter")


def parse_order(text: str) -> list[tuple[ast._Node, bool]]:
    """
    The expressions of an $orderby and whether each is descending.

    Raises:
        ODataError: It cannot be read.
    """
    found: list[tuple[ast._Node, bool]] = []
    parts = _split(text) if len(text) <= LONGEST else []
    if not 0 < len(parts) <= _MOST_ORDERS:
        raise wrong(
            f"$orderby 最多 {_MOST_ORDERS} 项、{LONGEST} 个字符。",
            f"$orderby takes up to {_MOST_ORDERS} terms in {LONGEST} characters.",
            "$orderby",
        )
    for part in parts:
        words = part.strip()
        match = re.search(r"\s+(asc|desc)$", words, re.IGNORECASE)
        descending = match is not None and match[1].lower() == "desc"
        found.append((parse(words[: match.start()] if match else words), descending))
    return found


def _split(text: str) -> list[str]:
    """*text* at the commas that stand in no brackets and no quotes."""
    parts, depth = [""], 0
    for piece in _QUOTED.split(text):
        if piece.startswith("'"):
            parts[-1] += piece
            continue
        for char in piece:
            depth += (char == "(") - (char == ")")
            if char == "," and depth == 0:
                parts.append("")
            else:
                parts[-1] += char
    return parts


def ordered(rows: Sequence[int], terms: Sequence[tuple[Term, bool]]) -> Sequence[int]:
    """*rows* sorted by several terms; a null comes before everything else, as OData has it."""
    for term, descending in reversed(terms):
        at = term.at
        present = [row for row in rows if at(row) is not None]
        absent = [row for row in rows if at(row) is None]
        present.sort(key=at, reverse=descending)
        rows = present + absent if descending else absent + present
    return rows
