"""Every kind of period, chart and format of a report is valid, and LibreOffice calculates the same figures."""

from dataclasses import replace
from datetime import UTC, date, datetime
from io import BytesIO

import pytest
from openpyxl import load_workbook

from tests.libreoffice import running_here
from tests.validity import assert_valid
from tests.workbooks.drawn_report import BACKLOG, CASES, PARETO, REPORT, dataset, datasets, drawn_cases
from workbooks.dataset import Column
from workbooks.form import Text
from workbooks.package import Package
from workbooks.pivots import build_report
from workbooks.push import push
from workbooks.reporting.edition import Edition, Lineage, Origin
from workbooks.reporting.report_definition import (
    CalculatedColumn,
    Indicator,
    Indicators,
    PivotField,
    PivotValue,
    ReportChart,
    ReportDefinition,
    ReportPivot,
    ReportSheet,
    ReportSlicer,
    ReportTable,
)
from workbooks.reporting.report_stamp import ReportStamp, StampedTable

WORDS = Text("文字", "Words")
KINDS = {
    "month": ("2026-02", "2026-01", Text("2026年2月", "February 2026")),
    "quarter": ("2026Q1", "2025Q4", Text("2026年第1季度", "Q1 2026")),
    "history": ("2026", "2025", Text("历史（全部）", "History")),
}


def edition(kind, *, start=None, over=True, url="https://aftersheet.example"):
    name, before, period = KINDS[kind]
    tables = {
        table.name: StampedTable(dataset=table.dataset, start=start, end=date(2026, 3, 31), rows=8)
        for table in REPORT.tables
    }
    stamp = ReportStamp(
        report="fracas_board", period=name, as_of=datetime(2026, 3, 5, 10, tzinfo=UTC), language="zh",
        built_at=datetime(2026, 3, 5, 10, tzinfo=UTC), selection={"region": "华东"}, username="mei",
        roles=("manager",), station=None, region="华东", tables=tables, version="0.1",
    ).sealed(b"key")  # fmt: skip
    return Edition(
        stamp=stamp, kind=kind, name=name, before=before, period=period, over=over, selection=Text("华东", "East"),
        viewer=Text("华东（Mei）", "East (Mei)"), as_of=datetime(2026, 3, 5, 18), built_at=datetime(2026, 3, 5, 18),
        public_url=url,
    )  # fmt: skip


def lineage(count=3):
    origins = [
        Origin(f"FR-{n:03d}", "故障表", 2, f"s{n}", datetime(2026, 1, n, 8), "网页", "张伟", f"表 {n}.xlsx", "ab" * 32)
        for n in range(1, count + 1)
    ]
    return Lineage(origins=origins, counted={"T_fracas_cases": {o.number: 1 for o in origins}}, limit=50_000)


def with_quarters():
    """The drawn cases, with the column that reports for quarters are told by."""
    cases = [case | {"quarter": f"{case['year']}Q{(int(case['month'][5:]) + 2) // 3}"} for case in drawn_cases()]
    return datasets(drawn_cases()) | {
        "T_fracas_cases": dataset("fracas_cases", CASES | {"quarter": ("季度", "text")}, cases)
    }


def built(kind, language="zh", **known):
    return build_report(REPORT, with_quarters(), language, edition=edition(kind, **known), lineage=lineage())


def values(content, title):
    return [list(row) for row in load_workbook(BytesIO(content), data_only=True)[title].iter_rows(values_only=True)]


def cover(content):
    return {row[1]: tuple(row[2:5]) for row in values(content, "说明") if row[1]}


@pytest.fixture(scope="module")
def office(require_program, tmp_path_factory):
    with running_here(require_program, tmp_path_factory.mktemp("office")) as found:
        yield found


def test_covers_compare_a_period_with_the_one_before():
    """A month, a quarter, and the last year of a history; what the table has not is left out, never zero."""
    assert cover(built("month"))["故障数"] == (2, 4, 8)
    assert cover(built("quarter"))["指标"] == ("2026Q1", "2025Q4", "全部")
    assert cover(built("quarter"))["故障数"] == (6, 2, 8)
    assert cover(built("history"))["故障数"] == (6, 2, 8)
    assert cover(built("quarter", start=date(2026, 1, 1)))["故障数"] == (6, None, None)
    facts = {row[1]: row[2] for row in values(built("month", over=False), "说明") if row[1]}
    assert facts["报告期"] == "2026年2月（未结束）"
    assert facts["统计范围"] == "华东"


