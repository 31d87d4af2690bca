"""The sheets of a report workbook: data tables, pivot tables as cells, charts."""

from collections.abc import Sequence
from datetime import date
from math import isfinite
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from workbooks.dataset import Column, Dataset
from workbooks.form import Language, Text
from workbooks.ooxml.tables import PushError
from workbooks.pushing.columns import TEXT_LIMIT, constant
from workbooks.reporting.filling import TableRows
from workbooks.reporting.pivot_cache import CacheField, shown
from workbooks.reporting.pivot_layout import PivotLayout, PivotRow
from workbooks.reporting.pivot_parts import WORDS, PlacedPivot, value_caption
from workbooks.reporting.report_definition import ReportChart, ReportDefinition, ReportSheet, ReportTable
from workbooks.reporting.report_style import FORMATS, RED, SERIES, Looks, column_width, text_width

_BELOW_HEADING = 3  # first row (0-based) under a sheet's title and note
_CHART = {"x_offset": 8, "y_offset": 4}


def chosen_columns(table: ReportTable, dataset: Dataset) -> tuple[list[Column], list[Sequence[Any]]]:
    """The dataset's columns and values that *table* shows, in its order."""
    names = table.columns or tuple(column.name for column in dataset.columns)
    places = {column.name: place for place, column in enumerate(dataset.columns)}
    return [dataset.columns[places[name]] for name in names], [dataset.data[places[name]] for name in names]


def add_heading(page: Worksheet, sheet: ReportSheet, looks: Looks, language: Language) -> None:
    """Title and note at the top of *page*."""
    page.set_row(0, 26)
    page.write_string(0, 0, sheet.title[language], looks("sheet_title"))
    if sheet.note:
        page.write_string(1, 0, sheet.note[language], looks("note"))


def add_table(
    page: Worksheet,
    report: ReportDefinition,
    sheet: ReportSheet,
    dataset: Dataset,
    looks: Looks,
    language: Language,
) -> TableRows | None:
    """
    The Excel table of *sheet*; on a sheet of its own it begins in the first row.

    A table that feeds a chart is written whole, since the chart holds its values. Of
    others only the first row is; the rows to fill in are given back.

    Raises:
        PushError: A text is longer than a cell.
    """
    table = sheet.table
    assert table is not None
    columns, data = chosen_columns(table, dataset)
    top = _BELOW_HEADING if sheet.chart else 0
    headers: list[dict[str, Any]] = [{"header": c.label[language], "header_format": looks("column")} for c in columns]
    headers += [
        {"header": c.label[language], "header_format": looks("column"), "formula": f"={c.formula}"}
        for c in table.calculated
    ]
    last = top + (max(1, len(dataset)) if sheet.chart else 1)
    page.add_table(
        top, 0, last, len(headers) - 1, {"name": table.name, "columns": headers, "style": "Table Style Light 9"}
    )
    page.set_row(top, 30)
    for place, (column, values) in enumerate(zip(columns, data, strict=True)):
        look = looks("body", report.source_format(table.name, column.name) or FORMATS[column.type])
        page.set_column(place, place, _width(column, values, language), look)
        for number, value in enumerate(values[: last - top] or [None], start=top + 1):
            _write(page, number, place, value, look, column)
    for place, calculated in enumerate(table.calculated, start=len(columns)):
        look = looks("body", calculated.format)
        page.set_column(place, place, column_width([calculated.label[language]]), look)
        value = constant(calculated.formula)
        for number in range(top + 1, last + 1):
            page.write_formula(number, place, f"={calculated.formula}", look, "" if value is None else value)
    page.freeze_panes(top + 1, 0 if sheet.chart else 1)
    page.repeat_rows(top)
    if sheet.chart:
        return None
    return TableRows(
        sheet=sheet.title[language], name=table.name, top=top + 2, columns=columns, data=data,
        calculated=table.calculated,
    )  # fmt: skip


def add_pivot(
    page: Worksheet,
    sheet: ReportSheet,
    layout: PivotLayout,
    fields: Sequence[CacheField],
    looks: Looks,
    language: Language,
) -> PlacedPivot:
    """What the pivot table shows, as cells; viewers that do not refresh show them."""
    row = _BELOW_HEADING
    for axis in layout.filters:
        page.write_string(row, 0, fields[axis.place].column.label[language], looks("outer"))
        everything = "(全部)" if language == "zh" else "(All)"
        label = everything if axis.selected is None else shown(axis.selected, language)
        page.write(row, 1, label, looks("body", align="left"))
        row += 1
    top = row + 1 if layout.filters else row
    _write_header(page, top, layout, fields, looks, language)
    body = top + layout.header_rows
    for number, line in enumerate(layout.lines, start=body):
        _write_line(page, number, layout, line, looks, language)
    for place, axis in enumerate(layout.rows):
        texts = [str(shown(line.path[place], language)) for line in layout.lines if len(line.path) > place]
        texts.append(fields[axis.place].column.label[language])
        if not place:
            texts += [fields[axis.place].column.label[language] for axis in layout.filters]
            texts += [layout.pivot.values[0].label[language], WORDS[language].total]
        page.set_column(place, place, column_width(texts, least=12))
    page.freeze_panes(body, len(layout.rows))
    return PlacedPivot(layout=layout, sheet=sheet.title[language], top=top + 1, left=1)


