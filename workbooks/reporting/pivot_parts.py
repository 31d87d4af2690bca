"""Pivot tables, their caches and pivot charts put into a workbook that XlsxWriter has written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from workbooks.form import Language
from workbooks.ooxml.areas import Area
from workbooks.package import SHEET_NS, Package, relation_id
from workbooks.reporting.pivot_cache import CacheField, definition, element, records
from workbooks.reporting.pivot_layout import NO_FIGURE, PivotAxis, PivotLayout
from workbooks.reporting.report_definition import ReportPivot
from workbooks.reporting.slicers import PlacedSlicer, add_slicers, cache_extension

_KIND = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml."
_CHART_NS = "http://schemas.openxmlformats.org/drawingml/2006/chart"
_DATA = -2  # Excel's field number for "the values"
_BUILTIN_FORMATS = {"General": 0, "0": 1, "0.00": 2, "#,##0": 3, "#,##0.00": 4, "0%": 9, "0.00%": 10}
PIVOT_MARK = "pivot:"  # how the description of a chart begins that shows a pivot table
_AFTER_PIVOT_SOURCE = ("protection", "chart")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedPivot:
    """A pivot table and where it stands: *top* is its first row without filters, *left* its first column."""

    layout: PivotLayout
    sheet: str
    top: int
    left: int

    @property
    def area(self) -> Area:
        height = self.layout.header_rows + len(self.layout.lines)
        return Area(self.top, self.left, self.top + height - 1, self.left + self.layout.width - 1)


@dataclass(frozen=True, slots=True)
class PivotWords:
    """The words Excel would write by itself in the language of the person who refreshes."""

    total: str
    values: str


WORDS: Mapping[Language, PivotWords] = {
    "zh": PivotWords("总计", "数值"),
    "en": PivotWords("Grand Total", "Values"),
}


def inject(
    package: Package,
    caches: Mapping[str, Sequence[CacheField]],
    pivots: Sequence[PlacedPivot],
    slicers: Sequence[PlacedSlicer],
    *,
    language: Language,
    as_of: datetime,
) -> None:
    """
    Put the pivot tables over their caches (by Excel table name) into *package*, charts tied to them, and slicers.

    The cells must already hold what the pivot tables show.
    """
    used = [table for table in caches if any(pivot.layout.pivot.table == table for pivot in pivots)]
    workbook = package.xml(package.workbook)
    listed = element(None, "pivotCaches")
    for number, table in enumerate(used, start=1):
        extended = cache_extension(number) if any(slicer.table == table for slicer in slicers) else b""
        key = _add_cache(
            package, number, definition(caches[table], table, language, as_of, extended), records(caches[table])
        )
        entry = element(listed, "pivotCache", cacheId=number)
        entry.set("{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id", key)
    extensions = workbook.find(f"{{{SHEET_NS}}}extLst")
    if used:
        workbook.insert(len(workbook) if extensions is None else workbook.index(extensions), listed)
        package.replace(package.workbook, workbook)
    formats = _format_numbers(package)
    sheets = {sheet.title: sheet.part for sheet in package.sheets()}
    sources = {pivot.layout.pivot.name: f"[report.xlsx]{pivot.sheet}!{pivot.layout.pivot.name}" for pivot in pivots}
    for number, pivot in enumerate(pivots, start=1):
        table = pivot.layout.pivot.table
        cache = used.index(table) + 1
        sliced = [slicer.field.column.name for slicer in slicers if slicer.table == table]
        root = pivot_table(pivot, cache, caches[table], sliced, formats, language)
        part = f"xl/pivotTables/pivotTable{number}.xml"
        package.replace(part, root)
        package.set_content_type(part, f"{_TYPE}pivotTable+xml")
        package.relate(part, f"{_KIND}pivotCacheDefinition", f"xl/pivotCache/pivotCacheDefinition{cache}.xml")
        package.relate(sheets[pivot.sheet], f"{_KIND}pivotTable", part)
    for sheet in sheets.values():
        _tie_charts(package, sheet, sources)
    by_table: dict[str, list[tuple[str, str]]] = {}
    for pivot in pivots:
        by_table.setdefault(pivot.layout.pivot.table, []).append((pivot.sheet, pivot.layout.pivot.name))
    add_slicers(package, slicers, {table: number for number, table in enumerate(used, start=1)}, by_table)


def _add_cache(package: Package, number: int, cache: bytes, rows: bytes) -> str:
    part, rows_part = (f"xl/pivotCache/pivotCache{kind}{number}.xml" for kind in ("Definition", "Records"))
    package.replace(part, cache)
    package.replace(rows_part, rows)
    package.set_content_type(part, f"{_TYPE}pivotCacheDefinition+xml")
    package.set_content_type(rows_part, f"{_TYPE}pivotCacheRecords+xml")
    package.relate(part, f"{_KIND}pivotCacheRecords", rows_part)
    return package.relate(package.workbook, f"{_KIND}pivotCacheDefinition", part)


def _format_numbers(package: Package) -> dict[str, int]:
    """Number format codes of the workbook, and those Excel has built in, to their ids."""
    styles = next(iter(package.related(package.workbook, "styles").values()))
    own = {
        f.get("formatCode", ""): int(f.get("numFmtId", "0"))
        for f in package.xml(styles).iterfind("{*}numFmts/{*}numFmt")
    }
    return own | _BUILTIN_FORMATS


def pivot_table(
    placed: PlacedPivot,
    cache: int,
    fields: Sequence[CacheField],
    sliced: Sequence[str],
    formats: Mapping[str, int],
    language: Language,
) -> etree._Element:
    """The pivotTableDefinition part; columns that are *sliced* have items even where they stand nowhere."""
    layout, words = placed.layout, WORDS[language]
    pivot = layout.pivot
    root = element(
        None, "pivotTableDefinition", name=pivot.name, cacheId=cache, applyNumberFormats=0, applyBorderFormats=0,
        applyFontFormats=0, applyPatternFormats=0, applyAlignmentFormats=0, applyWidthHeightFormats=1,
        dataCaption=words.values, grandTotalCaption=words.total, errorCaption=NO_FIGURE, showError=1, updatedVersion=6,
        minRefreshableVersion=3, useAutoFormatting=1, itemPrintTitles=1, createdVersion=6, indent=0, compact=0,
        compactData=0, outline=1, outlineData=1, multipleFieldFilters=0, chartFormat=1,
    )  # fmt: skip
    if not pivot.total_row:
        root.set("rowGrandTotals", "0")
    place = element(
        root, "location", ref=placed.area, firstHeaderRow=1, firstDataRow=layout.header_rows,
        firstDataCol=len(layout.rows),
    )  # fmt: skip
    if layout.filters:
        place.set("rowPageCount", str(len(layout.filters)))
        place.set("colPageCount", "1")
    _add_fields(root, layout, fields, sliced)
    listed = element(root, "rowFields", count=len(layout.rows))
    for axis in layout.rows:
        element(listed, "field", x=axis.place)
    _add_row_items(root, layout)
    _add_columns(root, layout)
    if layout.filters:
        listed = element(root, "pageFields", count=len(layout.filters))
        for axis in layout.filters:
            page = element(listed, "pageField", fld=axis.place, hier=-1)
            if axis.selected is not None:
                page.set("item", str(axis.item(axis.selected)))
    _add_values(root, pivot, fields, formats, language)
    element(
        root, "pivotTableStyleInfo", name="PivotStyleLight16", showRowHeaders=1, showColHeaders=1, showRowStripes=0,
        showColStripes=0, showLastColumn=1,
    )  # fmt: skip
    return root


def value_caption(pivot: ReportPivot, number: int, fields: Sequence[CacheField], language: Language) -> str:
    """What a value is called; Excel does not let it be called like a column of the source."""
    label = pivot.values[number].label[language]
    return f"{label} " if label in {field.column.label[language] for field in fields} else label


def _add_fields(root: etree._Element, layout: PivotLayout, fields: Sequence[CacheField], sliced: Sequence[str]) -> None:
    listed = element(root, "pivotFields", count=len(fields))
    across = {layout.column.place: layout.column} if layout.column else {}
    axes = {axis.place: (axis, "axisRow") for axis in layout.rows}
    axes |= {place: (axis, "axisCol") for place, axis in across.items()}
    axes |= {axis.place: (axis, "axisPage") for axis in layout.filters}
    values = {value.column for value in layout.pivot.values}
    for place, field in enumerate(fields):
        written = element(listed, "pivotField", compact=0)
        if place in axes:
            axis, kind = axes[place]
            written.set("axis", kind)
            _add_items(written, axis, field)
        elif field.column.name in sliced:
            listed_items = element(written, "items", count=len(field.shared or ()) + 1)
            for item in range(len(field.shared or ())):
                element(listed_items, "item", x=item)
            element(listed_items, "item", t="default")
        if field.column.name in values:
            written.set("dataField", "1")
        written.set("showAll", "0")


def _add_items(written: etree._Element, axis: PivotAxis, field: CacheField) -> None:
    if not axis.field.order:
        written.set("sortType", axis.field.sort)
    listed = element(written, "items", count=len(axis.items) + 1)
    for value in axis.items:
        element(listed, "item", x=field.index[value])
    element(listed, "item", t="default")
    if axis.field.sort == "descending":
        area = element(element(written, "autoSortScope"), "pivotArea", dataOnly=0, outline=0, fieldPosition=0)
        reference = element(element(area, "references", count=1), "reference", field=4294967294, count=1, selected=0)
        element(reference, "x", v=0)


def _add_row_items(root: etree._Element, layout: PivotLayout) -> None:
    listed = element(root, "rowItems", count=len(layout.lines))
    for line in layout.lines:
        item = element(listed, "i")
        if not line.path:
            item.set("t", "grand")
            element(item, "x")
            continue
        if len(line.path) > 1:
            item.set("r", str(len(line.path) - 1))  # the items above are those of the line before
        element(item, "x", v=layout.rows[len(line.path) - 1].item(line.path[-1]))


def _add_columns(root: etree._Element, layout: PivotLayout) -> None:
    several = len(layout.pivot.values) > 1
    if layout.column or several:
        listed = element(root, "colFields", count=1)
        element(listed, "field", x=layout.column.place if layout.column else _DATA)
    if layout.column:
        items = element(root, "colItems", count=len(layout.columns) + 1)
        for value in layout.columns:
            element(element(items, "i"), "x", v=layout.column.item(value))
        element(element(items, "i", t="grand"), "x")
        return
    items = element(root, "colItems", count=len(layout.pivot.values))
    for number in range(len(layout.pivot.values)):
        item = element(items, "i", **({"i": number} if number else {}))
        if several:
            element(item, "x", v=number)


def _add_values(
    root: etree._Element,
    pivot: ReportPivot,
    fields: Sequence[CacheField],
    formats: Mapping[str, int],
    language: Language,
) -> None:
    places = {field.column.name: place for place, field in enumerate(fields)}
    listed = element(root, "dataFields", count=len(pivot.values))
    for number, value in enumerate(pivot.values):
        written = element(
            listed, "dataField", name=value_caption(pivot, number, fields, language), fld=places[value.column]
        )
        if value.function != "sum":
            written.set("subtotal", value.function)
        written.set("baseField", "0")
        written.set("baseItem", "0")
        written.set("numFmtId", str(formats[value.format]))


def _tie_charts(package: Package, sheet: str, sources: Mapping[str, str]) -> None:
    """Make the charts on *sheet* whose description names a pivot table pivot charts of it."""
    for drawing in package.related(sheet, "drawing").values():
        root, charts = package.xml(drawing), package.related(drawing, "chart")
        for frame in root.iter("{*}graphicFrame"):
            told, drawn = next(frame.iter("{*}cNvPr")), next(frame.iter("{*}chart"), None)
            kind, _, name = told.get("descr", "").partition(PIVOT_MARK)
            if kind or name not in sources or drawn is None:
                continue
            del told.attrib["descr"]
            _tie(package, charts[relation_id(drawn)], sources[name])
        package.replace(drawing, root)


def _tie(package: Package, part: str, source: str) -> None:
    chart = package.xml(part)
    tied = etree.Element(f"{{{_CHART_NS}}}pivotSource")
    etree.SubElement(tied, f"{{{_CHART_NS}}}name").text = source
    etree.SubElement(tied, f"{{{_CHART_NS}}}fmtId", val="0")
    first = next(child for child in chart if etree.QName(child).localname in _AFTER_PIVOT_SOURCE)
    chart.insert(chart.index(first), tied)
    package.replace(part, chart)
