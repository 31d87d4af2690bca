"""The pivot cache of a table: its columns as fields, their distinct values shared, its rows as records."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from math import isfinite
from typing import Any

from lxml import etree

from workbooks.dataset import Column
from workbooks.form import Language
from workbooks.package import RELATION_NS, SHEET_NS
from workbooks.pushing.columns import text_content

Value = str | int | float | date | bool | None
_S = f"{{{SHEET_NS}}}"


def element(parent: etree._Element | None, name: str, /, **attributes: object) -> etree._Element:
    """A new spreadsheet element under *parent* (None: a root)."""
    texts = {key: str(value) for key, value in attributes.items()}
    if parent is not None:
        return etree.SubElement(parent, _S + name, texts)
    return etree.Element(_S + name, texts, nsmap={None: SHEET_NS, "r": RELATION_NS})  # type: ignore[dict-item]


@dataclass(frozen=True)
class CacheField:
    """
    One column of the cache.

    *shared* lists the distinct values ascending, blanks last, where items of pivot tables
    may refer to them; None for columns of figures and times that only appear as values.
    """

    column: Column
    values: tuple[Value, ...]
    grouped: bool

    @cached_property
    def shared(self) -> tuple[Value, ...] | None:
        if not self.grouped and self.column.type != "text":
            return None
        return tuple(sorted(set(self.values), key=_ascending))

    @cached_property
    def index(self) -> dict[Value, int]:
        """The place of each shared value."""
        return {value: place for place, value in enumerate(self.shared or ())}


def cache_fields(columns: Sequence[Column], data: Sequence[Sequence[Any]], grouped: frozenset[str]) -> list[CacheField]:
    """The fields of a table's cache; *grouped* names the columns that stand in rows, columns or filters."""
    return [
        CacheField(column, tuple(map(_plain, values)) or (None,), column.name in grouped)
        for column, values in zip(columns, data, strict=True)
    ]


def definition(fields: Sequence[CacheField], table: str, language: Language, as_of: datetime) -> etree._Element:
    """The pivotCacheDefinition over Excel table *table*, to be refreshed when the workbook is opened."""
    root = element(
        None, "pivotCacheDefinition", refreshOnLoad=1, refreshedBy="Aftersheet",
        refreshedDate=round((as_of - datetime(1899, 12, 30)).total_seconds() / 86_400, 6),  # noqa: DTZ001 (Excel's zero)
        createdVersion=6, refreshedVersion=6, minRefreshableVersion=3, recordCount=len(fields[0].values),
    )  # fmt: skip
    root.set(f"{{{RELATION_NS}}}id", "rId1")
    element(element(root, "cacheSource", type="worksheet"), "worksheetSource", name=table)
    listed = element(root, "cacheFields", count=len(fields))
    for field in fields:
        shared = element(element(listed, "cacheField", name=field.column.label[language], numFmtId=0), "sharedItems")
        for name, value in _description(field.values):
            shared.set(name, value)
        if field.shared is not None:
            shared.set("count", str(len(field.shared)))
            for item in field.shared:
                _item(shared, item)
    return root


def records(fields: Sequence[CacheField]) -> etree._Element:
    """The pivotCacheRecords: one per row of the table."""
    root = element(None, "pivotCacheRecords", count=len(fields[0].values))
    for row in zip(*(field.values for field in fields), strict=True):
        record = element(root, "r")
        for field, value in zip(fields, row, strict=True):
            if field.shared is None:
                _item(record, value)
            else:
                element(record, "x", v=field.index[value])
    return root


def shown(value: Value, language: Language) -> str | int | float:
    """A value as the label of an item; blanks are called what Excel calls them."""
    if value is None:
        return "(空白)" if language == "zh" else "(blank)"
    if isinstance(value, bool):
        return str(value).upper()
    return value.isoformat() if isinstance(value, date) else value


def _plain(value: Any) -> Value:
    if isinstance(value, Decimal):
        value = float(value)
    if value == "" or (isinstance(value, float) and not isfinite(value)):
        return None
    if value is None or isinstance(value, str | int | float | date):
        return value
    return str(value)


def _ascending(value: Value) -> tuple[int, Any]:
    """Excel's order: numbers, times, texts, flags, and blanks last."""
    if value is None:
        return 4, 0
    if isinstance(value, bool):
        return 3, value
    if isinstance(value, str):
        return 2, value
    if isinstance(value, date):
        return 1, value.isoformat()
    return 0, value


def _description(values: Sequence[Value]) -> list[tuple[str, str]]:
    """What sharedItems says about a column's values."""
    present = {type(value) for value in values}
    blank, texts = type(None) in present, bool(present & {str, bool})
    dates = [value for value in values if isinstance(value, date)]
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    said: list[tuple[str, str]] = []
    if not (texts or blank):
        said.append(("containsSemiMixedTypes", "0"))
    if dates and not (texts or numbers):
        said.append(("containsNonDate", "0"))
    if dates:
        said.append(("containsDate", "1"))
    if not texts and (dates or numbers):
        said.append(("containsString", "0"))
    if blank:
        said.append(("containsBlank", "1"))
    if numbers and (texts or dates):
        said.append(("containsMixedTypes", "1"))
    if numbers:
        said.append(("containsNumber", "1"))
        if all(isinstance(number, int) for number in numbers):
            said.append(("containsInteger", "1"))
        said += [("minValue", repr(min(numbers))), ("maxValue", repr(max(numbers)))]
    if dates and not numbers:
        said += [("minDate", _instant(min(dates, key=_instant))), ("maxDate", _instant(max(dates, key=_instant)))]
    return said


def _instant(value: date) -> str:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else f"{value.isoformat()}T00:00:00"


def _item(parent: etree._Element, value: Value) -> None:
    if value is None:
        element(parent, "m")
    elif isinstance(value, bool):
        element(parent, "b", v=int(value))
    elif isinstance(value, str):
        # The same _xHHHH_ for what XML cannot hold as in cells, markup left to lxml.
        element(parent, "s", v=etree.fromstring(b"<t" + text_content(value) + b"</t>").text or "")
    elif isinstance(value, date):
        element(parent, "d", v=_instant(value))
    else:
        element(parent, "n", v=repr(value))
