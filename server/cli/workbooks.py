"""Commands for people's own workbooks: datasets pushed into them, and what they held before brought back."""

from datetime import datetime
from pathlib import Path

import click

from server.access.visibility import Viewer
from server.cli.installation import open_site
from server.cli.narrowing import (
    as_of_option,
    asked_period,
    end_of_day,
    selection_of,
    selection_options,
    unknown_dataset,
)
from server.cli.terminal import Refusal, console, language_option, progress_bar, table_with, write_file
from server.reports import versions as kept
from server.reports.pushing import Delivery, push_copy, push_in_place
from server.reports.record_links import LINK, NO_ADDRESS, with_record_links
from server.reports.stamping import filled
from server.site import Site
from server.statistics.datasets import UnknownDataset, load
from workbooks.dataset import Dataset
from workbooks.form import Language, Text
from workbooks.push import Change, PushError

_workbook = click.argument("workbook", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_SHOWN_FROM = 50_000  # rows; a smaller push is over before a bar is seen
_HEADINGS = (
    Text("版本", "version"),
    Text("换下时间", "replaced at"),
    Text("操作人", "by"),
    Text("原因", "for"),
    Text("字节", "bytes"),
    Text("sha256", "sha256"),
)


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
            about = asked_period(period, language)
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
                    write_file(out, content, language)
            except PushError as error:
                raise Refusal(error.message, language) from error
    click.echo(f"{out or workbook}: {_changed(change)[language]}")
    unaddressed = () if addressed or LINK.name not in change.columns else (NO_ADDRESS,)
    for note in (*change.notes, *unaddressed):
        click.echo(note[language])


@click.command()
@_workbook
@language_option
def versions(workbook: Path, language: Language) -> None:
    """List what WORKBOOK held before it was pushed into, newest first."""
    with open_site() as site:
        found, zone = kept.versions(site, workbook), site.zone
    if not found:
        words = Text("没有留存的旧版本：还没有刷新过。", "no version is kept: it was never pushed into.")
        click.echo(f"{workbook}: {words[language]}")
        return
    table = table_with(_HEADINGS, language)
    for version in found:
        at = version.kept_at.astimezone(zone)
        table.add_row(
            str(version.number), f"{at:%Y-%m-%d %H:%M:%S}", version.by, _reason(version.reason)[language],
            str(version.size), version.sha256[:12],
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
            raise Refusal(_no_version(workbook, number), language) from error
        except PushError as error:
            raise Refusal(error.message, language) from error
        at = f"{version.kept_at.astimezone(site.zone):%Y-%m-%d %H:%M:%S}"
    words = Text(
        f"已恢复到版本 {version.number}（{at} 之前的内容）；恢复前的内容也已留存。",
        f"back to version {version.number}, as it was until {at}; what it held just now is kept, too.",
    )
    click.echo(f"{workbook}: {words[language]}")


def _load(
    site: Site, name: str, *, language: Language, period: str, as_of: datetime | None, narrowed: dict[str, str]
) -> Dataset:
    about = asked_period(period, language)
    instant, selection = end_of_day(site, as_of, language), selection_of(site, narrowed, language)
    with site.session(read_only=True) as session:
        try:
            return load(
                session, name, Viewer.operator(),
                site=site, as_of=instant, start=about.start if about else None,
                end=about.end if about else None, language=language, selection=selection,
            )  # fmt: skip
        except UnknownDataset as error:
            raise unknown_dataset(site, name, language) from error


def _changed(change: Change) -> Text:
    """What a push did, in a line."""
    parts = ", ".join(change.changed_parts)
    return Text(
        f"表“{change.table}”现有 {change.rows} 行（原有 {change.rows_before} 行）；改动的部分：{parts or '无'}",
        f"{change.rows} rows in {change.table} (before: {change.rows_before}); changed parts: {parts or 'none'}",
    )


def _reason(reason: str) -> Text:
    """What a version made room for: `push:fracas_cases`, `restore:3`."""
    what, _, about = reason.partition(":")
    if what == "restore":
        return Text(f"恢复到版本 {about}", f"back to version {about}")
    return Text(f"刷新 {about}", f"push of {about}")


def _no_version(workbook: Path, number: int | None) -> Text:
    if number is None:
        return Text(f"{workbook} 没有留存的旧版本。", f"No version of {workbook} is kept.")
    return Text(
        f"{workbook} 没有版本 {number}；用 aftersheet versions 查看有哪些。",
        f"There is no version {number} of {workbook}; `aftersheet versions` lists them.",
    )
