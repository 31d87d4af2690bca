"""What stands in a template's answer cells: nothing, a record's answer, or a formula with its result."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from io import BytesIO

from openpyxl.drawing.image import Image
from openpyxl.drawing.spreadsheet_drawing import AnchorMarker, OneCellAnchor
from openpyxl.drawing.xdr import XDRPositiveSize2D
from openpyxl.utils.units import pixels_to_EMU
from openpyxl.worksheet.worksheet import Worksheet

from workbooks.filled import Row, Value, Values
from workbooks.form import Field, FieldType
from workbooks.formulas.excel_values import CellValue, ExcelError, cell_of
from workbooks.master import Master
from workbooks.rules import compile_rules
from workbooks.sheet.blocks import Block
from workbooks.sheet.dropdowns import sibling
from workbooks.sheet.finishing import CachedValue
from workbooks.sheet.sheet_rules import SheetRules

SEPARATOR = {"zh": "、", "en": "; "}  # between several choices in one cell
_PICTURE_MARGIN_PX = 6


@dataclass(frozen=True, slots=True)
class Calculation:
    """A formula (with "=") and its result, as the cell holds both."""

    formula: str
    result: CachedValue


Content = str | int | float | Decimal | date | datetime | time | Calculation | None


class Answers:
    """The contents of all answer cells of one workbook, calculated ones worked out."""

    def __init__(self, rules: SheetRules, values: Values, master: Master, now: datetime) -> None:
        self._rules = rules
        compiled = compile_rules(rules.definition)
        self._values: dict[str, Value | tuple[Row, ...]] = dict(values)
        for repeat in rules.definition.repeats:
            filled: tuple[Row, ...] = values.get(repeat.name) or ()  # type: ignore[assignment]
            lines = len(rules.layout.inputs(f"{repeat.name}.{repeat.fields[0].name}"))
            self._values[repeat.name] = tuple(dict(filled[i]) if i < len(filled) else {} for i in range(lines))
        for field in rules.definition.fields:
            self._values.setdefault(field.name, None)
        self._scope = compiled.scope(self._values, now)
        compiled.work_out(self._values, self._scope, master)

    def content(self, path: str, line: int) -> Content:
        """What belongs into the cell of *path*; *line* (from 0) counts inside a repeat."""
        field = self._rules.definition.field(path)
        value = self.value(path, line)
        if field.calculation is not None:
            return Calculation(self._formula(path, field, line), self._result(path, field, line))
        if field.lookup is not None:
            return self._looked_up(path, field, line, value)
        if value is None or field.type == FieldType.IMAGE:
            return None
        return self._shown(path, field, value)

    def value(self, path: str, line: int) -> Value:
        """The checked answer of *path*, computed ones worked out."""
        repeat, dot, name = path.rpartition(".")
        if not dot:
            return self._values[path]  # type: ignore[return-value]
        rows: tuple[Row, ...] = self._values[repeat]  # type: ignore[assignment]
        return rows[line].get(name)

    def count(self, paths: Iterable[str]) -> int:
        """How many cells of *paths* hold something."""
        return sum(
            self.content(path, line) is not None
            for path in paths
            for line in range(len(self._rules.layout.inputs(path)))
        )

    def digests(self, path: str) -> tuple[str, ...]:
        """The pictures of an image field outside repeats."""
        value = self.value(path, 0)
        return value if isinstance(value, tuple) else ()

    def _shown(self, path: str, field: Field, value: Value) -> Content:
        """A checked answer as people read it in the cell."""
        dropdowns = self._rules.dropdowns
        if isinstance(value, tuple):
            return SEPARATOR[self._rules.language].join(dropdowns.label(path, code) for code in value)
        if field.type in (FieldType.SELECT_ONE, FieldType.PERSON) and isinstance(value, str):
            return dropdowns.label(path, value)
        if field.lookup is not None and isinstance(value, str):
            return dropdowns.local(field.lookup.column, value)
        return value

    def _formula(self, path: str, field: Field, line: int) -> str:
        assert field.calculation is not None
        repeat = self._rules.repeat_of(path)
        return f"={self._rules.text(field.calculation, repeat, line=line, result=field)}"

    def _result(self, path: str, field: Field, line: int) -> CachedValue:
        """What Excel shows for a calculated cell: also an error, and 0 for a blank."""
        cell: CellValue = self._scope.columns[path][line] if "." in path else self._scope.cells[path]
        if isinstance(cell, ExcelError):
            return cell
        if isinstance(cell, str) and field.choices:
            return self._rules.dropdowns.label(path, cell)
        return 0 if cell is None else cell

    def _looked_up(self, path: str, field: Field, line: int, value: Value) -> Content:
        """The formula that looks the answer up on the hidden sheet; nothing when there is no master data to look in."""
        assert field.lookup is not None
        rules = self._rules
        by = sibling(rules.definition, path, field.lookup.by)
        offer = rules.dropdowns.offer(by)
        if offer is None:
            return None
        refer = rules.reference(rules.repeat_of(path), line)
        text = field.type not in (
            FieldType.DATE,
            FieldType.DATETIME,
            FieldType.TIME,
            FieldType.INTEGER,
            FieldType.DECIMAL,
        )
        parent = refer(offer.under) if offer.under else ""
        formula = offer.looked_up(field.lookup.column, refer(by), parent, text=text)
        shown = self._shown(path, field, value)
        return Calculation(f"={formula}", "" if shown is None else serial(shown))


def serial(content: Content) -> CachedValue:
    """*content* as the number or text a cell stores."""
    assert not isinstance(content, Calculation)
    cell = cell_of(content)  # type: ignore[arg-type]  # Content without Calculation is Value without tuple
    return "" if cell is None else cell


def write_pictures(
    sheet: Worksheet, answers: Answers, block: Block, size: tuple[int, int], pictures: Mapping[str, bytes]
) -> None:
    """Lay the pictures of one image field side by side into its box of *size* pixels, each shrunk to fit."""
    digests = [digest for digest in answers.digests(block.path) if digest in pictures]
    if not digests:
        return
    width, height = size[0] // len(digests) - _PICTURE_MARGIN_PX, size[1] - _PICTURE_MARGIN_PX
    for position, digest in enumerate(digests):
        image = Image(BytesIO(pictures[digest]))
        scale = min(width / image.width, height / image.height, 1.0)
        left = position * size[0] // len(digests) + _PICTURE_MARGIN_PX // 2
        corner = AnchorMarker(
            col=block.first - 1,
            row=block.row - 1,
            colOff=pixels_to_EMU(left),
            rowOff=pixels_to_EMU(_PICTURE_MARGIN_PX // 2),
        )
        extent = XDRPositiveSize2D(
            pixels_to_EMU(round(image.width * scale)), pixels_to_EMU(round(image.height * scale))
        )
        image.anchor = OneCellAnchor(_from=corner, ext=extent)
        sheet.add_image(image)
