"""Commands that put figures into workbooks: reports and pushes."""

from datetime import UTC, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from rich.table import Table

from server.access.people import Viewer
from server.cli.terminal import console, language_option, out_option, write_file
from server.reports import build_named_report
from server.site import Site
from server.statistics.datasets import load, names
from workbooks.form import Language
from workbooks.push import PushError, push as push_rows
from workbooks.report import load_reports

_as_of_option = click.option(
    "--as-of", type=click.DateTime(["%Y-%m-%d"]), help="State at the end of this day; now when absent."
)


@click.command()
@click.argument("name")
@out_option
@language_option
@_as_of_option
def report(name: str, out: Path, language: Language, as_of: datetime | None) -> None:
    """Build the report workbook NAME: tables, pivot tables and charts."""
    if name not in load_reports():
        raise click.BadParameter(f"there is no report {name!r}; there are: {', '.join(load_reports())}")
    site = Site.open()
    write_file(out, build_named_report(site, name, Viewer.operator(), language=language, as_of=_instant(site, as_of)))
    console.print(f"{out}")
    site.close()


@click.command()
@click.argument("dataset")
@click.argument("workbook", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--table", help="Name of the Excel table; by default the one whose headings fit.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write here instead of into WORKBOOK.")
@language_option
@_as_of_option
def push(
    dataset: str, workbook: Path, table: str | None, out: Path | None, language: Language, as_of: datetime | None
) -> None:
    """Replace the rows of an Excel table in WORKBOOK by DATASET; everything else in it stays as it is."""
    if dataset not in names():
        raise click.BadParameter(f"there is no dataset {dataset!r}; there are: {', '.join(names())}")
    site = Site.open()
    with site.session() as session:
        rows = load(session, dataset, Viewer.operator(), site=site, as_of=_instant(site, as_of))
    try:
        pushed = push_rows(workbook.read_bytes(), rows, table=table, language=language)
    except PushError as error:
        raise click.ClickException(error.message[language]) from error
    write_file(out or workbook, pushed.content)
    console.print(f"{out or workbook}: {pushed.rows} rows; changed parts: {', '.join(pushed.changed_parts)}")
    site.close()


@click.command()
@language_option
def datasets(language: Language) -> None:
    """List the datasets that `push` and reports use."""
    site = Site.open()
    table = Table(header_style="bold")
    for heading in ("dataset", "title", "rows", "definition"):
        table.add_column(heading, overflow="fold")
    with site.session() as session:
        for name in names():
            found = load(session, name, Viewer.operator(), site=site)
            table.add_row(name, found.title[language], str(len(found)), found.definition[language])
    console.print(table)
    site.close()


def _instant(site: Site, day: datetime | None) -> datetime | None:
    """The end of *day* in the site's zone, as UTC."""
    if day is None:
        return None
    return datetime.combine(day.date(), time.max, ZoneInfo(site.settings.zone)).astimezone(UTC)
