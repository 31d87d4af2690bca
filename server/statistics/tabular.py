"""Rows of one kind turned into a dataset, column by column."""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from operator import attrgetter
from typing import Any, Generic, Literal, TypeVar

from server.statistics.labels import UNKNOWN, Labels
from server.statistics.periods import month_of, quarter_of
from server.statistics.sources import Sources
from workbooks.dataset import Dataset
from workbooks.form import Language, Text
from workbooks.library import DefinitionError
from workbooks.master import Master
from workbooks.reporting.dataset_definition import DatasetDefinition

Fact = TypeVar("Fact")


@dataclass(frozen=True, slots=True)
class Period:
    """From *start* to *end*, both included; open where None."""

    start: date | None = None
    end: date | None = None

    def holds(self, day: date) -> bool:
        return (self.start is None or day >= self.start) and (self.end is None or day <= self.end)

    @property
    def label(self) -> Text:
        if self.start is None and self.end is None:
            return Text("全部", "all")
        start, end = self.start or "", self.end or ""
        return Text(f"{start} 至 {end}".strip(), f"{start} to {end}".strip())


class Query:
    """What is asked for: whose figures as of when, of which period, in which language."""

    def __init__(self, sources: Sources, period: Period, language: Language) -> None:
        self.sources = sources
        self.period = period
        self.language = language
        self._labels: dict[str, Labels] = {}
        self._named: dict[tuple[str, str, object], str] = {}
        self._seen: dict[str, set[object]] = {}

    def first(self, column: str, key: object) -> int:
        """1 for the first row that has *key* in this column, else 0; a pivot's sum counts different keys."""
        seen = self._seen.setdefault(column, set())
        before = len(seen)
        seen.add(key)
        return len(seen) - before

    def label(self, form_id: str, field_name: str, code: object) -> str | None:
        """The label of *code* as an answer of that field; None where there is none."""
        return None if code is None else self.named(form_id, field_name, code)

    def named(self, form_id: str, field_name: str, code: object) -> str:
        """The label of *code* as an answer of that field; "（未填）" where there is none."""
        key = form_id, field_name, code
        found = self._named.get(key)
        if found is None:
            found = self._named[key] = self.labels(form_id).of(field_name, code)[self.language]
        return found

    def labels(self, form_id: str) -> Labels:
        if form_id not in self._labels:
            self._labels[form_id] = self.sources.labels(form_id)
        return self._labels[form_id]

    def region(self, station: str | None) -> str:
        return self._any.region(station)[self.language]

    @cached_property
    def narrowed_to(self) -> Literal["station", "region"] | None:
        """
        The one place that selection and permission leave; None where there is more than one region.

        Figures over all are then those of that place, and are not shown a second time.
        """
        chosen, viewer, regions = self.sources.selection, self.sources.view.viewer, self.sources.regions
        within = chosen.region or (None if viewer.sees_all else viewer.region)
        if viewer.station_bound or chosen.station is not None:
            return "station"
        if within is None:
            return None
        return "station" if list(regions.values()).count(within) == 1 else "region"

    def master(self, table: str, code: str | None) -> str:
        """The name of the row *code* of a master table; "（未填）" without a code."""
        return (self._any.master(table, code) if code else UNKNOWN)[self.language]

    @cached_property
    def names(self) -> Master:
        """The master data, retired rows included: old records still name them."""
        return self.sources.view.site.master(self.sources.view.session, retired=True)

    @cached_property
    def _any(self) -> Labels:
        return self.labels(next(iter(self.sources.view.site.definitions)))


