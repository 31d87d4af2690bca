"""Single cells of a sheet part: found, created, set and restyled, everything else in the sheet left as it is."""

import re
from bisect import bisect_left
from collections.abc import Iterator

from lxml import etree
from openpyxl.formula.translate import Translator

from workbooks.ooxml.areas import Area
from workbooks.ooxml.elements import WORKSHEET, child, decimal, local, true, whole
from workbooks.ooxml.letters import column_letters

TEXT_LIMIT = 32_767  # UTF-16 units Excel keeps in one cell
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f]")
_UNENCODABLE = re.compile("[\ufffe\uffff\ud800-\udfff]")
_ESCAPED = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"


def text_content(text: str) -> str:
    """
    *text* as Excel stores it: _xHHHH_ for what XML cannot hold, at most 32,767 UTF-16 units.

    A text that is too long ends with "…".
    """
    text = _UNENCODABLE.sub("\ufffd", text)
    units = text.encode("utf-16-le")
    if len(units) > 2 * TEXT_LIMIT:
        text = units[: 2 * TEXT_LIMIT - 2].decode("utf-16-le", "ignore") + "…"
    return _UNPRINTABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", _ESCAPED.sub("_x005F_", text))


class Sheet:
    """
    The tree of one worksheet part, with its cells by place.

    *changed* says whether anything was done to it; whoever edits the tree itself sets it.
    *unlinked* collects the addresses whose formula was overwritten: their entries in the
    calculation chain must go.
    """

    def __init__(self, tree: etree._Element) -> None:
        self.tree = tree
        self.ns = f"{{{etree.QName(tree).namespace}}}"
        self.data = child(tree, "sheetData", WORKSHEET)
        self.unlinked: set[str] = set()
        self._merges: list[Area] | None = None
        self._columns: list[tuple[int, int, etree._Element]] | None = None
        self.changed = False
        self._rows: dict[int, etree._Element] = {}
        number = 0
        for row in self.data.iterfind(f"{self.ns}row"):
            # Row and cell numbers may be left out; then they follow the one before.
            number = whole(row.get("r"), number + 1)
            self._rows.setdefault(number, row)
        self._numbers: list[int] = sorted(self._rows)
        self._cells: dict[int, dict[int, etree._Element]] = {}

    def cell(self, place: tuple[int, int]) -> etree._Element | None:
        """The cell at (row, column) if the sheet has one."""
        return self._row_cells(place[0]).get(place[1])

    def cells(self) -> Iterator[tuple[tuple[int, int], etree._Element]]:
        """Every cell with its (row, column)."""
        for row in self._numbers:
            for column, cell in self._row_cells(row).items():
                yield (row, column), cell

    def ensure(self, place: tuple[int, int]) -> etree._Element:
        """The cell at (row, column); made, in order and in the style of its row or column, if there is none."""
        found = self.cell(place)
        return found if found is not None else self._insert(place)

    def set_text(self, place: tuple[int, int], text: str) -> None:
        """Put *text* into the cell, as text whatever it looks like; its style stays."""
        cell = self._cleared(place)
        cell.set("t", "inlineStr")
        holder = etree.Element(f"{self.ns}is")
        inner = etree.SubElement(holder, f"{self.ns}t")
        inner.text = text_content(text)
        inner.set(_SPACE, "preserve")
        cell.insert(0, holder)

    def set_number(self, place: tuple[int, int], number: float) -> None:
        """Put *number* into the cell; its style stays."""
        cell = self._cleared(place)
        value = etree.Element(f"{self.ns}v")
        value.text = repr(number)
        cell.insert(0, value)

    def set_formula(self, place: tuple[int, int], formula: str, result: str, kind: str) -> None:
        """Put *formula* (without "=") and its *result*, of cell type *kind* (n, str, b, e), into the cell."""
        cell = self._cleared(place)
        value = etree.Element(f"{self.ns}v")
        value.text = text_content(result)
        inner = etree.Element(f"{self.ns}f")
        inner.text = formula
        if kind != "n":
            cell.set("t", kind)
        cell.insert(0, value)
        cell.insert(0, inner)

    def freeze(self, cell: etree._Element, place: tuple[int, int]) -> None:
        """Take the cell's formula out and keep the value it last had."""
        formula = cell.find(f"{self.ns}f")
        if formula is not None:
            self._hand_on(formula, place)
            cell.remove(formula)
            self.changed = True
            self.unlinked.add(f"{column_letters(place[1])}{place[0]}")

    def style(self, place: tuple[int, int]) -> int:
        """The cell's index into cellXfs; that of its row or column if there is no cell."""
        cell = self.cell(place)
        if cell is not None:
            return whole(cell.get("s"))
        row = self._rows.get(place[0])
        if row is not None and true(row.get("customFormat")):
            return whole(row.get("s"))
        column = self._column(place[1])
        return whole(column.get("style")) if column is not None else 0

    def set_style(self, place: tuple[int, int], style: int) -> None:
        self.ensure(place).set("s", str(style))
        self.changed = True

    def merged(self, place: tuple[int, int]) -> Area:
        """The merged area the cell belongs to, or the cell alone."""
        if self._merges is None:
            merges = self.tree.iterfind(f"{self.ns}mergeCells/{self.ns}mergeCell")
            self._merges = [area for merge in merges if (area := Area.parse(merge.get("ref", "")))]
        return next((area for area in self._merges if place in area), Area(*place, *place))

    def column_px(self, number: int) -> int:
        """The width of a column on the screen, in pixels at 100 %."""
        column = self._column(number)
        form = self.tree.find(f"{self.ns}sheetFormatPr")
        if column is not None and true(column.get("hidden")):
            return 0
        width = column.get("width") if column is not None else None
        if width is None and form is not None:
            width = form.get("defaultColWidth")
        return int((256 * decimal(width, 8.5) + 18) / 256 * 7) if width else 64

    def row_px(self, number: int) -> int:
        """The height of a row on the screen, in pixels at 100 %."""
        row = self._rows.get(number)
        form = self.tree.find(f"{self.ns}sheetFormatPr")
        if row is not None and true(row.get("hidden")):
            return 0
        height = row.get("ht") if row is not None else None
        if height is None and form is not None:
            height = form.get("defaultRowHeight")
        return round(decimal(height, 15) * 4 / 3)

    def _row_cells(self, number: int) -> dict[int, etree._Element]:
        if number not in self._cells:
            cells: dict[int, etree._Element] = {}
            column = 0
            for cell in self._rows[number].iterfind(f"{self.ns}c") if number in self._rows else ():
                place = Area.parse(cell.get("r", ""))
                column = place.left if place else column + 1
                cells.setdefault(column, cell)
            self._cells[number] = cells
        return self._cells[number]

    def _column(self, number: int) -> etree._Element | None:
        if self._columns is None:
            columns = self.tree.iterfind(f"{self.ns}cols/{self.ns}col")
            self._columns = [(whole(col.get("min")), whole(col.get("max")), col) for col in columns]
        return next((column for first, last, column in self._columns if first <= number <= last), None)

    def _insert(self, place: tuple[int, int]) -> etree._Element:
        number, column = place
        self.changed = True
        cell = etree.Element(f"{self.ns}c", r=f"{column_letters(column)}{number}")
        if style := self.style(place):
            cell.set("s", str(style))
        if number not in self._rows:
            row = etree.Element(f"{self.ns}row", r=str(number))
            position = bisect_left(self._numbers, number)
            if position < len(self._numbers):
                self._rows[self._numbers[position]].addprevious(row)
            else:
                self.data.append(row)
            self._numbers.insert(position, number)
            self._rows[number] = row
        row = self._rows[number]
        cells = self._row_cells(number)
        following = min((other for other in cells if other > column), default=None)
        if following is not None:
            cells[following].addprevious(cell)
        elif cells:
            cells[max(cells)].addnext(cell)
        else:
            row.insert(0, cell)
        cells[column] = cell
        # An optimisation hint that would no longer be true.
        row.attrib.pop("spans", "")
        self._widen(number, column)
        return cell

    def _widen(self, row: int, column: int) -> None:
        dimension = self.tree.find(f"{self.ns}dimension")
        area = Area.parse(dimension.get("ref", "")) if dimension is not None else None
        if dimension is not None and area is not None and (row, column) not in area:
            widened = Area(min(area.top, row), min(area.left, column), max(area.bottom, row), max(area.right, column))
            dimension.set("ref", str(widened))

    def _cleared(self, place: tuple[int, int]) -> etree._Element:
        cell = self.ensure(place)
        self.changed = True
        self.freeze(cell, place)
        for inner in list(cell):
            if local(inner) in ("v", "is"):
                cell.remove(inner)
        # t: the value's type; cm and vm: its entry in the metadata part (dynamic arrays, pictures in cells).
        for attribute in ("t", "cm", "vm"):
            cell.attrib.pop(attribute, "")
        return cell

    def _hand_on(self, formula: etree._Element, place: tuple[int, int]) -> None:
        """If other cells share this formula and it is written here, write it at the next of them."""
        key = formula.get("si")
        if formula.get("t") != "shared" or not formula.text or key is None:
            return
        origin = f"{column_letters(place[1])}{place[0]}"
        for other_place, other in self.cells():
            shared = other.find(f"{self.ns}f")
            if shared is not None and shared is not formula and shared.get("si") == key and not shared.text:
                heir = f"{column_letters(other_place[1])}{other_place[0]}"
                shared.text = Translator(f"={formula.text}", origin=origin).translate_formula(heir)[1:]
                shared.set("ref", formula.get("ref", heir))
                return
