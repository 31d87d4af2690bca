"""Commands for people's own workbooks: datasets pushed into them, and what they held before brought back."""

from datetime import datetime
from pathlib import Path

import click
from rich.table import Table

from server.access.visibility import Viewer
from server.cli.installation import open_site
from server.cli.terminal import console, language_option, progress_bar, write_file
from server.reports import versions as kept
from server.reports.pushing import Delivery, push_copy, push_in_place
from server.site import Site
from server.statistics.datasets import UnknownDataset, load, names
from server.statistics.periods import OutOfReach, instant_of
from workbooks.dataset import Dataset
from workbooks.form import Language
from workbooks.push import PushError

_workbook = click.argument("workbook", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_SHOWN_FROM = 50_000  # rows; a smaller push is over before a bar is seen


@click.command()
@click.argument("dataset")
@_workbook
@click.option("--table", help="Name of the Excel table; by default the one whose headings fit.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write here instead of into WORKBOOK.")
@language_option
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="State at the end of this day; now when absent.")
def push(
    dataset: str, workbook: Path, table: str | None, out: Path | None, language: Language, as_of: datetime | None
) -> None:
    """
    Replace the rows of an Excel table in WORKBOOK by DATASET; everything else in it stays as it is.

    What WORKBOOK held before is kept, see `aftersheet versions`.
    """
    operator = Viewer.operator()
    with open_site() as site:
        rows = _load(site, dataset, language=language, as_of=as_of)
        with progress_bar(dataset) as bar:
            task = bar.add_task(dataset, total=len(rows), visible=len(rows) >= _SHOWN_FROM)
            deliveries = [Delivery(rows, table)]
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


def _load(site: Site, name: str, *, language: Language, as_of: datetime | None) -> Dataset:
    with site.session(read_only=True) as session:
        try:
            return load(session, name, Viewer.operator(), site=site, as_of=_instant(site, as_of), language=language)
        except UnknownDataset as error:
            raise click.BadParameter(f"there is no dataset {name!r}; there are: {', '.join(names(site))}") from error


def _instant(site: Site, day: datetime | None) -> datetime | None:
    """The end of *day* in the site's zone, as UTC."""
    if day is None:
        return None
    try:
        return instant_of(day.date(), site.zone)
    except OutOfReach as error:
        raise click.BadParameter(str(error), param_hint="--as-of") from error