Value = Callable[[Any, Query], Any]


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column that shows an attribute of its facts as it is."""

    name: str

    def __call__(self, fact: Any, query: Query) -> Any:
        return getattr(fact, self.name)

    def column(self, facts: Sequence[Any], query: Query) -> list[Any]:
        return list(map(attrgetter(self.name), facts))


@dataclass(frozen=True, slots=True)
class Each:
    """A column with the same *value* for all facts of one *key*: it is computed once per key, not per row."""

    key: Callable[[Any], Hashable]
    value: Callable[[Any, Query], Any]

    def __call__(self, fact: Any, query: Query) -> Any:
        return self.value(self.key(fact), query)

    def column(self, facts: Sequence[Any], query: Query) -> list[Any]:
        keys = list(map(self.key, facts))
        known = {key: self.value(key, query) for key in dict.fromkeys(keys)}
        return list(map(known.__getitem__, keys))


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed(Generic[Fact]):
    """How the rows of a declared dataset come about: its facts, and a function for each column by name."""

    facts: Callable[[Query], Iterable[Fact]]
    values: Mapping[str, Callable[[Fact, Query], Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summed:
    """How a declared dataset comes about whose facts are read column by column, and a function for each column."""

    columns: Callable[[Query], Mapping[str, Sequence[Any]]]
    values: Mapping[str, Callable[[Mapping[str, Sequence[Any]], Query], Sequence[Any]]]


def check_computed(computed: Mapping[str, Computed[Any] | Summed], declared: Mapping[str, DatasetDefinition]) -> None:
    """
    See that every declared dataset and column is computed, and nothing else is.

    Raises:
        DefinitionError: They do not agree; the text names dataset and columns.
    """
    problems = [f"{declared[name].source}: {name}: is computed nowhere" for name in declared.keys() - computed.keys()]
    problems += [f"{name}: is declared in no file" for name in computed.keys() - declared.keys()]
    for name in computed.keys() & declared.keys():
        where = f"{declared[name].source}: {name}: column"
        columns, values = {column.name for column in declared[name].columns}, set(computed[name].values)
        problems += [f"{where} {column!r} is declared and not computed" for column in columns - values]
        problems += [f"{where} {column!r} is computed and not declared" for column in values - columns]
    if problems:
        raise DefinitionError("\n".join(f"templates/reports/datasets/{problem}" for problem in sorted(problems)))


def compute(
    definition: DatasetDefinition, computed: Computed[Any] | Summed, query: Query, only: Collection[str] = ()
) -> Dataset:
    """The dataset of *definition* with its rows; *only* some of its columns, where they are named."""
    columns = tuple(column for column in definition.columns if not only or column.name in only)
    names = [column.name for column in columns]
    if isinstance(computed, Summed):
        read = computed.columns(query)
        data = tuple(computed.values[name](read, query) for name in names)
    else:
        facts = list(computed.facts(query))
        data = tuple(_column(computed.values[name], facts, query) for name in names)
    return Dataset(
        name=definition.name,
        title=definition.title,
        columns=columns,
        data=data,
        as_of=query.sources.now,
        definition=definition.definition,
        anchor=definition.anchor.label if definition.anchor else None,
        filter=definition.filter,
        period=query.period.label,
    )


def _column(value: Value, facts: Sequence[Any], query: Query) -> list[Any]:
    if isinstance(value, Attribute | Each):
        return value.column(facts, query)
    return [value(fact, query) for fact in facts]


def by_period(day: Callable[[Any], date | None]) -> dict[str, Value]:
    """The columns year, quarter and month of the *day* that anchors a fact."""

    def month(fact: Any) -> date | None:
        found = day(fact)
        return None if found is None else date(found.year, found.month, 1)

    def of(spell: Callable[[date], Any]) -> Value:
        return Each(month, lambda found, query: None if found is None else spell(found))

    return {"year": of(lambda found: found.year), "quarter": of(quarter_of), "month": of(month_of)}


def by_place(station: Callable[[Any], str | None] = lambda fact: fact.station) -> dict[str, Value]:
    """The columns region and station."""
    return {
        "region": Each(station, lambda code, query: query.region(code)),
        "station": Each(station, lambda code, query: query.master("stations", code)),
    }


def flag(value: bool | None) -> int | None:
    """1, 0 or no data: a pivot's mean of such a column is a share, and it leaves out what is blank."""
    return None if value is None else int(value)


def rounded(value: float | None, digits: int = 6) -> float | None:
    """Enough digits for any sum and any limit, without the noise of binary fractions; looks are the reader's."""
    return None if value is None else round(value, digits)
