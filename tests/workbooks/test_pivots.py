"""Reports have real pivot tables whose figures are right before and after a refresh."""

import re
from collections import Counter
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO

import pytest
from lxml import etree
from openpyxl import load_workbook

from tests.libreoffice import running
from tests.validity import assert_valid, lint
from tests.workbooks.drawn_report import BACKLOG, CASES, PARETO, REPORT, case, dataset, datasets, drawn_cases
from workbooks.dataset import Column, Dataset
from workbooks.form import Text
from workbooks.package import Package
from workbooks.pivots import build_report
from workbooks.push import PushError, push
from workbooks.reporting.pivot_cache import cache_fields, definition
from workbooks.reporting.pivot_cache import records as pivot_records
from workbooks.reporting.pivot_layout import NO_FIGURE, lay_out
from workbooks.reporting.report_definition import (
    PivotField,
    PivotValue,
    ReportChart,
    ReportDefinition,
    ReportPivot,
    ReportSheet,
    ReportTable,
)

X = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture(scope="module")
def office(require_program, tmp_path_factory):
    with running(require_program("soffice", "libreoffice"), tmp_path_factory.mktemp("office")) as found:
        yield found


@pytest.fixture(scope="module")
def report():
    return build_report(REPORT, datasets(drawn_cases()), "zh")


def grid(content, title, row, column=1):
    """The values of a sheet from a cell on, empty rows and columns at the end left out."""
    rows = [list(values[column - 1 :]) for values in load_workbook(BytesIO(content), data_only=True)[title].values]
    rows = rows[row - 1 :]
    width = max(
        (len(r) - next((n for n, v in enumerate(reversed(r)) if v not in (None, "")), len(r)) for r in rows), default=0
    )
    return [r[:width] for r in rows if any(value not in (None, "") for value in r)]


def pivot_parts(content, name):
    """(pivot table, cache definition, cache records) of the pivot table called *name*."""
    package = Package(content)
    for sheet in package.sheets():
        for part in package.related(sheet.part, "pivotTable").values():
            table = package.xml(part)
            if table.get("name") == name:
                cache = next(iter(package.related(part, "pivotCacheDefinition").values()))
                records = next(iter(package.related(cache, "pivotCacheRecords").values()))
                return table, package.xml(cache), package.xml(records)
    raise LookupError(name)


def test_a_report_is_valid_in_both_languages(report):
    """Excel opens it without a repair."""
    assert_valid(report, build_report(REPORT, datasets(drawn_cases()), "en"))


def test_pivot_cells_hold_the_figures_of_the_dataset(report):
    """Viewers that do not refresh show right numbers: by region, station and month of the latest year."""
    assert grid(report, "站点与月份", 8) == [
        ["故障合计", None, "月", None, None],
        ["区域", "站点", "2026-01", "2026-02", "总计"],
        ["华中", None, 1, None, 1],
        [None, "郑州站", 1, None, 1],
        ["华南", None, 3, 2, 5],
        [None, "广州站", 2, 1, 3],
        [None, "深圳站", 1, 1, 2],
        ["总计", None, 4, 2, 6],
    ]
    assert grid(report, "站点与月份", 4)[0] == ["年", 2026, None, None, None]


def test_means_leave_out_blanks_and_show_a_dash_over_nothing(report):
    """A mean over no data is no zero and no error."""
    rows = {row[0] or row[1]: row for row in grid(report, "站点绩效", 8)}

    assert rows["总计"][2] == 8
    assert rows["总计"][3] == pytest.approx(1.5 + sum(range(1, 9)) / 80)
    assert rows["总计"][4] == NO_FIGURE
    assert rows["总计"][5] == 1


def test_most_frequent_first(report):
    """Sorting by the figure holds on both levels."""
    labels = [[v for v in row[:2] if v] for row in grid(report, "产品与模式", 8)[2:]]

    assert labels == [["制动系统"], ["部件0"], ["部件1"], ["供风系统"], ["部件0"], ["部件1"], ["总计"]]
    figures = [row[-1] for row in grid(report, "产品与模式", 8)[2:]]
    assert figures == [6, 3, 3, 2, 1, 1, 8]


