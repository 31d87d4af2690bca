"""One good workbook about to be damaged: what it says, and where."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from random import Random
from typing import NamedTuple

from server.demo import demo_master
from tests.fuzz.editing import Editor, Spot, spot
from workbooks.check import CheckReport, check
from workbooks.filled import FilledForm, Value
from workbooks.form import Field, FieldType, FormDefinition
from workbooks.library import library
from workbooks.reader import read

NOW = datetime(2026, 11, 20, 12, 0)
MASTER = demo_master(until=date(2026, 10, 31))


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """
    What was done to a workbook, and what may honestly become of it.

    *paths* are the fields (or repeats) a finding may name, *slugs* the findings about the
    whole file or form that name the damage. *becomes* holds, per field or repeat, values
    that the sheet now really says; without an entry only the original value is right.
    """

    kind: str
    paths: frozenset[str] = frozenset()
    slugs: frozenset[str] = frozenset()
    becomes: dict[str, tuple[object, ...]] = field(default_factory=dict)
    must_refuse: bool = False  # nobody can say what the workbook means: taking it would be a guess
    told: str = ""  # what exactly, for who looks into a failure


class Answer(NamedTuple):
    """One typed answer: the field's path, its line (from 0) inside a repeat, its cell and its value."""

    path: str
    line: int | None
    field: Field
    spot: Spot
    value: Value


class Subject:
    """A good workbook with its meaning; *book* is what damages change."""

    def __init__(self, content: bytes, forms: Mapping[str, FormDefinition] | None = None) -> None:
        self.content = content
        self.forms = library() if forms is None else forms
        self.filled: FilledForm = read(content, self.forms)
        self.definition: FormDefinition = self.forms[self.filled.identity.form_id or ""]
        self.report: CheckReport = check(self.definition, self.filled, master=MASTER, now=NOW)
        assert self.report.accepted, [finding.message("en") for finding in self.report.findings]
        self.language = self.filled.identity.language

    @cached_property
    def answers(self) -> list[Answer]:
        """The answers that somebody typed, in the order of the form."""
        found: list[Answer] = []
        for path, field_ in self.definition.paths():
            if field_.computed or field_.type is FieldType.IMAGE:
                continue
            repeat, _, name = path.rpartition(".")
            if not repeat and self.report.values.get(path) is not None:
                at = spot(self.filled.cells[path].address)
                found.append(Answer(path, None, field_, at, self.report.values[path]))  # type: ignore[arg-type]
            rows = self.report.values.get(repeat) if repeat else ()
            for line, row in enumerate(rows or ()):
                if row.get(name) is not None:  # type: ignore[union-attr]
                    at = spot(self.filled.repeats[repeat][line][name].address)
                    found.append(Answer(path, line, field_, at, row[name]))  # type: ignore[index, call-overload]
        return found

    def of_type(self, *types: FieldType) -> list[Answer]:
        return [answer for answer in self.answers if answer.field.type in types]

    @property
    def repeats(self) -> list[str]:
        """The repeats with at least two filled lines."""
        return [r.name for r in self.definition.repeats if len(self.report.values[r.name]) >= 2]  # type: ignore[arg-type]


Kind = Callable[[Subject, Editor, Random], "Damage | tuple[bytes, Damage] | None"]
KINDS: dict[str, Kind] = {}


def kind(function: Kind) -> Kind:
    """Register a kind of damage under its function's name; it returns None where it does not apply."""
    KINDS[function.__name__] = function
    return function


def with_line(subject: Subject, answer: Answer, *values: object) -> dict[str, tuple[object, ...]]:
    """`Damage.becomes` for *answer* being any of *values*; inside a repeat all its lines are given."""
    if answer.line is None:
        return {answer.path: values}
    repeat, _, name = answer.path.partition(".")
    rows = list(subject.report.values[repeat])  # type: ignore[arg-type]
    return {
        repeat: tuple(
            tuple({**row, name: value} if at == answer.line else row for at, row in enumerate(rows)) for value in values
        )
    }
