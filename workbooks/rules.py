"""
Rules written as Excel formulas: compiled to Python for the check, put into Excel's own words for the sheet.

Names in a formula are fields ("returned_on"), columns of repeats ("parts.quantity") and
thresholds. In a repeat's own rules a name means the cell of the same line. Choices are
compared by name (`severity="critical"`); the sheet compares the label people see.

A constraint stays silent while a cell it needs is empty; `calculation.compile_formula`
says which cells those are. Excel does the same with "ignore blank" switched on.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType
from typing import Final

from workbooks.filled import Row, Value, Values
from workbooks.form import Constraint, Field, FormDefinition, Language, Repeat, defined_name
from workbooks.formulas.calculation import Computed, Scope, Unanswered, compile_formula
from workbooks.formulas.excel_values import CellValue, ExcelError, cell_of, to_logical, to_number
from workbooks.formulas.formula import Call, FormulaError, walk
from workbooks.formulas.functions import FUNCTIONS
from workbooks.formulas.references import Formula, excel_text, understand
from workbooks.formulas.results import looked_up, result_value
from workbooks.master import Master

__all__ = ["SUPPORTED", "CompiledRules", "FormulaError", "Rule", "compile_rules", "to_excel"]

SUPPORTED: Final[Mapping[str, str]] = MappingProxyType(
    {name: FUNCTIONS[name].description for name in sorted(FUNCTIONS)}
)
"""The functions a formula may use and what each gives; operators are = <> < > <= >= & + - * / ^ %."""

_KEPT = 256  # compiled definitions; a site has a few dozen


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One compiled constraint.

    *at* is the path of the field whose cell is marked, *paths* all fields it reads,
    *repeat* the repeat it is evaluated in line by line.
    """

    constraint: Constraint
    at: str
    paths: frozenset[str]
    repeat: str | None
    compute: Computed

    def broken(self, scope: Scope) -> bool:
        """Whether the answers break the rule: an error does, a missing answer that it needs does not."""
        try:
            return not to_logical(self.compute(scope))
        except Unanswered:
            return False
        except ExcelError:
            return True


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled *relevant*, *required* or *minimum*; *paths* are the fields it reads."""

    paths: frozenset[str]
    compute: Computed

    def holds(self, scope: Scope) -> bool:
        """Whether the condition is met; one that ends in an error is not."""
        try:
            return to_logical(self.compute(scope))
        except ExcelError:
            return False

    def number(self, scope: Scope) -> int:
        """The condition as a count: TRUE is 1."""
        try:
            return int(to_number(self.compute(scope)))
        except ExcelError:
            return 0


@dataclass(frozen=True, slots=True)
class Computation:
    """How one computed field comes about: by a compiled formula, or from the master row another answer chose."""

    path: str
    field: Field
    repeat: str | None
    paths: frozenset[str]
    compute: Computed | None
    table: str = ""
    volatile: bool = False  # reads the clock, so it gives something else tomorrow


@dataclass(frozen=True, slots=True)
class Declared:
    """One formula where a definition declares it."""

    where: str
    text: str
    repeat: Repeat | None = None
    result: Field | None = None


class CompiledRules:
    """
    All formulas of one definition, ready to be worked out.

    *computations* stand in the order in which they can be worked out. *relevant* and
    *required* are by field path, *minimum* by repeat.
    """

    def __init__(self, definition: FormDefinition) -> None:
        self.definition = definition
        self.rules = tuple(_rules(definition))
        self.relevant: dict[str, Condition] = {}
        self.required: dict[str, Condition] = {}
        self.minimum: dict[str, Condition] = {}
        for path, field, repeat in _fields(definition):
            if field.relevant is not None:
                self.relevant[path] = _condition(definition, path, field.relevant, repeat)
            if isinstance(field.required, str):
                self.required[path] = _condition(definition, path, field.required, repeat)
        for repeat in definition.repeats:
            if isinstance(repeat.minimum, str):
                self.minimum[repeat.name] = _condition(definition, repeat.name, repeat.minimum, None)
        self.computations = tuple(_in_order(definition, list(_computations(definition))))
        self._lines = {repeat.name: repeat.rows for repeat in definition.repeats}
        conditions = (*self.relevant.values(), *self.required.values(), *self.minimum.values())
        reading = [part.paths for parts in (self.rules, conditions, self.computations) for part in parts]
        read = frozenset[str]().union(*reading) | {computation.path for computation in self.computations}
        self._cells = tuple(path for path, _ in definition.paths() if path in read and "." not in path)
        self._columns = tuple(path for path, _ in definition.paths() if path in read and "." in path)

    def calculate(self, values: Values, *, master: Master, now: datetime) -> Values:
        """
        *values* with every computed field worked out anew, whatever stood there before.

        *now* is the site's date and time. What ends in an Excel error, or in something
        that does not fit the field's type, is None.
        """
        result: dict[str, Value | tuple[Row, ...]] = dict(values)
        for repeat in self._lines:
            result[repeat] = tuple(dict(row) for row in _rows(values, repeat))
        self.work_out(result, self.scope(result, now), master)
        return result

    def scope(self, values: Values, now: datetime) -> Scope:
        """The sheet's cells that hold *values*, as the formulas of this definition see them."""
        cells: dict[str, CellValue] = {name: cell_of(values.get(name)) for name in self._cells}  # type: ignore[arg-type]
        columns: dict[str, list[CellValue]] = {}
        for path in self._columns:
            repeat, _, name = path.partition(".")
            column: list[CellValue] = [cell_of(row.get(name)) for row in _rows(values, repeat)]
            # The sheet has its printed lines even where nobody wrote: COUNTBLANK counts them.
            columns[path] = column + [None] * (self._lines[repeat] - len(column))
        return Scope(now, cells, columns)

    def line(self, scope: Scope, repeat: str, index: int) -> Scope:
        """*scope* seen from line *index* (from 0) of *repeat*."""
        prefix = f"{repeat}."
        line = {path: column[index] for path, column in scope.columns.items() if path.startswith(prefix)}
        return Scope(scope.now, scope.cells, scope.columns, line)

    def work_out(
        self,
        values: dict[str, Value | tuple[Row, ...]],
        scope: Scope,
        master: Master,
        skip: frozenset[str] = frozenset(),
    ) -> None:
        """
        Put every computed field into *values* and *scope*, which must belong together.

        Fields that read one of *skip* (answers that are wrong) are not worked out: they
        become None and count as an error for what reads them.
        """
        for computation in self.computations:
            unknown = bool(skip) and not skip.isdisjoint(computation.paths)
            if computation.repeat is None:
                value, cell = _worked_out(computation, values, values, scope, master, unknown)
                values[computation.field.name] = value
                scope.cells[computation.path] = cell  # type: ignore[index]
                continue
            for index, row in enumerate(_rows(values, computation.repeat)):
                line = self.line(scope, computation.repeat, index)
                value, cell = _worked_out(computation, row, values, line, master, unknown)
                row[computation.field.name] = value  # type: ignore[index]
                scope.columns[computation.path][index] = cell  # type: ignore[index]


