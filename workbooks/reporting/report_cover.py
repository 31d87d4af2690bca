"""The cover of a report: what it shows as of when, its indicators, its sheets, what is counted and from where."""

from collections.abc import Mapping
from datetime import timedelta
from math import fsum
from typing import Any

from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from workbooks.dataset import Dataset
from workbooks.form import Language, Text
from workbooks.reporting.pivot_layout import NO_FIGURE
from workbooks.reporting.report_definition import Indicator, Indicators, ReportDefinition
from workbooks.reporting.report_style import Looks, text_width

COVER = Text("说明", "About")
_MONTHS_OFFERED = 24
_HEADINGS = {
    "indicators": Text("关键指标", "Key figures"),
    "all": Text("全部", "All"),
    "sheets": Text("本册内容", "In this workbook"),
    "definitions": Text("统计口径", "What is counted"),
    "origin": Text("来源与刷新", "Where it is from, how to refresh it"),
}
_REFRESH = Text(
    "本册已归您所有：可改布局、加公式、加图表。需要新数据时，用“aftersheet push 数据集 本文件.xlsx”"
    "或网站的数据集页刷新数据表；其余内容保持不变，数据透视表在 Excel 打开文件时自动刷新。"
    "黄色单元格是报告月，可以改选。",
    "This workbook is yours: change its layout, add formulas and charts. For new figures, refresh its data "
    "tables with “aftersheet push DATASET THIS_FILE.xlsx” or on the data set's page of the site; everything "
    "else stays as it is, and the pivot tables refresh when Excel opens the file. The yellow cell is the month "
    "reported; choose another as you like.",
)


