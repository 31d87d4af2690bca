"""Commands over submissions and records: bulk intake, receipts, lists."""

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
from rich.table import Table

from server.access.people import Viewer
from server.cli.terminal import (
    console,
    json_option,
    language_option,
    out_option,
    print_findings,
    print_json,
    progress_bar,
    write_file,
)
from server.intake.folder import workbooks_in
from server.intake.receive import Outcome, Receipt, marked_workbook, receive_many
from server.records.listing import NotFound, find, parse_condition
from server.site import Site
from workbooks.form import Language
from workbooks.values import show

_COLOURS = {
    Outcome.RECORDED: "green",
    Outcome.REVISED: "cyan",
    Outcome.ALREADY_RECEIVED: "blue",
    Outcome.REJECTED: "red",
}


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@json_option
@language_option
def intake(paths: tuple[Path, ...], as_json: bool, language: Language) -> None:
    """
    Take in workbooks, and every workbook in folders.

    Sending the same file again does no harm. The exit status is 1 when one was turned down.
    """
    files = [file for path in paths for file in ([path] if path.is_file() else workbooks_in(path))]
    site = Site.open()
    counts: Counter[Outcome] = Counter()
    receipts: list[Receipt] = []
    with progress_bar("Taking in") as bar:
        task = bar.add_task("", total=len(files))
        for receipt in receive_many(site, _contents(files), channel="cli", sender=Viewer.operator()):
            counts[receipt.outcome] += 1
            receipts.append(receipt)
            bar.advance(task)
    if as_json:
        print_json([receipt.as_dict() for receipt in receipts])
    else:
        for receipt in receipts:
            _print_receipt(receipt, language)
        console.print(", ".join(f"[{_COLOURS[outcome]}]{outcome}: {count}[/]" for outcome, count in counts.items()))
    site.close()
    sys.exit(1 if counts[Outcome.REJECTED] else 0)


@click.command()
@click.argument("submission")
@out_option
@language_option
def receipt(submission: str, out: Path, language: Language) -> None:
    """Write the marked workbook of SUBMISSION (its id is in every receipt)."""
    site = Site.open()
    try:
        write_file(out, marked_workbook(site, submission, viewer=Viewer.operator(), language=language))
    except NotFound as error:
        raise click.ClickException(f"there is no submission {submission!r}") from error
    console.print(f"{out}")
    site.close()


@click.command()
@click.argument("form_id")
@click.option("--where", "conditions", multiple=True, metavar="FIELD=VALUE", help="Also !=, <, <=, >, >=, ~ (contains).")
@click.option("--text", default="", help="Text anywhere in the record.")
@click.option("--sort", default="-updated_at", show_default=True, help="Column to sort by; '-' for descending.")
@click.option("--page", default=1, show_default=True)
@click.option("--per-page", default=50, show_default=True)
@json_option
@language_option
def records(
    form_id: str, conditions: tuple[str, ...], text: str, sort: str, page: int, per_page: int, as_json: bool, language: Language
) -> None:
    """List the records of form FORM_ID."""
    site = Site.open()
    definition = site.definitions.get(form_id)
    if definition is None:
        raise click.BadParameter(f"there is no form {form_id!r}; there are: {', '.join(site.definitions)}")
    try:
        where = [parse_condition(condition) for condition in conditions]
        with site.session() as session:
            master = site.master(session)
            found = find(
                session, Viewer.operator(), definition, where=where, text=text, order=sort, page=page, per_page=per_page
            )
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    if as_json:
        print_json({"total": found.total, "page": page, "records": [row.as_dict(definition) for row in found.rows]})
    else:
        columns = definition.list_columns or definition.key
        table = Table(title=f"{definition.title[language]}: {found.total}", header_style="bold")
        for heading in ("number", "rev", "state", *columns):
            table.add_column(definition.field(heading).label[language] if heading in columns else heading)
        for row in found.rows:
            shown = (show(definition.field(name), row.values.get(name), language, master) for name in columns)
            table.add_row(row.number, str(row.revision), row.state, *shown)
        console.print(table)
    site.close()


def _contents(files: list[Path]) -> Iterator[tuple[str, bytes]]:
    for file in files:
        yield file.name, file.read_bytes()


def _print_receipt(receipt: Receipt, language: Language) -> None:
    number = f" {receipt.record_number}" if receipt.record_number else ""
    console.print(
        f"[{_COLOURS[receipt.outcome]}]{receipt.outcome}[/]{number} [bold]{receipt.filename}[/] "
        f"[dim]{receipt.submission_id}[/]"
    )
    if receipt.findings:
        print_findings(receipt.findings, language)
