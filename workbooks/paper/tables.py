"""Tables on a paper form: a row of headings over lines that are empty, or of which some columns are."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from workbooks.ooxml.areas import Area
from workbooks.paper.labels import is_label, plain
from workbooks.paper.paper import Paper, Slot
from workbooks.spellings.boxes import boxes_in

_LEAST_COLUMNS, _LEAST_LINES = 2, 2
_LINE_NUMBERS = frozenset({"序号", "行号", "项次", "no.", "no", "#", "序", "项号", "number"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its heading, its lines, and whether they have been filled in beforehand."""

    heading: Slot
    lines: tuple[Slot, ...]
    printed: bool

    @property
    def area(self) -> Area:
        first, last = self.lines[0].area, self.lines[-1].area
        return Area(first.top, first.left, last.bottom, first.left)


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its columns, without one that only numbers the lines."""

    columns: tuple[Column, ...]
    top: int
    bottom: int
    left: int
    right: int

    def covers(self, slot: Slot) -> bool:
        area = Area(self.top, self.left, self.bottom, self.right)
        return slot.area.meets(area)


def tables_of(paper: Paper) -> Iterator[Table]:
    """The tables of the sheet, from top to bottom."""
    row = 1
    while row < paper.bottom:
        found = next((table for run in _runs(paper, row) if (table := _table(paper, run)) is not None), None)
        if found is not None:
            yield found
        row = found.bottom + 1 if found is not None else row + 1


def _runs(paper: Paper, row: int) -> Iterator[list[Slot]]:
    """Headings side by side in *row*."""
    run: list[Slot] = []
    for slot in paper.row(row):
        heading = (
            bool(slot.text) and slot.area.top == slot.area.bottom and not slot.empty and boxes_in(slot.text) is None
        )
        if (heading and is_label(slot.text)) or (heading and plain(slot.text) in _LINE_NUMBERS):
            run.append(slot)
            continue
        if len(run) >= _LEAST_COLUMNS:
            yield run
        run = []
    if len(run) >= _LEAST_COLUMNS:
        yield run


def _table(paper: Paper, run: list[Slot]) -> Table | None:
    """The table under the headings *run*; None when there are no lines to fill in under them."""
    lines: list[list[Slot]] = []
    row = run[0].area.bottom + 1
    while row <= paper.bottom and (line := _line(paper, run, row)) is not None:
        if lines and not _alike(lines[0], line):
            break
        lines.append(line)
        row += 1
    if len(lines) < _LEAST_LINES:
        return None
    columns = []
    for position, heading in enumerate(run):
        cells = tuple(line[position] for line in lines)
        if plain(heading.text) in _LINE_NUMBERS or all(c.number or re.fullmatch(r"\d{1,3}", c.text) for c in cells):
            continue
        if any(cell.formula for cell in cells):
            continue
        columns.append(Column(heading, cells, printed=any(_printed(cell) for cell in cells)))
    if not columns or all(column.printed for column in columns):
        return None
    top, bottom = run[0].area.top, lines[-1][0].area.bottom
    return Table(tuple(columns), top, bottom, run[0].area.left, run[-1].area.right)


def _line(paper: Paper, run: list[Slot], row: int) -> list[Slot] | None:
    """The cells of *row* under the headings; None when they are no line of the table."""
    cells: list[Slot] = []
    for heading in run:
        cell = paper.slot((row, heading.area.left))
        if cell is None or (cell.area.left, cell.area.right) != (heading.area.left, heading.area.right):
            return None
        if cell.area.top != row or cell.area.bottom != row or not cell.sides:
            return None
        cells.append(cell)
    if re.match(r"(合计|小计|总计|备注|说明|注[:：])", next((cell.text for cell in cells if cell.text), "")):
        return None
    return cells if any(not _printed(cell) and not cell.formula for cell in cells) else None


def _alike(first: list[Slot], line: list[Slot]) -> bool:
    """Whether *line* has its printed words in the columns where the *first* one has."""
    return all(
        _printed(one) == _printed(other) or one.number or other.number for one, other in zip(first, line, strict=True)
    )


def _printed(cell: Slot) -> bool:
    return (
        bool(cell.text) and not cell.empty and boxes_in(cell.text) is None and not re.fullmatch(r"\d{1,3}", cell.text)
    )
