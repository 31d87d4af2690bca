"""Commands over the workbook that is open in Excel: submit, refresh, status; and what a person sets up for them."""

import sys
from collections.abc import Callable
from pathlib import Path

import click

from server.cli.terminal import json_option, print_json
from server.desk import actions, settings
from server.desk import addin as addins
from server.desk.actions import Told
from server.desk.client import Client, NotSignedIn
from workbooks.desk import DeskError
from workbooks.form import Language

_language_option = click.option(
    "--lang", "language", type=click.Choice(["zh", "en"]), help="Language of texts; the workbook's own when absent."
)


@click.group()
def desk() -> None:
    """
    Work with the workbook that is open in Excel (Windows, Mac).

    Needs the extra: pip install "aftersheet[desk]", and once `aftersheet desk sign-in`.
    """


@desk.command()
@click.option("--any", "any_workbook", is_flag=True, help="Send it even though it is not recognised as a form.")
@json_option
@_language_option
def submit(any_workbook: bool, as_json: bool, language: Language | None) -> None:
    """
    Send the open workbook and write the answer into it: number, state, marked cells, findings.

    The exit status is 1 when it was turned down. When the server cannot be reached, a copy is
    kept and sent at the next submit.
    """
    _run(lambda mine: actions.submit(mine, any_workbook=any_workbook, language=language), as_json, language)


@desk.command()
@click.argument("dataset", required=False)
@click.option("--table", help="Name of the Excel table; by default the one whose name or headings fit.")
@json_option
@_language_option
def refresh(dataset: str | None, table: str | None, as_json: bool, language: Language | None) -> None:
    """
    Write the newest rows into the tables of the open workbook and refresh its pivot tables.

    Without DATASET every table that is called like one (T_fracas_cases).
    """
    if table is not None and dataset is None:
        raise click.UsageError("--table needs a DATASET")
    _run(
        lambda mine: actions.refresh(mine, dataset=dataset, table=table, language=language or mine.language),
        as_json,
        language,
    )


@desk.command()
@json_option
@_language_option
def status(as_json: bool, language: Language | None) -> None:
    """Say what the open workbook is, what waits to be sent, and what the server knows of it."""
    _run(lambda mine: actions.status(mine, language=language), as_json, language)


@desk.command("sign-in")
@click.option("--server", prompt="Server (https://…)", help="Address of the Aftersheet site.")
@click.option("--token", prompt="Token (from the page Account)", hide_input=True, help="Better typed than given here.")
@click.option("--lang", "language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
def sign_in(server: str, token: str, language: Language) -> None:
    """
    Keep the server's address and your token on this computer, readable by you only.

    The token is tried first; one that the server does not accept is not kept.
    """
    try:
        mine = settings.load()
        kept = settings.DeskSettings(
            folder=mine.folder, server=settings.address(server), token=token.strip(), language=language
        )
        if settings.is_open_to_listeners(kept.server):
            click.echo("Warning: http:// is not encrypted; whoever listens on the way can use the token.", err=True)
        try:
            Client(kept).forms()
        except NotSignedIn as error:
            if not error.known:  # one that may only submit is good
                raise
        settings.save(kept)
    except DeskError as error:
        raise click.ClickException(error.message[language]) from error
    click.echo(f"{kept.server}: {kept.file}")


@desk.command()
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it here, not into Excel's start folder."
)
@click.option("--remove", is_flag=True, help="Take the add-in away again.")
@click.option("--lang", "language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
def addin(out: Path | None, remove: bool, language: Language) -> None:
    """
    Set up ribbon buttons in Excel: Submit, Refresh, Status, which run this Python.

    Quit Excel before; the tab Aftersheet is there when it starts again.
    """
    try:
        where = addins.Places(addin=out) if out is not None else addins.places()
        if remove:
            removed = addins.remove_addin(where)
            click.echo(f"removed {where.addin}" if removed else "there was no add-in")
            return
        addins.write_addin(where, language)
    except DeskError as error:
        raise click.ClickException(error.message[language]) from error
    click.echo(where.addin)


@desk.command("sign-out")
def sign_out() -> None:
    """Remove the token from this computer. Revoke it on the page Account if somebody else may have it."""
    mine = settings.load()
    click.echo(f"removed {mine.file}" if settings.forget(mine) else "there was no token here")


def _run(action: Callable[[settings.DeskSettings], Told], as_json: bool, language: Language | None) -> None:
    try:
        told = action(settings.load())
    except DeskError as error:
        if as_json:
            print_json({"error": {"zh": error.message.zh, "en": error.message.en}})
            sys.exit(1)
        both = f"{error.message.zh}\n{error.message.en}"
        raise click.ClickException(error.message[language] if language else both) from error
    if as_json:
        print_json(told.facts)
    else:
        click.echo(told.text)
    sys.exit(0 if told.good else 1)
