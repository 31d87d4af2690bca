"""What a dataset is before it has rows: columns, measures, anchor, filter and what each of them means."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic import Field as Constrained
from pydantic.dataclasses import dataclass

from workbooks.dataset import Column
from workbooks.form import Language, Name, Text
from workbooks.library import DefinitionError, located, mapping_in

_STRICT = ConfigDict(extra="forbid")
_FIGURES = ("integer", "decimal", "percent")
_NUMBERS = (*_FIGURES, "boolean")
Problem = tuple[tuple[Any, ...], str]
"""A place in a YAML file, as the keys and numbers that lead there, and what is wrong with it."""
DatasetName = Annotated[str, Constrained(pattern=r"^[a-z][a-z0-9_]*$", max_length=125)]
NO_UNIT = Text("", "")
ALL_FORMS = Text("全部表单", "all forms")


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Anchor:
    """The date that puts a row in a month, a quarter or a period; *column* holds it where the rows show it."""

    label: Text
    column: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Target:
    """What a measure should reach, or must not exceed, and the document that says so."""

    value: float
    better: Literal["higher", "lower"] = "higher"
    source: str


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class Measure:
    """
    One figure aggregated from a dataset's *column*; blanks are left out, no row with a value is no data.

    A ratio divides the column's sum by that of *denominator*: never a mean of ratios.
    *percent* says that the figure is a part of one (0.83 is shown as 83 %); *filter* and
    *anchor* stand here only where they differ from the dataset's.
    """

    name: Name
    label: Text
    function: Literal["sum", "average", "count", "ratio", "max", "min"] = "sum"
    column: Name
    denominator: Name | None = None
    unit: Text = NO_UNIT
    decimals: int = 0
    percent: bool = False
    definition: Text
    anchor: Text | None = None
    filter: Text | None = None
    target: Target | None = None

    @property
    def format(self) -> str:
        """The figure's number format in Excel."""
        places = "." + "0" * self.decimals if self.decimals else ""
        return f"0{places}%" if self.percent else f"#,##0{places}"


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class DatasetDefinition:
    """A dataset as declared in templates/reports/datasets, in the file *source*; *row* says what one row is."""

    name: DatasetName
    title: Text
    row: Text
    definition: Text
    anchor: Anchor | None = None
    filter: Text = ALL_FORMS
    columns: tuple[Column, ...]
    measures: tuple[Measure, ...] = ()
    source: str = ""

    def column(self, name: str) -> Column:
        """
        The column called *name*.

        Raises:
            KeyError: There is none.
        """
        return {column.name: column for column in self.columns}[name]

    def measure(self, name: str) -> Measure:
        """
        The measure called *name*.

        Raises:
            KeyError: There is none.
        """
        return {measure.name: measure for measure in self.measures}[name]


@dataclass(frozen=True, slots=True, kw_only=True, config=_STRICT)
class _Subject:
    """One file of templates/reports/datasets."""

    subject: Text
    datasets: tuple[DatasetDefinition, ...]


_DIMENSIONS: TypeAdapter[tuple[Column, ...]] = TypeAdapter(tuple[Column, ...])
_SUBJECT = TypeAdapter(_Subject)


@cache
def load_datasets() -> Mapping[str, DatasetDefinition]:
    """The datasets that are declared, by name, in the order of their files."""
    return load_folder(files("templates") / "reports" / "datasets")


def load_folder(folder: Path | Traversable) -> dict[str, DatasetDefinition]:
    """
    All datasets in <folder>/*.yaml, by name; dimensions.yaml has the columns that many of them share.

    Raises:
        DefinitionError: A file is no YAML, misses a key, has one too many, or speaks of a
            column that does not exist.
    """
    dimensions = _dimensions(folder / "dimensions.yaml")
    found: dict[str, DatasetDefinition] = {}
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if not path.name.endswith(".yaml") or path.name == "dimensions.yaml":
            continue
        for definition in _subject(path, dimensions, found):
            found[definition.name] = replace(definition, source=path.name)
    return found