def test_a_given_order_comes_before_the_alphabet(report):
    """Stages and age buckets stand in the order of the loop and of time; stocks are not added up over months."""
    assert grid(report, "闭环时效", 8)[1:] == [
        ["阶段", "0~7天", "8~30天", "180天以上", "总计"],
        ["处理", 1, 1, None, 2],
        ["待关闭", None, None, 1, 1],
        ["总计", 1, 1, 1, 3],
    ]
    assert [row[0] for row in grid(report, "未关闭走势", 7)[2:]] == ["2026-01", "2026-02"]


def test_the_cache_holds_every_row_and_is_refreshed_on_opening(report):
    """Records refer to shared items rightly; Excel reads the table again when the file is opened."""
    _, cache, records = pivot_parts(report, "PV_trend")

    assert cache.get("refreshOnLoad") == "1"
    assert cache.find(f"{X}cacheSource/{X}worksheetSource").get("name") == "T_fracas_cases"
    fields = cache.findall(f"{X}cacheFields/{X}cacheField")
    assert [field.get("name") for field in fields] == [zh for zh, _ in CASES.values()]
    place = list(CASES).index("station")
    shared = [item.get("v") for item in fields[place].find(f"{X}sharedItems")]
    stations = Counter(shared[int(record[place].get("v"))] for record in records)
    assert stations == Counter(row["station"] for row in drawn_cases())
    assert records[0][list(CASES).index("reported_at")].get("v") == "2025-12-02T08:00:00"
    assert records[0][list(CASES).index("repair_hours")].tag == f"{X}m"


def charts(content):
    """(sheet, source of the pivot chart or None) of every chart, in the order of the sheets."""
    package = Package(content)
    return [
        (sheet.title, package.xml(chart).findtext("{*}pivotSource/{*}name"))
        for sheet in package.sheets()
        for drawing in package.related(sheet.part, "drawing").values()
        for chart in package.related(drawing, "chart").values()
    ]


def test_charts_of_pivot_tables_are_pivot_charts(report):
    """Beside their pivot table and on the board they follow it when it is refreshed; the Pareto is of its table."""
    assert charts(report) == [
        ("看板", "[report.xlsx]月度趋势!PV_trend"),
        ("看板", None),
        ("看板", "[report.xlsx]闭环时效!PV_ageing"),
        ("看板", "[report.xlsx]未关闭走势!PV_backlog"),
        ("月度趋势", "[report.xlsx]月度趋势!PV_trend"),
        ("模式帕累托", None),
        ("闭环时效", "[report.xlsx]闭环时效!PV_ageing"),
        ("未关闭走势", "[report.xlsx]未关闭走势!PV_backlog"),
    ]


def test_a_slicer_steers_every_pivot_table_over_its_table(report):
    """Its cache names them all; each of them lists the items its buttons stand for, and the cache says which it is."""
    package = Package(report)
    ids = {s.get("sheetId"): s.get("name") for s in package.xml(package.workbook).iterfind(f"{X}sheets/{X}sheet")}
    found = {}
    for part in package.related(package.workbook, "slicerCache").values():
        root = package.xml(part)
        pivots = [(ids[p.get("tabId")], p.get("name")) for p in root.iterfind("{*}pivotTables/{*}pivotTable")]
        found[root.get("name")] = (root.get("sourceName"), pivots, root.find(".//{*}tabular"))
    fed = [(s.title["zh"], s.pivot.name) for s in REPORT.sheets if s.pivot and s.pivot.table == "T_fracas_cases"]
    assert [source for source, _, _ in found.values()] == ["区域", "严重度", "车型"]

    for source, pivots, tabular in found.values():
        assert pivots == fed
        for _, name in pivots:
            table, cache, _ = pivot_parts(report, name)
            assert cache.find(".//{*}pivotCacheDefinition").get("pivotCacheId") == tabular.get("pivotCacheId")
            place = [field.get("name") for field in cache.iter(f"{X}cacheField")].index(source)
            items = table.findall(f"{X}pivotFields/{X}pivotField")[place].findall(f"{X}items/{X}item")
            shared = cache.findall(f".//{X}sharedItems")[place]
            listed = [item.get("x") for item in items if item.get("t") != "default"]
            assert sorted(listed) == sorted(i.get("x") for i in tabular.iter("{*}i"))
            assert len(listed) == len(shared)
    (drawing,) = package.related(next(s.part for s in package.sheets() if s.title == "看板"), "drawing").values()
    frames = [element.get("name") for element in package.xml(drawing).iter("{*}slicer")]
    assert frames == ["区域", "严重度", "车型"]
    boxes = [[t.text for t in box.iter("{*}t")] for box in package.xml(drawing).iter("{*}Fallback")]
    assert boxes[0] == ["区域", "华中   华南"]  # what other programs show


