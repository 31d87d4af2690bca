"""The last sheets of a report: what its figures mean, and which records and submissions they come from."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from xlsxwriter.worksheet import Worksheet

from workbooks.dataset import Column, Dataset
from workbooks.form import Language, Text
from workbooks.reporting.dataset_definition import NO_UNIT, DatasetDefinition, load_datasets
from workbooks.reporting.edition import Edition, Lineage
from workbooks.reporting.filling import TableRows
from workbooks.reporting.report_definition import ReportDefinition, ReportTable
from workbooks.reporting.report_style import Looks, column_width, letters, text_width

DEFINITIONS = Text("口径", "Definitions")
LINEAGE = Text("溯源", "Lineage")
DEFINITIONS_NOTE = Text("每个数据集、指标和列的口径", "What each data set, measure and column means")
LINEAGE_NOTE = Text(
    "数字来自哪些记录、哪一次提交（原文件及其 sha256）",
    "Which records and submissions the figures come from, with original file and sha256",
)
LINEAGE_TABLE = "T_lineage"
LINEAGE_NUMBER = Text("编号", "Number")
_OF_DATASETS: Sequence[tuple[Text, float]] = (
    (Text("数据表", "Table"), 27),
    (Text("数据集", "Data set"), 20),
    (Text("口径", "Definition"), 64),
    (Text("归期日期", "Dated by"), 14),
    (Text("计入", "Counts"), 18),
    (Text("期间", "Period"), 25),
    (Text("行数", "Rows"), 9),
    (Text("截至", "As of"), 19),
)
_OF_MEASURES = (
    Text("数据集", "Data set"),
    Text("指标", "Measure"),
    Text("口径", "Definition"),
    Text("单位", "Unit"),
    Text("计算", "Computed as"),
    Text("计入", "Counts"),
)
_OF_COLUMNS = (
    Text("数据集", "Data set"),
    Text("列", "Column"),
    Text("说明", "Meaning"),
    Text("单位", "Unit"),
    Text("类型", "Type"),
)
_FUNCTIONS = {
    "sum": Text("合计", "sum"),
    "average": Text("平均（空值不计）", "mean, blanks left out"),
    "count": Text("计数", "count"),
    "ratio": Text("合计之比", "ratio of sums"),
    "max": Text("最大", "maximum"),
    "min": Text("最小", "minimum"),
}
_TYPES = {
    "text": Text("文本", "text"),
    "integer": Text("整数", "integer"),
    "decimal": Text("小数", "decimal"),
    "percent": Text("比率", "share"),
    "date": Text("日期", "date"),
    "datetime": Text("时间", "time"),
    "boolean": Text("是/否", "yes/no"),
}
_LINEAGE_COLUMNS = (
    Column("number", LINEAGE_NUMBER, "text"),
    Column("form", Text("表单", "Form"), "text"),
    Column("revision", Text("版次", "Revision"), "integer"),
    Column("received_at", Text("收到时间", "Received at"), "datetime"),
    Column("channel", Text("途径", "Way"), "text"),
    Column("sender", Text("提交人", "Sender"), "text"),
    Column("filename", Text("原文件", "Original file"), "text"),
    Column("tables", Text("计入的数据表", "Counts in"), "text"),
    Column("submission", Text("提交号", "Submission"), "text"),
    Column("sha256", Text("原文件 sha256", "sha256 of the original"), "text"),
)
_SUMMARY_COLUMNS = (
    Column("table", Text("数据表", "Table"), "text"),
    Column("series", Text("编号系列", "Series of numbers"), "text"),
    Column("records", Text("记录数", "Records"), "integer"),
    Column("first", Text("首号", "First"), "text"),
    Column("last", Text("末号", "Last"), "text"),
)


def add_definitions(
    page: Worksheet, report: ReportDefinition, datasets: Mapping[str, Dataset], looks: Looks, language: Language
) -> None:
    """The sheet that says what is counted: data sets, measures and columns that appear in the report."""
    page.set_row(0, 26)
    page.write_string(0, 0, DEFINITIONS[language], looks("sheet_title"))
    for place, (_, width) in enumerate(_OF_DATASETS):
        page.set_column(place, place, width)
    row = 2
    lines = [_dataset_line(table, datasets[table.name], language) for table in report.tables]
    row = _grid(page, row, [title for title, _ in _OF_DATASETS], lines, looks, language)
    declared = load_datasets()
    used = {datasets[t.name].name: (declared.get(t.dataset), datasets[t.name]) for t in report.tables}
    measures = [line for d, dataset in used.values() if d for line in _measures(d, report, dataset, language)]
    if measures:
        row = _grid(page, row + 1, _OF_MEASURES, measures, looks, language)
    columns = [
        (dataset.title[language], c.label[language], c.definition[language], (c.unit or NO_UNIT)[language],
         _TYPES[c.type][language])
        for _, dataset in used.values()
        for c in dataset.columns
        if c.definition
    ]  # fmt: skip
    if columns:
        _grid(page, row + 1, _OF_COLUMNS, columns, looks, language)
    page.freeze_panes(2, 0)


def _dataset_line(table: ReportTable, dataset: Dataset, language: Language) -> Sequence[Any]:
    anchor = dataset.anchor[language] if dataset.anchor else "—"
    return (
        table.name,
        f"{dataset.title[language]}\n{dataset.name}",
        dataset.definition[language],
        anchor,
        dataset.filter[language],
        dataset.period[language],
        len(dataset),
        f"{dataset.as_of:%Y-%m-%d %H:%M}",
    )


def _measures(
    definition: DatasetDefinition, report: ReportDefinition, dataset: Dataset, language: Language
) -> Iterator[Sequence[Any]]:
    """The declared measures over columns that the report shows."""
    tables = [table for table in report.tables if table.dataset == definition.name]
    shown = {name for table in tables for name in table.columns or [c.name for c in dataset.columns]}
    for measure in definition.measures:
        if measure.column in shown:
            named = [measure.column, *([measure.denominator] if measure.denominator else [])]
            labels = " ÷ ".join(definition.column(name).label[language] for name in named)
            yield (
                dataset.title[language],
                measure.label[language],
                measure.definition[language],
                measure.unit[language],
                f"{_FUNCTIONS[measure.function][language]}: {labels}",
                (measure.filter or definition.filter)[language],
            )


def _grid(
    page: Worksheet, row: int, titles: Sequence[Text], lines: Sequence[Sequence[Any]], looks: Looks, language: Language
) -> int:
    """A heading and lines as high as their texts need; the row after the last."""
    for place, title in enumerate(titles):
        page.write_string(row, place, title[language], looks("column"))
    page.set_row(row, 20)
    widths = [width for _, width in _OF_DATASETS]
    for number, line in enumerate(lines, start=row + 1):
        height = 1
        for place, value in enumerate(line):
            counted = isinstance(value, int)
            look = looks("cell", "#,##0", "right") if counted else looks("cell")
            page.write(number, place, value, look)
            room = letters(language, int((widths[place] - 2) * 1.1))
            height = max(height, sum(max(1, -(-text_width(t) // room)) for t in str(value).split("\n")))
        page.set_row(number, 15 * height + 3)
    return row + len(lines) + 1


def add_lineage(
    page: Worksheet, lineage: Lineage, edition: Edition, looks: Looks, language: Language
) -> tuple[TableRows, dict[str, str]]:
    """The sheet of records and submissions; the rows to fill in, and the address of each record's page by its cell."""
    columns, data = _details(lineage) if lineage.origins or not lineage.counted else _summary(lineage)
    page.set_row(0, 26)
    page.write_string(0, 0, LINEAGE[language], looks("sheet_title"))
    page.write_string(1, 0, _lineage_note(lineage)[language], looks("body"))
    top, rows = 3, len(data[0])
    headers = [{"header": c.label[language], "header_format": looks("column")} for c in columns]
    page.add_table(
        top, 0, top + 1, len(columns) - 1, {"name": LINEAGE_TABLE, "columns": headers, "style": "Table Style Light 9"}
    )
    page.set_row(top, 30)
    linked = bool(edition.public_url and lineage.origins)
    for place, (column, values) in enumerate(zip(columns, data, strict=True)):
        number = {"datetime": "yyyy-mm-dd hh:mm", "integer": "0"}.get(column.type, "General")
        name = "words" if column.type == "text" else "body"
        name = "link" if linked and not place else "mono" if column.name in ("submission", "sha256") else name
        look = looks(name, number)
        most = 66 if column.name == "sha256" else 34
        texts = ["2026-11-21 18:00"] if column.type == "datetime" else [str(value) for value in values[:300]]
        page.set_column(place, place, column_width([column.label[language], *texts], most=most), look)
        if rows:
            page.write(top + 1, place, values[0], look)
        else:
            page.write_blank(top + 1, place, None, look)
    page.freeze_panes(top + 1, 1)
    page.repeat_rows(top)
    base = edition.public_url.rstrip("/")
    links = {f"A{top + 2 + n}": f"{base}/records/{o.number}" for n, o in enumerate(lineage.origins)} if linked else {}
    filled = TableRows(sheet=LINEAGE[language], name=LINEAGE_TABLE, top=top + 2, columns=columns, data=data)
    return filled, links