def _write_header(
    page: Worksheet, top: int, layout: PivotLayout, fields: Sequence[CacheField], looks: Looks, language: Language
) -> None:
    captions = [value_caption(layout.pivot, n, fields, language) for n in range(len(layout.pivot.values))]
    row, labels = top, len(layout.rows)
    if layout.header_rows == 2:
        over = {labels: WORDS[language].values}
        if layout.column:
            over = {0: captions[0], labels: fields[layout.column.place].column.label[language]}
        for place in range(layout.width):
            page.write(row, place, over.get(place, ""), looks("caption"))
        row += 1
    if layout.column:
        captions = [str(shown(value, language)) for value in layout.columns] + [WORDS[language].total]
    width = column_width(captions, least=10, most=17)
    page.set_column(labels, layout.width - 1, width)
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


def add_chart(
    book: Workbook,
    page: Worksheet,
    sheet: ReportSheet,
    placed: PlacedPivot | None,
    dataset: Dataset | None,
    looks: Looks,
    language: Language,
) -> None:
    """The chart of *sheet*, right of its pivot table or table."""
    chart, title = sheet.chart, sheet.title[language]
    assert chart is not None
    kind, _, stacked = chart.type.partition("_")
    drawn = book.add_chart({"type": kind} | ({"subtype": "stacked"} if stacked else {}))
    if placed is not None:
        area, layout = placed.area, placed.layout
        first = area.top + layout.header_rows - 1
        last = area.bottom - (2 if layout.pivot.total_row else 1)
        row, column = area.top - 1, area.right + 1
        for place in range(1, max(1, len(layout.columns)) + 1):  # one column of labels, then the series
            name = [title, first - 1, place]
            _add_series(drawn, chart, title, (first, last), 0, place, name, kind)
    else:
        assert sheet.table is not None
        assert dataset is not None
        names = [c.name for c in chosen_columns(sheet.table, dataset)[0]] + [c.name for c in sheet.table.calculated]
        first, last = _BELOW_HEADING + 1, _BELOW_HEADING + max(1, len(dataset))
        row, column = _BELOW_HEADING, len(names) + 1
        categories = names.index(chart.categories or "")
        for place in map(names.index, chart.columns):
            _add_series(drawn, chart, title, (first, last), categories, place, [title, first - 1, place], kind)
        if chart.lines:
            drawn.combine(_lines(book, chart, title, (first, last), categories, names, looks))
    _dress(drawn, chart, looks, language)
    page.insert_chart(row, column, drawn, _CHART)


def _add_series(
    drawn: Any, chart: ReportChart, title: str, rows: tuple[int, int], categories: int, place: int, name: Any, kind: str
) -> None:
    colours = chart.colours or SERIES
    colour = colours[len(drawn.series) % len(colours)]
    first, last = rows
    drawn.add_series(
        {
            "name": name,
            "categories": [title, first, categories, last, categories],
            "values": [title, first, place, last, place],
            "gap": 45,
            **({"line": {"color": colour, "width": 2.25}} if kind == "line" else {"fill": {"color": colour}}),
        }
    )


def _lines(
    book: Workbook,
    chart: ReportChart,
    title: str,
    rows: tuple[int, int],
    categories: int,
    names: list[str],
    looks: Looks,
) -> Any:
    """The lines of a combined chart: the first with markers, the others dashed limits."""
    drawn = book.add_chart({"type": "line"})
    first, last = rows
    for number, name in enumerate(chart.lines):
        place = names.index(name)
        line: dict[str, Any] = {"color": SERIES[3], "width": 2.25}
        if number:
            line = {"color": RED, "width": 1.25, "dash_type": "dash"}
        marker: dict[str, Any] = {"type": "none"} if number else {"type": "circle", "size": 5}
        drawn.add_series(
            {
                "name": [title, first - 1, place],
                "categories": [title, first, categories, last, categories],
                "values": [title, first, place, last, place],
                "y2_axis": True,
                "line": line,
                "marker": marker if number else marker | {"fill": {"color": SERIES[3]}, "border": {"color": SERIES[3]}},
            }
        )
    drawn.set_y2_axis({"min": 0, "max": 1, "major_unit": 0.2, "num_format": "0%", "num_font": looks.font(9)})
    return drawn


def _dress(drawn: Any, chart: ReportChart, looks: Looks, language: Language) -> None:
    drawn.set_title(
        {"name": chart.title[language], "name_font": looks.font(13, bold=True, colour="#1F3864"), "overlay": False}
    )
    across: dict[str, Any] = {"num_font": looks.font(9), "line": {"color": "#9CA3AF"}}
    values: dict[str, Any] = {
        "num_font": looks.font(9),
        "num_format": "#,##0",
        "min": 0,
        "major_gridlines": {"visible": True, "line": {"color": "#E5E7EB", "width": 0.75}},
        "line": {"none": True},
    }
    if chart.value_axis:
        values |= {"name": chart.value_axis[language], "name_font": looks.font(9)}
    if chart.type.startswith("bar"):
        across |= {"reverse": True, "crossing": "max"}  # the first row on top as in the table, the scale below
        across, values = values, across
    drawn.set_x_axis(across)
    drawn.set_y_axis(values)
    drawn.set_legend({"position": "bottom", "font": looks.font(9)})
    drawn.set_size({"width": 780, "height": 420})
    drawn.set_chartarea({"border": {"color": "#D1D5DB"}})


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


def _width(column: Column, values: Sequence[Any], language: Language) -> float:
    """Wide enough for the heading on two lines and for the first values."""
    heading = column.label[language]
    times = {"date": "2026-11-21", "datetime": "2026-11-21 18:00"}
    texts = [times[column.type]] if column.type in times else [str(v) for v in values[:300] if v is not None]
    if column.type in ("decimal", "percent"):
        texts = ["1,234.5"]
    return column_width([heading[: (len(heading) + 1) // 2 + 2] + "  ", *texts])
