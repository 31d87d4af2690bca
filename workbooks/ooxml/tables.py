"""The Excel tables of a workbook: where they stand and what their columns are called."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from workbooks.form import Text
from workbooks.ooxml.areas import Area
from workbooks.package import Package, SheetPart

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


class PushError(Exception):
    """A dataset cannot be pushed into this workbook; *message* says why and what to do, in zh and en."""

    def __init__(self, message: Text) -> None:
        super().__init__(message)  # as it is: the exception also comes out of child processes
        self.message = message

    def __str__(self) -> str:
        return self.message.en


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumn:
    """One column of a table; *formula* is that of a calculated column, *total* the function of its totals cell."""

    name: str
    formula: str | None = None
    array: bool = False
    total: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of the workbook: where it stands and what its columns are called."""

    name: str
    part: str
    sheet: SheetPart
    area: Area
    header_rows: Literal[0, 1]
    totals_rows: Literal[0, 1]
    columns: tuple[TableColumn, ...]

    @property
    def body(self) -> Area:
        """The data rows alone."""
        area = self.area
        return Area(area.top + self.header_rows, area.left, area.bottom - self.totals_rows, area.right)


def tables(package: Package) -> Iterator[Table]:
    """All tables, in the order of the sheets."""
    for sheet in package.sheets():
        for part in package.related(sheet.part, "table").values():
            if part in package:
                yield _read(package, part, sheet)


def _read(package: Package, part: str, sheet: SheetPart) -> Table:
    root = package.xml(part)
    columns = [
        TableColumn(
            name=_ESCAPED.sub(lambda m: chr(int(m[1], 16)), column.get("name", "")),
            formula=None if formula is None else formula.text or "",
            array=formula is not None and formula.get("array") in ("1", "true"),
            total=column.get("totalsRowFunction"),
        )
        for column in root.iterfind("{*}tableColumns/{*}tableColumn")
        for formula in [column.find("{*}calculatedColumnFormula")]
    ]
    return Table(
        name=root.get("displayName") or root.get("name") or "",
        part=part,
        sheet=sheet,
        area=Area.at(root.get("ref", "")),
        header_rows=0 if root.get("headerRowCount") == "0" else 1,
        totals_rows=1 if root.get("totalsRowCount", "0") != "0" else 0,
        columns=tuple(columns),
    )
