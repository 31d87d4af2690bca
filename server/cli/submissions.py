"""Commands over submissions and records: bulk intake, receipts, lists."""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from server.access.visibility import Viewer
from server.cli.installation import open_site
from server.cli.mail_files import TakenMail, print_mail, take_mails
from server.cli.receipts import OUTCOME_COLOURS, print_receipt
from server.cli.terminal import (
    console,
    json_option,
    language_option,
    out_option,
    password_option,
    plain,
    print_json,
    progress_bar,
    write_file,
)
from server.intake.folder import contents, mails_in, workbooks_in
from server.intake.receive import Receipt, marked_workbook, receive_many
from server.records.conditions import BadCondition, parse_condition
from server.records.listing import NotFound, Page, RecordRow, find
from server.records.outcome import Outcome
from server.site import Site
from workbooks.form import Field, FormDefinition, Language, Text
from workbooks.values import show, to_json

_COLUMNS_SHOWN = 5  # what fits a terminal; --json has them all
_HEADINGS = ((Text("编号", "number"), 14), (Text("版次", "rev"), 4), (Text("状态", "state"), 6))


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--station", help="Code of the station that .eml files are from, where nothing in them proves it.")
@password_option
@json_option
@language_option
def intake(paths: tuple[Path, ...], station: str | None, password: str, as_json: bool, language: Language) -> None:
    """
    Take in workbooks and saved mails (.eml), and all of them in folders.

    Sending the same file again does no harm. The exit status is 1 when one was turned down
    or waits for a person.
    """
    mails = mails_in(paths)
    set_aside = set(mails)
    files = [file for file in workbooks_in(paths) if file not in set_aside]
    if not files and not mails:
        raise click.ClickException(f"there is no workbook and no mail in {', '.join(str(path) for path in paths)}")
    with open_site() as site:
        receipts, failures = _take_in(site, files, password) if files else ([], [])
        taken = _take_mails(site, mails, station, failures) if mails else []
    counts = Counter(receipt.outcome for receipt in receipts)
    if as_json:
        print_json([*(receipt.as_dict() for receipt in receipts), *(each.as_dict() for each in taken)])
    else:
        for receipt in receipts:
            print_receipt(receipt, language)
        if files:
            console.print(", ".join(f"[{OUTCOME_COLOURS[outcome]}]{outcome}: {n}[/]" for outcome, n in counts.items()))
        for each in taken:
            print_mail(each, language)
    for failure in failures:
        click.echo(f"Error: {failure}", err=True)
    sys.exit(1 if failures or counts[Outcome.REJECTED] or not all(each.stored for each in taken) else 0)


@click.command()
@click.argument("submission")
@out_option
@language_option
def receipt(submission: str, out: Path, language: Language) -> None:
    """Write the marked workbook of SUBMISSION (its id is in every receipt)."""
    with open_site() as site:
        try:
            write_file(out, marked_workbook(site, submission, viewer=Viewer.operator(), language=language))
        except NotFound as error:
            raise click.ClickException(f"there is no submission {submission!r}") from error
    click.echo(out)


@click.command()
@click.argument("form_id")
@click.option(
    "--where", "conditions", multiple=True, metavar="FIELD=VALUE", help="Also !=, <, <=, >, >=, ~ (contains)."
)
@click.option("--text", default="", help="Text anywhere in the record.")
@click.option("--sort", default="-updated_at", show_default=True, help="Column to sort by; '-' for descending.")
@click.option("--page", type=click.IntRange(1, 1 << 31), default=1, show_default=True)
@click.option("--per-page", type=click.IntRange(0, 1 << 31), default=50, show_default=True, help="0 for all.")
@json_option
@language_option
def records(
    form_id: str,
    conditions: tuple[str, ...],
    text: str,
    sort: str,
    page: int,
    per_page: int,
    as_json: bool,
    language: Language,
) -> None:
    """List the records of form FORM_ID."""
    with open_site() as site:
        definition = site.definitions.get(form_id)
        if definition is None:
            raise click.BadParameter(f"there is no form {form_id!r}; there are: {', '.join(site.definitions)}")
        try:
            with site.session(read_only=True) as session:
                found = find(
                    session,
                    Viewer.operator(),
                    definition,
                    where=[parse_condition(condition) for condition in conditions],
                    text=text,
                    order=sort,
                    page=page,
                    per_page=per_page,
                    zone=site.zone,
                )
                if as_json:
                    rows = [_as_dict(row) for row in found.rows]
                    print_json({"total": found.total, "page": page, "records": rows})
                else:
                    master = site.master(session, retired=True)
                    console.print(_table(definition, found, language, lambda f, v: show(f, v, language, master)))
        except BadCondition as error:
            raise click.BadParameter(str(error)) from error


def _take_in(site: Site, files: list[Path], password: str) -> tuple[list[Receipt], list[Exception]]:
    """The receipts of what was taken in, and what kept single files out; one never costs the others theirs."""
    receipts: list[Receipt] = []
    unread: list[OSError] = []
    errors: list[Exception] = []
    with progress_bar("Taking in") as bar:
        task = bar.add_task("", total=len(files))
        try:
            taken = receive_many(
                site, contents(files, unread), channel="cli", sender=Viewer.operator(), password=password
            )
            for done in taken:
                receipts.append(done)
                bar.advance(task)
        except ExceptionGroup as group:
            errors.extend(group.exceptions)
    return receipts, [*unread, *errors]


def _take_mails(site: Site, files: list[Path], station: str | None, failures: list[Exception]) -> list[TakenMail]:
    """What became of each mail; why a file could not be read is added to *failures*."""
    unread: list[OSError] = []
    taken: list[TakenMail] = []
    with progress_bar("Mails") as bar:
        task = bar.add_task("", total=len(files))
        for each in take_mails(site, files, station, unread):
            taken.append(each)
            bar.advance(task)
    failures += unread
    return taken


def _as_dict(row: RecordRow) -> dict[str, object]:
    return {
        "number": row.number,
        "revision": row.revision,
        "state": row.state,
        "station": row.station,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "values": to_json(row.values),
    }


def _table(definition: FormDefinition, found: Page, language: Language, shown: Callable[[Field, Any], str]) -> Table:
    columns = (definition.list_columns or definition.key)[:_COLUMNS_SHOWN]
    table = Table(title=f"{definition.title[language]}: {found.total}", header_style="bold")
    for heading, width in _HEADINGS:
        table.add_column(heading[language], no_wrap=True, min_width=width)
    for name in columns:
        table.add_column(definition.field(name).label[language], overflow="fold")
    for row in found.rows:
        answers = (plain(shown(definition.field(name), row.values.get(name))) for name in columns)
        table.add_row(row.number, str(row.revision), row.state, *answers)
    return table
