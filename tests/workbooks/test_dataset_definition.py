"""Datasets are declared once: what a declaration says wrong is told with file and line, and its measures compute."""

from datetime import datetime
from pathlib import Path

import pytest

from workbooks.dataset import Dataset
from workbooks.form import Text
from workbooks.library import DefinitionError
from workbooks.report import load as load_report
from workbooks.reporting.dataset_definition import Measure, load_datasets, load_folder
from workbooks.reporting.figure_definition import load as load_figure_file
from workbooks.reporting.figure_definition import load_figures
from workbooks.reporting.measure_values import figure_of

DIMENSIONS = """
dimensions:
  - {name: month, label: {zh: 月, en: Month}, type: text}
"""
GOOD = """
subject: {zh: 试, en: Trial}
datasets:
  - name: visits
    title: {zh: 拜访, en: Visits}
    row: {zh: 一次拜访, en: one visit}
    definition: {zh: 每行一次拜访。, en: One row per visit.}
    anchor: {column: visited_on, label: {zh: 拜访日期, en: day of the visit}}
    columns:
      - month
      - {name: visited_on, label: {zh: 日期, en: Day}, type: date}
      - {name: hours, label: {zh: 小时, en: Hours}, type: decimal, unit: {zh: 小时, en: h}, definition: {zh: 时长, en: length}}
      - {name: content, label: {zh: 满意, en: Content}, type: integer, definition: {zh: 1=满意, en: "1: content"}}
    measures:
      - {name: content, label: {zh: 满意率, en: Share content}, function: average, column: content, percent: true, decimals: 1, definition: {zh: 满意÷全部, en: content ÷ all}}
      - {name: per_hour, label: {zh: 每小时, en: Per hour}, function: ratio, column: content, denominator: hours, definition: {zh: 满意÷小时, en: content ÷ hours}}
"""  # noqa: E501


