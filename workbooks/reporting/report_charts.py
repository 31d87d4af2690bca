"""The charts of report workbooks: over pivot tables, which makes them pivot charts, and over tables."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import fsum
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from workbooks.form import Language
from workbooks.ooxml.letters import column_letters
from workbooks.reporting.pivot_parts import PIVOT_MARK, PlacedPivot
from workbooks.reporting.report_definition import ReportChart
from workbooks.reporting.report_style import RED, SERIES, Looks

_OFFSET = {"x_offset": 8, "y_offset": 4}
_KINDS: Mapping[str, tuple[str, str]] = {
    "column": ("column", ""),
    "column_stacked": ("column", "stacked"),
    "column_percent": ("column", "percent_stacked"),
    "bar": ("bar", ""),
    "bar_stacked": ("bar", "stacked"),
    "bar_percent": ("bar", "percent_stacked"),
    "line": ("line", ""),
    "scatter": ("scatter", "marker_only"),
    "doughnut": ("doughnut", ""),
    "radar": ("radar", "with_markers"),
}
_ROUND = ("doughnut", "radar")
SIZE = (780, 420)
_AROUND_BARS, _NAME, _BAR = 160, 22, 9  # pixels: title, scale and legend; a category's name; one bar
_IN_TIME = re.compile(r"\d{4}")  # how months, quarters and years begin


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawable:
    """
    Cells a chart can show: a pivot table's or a table's, on *sheet* from row *first* to *last* (from 0).

    *series* are the columns that hold figures, by the name the definition knows them by,
    *ranks* their places among the colours where not all that have one appear;
    *categories* is the column of labels, *last_label* the text in its last row. Names of
    series stand in the row above.
    """

    sheet: str
    first: int
    last: int
    categories: int
    series: Mapping[str, int]
    formats: Mapping[str, str]
    last_label: str
    values: Mapping[str, Sequence[Any]]
    pivot: str = ""
    ranks: Mapping[str, int] = field(default_factory=dict)


def of_pivot(placed: PlacedPivot, language: Language) -> Drawable:
    """What a chart can show of a pivot table with one row field: its columns, or its values."""
    area, layout, ranks = placed.area, placed.layout, dict[str, int]()
    lines = [line for line in layout.lines if line.path]
    if layout.column:
        series = {f"#{place}": place for place in range(1, len(layout.columns) + 1)}
        formats = dict.fromkeys(series, layout.pivot.values[0].format)
        ordered: list[object] = [text[language] for text in layout.column.field.order]
        places = [*ordered, *(value for value in layout.columns if value not in ordered)]
        ranks = {name: places.index(value) for name, value in zip(series, layout.columns, strict=False)}
    else:
        series = {value.column: place for place, value in enumerate(layout.pivot.values, start=1)}
        formats = {value.column: value.format for value in layout.pivot.values}
    return Drawable(
        sheet=placed.sheet, first=area.top + layout.header_rows - 1,
        last=area.top + layout.header_rows - 2 + max(1, len(lines)), categories=0, series=series or {"#1": 1},
        formats=formats, last_label=str(lines[-1].path[0]) if lines else "", values={}, pivot=layout.pivot.name,
        ranks=ranks,
    )  # fmt: skip


def chart_height(chart: ReportChart, categories: int, series: int, least: int = SIZE[1]) -> int:
    """How many pixels high *chart* is: bars get as many as it takes to read the name of each category."""
    if not chart.type.startswith("bar"):
        return least
    side_by_side = series if chart.type == "bar" else 1
    return max(least, _AROUND_BARS + categories * max(_NAME, _BAR * side_by_side + 5))


def drawn_height(chart: ReportChart, source: Drawable, least: int = SIZE[1]) -> int:
    """The same for the chart of *source*."""
    return chart_height(chart, source.last - source.first + 1, len(chart.columns) or len(source.series), least)


def add_chart(
    book: Workbook,
    page: Worksheet,
    chart: ReportChart,
    source: Drawable,
    at: tuple[int, int],
    looks: Looks,
    language: Language,
    *,
    running: str = "",
    size: tuple[int, int] = SIZE,
) -> None:
    """
    Draw *chart* with its corner in the cell *at*; the bar of the period still *running* is hatched.

    It is as wide as *size* says, and at least as high.
    """
    kind, subtype = _KINDS[chart.type]
    drawn = book.add_chart({"type": kind} | ({"subtype": subtype} if subtype else {}))
    lines = [name for name in chart.lines if name in source.series]
    names = [name for name in chart.columns or source.series if name not in lines and name not in chart.limits]
    hatched = bool(running) and source.last_label == running and kind == "column"
    for number, name in enumerate(names):
        drawn.add_series(_series(chart, source, name, number, kind, hatched=hatched))
    over = () if kind == "line" else chart.limits
    if kind == "line":
        for number, name in enumerate(chart.limits):
            drawn.add_series(_limit(chart, source, name, number))
    if lines or over:
        drawn.combine(_over(book, chart, source, lines, over, looks))
    _dress(drawn, chart, source, kind, looks, language)
    drawn.set_size({"width": size[0], "height": drawn_height(chart, source, size[1])})
    options = _OFFSET | ({"description": PIVOT_MARK + source.pivot} if source.pivot else {})
    page.insert_chart(*at, drawn, options)


def _range(source: Drawable, place: int) -> list[Any]:
    return [source.sheet, source.first, place, source.last, place]


def _named(chart: ReportChart, source: Drawable, name: str) -> dict[str, Any]:
    categories = source.series.get(chart.categories or "", source.categories)
    place = source.series[name]
    return {
        "name": [source.sheet, source.first - 1, place],
        "categories": _range(source, categories),
        "values": _range(source, place),
    }


def _series(
    chart: ReportChart, source: Drawable, name: str, number: int, kind: str, *, hatched: bool
) -> dict[str, Any]:
    colours = chart.colours or SERIES
    colour = colours[source.ranks.get(name, number) % len(colours)]
    series = _named(chart, source, name)
    if kind in ("line", "radar"):
        marker = {"type": "circle", "size": 5, "fill": {"color": colour}, "border": {"color": colour}}
        return series | {"line": {"color": colour, "width": 2.25}, "marker": marker}
    if kind == "scatter":
        marker = {"type": "circle", "size": 8, "fill": {"color": colour}, "border": {"color": "#FFFFFF"}}
        series["marker"] = marker
        if chart.labels:
            place = source.series[chart.labels]
            rows = range(source.first, source.last + 1)
            custom = [{"value": f"='{source.sheet}'!${column_letters(place + 1)}${row + 1}"} for row in rows]
            series["data_labels"] = {"value": True, "custom": custom, "position": "right", "font": {"size": 8}}
        return series
    if kind == "doughnut":
        slices = source.last - source.first + 1
        series["points"] = [{"fill": {"color": colours[n % len(colours)]}} for n in range(slices)]
        series["data_labels"] = {"percentage": True, "font": {"color": "#FFFFFF", "bold": True, "size": 9}}
        return series
    series |= {"gap": 45, "fill": {"color": colour}}
    if hatched:
        pattern = {"pattern": "wide_upward_diagonal", "fg_color": colour, "bg_color": "#FFFFFF"}
        series["points"] = [None] * (source.last - source.first) + [{"pattern": pattern, "border": {"color": colour}}]
    return series


def _limit(chart: ReportChart, source: Drawable, name: str, number: int) -> dict[str, Any]:
    """A limit, target or mean: a thin dashed line without markers."""
    line = {"color": RED if number % 2 == 0 else "#7F8C8D", "width": 1.25, "dash_type": "dash"}
    return _named(chart, source, name) | {"line": line, "marker": {"type": "none"}}


def _over(
    book: Workbook, chart: ReportChart, source: Drawable, lines: Sequence[str], limits: Sequence[str], looks: Looks
) -> Any:
    """The lines over columns: the first with markers, others dashed; limits keep to the columns' axis."""
    drawn = book.add_chart({"type": "line"})
    for number, name in enumerate(lines):
        if number:
            drawn.add_series(_limit(chart, source, name, 0) | {"y2_axis": True})
            continue
        marker = {"type": "circle", "size": 5, "fill": {"color": SERIES[3]}, "border": {"color": SERIES[3]}}
        line = {"color": SERIES[3], "width": 2.25}
        drawn.add_series(_named(chart, source, name) | {"y2_axis": True, "line": line, "marker": marker})
    for number, name in enumerate(limits):
        drawn.add_series(_limit(chart, source, name, number))
    if lines:
        share = source.formats.get(lines[0], "0%").endswith("%")
        scale = {"max": 1, "major_unit": 0.2, "num_format": "0%"} if share else {"num_format": "#,##0.0"}
        drawn.set_y2_axis({"min": 0, "num_font": looks.font(9), **scale})
    return drawn


