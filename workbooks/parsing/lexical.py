"""The XML parts of a workbook looked over as bytes, before any parser builds anything from them."""

import html
import re
from collections.abc import Iterator
from functools import lru_cache

from lxml import etree

from workbooks.refusal import Limits, Refused, too_large, unsafe

GRID_ROWS, GRID_COLUMNS = 1_048_576, 16_384

_DECLARED = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml\b[^>]*?\bencoding\s*=\s*[\"']([^\"'>]*)")
_BEGINNING = re.compile(rb"(?:\xef\xbb\xbf)?\s*<")
# Searched for by the rare "!", which is faster than by the common "<".
_MARKED, _INSTRUCTION = re.compile(rb"!(?<=<!)"), re.compile(rb"\?(?<=<\?)")
_DECLARATION = re.compile(rb"!(?<=<!)(?!--|\[CDATA\[)")
_CDATA = re.compile(rb"!(?<=<!)\[")

# A comment or instruction inside a text: some readers join what it parts, others see one piece only.
_PARTED = re.compile(rb"[^\s>]<[!?]|(?:--|\?)>[^\s<]")

# A row or cell that does not begin with its place, as all usual writers have it, or has one outside
# the small rectangle A1:ZZ999, or (the other two) outside anything that looks like a sheet.
_NOT_SMALL = re.compile(
    rb'<(?:c(?: (?!r="[A-Z]{1,2}[1-9]\d{0,2}")|[\t\r\n/>])|row(?: (?!r="[1-9]\d{0,2}")|[\t\r\n/>]))'
)
_NOT_REGULAR = re.compile(
    rb'<(?:c(?: (?!r="[A-Z]{1,3}[1-9]\d{0,6}")|[\t\r\n/>])|row(?: (?!r="[1-9]\d{0,6}")|[\t\r\n/>]))'
)
_PREFIXED = re.compile(rb":(?:c|row|sheetData)[\s/>]")
_FILLED_CELL = re.compile(rb'<c r="([A-Z]{1,3})(\d{1,7})"(?:[^>]*[^/>])?>')
_AREA = re.compile(rb'ref="([A-Z]{1,3})(\d{1,7})(?::([A-Z]{1,3})(\d{1,7}))?"')
_FAR_REFERENCE = re.compile(rb'ref="[^"]*?(?:[A-Za-z]{4}|\d{8})')
_PIPED_FORMULA = re.compile(rb"<(?:\w+:)?(?:f|formula[12]?|definedName)\b[^>]*>([^<]*\|[^<]*)<")
_STRING_LITERAL = re.compile(r'"[^"]*"')
_ABSURD_COUNT = re.compile(rb"[cC]ount\s*=\s*[\"'](?!\d{1,7}[\"'])")

_PARSED_AT_MOST = 4 << 20  # a sheet spelled unusually is parsed to find its cells, up to this size
_SLICE = 1 << 20


def check_part(name: str, data: bytes, limits: Limits) -> None:
    """
    What every XML part must be: UTF-8, without declarations, without giant tags or texts, or comments inside these.

    Raises:
        Refused: It is not.
    """
    declared = _DECLARED.match(data)
    if (declared and declared[1].lower() not in (b"utf-8", b"utf8", b"us-ascii", b"ascii")) or b"\0" in data:
        raise unsafe(f"“{name}”不是 UTF-8 编码", f"“{name}” is not encoded in UTF-8")
    if data and not _BEGINNING.match(data):
        raise unsafe(f"“{name}”不是 XML", f"“{name}” is not XML")
    marked = _MARKED.search(data) is not None
    if marked and _DECLARATION.search(data):
        raise unsafe(f"“{name}”里有 DOCTYPE 或实体声明", f"“{name}” declares a document type or entities")
    begins = data.find(b"?>", 0, 200) + 2  # behind the XML declaration
    marked = marked or (data.find(b"?", begins) >= 0 and _INSTRUCTION.search(data, begins) is not None)
    if marked and name.lower().endswith(".xml") and _PARTED.search(data, begins):
        raise unsafe(f"“{name}”里的文字被注释隔断", f"comments part the texts of “{name}”")
    if len(data) > limits.tag:
        _check_lengths(name, data, limits)