def _dimensions(path: Path | Traversable) -> dict[str, Column]:
    """The shared columns, by name."""
    _, node, raw = mapping_in(path)
    try:
        columns = _DIMENSIONS.validate_python(raw.get("dimensions"))
    except ValidationError as error:
        told = (located(path, node, ("dimensions", *e["loc"]), e["msg"]) for e in error.errors())
        raise DefinitionError("\n".join(told)) from error
    return {column.name: column for column in columns}


def _subject(
    path: Path | Traversable, dimensions: Mapping[str, Column], taken: Collection[str]
) -> tuple[DatasetDefinition, ...]:
    """The datasets of one file; other files have those *taken* before."""
    _, node, raw = mapping_in(path)
    problems = list(_write_out_dimensions(raw, dimensions))
    if problems:
        raise DefinitionError("\n".join(located(path, node, loc, what) for loc, what in problems))
    try:
        subject = _SUBJECT.validate_python(raw)
    except ValidationError as error:
        raise DefinitionError("\n".join(located(path, node, e["loc"], e["msg"]) for e in error.errors())) from error
    problems = [
        (("datasets", place, *loc), what)
        for place, definition in enumerate(subject.datasets)
        for loc, what in _inconsistencies(definition, dimensions)
    ]
    names = [definition.name for definition in subject.datasets]
    for place, name in enumerate(names):
        if name in taken or name in names[:place]:
            problems.append((("datasets", place, "name"), f"two datasets are called {name!r}"))
    if problems:
        raise DefinitionError("\n".join(located(path, node, loc, what) for loc, what in problems))
    return subject.datasets


def _write_out_dimensions(raw: dict[str, Any], dimensions: Mapping[str, Column]) -> Iterator[Problem]:
    """Put the shared columns where a name stands for them; yields what is wrong with unknown names."""
    for place, dataset in enumerate(raw.get("datasets") or ()):
        columns = dataset.get("columns") if isinstance(dataset, dict) else None
        if not isinstance(columns, list):
            continue
        for number, column in enumerate(columns):
            if isinstance(column, str) and column in dimensions:
                columns[number] = dimensions[column]
            elif isinstance(column, str):
                yield ("datasets", place, "columns", number), f"there is no dimension {column!r} in dimensions.yaml"


def _inconsistencies(definition: DatasetDefinition, dimensions: Mapping[str, Column]) -> Iterator[Problem]:
    """(place, what is wrong) for everything that only shows once the dataset is whole."""
    columns = {column.name: column for column in definition.columns}
    for number, column in enumerate(definition.columns):
        if column.type in _FIGURES and column.definition is None and column.name not in dimensions:
            yield ("columns", number), f"{column.name!r} is a figure and needs a definition"
    yield from _repeated("columns", definition.columns)
    yield from _repeated("measures", definition.measures)
    if definition.anchor and definition.anchor.column and definition.anchor.column not in columns:
        yield ("anchor", "column"), f"there is no column {definition.anchor.column!r}"
    for number, measure in enumerate(definition.measures):
        for loc, what in _measure_problems(measure, columns):
            yield ("measures", number, loc), what


def _measure_problems(measure: Measure, columns: Mapping[str, Column]) -> Iterator[tuple[str, str]]:
    if (measure.function == "ratio") is (measure.denominator is None):
        yield "function", f"{measure.name!r}: a ratio, and only a ratio, has a denominator"
    for key, name in (("column", measure.column), ("denominator", measure.denominator)):
        if name is not None and name not in columns:
            yield key, f"{measure.name!r}: there is no column {name!r}"
        elif name is not None and measure.function != "count" and columns[name].type not in _NUMBERS:
            yield key, f"{measure.name!r}: {name!r} holds no numbers"
    languages: tuple[Language, ...] = ("zh", "en")
    for language in languages:
        if measure.label[language] in {column.label[language] for column in columns.values()}:
            # Excel refuses a pivot table's value that is called like a field of its source.
            yield "label", f"{measure.name!r}: a column is called {measure.label[language]!r} too"


def _repeated(key: str, items: Sequence[Column | Measure]) -> Iterator[Problem]:
    """Names and labels that stand there twice: an Excel table's headings are all different."""
    for texts in (
        [item.name for item in items],
        [item.label.zh for item in items],
        [item.label.en for item in items],
    ):
        for number, text in enumerate(texts):
            if text in texts[:number]:
                yield (key, number), f"two {key} are called {text!r}"
