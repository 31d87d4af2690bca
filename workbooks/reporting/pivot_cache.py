"""The pivot cache of a table: its columns as fields, their distinct values shared, its rows as records."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from math import isfinite
from types import NoneType
from typing import Any
from xml.sax.saxutils import escape

import orjson
from lxml import etree

from workbooks.dataset import Column
from workbooks.form import Language
from workbooks.package import RELATION_NS, SHEET_NS
from workbooks.pushing.columns import text_content

Value = str | int | float | date | bool | None
_S = f"{{{SHEET_NS}}}"
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MARKUP = re.compile('[<>&"]|_x')


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
        CacheField(column, _plain_column(values) or (None,), column.name in grouped)
        for column, values in zip(columns, data, strict=True)
    ]


def definition(
    fields: Sequence[CacheField], table: str, language: Language, as_of: datetime, extension: bytes = b""
) -> bytes:
    """The pivotCacheDefinition over Excel table *table*, to be refreshed when opened; *extension* ends it."""
    zero = datetime(1899, 12, 30)  # noqa: DTZ001 (Excel's)
    refreshed = round((as_of - zero).total_seconds() / 86_400, 6)
    parts = [
        _DECLARATION + b'<pivotCacheDefinition xmlns="%s" xmlns:r="%s" r:id="rId1" refreshOnLoad="1" '
        b'refreshedBy="Aftersheet" refreshedDate="%r" createdVersion="6" refreshedVersion="6" '
        b'minRefreshableVersion="3" recordCount="%d"><cacheSource type="worksheet"><worksheetSource name="%s"/>'
        b'</cacheSource><cacheFields count="%d">'
        % (
            SHEET_NS.encode(),
            RELATION_NS.encode(),
            refreshed,
            len(fields[0].values),
            attribute(table),
            len(fields),
        )
    ]
    for field in fields:
        said = b"".join(b' %s="%s"' % (name.encode(), value.encode()) for name, value in _description(field.values))
        parts.append(b'<cacheField name="%s" numFmtId="0"><sharedItems' % attribute(field.column.label[language]))
        if field.shared is None:
            parts.append(said + b"/></cacheField>")
        else:
            parts.append(said + b' count="%d">' % len(field.shared))
            parts.append(_shared_items(field.shared))
            parts.append(b"</sharedItems></cacheField>")
    parts.append(b"</cacheFields>" + extension + b"</pivotCacheDefinition>")
    return b"".join(parts)


def _shared_items(values: Sequence[Value]) -> bytes:
    """The items of *values*; plain texts all at once."""
    texts = [value for value in values if type(value) is str]
    joined = "\n".join(texts)
    rest = values[len(texts) :]
    plain = joined.replace("\n", "").isprintable() and not _MARKUP.search(joined)
    if texts and plain and rest in ((), (None,)) and joined.count("\n") == len(texts) - 1:
        told = b'<s v="' + joined.encode().replace(b"\n", b'"/><s v="') + b'"/>'
        return told + b"".join(map(_item, rest))
    return b"".join(map(_item, values))


def records(fields: Sequence[CacheField]) -> bytes:
    """The pivotCacheRecords: one per row of the table."""
    count, width = len(fields[0].values), len(fields) + 1
    pieces: list[bytes] = [b"</r><r>"] * (count * width)
    for place, field in enumerate(fields, start=1):
        pieces[place::width] = _record_items(field)
    pieces[0] = b"<r>"
    opening = b'<pivotCacheRecords xmlns="%s" count="%d">' % (SHEET_NS.encode(), count)
    return b"".join((_DECLARATION, opening, *pieces, b"</r></pivotCacheRecords>"))


def _record_items(field: CacheField) -> list[bytes]:
    """What each record says of *field*; equal values are written once."""
    if field.shared is not None:
        known = {value: b'<x v="%d"/>' % place for value, place in field.index.items()}
    else:
        kinds = set(map(type, field.values))
        if kinds == {datetime}:
            return [b'<d v="%s"/>' % _instant(value).encode() for value in field.values]  # type: ignore[arg-type]
        if kinds <= {int, float, NoneType}:
            numbers = orjson.dumps(field.values)[1:-1].split(b",")
            return [b"<m/>" if number == b"null" else b'<n v="' + number + b'"/>' for number in numbers]
        known = {value: _item(value) for value in set(field.values)}
    return list(map(known.__getitem__, field.values))


def attribute(text: str) -> bytes:
    """*text* as it stands in an XML attribute, with Excel's _xHHHH_ for what XML cannot hold."""
    if text.isprintable() and not _MARKUP.search(text):
        return text.encode()
    plain = etree.fromstring(b"<t" + text_content(text) + b"</t>").text or ""
    return escape(plain, {'"': "&quot;", "\n": "&#10;", "\t": "&#9;", "\r": "&#13;"}).encode()


def shown(value: Value, language: Language) -> str | int | float:
    """A value as the label of an item; blanks are called what Excel calls them."""
    if value is None:
        return "(空白)" if language == "zh" else "(blank)"
    if isinstance(value, bool):
        return str(value).upper()
    return value.isoformat() if isinstance(value, date) else value


def _plain_column(values: Sequence[Any]) -> tuple[Value, ...]:
    """*values* as a cache holds them; a column that is so already is taken as it stands."""
    kinds = set(map(type, values))
    known = kinds <= {int, bool, date, datetime, NoneType, str, float}
    if (
        known
        and (float not in kinds or all(map(isfinite, (v for v in values if type(v) is float))))
        and "" not in values
    ):
        return tuple(values)
    return tuple(map(_plain, values))


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
    kinds = set(map(type, values))
    blank, texts = NoneType in kinds, bool(kinds & {str, bool})
    times, figures = bool(kinds & {date, datetime}), bool(kinds & {int, float})
    said: list[tuple[str, str]] = []
    if not (texts or blank):
        said.append(("containsSemiMixedTypes", "0"))
    if times and not (texts or figures):
        said.append(("containsNonDate", "0"))
    if times:
        said.append(("containsDate", "1"))
    if not texts and (times or figures):
        said.append(("containsString", "0"))
    if blank:
        said.append(("containsBlank", "1"))
    if figures and (texts or times):
        said.append(("containsMixedTypes", "1"))
    if figures:
        numbers = [value for value in values if type(value) in (int, float)]
        said.append(("containsNumber", "1"))
        if float not in kinds:
            said.append(("containsInteger", "1"))
        said += [("minValue", repr(min(numbers))), ("maxValue", repr(max(numbers)))]  # type: ignore[type-var]
    elif times:
        times_only = [value for value in values if isinstance(value, date)]
        by = _instant if {date, datetime} <= kinds else None  # a day and an instant cannot be compared
        said += [("minDate", _instant(min(times_only, key=by))), ("maxDate", _instant(max(times_only, key=by)))]
    return said


def _instant(value: date) -> str:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else f"{value.isoformat()}T00:00:00"


def _item(value: Value) -> bytes:
    if value is None:
        return b"<m/>"
    if isinstance(value, bool):
        return b'<b v="%d"/>' % value
    if isinstance(value, str):
        return b'<s v="%s"/>' % attribute(value)
    if isinstance(value, date):
        return b'<d v="%s"/>' % _instant(value).encode()
    return b'<n v="%r"/>' % value
