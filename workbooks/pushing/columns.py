"""Columns of values to the cell XML of many rows at once, with a loop per column and none per cell."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

import orjson

from workbooks.dataset import ColumnType

TEXT_LIMIT = 32_767  # UTF-16 units Excel keeps in one cell
CHUNK = 512  # rows written at a time: enough for the C loops, little enough to stay in the processor's cache

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff\ud800-\udfff]")
_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_FLAGS = {True: b"1", False: b"0", None: b"null"}
_CONSTANT = re.compile(r"-?\d+(?:\.\d+)?")
_DAY = timedelta(days=1)
_FIRST_TRUE_SERIAL = 61  # 1900-03-01: before it Excel counts a 29 February that never was


class TextTooLong(ValueError):
    """A text is longer than a cell can hold; *index* is its place in its column (0-based), *letters* name that."""

    def __init__(self, index: int, length: int, letters: str = "") -> None:
        super().__init__(index, length)
        self.index = index
        self.length = length
        self.letters = letters


@dataclass(frozen=True, slots=True)
class Tags:
    """The element names of a sheet part, with its namespace prefix (b"" or such as b"x:")."""

    prefix: bytes = b""

    def open(self, name: str) -> bytes:
        return b"<" + self.prefix + name.encode()

    def close(self, name: str) -> bytes:
        return b"</" + self.prefix + name.encode() + b">"


@dataclass(frozen=True, slots=True, kw_only=True)
class CellColumn:
    """
    One column of cells to write.

    *style* is the index into cellXfs. With a *formula* every cell holds it and *values*
    are not asked for; an *array* formula names its own cell. *result* is the text it shows.
    """

    letters: str
    type: ColumnType = "text"
    values: Sequence[Any] = ()
    style: int = 0
    formula: str | None = None
    array: bool = False
    result: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What stands in a row outside the written columns: cells to the left and right, attributes of the row."""

    attributes: bytes = b""
    left: bytes = b""
    right: bytes = b""


def rows_xml(
    columns: Sequence[CellColumn],
    start: int,
    stop: int,
    first_row: int,
    *,
    tags: Tags = Tags(),
    attributes: bytes = b"",
    beside: dict[int, Beside] | None = None,
    date1904: bool = False,
) -> bytes:
    """
    The <row> elements for values *start* to *stop* of *columns*; value 0 stands in row *first_row*.

    *attributes* (with a leading space) go to every row but those of *beside* (by row
    number), which keep their own.

    Raises:
        TextTooLong: A text has more than 32,767 UTF-16 units.
    """
    count = stop - start
    numbers = orjson.dumps(list(range(first_row + start, first_row + stop)))[1:-1].split(b",")
    first = b"".join((tags.open("c"), b' r="', columns[0].letters.encode()))
    opening, closing = b'"' + attributes + b">", tags.close("row")
    # What stands between the numbers of a row; each row is put together with its number as the separator.
    segments: list[Sequence[bytes]] = [[tags.open("row") + b' r="'] * count, [opening + first] * count]
    kept = [beside.get(row) for row in range(first_row + start, first_row + stop)] if beside else []
    if kept:
        segments[1] = [opening + first if b is None else b'"' + b.attributes + b">" + b.left + first for b in kept]
    blanks = False
    for place, column in enumerate(columns, 1):
        following = tags.open("c") + b' r="' + columns[place].letters.encode() if place < len(columns) else closing
        try:
            cells = _encode(column, start, stop, following, tags, date1904)
        except TextTooLong as error:
            error.letters = column.letters
            raise
        segments += cells.segments
        blanks = blanks or cells.blanks
    if kept:
        last = segments.pop()
        segments.append(
            [
                cell if b is None else cell.removesuffix(closing) + b.right + closing
                for cell, b in zip(last, kept, strict=True)
            ]
        )
    xml = b"".join(map(bytes.join, numbers, zip(*segments, strict=True)))
    return _blanked(xml, tags) if blanks else xml


def _blanked(xml: bytes, tags: Tags) -> bytes:
    """
    *xml* with its empty cells closed at once.

    They were written as if they held the number "null" or an empty text, which no value
    looks like: in texts "<" is escaped.
    """
    shut = tags.close("v") + tags.close("c")
    for mark in (b">" + tags.open("v") + b">null" + shut, _text_open(tags) + b">" + _text_close(tags)):
        xml = xml.replace(mark, b"/>")
    return xml


class _Encoded(NamedTuple):
    """What follows the row number in each cell, up to the next place for it."""

    segments: Sequence[Sequence[bytes]]
    blanks: bool = False  # whether a value may be that of an empty cell


def _encode(column: CellColumn, start: int, stop: int, following: bytes, tags: Tags, date1904: bool) -> _Encoded:
    style = b'"' + (b' s="%d"' % column.style if column.style else b"")
    if column.formula is not None:
        return _encode_formula(column, style, stop - start, following, tags)
    values = column.values[start:stop]
    if column.type == "text":
        texts, blanks = _texts(values, start, style + _text_open(tags), _text_close(tags) + following)
        return _Encoded([texts], blanks)
    opening, closing = style + b">" + tags.open("v") + b">", tags.close("v") + tags.close("c") + following
    if column.type == "boolean":
        if set(values) <= _FLAGS.keys():
            flagged = style + b' t="b">' + tags.open("v") + b">"
            cells = {value: flagged + flag + closing for value, flag in _FLAGS.items()}
            return _Encoded([list(map(cells.__getitem__, values))], None in values)
    else:
        dumped = _numbers(_serials(values, date1904) if column.type in ("date", "datetime") else list(values))
        if dumped is not None:
            cells_ = opening + dumped.replace(b",", closing + b"," + opening) + closing
            return _Encoded([cells_.split(b",")], b"null" in dumped)
    return _Encoded([[style + _any_cell(v, start + i, tags, date1904) + following for i, v in enumerate(values)]])