def compile_rules(definition: FormDefinition) -> CompiledRules:
    """
    The compiled rules of *definition*; the same object again for the same definition.

    Raises:
        FormulaError: A formula cannot be used, or calculations go round in a circle;
            `where` names the rule or field.
    """
    # By identity: a definition's own hash would walk through all its texts. The entry holds
    # the definition, so its id cannot pass to another one.
    entry = _compiled.get(id(definition))
    if entry is None:
        while len(_compiled) >= _KEPT:
            _compiled.pop(next(iter(_compiled)), None)
        entry = _compiled[id(definition)] = CompiledRules(definition)
    return entry


_compiled: dict[int, CompiledRules] = {}


def formula_errors(definition: FormDefinition) -> Iterator[FormulaError]:
    """Everything that is wrong with the formulas of *definition*: each one by itself, then how they fit together."""
    found = False
    for declared in declared_formulas(definition):
        try:
            _understood(definition, declared.where, declared.text, declared.repeat, declared.result)
        except FormulaError as error:
            found = True
            yield error
    if not found:
        try:
            compile_rules(definition)
        except FormulaError as error:
            yield error


def to_excel(
    definition: FormDefinition,
    formula: str,
    language: Language,
    *,
    reference: Callable[[str], str] = defined_name,
    repeat: Repeat | None = None,
    result: Field | None = None,
) -> str:
    """
    *formula* as a workbook in *language* holds it, without "=".

    Fields become `reference(path)`, names of choices their labels, thresholds their
    numbers; functions younger than the file format get their prefix. *repeat* and
    *result* say where the formula stands; when neither is given, that is looked up among
    the definition's own formulas.

    Raises:
        FormulaError: The formula cannot be used.
    """
    if repeat is None and result is None:
        for declared in declared_formulas(definition):
            if declared.text == formula:
                repeat, result = declared.repeat, declared.result
                break
    return excel_text(understand(definition, formula, repeat=repeat, result=result), language, reference)


def declared_formulas(definition: FormDefinition) -> Iterator[Declared]:
    """Every formula of *definition*, with the rule or field it stands in."""
    for constraint in definition.constraints:
        yield Declared(constraint.name, constraint.check)
    for path, field, repeat in _fields(definition):
        for constraint in field.constraints:
            yield Declared(constraint.name, constraint.check, repeat)
        for text in (field.required, field.relevant):
            if isinstance(text, str):
                yield Declared(path, text, repeat)
        if field.calculation is not None:
            yield Declared(path, field.calculation, repeat, field)
    for repeat in definition.repeats:
        for constraint in repeat.constraints:
            yield Declared(constraint.name, constraint.check, repeat)
        if isinstance(repeat.minimum, str):
            yield Declared(repeat.name, repeat.minimum)