def test_amounts_of_which_none_is_known_are_no_zero(office, tmp_path):
    """Trips without a cost so far: a dash. A month without any trip has cost nothing."""
    cost = Indicator(label=Text("费用", "Cost"), column="cost")
    table, words = ReportTable(name="T_trips", dataset="trips"), Text("行", "Rows")
    report = ReportDefinition(
        report_id="trips", title=WORDS, summary=WORDS,
        indicators=Indicators(table="T_trips", period="month", items=(cost,)),
        sheets=(ReportSheet(title=words, table=table),),
    )  # fmt: skip
    rows = [{"month": "2026-02", "cost": None}, {"month": "2025-12", "cost": 12.5}]
    stamped = edition("month")
    tables = {"T_trips": stamped.stamp.tables["T_fracas_cases"]}
    stamped = replace(stamped, stamp=replace(stamped.stamp, tables=tables))
    # Without any row nothing is known of any month.
    for held, figures in ((rows, ("–", 0, 12.5)), ([], ("–", "–", "–"))):
        data = {"T_trips": dataset("trips", {"month": ("月", "text"), "cost": ("费用额", "decimal")}, held)}
        content = build_report(report, data, "zh", edition=stamped)
        (tmp_path / f"{len(held)}.xlsx").write_bytes(content)
        office("open", tmp_path / f"{len(held)}.xlsx")
        on_cover = [found for found in office("formulas") if found[0] == "说明"]
        results = {place[0]: result for _, place, _, result in on_cover}  # its last row

        assert cover(content)["费用"] == figures
        assert results == dict(zip("CDE", figures, strict=True))
    assert load_workbook(BytesIO(content))["行"].oddFooter.left.text == (
        "文字 · 2026年2月 · 截至 2026-03-05 18:00 · 华东（Mei） · 华东"
    )


def test_reports_of_every_kind_are_valid():
    """In both languages, with rows and without any, with links, stamp, lineage and slicers."""
    nothing = {
        name: dataset(name[2:], columns, [])
        for name, columns in (("T_fracas_cases", CASES), ("T_fracas_backlog", BACKLOG), ("T_fracas_pareto", PARETO))
    }
    empty = replace(edition("month"), public_url="")
    none = Lineage(origins=(), counted={}, limit=50_000)
    many = Lineage(origins=(), counted={"T_fracas_cases": {"FR-1": 1, "FR-2": 1, "FW-1": 2}}, limit=2)
    assert_valid(
        built("month"), built("quarter", "en"), built("history", over=False),
        build_report(REPORT, nothing, "zh", edition=empty, lineage=none),
        build_report(REPORT, nothing, "en", edition=empty, lineage=many),
    )  # fmt: skip


def test_libreoffice_calculates_the_figures_that_are_in_the_cells(office, tmp_path):
    """It makes the pivot tables and the cover's formulas anew from the tables: every number is the one we wrote."""
    for kind in KINDS:
        content = built(kind)
        (tmp_path / f"{kind}.xlsx").write_bytes(content)
        office("open", tmp_path / f"{kind}.xlsx")
        office("formulas")
        office("save", tmp_path / f"{kind}-again.xlsx")
        again = (tmp_path / f"{kind}-again.xlsx").read_bytes()

        assert cover(again)["故障数"] == cover(content)["故障数"]
        assert cover(again)["平均响应（小时）"] == pytest.approx(cover(content)["平均响应（小时）"])
        for sheet in REPORT.sheets:
            if sheet.pivot:
                ours, theirs = (figures(found, sheet.title["zh"]) for found in (content, again))
                assert theirs == pytest.approx(ours), (kind, sheet.title["zh"])
    sheet = load_workbook(BytesIO(again))["月度趋势"]
    heading = next(cell for row in sheet.iter_rows() for cell in row if cell.value == "月")
    assert (heading.fill.fgColor.rgb, heading.font.b) == ("FFDDEBF7", True)  # the styles we brought along


def figures(content, title):
    """Every number of a sheet's pivot table in its place."""
    return {
        (row, column): value
        for row, line in enumerate(values(content, title))
        if row > 5  # under the filters
        for column, value in enumerate(line)
        if isinstance(value, int | float)
    }


