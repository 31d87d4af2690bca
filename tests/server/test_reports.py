"""Reports are made for a period, as of its end, narrowed to a place or a product, for whoever asks."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from openpyxl import load_workbook
from sqlalchemy import select

from server.access.visibility import Viewer
from server.records.models import Submission
from server.reports import SEAL, PeriodNotOffered, UnknownReport, build_named_report, occasion
from server.reports.choices import NoSuchChoice, chosen, label
from server.reports.lineage import lineage
from server.reports.spans import days
from server.reports.verification import verify
from server.site import Site
from server.statistics.datasets import load
from server.statistics.report_period import ReportPeriod
from server.statistics.selection import Selection
from tests.libreoffice import Office, running_here
from tests.server.browsing import program, signed_in
from tests.server.company import MASTER
from tests.server.test_statistics import FAILURE, OPERATOR, at, case, colleague, send
from workbooks.export import tables_workbook
from workbooks.push import push
from workbooks.reporting.report_stamp import ReportStamp, StampedTable

__all__ = ["case", "colleague"]  # fixtures
NAME = "fracas_board"
HEADINGS = ["编号", "表单", "版次", "收到时间", "途径", "提交人", "原文件", "计入的数据表", "提交号", "原文件 sha256"]


@pytest.fixture(scope="module")
def libreoffice(require_program: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with running_here(require_program, tmp_path_factory.mktemp("office")) as started:
        yield started


def numbers(content: bytes) -> list[str]:
    """The records in the report's table of failures."""
    headings, *rows = load_workbook(BytesIO(content), data_only=True)["数据_本期故障"].iter_rows(values_only=True)
    place = headings.index("故障编号")
    return [row[place] for row in rows if row[place]]


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
    assert (over.file_name("zh"), over.plain_name) == ("FRACAS 看板 2026-05", "fracas_board-2026-05")


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
    assert built(site, "2026-04") == [second]


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
    assert "fracas_board-2026Q1.xlsx" in page.get(asked).headers["Content-Disposition"]
    assert numbers(api.get(f"/reports/{NAME}?period=2026Q1&station=CD&lang=zh").data) == []
    for wrong in ("period=2026-13", "period=2026", "station=XX"):
        assert page.get(f"/reports/{NAME}.xlsx?{wrong}").status_code == 400
        assert api.get(f"/reports/{NAME}?{wrong}").get_json()["slug"] == "bad-request"
    assert page.get("/reports/none.xlsx").status_code == 404
    assert api.get("/reports").get_json()["reports"][0]["periods"] == ["month", "quarter", "history"]


def test_a_report_is_stamped_with_all_it_takes_to_build_it_again(site: Site, case: str, mei: Viewer) -> None:
    """Period, instant, scope, selection and rows stand in the file, sealed with a key of the installation."""
    content = build_named_report(
        site, NAME, mei, language="en", period=ReportPeriod.parse("2026-03"), selection=Selection(system="P1")
    )
    stamp = ReportStamp.read(content)

    assert stamp is not None
    assert (stamp.report, stamp.period, stamp.language) == (NAME, "2026-03", "en")
    assert stamp.as_of.astimezone(site.zone) == datetime(2026, 3, 31, 23, 59, 59, 999999, site.zone)
    assert (stamp.username, stamp.roles, stamp.region, stamp.selection) == (
        "mei",
        ("manager",),
        "华东",
        {"system": "P1"},
    )
    assert stamp.tables["T_fracas_cases"] == StampedTable(
        dataset="fracas_cases", start=date(2026, 3, 1), end=date(2026, 3, 31), rows=1
    )
    assert stamp.genuine(site.derived_key(SEAL))
    assert not replace(stamp, as_of=stamp.as_of + timedelta(days=1)).genuine(site.derived_key(SEAL))
    assert not stamp.genuine(b"another installation")
    assert ReportStamp.read(tables_workbook([], "zh")) is None


def test_the_stamp_survives_a_push_and_libreoffice(site: Site, case: str, libreoffice: Office, tmp_path: Path) -> None:
    """What was written is read again after others have saved the file."""
    content = build_named_report(site, NAME, OPERATOR, language="zh", selection=Selection(region="华东"))
    with site.session(read_only=True) as session:
        pushed = push(content, load(session, "fracas_cases", OPERATOR, site=site)).content
    (tmp_path / "report.xlsx").write_bytes(pushed)
    libreoffice.convert(tmp_path / "report.xlsx", tmp_path / "saved.xlsx")

    stamp = ReportStamp.read(content)
    assert stamp is not None
    assert ReportStamp.read(pushed) == stamp
    assert ReportStamp.read((tmp_path / "saved.xlsx").read_bytes()) == stamp