def test_the_cover_counts_the_month_before_and_names_its_sources(report):
    """As-of time and the last full month stand on the first sheet; what is counted stands on its own."""
    text = "\n".join(str(value) for row in grid(report, "说明", 1) for value in row if value is not None)

    assert "截至\n2026-03-05 18:00" in text
    sources = {row[0]: row for row in grid(report, "口径", 3)}
    assert sources["T_fracas_cases"][1] == "数据 fracas_cases\nfracas_cases"
    assert sources["T_fracas_cases"][6:] == [8, "2026-03-05 18:00"]
    assert ["指标", "2026-02", "2026-01", "全部"] in grid(report, "说明", 1, column=2)
    assert ["故障数", 2, 4, 8] in grid(report, "说明", 1, column=2)


def test_a_report_without_rows_can_be_built_and_filled_later():
    """A new installation has no failures yet; the first push fills the same workbook."""
    none = datasets([])
    empty = build_report(
        REPORT, {name: dataset(name[2:], c, []) for name, c in zip(none, (CASES, BACKLOG, PARETO), strict=True)}, "zh"
    )

    assert lint(empty) == []
    filled = push(empty, datasets(drawn_cases())["T_fracas_cases"]).content
    assert [row[0] for row in grid(filled, "数据_故障", 2)] == [f"FR-{n:03d}" for n in range(1, 9)]


def more_cases():
    """What a month later has: a new month, a new station in a new region, one station gone."""
    found = [row for row in drawn_cases() if row["station"] != "郑州站"]
    return found + [case(n, "2026-03", "西安站" if n % 3 else "广州站") for n in range(20, 45)]


def test_a_push_into_a_report_changes_only_what_must(report):
    """The table, its sheet, the cover's recalculation and the cache's refresh; pivot tables and charts stay."""
    pushed = push(report, dataset("fracas_cases", CASES, more_cases()))

    assert pushed.table == "T_fracas_cases"
    assert len([name for name in pushed.changed_parts if "worksheets" in name]) == 1
    assert not [name for name in pushed.changed_parts if "pivotTables" in name or "chart" in name]
    assert_valid(pushed.content, baseline=report)


def test_the_pareto_chart_follows_its_table(report):
    """The plain chart over the pushed table shows as many bars as there are modes, and the 80 % line."""
    modes = [{"failure_mode": f"模式{n}", "failures": 9 - n, "share": 0.2, "cumulative": n / 5} for n in range(1, 6)]

    pushed = push(report, dataset("fracas_pareto", PARETO, modes))

    assert lint(pushed.content) == []
    package = Package(pushed.content)
    chart = next(name for name in pushed.changed_parts if "charts/" in name)
    ranges = {f.text for f in package.xml(chart).iter("{*}f")}
    assert {"模式帕累托!$A$5:$A$9", "模式帕累托!$B$5:$B$9", "模式帕累托!$D$5:$D$9", "模式帕累托!$E$5:$E$9"} <= ranges
    assert [
        row[4] for row in load_workbook(BytesIO(pushed.content))["模式帕累托"].iter_rows(5, 9, values_only=True)
    ] == ["=0.8"] * 5


@pytest.mark.parametrize(
    ("source", "fed"),
    [
        ('ref="A1:T9" sheet="数据_故障"', True),
        ('ref="A1:F4" sheet="数据_故障"', True),
        ('ref="A1:T9" sheet="数据_未关闭"', False),
        ('name="t_FRACAS_cases"', True),
        ('name="T_fracas_pareto"', False),
    ],
)
def test_pivot_caches_fed_by_the_table_are_refreshed(report, source, fed):
    """Fed by name, by the whole range or by a part of it; a whole range grows with the table."""
    package = Package(report)
    part = "xl/pivotCache/pivotCacheDefinition1.xml"
    text = package.read(part).decode()
    text = text.replace('name="T_fracas_cases"', source).replace(' refreshOnLoad="1"', "")
    package.replace(part, text.encode())

    pushed = push(package.save(), dataset("fracas_cases", CASES, more_cases()))

    cache = Package(pushed.content).xml(part)
    assert cache.get("refreshOnLoad") == ("1" if fed else None)
    if 'ref="A1:T9"' in source and fed:
        assert cache.find(f"{X}cacheSource/{X}worksheetSource").get("ref") == f"A1:T{len(more_cases()) + 1}"


