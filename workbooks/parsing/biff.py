"""The records of an old workbook (.xls, BIFF8): sheets, names and what else the reading library does not tell."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as default

from workbooks.finding_codes import FindingCode
from workbooks.package import SheetPart
from workbooks.parsing.grids import address
from workbooks.parsing.names import Named
from workbooks.refusal import Limits, refuse, too_large, unsafe

_HEAD = struct.Struct("<HH")
_BOF, _EOF, _CONTINUE = 0x0809, 0x000A, 0x003C
_FILE_PASS, _SHEET, _NAME, _EXTERN_SHEET, _SUP_BOOK, _STRINGS = 0x002F, 0x0085, 0x0018, 0x0017, 0x01AE, 0x00FC
_FORMAT, _QUERY, _DRAWING_GROUP, _DRAWING, _MERGES = 0x00E0, 0x01AD, 0x00EB, 0x00EC, 0x00E5
_FORMULAS = frozenset((0x0006, 0x0206, 0x0406))
_ERROR_OR_TRUTH, _NUMBERS = 0x0205, 0x00BD
# Records of one cell with something in it; those of formatted empty cells are passed over.
_CELLS = frozenset((0x0203, 0x0204, 0x00FD, 0x00D6, 0x027E, _ERROR_OR_TRUTH)) | _FORMULAS
_BIFF8, _GLOBALS = 0x0600, 0x0005
_WORKSHEET, _MACRO_SHEET = 0, 1
_STATES = ("visible", "hidden", "veryHidden", "veryHidden")
_ERRORS = {
    0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A",
}  # fmt: skip
_OWN_SHEETS, _ADD_IN = 0x0401, 0x3A01
_RECORDS = 3_000_000

Position = tuple[int, int]


class BrokenRecords(Exception):
    """The records are cut off or say what cannot be."""


@dataclass(slots=True, kw_only=True)
class OldBook:
    """
    What the records of an .xls say before any cell is read.

    *errors* holds, per sheet, the cells with a formula error, *unlocked* the filled cells
    that are not locked; *drawings* the drawing data of each sheet and *blips* those of the
    pictures in them (MS-ODRAW).
    """

    sheets: tuple[SheetPart, ...] = ()
    names: tuple[Named, ...] = ()
    flags: frozenset[str] = frozenset()
    errors: dict[str, dict[Position, str]] = default(default_factory=dict)
    unlocked: dict[str, set[Position]] = default(default_factory=dict)
    drawings: dict[str, bytes] = default(default_factory=dict)
    blips: bytes = b""
    encrypted: bool = False


def walk(stream: bytes, limits: Limits) -> OldBook:
    """
    The records of the stream "Workbook"; cells are only measured.

    An encrypted stream comes back with nothing but that said.

    Raises:
        Refused: It is older than Excel 97, or holds more than a form needs.
        BrokenRecords: It is damaged.
    """
    return _Walk(stream, limits).walk()


class _Walk:
    def __init__(self, stream: bytes, limits: Limits) -> None:
        self._stream, self._limits = stream, limits
        self._book = OldBook()
        self._starts: list[tuple[str, str, int, int]] = []  # title, state, kind and where its records begin
        self._names: list[tuple[int, bytes]] = []
        self._own: list[bool] = []  # per linked book: whether it is this one
        self._sheet_ranges: list[tuple[int, int, int]] = []
        self._locked: list[bool] = []  # per cell format
        self._flags: set[str] = set()
        self._left = _RECORDS

    def walk(self) -> OldBook:
        if len(self._stream) < 8 or _HEAD.unpack_from(self._stream)[0] != _BOF:
            raise BrokenRecords
        version, kind = struct.unpack_from("<HH", self._stream, 4)
        if version != _BIFF8:
            raise refuse(FindingCode.OLD_FILE_FORMAT)
        if kind != _GLOBALS:
            raise BrokenRecords
        try:
            self._globals()
            if not self._book.encrypted:
                for title, _, kind, start in self._starts:
                    if kind == _WORKSHEET:
                        self._sheet(title, start)
        except (struct.error, IndexError) as error:
            raise BrokenRecords from error
        book = self._book
        book.sheets = tuple(
            SheetPart(title, "", index, state)
            for index, (title, state, kind, _) in enumerate(self._starts)
            if kind == _WORKSHEET
        )
        if len({title.lower() for title, *_ in self._starts}) != len(self._starts):
            raise unsafe("有重名的工作表", "two sheets share a name")
        if any(kind == _MACRO_SHEET for _, _, kind, _ in self._starts):
            self._flags.add("xlm")
        book.names = tuple(self._named(scope, body) for scope, body in self._names)
        book.flags = frozenset(self._flags)
        return book

    def _records(self, at: int) -> Iterator[tuple[int, bytes]]:
        """(kind, contents) up to the end of the part that begins at *at*; parts inside it (charts) are left out."""
        depth = 0
        stream, end = self._stream, len(self._stream)
        while at + 4 <= end:
            kind, length = _HEAD.unpack_from(stream, at)
            at += 4
            if at + length > end:
                break
            self._left -= 1
            if self._left < 0:
                raise too_large("记录太多", "it holds too many records")
            if kind == _BOF:
                depth += 1
            elif kind == _EOF:
                depth -= 1
                if depth <= 0:
                    return
            elif depth == 0:
                break
            elif depth == 1:
                yield kind, stream[at : at + length]
            at += length
        raise BrokenRecords

    def _globals(self) -> None:
        book, last, pieces = self._book, 0, {_EXTERN_SHEET: bytearray(), _DRAWING_GROUP: bytearray()}
        for kind, body in self._records(0):
            if kind == _FILE_PASS:
                book.encrypted = True
                return
            if kind == _CONTINUE:
                if last in pieces:
                    pieces[last] += body
                continue
            last = kind
            if kind in pieces:
                pieces[kind] += body
            elif kind == _SHEET:
                self._add_sheet(body)
            elif kind == _FORMAT:
                self._locked.append(bool(body[4] & 1))
            elif kind == _NAME:
                self._names.append((int.from_bytes(body[8:10], "little"), body))
            elif kind == _SUP_BOOK:
                self._add_linked_book(body)
            elif kind == _STRINGS and struct.unpack_from("<I", body, 4)[0] > len(self._stream):
                raise unsafe("共享字符串表的声明不可信", "the table of shared strings makes an absurd claim")
        if len(self._names) > self._limits.names:
            raise too_large(f"定义的名称超过 {self._limits.names} 个", f"more than {self._limits.names} defined names")
        ranges = bytes(pieces[_EXTERN_SHEET])
        count = struct.unpack_from("<H", ranges)[0] if ranges else 0
        self._sheet_ranges = [struct.unpack_from("<Hhh", ranges, 2 + 6 * index) for index in range(count)]
        book.blips = bytes(pieces[_DRAWING_GROUP])

    def _add_sheet(self, body: bytes) -> None:
        start, state, kind, count, wide = struct.unpack_from("<IBBBB", body)
        title = _text(body, 8, count, wide)
        if min(title, default=" ") < " ":
            raise BrokenRecords
        self._starts.append((title, _STATES[state & 3], kind, start))
        if len(self._starts) > self._limits.sheets:
            raise too_large(f"工作表超过 {self._limits.sheets} 张", f"more than {self._limits.sheets} sheets")

    def _add_linked_book(self, body: bytes) -> None:
        (count,) = struct.unpack_from("<H", body, 2)
        self._own.append(count == _OWN_SHEETS)
        if count not in (_OWN_SHEETS, _ADD_IN):
            # Between a running program and its topic stands 3, but so it does between the folders of a file's
            # path, which begins with 1 (MS-XLS 2.5.277).
            path = _text(body, 5, count, body[4])
            self._flags.add("dde" if "\x03" in path and not path.startswith("\x01") else "external")

    def _named(self, scope: int, body: bytes) -> Named:
        """A name and what it stands for, spelled as newer workbooks spell it."""
        count, formula_length = body[3], int.from_bytes(body[4:6], "little")
        wide = body[14]
        name = _text(body, 15, count, wide)
        formula = body[15 + count * (2 if wide & 1 else 1) :][:formula_length]
        return Named(name, self._spelled(formula), scope != 0)

    def _spelled(self, formula: bytes) -> str:
        """A constant or a reference; anything else is of no use to us and reads #REF!."""
        kind = formula[0] & 0x1F if formula and formula[0] >= 0x40 else formula[0] if formula else 0
        kind |= 0x20 if formula and formula[0] >= 0x40 else 0
        if kind == 0x17 and len(formula) >= 3:
            return '"' + _text(formula, 3, formula[1], formula[2]).replace('"', '""') + '"'
        if kind == 0x1E and len(formula) == 3:
            return str(int.from_bytes(formula[1:3], "little"))
        if kind == 0x1F and len(formula) == 9:
            return f"{struct.unpack_from('<d', formula, 1)[0]:.15g}"
        if kind == 0x3A and len(formula) == 7:
            index, row, column = struct.unpack_from("<HHH", formula, 1)
            return self._reference(index, (row, column), (row, column))
        if kind == 0x3B and len(formula) == 11:
            index, top, bottom, left, right = struct.unpack_from("<HHHHH", formula, 1)
            return self._reference(index, (top, left), (bottom, right))
        return "#REF!"

    def _reference(self, index: int, start: Position, end: Position) -> str:
        book, first, last = self._sheet_ranges[index] if index < len(self._sheet_ranges) else (-1, -1, -1)
        own = 0 <= book < len(self._own) and self._own[book]
        if not own or first != last or not 0 <= first < len(self._starts):
            return "#REF!"
        title = self._starts[first][0].replace("'", "''")
        places = [address(row, column & 0xFF) for row, column in dict.fromkeys((start, end))]
        return f"'{title}'!{':'.join(places)}"

    def _sheet(self, title: str, start: int) -> None:
        """Measure one worksheet, and keep its formula errors and drawings."""
        errors: dict[Position, str] = {}
        unlocked: set[Position] = set()
        drawing = bytearray()
        last_row = last_column = merges = last = cells = 0
        for kind, body in self._records(start):
            if kind in _CELLS or kind == _NUMBERS:
                row, column = _HEAD.unpack_from(body)
                if not self._locked[int.from_bytes(body[4:6], "little")]:
                    unlocked.add((row, column))
                if kind == _NUMBERS:
                    formats = struct.iter_unpack("<H4x", body[4:-2])
                    unlocked |= {(row, column + n) for n, (each,) in enumerate(formats) if not self._locked[each]}
                    (column,) = struct.unpack_from("<H", body, len(body) - 2)
                elif kind != 0x00FD and (error := _error(kind, body)):
                    errors[row, column] = error
                cells += 1
                last_row, last_column = max(last_row, row + 1), max(last_column, column + 1)
            elif kind == _DRAWING or (kind == _CONTINUE and last == _DRAWING):
                drawing += body
                kind = _DRAWING
            elif kind == _MERGES:
                merges += int.from_bytes(body[:2], "little")
            elif kind == _QUERY:
                self._flags.add("connections")
            last = kind
        limits = self._limits
        if cells > limits.cells or last_column > 256 or last_row * last_column > limits.dense:
            raise too_large(f"工作表“{title}”内容太多", f"sheet “{title}” holds too much")
        if merges > limits.merges:
            raise too_large(f"工作表“{title}”有 {merges} 处合并", f"sheet “{title}” has {merges} merged ranges")
        self._book.errors[title] = errors
        self._book.unlocked[title] = unlocked
        if drawing:
            self._book.drawings[title] = bytes(drawing)


def _error(kind: int, body: bytes) -> str | None:
    if kind in _FORMULAS:
        return _ERRORS.get(body[8], "#N/A") if body[12:14] == b"\xff\xff" and body[6] == 2 else None
    return _ERRORS.get(body[6], "#N/A") if kind == _ERROR_OR_TRUTH and body[7] else None


def _text(data: bytes, at: int, count: int, wide: int) -> str:
    """*count* characters, two bytes each where *wide* says so."""
    if wide & 1:
        return data[at : at + 2 * count].decode("utf-16-le", "replace")
    return data[at : at + count].decode("latin-1")