def test_every_kind_of_chart_and_format_is_valid(office, tmp_path):
    """One report with all of them; LibreOffice opens it, too."""
    table = ReportTable(name="T_odd", dataset="odd")

    def sheet(kind, **known):
        chart = ReportChart(type=kind, title=WORDS, categories="month", columns=("n",), **known)
        named = replace(table, name=f"T_{kind}")
        return ReportSheet(title=Text(kind, kind), table=named, chart=chart)

    pivot = ReportPivot(
        name="PV_all", table="T_rows", rows=(PivotField(column="month"),), bars=("n",), few="n", heat=True,
        values=(
            PivotValue(column="n", label=Text("合计", "Total")),
            PivotValue(column="rate", label=Text("率", "Rate "), function="average", format="0.0%"),
        ),
    )  # fmt: skip
    over = ReportChart(type="column", title=WORDS, columns=("n",), lines=("rate",))
    sheets = (
        ReportSheet(title=Text("透视", "Pivot"), pivot=pivot, chart=over, slicers=(ReportSlicer(column="kind"),)),
        sheet("column", limits=("rate",), lines=("upper", "lower")), sheet("column_percent"), sheet("bar"),
        sheet("bar_percent"), sheet("line", limits=("lower", "upper")), sheet("radar"), sheet("doughnut"),
        ReportSheet(
            title=Text("scatter", "scatter"), table=replace(table, name="T_scatter"),
            chart=ReportChart(type="scatter", title=WORDS, categories="rate", columns=("n",), labels="kind"),
        ),
        ReportSheet(title=Text("行", "Rows"), table=replace(table, name="T_rows")),
    )  # fmt: skip
    columns = {
        "month": ("月", "text"), "kind": ("类<&>", "text"), "n": ("数", "integer"), "rate": ("率", "decimal"),
        "lower": ("下", "decimal"), "upper": ("上", "decimal"),
    }  # fmt: skip
    rows = [
        {
            "month": f"2026-0{n}",
            "kind": "甲\"乙'"[: n % 3 + 1],
            "n": n * 2,
            "rate": n / 9,
            "lower": n / 10,
            "upper": n / 8,
        }
        for n in range(1, 7)
    ]
    report = ReportDefinition(report_id="odd", title=WORDS, summary=WORDS, sheets=sheets)
    rowed = dataset("odd", columns, rows)

    content = build_report(report, {t.name: rowed for t in report.tables}, "zh")

    (tmp_path / "kinds.xlsx").write_bytes(content)
    office.convert(tmp_path / "kinds.xlsx", tmp_path / "kinds.ods")
    package = Package(content)
    setups = {sheet.title: package.xml(sheet.part).find("{*}pageSetup") for sheet in package.sheets()}
    assert setups["透视"].get("fitToHeight", "1") == "1"  # with its chart on one page
    assert setups["行"].get("fitToHeight") == "0"
    assert_valid(content)


def test_points_keep_their_names_when_rows_come_and_go():
    """The labels of a scatter are those of the column, after a push too."""
    rows = [{"month": "a", "n": 1, "rate": 0.1}, {"month": "b", "n": 2, "rate": 0.2}]
    columns = {"month": ("月", "text"), "n": ("数", "integer"), "rate": ("率", "decimal")}
    chart = ReportChart(type="scatter", title=WORDS, categories="rate", columns=("n",), labels="month")
    sheet = ReportSheet(title=Text("点", "Points"), table=ReportTable(name="T_odd", dataset="odd"), chart=chart)
    report = ReportDefinition(report_id="odd", title=WORDS, summary=WORDS, sheets=(sheet,))
    content = build_report(report, {"T_odd": dataset("odd", columns, rows)}, "zh")
    more = [{"month": "c", "n": 3, "rate": 0.3}, *rows]

    for book, cells, names in (
        (content, "'点'!$A$5:$A$6", ["a", "b"]),
        (push(content, dataset("odd", columns, more)).content, "'点'!$A$5:$A$7", ["c", "a", "b"]),
    ):
        labels = next(Package(book).xml("xl/charts/chart1.xml").iter("{*}datalabelsRange"))
        assert labels.findtext("{*}f") == cells
        assert [point.text for point in labels.iter("{*}v")] == names
        assert_valid(book)


def test_a_table_to_be_read_stands_under_its_heading_with_its_decimals():
    """One with a note and nothing else; a wide one with a chart stands under the chart; a push keeps all that."""
    columns = tuple(
        Column(name, Text(name, name), kind, decimals=places)
        for name, kind, places in (
            ("part", "text", None),
            ("p", "decimal", 3),
            ("km", "decimal", 0),
            ("n", "integer", None),
        )
    )
    data = (["A", "B"], [0.0123, 0.5], [1234567.0, 2.0], [1, 2])
    rates = replace(dataset("rates", {}, []), columns=columns, data=data)
    table = ReportTable(name="T_rates", dataset="rates", columns=("part", "p", "km", "n"))
    chart = ReportChart(type="column", title=WORDS, categories="part", columns=("p",))
    wide = replace(table, name="T_wide", calculated=tuple(
        CalculatedColumn(name=f"c{n}", label=Text(f"c{n}", f"c{n}"), formula="1") for n in range(5)
    ))  # fmt: skip
    report = ReportDefinition(
        report_id="rates", title=WORDS, summary=WORDS,
        sheets=(
            ReportSheet(title=Text("率", "Rates"), note=WORDS, table=table),
            ReportSheet(title=Text("宽", "Wide"), note=WORDS, table=wide, chart=chart),
        ),
    )  # fmt: skip
    content = build_report(report, {"T_rates": rates, "T_wide": rates}, "zh")
    refreshed = push(
        content, replace(rates, data=tuple([*values, values[0]] for values in data)), table="T_rates"
    ).content
    sheet = load_workbook(BytesIO(refreshed))["率"]

    assert [row[0] for row in values(content, "率")] == ["率", "文字", None, "part", "A", "B"]
    assert [cell.number_format for cell in sheet[6]] == ["General", "#,##0.000", "#,##0", "0"]
    assert (sheet.tables["T_rates"].ref, sheet["A7"].value) == ("A4:D7", "A")
    assert load_workbook(BytesIO(content))["宽"].tables["T_wide"].ref == "A27:I29"
    assert_valid(content, refreshed)
