"""Named rows for a report, held column by column."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, Protocol

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass as checked_dataclass

from workbooks.form import Text

ColumnType = Literal["text", "integer", "decimal", "percent", "date", "datetime", "boolean"]

EVERYTHING = Text("全部", "all")


@checked_dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class Column:
    """
    One column: *name* in the API, *label* as the header in a workbook, *definition* where that is not enough.

    *decimals* is how many are shown where its type alone does not say it well.
    """

    name: str
    label: Text
    type: ColumnType
    unit: Text | None = None
    definition: Text | None = None
    decimals: Annotated[int, Field(ge=0, le=6)] | None = None


class RowSource(Protocol):
    """
    Rows that need not be in memory all at once; a `Dataset` is one, whose rows are.

    `chunks` may be asked for once only.
    """

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> Text: ...
    @property
    def columns(self) -> tuple[Column, ...]: ...
    def __len__(self) -> int:
        """How many rows all chunks have together."""

    def chunks(self) -> Iterator[tuple[Sequence[Any], ...]]:
        """The rows from top to bottom in pieces of any size, each with one sequence of values per column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """
    The rows of one report as of one instant.

    *data* has one sequence per column, all of the same length; values are str, int,
    float, Decimal, date, datetime (naive, in the site's zone), bool or None (no data).
    *definition* says what is counted, *anchor* which date puts a row in its month, *filter*
    which records count at all, *period* what the rows were narrowed to: shown beside the
    figures.
    """

    name: str
    title: Text
    columns: tuple[Column, ...]
    data: tuple[Sequence[Any], ...]
    as_of: datetime
    definition: Text
    anchor: Text | None = None
    filter: Text = EVERYTHING
    period: Text = EVERYTHING

    def __len__(self) -> int:
        return len(self.data[0]) if self.data else 0

    def rows(self) -> Iterator[tuple[Any, ...]]:
        return zip(*self.data, strict=True)

    def chunks(self) -> Iterator[tuple[Sequence[Any], ...]]:
        yield self.data
