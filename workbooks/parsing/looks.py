"""How single cells of a sheet show their numbers."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from workbooks.filled import Cell, FilledForm
from workbooks.form import FieldType, FormDefinition
from workbooks.guard import Inspection, parse

_STYLES = "xl/styles.xml"
_MEASURED = (FieldType.INTEGER, FieldType.DECIMAL, FieldType.DATE, FieldType.DATETIME, FieldType.TIME, FieldType.IMAGE)
_DAYS = (FieldType.DATE, FieldType.DATETIME)
_LATER = 1462  # days from the one day 0 to the other
_TYPED_OUT = 1_000_000  # from here on a number is a date typed as 20261103
_ZEROS = re.compile(r"0{2,32}")


class Looks:
    """The number formats of a workbook's cells, looked up one by one; parsed when first asked for."""

    def __init__(self, inspection: Inspection) -> None:
        self._inspection = inspection
        self._formats: list[str] | None = None

    @cached_property
    def date1904(self) -> bool:
        """Whether day 0 is 1 January 1904, as it was on the Macintosh."""
        properties = self._inspection.workbook.find("{*}workbookPr")
        return properties is not None and properties.get("date1904") in ("1", "true")

    def padded(self, sheet: str, address: str, number: float) -> str | None:
        """*number* as a cell with a format such as 0000000 shows it; None where the format is another."""
        pattern = self._format(sheet, address)
        if not _ZEROS.fullmatch(pattern) or number < 0 or number != int(number):
            return None
        return f"{int(number):0{len(pattern)}d}"

    def _format(self, sheet: str, address: str) -> str:
        cell = re.search(rb'<c r="%b"[^>]*?\bs="(\d{1,6})"' % address.encode(), self._inspection.sheet(sheet))
        index = int(cell[1]) if cell else 0
        if self._formats is None:
            self._formats = list(self._all())
        return self._formats[index] if index < len(self._formats) else ""

    def _all(self) -> Iterator[str]:
        data = self._inspection.parts.get(_STYLES)
        if data is None:
            return
        styles = parse(data)
        codes = {f.get("numFmtId", ""): f.get("formatCode", "") for f in styles.iterfind("{*}numFmts/{*}numFmt")}
        yield from (codes.get(xf.get("numFmtId", ""), "") for xf in styles.iterfind("{*}cellXfs/{*}xf"))


def as_shown(form: FilledForm, definition: FormDefinition, looks: Looks) -> FilledForm:
    """
    *form* with numbers as the workbook means them.

    In texts as the sheet shows them: 41729 in a cell of format 0000000 is 0041729. Bare
    numbers of days count from 1900 afterwards, also those of a workbook that counts from 1904.
    """

    def shown(path: str, cell: Cell) -> Cell:
        number = cell.value
        if not isinstance(number, float):
            return cell
        kind = definition.field(path).type
        if kind in _MEASURED:
            late = kind in _DAYS and 0 < number < _TYPED_OUT and looks.date1904
            return replace(cell, value=number + _LATER) if late else cell
        text = looks.padded(cell.sheet, cell.address, number)
        return cell if text is None else replace(cell, value=text)

    lines = (line for lines in form.repeats.values() for line in lines)
    if not any(cell.value.__class__ is float for line in (form.cells, *lines) for cell in line.values()):
        return form
    return replace(
        form,
        cells={path: shown(path, cell) for path, cell in form.cells.items()},
        repeats={
            repeat: tuple({name: shown(f"{repeat}.{name}", cell) for name, cell in line.items()} for line in lines)
            for repeat, lines in form.repeats.items()
        },
    )