def test_libreoffice_refreshes_the_pivot_tables_of_a_pushed_report(report, office, tmp_path):
    """Its totals, computed anew from the table, are the sums of the pushed rows; the cover's formulas agree."""
    rows = more_cases()
    (tmp_path / "pushed.xlsx").write_bytes(push(report, dataset("fracas_cases", CASES, rows)).content)

    office("open", tmp_path / "pushed.xlsx")
    office("formulas")  # calculates; Excel does by itself when it opens the file
    office("save", tmp_path / "refreshed.xlsx")
    refreshed = (tmp_path / "refreshed.xlsx").read_bytes()

    trend = {row[0]: row for row in grid(refreshed, "月度趋势", 7)}
    months = Counter(row["month"] for row in rows)
    assert {month: trend[month][-1] for month in months} == dict(months)
    assert [row[-1] for row in grid(refreshed, "月度趋势", 7)][-1] == len(rows)
    header = next(row for row in grid(refreshed, "月度趋势", 7) if row[0] == "月")
    assert "西北" in header
    figures = {row[0]: row[1:] for row in grid(refreshed, "说明", 1, column=2)}
    assert figures["故障数"] == [months["2026-02"], months["2026-01"], len(rows)]
    answered = [row["response_hours"] for row in rows]
    assert figures["平均响应（小时）"][2] == pytest.approx(sum(answered) / len(answered))


def test_pivot_values_follow_their_function():
    """Count counts all that is there, the others take numbers; a filter with a selection leaves rows out."""
    columns = [
        Column("k", Text("键", "k"), "text"),
        Column("y", Text("年", "y"), "integer"),
        Column("v", Text("值", "v"), "decimal"),
    ]
    fields = cache_fields(columns, [["a", "a", "b", None], [1, 2, 2, 2], [5, 2.5, None, 4]], frozenset({"k", "y"}))
    functions = ("sum", "count", "average", "max", "min")
    values = tuple(PivotValue(column="v", label=Text(f, f), function=f) for f in functions)
    pivot = ReportPivot(name="P", table="T", rows=(PivotField(column="k"),), values=values)

    everything = lay_out(pivot, fields, "en")
    latest = lay_out(
        ReportPivot(
            name="P", table="T", rows=(PivotField(column="k"),), values=values[:1],
            filters=(PivotField(column="y", select="latest"),),
        ), fields, "en",
    )  # fmt: skip

    assert [(line.path, line.figures) for line in everything.lines] == [
        (("a",), (7.5, 2, 3.75, 5, 2.5)),
        (("b",), (0, 0, NO_FIGURE, 0, 0)),
        ((None,), (4, 1, 4.0, 4, 4)),
        ((), (11.5, 3, pytest.approx(11.5 / 3), 5, 2.5)),
    ]
    assert [line.figures[0] for line in latest.lines] == [2.5, 0, 4, 6.5]


def test_a_figure_named_like_a_column_gets_another_name():
    """Excel refuses a pivot table whose value is called like a column of its source."""
    content = build_report(REPORT, datasets(drawn_cases()), "zh")

    for pivot in REPORT.pivots:
        table, cache, _ = pivot_parts(content, pivot.name)
        columns = {field.get("name") for field in cache.iter(f"{X}cacheField")}
        assert not columns & {value.get("name") for value in table.iter(f"{X}dataField")}
        assert re.fullmatch(r"[A-Z]+\d+:[A-Z]+\d+", table.find(f"{X}location").get("ref"))


