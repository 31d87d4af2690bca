"""Entity types: each dataset with a key and its columns, in the types of OData."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from workbooks.dataset import Column, ColumnType, Dataset
from workbooks.form import Text
from workbooks.reporting.dataset_definition import DatasetDefinition

NAMESPACE = "Aftersheet"
KEY = Column("row_key", Text("行标识", "Row key"), "text")
EDM: Mapping[ColumnType, str] = {
    "text": "Edm.String",
    "integer": "Edm.Int64",
    "decimal": "Edm.Double",
    "percent": "Edm.Double",
    "date": "Edm.Date",
    "datetime": "Edm.DateTimeOffset",
    "boolean": "Edm.Boolean",
}
# What tells rows of one record apart: the line of a repeat, the day whose state it is.
_WITHIN_RECORD = (("line", "integer"), ("as_of_date", "date"))
_MEASURES = ("decimal", "percent", "boolean")


@dataclass(frozen=True, slots=True)
class EntityType:
    """The shape of one dataset: *properties* are its columns, the key first."""

    name: str
    title: Text
    definition: Text
    properties: tuple[Column, ...]

    @classmethod
    def of(cls, dataset: Dataset | DatasetDefinition) -> "EntityType":
        return cls(dataset.name, dataset.title, dataset.definition, (KEY, *dataset.columns))

    def property(self, name: str) -> Column | None:
        return next((column for column in self.properties if column.name == name), None)


class Entities:
    """
    The rows of one dataset as entities.

    Values are as the dataset has them; instants are naive, in the site's *zone*.
    """

    def __init__(self, dataset: Dataset, zone: ZoneInfo) -> None:
        self.type = EntityType.of(dataset)
        self.zone = zone
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    @property
    def cells(self) -> int:
        return len(self) * len(self.type.properties)

    @cached_property
    def keys(self) -> Sequence[str]:
        """The key of each row: the record's number where there is one, else a digest of what the row is about."""
        bases, seen, found = self._bases(), dict[str, int](), []
        for base in bases:
            seen[base] = seen.get(base, 0) + 1
            found.append(base if seen[base] == 1 else f"{base}~{seen[base]}")
        return found

    def column(self, name: str) -> Sequence[Any]:
        """The values of a property."""
        if name == KEY.name:
            return self.keys
        place = next(n for n, column in enumerate(self._dataset.columns) if column.name == name)
        return self._dataset.data[place]

    def written(self, name: str, *, numbers_as_text: bool = False) -> Callable[[int], Any]:
        """How the value of property *name* in a row goes into JSON; *numbers_as_text* is IEEE754Compatible."""
        column, values = self.type.property(name), self.column(name)
        assert column is not None
        if column.type == "datetime":
            return lambda row: None if (v := values[row]) is None else instant_text(v, self.zone)
        if column.type == "date":
            return lambda row: None if (v := values[row]) is None else v.isoformat()[:10]
        if column.type == "text":
            return lambda row: None if (v := values[row]) is None else str(v)
        if column.type == "integer":
            kind: Callable[[int], Any] = str if numbers_as_text else int
            # Sums of floats are counts too: Edm.Int64 knows no 3.0.
            return lambda row: None if (v := values[row]) is None else kind(round(v))
        return lambda row: values[row]

    def _bases(self) -> list[str]:
        columns = [(column.name, column.type) for column in self._dataset.columns]
        if ("number", "text") in columns:
            parts = ["number", *(name for name, kind in _WITHIN_RECORD if (name, kind) in columns)]
            rows = zip(*(self.column(name) for name in parts), strict=True)
            return ["~".join(str(value) for value in row) for row in rows]
        about = [data for c, data in zip(self._dataset.columns, self._dataset.data, strict=True) if not _measures(c)]
        return [_digest(row) for row in zip(*about, strict=True)] if about else [str(n) for n in range(len(self))]


def instant_text(value: datetime, zone: ZoneInfo) -> str:
    """A naive instant of *zone* as OData writes it; *value* with an offset keeps its own."""
    return (value if value.tzinfo else value.replace(tzinfo=zone)).isoformat()


def naive(value: datetime, zone: ZoneInfo) -> datetime:
    """
    An instant somebody wrote as the naive time of *zone*; without an offset it is UTC, as OData has it.

    9999-12-31T23:59:59Z, which stands for "always", has no local time and stays as it is.
    """
    try:
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(zone).replace(tzinfo=None)
    except OverflowError:
        return value.replace(tzinfo=None)


def _measures(column: Column) -> bool:
    """Whether a column may change while the row stays the same thing: years are no measures, counts are."""
    return column.type in _MEASURES or (column.type == "integer" and column.name not in ("year", "rank"))


def _digest(row: tuple[object, ...]) -> str:
    text = "\x1f".join("" if value is None else _plain(value) for value in row)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)
