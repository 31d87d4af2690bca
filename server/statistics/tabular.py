"""Rows of one kind turned into a dataset, column by column."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from workbooks.dataset import Column, ColumnType, Dataset
from workbooks.form import Text

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


@dataclass(frozen=True, slots=True)
class Cell(Generic[Fact]):
    """A column and how its value follows from one fact."""

    column: Column
    value: Callable[[Fact], Any]


def cell(name: str, zh: str, en: str, type_: ColumnType, value: Callable[[Fact], Any]) -> Cell[Fact]:
    return Cell(Column(name, Text(zh, en), type_), value)


def dataset(
    name: str,
    title: Text,
    cells: Sequence[Cell[Fact]],
    facts: Sequence[Fact],
    *,
    as_of: datetime,
    definition: Text,
    period: Period,
) -> Dataset:
    """The dataset of *facts*; *as_of* is naive, in the site's zone."""
    return Dataset(
        name=name,
        title=title,
        columns=tuple(cell.column for cell in cells),
        data=tuple([cell.value(fact) for fact in facts] for cell in cells),
        as_of=as_of,
        definition=definition,
        filter=period.label,
    )


def flag(value: bool | None) -> int | None:
    """1, 0 or no data: a pivot's mean of such a column is a share, and it leaves out what is blank."""
    return None if value is None else int(value)


def rounded(value: float | None, digits: int = 2) -> float | None:
    """Enough digits for any sum, without the noise of binary fractions."""
    return None if value is None else round(value, digits)
