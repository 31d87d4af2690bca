"""Reports: which workbook gets which datasets, for which period, as of when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version
from typing import Any

from sqlalchemy.orm import Session

from server.access.visibility import Viewer
from server.reports.choices import DIMENSIONS, label
from server.reports.connections import Connection, connected
from server.reports.lineage import lineage
from server.reports.spans import days
from server.site import Site
from server.statistics.datasets import read
from server.statistics.periods import instant_of
from server.statistics.report_period import NoPeriod, ReportPeriod
from server.statistics.selection import EVERYTHING, Selection
from server.statistics.snapshot import View
from server.statistics.sources import Sources
from server.statistics.tabular import Period
from workbooks.dataset import Dataset
from workbooks.form import Language, Text
from workbooks.master import Master
from workbooks.pivots import build_report
from workbooks.report import load_reports
from workbooks.reporting.edition import Edition
from workbooks.reporting.report_definition import ReportDefinition, ReportTable
from workbooks.reporting.report_stamp import ReportStamp, StampedTable

SEAL = "report"  # what the key of a report's seal is derived for


class UnknownReport(LookupError):
    """There is no report of that name."""


class PeriodNotOffered(ValueError):
    """A report is not made for such a period; *message* says for which it is."""

    def __init__(self, report: ReportDefinition, period: ReportPeriod) -> None:
        offered = ", ".join(report.periods)
        self.message = Text(
            f"“{report.title.zh}”没有 {period.name} 这种期间的版本，可选：{offered}。",
            f"“{report.title.en}” is not made for {period.name}; its periods are: {offered}.",
        )
        super().__init__(self.message.en)


@dataclass(frozen=True, slots=True)
class Occasion:
    """What one copy of a report is about: the report for a kind of period, the period, the instant (aware)."""

    report: ReportDefinition
    period: ReportPeriod
    as_of: datetime

    def file_name(self, language: Language) -> str:
        """What people call the file, without its ending: title and period."""
        label = self.period.name if self.period.start else self.period.label[language]
        return f"{self.report.title[language]} {label}"

    @property
    def plain_name(self) -> str:
        """The same in ASCII, for programs."""
        return f"{self.report.report_id}-{self.period.name}"


def occasion(site: Site, name: str, *, period: ReportPeriod | None = None, as_of: datetime | None = None) -> Occasion:
    """
    The report *name* for *period* as of *as_of* (aware), each by default as its definition says.

    Without an instant a report shows the state at the end of its period, or now while
    that runs: it reads the same whenever it is made. Without a period it is for the one
    around the instant.

    Raises:
        UnknownReport: There is no such report.
        PeriodNotOffered: It is not made for such a period.
    """
    report = load_reports().get(name)
    if report is None:
        raise UnknownReport(name)
    now = datetime.now(UTC)
    if period is None:
        period = _default_period(report, (as_of or now).astimezone(site.zone).date())
    if period.kind not in report.periods:
        raise PeriodNotOffered(report, period)
    if as_of is None:
        as_of = now if period.end is None else min(now, instant_of(period.end, site.zone))
    return Occasion(report.for_period(period.kind), period, as_of)


def _default_period(report: ReportDefinition, day: date) -> ReportPeriod:
    kind = report.default_period.removeprefix("last_")
    found = ReportPeriod.around(kind, day)  # type: ignore[arg-type]
    return found if kind == report.default_period or found.end == day else found.before()


def build_named_report(
    site: Site,
    name: str,
    viewer: Viewer,
    *,
    language: Language,
    as_of: datetime | None = None,
    period: ReportPeriod | None = None,
    selection: Selection = EVERYTHING,
    connection: Connection | None = None,
    address: str | None = None,
) -> bytes:
    """
    The report workbook *name* with the figures *viewer* may see; see `occasion` for *period* and *as_of*.

    With a *connection* Excel or WPS fetches them again. The lineage links to the records at
    *address*, that of the server; by default the setting public_url, and nowhere without either.

    Raises:
        UnknownReport: There is no such report.
        PeriodNotOffered: It is not made for such a period.
        AccountError: A web query needs a reader with an account.
    """
    about = occasion(site, name, period=period, as_of=as_of)
    with site.session(read_only=True) as session:
        datasets = datasets_of(session, site, about, viewer, language, selection)
        content = build_from(
            session, site, about, datasets, viewer, language=language, selection=selection, address=address
        )
    if connection is None or connection.kind == "none":
        return content
    return connected(
        site, content, about.report, datasets, connection,
        period=about.period, as_of=about.as_of, selection=selection, language=language,
    )  # fmt: skip


def build_from(
    session: Session,
    site: Site,
    about: Occasion,
    datasets: Mapping[str, Dataset],
    viewer: Viewer,
    *,
    language: Language,
    selection: Selection = EVERYTHING,
    built_at: datetime | None = None,
    made_by: str | None = None,
    address: str | None = None,
) -> bytes:
    """
    The workbook of the report *about* is about, from *datasets* by table.

    Its stamp says that it was built at *built_at* (aware) by the version *made_by*, by
    default now and by this one. *address* is that of the server, by default the setting
    public_url.
    """
    origins = lineage(session, datasets, viewer, site=site, as_of=about.as_of, language=language)
    master = site.master(session, retired=True)
    at = (built_at or datetime.now(UTC)).replace(microsecond=0)
    made_by = made_by or version("aftersheet")
    edition = _edition(site, about, viewer, language, selection, datasets, master, at, made_by, address)
    return build_report(about.report, datasets, language, edition=edition, lineage=origins)


def datasets_of(
    session: Session, site: Site, about: Occasion, viewer: Viewer, language: Language, selection: Selection
) -> dict[str, Dataset]:
    """The rows of each table, by its name; the facts that several of them share are read once."""
    sources = Sources(View.at(session, site, viewer, about.as_of), selection)
    loaded: dict[tuple[Any, ...], Dataset] = {}

    def rows(table: ReportTable) -> Dataset:
        start, end = days(table.span, about.period)
        key = table.dataset, start, end, table.columns
        if key not in loaded:
            loaded[key] = read(sources, table.dataset, Period(start, end), language, table.columns)
        return loaded[key]

    return {table.name: rows(table) for table in about.report.tables}


def _edition(
    site: Site,
    about: Occasion,
    viewer: Viewer,
    language: Language,
    selection: Selection,
    datasets: Mapping[str, Dataset],
    master: Master,
    built_at: datetime,
    made_by: str,
    address: str | None,
) -> Edition:
    period = about.period
    tables = {}
    for table in about.report.tables:
        start, end = days(table.span, period)
        tables[table.name] = StampedTable(dataset=table.dataset, start=start, end=end, rows=len(datasets[table.name]))
    stamp = ReportStamp(
        report=about.report.report_id, period=period.name, as_of=about.as_of, built_at=built_at, language=language,
        selection={name: code for name in DIMENSIONS if (code := getattr(selection, name)) is not None},
        username=viewer.username, roles=tuple(sorted(viewer.roles)), station=viewer.station, region=viewer.region,
        tables=tables, version=made_by,
    ).sealed(site.derived_key(SEAL))  # fmt: skip
    as_of = about.as_of.astimezone(site.zone).replace(tzinfo=None)
    # History has no period before it: its cover compares the year of the instant with the year before.
    shown = period if period.start else ReportPeriod.around("year", as_of.date())
    return Edition(
        stamp=stamp, kind=period.kind, name=shown.name, before=_before(shown), period=period.label,
        over=period.end is None or about.as_of >= instant_of(period.end, site.zone),
        selection=label(master, selection), viewer=_scope(viewer, master), as_of=as_of,
        built_at=built_at.astimezone(site.zone).replace(tzinfo=None), public_url=address or site.settings.public_url,
    )  # fmt: skip


def _before(period: ReportPeriod) -> str:
    """The period before; empty before the first there can be."""
    try:
        return period.before().name
    except NoPeriod:
        return ""


def _scope(viewer: Viewer, master: Master) -> Text:
    """Who may see the figures of this copy, and how far their sight goes."""
    region = viewer.region if not viewer.admin else None
    if viewer.station_bound:
        place = label(master, Selection(station=viewer.station)) if viewer.station else Text("无", "none")
    else:
        place = label(master, Selection(region=region)) if region else Text("全公司", "whole company")
    english = viewer.display_name if viewer.user_id is not None else viewer.username
    return Text(f"{place.zh}（{viewer.display_name}）", f"{place.en} ({english})")