def odd_values():
    """What a cell or a cache could get wrong: markup, blanks, flags, days beside instants, codes Excel reads."""
    kinds = {"words": "text", "figure": "decimal", "flag": "boolean", "day": "date", "at": "datetime", "n": "integer"}
    values = [
        ("a<b>&\"c'", 1.5, True, date(2026, 1, 2), datetime(2026, 1, 2, 3, 4, 5), 7),
        ("", Decimal("2.25"), None, None, None, None),
        ("  两 头  ", 1e-9, False, date(2024, 2, 29), datetime(2024, 2, 29), -3),
        ("_x0041_\x07\n第二行", float("nan"), True, date(1999, 12, 31), datetime(1999, 12, 31, 23, 59, 59), 2**40),
        (None, 12345678.901, None, date(2026, 1, 2), None, 0),
    ]
    columns = tuple(Column(name, Text(f"列{name}", name), kind) for name, kind in kinds.items())
    words = Text("奇怪的值", "Odd values")
    return Dataset(
        name="odd", title=words, definition=words, as_of=datetime(2026, 3, 5), columns=columns,
        data=tuple(list(column) for column in zip(*values, strict=True)),
    )  # fmt: skip


def test_rows_of_large_tables_are_those_xlsxwriter_would_write():
    """A table is written the quick way, or by XlsxWriter where a chart stands on its values: the cells are the same."""
    quick = ReportSheet(title=Text("表", "Table"), table=ReportTable(name="T_odd", dataset="odd"))
    chart = ReportChart(type="column", title=Text("图", "Chart"), categories="words", columns=("n",))
    slow = replace(quick, title=Text("表", "Chart"), chart=chart)
    summary, found = Text("", ""), odd_values()
    found.data[0][3] = "第一行\n第二行"  # openpyxl reads Excel's codes in one kind of text only
    built = [
        build_report(
            ReportDefinition(report_id="odd", title=summary, summary=summary, sheets=(sheet,)),
            {"T_odd": found},
            "zh",
        )
        for sheet in (quick, slow)
    ]

    rows = [
        [[cell.value for cell in row] for row in load_workbook(BytesIO(content))["表"].iter_rows()] for content in built
    ]
    assert rows[0] == [row[:6] for row in rows[1][3:]]
    assert len(rows[0]) == 6
    assert_valid(*built)


def test_a_cache_can_hold_any_value():
    """Each record says what its row holds, in the cache's own way of writing it."""
    found = odd_values()
    fields = cache_fields(found.columns, found.data, frozenset({"flag", "day"}))

    records = etree.fromstring(pivot_records(fields))
    shared = etree.fromstring(definition(fields, "T_odd", "zh", found.as_of)).findall(f".//{X}sharedItems")

    def held(record):
        items = [
            shared[place][int(item.get("v"))] if item.tag == f"{X}x" else item for place, item in enumerate(record)
        ]
        return [(item.tag.removeprefix(X), item.get("v")) for item in items]

    assert [held(record) for record in records] == [
        [("s", "a<b>&\"c'"), ("n", "1.5"), ("b", "1"), ("d", "2026-01-02T00:00:00"),
         ("d", "2026-01-02T03:04:05"), ("n", "7")],
        [("m", None), ("n", "2.25"), ("m", None), ("m", None), ("m", None), ("m", None)],
        [("s", "  两 头  "), ("n", "1e-9"), ("b", "0"), ("d", "2024-02-29T00:00:00"),
         ("d", "2024-02-29T00:00:00"), ("n", "-3")],
        [("s", "_x005F_x0041__x0007_\n第二行"), ("m", None), ("b", "1"), ("d", "1999-12-31T00:00:00"),
         ("d", "1999-12-31T23:59:59"), ("n", str(2**40))],
        [("m", None), ("n", "12345678.901"), ("m", None), ("d", "2026-01-02T00:00:00"), ("m", None), ("n", "0")],
    ]  # fmt: skip
    assert shared[3].get("minDate") == "1999-12-31T00:00:00"
    assert (shared[5].get("minValue"), shared[5].get("containsInteger")) == ("-3", "1")


def test_a_text_longer_than_a_cell_is_told():
    """With the column's name; the table is one of those written the quick way."""
    found = datasets(drawn_cases())
    column = list(CASES).index("failure_mode")
    data = [list(values) for values in found["T_fracas_cases"].data]
    data[column][3] = "长" * 32_768

    with pytest.raises(PushError, match="failure_mode"):
        build_report(REPORT, found | {"T_fracas_cases": replace(found["T_fracas_cases"], data=tuple(data))}, "zh")
