"""The column in a report's tables that opens the record of each row."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbooks.dataset import Column
from workbooks.form import Language, Text
from workbooks.reporting.report_definition import ReportDefinition, ReportTable

HEADING = Text("打开记录", "Open record")
SHOWN = Text("打开", "Open")
LIMIT = 100_000  # rows; a longer table is no list to click in, and opens slower with so many formulas
_NUMBER = "number"  # the column in which rows name their record


@dataclass(frozen=True, slots=True)
class RowLink:
    """
    A calculated column at *place* (from 0) of a table: its *formula*, and what that shows.

    As a formula it goes along when the table is refreshed or sorted, and Excel counts no links.
    """

    place: int
    formula: str
    heading: str
    shown: str


def row_link(
    report: ReportDefinition, table: ReportTable, columns: Sequence[Column], rows: int, base: str, language: Language
) -> RowLink | None:
    """
    The links of *table*, left of the numbers they open at the server *base*.

    Where pivot tables read the table, it is its last column: LibreOffice knows their fields by
    place, and would take others once a column stood before them. None where the rows name no
    record, nobody knows the server, the table is too long, or a chart reads it by the places
    of its columns.
    """
    number = next((n for n, column in enumerate(columns) if column.name == _NUMBER and column.type == "text"), None)
    drawn = {sheet.table.name for sheet in report.sheets if sheet.table and sheet.chart}
    drawn |= {piece.of for sheet in report.sheets for piece in sheet.board}
    if number is None or not base or rows > LIMIT or table.name in drawn:
        return None
    place = len(columns) if any(pivot.table == table.name for pivot in report.pivots) else number
    cell = f"{table.name}[[#This Row],[{columns[number].label[language]}]]"
    address, shown = base.rstrip("/").replace('"', '""'), SHOWN[language]
    formula = f'IF({cell}="","",HYPERLINK("{address}/records/"&{cell},"{shown}"))'
    return RowLink(place, formula, HEADING[language], shown)
