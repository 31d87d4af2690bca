"""Excel formulas as form authors write them: text → syntax tree, or an error that points at the place."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

MAX_LENGTH = 8192  # Excel's own limits for one formula
MAX_NESTING = 64


class FormulaError(Exception):
    """
    A formula that cannot be used; *where* names the rule or field it stands in.

    The text says which formula, at which character, and what is wrong with it.
    """

    def __init__(self, problem: str, *, formula: str = "", position: int = 0, where: str = "") -> None:
        self.problem, self.formula, self.position, self.where = problem, formula, position, where
        super().__init__(problem)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        if not self.formula:
            return f"{place}{self.problem}"
        return f"{place}{self.problem}, at character {self.position + 1} of {self.formula}"


@dataclass(frozen=True, slots=True)
class Number:
    value: int | float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class String:
    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Logical:
    value: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Name:
    """A field ("name"), a repeat's column ("repeat.name") or a threshold."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Unary:
    """*operator* is "-" or "+" before the operand, or "%" behind it."""

    operator: str
    operand: "Node"
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: "Node"
    right: "Node"
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple["Node", ...]
    start: int
    end: int


Node = Number | String | Logical | Name | Unary | Binary | Call

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<string>"(?:[^"]|"")*")
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)
      | (?P<operator><>|<=|>=|[-+*/^&=<>%(),])
    """,
    re.VERBOSE,
)
_BINDING = {"=": 1, "<>": 1, "<": 1, ">": 1, "<=": 1, ">=": 1, "&": 2, "+": 3, "-": 3, "*": 4, "/": 4, "^": 5}
_PREFIX = 7  # in Excel a sign binds tighter than ^ and %: -2^2 is 4
_END = "the end"


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


def parse(formula: str) -> Node:
    """
    The syntax tree of *formula*; a leading "=" may be there or not.

    Positions in the tree and in errors count characters of *formula* as it was given.

    Raises:
        FormulaError: It is no formula, or uses syntax that is not supported (cell
            addresses, array constants, empty arguments, names of other sheets).
    """
    if len(formula) > MAX_LENGTH:
        raise FormulaError(f"the formula is longer than {MAX_LENGTH} characters", formula=formula[:60] + "…")
    return _Parser(formula).whole()


def walk(node: Node) -> Iterator[Node]:
    """*node* and everything below it, in the order of the text."""
    yield node
    for child in children(node):
        yield from walk(child)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below *node*."""
    match node:
        case Unary(operand=operand):
            return (operand,)
        case Binary(left=left, right=right):
            return (left, right)
        case Call(arguments=arguments):
            return arguments
    return ()


class _Parser:
    """Operator precedence climbing over the tokens of one formula."""

    def __init__(self, formula: str) -> None:
        self.formula = formula
        self.tokens = list(self._tokens())
        self.at = 0
        self.depth = 0

    def whole(self) -> Node:
        node = self._expression(0)
        if self._next.kind != "end":
            raise self._error(f"{self._next.text!r} is not expected here", self._next.start)
        return node

    def _tokens(self) -> Iterator[_Token]:
        text = self.formula
        position = len(text) - len(text.lstrip())
        position += text[position : position + 1] == "="
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise self._error(_odd_character(text[position]), position)
            if match.lastgroup != "space":
                yield _Token(match.lastgroup or "", match[0], match.start(), match.end())
            position = match.end()
        yield _Token("end", _END, len(text), len(text))

    @property
    def _next(self) -> _Token:
        return self.tokens[self.at]

    def _take(self) -> _Token:
        token = self.tokens[self.at]
        self.at += 1
        return token

    def _expect(self, text: str) -> _Token:
        if self._next.text != text or self._next.kind == "string":
            raise self._error(f"{text!r} is missing before {self._next.text!r}", self._next.start)
        return self._take()

    def _error(self, problem: str, position: int) -> FormulaError:
        return FormulaError(problem, formula=self.formula, position=position)

    def _expression(self, minimum: int) -> Node:
        self.depth += 1
        if self.depth > MAX_NESTING:
            raise self._error(f"more than {MAX_NESTING} levels of nesting", self._next.start)
        left = self._operand()
        while self._next.kind == "operator":
            if self._next.text == "%":
                left = Unary("%", left, left.start, self._take().end)
                continue
            binding = _BINDING.get(self._next.text, 0)
            if binding <= minimum:
                break
            operator = self._take().text
            right = self._expression(binding)
            left = Binary(operator, left, right, left.start, right.end)
        self.depth -= 1
        return left

    def _operand(self) -> Node:
        token = self._take()
        match token.kind, token.text:
            case "number", text:
                return Number(float(text) if set(text) & set(".eE") else int(text), token.start, token.end)
            case "string", text:
                return String(text[1:-1].replace('""', '"'), token.start, token.end)
            case "operator", "-" | "+":
                operand = self._expression(_PREFIX)
                return Unary(token.text, operand, token.start, operand.end)
            case "operator", "(":
                inner = self._expression(0)
                self._expect(")")
                return inner
            case "name", text:
                return self._named(token)
        raise self._error(f"a value is missing before {token.text!r}", token.start)

    def _named(self, token: _Token) -> Node:
        word = token.text.upper()
        if self._next.text == "(" and self._next.kind == "operator":
            self._take()
            arguments = self._arguments()
            end = self._expect(")").end
            if word in ("TRUE", "FALSE") and not arguments:
                return Logical(word == "TRUE", token.start, end)
            return Call(word, arguments, token.start, end)
        if word in ("TRUE", "FALSE"):
            return Logical(word == "TRUE", token.start, token.end)
        return Name(token.text, token.start, token.end)

    def _arguments(self) -> tuple[Node, ...]:
        if self._next.text == ")" and self._next.kind == "operator":
            return ()
        arguments = [self._expression(0)]
        while self._next.kind == "operator" and self._next.text == ",":
            self._take()
            arguments.append(self._expression(0))
        return tuple(arguments)


def _odd_character(character: str) -> str:
    if character in "，（）；“”＝＜＞：":
        return f"{character!r} is a Chinese character width; formulas need ASCII punctuation"
    if character in ":$!{}[];#@'":
        return f"{character!r} is not supported: refer to fields by name, without cell addresses or array constants"
    if character == '"':
        return "the text is not closed with a quotation mark"
    return f"{character!r} is not part of a formula"
