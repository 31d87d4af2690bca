"""The boards: their figures are those of the datasets, their files hold them, and nobody sees another's."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook

from server.access.visibility import Viewer
from server.site import Site
from server.statistics.boards.catalogue import BOARDS, CHARTS
from server.statistics.boards.chart import Chart
from server.statistics.boards.window import Window
from server.statistics.dashboard import Figures
from server.statistics.datasets import load
from server.statistics.report_period import ReportPeriod
from server.statistics.selection import Selection
from tests.server.browsing import signed_in, visible_text
from tests.server.test_statistics import ANALYSIS, FAILURE, OPERATOR, PLAN, SHEET, at, send

COMPLAINT: dict[str, Any] = {
    "station": "CZ", "received_at": datetime(2026, 3, 3, 9, 0), "channel": "phone", "customer": "C1", "contact": "李工",
    "contact_phone": "13800000000", "received_by": "U1", "category": "quality", "is_complaint": "yes",
    "complaint_class": "quality", "grade": "minor", "description": "关门异响",
}  # fmt: skip


def _failure(days: int, **known: Any) -> dict[str, Any]:
    """A failure so many days after the first."""
    moved = {n: v + timedelta(days=days) for n, v in FAILURE.items() if isinstance(v, datetime)}
    return FAILURE | moved | known


@pytest.fixture
def facts(site: Site) -> dict[str, str]:
    """Four failures of March and April at CZ, one of them analysed and late, with a trip, a sheet and a complaint."""
    found = {}
    for days in (0, 3, 20, 35):
        answers = _failure(days, mileage_km=50_000 + 300 * days)
        found[f"case{days}"] = send(
            site, "fracas", answers, datetime(2026, 3, 2, 13, 0) + timedelta(days=days), f"c{days}"
        )
    late = ANALYSIS | {
        "corrective_action": "更换", "action_type": "process", "action_owner": "U1", "planned_on": date(2026, 4, 1)
    }  # fmt: skip
    send(site, "fracas", _failure(0, mileage_km=50_000) | late, datetime(2026, 3, 21, 9, 0), "c0")
    found["trip"] = send(site, "trip_plan", PLAN, datetime(2026, 1, 29, 9, 0), "plan")
    found["sheet"] = send(site, "survey", SHEET, datetime(2025, 10, 21, 9, 0), "sheet")
    found["complaint"] = send(site, "feedback", COMPLAINT, datetime(2026, 3, 3, 10, 0), "complaint")
    return found


AS_OF = datetime(2026, 5, 15, 12, 0)


def _charts(site: Site, viewer: Viewer = OPERATOR, period: str | None = None, **selection: str) -> dict[str, Chart]:
    with site.session(read_only=True) as session:
        figures = Figures(
            session, viewer, site=site, as_of=at(AS_OF, site), selection=Selection(**selection),
            period=ReportPeriod.parse(period) if period else None, language="zh",
        )  # fmt: skip
        return {name: figures.chart(name) for name, entry in CHARTS.items() if "reliability" not in entry.boards}


def _dataset(site: Site, name: str, **known: Any) -> list[dict[str, Any]]:
    with site.session(read_only=True) as session:
        found = load(session, name, OPERATOR, site=site, as_of=at(AS_OF, site), language="zh", **known)
    return [dict(zip((c.name for c in found.columns), row, strict=True)) for row in found.rows()]


@pytest.mark.parametrize("period", [None, "2026-03", "2026Q1", "history"])
def test_charts_are_the_datasets_added_up(site: Site, facts: Mapping[str, str], period: str | None) -> None:
    """Counts, modes, satisfaction and person days of a period are those a report of the same days holds."""
    parsed = ReportPeriod.parse(period) if period else None
    window = Window.of(parsed, min(AS_OF.date(), parsed.end) if parsed and parsed.end else AS_OF.date())
    charts, days = _charts(site, period=period), {"start": window.first, "end": window.last}
    pareto = _dataset(site, "fracas_pareto", **days)

    assert charts["stations"].n == len(_dataset(site, "fracas_cases", **days)) > 0
    assert charts["modes"].column("failures") == [row["failures"] for row in pareto]
    assert charts["modes"].column("cumulative") == [row["cumulative"] for row in pareto]
    assert sum(charts["months"].column("failures")) == len(_dataset(site, "fracas_cases", end=window.last))
    campaigns = _dataset(site, "satisfaction_campaigns", end=window.last)
    assert charts["campaigns"].column("index") == [row["index"] for row in campaigns]
    assert charts["coverage"].column("product") == [row["product"] for row in campaigns]
    trips = _dataset(site, "trips", end=window.last)
    assert sum(charts["trips_by_period"].column("person_days")) == sum(row["person_days"] for row in trips)


def test_a_month_reads_as_of_its_end(site: Site, facts: Mapping[str, str]) -> None:
    """What was planned for 1 April is not overdue in March; in the running month it is, with its record."""
    march = _charts(site, period="2026-03")["overdue"].column("number")
    assert sorted(march) == sorted([facts["complaint"], facts["trip"]])  # no answer, no summary
    assert _charts(site, period="2026-03")["months"].column("complete") == [1]
    now = _charts(site)["overdue"]

    assert facts["case0"] in now.column("number")
    assert now.column("days") == sorted(now.column("days"), reverse=True)


def test_months_in_which_nothing_happened_stand_between_the_others(site: Site, facts: Mapping[str, str]) -> None:
    """The one complaint came in March: April and the running May have none, which is said, not left out."""
    charts = _charts(site)

    assert charts["complaints"].column("period") == ["2026-03", "2026-04", "2026-05"]
    assert charts["complaints"].column("class_quality") == [1, 0, 0]
    assert charts["complaints"].column("on_time")[1:] == [None, None]
    assert charts["trips_by_period"].column("period")[-1] == "2026-05"
    assert charts["trips_by_period"].column("trips")[-1] == 0


def test_rate_of_a_place_is_divided_by_its_own_kilometres(site: Site, facts: Mapping[str, str]) -> None:
    """A station without trains has no rate, whatever the others run."""
    assert [row for row in _charts(site, station="CZ")["rate"].column("kilometres") if row]
    assert [row for row in _charts(site, station="CD")["rate"].column("kilometres") if row] == []


def test_the_list_behind_a_mark_is_as_long_as_the_mark_says(site: Site, facts: Mapping[str, str]) -> None:
    """For every month, mode, stage, station and quarter."""
    counts = {"months": "failures", "modes": "failures", "stations": "failures", "ageing": "total", "matrix": "total"}
    counts |= {"rate": "failures", "trips_by_period": "trips", "campaigns": "n"}
    with site.session(read_only=True) as session:
        figures = Figures(session, OPERATOR, site=site, as_of=at(AS_OF, site))
        for name, column in counts.items():
            chart = figures.chart(name)
            assert chart.marks, name
            found = [figures.behind(name, mark).total for mark in chart.marks]
            assert found == list(chart.column(column)), name


@pytest.mark.parametrize("who", ["charlie", "mei"])
def test_nobody_sees_more_by_asking(site: Site, facts: Mapping[str, str], app: Flask, who: str) -> None:
    """Charlie of another station finds nothing of Alice's in any chart, file or list; Mei's region holds it all."""
    browser = signed_in(app, who)
    asked = ["", "?station=CZ", "?region=华东", "?period=2026-03&station=CZ", "?period=history&customer=C1"]
    pages = [f"/boards/{board}{query}" for board in BOARDS for query in asked]
    files = [f"/charts/{name}.csv{query}" for name in CHARTS for query in asked[:2]]
    lists = ["/charts/months/records?mark=2026-03", "/charts/stations/records?mark=CZ&station=CZ&period=history"]
    seen = {path: browser.get(path).get_data(as_text=True) for path in (*pages, *files, *lists)}
    told = [path for path, text in seen.items() if any(number in text for number in facts.values())]

    if who == "charlie":
        assert told == []
        assert all("常州站</" not in seen[path] for path in pages)
        assert all(seen[path].count("\n") <= 1 for path in files if "modes" in path or "stations" in path)
    else:
        assert {"/boards/overdue", "/charts/overdue.csv", lists[1]} <= set(told)


def test_choices_are_those_of_the_viewer(app: Flask, facts: Mapping[str, str]) -> None:
    """Mei may choose among the stations of her region, Alice has nothing to choose."""
    mei, alice = signed_in(app, "mei").get("/").text, signed_in(app, "alice").get("/").text

    assert 'value="NJ"' in mei
    assert 'value="CD"' not in mei
    assert 'name="station"' not in alice


def test_a_chart_is_exported_as_it_is_drawn(site: Site, app: Flask, facts: Mapping[str, str]) -> None:
    """The workbook holds the table, and says what is counted, as of when and for which period."""
    browser = signed_in(app, "ada")
    book = load_workbook(BytesIO(browser.get("/charts/modes.xlsx?period=history&station=CZ").data))
    first, about = book.worksheets
    csv = browser.get("/charts/modes.csv?period=history&station=CZ").data.decode("utf-8-sig")

    assert [cell.value for cell in first[2]][:2] == ["无法关门", 4]
    assert first.tables
    said = {row[0].value: row[1].value for row in about.iter_rows() if row[0].value}
    assert said["期间与范围"] == "历史（全部）；常州站"
    assert said["口径"].startswith("按发生日期")
    assert csv.splitlines()[1].startswith("无法关门,4,")


def test_the_address_holds_the_filters(app: Flask, facts: Mapping[str, str]) -> None:
    """Every link on the page carries them on, and a period that is none is refused."""
    browser = signed_in(app, "ada")
    page = browser.get("/?period=2026-03&station=CZ").text

    assert '<option value="2026-03" selected>' in page
    assert "/charts/modes.xlsx?" in page
    links = [part.split('"')[0] for part in page.split('href="')[1:] if part.startswith("/charts/")]
    assert all("period=2026-03" in link and "station=CZ" in link for link in links)
    assert browser.get("/?period=2026-13").status_code == 400
    assert browser.get("/charts/nothing.csv").status_code == 404
    assert browser.get("/boards/nothing").status_code == 404


def test_an_empty_site_shows_no_figures(app: Flask) -> None:
    """No data is a dash in every tile, never a zero, and no chart is drawn."""
    page = signed_in(app, "ada").get("/").text

    assert page.count("暂无数据") + page.count("没有逾期事项") == page.count('class="card figure-card')
    assert visible_text(page).count("— ") >= 8
    assert '<svg class="chart' not in page


def test_the_script_is_kept_by_browsers_under_its_own_name(app: Flask) -> None:
    """A year, compressed; another name is not there."""
    browser = signed_in(app, "ada")
    address = browser.get("/").text.split('data-plotly="')[1].split('"')[0]
    answer = browser.get(address, headers={"Accept-Encoding": "gzip"})

    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.data) < 1_600_000
    assert browser.get("/scripts/plotly-0.js").status_code == 404