def _lineage_note(lineage: Lineage) -> Text:
    counted, listed = len({number for table in lineage.counted.values() for number in table}), len(lineage.origins)
    if counted and not listed:
        return Text(
            f"本报表用到 {counted} 条记录，超过逐条列出的上限 {lineage.limit}，这里按数据表和编号系列汇总；"
            "按较短的期间生成报表即可逐条查看。",
            f"{counted} records count in this report, more than the {lineage.limit} listed one by one: here they are "
            "summed up by table and series. A report for a shorter period lists them.",
        )
    return Text(
        f"数字 → 记录 → 提交：{listed} 条记录在截至时的版次，以及带来该版次的提交。汇总表（如帕累托）由同一批记录算出",
        f"Figures → records → submissions: {listed} records with their revision as of the stamp and the submission "
        "that brought it. Aggregated tables (such as the Pareto) are computed from the same records.",
    )


def _details(lineage: Lineage) -> tuple[Sequence[Column], list[list[Any]]]:
    def counts(number: str) -> str:
        found = [(table, rows[number]) for table, rows in lineage.counted.items() if number in rows]
        return "; ".join(table if rows == 1 else f"{table} ×{rows}" for table, rows in found)

    rows = [
        (o.number, o.form, o.revision, o.received_at, o.channel, o.sender, o.filename, counts(o.number), o.submission,
         o.sha256)
        for o in lineage.origins
    ]  # fmt: skip
    return _LINEAGE_COLUMNS, [list(column) for column in zip(*rows, strict=True)] or [[] for _ in _LINEAGE_COLUMNS]


def _summary(lineage: Lineage) -> tuple[Sequence[Column], list[list[Any]]]:
    rows = []
    for table, numbers in lineage.counted.items():
        series: dict[str, list[str]] = {}
        for number in sorted(numbers):
            series.setdefault(number.rstrip("0123456789"), []).append(number)
        rows += [(table, name, len(found), found[0], found[-1]) for name, found in series.items()]
    return _SUMMARY_COLUMNS, [list(column) for column in zip(*rows, strict=True)]
