"""Reports are made for a period, as of its end, narrowed to a place or a product, for whoever asks."""

from datetime import UTC, date, datetime, timedelta
from io import BytesIO

import pytest
from flask import Flask
from openpyxl import load_workbook

from server.access.visibility import Viewer
from server.reports import PeriodNotOffered, UnknownReport, build_named_report, occasion
from server.reports.choices import NoSuchChoice, chosen, label
from server.reports.spans import days
from server.site import Site
from server.statistics.report_period import ReportPeriod
from server.statistics.selection import Selection
from tests.server.browsing import program, signed_in
from tests.server.company import MASTER
from tests.server.test_statistics import FAILURE, OPERATOR, at, case, colleague, send

__all__ = ["case", "colleague"]  # fixtures
NAME = "fracas_monthly"


def numbers(content: bytes) -> list[str]:
    """The records in the report's table of failures."""
    sheet = load_workbook(BytesIO(content), data_only=True)["数据_故障"]
    return [row[0] for row in sheet.iter_rows(2, values_only=True) if row[0]]


def built(site: Site, period: str, viewer: Viewer = OPERATOR, **known: object) -> list[str]:
    return numbers(
        build_named_report(site, NAME, viewer, language="zh", period=ReportPeriod.parse(period), **known)  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("span", "period", "first", "last"),
    [
        ("period", "2026-05", date(2026, 5, 1), date(2026, 5, 31)),
        ("history", "2026-05", None, date(2026, 5, 31)),
        ("year", "2026Q2", date(2026, 1, 1), date(2026, 6, 30)),
        (24, "2026-05", date(2024, 6, 1), date(2026, 5, 31)),
        (1, "2026Q2", date(2026, 4, 1), date(2026, 6, 30)),
        (24, "history", None, None),
        ("period", "history", None, None),
    ],
)
def test_a_table_spans_what_its_definition_says(
    span: int | str, period: str, first: date | None, last: date | None
) -> None:
    """Never less than the period itself, and no later than its end."""
    assert days(span, ReportPeriod.parse(period)) == (first, last)  # type: ignore[arg-type]


def test_a_report_shows_the_end_of_its_period_or_now(site: Site) -> None:
    """A month that is over reads the same whenever its report is made."""
    over = occasion(site, NAME, period=ReportPeriod.parse("2026-05"))
    running = occasion(site, NAME)

    assert over.as_of.astimezone(site.zone) == datetime(2026, 5, 31, 23, 59, 59, 999999, site.zone)
    assert running.period == ReportPeriod.around("month", site.now().date())
    assert datetime.now(UTC) - running.as_of < timedelta(minutes=1)
    assert (over.file_name("zh"), over.plain_name) == ("FRACAS 故障月报 2026-05", "fracas_monthly-2026-05")


def test_without_a_period_it_is_the_one_of_the_instant(site: Site) -> None:
    """A report as of a day in May is the report for May."""
    assert occasion(site, NAME, as_of=at(datetime(2026, 5, 20), site)).period.name == "2026-05"


def test_what_is_not_offered_is_told(site: Site) -> None:
    """A report that is not there, and a period it is not made for."""
    with pytest.raises(UnknownReport):
        occasion(site, "none")
    with pytest.raises(PeriodNotOffered, match="month, quarter, history"):
        occasion(site, NAME, period=ReportPeriod.parse("2026"))


def test_the_report_of_a_month_does_not_change_afterwards(site: Site, case: str) -> None:
    """What is reported and closed later is in later reports only."""
    before = built(site, "2026-03")
    later = FAILURE | {"reported_at": datetime(2026, 4, 20, 9), "occurred_at": datetime(2026, 4, 20, 8)}
    later |= {name: datetime(2026, 4, 20, 15) for name in ("responded_at", "arrived_at", "repaired_at")}
    second = send(site, "fracas", later, datetime(2026, 4, 21), "second")

    assert built(site, "2026-03") == before == [case]
    assert built(site, "2026-02") == []
    assert built(site, "history") == [case, second]


def test_a_selection_narrows_every_table(site: Site, case: str) -> None:
    """By codes or labels; what is not in master data is told with what is."""
    inside, outside = chosen(MASTER, {"region": "East", "system": "P1"}), chosen(MASTER, {"station": "成都站"})

    assert (inside, outside) == (Selection(region="华东", system="P1"), Selection(station="CD"))
    assert built(site, "2026-03", selection=inside) == [case]
    assert built(site, "2026-03", selection=outside) == []
    assert label(MASTER, inside)["en"] == "East, Door system"
    with pytest.raises(NoSuchChoice, match=r"C1 \(Changzhou Metro\)"):
        chosen(MASTER, {"customer": "C9"})


def test_page_and_program_name_the_period(app: Flask, site: Site, case: str) -> None:
    """In the address and in the file's name; mistakes are told."""
    page, api = signed_in(app, "alice").client, program(app, site, "alice")
    asked = f"/reports/{NAME}.xlsx?period=2026Q1&station=CZ"

    assert numbers(page.get(asked).data) == [case]
    assert "fracas_monthly-2026Q1.xlsx" in page.get(asked).headers["Content-Disposition"]
    assert numbers(api.get(f"/reports/{NAME}?period=2026Q1&station=CD&lang=zh").data) == []
    for wrong in ("period=2026-13", "period=2026", "station=XX"):
        assert page.get(f"/reports/{NAME}.xlsx?{wrong}").status_code == 400
        assert api.get(f"/reports/{NAME}?{wrong}").get_json()["slug"] == "bad-request"
    assert page.get("/reports/none.xlsx").status_code == 404
    assert api.get("/reports").get_json()["reports"][0]["periods"] == ["month", "quarter", "history"]