def _dress(drawn: Any, chart: ReportChart, source: Drawable, kind: str, looks: Looks, language: Language) -> None:
    drawn.set_title(
        {"name": chart.title[language], "name_font": looks.font(13, bold=True, colour="#1F3864"), "overlay": False}
    )
    drawn.set_legend({"none": True} if kind == "scatter" else {"position": "bottom", "font": looks.font(9)})
    drawn.set_chartarea({"border": {"color": "#D1D5DB"}})
    if kind not in _ROUND:
        _set_axes(drawn, chart, source, kind, looks, language)


def _set_axes(drawn: Any, chart: ReportChart, source: Drawable, kind: str, looks: Looks, language: Language) -> None:
    names = [name for name in chart.columns or source.series if name in source.formats and name not in chart.lines]
    plain = source.formats.get(names[0], "#,##0") if names else "#,##0"
    across: dict[str, Any] = {"num_font": looks.font(9), "line": {"color": "#9CA3AF"}}
    values: dict[str, Any] = {
        "num_font": looks.font(9),
        "num_format": "0%" if chart.type.endswith("_percent") or plain.endswith("%") else _scale(plain),
        "min": 0,
        "major_gridlines": {"visible": True, "line": {"color": "#E5E7EB", "width": 0.75}},
        "line": {"none": True},
    }
    if chart.value_axis:
        values |= {"name": chart.value_axis[language], "name_font": looks.font(9)}
    if chart.category_axis:
        across |= {"name": chart.category_axis[language], "name_font": looks.font(9)}
    if kind == "scatter":  # the axes cross at the means: four quadrants
        values |= {"line": {"color": "#9CA3AF"}, "major_gridlines": {"visible": False}, "label_position": "low"}
        across |= {"label_position": "low"}
        x, y = _mean(source, chart.categories or ""), _mean(source, names[0] if names else "")
        if x is not None and y is not None:
            across["crossing"], values["crossing"] = x, y
            del values["min"]
    if kind != "scatter" and not _IN_TIME.match(source.last_label):
        across["interval_unit"] = 1  # of months some may go unnamed, of stations none
    if kind == "bar":  # the first row on top as in the table, the scale below
        across |= {"interval_unit": 1, "reverse": True, "crossing": "max"}
        across, values = values, across
    drawn.set_x_axis(across)
    drawn.set_y_axis(values)


def _scale(plain: str) -> str:
    """The format of an axis of figures shown as *plain*: what is counted in whole numbers has no halves."""
    return "[<10]General;#,##0" if "." in plain else "#,##0"


def _mean(source: Drawable, name: str) -> float | None:
    numbers = [value for value in source.values.get(name, ()) if isinstance(value, int | float)]
    return fsum(numbers) / len(numbers) if numbers else None
