"""The reports that come along can be made for every kind of period, with data and without, and say what they hold."""

from io import BytesIO

import pytest
from openpyxl import load_workbook

from server.reports import build_named_report
from server.site import Site
from server.statistics.report_period import ReportPeriod
from tests.server.test_statistics import OPERATOR, case, colleague
from tests.validity import assert_valid
from workbooks.form import Language
from workbooks.report import load_reports
from workbooks.reporting.report_stamp import ReportStamp

__all__ = ["case", "colleague"]  # fixtures
PERIODS = ("2026-03", "2026Q1", "history")
on_sqlite = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)  # what is read is tested on both elsewhere


def built(site: Site, name: str, period: str, language: Language = "zh") -> bytes:
    return build_named_report(site, name, OPERATOR, language=language, period=ReportPeriod.parse(period))


@on_sqlite
@pytest.mark.parametrize("name", load_reports())
def test_it_is_built_for_every_period(site: Site, case: str, name: str) -> None:
    """In both languages; every sheet of the definition is there, and the stamp names the rows of every table."""
    for period, language in ((PERIODS[0], "zh"), (PERIODS[1], "en"), (PERIODS[2], "zh")):
        content = built(site, name, period, language)  # type: ignore[arg-type]
        report = load_reports()[name].for_period(ReportPeriod.parse(period).kind)
        book = load_workbook(BytesIO(content), data_only=True)
        stamp = ReportStamp.read(content)

        assert [sheet.title[language] for sheet in report.sheets] == book.sheetnames[1 : len(report.sheets) + 1]  # type: ignore[index]
        assert stamp is not None
        assert set(stamp.tables) == {table.name for table in report.tables}


@on_sqlite
def test_without_any_record_it_is_built_and_valid(site: Site) -> None:
    """The first day of a company: sheets without data say so, and Excel opens what there is."""
    contents = {name: built(site, name, "history") for name in load_reports()}

    feedback = load_workbook(BytesIO(contents["feedback"]))
    assert feedback["类别与月份"]["A3"].value == feedback["投诉分类"]["A3"].value == "这段时间没有数据。"
    assert_valid(*contents.values())


@pytest.mark.parametrize("name", load_reports())
def test_shares_have_a_column_of_their_own(name: str) -> None:
    """LibreOffice shows a refreshed figure in the format of its column, and a share in that of a number is 0 or 1."""
    report = load_reports()[name]
    shares = [(p.table, v.column) for p in report.pivots for v in p.values if v.format.endswith("%")]

    assert [found for found in shares if report.source_format(*found) is None] == []
