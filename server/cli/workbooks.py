"""Commands for people's own workbooks: datasets pushed into them, and what they held before brought back."""

from datetime import datetime
from pathlib import Path

import click
from rich.table import Table

from server.access.visibility import Viewer
from server.cli.installation import open_site
from server.cli.narrowing import as_of_option, asked_period, end_of_day, selection_of, selection_options
from server.cli.terminal import console, language_option, progress_bar, write_file
from server.reports import versions as kept
from server.reports.pushing import Delivery, push_copy, push_in_place
from server.reports.record_links import LINK, NO_ADDRESS, with_record_links
from server.reports.stamping import filled
from server.site import Site
from server.statistics.datasets import UnknownDataset, load, names
from workbooks.dataset import Dataset
from workbooks.form import Language
from workbooks.push import PushError

_workbook = click.argument("workbook", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_SHOWN_FROM = 50_000  # rows; a smaller push is over before a bar is seen


@click.command()
@click.argument("dataset")
@_workbook
@click.option("--table", help="Name of the Excel table; by default the one whose headings fit.")
@click.option("--server", default="", help="Where record links lead; by default the setting public_url.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write here instead of into WORKBOOK.")
@language_option
@click.option("--period", default="", help="Only rows of 2026-05, 2026Q2 or 2026, by the dataset's own date.")
@selection_options
@as_of_option
def push(
    dataset: str,
    workbook: Path,
    table: str | None,
    server: str,
    out: Path | None,
    language: Language,
    period: str,
    as_of: datetime | None,
    **narrowed: str,
) -> None:
    """
    Replace the rows of an Excel table in WORKBOOK by DATASET; everything else in it stays as it is.

    What WORKBOOK held before is kept, see `aftersheet versions`.
    """
    operator = Viewer.operator()
    with open_site() as site:
        rows = _load(site, dataset, language=language, period=period, as_of=as_of, narrowed=narrowed)
        rows, addressed = with_record_links(site, rows, server), bool(server or site.settings.public_url)
        with progress_bar(dataset) as bar:
            task = bar.add_task(dataset, total=len(rows), visible=len(rows) >= _SHOWN_FROM)
            about = asked_period(period)
            told = filled(
                site, rows, operator, language=language, start=about.start if about else None,
                end=about.end if about else None, selection=selection_of(site, narrowed, language),
            )  # fmt: skip
            deliveries = [Delivery(rows, table, told)]
            try:
                if out is None:
                    (change,) = push_in_place(
                        site, workbook, deliveries, by=operator, language=language,
                        progress=lambda done: bar.update(task, completed=done),
                    )  # fmt: skip
                else:
                    content, (change,) = push_copy(site, workbook, deliveries, by=operator, language=language)
                    write_file(out, content)
            except PushError as error:
                raise click.ClickException(error.message[language]) from error
    click.echo(
        f"{out or workbook}: {change.rows} rows in {change.table} (before: {change.rows_before}); "
        f"changed parts: {', '.join(change.changed_parts)}"
    )
    unaddressed = () if addressed or LINK.name not in change.columns else (NO_ADDRESS,)
    for note in (*change.notes, *unaddressed):
        click.echo(note[language])


@click.command()
@_workbook
def versions(workbook: Path) -> None:
    """List what WORKBOOK held before it was pushed into, newest first."""
    table = Table(header_style="bold")
    for heading in ("version", "replaced at", "by", "for", "size", "sha256"):
        table.add_column(heading)
    with open_site() as site:
        for version in kept.versions(site, workbook):
            at = version.kept_at.astimezone(site.zone)
            table.add_row(
                str(version.number), f"{at:%Y-%m-%d %H:%M:%S}", version.by, version.reason, str(version.size),
                version.sha256[:12],
            )  # fmt: skip
    console.print(table)


@click.command()
@_workbook
@click.option("--version", "number", type=click.IntRange(min=1), help="Its number; the newest when absent.")
@language_option
def restore(workbook: Path, number: int | None, language: Language) -> None:
    """Bring WORKBOOK back to a kept version; what it holds now is kept as well."""
    with open_site() as site:
        try:
            version = kept.restore(site, workbook, number, by=Viewer.operator())
        except kept.UnknownVersion as error:
            raise click.ClickException(f"{workbook}: no such version; see `aftersheet versions`") from error
        except PushError as error:
            raise click.ClickException(error.message[language]) from error
        at = version.kept_at.astimezone(site.zone)
    click.echo(f"{workbook}: back to version {version.number}, as it was until {at:%Y-%m-%d %H:%M:%S}")


def _load(
    site: Site, name: str, *, language: Language, period: str, as_of: datetime | None, narrowed: dict[str, str]
) -> Dataset:
    about = asked_period(period)
    with site.session(read_only=True) as session:
        try:
            return load(
                session, name, Viewer.operator(),
                site=site, as_of=end_of_day(site, as_of), start=about.start if about else None,
                end=about.end if about else None, language=language, selection=selection_of(site, narrowed, language),
            )  # fmt: skip
        except UnknownDataset as error:
            raise click.BadParameter(f"there is no dataset {name!r}; there are: {', '.join(names(site))}") from error
