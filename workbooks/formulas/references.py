"""What the names in a formula stand for, and whether sheet and server would understand the formula alike."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from workbooks.form import Choice, Field, FieldType, FormDefinition, Language, Repeat, defined_name
from workbooks.formulas.formula import (
    Binary,
    Call,
    FormulaError,
    Logical,
    Name,
    Node,
    Number,
    String,
    Unary,
    parse,
    walk,
)
from workbooks.formulas.functions import FUNCTIONS
from workbooks.formulas.number_formats import date_pattern, is_number_format

_NEWER = {"IFS", "SWITCH", "XOR", "DAYS"}  # functions younger than the file format carry a prefix in the file
_BLANK_TESTS = {"ISBLANK", "COUNTA", "COUNTBLANK"}
_ORDERING = {"<", ">", "<=", ">="}
_TEXTUAL = {FieldType.TEXT, FieldType.PERSON}


@dataclass(frozen=True, slots=True)
class Reference:
    """
    What one name stands for.

    "cell" is a field outside repeats, "line" one of the repeat in whose own rule the
    formula stands (the cell of the same line), "column" all lines of another repeat's
    field, "threshold" a number of the definition.
    """

    kind: Literal["cell", "line", "column", "threshold"]
    path: str
    field: Field | None = None
    number: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Formula:
    """A parsed formula whose names are all known and whose functions are all supported."""

    text: str
    node: Node
    references: Mapping[str, Reference]
    labels: tuple[tuple[String, Choice], ...]  # texts that name a choice; people see its label

    @property
    def paths(self) -> Iterator[str]:
        """The fields the formula reads, in the order of its text."""
        return (reference.path for reference in self.references.values() if reference.kind != "threshold")


def understand(
    definition: FormDefinition, text: str, *, repeat: Repeat | None = None, result: Field | None = None
) -> Formula:
    """
    *text* as a formula over *definition*; inside *repeat*, bare names mean the same line first.

    *result* is the field that a calculation fills: if that is a select_one, texts the
    formula may end in are names of its choices.

    Raises:
        FormulaError: Syntax, an unknown name or function, a wrong number of arguments, or
            a use that the sheet and the server would not work out alike.
    """
    reading = _Reading(definition, text, repeat)
    node = parse(text)
    reading.result(node, result if result is not None and result.choices else None)
    return Formula(text, node, reading.references, tuple(reading.labels))


def asks_computed(formula: Formula, node: Call) -> bool:
    """Whether *node* is ISBLANK of a computed field, which means: whether its formula gives nothing."""
    if node.function != "ISBLANK" or not isinstance(node.arguments[0], Name):
        return False
    field = formula.references[node.arguments[0].name].field
    return field is not None and field.computed


def excel_text(formula: Formula, language: Language, reference: Callable[[str], str] = defined_name) -> str:
    """*formula* without "=" as a workbook holds it: fields by *reference*, choices by label, thresholds as numbers."""
    changes: list[tuple[int, int, str]] = []
    for node in walk(formula.node):
        if isinstance(node, Name):
            found = formula.references[node.name]
            text = _plain(found.number) if found.kind == "threshold" else reference(found.path)
            changes.append((node.start, node.end, text))
        elif isinstance(node, Call) and node.function in _NEWER:
            changes.append((node.start, node.start, "_xlfn."))
        elif isinstance(node, Call) and asks_computed(formula, node):
            # A formula's cell is never blank to Excel, even where it shows nothing.
            inner = node.arguments[0]
            changes += [(node.start, inner.start, "("), (inner.end, node.end, '="")')]
    for literal, choice in formula.labels:
        operator = literal.value[: len(literal.value) - len(literal.value.lstrip("<>="))]
        label = choice.label[language].replace('"', '""')
        changes.append((literal.start, literal.end, f'"{operator}{label}"'))
    text = formula.text
    for start, end, new in sorted(changes, reverse=True):
        text = text[:start] + new + text[end:]
    return text.strip().removeprefix("=").strip()


def _plain(number: Decimal) -> str:
    text = f"{number.normalize():f}"
    return f"({text})" if number < 0 else text


class _Reading:
    """One pass over one formula that resolves its names and refuses what would be read in two ways."""

    def __init__(self, definition: FormDefinition, text: str, repeat: Repeat | None) -> None:
        self.definition, self.text, self.repeat = definition, text, repeat
        self.known = dict(definition.paths())
        self.references: dict[str, Reference] = {}
        self.labels: list[tuple[String, Choice]] = []

    def error(self, problem: str, node: Node) -> FormulaError:
        return FormulaError(problem, formula=self.text, position=node.start)

    def resolve(self, node: Name) -> Reference:
        if node.name not in self.references:
            self.references[node.name] = self._find(node)
        return self.references[node.name]

    def _find(self, node: Name) -> Reference:
        name = node.name
        if self.repeat is not None:
            path = name if name.startswith(f"{self.repeat.name}.") else f"{self.repeat.name}.{name}"
            if path in self.known:
                return Reference("line", path, self.known[path])
        if name in self.known:
            return Reference("column" if "." in name else "cell", name, self.known[name])
        for threshold in self.definition.thresholds:
            if threshold.name == name:
                return Reference("threshold", name, number=threshold.value)
        raise self.error(f"there is no field or threshold called {name!r}", node)

    def field(self, node: Node) -> Field | None:
        return self.resolve(node).field if isinstance(node, Name) else None

    def result(self, node: Node, target: Field | None) -> None:
        """A place whose value becomes the formula's value; with a *target* its texts are names of choices."""
        if isinstance(node, Call) and node.function in ("IF", "IFS", "IFERROR", "SWITCH", "CHOOSE"):
            self.call(node, target)
        elif target is not None and isinstance(node, String) and node.value:
            self.choice(target, node, node.value)
        elif target is not None and isinstance(node, Name) and self._has_choices(self.field(node)):
            if self.field(node).choices != target.choices:  # type: ignore[union-attr]
                raise self.error(f"{node.name!r} does not have the choices of {target.name!r}", node)
        else:
            self.value(node)

    def value(self, node: Node, *, array: bool = False) -> None:
        """A place that needs one value; inside SUMPRODUCT (*array*) columns are worked out line by line."""
        match node:
            case Number() | String() | Logical():
                return
            case Name():
                self._plain_name(node, array=array)
            case Unary(operand=operand):
                self.value(operand, array=array)
            case Binary(operator="=" | "<>"):
                self._equality(node, array=array)
            case Binary(operator=operator, left=left, right=right):
                if operator in _ORDERING:
                    self._ordering(node)
                self.value(left, array=array)
                self.value(right, array=array)
            case Call():
                self.call(node, None)

    def _plain_name(self, node: Name, *, array: bool) -> None:
        found = self.resolve(node)
        if found.kind == "column" and not array:
            raise self.error(f"{node.name!r} is a whole column here; use SUM, COUNTA or another function over it", node)
        if found.field is not None and self._has_choices(found.field):
            raise self.error(
                f"{node.name!r} is a choice: compare it with the name of a choice by = or <>, or use ISBLANK, "
                "because the sheet shows its label",
                node,
            )
        if found.field is not None and found.field.type is FieldType.IMAGE:
            raise self.error(f"{node.name!r} is a picture, which no formula can see", node)

    @staticmethod
    def _has_choices(field: Field | None) -> bool:
        if field is None:
            return False
        return field.master is not None or field.type in (FieldType.SELECT_ONE, FieldType.SELECT_MULTIPLE)

    def _ordering(self, node: Binary) -> None:
        for side in (node.left, node.right):
            field = self.field(side)
            if isinstance(side, String) or (field is not None and field.type in _TEXTUAL):
                raise self.error(f"{node.operator} over texts depends on the language of Excel", side)

    def _equality(self, node: Binary, *, array: bool) -> None:
        sides = (node.left, node.right)
        fields = [self.field(side) for side in sides]
        if not any(map(self._has_choices, fields)):
            for side in sides:
                self.value(side, array=array)
            return
        for side, other, field in ((sides[0], sides[1], fields[0]), (sides[1], sides[0], fields[1])):
            if field is None or not self._has_choices(field):
                continue
            if self.resolve(side).kind == "column" and not array:  # type: ignore[arg-type]
                raise self.error(f"{field.name!r} is a whole column here; use COUNTIF over it", side)
            if isinstance(other, String):
                if other.value:
                    self.choice(field, other, other.value)
            elif not self._comparable(field, self.field(other)):
                raise self.error(
                    f"{field.name!r} is a choice; compare it with the name of one in quotation marks", other
                )

    def _comparable(self, field: Field, other: Field | None) -> bool:
        if other is None or (field.type is not FieldType.SELECT_ONE and field.type is not FieldType.PERSON):
            return False
        if field.master is not None and other.master is not None:
            return field.master.table == other.master.table
        return bool(field.choices) and field.choices == other.choices

    def choice(self, field: Field, literal: String, name: str) -> None:
        """Note that *literal* names a choice of *field*."""
        if field.type is FieldType.SELECT_MULTIPLE:
            raise self.error(f"{field.name!r} may hold several choices; only ISBLANK and COUNTA understand it", literal)
        if field.master is not None:
            raise self.error(f"{field.name!r} comes from master data; look a property up and compare that", literal)
        for choice in field.choices:
            if choice.name == name:
                self.labels.append((literal, choice))
                return
        names = ", ".join(choice.name for choice in field.choices)
        raise self.error(f"{field.name!r} has no choice {name!r} (it has {names})", literal)

    def call(self, node: Call, target: Field | None) -> None:
        function = FUNCTIONS.get(node.function)
        if function is None:
            raise self.error(f"the function {node.function} is not supported", node)
        count = len(node.arguments)
        if count < function.minimum or (function.maximum is not None and count > function.maximum):
            raise self.error(f"{node.function} does not take {count} argument(s)", node)
        match node.function:
            case "IF" | "IFS" | "IFERROR" | "SWITCH" | "CHOOSE":
                self._branches(node, target)
            case "SUMPRODUCT":
                for argument in node.arguments:
                    self.value(argument, array=True)
            case "COUNTIF" | "SUMIF":
                self._counting(node)
            case "TEXT" | "DATEDIF":
                self._literals(node)
            case name if name in _BLANK_TESTS:
                for argument in node.arguments:
                    self._blank_test(argument)
            case _:
                self._arguments(node, function.arguments, spread=function.takes != "scalars")

    def _branches(self, node: Call, target: Field | None) -> None:
        arguments = node.arguments
        if node.function == "SWITCH":
            field = self.field(arguments[0])
            if field is None or not self._has_choices(field):
                self.value(arguments[0])
            for position, argument in enumerate(arguments[1:], start=1):
                is_case = position % 2 == 1 and position + 1 < len(arguments)
                if is_case and field is not None and self._has_choices(field):
                    if not isinstance(argument, String):
                        raise self.error(f"{field.name!r} is a choice; name one in quotation marks", argument)
                    self.choice(field, argument, argument.value)
                elif is_case:
                    self.value(argument)
                else:
                    self.result(argument, target)
            return
        if node.function == "IFS" and len(arguments) % 2:
            raise self.error("IFS takes pairs of a condition and a value", node)
        for position, argument in enumerate(arguments):
            tests = {"IF": position == 0, "IFS": position % 2 == 0, "CHOOSE": position == 0}
            if tests.get(node.function, False):
                self.value(argument)
            else:
                self.result(argument, target)

    def _counting(self, node: Call) -> None:
        column, criterion, *summed = node.arguments
        for argument in (column, *summed):
            self._column(argument)
        field = self.field(column)
        if field is None or not self._has_choices(field):
            self.value(criterion)
        elif not isinstance(criterion, String):
            raise self.error(f"{field.name!r} is a choice; name one in quotation marks", criterion)
        elif name := criterion.value.lstrip("<>="):
            self.choice(field, criterion, name)

    def _column(self, node: Node) -> None:
        if not isinstance(node, Name) or self.resolve(node).kind != "column":
            raise self.error("a column such as parts.quantity is needed here", node)

    def _literals(self, node: Call) -> None:
        """TEXT and DATEDIF take the formats and units that every Excel understands alike."""
        *values, last = node.arguments
        for value in values:
            self.value(value)
        known = isinstance(last, String) and (
            last.value.upper() in ("Y", "M", "D")
            if node.function == "DATEDIF"
            else is_number_format(last.value) or date_pattern(last.value) is not None
        )
        if not known:
            raise self.error(f"{node.function} needs a simple format in quotation marks here", last)

    def _blank_test(self, node: Node) -> None:
        if not isinstance(node, Name):
            self.value(node)
        elif (field := self.resolve(node).field) is not None and field.type is FieldType.IMAGE:
            raise self.error(f"{node.name!r} is a picture, which no formula can see", node)

    def _arguments(self, node: Call, letters: str, *, spread: bool) -> None:
        for position, argument in enumerate(node.arguments):
            if not spread and letters[position] == "c":
                self._column(argument)
            elif spread and isinstance(argument, Name) and self.resolve(argument).kind == "column":
                if self._has_choices(self.field(argument)):
                    raise self.error(f"{argument.name!r} holds choices; count them with COUNTA or COUNTIF", argument)
            else:
                self.value(argument)
