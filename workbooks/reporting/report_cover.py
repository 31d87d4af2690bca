"""The cover of a report: what it shows as of when, its indicators, its sheets, what is counted and from where."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from math import fsum
from typing import Any

from xlsxwriter.utility import xl_rowcol_to_cell
from xlsxwriter.worksheet import Worksheet

from workbooks.dataset import EVERYTHING, Dataset
from workbooks.form import Language, Text
from workbooks.reporting.edition import Edition
from workbooks.reporting.pivot_layout import NO_FIGURE
from workbooks.reporting.report_definition import Indicator, Indicators, ReportDefinition
from workbooks.reporting.report_style import Looks, letters, text_width

COVER = Text("说明", "About")
_PERIODS_OFFERED = 24
_BEFORE = {
    "month": '=TEXT(EDATE(DATE(LEFT({cell},4),RIGHT({cell},2),1),-1),"yyyy-mm")',
    "quarter": '=IF(RIGHT({cell},1)="1",LEFT({cell},4)-1&"Q4",LEFT({cell},4)&"Q"&RIGHT({cell},1)-1)',
    "year": "={cell}-1",
    "history": "={cell}-1",
}
HEADINGS = {
    "indicators": Text("关键指标", "Key figures"),
    "all": Text("全部", "All"),
    "sheets": Text("本册内容", "In this workbook"),
    "origin": Text("刷新与核对", "Refreshing and checking"),
}
FIGURE = Text("指标", "Figure")  # heads the key figures
FACTS = {
    "period": Text("报告期", "Period"),
    "as_of": Text("截至", "As of"),
    "selection": Text("统计范围", "Narrowed to"),
    "scope": Text("数据权限", "Scope"),
    "built_at": Text("生成时间", "Built at"),
    "seal": Text("封签", "Seal"),
}
_REFRESH = Text(
    "本册已归您所有：可改布局、加公式、加图表。需要新数据时，用“aftersheet push 数据集 本文件.xlsx”"
    "或网站的数据集页刷新数据表；其余内容保持不变，数据透视表在 Excel 打开文件时自动刷新。"
    "黄色单元格是报告期，可以改选。每个数字的口径见“口径”表，来自哪些记录见“溯源”表。",
    "This workbook is yours: change its layout, add formulas and charts. For new figures, refresh its data "
    "tables with “aftersheet push DATASET THIS_FILE.xlsx” or on the data set's page of the site; everything "
    "else stays as it is, and the pivot tables refresh when Excel opens the file. The yellow cell is the period "
    "reported; choose another as you like. What each figure means is told on the sheet Definitions, which records "
    "it comes from on the sheet Lineage.",
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
            text = HEADINGS[key][self.language] if column == 1 else ""
            self.page.write_string(self.row, column, text, self.looks("heading"))
        self.page.set_row(self.row + 1, 5)  # what follows keeps off the line
        self.row += 2

    def paragraph(self, name: str, text: str) -> None:
        """A bold name and a text over the other columns, as many lines high as it takes."""
        self.page.write_string(self.row, 1, name, self.looks("name"))
        self.page.merge_range(self.row, 2, self.row, 4, text, self.looks("wrapped"))
        self.page.set_row(self.row, 17 * max(1, -(-text_width(text) // letters(self.language, 78))) + 3)
        self.row += 1


def add_cover(
    page: Worksheet,
    report: ReportDefinition,
    datasets: Mapping[str, Dataset],
    edition: Edition | None,
    looks: Looks,
    language: Language,
    appendix: Sequence[tuple[Text, Text]],
) -> None:
    """
    Write the cover of *report*; its figures are formulas over the tables with their present values.

    *appendix* names the sheets that follow those of the definition, and what they are for.
    """
    cover = _Cover(page, looks, language)
    for column, width in enumerate((2.5, 23, 25, 24, 30)):
        page.set_column(column, column, width)
    page.set_row(1, 34)
    page.write_string(1, 1, report.title[language], looks("title"))
    cover.row = 2
    _add_summary(cover, report.summary[language])
    _add_stamp(cover, edition, [datasets[table.name] for table in report.tables])
    if report.indicators:
        _add_indicators(cover, report, report.indicators, datasets, edition)
    cover.heading("sheets")
    for sheet in report.sheets:
        note = (
            sheet.note[language] if sheet.note else _rows(datasets[sheet.table.name], language) if sheet.table else ""
        )
        _add_entry(cover, sheet.title[language], note)
    for title, words in appendix:
        _add_entry(cover, title[language], words[language])
    cover.heading("origin")
    cover.paragraph(Text("刷新", "Refresh")[language], _REFRESH[language])


def _add_summary(cover: _Cover, text: str) -> None:
    cover.page.merge_range(cover.row, 1, cover.row, 4, text, cover.looks("summary", align="left"))
    cover.page.set_row(cover.row, 16 * max(1, -(-text_width(text) // letters(cover.language, 100))) + 3)
    cover.row += 2


def _add_entry(cover: _Cover, title: str, note: str) -> None:
    """A line of the table of contents; a long note takes the lines it needs."""
    cover.page.write_url(cover.row, 1, f"internal:'{title}'!A1", cover.looks("entry"), title)
    cover.page.merge_range(cover.row, 2, cover.row, 4, note, cover.looks("wrapped"))
    cover.page.set_row(cover.row, 15 * max(1, -(-text_width(note) // letters(cover.language, 88))) + 2)
    cover.row += 1


def _add_stamp(cover: _Cover, edition: Edition | None, used: Sequence[Dataset]) -> None:
    """What this copy is about, two facts to a line."""
    language, looks = cover.language, cover.looks
    as_of = edition.as_of if edition else max(dataset.as_of for dataset in used)
    facts = [(FACTS["as_of"], f"{as_of:%Y-%m-%d %H:%M}")]
    if edition:
        running = Text("（未结束）", " (not over yet)")[language] if not edition.over else ""
        facts = [
            (FACTS["period"], edition.period[language] + running),
            *facts,
            (FACTS["selection"], edition.selection[language]),
            (FACTS["scope"], edition.viewer[language]),
            (FACTS["built_at"], f"{edition.built_at:%Y-%m-%d %H:%M}"),
            (FACTS["seal"], edition.stamp.seal[:16].upper() or "—"),
        ]
    for number, (name, text) in enumerate(facts):
        row, column = cover.row + number // 2, 1 + number % 2 * 2
        cover.page.set_row(row, 19)
        cover.page.write_string(row, column, name[language], looks("fact_name"))
        cover.page.write_string(row, column + 1, text, looks("fact"))
    cover.row += -(-len(facts) // 2)


def _rows(dataset: Dataset, language: Language) -> str:
    return Text(f"{dataset.title.zh}，{len(dataset)} 行", f"{dataset.title.en}, {len(dataset)} rows")[language]


def _add_indicators(
    cover: _Cover,
    report: ReportDefinition,
    indicators: Indicators,
    datasets: Mapping[str, Dataset],
    edition: Edition | None,
) -> None:
    table = next(table for table in report.tables if table.name == indicators.table)
    dataset = datasets[table.name]
    names = {column.name: place for place, column in enumerate(dataset.columns)}
    kind = edition.kind if edition else "month"
    by = {"month": indicators.period, "quarter": indicators.quarter}.get(kind, indicators.year)
    periods = list(map(str, dataset.data[names[by]]))
    chosen = edition.name if edition else _reported_month(dataset, periods)
    before = edition.before if edition else _month_before(chosen)
    if edition and before and not _spans(edition, table.name, before):
        before = ""  # its rows are not in the table, and nothing is no zero
    page, looks, language = cover.page, cover.looks, cover.language
    cover.heading("indicators")
    top = cover.row
    page.write_string(top, 1, FIGURE[language], looks("header", align="left"))
    page.write(top, 2, _written(chosen), looks("input", align="right"))
    columns: dict[int, str | None] = {2: chosen}
    if not edition or _start(edition, table.name) != _first_month(chosen):
        columns[4] = None  # the table has more than the period
    if before:
        columns[3] = before
        cell = xl_rowcol_to_cell(top, 2)
        page.write_formula(top, 3, _BEFORE[kind].format(cell=cell), looks("header", align="right"), _written(before))
    else:
        page.write_blank(top, 3, None, looks("header"))
    every = dataset.period[language] if dataset.period != EVERYTHING else HEADINGS["all"][language]
    every = every if 4 in columns else ""
    page.write_string(top, 4, every, looks("header", align="right"))
    offered = sorted(set(periods) | {chosen}, reverse=True)[:_PERIODS_OFFERED]
    page.data_validation(top, 2, top, 2, {"validate": "list", "source": offered, "error_type": "information"})
    criteria = _reference(table.name, dataset.columns[names[by]].label[language])
    rows_of = {
        wanted: [at for at, period in enumerate(periods) if wanted in (None, period)] for wanted in columns.values()
    }
    for row, item in enumerate(indicators.items, start=top + 1):
        page.set_row(row, 20)
        page.write_string(row, 1, item.label[language], looks("indicator"))
        for column in (3, 4):
            page.write_blank(row, column, None, looks("figure"))
        places = [names[name] for name in (item.column, item.denominator) if name is not None]
        figures = [_reference(table.name, dataset.columns[place].label[language]) for place in places]
        for column, wanted in columns.items():
            where = "" if wanted is None else f",{criteria},{xl_rowcol_to_cell(top, column, row_abs=True)}"
            values = [[dataset.data[place][at] for at in rows_of[wanted]] for place in places]
            amounts = item.function == "sum" and dataset.columns[places[0]].type == "decimal"
            formula = _formula(item, figures, where)
            if amounts:
                counted = f"COUNTIFS({where[1:]})" if where else f"COUNTA({criteria})"
                formula = f'IF(AND({counted}>0,COUNTIFS({figures[0]},"<>"{where})=0),"{NO_FIGURE}",{formula})'
            if item.function in ("sum", "count"):
                formula = f'IF(COUNTA({criteria})=0,"{NO_FIGURE}",{formula})'
            figure = _figure(item, values, amounts=amounts) if periods else NO_FIGURE
            page.write_formula(row, column, f"={formula}", looks("figure", item.format), figure)
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


def _figure(item: Indicator, values: list[list[Any]], *, amounts: bool) -> float | str:
    """What the formula comes to; *amounts* of which none is known are no 0."""
    present = [value for value in values[0] if value is not None]
    if item.function == "count":
        return len(present)
    sums = [fsum([value for value in column if value is not None]) for column in values]
    if item.function == "sum":
        return NO_FIGURE if amounts and values[0] and not present else sums[0]
    whole = sums[1] if item.function == "ratio" else len(present)
    return sums[0] / whole if whole else NO_FIGURE


def _reference(table: str, header: str) -> str:
    """A column of a table in a formula; Excel wants ' before what its own notation uses."""
    return f"{table}[{''.join(chr(39) + c if c in chr(39) + '[]#@' else c for c in header)}]"


