"""report.yaml is read strictly, and the reports that come with Aftersheet can be built."""

import re
from pathlib import Path

import pytest

from workbooks.report import DefinitionError, load, load_folder, load_reports
from workbooks.reporting.dataset_definition import load_datasets

GOOD = """
report_id: small
title: {zh: 小报表, en: Small report}
summary: {zh: 一张表, en: One table}
sheets:
  - title: {zh: 趋势, en: Trend}
    pivot:
      name: PV_trend
      table: T_cases
      rows: [{column: month}]
      columns: [{column: region}]
      values: [{column: failures, label: {zh: 合计, en: Total}}]
  - title: {zh: 数据, en: Data}
    table: {name: T_cases, dataset: cases}
"""


def written(tmp_path, *changes):
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "small" / "report.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def complaint(path):
    with pytest.raises(DefinitionError) as caught:
        load(path)
    return str(caught.value)


def test_the_reports_that_come_along_load():
    """The six reports of the paper, the boards, costs and forms: by month, quarter, history; a form is no report."""
    reports = load_reports()

    assert list(reports) == [
        "fault_analysis", "feedback", "forms_and_deadlines", "fracas_board", "installations", "plans_due", "repairs",
        "satisfaction_board", "service_costs", "trips",
    ]  # fmt: skip
    for report in reports.values():
        assert report.periods == ("month", "quarter", "history")
        assert any(sheet.board and sheet.slicers for sheet in report.sheets)
        assert set(report.datasets) <= set(load_datasets())


def test_a_report_is_a_folder_with_its_name(tmp_path):
    """Adding a report is one folder; a folder of another name is a mistake."""
    written(tmp_path)

    assert load_folder(tmp_path)["small"].tables[0].dataset == "cases"
    (tmp_path / "small").rename(tmp_path / "other")
    with pytest.raises(DefinitionError, match="'small', the folder 'other'"):
        load_folder(tmp_path)