def _rows(values: Values, repeat: str) -> tuple[Row, ...]:
    return values.get(repeat) or ()  # type: ignore[return-value]


def _fields(definition: FormDefinition) -> Iterator[tuple[str, Field, Repeat | None]]:
    repeats = {repeat.name: repeat for repeat in definition.repeats}
    for path, field in definition.paths():
        yield path, field, repeats.get(path.partition(".")[0]) if "." in path else None


def _understood(
    definition: FormDefinition, where: str, text: str, repeat: Repeat | None, result: Field | None = None
) -> Formula:
    try:
        return understand(definition, text, repeat=repeat, result=result)
    except FormulaError as error:
        error.where = where
        raise


def _condition(definition: FormDefinition, where: str, text: str, repeat: Repeat | None) -> Condition:
    formula = _understood(definition, where, text, repeat)
    return Condition(frozenset(formula.paths), compile_formula(formula))


def _rules(definition: FormDefinition) -> Iterator[Rule]:
    for constraint in definition.constraints:
        yield _rule(definition, constraint, None, None)
    for path, field, repeat in _fields(definition):
        for constraint in field.constraints:
            yield _rule(definition, constraint, repeat, path)
    for repeat in definition.repeats:
        for constraint in repeat.constraints:
            yield _rule(definition, constraint, repeat, None)


def _rule(definition: FormDefinition, constraint: Constraint, repeat: Repeat | None, own: str | None) -> Rule:
    formula = _understood(definition, constraint.name, constraint.check, repeat)
    paths = tuple(formula.paths)
    known = dict(definition.paths())
    at = constraint.at or own
    if at is None:
        if not paths:
            raise FormulaError("the rule reads no field", formula=constraint.check, where=constraint.name)
        at = paths[0]
    elif repeat is not None and f"{repeat.name}.{at}" in known:
        at = f"{repeat.name}.{at}"
    if at not in known and at not in {r.name for r in definition.repeats}:
        raise FormulaError(f"at names {at!r}, which is no field", where=constraint.name)
    compute = compile_formula(formula, needs_answers=True)
    return Rule(constraint, at, frozenset(paths), repeat.name if repeat else None, compute)


def _computations(definition: FormDefinition) -> Iterator[Computation]:
    known = dict(definition.paths())
    for path, field, repeat in _fields(definition):
        name = repeat.name if repeat else None
        if field.calculation is not None:
            formula = _understood(definition, path, field.calculation, repeat, field)
            clock = any(isinstance(node, Call) and node.function in ("TODAY", "NOW") for node in walk(formula.node))
            paths = frozenset(formula.paths)
            yield Computation(path, field, name, paths, compile_formula(formula), volatile=clock)
        elif field.lookup is not None:
            by = f"{name}.{field.lookup.by}" if name and f"{name}.{field.lookup.by}" in known else field.lookup.by
            source = known[by].master if by in known else None
            if source is None:
                raise FormulaError(f"the lookup follows {by!r}, which does not choose from master data", where=path)
            yield Computation(path, field, name, frozenset({by}), None, source.table)


def _in_order(definition: FormDefinition, computations: list[Computation]) -> Iterator[Computation]:
    by_path = {computation.path: computation for computation in computations}
    graph = {c.path: [path for path in c.paths if path in by_path] for c in computations}
    try:
        order = [by_path[path] for path in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        circle = error.args[1]
        raise FormulaError("the calculation goes round in a circle: " + " → ".join(circle), where=circle[0]) from error
    volatile: set[str] = set()
    for computation in order:
        if computation.volatile or not volatile.isdisjoint(computation.paths):
            volatile.add(computation.path)
            computation = replace(computation, volatile=True)
        yield computation


def _worked_out(
    computation: Computation, row: Row | Values, values: Values, scope: Scope, master: Master, unknown: bool
) -> tuple[Value, CellValue]:
    """The computed answer, and the same as the sheet's cell."""
    if unknown:
        return None, ExcelError("#N/A")
    field = computation.field
    if computation.compute is None:
        assert field.lookup is not None
        (by,) = computation.paths
        name = by.rpartition(".")[2]
        code = row.get(name) if computation.repeat and by.startswith(f"{computation.repeat}.") else values.get(by)
        value = looked_up(field, computation.table, code, master)  # type: ignore[arg-type]
        return value, "" if value is None else cell_of(value)  # the sheet's look-up shows "" when it finds nothing
    try:
        cell = computation.compute(scope)
    except ExcelError as error:
        return None, error
    return result_value(field, cell), cell