def _written(period: str) -> str | int:
    """A period as its column holds it: years are numbers."""
    return int(period) if period.isdigit() else period


def _spans(edition: Edition, table: str, period: str) -> bool:
    """Whether the rows of *table* reach back to the first day of *period*."""
    start = _start(edition, table)
    return start is None or start <= _first_month(period)


def _start(edition: Edition, table: str) -> tuple[int, int] | None:
    """Year and month with which the rows of *table* begin; None where all are in it."""
    start = edition.stamp.tables[table].start
    return (start.year, start.month) if start else None


def _first_month(period: str) -> tuple[int, int]:
    """Year and month with which *period* begins, such as 2026-05, 2026Q2 or 2026."""
    quarter = period.partition("Q")[2]
    return int(period[:4]), int(quarter) * 3 - 2 if quarter else int(period[5:7] or 1)


def _reported_month(dataset: Dataset, periods: list[str]) -> str:
    """The last full month before the report; the latest one with data if that has none."""
    full = f"{dataset.as_of.replace(day=1) - timedelta(days=1):%Y-%m}"
    return full if full in periods or not periods else max(periods)


def _month_before(month: str) -> str:
    year, number = int(month[:4]), int(month[5:7])
    return f"{year - (number == 1):04d}-{(number - 2) % 12 + 1:02d}"