@pytest.mark.parametrize(
    ("change", "line", "key"),
    [
        (("report_id: small\n", ""), ":2:", "report_id"),
        (("name: PV_trend", "named: PV_trend"), ":8:", "named"),
        (("[{column: month}]", "[{column: Month Number}]"), ":10:", "column"),
        (("dataset: cases", "dataset: 7"), ":14:", "dataset"),
    ],
)
def test_a_wrong_key_is_named_with_file_and_line(tmp_path, change, line, key):
    """Whoever writes a report.yaml finds the place."""
    path = written(tmp_path, change)

    text = complaint(path)

    assert str(path) + line in text
    assert key in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("table: T_cases", "table: T_none"), "no table 'T_none'"),
        (("name: T_cases", "name: PV_trend"), "two tables or pivot tables"),
        (("name: T_cases", "name: T cases"), "no name for a table"),
        (("{zh: 数据, en: Data}", "{zh: 趋势, en: Data}"), "two sheets are called '趋势'"),
        (("{zh: 数据, en: Data}", "{zh: 数据, en: 'a/b'}"), "no sheet title"),
        (("rows: [{column: month}]", "rows: []"), "one or two row fields"),
        (("values: [{column: failures, label: {zh: 合计, en: Total}}]", "values: []"), "one value, or several"),
        (("    table: {name: T_cases, dataset: cases}\n", ""), "either a pivot or a table"),
        (
            ("    table: {name: T_cases, dataset: cases}\n",
             "    table: {name: T_cases, dataset: cases}\n    chart: {type: line, title: {zh: 图, en: Chart}}\n"),
            "needs categories and columns",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_said(tmp_path, change, words):
    """A report that could not be built is refused when it is read, not when a manager asks for it."""
    assert words in complaint(written(tmp_path, change))


def test_key_figures_stand_on_columns_their_table_shows(tmp_path):
    """A formula over a column that was left out would be an error in the workbook."""
    figures = """indicators:
  table: T_cases
  period: month
  items: [{label: {zh: 合计, en: Total}, column: failures}]
sheets:"""
    shown = "table: {name: T_cases, dataset: cases, columns: [%s]}"
    change = ("sheets:", figures)
    whole, part = shown % "year, quarter, month, region, failures", shown % "month, region"

    load(written(tmp_path, change, ("table: {name: T_cases, dataset: cases}", whole)))
    text = complaint(written(tmp_path, change, ("table: {name: T_cases, dataset: cases}", part)))
    for name in ("year", "quarter", "failures"):
        assert f"T_cases does not show the column '{name}'" in text


def test_what_is_no_mapping_is_refused(tmp_path):
    """A list, or no YAML at all, is a mistake with a place."""
    path = tmp_path / "report.yaml"
    for text in ("- a\n- b\n", "a: [\n"):
        path.write_text(text, encoding="utf-8")
        assert "report.yaml" in complaint(path)


BOARD = """
  - title: {zh: 看板, en: Board}
    slicers: [{table: T_cases, column: region}]
    board: [{of: PV_trend, chart: {type: column, title: {zh: 图, en: Chart}}}]
"""


def test_sheets_stand_in_the_reports_of_their_periods(tmp_path):
    """The same name may come again where only one of the two sheets stands; a period without sheets is a mistake."""
    again = """  - title: {zh: 数据, en: Data}
    periods: [month, quarter]
    table: {name: T_cases, dataset: cases}
  - title: {zh: 数据, en: Data}
    periods: [history]
    table: {name: T_cases, dataset: cases_by_month, span: history}
"""
    old = "  - title: {zh: 数据, en: Data}\n    table: {name: T_cases, dataset: cases}\n"
    report = load(written(tmp_path, (old, again)))

    assert report.for_period("month").datasets == ("cases",)
    assert report.for_period("history").datasets == ("cases_by_month",)
    text = complaint(written(tmp_path, (old, again), ("summary:", "periods: [month, year]\nsummary:")))
    assert "there is no table 'T_cases'" in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("summary:", "default_period: year\nsummary:"), "none of the report's periods"),
        (("summary:", "periods: []\nsummary:"), "none of the report's periods"),
        (("of: PV_trend", "of: PV_none"), "'PV_none' is no pivot table"),
        (("table: T_cases, column: region", "table: T_none, column: region"), "no pivot tables over 'T_none'"),
        (("columns: [{column: region}]\n", "filters: [{column: region, select: latest}]\n"), "may select its latest"),
        (("rows: [{column: month}]", "rows: [{column: month}, {column: station}]"), "with one row field has a chart"),
        (("columns: [{column: region}]\n", "few: closed\n"), "'closed' is no value of a pivot table"),
        (("    board:", "    pivot: {name: P, table: T_cases, rows: [], values: []}\n    board:"), "either a pivot"),
        (("dataset: cases}", "dataset: cases, span: 0}"), "span"),
    ],
)
def test_boards_slicers_and_periods_have_to_fit(tmp_path, change, words):
    """What could not be built or would show something wrong is refused."""
    assert words in complaint(written(tmp_path, ("sheets:", "sheets:" + BOARD.rstrip()), change))


def test_the_example_of_the_documentation_is_a_report(tmp_path):
    """Whoever copies it from docs/reports.md gets a report over columns and measures that there are."""
    text = Path("docs/reports.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(report_id: .*?)```", text, re.DOTALL)
    path = tmp_path / "trips_monthly" / "report.yaml"
    path.parent.mkdir()
    path.write_text(example, encoding="utf-8")

    report = load(path)

    declared = load_datasets()["trips"]
    used = {field.column for pivot in report.pivots for field in (*pivot.rows, *pivot.columns, *pivot.values)}
    used |= set(report.sliced("T_trips"))
    assert used <= {column.name for column in declared.columns}


@pytest.mark.parametrize("name", load_reports())
def test_every_column_and_measure_is_one_of_its_dataset(name):
    """A definition cannot speak of what its datasets do not hold."""
    report = load_reports()[name]
    columns = {table.name: {c.name for c in load_datasets()[table.dataset].columns} for table in report.tables}

    for table in report.tables:
        assert set(table.columns) <= columns[table.name]
    for pivot in report.pivots:
        fields = (*pivot.rows, *pivot.columns, *pivot.filters, *pivot.values)
        assert {field.column for field in fields} <= columns[pivot.table], pivot.name
    for sheet in report.sheets:
        assert {slicer.column for slicer in sheet.slicers} <= set().union(*columns.values())
        if sheet.table and sheet.chart:
            shown = {*(sheet.table.columns or columns[sheet.table.name]), *(c.name for c in sheet.table.calculated)}
            assert {*sheet.chart.columns, *sheet.chart.lines, *sheet.chart.limits} <= shown, sheet.table.name
