"""The sheets of a report workbook: data tables, pivot tables as cells, charts."""

from collections.abc import Mapping, Sequence
from datetime import date
from math import isfinite
from typing import Any

from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from workbooks.dataset import Column, Dataset
from workbooks.form import Language, Text
from workbooks.ooxml.tables import PushError
from workbooks.pushing.columns import TEXT_LIMIT, constant
from workbooks.reporting.filling import TableRows
from workbooks.reporting.pivot_cache import CacheField, shown
from workbooks.reporting.pivot_layout import PivotLayout, PivotRow
from workbooks.reporting.pivot_parts import WORDS, PlacedPivot, value_caption
from workbooks.reporting.report_charts import SIZE, Drawable, chart_height
from workbooks.reporting.report_definition import ReportChart, ReportDefinition, ReportSheet, ReportTable
from workbooks.reporting.report_style import HEAT, Looks, column_width, number_format, text_width
from workbooks.reporting.row_links import row_link
from workbooks.reporting.slicers import PLACEHOLDER, PlacedSlicer

_BELOW_HEADING = 3  # first row (0-based) under a sheet's title and note
_PAGE_WIDTH = 200  # in widths of a letter: what can be read on a page across
_SMALL_PRINT = 240  # the same of a table that is looked at as a whole
_STRIP = 8  # rows that slicers take
_ROW, _LETTER = 20, 7  # pixels high, pixels wide
_UNDER_CHART = 40  # pixels between a chart and the table under it, at least
_BESIDE = 6  # columns of a table that has its chart beside it
_PIVOT_BESIDE = 100  # letters across of a pivot table that has its chart beside it
_ON_A_PAGE = 60  # rows that can be read on one page
_LINK = 9  # letters across of the column that opens records
_WIDEST = 56  # letters of a column of a table
_MANY = 8  # figures side by side in a pivot table from which on their headings are broken into lines
_TOTAL = 13  # letters across: LibreOffice calls the column of totals by a longer name
_UPRIGHT = 150  # letters across that can be read on an upright page
_TALL = 1.8  # height by width of what is made a little smaller to stand on one upright page
_HALF = 600  # pixels above a table from which on it would not stand on the page of its chart
NO_DATA = Text("这段时间没有数据。", "There is no data for this time.")
FEW = 5  # figures over fewer cases are grey: they are not to be ranked


def chosen_columns(table: ReportTable, dataset: Dataset) -> tuple[list[Column], list[Sequence[Any]]]:
    """The dataset's columns and values that *table* shows, in its order."""
    names = table.columns or tuple(column.name for column in dataset.columns)
    places = {column.name: place for place, column in enumerate(dataset.columns)}
    return [dataset.columns[places[name]] for name in names], [dataset.data[places[name]] for name in names]


def below_heading(sheet: ReportSheet) -> int:
    """The first row (from 0) under title, note and slicers."""
    return _BELOW_HEADING + (_STRIP if sheet.slicers else 0)


def table_top(sheet: ReportSheet, rows: int) -> int:
    """The row (from 0) of the column headings of the table of *sheet*; a wide one stands under its chart."""
    if not sheet.headed:
        return 0
    chart = sheet.chart
    return below_heading(sheet) + (_rows_over(chart, rows, len(chart.columns)) if chart and _wide(sheet) else 0)


