"""Which table of a workbook takes a dataset, and which of its columns takes which column."""

import re
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from workbooks.dataset import RowSource
from workbooks.form import Language, Text
from workbooks.ooxml.tables import PushError, Table, TableColumn, tables
from workbooks.package import Package


class _Sheet(Protocol):
    @property
    def title(self) -> str: ...


class Headed(Protocol):
    """A table as far as its headings: in a file, or in an open Excel."""

    @property
    def name(self) -> str: ...
    @property
    def sheet(self) -> _Sheet: ...
    @property
    def columns(self) -> Sequence[TableColumn]: ...


H = TypeVar("H", bound=Headed)


def matched(table: Headed, dataset: RowSource, language: Language = "zh") -> tuple[int | None, ...]:
    """
    For each column of *table* the place of its column in *dataset*; None for calculated columns.

    A header may be a column's name, its label in *language* or in the other one, in this order.

    Raises:
        PushError: The table has columns that are neither calculated nor in the dataset, or none that is.
    """
    known: dict[str, int] = {}
    labels = [(c.name, c.label[language], c.label["en" if language == "zh" else "zh"]) for c in dataset.columns]
    for spellings in zip(*labels, strict=True):
        for place, spelling in enumerate(spellings):
            known.setdefault(_plain(spelling), place)
    places = [known.get(_plain(c.name)) if c.formula is None else None for c in table.columns]
    strange = [
        column.name
        for column, place in zip(table.columns, places, strict=True)
        if place is None and column.formula is None
    ]
    if strange:
        zh, en = "、".join(f"“{name}”" for name in strange), ", ".join(f"“{name}”" for name in strange)
        raise PushError(
            Text(
                f"表“{table.name}”的列{zh}不在数据集“{dataset.title.zh}”({dataset.name})里，也没有公式，"
                "刷新会丢掉其中的内容。请把这些列移到表外，或改成公式列，再刷新。",
                f"Table “{table.name}” has columns that dataset “{dataset.title.en}” ({dataset.name}) lacks "
                f"and that hold no formula: {en}. Refreshing would lose them; "
                "move them out of the table or make them formulas.",
            )
        )
    if all(place is None for place in places):
        raise PushError(
            Text(
                f"表“{table.name}”没有一列属于数据集“{dataset.title.zh}”({dataset.name})。请选择别的表或数据集。",
                f"No column of table “{table.name}” belongs to dataset “{dataset.title.en}” ({dataset.name}). "
                "Choose another table or dataset.",
            )
        )
    return tuple(places)


def choose(package: Package, dataset: RowSource, name: str | None, language: Language = "zh") -> Table:
    """
    The table called *name*, or the one whose headers match *dataset* best.

    Raises:
        PushError: There is no such table, none matches, or several match equally well.
    """
    return choose_among(list(tables(package)), dataset, name, language)


def choose_among(found: Sequence[H], dataset: RowSource, name: str | None, language: Language = "zh") -> H:
    """
    The table called *name* among *found*, or the one whose headers match *dataset* best.

    Raises:
        PushError: There is no such table, none matches, or several match equally well.
    """
    there = Text(_listed(found, "zh"), _listed(found, "en"))
    if name is not None:
        for table in found:
            if table.name.casefold() == name.casefold():
                return table
        raise PushError(
            Text(
                f"工作簿里没有名为“{name}”的表。{there.zh}请核对“表设计”选项卡里的表名称。",
                f"The workbook has no table called “{name}”. {there.en}Check the name on the Table Design tab.",
            )
        )
    fitting = [
        (sum(p is not None for p in places), t) for t in found if (places := _tried(t, dataset, language)) is not None
    ]
    best = [table for count, table in fitting if count == max(fitting, key=lambda pair: pair[0])[0]]
    if len(best) == 1:
        return best[0]
    if not best:
        if len(found) == 1:
            matched(found[0], dataset, language)  # says which columns stand in the way
        labels = Text("、".join(c.label.zh for c in dataset.columns), ", ".join(c.label.en for c in dataset.columns))
        raise PushError(
            Text(
                f"工作簿里没有表头与数据集“{dataset.title.zh}”({dataset.name})相符的表。{there.zh}"
                f"请选中数据区域，按 Ctrl+T 建立表，表头可用：{labels.zh}。",
                f"No table of the workbook has the headers of dataset “{dataset.title.en}” ({dataset.name}). {there.en}"
                f"Select the data, press Ctrl+T to make it a table, and use these headers: {labels.en}.",
            )
        )
    names = [table.name for table in best]
    raise PushError(
        Text(
            f"有几个表都与数据集“{dataset.title.zh}”({dataset.name})相符：{'、'.join(names)}。请指明表名。",
            f"Several tables match dataset “{dataset.title.en}” ({dataset.name}): {', '.join(names)}. "
            "Name the one you mean.",
        )
    )


def spelled(dataset: RowSource) -> Callable[[str], bool]:
    """Tells whether a header is one of the *dataset*'s columns, by name or label."""
    known = {_plain(text) for c in dataset.columns for text in (c.name, c.label.zh, c.label.en)}
    return lambda header: _plain(header) in known


def headed_in(table: Headed, dataset: RowSource) -> Language | None:
    """The language in which more headings of *table* are labels of *dataset*; None where neither leads."""
    headings = {_plain(column.name) for column in table.columns}
    zh, en = (len(headings & {_plain(c.label[language]) for c in dataset.columns}) for language in ("zh", "en"))
    return None if zh == en else "zh" if zh > en else "en"


def _tried(table: Headed, dataset: RowSource, language: Language) -> tuple[int | None, ...] | None:
    try:
        return matched(table, dataset, language)
    except PushError:
        return None


def _listed(found: Sequence[Headed], language: Language) -> str:
    if not found:
        return "工作簿里一个表也没有。" if language == "zh" else "It has no tables at all. "
    names = [
        f"{table.name}（{table.sheet.title}）" if language == "zh" else f"{table.name} ({table.sheet.title})"
        for table in found
    ]
    return f"现有的表：{'、'.join(names)}。" if language == "zh" else f"Its tables are: {', '.join(names)}. "


def _plain(header: str) -> str:
    return re.sub(r"\s+", "", header).casefold()