def _encode_formula(column: CellColumn, style: bytes, count: int, following: bytes, tags: Tags) -> _Encoded:
    value = constant(column.formula or "")
    result = b"" if value is None else tags.open("v") + b">%r" % value + tags.close("v")
    if column.result is not None:
        style += b' t="str"'
        result = tags.open("v") + b">" + escape(column.result).encode() + tags.close("v")
    body = escape(column.formula or "").encode() + tags.close("f") + result + tags.close("c") + following
    if not column.array:
        return _Encoded([[style + b">" + tags.open("f") + b">" + body] * count])
    opening = style + b">" + tags.open("f") + b' t="array" ref="' + column.letters.encode()
    return _Encoded([[opening] * count, [b'">' + body] * count])


def constant(formula: str) -> float | None:
    """The value of a formula that is but a number; None where only Excel can say."""
    return float(formula) if _CONSTANT.fullmatch(formula) else None


def _numbers(values: list[Any]) -> bytes | None:
    """Numbers as text with commas between, blanks and what is not finite as "null"; None if anything else is there."""
    try:
        dumped = orjson.dumps(values, default=_decimal)[1:-1]
    except TypeError:  # orjson.JSONEncodeError: neither number nor Decimal, or an integer beyond 64 bits
        return None
    if b'"' in dumped or b"[" in dumped or b"{" in dumped:
        return None
    if b"true" in dumped or b"false" in dumped:
        dumped = dumped.replace(b"true", b"1").replace(b"false", b"0")
    return dumped


def _decimal(value: Any) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)


def _texts(values: Sequence[Any], start: int, opening: bytes, closing: bytes) -> tuple[list[bytes], bool]:
    """The cells of texts between *opening*, which ends with `<t`, and *closing*; whether any text is empty."""
    unique = dict.fromkeys(values)
    texts = ["" if v is None else v if isinstance(v, str) else str(v) for v in unique]
    if max(map(len, texts), default=0) > TEXT_LIMIT // 2:
        _refuse_long(texts, values, start)
    joined = "".join([">" + text for text in texts])
    plain = joined.isprintable() and joined.count(">") == len(texts) and "_x" not in joined
    if plain and "> " not in joined and " >" not in joined and joined[-1:] != " ":
        escaped = joined.encode().replace(b"&", b"&amp;").replace(b"<", b"&lt;")
        encoded = (escaped.replace(b">", closing + b"\n" + opening + b">") + closing).split(b"\n")[1:]
    else:
        encoded = [opening + text_content(text) + closing for text in texts]
    blanks = "" in texts
    if len(encoded) == len(values):
        return encoded, blanks
    return list(map(dict(zip(unique, encoded, strict=True)).__getitem__, values)), blanks


def _refuse_long(texts: list[str], values: Sequence[Any], start: int) -> None:
    for text in texts:
        if (length := len(text.encode("utf-16-le", "surrogatepass")) // 2) > TEXT_LIMIT:
            raise TextTooLong(start + list(map(str, values)).index(text), length)


def text_content(text: str) -> bytes:
    """*text* as it stands after `<t`: with xml:space where needed, and Excel's _xHHHH_ for what XML cannot hold."""
    safe = _UNPRINTABLE.sub(lambda m: f"_x{ord(m[0]):04X}_", _ESCAPED.sub("_x005F_", text))
    kept = b' xml:space="preserve">' if text != text.strip() or "\n" in text or "\t" in text else b">"
    return kept + escape(safe).encode()


def _serials(values: Sequence[Any], date1904: bool) -> list[Any]:
    if not date1904 and set(map(type, values)) == {date}:
        days = [day - 693_594 for day in map(date.toordinal, values)]
        if min(days) >= _FIRST_TRUE_SERIAL:
            return days
    return [serial(v, date1904=date1904) if isinstance(v, date) else v for v in values]


def serial(value: date, *, date1904: bool = False) -> int | float | str:
    """A date as Excel's serial number; as ISO text where Excel has no true number for it."""
    if not isinstance(value, datetime):
        days: float = value.toordinal() - 693_594
    else:
        days = (value.replace(tzinfo=None) - datetime(1899, 12, 30)) / _DAY  # noqa: DTZ001 (the calendar's zero)
    if date1904:
        return days - 1_462 if days >= 1_462 else value.isoformat(*[" "] * isinstance(value, datetime))
    return days if days >= _FIRST_TRUE_SERIAL else value.isoformat(*[" "] * isinstance(value, datetime))


def _any_cell(value: Any, index: int, tags: Tags, date1904: bool) -> bytes:
    """The rest of one cell whose value is not of its column's type."""
    if isinstance(value, date):
        value = serial(value, date1904=date1904)
    if isinstance(value, time):
        value = (value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6) / 86_400
    if value is None or value == "" or (isinstance(value, float) and not -1e308 <= value <= 1e308):
        return b"/>"
    shut = tags.close("v") + tags.close("c")
    if isinstance(value, bool):
        return b' t="b">' + tags.open("v") + (b">1" if value else b">0") + shut
    if isinstance(value, int | float | Decimal):
        return b">" + tags.open("v") + b">" + repr(float(value)).encode() + shut
    return _texts([value], index, _text_open(tags), _text_close(tags))[0][0]


def _text_open(tags: Tags) -> bytes:
    return b' t="inlineStr">' + tags.open("is") + b">" + tags.open("t")


def _text_close(tags: Tags) -> bytes:
    return tags.close("t") + tags.close("is") + tags.close("c")