def _rows_over(chart: ReportChart, categories: int, series: int) -> int:
    """How many rows of a sheet *chart* takes above its table."""
    return -(-(chart_height(chart, categories, series) + _UNDER_CHART) // _ROW)


def _wide(sheet: ReportSheet) -> bool:
    """Whether a chart beside the table would make the page too small to be read."""
    table = sheet.table
    return bool(sheet.chart and table and (len(table.columns) or _BESIDE) + len(table.calculated) > _BESIDE)


def add_heading(page: Worksheet, sheet: ReportSheet, looks: Looks, language: Language, *, empty: bool) -> None:
    """Title and note at the top of *page*; where it is *empty* that is said, too."""
    page.set_row(0, 26)
    page.write_string(0, 0, sheet.title[language], looks("sheet_title"))
    if sheet.note:
        page.write_string(1, 0, sheet.note[language], looks("note"))
    if empty:
        page.write_string(2, 0, NO_DATA[language], looks("outer"))


def add_table(
    page: Worksheet,
    report: ReportDefinition,
    sheet: ReportSheet,
    dataset: Dataset,
    looks: Looks,
    language: Language,
    base: str = "",
) -> TableRows | None:
    """
    The Excel table of *sheet*; on a sheet without note and chart it begins in the first row.

    A table that feeds a chart is written whole, since the chart holds its values. Of
    others only the first row is; the rows to fill in are given back. Where rows name their
    record and *base*, the address of the server, is known, a column opens it.

    Raises:
        PushError: A text is longer than a cell.
    """
    table = sheet.table
    assert table is not None
    columns, data = chosen_columns(table, dataset)
    link = row_link(report, table, columns, len(dataset), base, language)
    top = table_top(sheet, max(1, len(dataset)))
    headers: list[dict[str, Any]] = [{"header": c.label[language], "header_format": looks("column")} for c in columns]
    headers += [
        {"header": c.label[language], "header_format": looks("column"), "formula": f"={c.formula}"}
        for c in table.calculated
    ]
    if link:
        headed = {"header": link.heading, "header_format": looks("column"), "formula": f"={link.formula}"}
        headers.insert(link.place, headed)
    last = top + (max(1, len(dataset)) if sheet.chart else 1)
    page.add_table(
        top, 0, last, len(headers) - 1, {"name": table.name, "columns": headers, "style": "Table Style Light 9"}
    )
    lines = 2 if sum(_width(*known, language) for known in zip(columns, data, strict=True)) <= _UPRIGHT else 3
    page.set_row(top, 15 * lines)
    total = 0.0
    if link:
        look = looks("link")
        page.set_column(link.place, link.place, _LINK, look)
        page.write_formula(top + 1, link.place, f"={link.formula}", look, link.shown if len(dataset) else "")
        total += _LINK
    places = [n + (link is not None and n >= link.place) for n in range(len(columns) + len(table.calculated))]
    for place, column, values in zip(places, columns, data, strict=False):
        name = "words" if column.type == "text" else "body"
        look = looks(name, report.source_format(table.name, column.name) or number_format(column))
        width = _width(column, values, language, lines)
        page.set_column(place, place, width, look)
        total += width
        for number, value in enumerate(values[: last - top] or [None], start=top + 1):
            _write(page, number, place, value, look, column)
    for place, calculated in zip(places[len(columns) :], table.calculated, strict=True):
        look = looks("body", calculated.format)
        page.set_column(place, place, column_width([calculated.label[language]]), look)
        value = constant(calculated.formula)
        for number in range(top + 1, last + 1):
            page.write_formula(number, place, f"={calculated.formula}", look, "" if value is None else value)
    if _wide(sheet) and (total <= _UPRIGHT or top * _ROW > _HALF):
        page.set_portrait()
    if not _wide(sheet):
        page.freeze_panes(top + 1, 0 if sheet.chart else 2 if link and link.place == 0 else 1)
    if sheet.chart and not _wide(sheet):
        _keep_with_chart(page, len(dataset))
    else:
        page.repeat_rows(top)
    room = _SMALL_PRINT if sheet.headed else _PAGE_WIDTH
    if not sheet.chart and total > room:  # a wide table is printed on pages side by side that can be read
        page.fit_to_pages(-(-int(total) // room), 0)
        page.repeat_columns(0, 1 if link and link.place == 0 else 0)
    if sheet.chart:
        return None
    return TableRows(
        sheet=sheet.title[language], name=table.name, top=top + 2, columns=columns, data=data,
        calculated=table.calculated, link=link,
    )  # fmt: skip


def add_pivot(
    page: Worksheet,
    sheet: ReportSheet,
    layout: PivotLayout,
    fields: Sequence[CacheField],
    looks: Looks,
    language: Language,
) -> PlacedPivot:
    """What the pivot table shows, as cells, for viewers that do not refresh. A wide one stands under its chart."""
    widths = [_label_width(layout, place, fields, language) for place in range(len(layout.rows))]
    captions = _captions(layout, fields, language)
    least, most = (10, 17) if len(captions) <= _MANY else (8, 12)
    width = column_width(captions, least=least, most=most)
    across = sum(widths) + width * len(captions)
    wide = across > _PIVOT_BESIDE
    row = below_heading(sheet)
    if sheet.chart and wide:
        if across <= _UPRIGHT:
            page.set_portrait()
        lines = sum(1 for line in layout.lines if line.path)
        row += _rows_over(sheet.chart, lines, len(sheet.chart.columns) or len(captions))
    for axis in layout.filters:
        page.write_string(row, 0, fields[axis.place].column.label[language], looks("outer"))
        everything = "(全部)" if language == "zh" else "(All)"
        label = everything if axis.selected is None else shown(axis.selected, language)
        page.write(row, 1, label, looks("body", align="left"))
        row += 1
    top = row + 1 if layout.filters else row
    page.set_column(len(layout.rows), layout.width - 1, width)
    if layout.column:
        page.set_column(layout.width - 1, layout.width - 1, max(width, _TOTAL))
    for place, label_width in enumerate(widths):
        page.set_column(place, place, label_width)
    _write_header(page, top, layout, captions, width, fields, looks, language)
    body = top + layout.header_rows
    for number, line in enumerate(layout.lines, start=body):
        _write_line(page, number, layout, line, looks, language)
    if not sheet.slicers and not (sheet.chart and wide):  # they would fill a small screen if they stayed on it
        page.freeze_panes(body, len(layout.rows))
    if sheet.chart and not wide:
        _keep_with_chart(page, len(layout.lines))
    elif sheet.chart and (body + len(layout.lines)) * _ROW <= _TALL * max(SIZE[0], across * _LETTER):
        page.fit_to_pages(1, 1)
    else:
        page.repeat_rows(top, body - 1)
    _add_conditions(page, layout, body, looks)
    return PlacedPivot(layout=layout, sheet=sheet.title[language], top=top + 1, left=1)


def _keep_with_chart(page: Worksheet, rows: int) -> None:
    """One page for a table and the chart beside it; a longer one repeats no heading, since the chart is over that."""
    if rows <= _ON_A_PAGE:
        page.fit_to_pages(1, 1)


def _captions(layout: PivotLayout, fields: Sequence[CacheField], language: Language) -> list[str]:
    """What stands over the figures: the values of the column field and the total, or the names of the values."""
    if layout.column:
        return [*(str(shown(value, language)) for value in layout.columns), WORDS[language].total]
    return [value_caption(layout.pivot, n, fields, language) for n in range(len(layout.pivot.values))]


def _label_width(layout: PivotLayout, place: int, fields: Sequence[CacheField], language: Language) -> float:
    """How wide the column of the row field *place* is, with all that stands in it."""
    texts = [str(shown(line.path[place], language)) for line in layout.lines if len(line.path) > place]
    texts.append(fields[layout.rows[place].place].column.label[language])
    if not place:
        texts += [fields[axis.place].column.label[language] for axis in layout.filters]
        texts += [layout.pivot.values[0].label[language], WORDS[language].total]
    return column_width(texts, least=12)


def _add_conditions(page: Worksheet, layout: PivotLayout, body: int, looks: Looks) -> None:
    """Heat map, bars and grey rows of a pivot table, over its lines without the total."""
    pivot, labels = layout.pivot, len(layout.rows)
    bottom = body + sum(1 for line in layout.lines if line.path) - 1
    if bottom < body:
        return
    if pivot.heat:
        width = len(layout.columns) or len(pivot.values)
        page.conditional_format(body, labels, bottom, labels + width - 1, {"type": "3_color_scale", **HEAT})
    for place, value in enumerate(pivot.values, start=labels):
        if value.column in pivot.bars:
            bar = {
                "type": "data_bar",
                "bar_color": "#9BC2E6",
                "bar_solid": True,
                "data_bar_2010": True,
                "min_type": "num",
            }
            page.conditional_format(body, place, bottom, place, bar | {"min_value": 0})
    if pivot.few:
        place = labels + [value.column for value in pivot.values].index(pivot.few)
        cell = xl_rowcol_to_cell(body, place, col_abs=True)
        grey = {"type": "formula", "criteria": f"=AND(ISNUMBER({cell}),{cell}<{FEW})", "format": looks.grey()}
        page.conditional_format(body, 0, bottom, layout.width - 1, grey)


def _write_header(
    page: Worksheet,
    top: int,
    layout: PivotLayout,
    captions: Sequence[str],
    width: float,
    fields: Sequence[CacheField],
    looks: Looks,
    language: Language,
) -> None:
    """The heading of one or two lines, *captions* over the figures in columns *width* letters wide."""
    row, labels = top, len(layout.rows)
    if layout.header_rows == 2:
        over = {labels: WORDS[language].values}
        if layout.column:
            name = value_caption(layout.pivot, 0, fields, language)
            over = {0: name, labels: fields[layout.column.place].column.label[language]}
        for place in range(layout.width):
            page.write(row, place, over.get(place, ""), looks("caption"))
        row += 1
    page.set_row(row, 16 * -(-max(map(text_width, captions)) // int(width - 1)) + 2)
    for place, axis in enumerate(layout.rows):
        page.write_string(row, place, fields[axis.place].column.label[language], looks("header", align="left"))
    for place, caption in enumerate(captions, start=labels):
        page.write_string(row, place, caption, looks("header"))


def _write_line(
    page: Worksheet, number: int, layout: PivotLayout, line: PivotRow, looks: Looks, language: Language
) -> None:
    depth, labels = len(line.path), len(layout.rows)
    name = "total" if not depth else "outer" if depth < labels else "label"
    for place in range(labels):
        page.write_blank(number, place, None, looks(name))
    label = shown(line.path[-1], language) if depth else WORDS[language].total
    page.write(number, max(0, depth - 1), label, looks(name, align="left"))
    for place, figure in enumerate(line.figures):
        look = looks(name, layout.pivot.values[0 if layout.column else place].format, "right")
        if figure is None:
            page.write_blank(number, labels + place, None, look)
        else:
            page.write(number, labels + place, figure, look)


def add_slicers(
    page: Worksheet, sheet: ReportSheet, caches: Mapping[str, Sequence[CacheField]], taken: set[str], language: Language
) -> list[PlacedSlicer]:
    """Keep places for the slicers of *sheet*, side by side under its heading; their names must not be *taken*."""
    found, left = [], 4
    for slicer in sheet.slicers:
        table = sheet.sliced(slicer)
        field = next(field for field in caches[table] if field.column.name == slicer.column)
        caption = field.column.label[language]
        name = next(n for n in (caption, *(f"{caption} {k}" for k in range(2, 99))) if n not in taken)
        taken.add(name)
        width = 60 + slicer.columns * (24 + 8 * min(16, max(map(text_width, map(str, field.shared or ())), default=8)))
        page.insert_textbox(
            _BELOW_HEADING, 0, "",
            {"width": width, "height": _STRIP * 20 - 14, "x_offset": left, "y_offset": 2,
             "description": PLACEHOLDER + name, "object_position": 3},
        )  # fmt: skip
        left += width + 8
        found.append(
            PlacedSlicer(
                sheet=sheet.title[language], name=name, table=table, field=field, caption=caption,
                columns=slicer.columns,
            )
        )  # fmt: skip
    return found


def drawable(sheet: ReportSheet, dataset: Dataset, language: Language) -> Drawable:
    """What charts can show of the table of *sheet*."""
    table = sheet.table
    assert table is not None
    columns, data = chosen_columns(table, dataset)
    names = [column.name for column in columns] + [column.name for column in table.calculated]
    formats = {column.name: number_format(column) for column in columns} | {c.name: c.format for c in table.calculated}
    chart, first = sheet.chart, table_top(sheet, max(1, len(dataset))) + 1
    values = {column.name: values for column, values in zip(columns, data, strict=True)}
    labels = values.get(chart.categories or "", ()) if chart else ()
    return Drawable(
        sheet=sheet.title[language], first=first, last=first + max(1, len(dataset)) - 1, categories=0,
        series={name: place for place, name in enumerate(names)}, formats=formats,
        last_label=str(labels[-1]) if labels else "", values=values,
    )  # fmt: skip


def chart_corner(sheet: ReportSheet, placed: PlacedPivot | None, source: Drawable) -> tuple[int, int]:
    """The cell right of the pivot table or table, or above a wide one, where the sheet's chart begins."""
    if placed is not None:
        under = placed.top - 1 - len(placed.layout.filters) - bool(placed.layout.filters) > below_heading(sheet)
        return (below_heading(sheet), 0) if under else (placed.area.top - 1, placed.area.right + 1)
    return below_heading(sheet), 0 if _wide(sheet) else len(source.series) + 1


def _write(page: Worksheet, row: int, place: int, value: Any, look: Any, column: Column) -> None:
    if value is None or value == "" or (isinstance(value, float) and not isfinite(value)):
        page.write_blank(row, place, None, look)
    elif isinstance(value, bool):
        page.write_boolean(row, place, value, look)
    elif isinstance(value, date):
        page.write_datetime(row, place, value, look)
    elif isinstance(value, str):
        if len(value) > TEXT_LIMIT:
            raise PushError(
                Text(
                    f"“{column.label.zh}”有一个 {len(value)} 字的内容，超过单元格上限 32767。",
                    f"“{column.label.en}” holds a text of {len(value)} characters; a cell holds 32,767.",
                )
            )
        page.write_string(row, place, value, look)
    else:
        page.write_number(row, place, value, look)


def _width(column: Column, values: Sequence[Any], language: Language, lines: int = 2) -> float:
    """Wide enough for the heading on so many *lines* and for the first values."""
    heading = column.label[language]
    times = {"date": "2026-11-21", "datetime": "2026-11-21 18:00"}
    texts = [times[column.type]] if column.type in times else [str(v) for v in values[:300] if v is not None]
    if column.type in ("decimal", "percent"):
        places = 1 if column.decimals is None else column.decimals
        largest = max((abs(v) for v in values[:300] if isinstance(v, int | float) and isfinite(v)), default=0)
        texts = ["1,234.5", f"{largest:,.{places}f}"] if column.type == "decimal" else ["1,234.5"]
    broken = heading[: -(-len(heading) // lines) + 2] + "  "
    return column_width([broken, *texts], most=_WIDEST) + (column.type == "text")
