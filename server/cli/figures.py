"""Commands that make workbooks of figures: reports, and the datasets they are made of."""

from datetime import datetime
from pathlib import Path

import click
from rich.table import Table

from server.access.people import find_user
from server.access.visibility import Viewer
from server.cli.installation import open_site
from server.cli.narrowing import as_of_option, asked_period, end_of_day, selection_of, selection_options
from server.cli.terminal import console, language_option, out_option, write_file
from server.intake.macros import SigningError, report_with_macros
from server.reports import PeriodNotOffered, UnknownReport, build_named_report, occasion
from server.reports.connections import KINDS, Connection, ConnectionKind, default_kind
from server.site import Site
from server.statistics.datasets import definition_of, names
from workbooks.form import Language
from workbooks.report import load_reports


@click.command()
@click.argument("name")
@out_option
@language_option
@click.option(
    "--period", default="", help="Such as 2026-05, 2026Q2, 2026 or history; the report's own default when absent."
)
@selection_options
@as_of_option
@click.option("--macros", is_flag=True, help="An .xlsm with a button that refreshes its tables from the server.")
@click.option(
    "--server",
    default="",
    help="The address that buttons, connections and links to records lead to; by default the setting public_url.",
)
@click.option(
    "--connection",
    type=click.Choice(KINDS),
    help="How the workbook fetches its figures again: odata (Excel; the default when public_url is set), "
    "web (WPS, old Excel), none.",
)
@click.option("--reader", default="", help="With --connection web: the user whose figures the web query reads.")
def report(
    name: str,
    out: Path,
    language: Language,
    period: str,
    as_of: datetime | None,
    macros: bool,
    server: str,
    connection: ConnectionKind | None,
    reader: str,
    **narrowed: str,
) -> None:
    """
    Build the report workbook NAME: tables, pivot tables and charts.

    A folder as --out gets a file named after the report and its period.
    """
    with open_site() as site:
        try:
            about = occasion(site, name, period=asked_period(period), as_of=end_of_day(site, as_of))
        except UnknownReport as error:
            raise click.BadParameter(f"there is no report {name!r}; there are: {', '.join(load_reports())}") from error
        except PeriodNotOffered as error:
            raise click.BadParameter(error.message[language], param_hint="--period") from error
        content = build_named_report(
            site, name, Viewer.operator(),
            language=language, as_of=about.as_of, period=about.period, selection=selection_of(site, narrowed, language),
            connection=_connection(site, connection, server=server, reader=reader, macros=macros),
            address=server or None,
        )  # fmt: skip
        if out.is_dir():
            out = out / f"{about.plain_name}.xls{'m' if macros else 'x'}"
        if macros:
            try:
                content = report_with_macros(
                    content, load_reports()[name], settings=site.settings, language=language, server=server
                )
            except SigningError as error:
                raise click.ClickException(f"macro_signer: {error}") from error
        with site.session() as session:
            site.note(session, Viewer.operator(), "exported", f"report:{name}")
    write_file(out, content)
    click.echo(out)


def _connection(
    site: Site, kind: ConnectionKind | None, *, server: str, reader: str, macros: bool
) -> Connection | None:
    """The connection asked for; a workbook with macros refreshes by its button unless it is told otherwise."""
    kind = kind or ("none" if macros else default_kind(site))
    server = server or site.settings.public_url
    if kind == "none":
        return None
    if not server:
        raise click.UsageError("--connection needs the server's address: --server, or the setting public_url")
    if kind == "odata":
        return Connection(kind=kind, server=server, reader=Viewer.operator())
    with site.session(read_only=True) as session:
        viewer = find_user(session, reader) if reader else None
    if viewer is None:
        raise click.UsageError("--connection web needs --reader USER: a web query reads what this user may see")
    return Connection(kind=kind, server=server, reader=viewer)


@click.command()
@language_option
def datasets(language: Language) -> None:
    """List the datasets that `push` and reports use."""
    table = Table(header_style="bold")
    for heading in ("dataset", "title", "one row is", "definition"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "dataset")  # people copy it from here
    with open_site() as site:
        for name in names(site):
            found = definition_of(site, name)
            table.add_row(name, found.title[language], found.row[language], found.definition[language])
    console.print(table)
