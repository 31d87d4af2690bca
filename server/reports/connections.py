"""The connection a report workbook carries, so that Excel or WPS fetches its figures again."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from server.access.visibility import Viewer
from server.reports.feed import Feed, service_address
from server.reports.feed_links import make_link
from server.reports.spans import days
from server.site import Site
from server.statistics.report_period import ReportPeriod
from server.statistics.selection import Selection
from workbooks.dataset import Dataset
from workbooks.form import Language
from workbooks.reporting.connections import WebQuery, add_connections
from workbooks.reporting.power_query import Query
from workbooks.reporting.report_definition import ReportDefinition, ReportTable
from workbooks.reporting.report_sheets import chosen_columns

ConnectionKind = Literal["odata", "web", "none"]
KINDS: tuple[ConnectionKind, ...] = ("odata", "web", "none")
_A_WHILE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """
    How a workbook reaches this server, at the address *server*.

    odata: Power Query in Excel, with the reader's own token; web: a web query for WPS and
    old Excel through feed links of *reader*, who must have an account; they end with the
    token *token_id* where one asks for them.
    """

    kind: ConnectionKind
    server: str
    reader: Viewer
    token_id: str | None = None


def default_kind(site: Site) -> ConnectionKind:
    """What a report gets when nobody says: a connection wherever the server's address is known."""
    return "odata" if site.settings.public_url else "none"


def connected(
    site: Site,
    workbook: bytes,
    report: ReportDefinition,
    datasets: Mapping[str, Dataset],
    connection: Connection,
    *,
    period: ReportPeriod,
    as_of: datetime,
    selection: Selection,
    language: Language,
) -> bytes:
    """
    The *workbook* of *report* with *connection*: its tables for odata, a sheet per dataset for web.

    What is fetched is for the same period and selection, as of its end or now while it runs;
    a report as of another instant stays at that instant.

    Raises:
        AccountError: A web query needs a reader with an account.
    """

    def feed(table: ReportTable) -> Feed:
        first, last = days(table.span, period)
        asked = Feed(dataset=table.dataset, start=first, end=last, selection=selection, language=language)
        follows = asked.instant(site.zone) - as_of < _A_WHILE
        return asked if follows else replace(asked, as_of=as_of.astimezone(UTC))

    if connection.kind == "odata":
        queries = [
            Query(
                table=table.name,
                root=service_address(connection.server, feed(table).options()),
                entity_set=table.dataset,
                columns=tuple(chosen_columns(table, datasets[table.name])[0]),
                language=language,
            )
            for table in report.tables
        ]
        return add_connections(workbook, queries)
    live: dict[tuple[str, date | None, date | None], WebQuery] = {}
    for table in report.tables:
        wanted = feed(table)
        key = wanted.dataset, wanted.start, wanted.end
        if key not in live:
            address = make_link(
                site, connection.reader, wanted,
                name=report.title[language], server=connection.server, token_id=connection.token_id,
            )  # fmt: skip
            live[key] = WebQuery(
                address=address, dataset=table.dataset, title=datasets[table.name].title[language], language=language
            )
    return add_connections(workbook, list(live.values()))
