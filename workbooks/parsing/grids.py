"""The values of a workbook's sheets, cell by cell."""

import math
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any, NamedTuple, TypeVar

from python_calamine import CalamineError, CalamineWorkbook, load_workbook

from workbooks.filled import Cell, RawValue
from workbooks.refusal import damaged

Position = tuple[int, int]
Range = tuple[Position, Position]
_Result = TypeVar("_Result")


class Place(NamedTuple):
    """A rectangle of cells a name stands for; rows and columns from 0, both ends included."""

    sheet: str
    top: int
    left: int
    bottom: int
    right: int


class Grids:
    """
    The values of a workbook's sheets, each read when it is first asked for.

    Raises, from every method:
        Refused: The reading library fails on the file.
    """

    def __init__(
        self,
        content: bytes,
        errors: Callable[[str], Iterable[tuple[Position, str]]],
        mended: Callable[[], bytes | None] = lambda: None,
    ) -> None:
        """
        *errors* gives the cells of a sheet that hold a formula error, which the reading library leaves empty.

        *mended* is asked for the same workbook in words the library knows when it fails; None if there are none.
        """
        self._content = content
        self._error_cells = errors
        self._mended = mended
        self._rows: dict[str, list[list[Any]]] = {}
        self._errors: dict[str, dict[Position, str]] = {}
        self._sheets: dict[str, Any] = {}
        self._workbook: CalamineWorkbook | None = None

    def value(self, sheet: str, row: int, column: int) -> RawValue:
        """What the cell holds; None when it is empty. A formula error is its text, such as "#N/A"."""
        rows = self.rows(sheet)
        found = rows[row][column] if row < len(rows) and column < len(rows[row]) else ""
        if found == "":
            return self._errors[sheet].get((row, column))
        if isinstance(found, float) and not math.isfinite(found):
            return str(found)
        return found

    def cell(self, place: Place) -> Cell:
        """The first cell of *place*: the one that holds the value when cells are merged."""
        return Cell(place.sheet, address(place.top, place.left), self.value(place.sheet, place.top, place.left))

    def rows(self, sheet: str) -> list[list[Any]]:
        """All rows from A1 on; they may be of any length."""
        if sheet not in self._rows:
            self._errors[sheet] = dict(self._error_cells(sheet))
            self._rows[sheet] = self._ask(lambda: self._sheet(sheet).to_python(skip_empty_area=False))
        return self._rows[sheet]

    def merged(self, sheet: str) -> list[Range]:
        """The merged ranges as (top, left), (bottom, right)."""
        return self._ask(lambda: self._sheet(sheet).merged_cell_ranges) or []

    def _sheet(self, title: str) -> Any:
        if self._workbook is None:
            self._workbook = load_workbook(BytesIO(self._content))
        if title not in self._sheets:
            self._sheets[title] = self._workbook.get_sheet_by_name(title)
        return self._sheets[title]

    def _ask(self, question: Callable[[], _Result]) -> _Result:
        try:
            try:
                return question()
            except CalamineError:
                plain, self._mended = self._mended(), lambda: None
                if plain is None:
                    raise
                self._workbook, self._sheets = load_workbook(BytesIO(plain)), {}
                return question()
        except CalamineError as error:
            raise damaged(self._content) from error
        except BaseException as error:
            # A panic in the Rust library is a BaseException of a type that cannot be imported.
            if type(error).__name__ == "PanicException":
                raise damaged(self._content) from error
            raise


def address(row: int, column: int) -> str:
    """Row 6, column 2 (from 0) is "C7"."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row + 1}"