def _check_lengths(name: str, data: bytes, limits: Limits) -> None:
    """Step over the part from ">" to ">": only where none is near is the distance measured."""
    position, end = 0, len(data)
    while end - position > limits.tag:
        near = data.rfind(b">", position, position + limits.tag)
        if near >= 0:
            position = near + 1
            continue
        opened = data.find(b"<", position)
        closed = data.find(b">", opened) if opened >= 0 else -1
        text = (opened if opened >= 0 else end) - position
        if text > limits.text or (opened >= 0 and (closed if closed >= 0 else end) - opened > limits.tag):
            raise unsafe(f"“{name}”里有异常长的标记或文字", f"“{name}” holds a tag or text of abnormal length")
        if closed < 0:
            return
        position = closed + 1


def check_sheet(title: str, data: bytes, limits: Limits) -> None:
    """
    What a worksheet must be: cells inside the grid, and no more of anything than a form needs.

    Raises:
        Refused: A reference lies outside the grid, or one of *limits* is exceeded.
    """
    if _CDATA.search(data):
        raise unsafe(f"工作表“{title}”里有 CDATA", f"sheet “{title}” holds CDATA")
    _check_counts(title, data, limits)
    # Readers stop at the first end of the cells; this is the last, so nothing they see is left out.
    cells_end = max(0, data.rfind(b"</sheetData>"))
    if _FAR_REFERENCE.search(data, cells_end):
        raise _outside(title)
    _check_used_range(title, data, cells_end or len(data), limits)
    _check_area(title, data, cells_end, b"mergeCell", limits.merged_area)
    _check_area(title, data, cells_end, b"hyperlink", limits.linked_area)


def _check_counts(title: str, data: bytes, limits: Limits) -> None:
    for tag, limit, shortest, zh, en in (
        (b"<row", limits.rows, 6, "行", "rows"),
        (b"<c ", limits.cells, 6, "个单元格", "cells"),
        (b"<c>", limits.cells, 6, "个单元格", "cells"),
        (b"<mergeCell ", limits.merges, 23, "处合并", "merged ranges"),
        (b"<cfRule", limits.rules, 20, "条条件格式", "conditional formats"),
        (b"<hyperlink ", limits.rules, 20, "个链接", "hyperlinks"),
        (b"<dataValidation ", limits.rules, 25, "条数据验证", "data validations"),
        (b"<col ", GRID_COLUMNS, 15, "条列定义", "column definitions"),
    ):
        # Counting is for sheets long enough to hold so many of them.
        if len(data) > limit * shortest and (count := data.count(tag)) > limit:
            raise too_large(
                f"工作表“{title}”有 {count} {zh}，上限 {limit}", f"sheet “{title}” has {count} {en}, at most {limit}"
            )


def _check_used_range(title: str, data: bytes, cells_end: int, limits: Limits) -> None:
    """The rectangle from A1 that holds every cell with something in it."""
    prefixed = _PREFIXED.search(data, 0, cells_end)
    if not prefixed and not _NOT_SMALL.search(data, 0, cells_end):
        return
    if not prefixed and not _NOT_REGULAR.search(data, 0, cells_end):
        last_row, last_column = _extent(data)
    elif len(data) <= _PARSED_AT_MOST:
        last_row, last_column = _parsed_extent(title, data)
    else:
        raise unsafe(f"工作表“{title}”的写法异常", f"sheet “{title}” is spelled in an unusual way")
    if last_row > GRID_ROWS or last_column > GRID_COLUMNS:
        raise _outside(title)
    if last_row > limits.rows:
        raise too_large(
            f"工作表“{title}”用到了第 {last_row} 行，上限 {limits.rows}",
            f"sheet “{title}” reaches row {last_row}, at most {limits.rows}",
        )
    if last_column > limits.columns or last_row * last_column > limits.dense:
        raise too_large(
            f"工作表“{title}”用到了第 {last_column} 列、第 {last_row} 行",
            f"sheet “{title}” reaches column {last_column} and row {last_row}",
        )