class _Cover:
    """The cover sheet, written from top to bottom."""

    def __init__(self, page: Worksheet, looks: Looks, language: Language) -> None:
        self.page, self.looks, self.language = page, looks, language
        self.row = 1

    def heading(self, key: str) -> None:
        self.row += 1
        self.page.set_row(self.row, 22)
        for column in range(1, 5):
            text = _HEADINGS[key][self.language] if column == 1 else ""
            self.page.write_string(self.row, column, text, self.looks("heading"))
        self.row += 1

    def paragraph(self, name: str, text: str) -> None:
        """A bold name and a text over the other columns, as many lines high as it takes."""
        self.page.write_string(self.row, 1, name, self.looks("name"))
        self.page.merge_range(self.row, 2, self.row, 4, text, self.looks("wrapped"))
        self.page.set_row(self.row, 17 * max(1, -(-text_width(text) // 78)) + 3)
        self.row += 1


def add_cover(
    page: Worksheet, report: ReportDefinition, datasets: Mapping[str, Dataset], looks: Looks, language: Language
) -> None:
    """Write the cover of *report*; its figures are formulas over the tables with their present values."""
    cover = _Cover(page, looks, language)
    used = [datasets[table.name] for table in report.tables]
    as_of = max(dataset.as_of for dataset in used)
    for column, width in enumerate((2.5, 24, 26, 26, 26)):
        page.set_column(column, column, width)
    page.set_row(1, 34)
    page.write_string(1, 1, report.title[language], looks("title"))
    page.write_string(2, 1, report.summary[language], looks("note"))
    filters = dict.fromkeys(dataset.period[language] for dataset in used)
    when = Text(f"截至 {as_of:%Y-%m-%d %H:%M}，范围：", f"As of {as_of:%Y-%m-%d %H:%M}; period: ")[language]
    page.write_string(3, 1, when + "、".join(filters), looks("outer"))
    cover.row = 4
    if report.indicators:
        _add_indicators(cover, report, report.indicators, datasets)
    cover.heading("sheets")
    for sheet in report.sheets:
        title = sheet.title[language]
        page.write_url(cover.row, 1, f"internal:'{title}'!A1", looks("link"), title)
        note = (
            sheet.note[language] if sheet.note else _rows(datasets[sheet.table.name], language) if sheet.table else ""
        )
        page.write_string(cover.row, 2, note, looks("body"))
        cover.row += 1
    cover.heading("definitions")
    for name, words in dict.fromkeys((dataset.title, dataset.definition) for dataset in used):
        cover.paragraph(name[language], words[language])
    cover.heading("origin")
    for table in report.tables:
        dataset = datasets[table.name]
        at, rows = f"{dataset.as_of:%Y-%m-%d %H:%M}", len(dataset)
        made = Text(
            f"数据集 {dataset.name}，{rows} 行，截至 {at}，范围：{dataset.period.zh}。",
            f"Data set {dataset.name}, {rows} rows as of {at}, period: {dataset.period.en}.",
        )
        cover.paragraph(table.name, made[language])
    cover.paragraph(Text("刷新", "Refresh")[language], _REFRESH[language])


def _rows(dataset: Dataset, language: Language) -> str:
    return Text(f"{dataset.title.zh}，{len(dataset)} 行", f"{dataset.title.en}, {len(dataset)} rows")[language]


def _add_indicators(
    cover: _Cover, report: ReportDefinition, indicators: Indicators, datasets: Mapping[str, Dataset]
) -> None:
    table = next(table for table in report.tables if table.name == indicators.table)
    dataset = datasets[table.name]
    names = {column.name: place for place, column in enumerate(dataset.columns)}
    periods = list(map(str, dataset.data[names[indicators.period]]))
    month = _reported_month(dataset, periods)
    before = _month_before(month)
    page, looks, language = cover.page, cover.looks, cover.language
    cover.heading("indicators")
    top = cover.row
    page.write_string(top, 1, Text("指标", "Figure")[language], looks("header", align="left"))
    page.write_string(top, 2, month, looks("input", align="right"))
    chosen = xl_rowcol_to_cell(top, 2)
    previous = f'=TEXT(EDATE(DATE(LEFT({chosen},4),RIGHT({chosen},2),1),-1),"yyyy-mm")'
    page.write_formula(top, 3, previous, looks("header", align="right"), before)
    page.write_string(top, 4, _HEADINGS["all"][language], looks("header", align="right"))
    offered = sorted(set(periods), reverse=True)[:_MONTHS_OFFERED]
    if offered:
        page.data_validation(top, 2, top, 2, {"validate": "list", "source": offered, "error_type": "information"})
    criteria = _reference(table.name, dataset.columns[names[indicators.period]].label[language])
    for row, item in enumerate(indicators.items, start=top + 1):
        page.set_row(row, 20)
        page.write_string(row, 1, item.label[language], looks("indicator"))
        places = [names[name] for name in (item.column, item.denominator) if name is not None]
        figures = [_reference(table.name, dataset.columns[place].label[language]) for place in places]
        for column, wanted in ((2, month), (3, before), (4, None)):
            where = "" if wanted is None else f",{criteria},{xl_rowcol_to_cell(top, column, row_abs=True)}"
            values = [
                [v for v, p in zip(dataset.data[place], periods, strict=True) if wanted in (None, p)]
                for place in places
            ]
            figure = _figure(item, values)
            look = looks("figure", item.format)
            page.write_formula(row, column, f"={_formula(item, figures, where)}", look, figure)
    cover.row = top + len(indicators.items) + 1


def _formula(item: Indicator, figures: list[str], where: str) -> str:
    sums = [f"SUMIFS({column}{where})" if where else f"SUM({column})" for column in figures]
    if item.function == "sum":
        return sums[0]
    if item.function == "count":
        return f'COUNTIFS({figures[0]},"<>"{where})'
    if item.function == "ratio":
        return f'IFERROR({"/".join(sums)},"{NO_FIGURE}")'
    return f'IFERROR(AVERAGE{"IFS" if where else ""}({figures[0]}{where}),"{NO_FIGURE}")'


def _figure(item: Indicator, values: list[list[Any]]) -> float | str:
    present = [value for value in values[0] if value is not None]
    if item.function == "count":
        return len(present)
    sums = [fsum(float(value) for value in column if value is not None) for column in values]
    if item.function == "sum":
        return sums[0]
    whole = sums[1] if item.function == "ratio" else len(present)
    return sums[0] / whole if whole else NO_FIGURE


def _reference(table: str, header: str) -> str:
    """A column of a table in a formula; Excel wants ' before what its own notation uses."""
    return f"{table}[{''.join(chr(39) + c if c in chr(39) + '[]#@' else c for c in header)}]"


def _reported_month(dataset: Dataset, periods: list[str]) -> str:
    """The last full month before the report; the latest one with data if that has none."""
    full = f"{dataset.as_of.replace(day=1) - timedelta(days=1):%Y-%m}"
    return full if full in periods or not periods else max(periods)


def _month_before(month: str) -> str:
    year, number = int(month[:4]), int(month[5:7])
    return f"{year - (number == 1):04d}-{(number - 2) % 12 + 1:02d}"
