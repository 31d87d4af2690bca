"""A report definition and its datasets to a workbook: cover, tables, real pivot tables and charts."""

from collections.abc import Mapping
from io import BytesIO

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from workbooks.dataset import Dataset
from workbooks.form import Language, Text
from workbooks.package import Package
from workbooks.reporting.appendix import (
    DEFINITIONS,
    DEFINITIONS_NOTE,
    LINEAGE,
    LINEAGE_NOTE,
    add_definitions,
    add_lineage,
)
from workbooks.reporting.edition import Edition, Lineage
from workbooks.reporting.filling import TableRows, add_links, fill
from workbooks.reporting.pivot_cache import CacheField, cache_fields
from workbooks.reporting.pivot_layout import lay_out
from workbooks.reporting.pivot_parts import PlacedPivot, inject
from workbooks.reporting.pivot_styles import add_pivot_styles
from workbooks.reporting.point_labels import label_points
from workbooks.reporting.report_charts import Drawable, add_chart, drawn_height, of_pivot
from workbooks.reporting.report_cover import COVER, add_cover
from workbooks.reporting.report_definition import BoardChart, ReportDefinition, ReportSheet
from workbooks.reporting.report_sheets import (
    add_heading,
    add_pivot,
    add_slicers,
    add_table,
    below_heading,
    chart_corner,
    chosen_columns,
    drawable,
)
from workbooks.reporting.report_style import Looks
from workbooks.reporting.slicers import PlacedSlicer

_A4 = 9
_BOARD_SIZE, _BOARD_COLUMNS, _ROW = (562, 312), 9, 20  # of a chart in pixels, in columns and of a row of usual size
_FOOT = 200  # letters; Excel takes 255 with what else stands there
_HIGH = 0.95  # height by width from which on a board is larger on an upright page
_TAB = {"cover": "#1F3864", "board": "#F2A541", "pivot": "#5B9BD5", "data": "#9CA3AF", "appendix": "#7F9F7F"}


def build_report(
    report: ReportDefinition,
    datasets: Mapping[str, Dataset],
    language: Language,
    *,
    edition: Edition | None = None,
    lineage: Lineage | None = None,
) -> bytes:
    """
    The workbook of *report*, which then belongs to whoever asked for it; `push` refreshes its tables.

    Cells, caches and charts hold the figures of *datasets* (by the name of the table they
    are for); Excel refreshes the pivot tables when it opens the file. An *edition* is
    shown on the cover and stamped into the file; with it a *lineage* gets a sheet.

    Raises:
        KeyError: A table's dataset, or a column the report names, is missing.
        PushError: A text is longer than a cell can hold.
    """
    out = BytesIO()
    book = Workbook(out, {"in_memory": True, "default_date_format": "yyyy-mm-dd", "strings_to_urls": False})
    looks = Looks(book, language)
    as_of = max(datasets[table.name].as_of for table in report.tables)
    book.set_properties({"title": report.title[language], "comments": report.summary[language], "created": as_of})
    for name, text in edition.stamp.properties().items() if edition else ():
        book.set_custom_property(name, text, "text")
    caches = _caches(report, datasets)
    appendix = [(DEFINITIONS, DEFINITIONS_NOTE)]
    if edition and lineage:
        appendix.append((LINEAGE, LINEAGE_NOTE))
    cover = book.add_worksheet(COVER[language])
    cover.hide_gridlines(2)
    cover.set_tab_color(_TAB["cover"])
    add_cover(cover, report, datasets, edition, looks, language, appendix)
    foot = _foot(report, edition, language)
    _set_print(cover, foot)
    cover.set_portrait()
    cover.fit_to_pages(1, 1)
    sheets = _Sheets(
        book, report, datasets, caches, looks, language, "" if not edition or edition.over else edition.name, foot,
        edition.public_url if edition else "",
    )  # fmt: skip
    for sheet in report.sheets:
        sheets.add(sheet)
    sheets.add_boards()
    page = _appendix_page(book, DEFINITIONS, foot, language)
    page.hide_gridlines(2)
    add_definitions(page, report, datasets, looks, language)
    links: dict[str, str] = {}
    if edition and lineage:
        page = _appendix_page(book, LINEAGE, foot, language)
        origins, links = add_lineage(page, lineage, edition, looks, language)
        sheets.rows.append(origins)
    book.close()
    package = Package(out.getvalue())
    add_links(package, LINEAGE[language], links)
    fill(package, sheets.rows)
    inject(package, caches, sheets.pivots, sheets.slicers, language=language, as_of=as_of)
    label_points(package)
    if sheets.pivots:
        add_pivot_styles(package, language)
    return package.save()


def _appendix_page(book: Workbook, title: Text, foot: str, language: Language) -> Worksheet:
    page = book.add_worksheet(title[language])
    page.set_tab_color(_TAB["appendix"])
    _set_print(page, foot)
    return page