def test_figures_lead_to_records_and_submissions(site: Site, case: str) -> None:
    """Each record of the tables with its revision as of the report, who sent it, how, and where it is shown."""
    site.settings = site.settings.model_copy(update={"public_url": "https://aftersheet.example"})
    content = build_named_report(site, NAME, OPERATOR, language="zh", period=ReportPeriod.parse("2026-03"))
    sheet = load_workbook(BytesIO(content), data_only=True)["溯源"]
    (row,) = [dict(zip(HEADINGS, values, strict=True)) for values in sheet.iter_rows(5, values_only=True)]
    with site.session(read_only=True) as session:
        sent = session.scalars(select(Submission).where(Submission.revision == 2)).one()

    assert [cell.value for cell in sheet[4]] == HEADINGS
    assert (row["编号"], row["版次"], row["途径"], row["提交人"]) == (case, 2, "网页", sent.sender)
    assert row["收到时间"] == datetime(2026, 3, 20, 10, 0)
    assert (row["提交号"], row["原文件 sha256"]) == (sent.id, sent.sha256)
    assert row["计入的数据表"] == "T_fracas_cases; T_fracas_backlog"
    assert sheet["A5"].hyperlink.target == f"https://aftersheet.example/records/{case}"


def test_the_lineage_leads_to_the_server_that_was_asked(app: Flask, site: Site, case: str) -> None:
    """Without a public address page and API give the one they were asked under; a link is no figure to be checked."""
    page = signed_in(app, "ada").get("/reports/fracas_board.xlsx?period=2026-03")
    api = program(app, site, "ada").get("/reports/fracas_board?period=2026-03&lang=zh")
    known = build_named_report(
        site, NAME, OPERATOR, language="zh", period=ReportPeriod.parse("2026-03"), address="https://known.example/"
    )
    plain = build_named_report(site, NAME, OPERATOR, language="zh", period=ReportPeriod.parse("2026-03"))
    cells = [load_workbook(BytesIO(content))["溯源"]["A5"] for content in (page.data, api.data, known, plain)]

    assert [cell.value for cell in cells] == [case] * 4
    assert [cell.hyperlink and cell.hyperlink.target for cell in cells] == [
        f"http://localhost/records/{case}", f"http://localhost/records/{case}", f"https://known.example/records/{case}",
        None,
    ]  # fmt: skip
    assert verify(site, known, OPERATOR).verdict == "equal"


def test_each_row_opens_its_record(site: Site, case: str) -> None:
    """By a formula, which goes on to the rows of a push and is no figure; without an address there is none."""
    period = ReportPeriod.parse("2026-03")
    plain = build_named_report(site, NAME, OPERATOR, language="zh", period=period)
    known = build_named_report(site, NAME, OPERATOR, language="zh", period=period, address="https://known.example/")
    with site.session(read_only=True) as session:
        pushed = push(known, load(session, "fracas_cases", OPERATOR, site=site, language="zh"))
    sheets = [load_workbook(BytesIO(content))["数据_本期故障"] for content in (known, pushed.content)]

    assert "打开记录" not in [cell.value for cell in load_workbook(BytesIO(plain))["数据_本期故障"][1]]
    shown = load_workbook(BytesIO(known), data_only=True)["数据_本期故障"]
    for sheet in sheets:
        place = [cell.value for cell in sheet[1]].index("打开记录")
        assert (sheet["A2"].value, shown[2][place].value) == (case, "打开")
        assert (
            'HYPERLINK("https://known.example/records/"&T_fracas_cases[[#This Row],[故障编号]]' in sheet[2][place].value
        )
    told = verify(site, known, OPERATOR)
    assert (told.verdict, [note.zh for note in told.notes if "打开记录" in note.zh]) == ("equal", [])


def test_lineage_is_that_of_the_viewer_and_sums_up_what_is_too_long(site: Site, case: str, charlie: Viewer) -> None:
    """A record out of sight has no origin; more records than anybody reads are counted by their series."""
    as_of = datetime.now(UTC)
    with site.session(read_only=True) as session:
        datasets = {"T": load(session, "fracas_cases", OPERATOR, site=site)}
        hidden = lineage(session, datasets, charlie, site=site, as_of=as_of, language="zh")
        long = lineage(session, datasets, OPERATOR, site=site, as_of=as_of, language="zh", limit=0)

    assert hidden.origins == []
    assert (long.origins, long.counted, long.limit) == ((), {"T": {case: 1}}, 0)
