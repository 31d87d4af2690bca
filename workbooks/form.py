"""What a form is: its fields, repeats, sections, rules and deadlines, all frozen."""

from collections.abc import Iterator, Mapping
from dataclasses import field as default
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict
from pydantic import Field as Constrained
from pydantic.dataclasses import dataclass

Language = Literal["zh", "en"]
_NAME = r"[a-z][a-z0-9]*(_[a-z0-9]+)*"
Name = Annotated[str, Constrained(pattern=rf"^{_NAME}$", max_length=60)]
Path = Annotated[str, Constrained(pattern=rf"^{_NAME}(\.{_NAME})?$", max_length=121)]
"""A field outside repeats ("name"), one inside ("repeat.name"), or a repeat ("name")."""

# pydantic validates what a form.yaml says; after that these are plain frozen dataclasses.
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, config=_STRICT)
class Text:
    """One text in Chinese and English; people see one of them, never a mixture."""

    zh: str
    en: str

    def __getitem__(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


class FieldType(StrEnum):
    """XLSForm's type names."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    SELECT_ONE = "select_one"
    SELECT_MULTIPLE = "select_multiple"
    PERSON = "person"
    IMAGE = "image"


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Choice:
    """One legal answer: *name* is stored, *label* is what people see and pick."""

    name: str
    label: Text


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class MasterChoices:
    """
    Answers that come from a master data table.

    *level* narrows the product tree (1 system, 2 subsystem, 3 part). *under* names the
    field whose answer is the parent: only its children may be chosen.
    """

    table: Literal["stations", "customers", "products", "vehicles", "failure_modes", "people"]
    level: int | None = None
    under: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Lookup:
    """A value that follows from another answer: *column* of the master row that field *by* has chosen."""

    by: Name
    column: Name


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Constraint:
    """
    What an answer must satisfy, as an Excel formula that is TRUE for good answers.

    A *soft* one may be broken if the sender states a reason (合理性说明). Texts are
    shown as they stand, never formatted.
    """

    name: Name
    check: str
    message: Text
    soft: bool = False
    at: Name | None = None  # the field whose cell is marked; the first field of the formula when absent
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Field:
    """
    One answer a form asks for.

    *name* is also the workbook's defined name for the cell (with the prefix of
    `defined_name`), so a definition never mentions a cell address and a template can be
    laid out again freely. *required*, *relevant* and *calculation* may be Excel formulas
    (text that begins with "=") over other fields' names.
    """

    name: Name
    type: FieldType
    label: Text
    hint: Text | None = None
    required: bool | str = False
    relevant: str | None = None
    calculation: str | None = None
    lookup: Lookup | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    decimals: int | None = None  # digits shown and kept after the point
    max_length: int | None = None
    unit: Text | None = None
    choices: tuple[Choice, ...] = ()
    master: MasterChoices | None = None
    constraints: tuple[Constraint, ...] = ()
    wide: bool = False  # takes the full width of the sheet
    rows: int = 1  # height in text lines
    width: int = 10  # share of the width, inside a repeat

    @property
    def computed(self) -> bool:
        """Nobody types this answer; a value found in its cell is never trusted."""
        return self.calculation is not None or self.lookup is not None


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Repeat:
    """A table inside the form: each filled line is one entry of *fields*."""

    name: Name
    label: Text
    hint: Text | None = None
    fields: tuple[Field, ...]
    rows: int = 5  # lines printed in the blank template
    minimum: int | str = 0  # entries that must be filled; a formula says when one is needed
    constraints: tuple[Constraint, ...] = ()  # evaluated line by line


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Section:
    """
    A titled block of the form.

    With an *owner* only that role may fill it; what it requires is asked of the owner,
    and of anybody who has begun to fill it.
    """

    name: Name
    label: Text
    items: tuple[Field | Repeat, ...]
    owner: Literal["station", "engineer", "quality"] | None = None
    hint: Text | None = None

    @property
    def fields(self) -> Iterator[Field]:
        """The fields outside repeats."""
        return (item for item in self.items if isinstance(item, Field))

    @property
    def repeats(self) -> Iterator[Repeat]:
        return (item for item in self.items if isinstance(item, Repeat))


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Threshold:
    """A limit that a founding document sets: data with its article, usable by name in formulas."""

    name: Name
    value: Decimal
    unit: Text | None = None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Deadline:
    """
    By when the form is due: *within* (a threshold's name) days after the answer *start*.

    Working days follow the Chinese calendar with its make-up days (调休).
    """

    name: Name
    label: Text
    start: Name
    within: Name
    count: Literal["calendar_days", "working_days"] = "calendar_days"
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Split:
    """One old answer that became several: cut *at* any of these separators, piece by piece *into* the new fields."""

    into: Annotated[tuple[Path, ...], Constrained(min_length=2)]
    at: Annotated[tuple[Annotated[str, Constrained(min_length=1)], ...], Constrained(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Migration:
    """
    How answers given to the version before become answers of version *to*.

    *rename*, *split*, *drop* and *labels* begin with paths of the version before, *choices*
    and *default* with those of version *to*. *choices* turns old names and labels of a
    choice into new names; *default* answers what the version before did not ask (None:
    left empty); *labels* says what stood beside old fields where that has changed.
    """

    to: int
    rename: dict[Path, Path] = default(default_factory=dict)
    split: dict[Path, Split] = default(default_factory=dict)
    choices: dict[Path, dict[str, Name]] = default(default_factory=dict)
    drop: tuple[Path, ...] = ()
    labels: dict[Path, Text] = default(default_factory=dict)
    default: dict[Path, str | int | Decimal | date | None] = default(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class KeptRevisions:
    """
    Answers that every revision keeps in columns of their own, for figures as of any instant.

    *indexes* name the columns by which such figures look them up, *number* and *known_from*
    among them where a look at the index alone is to be enough.
    """

    columns: tuple[Name, ...]
    indexes: tuple[tuple[Name, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class FormDefinition:
    """
    Everything about one form; template, check, tables, pages and API follow from it.

    *number* is the pattern of record numbers, such as "FR-{year}-{serial:06d}". *key*
    names the answers that tell one business object from another when somebody fills the
    same blank twice. *own_look* is the template.xlsx beside the form.yaml. *accepts* lists
    older template versions still taken as they are, with a warning; *migrations* lead from
    older versions to this one, step by step.
    """

    form_id: Name
    version: int
    title: Text
    number: str
    key: tuple[Name, ...]
    sections: tuple[Section, ...]
    accepts: tuple[int, ...] = ()
    migrations: tuple[Migration, ...] = default(default=(), hash=False)
    hint: Text | None = None
    signatures: tuple[Text, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    list_columns: tuple[Name, ...] = ()  # answers shown in lists of records
    kept_revisions: KeptRevisions | None = None
    source: str = ""
    group: Literal["feedback", "fracas", "trips", "other"] = "other"
    own_look: bytes | None = default(default=None, repr=False)  # the workbook it is filled in on, where it brings one
    _by_name: Mapping[str, Field] = default(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name = {field.name: field for section in self.sections for field in section.fields}
        for repeat in self.repeats:
            by_name |= {f"{repeat.name}.{field.name}": field for field in repeat.fields}
        object.__setattr__(self, "_by_name", by_name)

    @property
    def fields(self) -> Iterator[Field]:
        """All fields outside repeats, in the order of the sheet."""
        return (field for section in self.sections for field in section.fields)

    @property
    def repeats(self) -> Iterator[Repeat]:
        return (repeat for section in self.sections for repeat in section.repeats)

    @property
    def has_soft_rules(self) -> bool:
        """Whether the sheet needs a place for the sender's reason (合理性说明)."""
        return any(constraint.soft for constraint in self.all_constraints)

    @property
    def all_constraints(self) -> Iterator[Constraint]:
        """Every rule of the form, wherever it is declared."""
        yield from self.constraints
        for field in self._by_name.values():
            yield from field.constraints
        for repeat in self.repeats:
            yield from repeat.constraints

    def field(self, path: str) -> Field:
        """
        The field called *path*: "name", or "repeat.name" inside a repeat.

        Raises:
            KeyError: The form has no such field.
        """
        return self._by_name[path]

    def paths(self) -> Iterator[tuple[str, Field]]:
        """(path, field) of every field, those of repeats as "repeat.name"."""
        return iter(self._by_name.items())

    def section_of(self, path: str) -> Section:
        """The section that holds field or repeat *path*."""
        head = path.partition(".")[0]
        return next(s for s in self.sections if any(item.name == head for item in s.items))

    def threshold(self, name: str) -> Threshold:
        return next(t for t in self.thresholds if t.name == name)


# Defined names in workbooks: AS_<field>, AS_<repeat>__<field>, and AS__<name> for what the form says of itself.
PREFIX = "AS_"
IDENTITY_PREFIX = "AS__"
REASON = "reason"  # AS__reason: the cell for the sender's reason (合理性说明)


def defined_name(path: str) -> str:
    """The workbook's defined name of field *path* ("name" or "repeat.name")."""
    return PREFIX + path.replace(".", "__")
