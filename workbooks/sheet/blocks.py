"""A planned sheet: its rows, its columns, and the blocks of cells that look like one."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as default
from enum import StrEnum
from types import MappingProxyType

from openpyxl.utils import get_column_letter

from workbooks.form import IDENTITY_PREFIX


class Part(StrEnum):
    """What a block of cells is; its look follows from it."""

    TITLE = "title"
    META_LABEL = "meta label"
    META = "meta"
    HINT = "hint"
    SECTION = "section"
    NOTE = "note"
    LABEL = "label"
    INPUT = "input"
    REPEAT = "repeat"
    HEADER = "header"
    LINE = "line"
    ENTRY = "entry"
    REASON = "reason"
    SIGNER = "signer"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """
    Cells that look like one: row *row*, columns *first* to *last* (1-based, inclusive).

    *path* is the field the block belongs to, or the defined name of a cell of the form's
    own. *text* is what the block shows; *aside*, in a lighter tone, and the red mark of a
    *required* answer follow it.
    """

    part: Part
    row: int
    first: int
    last: int
    path: str = ""
    text: str = ""
    aside: str = ""
    required: bool = False

    @property
    def address(self) -> str:
        """The top left cell, such as "C7"."""
        return f"{get_column_letter(self.first)}{self.row}"

    @property
    def reference(self) -> str:
        """The whole block, such as "C7:F7"."""
        return f"{self.address}:{get_column_letter(self.last)}{self.row}" if self.last > self.first else self.address


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """
    A planned sheet.

    *widths* are pixels per column, *heights* points per row, *pages* the rows (from 0)
    with which printed pages begin. *repeated* is the last row
    of the title block, printed again on every page.
    """

    blocks: tuple[Block, ...]
    widths: tuple[int, ...]
    heights: tuple[float, ...]
    pages: tuple[int, ...]
    landscape: bool
    repeated: int
    _answers: Mapping[str, tuple[Block, ...]] = default(default_factory=lambda: MappingProxyType({}))

    @property
    def last(self) -> str:
        """The bottom right cell of the sheet."""
        return f"{get_column_letter(len(self.widths))}{len(self.heights)}"

    def inputs(self, path: str) -> tuple[Block, ...]:
        """The cells of field *path*: one, or one per line inside a repeat."""
        return self._answers[path]

    def cell(self, path: str) -> str:
        """Absolute address of field *path*: one cell, or the column of entry lines, such as "$C$7:$C$11"."""
        blocks = self._answers[path]
        first, last = (f"${get_column_letter(b.first)}${b.row}" for b in (blocks[0], blocks[-1]))
        return f"{first}:{last}" if "." in path else first


def own_name(name: str) -> str:
    """The defined name of a cell in which the form says something of itself; no field's path looks like it."""
    return f"{IDENTITY_PREFIX}{name}"