def _extent(data: bytes) -> tuple[int, int]:
    """The last row and column with a filled cell; empty cells that only have a style do not count."""
    last_row, columns = 0, set[bytes]()
    for piece in _slices(data):
        for column, row in _FILLED_CELL.findall(piece):
            columns.add(column)
            last_row = max(last_row, int(row))
    return last_row, max(map(column_number, columns), default=0)


def _slices(data: bytes) -> Iterator[bytes]:
    """The sheet in pieces that end where a row begins, so that no list of its cells grows long."""
    position = 0
    while position < len(data):
        end = data.find(b"<row", position + _SLICE)
        end = len(data) if end < 0 else end
        yield data[position:end]
        position = end


def _parsed_extent(title: str, data: bytes) -> tuple[int, int]:
    """The same for a sheet with prefixes, or without positions: counted as every reader counts."""
    last_row = last_column = row = column = 0
    parser = etree.XMLPullParser(events=("start",), tag=("{*}row", "{*}c"), resolve_entities=False, no_network=True)
    try:
        for piece in (data[at : at + _SLICE] for at in range(0, len(data), _SLICE)):
            parser.feed(piece)
            for _, element in parser.read_events():
                assert isinstance(element, etree._Element)
                place = element.get("r")
                if element.tag.rpartition("}")[2] == "row":
                    row, column = int(place) if place else row + 1, 0
                    continue
                if place:
                    letters = place.rstrip("0123456789")
                    row, column = int(place[len(letters) :]), column_number(letters.encode())
                else:
                    column += 1
                last_row, last_column = max(last_row, row), max(last_column, column)
    except (ValueError, etree.XMLSyntaxError) as error:
        raise unsafe(f"工作表“{title}”的写法异常", f"sheet “{title}” is spelled in an unusual way") from error
    return last_row, last_column


def _check_area(title: str, data: bytes, cells_end: int, tag: bytes, limit: int) -> None:
    start = data.find(b"<" + tag, cells_end)
    if start < 0:
        return
    end = data.find(b"</" + tag + b"s", start)
    area = 0
    for left, top, right, bottom in _AREA.findall(data, start, len(data) if end < 0 else end):
        height = int(bottom) - int(top) + 1 if bottom else 1
        width = column_number(right) - column_number(left) + 1 if right != left and right else 1
        area += abs(height * width)
    if area > limit:
        raise too_large(
            f"工作表“{title}”的合并或链接覆盖 {area} 个单元格，上限 {limit}",
            f"merged or linked ranges of sheet “{title}” cover {area} cells, at most {limit}",
        )


def check_strings(data: bytes) -> None:
    """
    The shared strings may not claim a number of entries for which a reader would reserve gigabytes.

    Raises:
        Refused: The claim is absurd, or the texts hide in CDATA.
    """
    start = max(0, data.find(b"sst"))
    root = data[start : data.find(b">", start)]
    if _ABSURD_COUNT.search(root) or _CDATA.search(data):
        raise unsafe("共享字符串表的声明不可信", "the table of shared strings makes an absurd claim")


def check_styles(data: bytes, limits: Limits) -> None:
    """
    Raises:
        Refused: There are more cell formats than Excel can hold.
    """
    # The formats of named styles stand in the same part under the same tag.
    if (count := data.count(b"<xf")) > 2 * limits.styles:
        raise too_large(f"有 {count} 个单元格样式", f"it holds {count} cell formats")


def has_remote_command(data: bytes) -> bool:
    """Whether a formula in *data* calls another program (DDE: program|topic!item)."""
    if b"|" not in data:
        return False
    # Outside a string literal Excel knows no operator "|".
    texts = (html.unescape(found.decode("utf-8", "replace")) for found in _PIPED_FORMULA.findall(data))
    return any("|" in _STRING_LITERAL.sub("", text) for text in texts)


@lru_cache(maxsize=1024)
def column_number(letters: bytes) -> int:
    """A is 1, XFD is 16,384."""
    number = 0
    for letter in letters:
        number = number * 26 + (letter & 0x1F)
    return number


def _outside(title: str) -> Refused:
    return unsafe(f"工作表“{title}”引用了表格以外的位置", f"sheet “{title}” refers to cells beyond the grid")