def _caches(report: ReportDefinition, datasets: Mapping[str, Dataset]) -> dict[str, list[CacheField]]:
    """The pivot cache of each table, by its name."""
    caches = {}
    for table in report.tables:
        fields = [
            field.column
            for pivot in report.pivots
            if pivot.table == table.name
            for field in (*pivot.rows, *pivot.columns, *pivot.filters)
        ]
        fields += report.sliced(table.name)
        columns, data = chosen_columns(table, datasets[table.name])
        caches[table.name] = cache_fields(columns, data, frozenset(fields))
    return caches


class _Sheets:
    """The sheets of the definition as they come into the workbook, and what is still to be done for them."""

    def __init__(
        self,
        book: Workbook,
        report: ReportDefinition,
        datasets: Mapping[str, Dataset],
        caches: Mapping[str, list[CacheField]],
        looks: Looks,
        language: Language,
        running: str,
        foot: str,
        base: str,
    ) -> None:
        self._book, self._report, self._datasets, self._caches = book, report, datasets, caches
        self._looks, self._language, self._running = looks, language, running
        self._foot, self._base = foot, base
        self._boards: list[tuple[Worksheet, ReportSheet]] = []
        self._drawable: dict[str, Drawable] = {}
        self._slicer_names: set[str] = set()
        self.pivots: list[PlacedPivot] = []
        self.rows: list[TableRows] = []
        self.slicers: list[PlacedSlicer] = []

    def add(self, sheet: ReportSheet) -> None:
        """The sheet with its pivot table or table and its chart; a board stays empty so far."""
        looks, language = self._looks, self._language
        page = self._book.add_worksheet(sheet.title[language])
        _set_print(page, self._foot)
        if sheet.headed:
            page.hide_gridlines(2)
            shown = sheet.pivot.table if sheet.pivot else sheet.table.name if sheet.table else ""
            add_heading(page, sheet, looks, language, empty=bool(shown) and not len(self._datasets[shown]))
        self.slicers += add_slicers(page, sheet, self._caches, self._slicer_names, language)
        placed = None
        if sheet.pivot:
            fields = self._caches[sheet.pivot.table]
            placed = add_pivot(page, sheet, lay_out(sheet.pivot, fields, language), fields, looks, language)
            self.pivots.append(placed)
            if len(sheet.pivot.rows) == 1:
                self._drawable[sheet.pivot.name] = of_pivot(placed, language)
        if sheet.table:
            dataset = self._datasets[sheet.table.name]
            rows = add_table(page, self._report, sheet, dataset, looks, language, self._base)
            self.rows += [rows] if rows else []
            self._drawable[sheet.table.name] = drawable(sheet, dataset, language)
        if sheet.chart:
            source = self._drawable[sheet.pivot.name if sheet.pivot else sheet.table.name if sheet.table else ""]
            corner = chart_corner(sheet, placed, source)
            add_chart(self._book, page, sheet.chart, source, corner, looks, language, running=self._running)
        if sheet.board:
            self._boards.append((page, sheet))
        page.set_tab_color(_TAB["board" if sheet.board else "pivot" if sheet.headed else "data"])

    def add_boards(self) -> None:
        """The charts of boards, two side by side, once what they show stands on its sheet."""
        for page, sheet in self._boards:
            top = below_heading(sheet)
            for first in range(0, len(sheet.board), 2):
                heights = [
                    self._add_piece(page, piece, (top, number * _BOARD_COLUMNS))
                    for number, piece in enumerate(sheet.board[first : first + 2])
                ]
                top += -(-(max(heights) + 8) // _ROW)
            if top * _ROW > 2 * _BOARD_SIZE[0] * _HIGH:
                page.set_portrait()
            page.center_horizontally()
            page.fit_to_pages(1, 1)

    def _add_piece(self, page: Worksheet, piece: BoardChart, at: tuple[int, int]) -> int:
        """One chart of a board with its corner in the cell *at*; its height in pixels."""
        source = self._drawable[piece.of]
        add_chart(
            self._book, page, piece.chart, source, at, self._looks, self._language, running=self._running,
            size=_BOARD_SIZE,
        )  # fmt: skip
        return drawn_height(piece.chart, source, _BOARD_SIZE[1])


def _foot(report: ReportDefinition, edition: Edition | None, language: Language) -> str:
    """What stands at the foot of pages on the left: the report, its period, as of when, whose figures, narrowed how."""
    told = [report.title]
    if edition:
        instant = f"{edition.as_of:%Y-%m-%d %H:%M}"
        told += [edition.period, Text(f"截至 {instant}", f"as of {instant}"), edition.viewer]
        told += [edition.selection] if edition.stamp.selection else []
    return " · ".join(text[language] for text in told).replace("&", "&&")[:_FOOT]


def _set_print(page: Worksheet, foot: str) -> None:
    """A4 across, as wide as one page, *foot* and on the right the sheet's title and the page number."""
    page.set_landscape()
    page.set_paper(_A4)
    page.fit_to_pages(1, 0)
    page.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    page.set_footer(f"&L&8{foot}&R&8&A · &P / &N")