def folder(tmp_path: Path, *changes: tuple[str, str]) -> Path:
    text = GOOD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (tmp_path / "dimensions.yaml").write_text(DIMENSIONS, encoding="utf-8")
    (tmp_path / "trial.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def rows(hours: list[float | None], content: list[int | None]) -> Dataset:
    definition = load_datasets()["trips"]
    columns = tuple(definition.column(name) for name in ("cost", "summary_on_time"))
    return Dataset(
        name="trial",
        title=Text("试", "Trial"),
        columns=columns,
        data=(hours, content),
        as_of=datetime(2026, 5, 1),
        definition=Text("试", "Trial"),
    )


def measure(function: str, column: str = "cost", denominator: str | None = None) -> Measure:
    return Measure(
        name="tried",
        label=Text("试", "Trial"),
        function=function,  # type: ignore[arg-type]
        column=column,
        denominator=denominator,
        definition=Text("试", "Trial"),
    )


def test_a_dimension_is_declared_once(tmp_path: Path) -> None:
    """Its bare name among the columns stands for name, label and type."""
    visits = load_folder(folder(tmp_path))["visits"]

    assert [column.name for column in visits.columns] == ["month", "visited_on", "hours", "content"]
    assert visits.column("month").label == Text("月", "Month")
    assert visits.source == "trial.yaml"


@pytest.mark.parametrize(
    ("change", "line", "words"),
    [
        (("    row: {zh: 一次拜访, en: one visit}\n", ""), 4, "row"),
        (("      - month\n", "      - moon\n"), 10, "no dimension 'moon'"),
        (("type: date", "type: day"), 11, "type"),
        (("en: h}, definition: {zh: 时长, en: length}}", "en: h}}"), 12, "'hours' is a figure and needs a definition"),
        (("column: visited_on", "column: visited"), 8, "no column 'visited'"),
        (("function: average, column: content", "function: average, column: month"), 15, "holds no numbers"),
        (("denominator: hours", "denominator: days"), 16, "no column 'days'"),
        (("function: ratio, ", ""), 16, "a ratio, and only a ratio"),
        (("zh: 满意率", "zh: 满意"), 15, "a column is called '满意' too"),
        (("name: content, label: {zh: 满意,", "name: hours, label: {zh: 满意,"), 13, "two columns are called 'hours'"),
        (("en: Content", "en: Hours"), 13, "two columns are called 'Hours'"),
        (("percent: true", "percents: true"), 15, "percents"),
    ],
)
def test_a_mistake_is_named_with_file_and_line(tmp_path: Path, change: tuple[str, str], line: int, words: str) -> None:
    """Whoever declares a dataset finds the place."""
    with pytest.raises(DefinitionError) as caught:
        load_folder(folder(tmp_path, change))

    assert f"trial.yaml:{line}:" in str(caught.value)
    assert words in str(caught.value)


def test_two_files_do_not_declare_the_same_dataset(tmp_path: Path) -> None:
    """The second is told."""
    (folder(tmp_path) / "zz.yaml").write_text(GOOD, encoding="utf-8")

    with pytest.raises(DefinitionError, match=r"zz.yaml:4: .*two datasets are called 'visits'"):
        load_folder(tmp_path)


def test_figures_of_the_first_screen_are_declared(tmp_path: Path) -> None:
    """Each has its sentence in both languages; one without is told."""
    assert all(figure.definition.zh and figure.definition.en for figure in load_figures().values())

    (tmp_path / "dashboard.yaml").write_text("figures:\n  - {name: open}\n", encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"dashboard.yaml:2: .*definition"):
        load_figure_file(tmp_path / "dashboard.yaml")


def test_every_declared_text_speaks_both_languages() -> None:
    """No figure without what it means, in Chinese and in English."""
    for dataset in load_datasets().values():
        texts = [dataset.title, dataset.row, dataset.definition]
        texts += [column.definition for column in dataset.columns if column.definition]
        texts += [measure.definition for measure in dataset.measures]

        assert dataset.measures, f"{dataset.name} has no measure"
        assert all(text.zh.strip() and text.en.strip() for text in texts), dataset.name
        assert not [text for text in texts if any("\u4e00" <= char <= "\u9fff" for char in text.en)], dataset.name


def test_every_dataset_stands_in_the_documentation() -> None:
    """docs/statistics.md has a row for each."""
    text = (Path(__file__).parents[2] / "docs" / "statistics.md").read_text(encoding="utf-8")

    assert [name for name in load_datasets() if f"| `{name}` |" not in text] == []


@pytest.mark.parametrize(
    ("function", "expected"),
    [("sum", (7.0, 2)), ("average", (3.5, 2)), ("count", (2, 2)), ("max", (4.0, 2)), ("min", (3.0, 2))],
)
def test_a_measure_leaves_out_what_is_blank(function: str, expected: tuple[float, int]) -> None:
    """Two of three rows have a value."""
    assert figure_of(measure(function), rows([3.0, None, 4.0], [1, 0, None])) == expected


def test_a_ratio_is_one_of_sums() -> None:
    """(3 + 4) ÷ (1 + 1), not the mean of 3 ÷ 1 and 4 ÷ 1 with the blank between."""
    assert figure_of(measure("ratio", "cost", "summary_on_time"), rows([3.0, 4.0], [1, 1])) == (3.5, 2)


@pytest.mark.parametrize("function", ["sum", "average", "count", "max", "min"])
def test_no_data_is_no_figure(function: str) -> None:
    """Without a row there is None, never 0."""
    assert figure_of(measure(function), rows([], [])).value is None


def test_nothing_is_divided_by_nothing() -> None:
    """A sum of zero below the line gives no figure."""
    assert figure_of(measure("ratio", "cost", "summary_on_time"), rows([3.0], [0])).value is None


REPORT = """
report_id: small
title: {zh: 小报表, en: Small report}
summary: {zh: 一张表, en: One table}
indicators:
  table: T_trips
  period: month
  items:
    - {measure: summary_on_time}
sheets:
  - title: {zh: 趋势, en: Trend}
    pivot:
      name: PV_trend
      table: T_trips
      rows: [{column: month}]
      values: [{measure: cost, label: {zh: 花费, en: Spent}}]
  - title: {zh: 数据, en: Data}
    table: {name: T_trips, dataset: trips}
"""


def test_a_report_names_measures(tmp_path: Path) -> None:
    """Column, function, format and label come from the declaration; a label beside it stays."""
    (tmp_path / "report.yaml").write_text(REPORT, encoding="utf-8")
    report = load_report(tmp_path / "report.yaml")
    value, indicator = report.pivots[0].values[0], report.indicators.items[0] if report.indicators else None

    assert (value.column, value.function, value.label.en) == ("cost", "sum", "Spent")
    assert indicator is not None
    assert (indicator.column, indicator.function, indicator.format) == ("summary_on_time", "average", "0.0%")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("{measure: summary_on_time}", "{measure: none}"), ":9: indicators.items.0.measure: 'trips' has no measure"),
        (("measure: cost", "measure: costs"), ":16: sheets.0.pivot.values.0.measure: 'trips' has no measure 'costs'"),
        (("dataset: trips", "dataset: tripes"), ":16: sheets.0.pivot.values.0.measure: 'tripes' has no measure"),
    ],
)
def test_a_measure_that_does_not_exist_is_named(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    """With file, line and key."""
    (tmp_path / "report.yaml").write_text(REPORT.replace(*change), encoding="utf-8")

    with pytest.raises(DefinitionError) as caught:
        load_report(tmp_path / "report.yaml")
    assert words in str(caught.value)
