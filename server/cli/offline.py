"""Commands that need no database: blank templates and checking filled workbooks."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from server.cli.terminal import (
    console,
    json_option,
    language_option,
    out_option,
    password_option,
    plain,
    print_findings,
    print_json,
    write_file,
)
from server.forms import known
from server.settings import Settings, SettingsError, load_settings
from workbooks.check import CheckReport
from workbooks.check import check as check_form
from workbooks.filled import FilledForm
from workbooks.findings import Finding, has_errors
from workbooks.form import FormDefinition, Language
from workbooks.guard import Refused
from workbooks.library import DefinitionError
from workbooks.master import EMPTY, Master
from workbooks.master_workbook import MasterError, read_master
from workbooks.sandbox import Sandbox
from workbooks.template import build_template

_macros_option = click.option(
    "--macros", is_flag=True, help="An .xlsm with buttons: submit, check, get the record, refresh the figures."
)
_server_option = click.option(
    "--server", default="", help="With --macros: the address its buttons talk to; by default the setting public_url."
)
_master_option = click.option(
    "--master",
    "master_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Master data workbook; by default the one of the last `aftersheet master import`.",
)


@click.command()
@click.argument("form_id")
@out_option
@language_option
@_master_option
@click.option("--station", help="Code of a station: the template is issued to it, sealed, and can be revoked.")
@_macros_option
@_server_option
def template(
    form_id: str,
    out: Path,
    language: Language,
    master_file: Path | None,
    station: str | None,
    macros: bool,
    server: str,
) -> None:
    """
    Write the blank workbook of form FORM_ID.

    With --station its seal proves where a filled form comes from: what is mailed in is
    stored at once. That needs the installation's database.
    """
    if station is not None:
        if master_file is not None:
            raise click.UsageError("--station takes its lists from the installation; leave --master away")
        issue_id, content = _issue(_definition(form_id), station, language)
    else:
        issue_id = None
        content = build_template(_definition(form_id), language=language, master=_master(master_file))
    if macros:
        content = _with_macros(content, _definition(form_id), language, server)
    write_file(out, content)
    click.echo(out)
    if issue_id is not None:
        click.echo(f"issue {issue_id}; `aftersheet issued revoke {issue_id}` ends what it proves", err=True)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
@language_option
@_master_option
@password_option
def check(files: tuple[Path, ...], as_json: bool, language: Language, master_file: Path | None, password: str) -> None:
    """
    Check filled workbooks without storing anything.

    The exit status is 1 when a file would be turned down.
    """
    master = _master(master_file)
    accepted = True
    results = []
    with Sandbox(workers=min(2, len(files)), definitions=_forms()) as sandbox:
        read = sandbox.read_many((path.read_bytes() for path in files), password=password)
        for path, filled in zip(files, read, strict=True):
            findings, report = _check(filled, master)
            accepted = accepted and not has_errors(findings)
            if as_json:
                results.append(_as_dict(path, findings, report))
            else:
                _print(path, findings, report, language)
    if as_json:
        print_json(results)
    sys.exit(0 if accepted else 1)


def _with_macros(content: bytes, definition: FormDefinition, language: Language, server: str) -> bytes:
    from server.intake.macros import SigningError, form_with_macros

    try:
        return form_with_macros(content, definition, settings=_settings(), language=language, server=server)
    except SigningError as error:
        raise click.ClickException(f"macro_signer: {error}") from error


def _issue(definition: FormDefinition, station: str, language: Language) -> tuple[str, bytes]:
    # Imported here: a plain template and `check` never wait for the database's libraries.
    from server.access.visibility import Viewer
    from server.cli.installation import open_site
    from server.intake.sealed import sealed_template
    from server.intake.stations import UnknownStation

    with open_site() as site:
        try:
            return sealed_template(site, definition.form_id, station, by=Viewer.operator(), language=language)
        except UnknownStation as error:
            raise click.BadParameter(f"there is no station {station!r} in the master data") from error


def _check(filled: FilledForm | Refused, master: Master) -> tuple[tuple[Finding, ...], CheckReport | None]:
    if isinstance(filled, Refused):
        return (filled.finding,), None
    definition = _forms().get(filled.identity.form_id or "")
    if definition is None:
        return filled.findings, None
    report = check_form(definition, filled, master=master, complete_lists=master is not EMPTY)
    return report.findings, report


def _as_dict(path: Path, findings: tuple[Finding, ...], report: CheckReport | None) -> dict[str, object]:
    return {
        "file": str(path),
        "form_id": report.form_id if report else None,
        "accepted": not has_errors(findings),
        "findings": [finding.as_dict() for finding in findings],
    }


def _print(path: Path, findings: tuple[Finding, ...], report: CheckReport | None, language: Language) -> None:
    title = _forms()[report.form_id].title[language] if report else ""
    state = "[red]✗[/]" if has_errors(findings) else "[green]✓[/]"
    console.print(f"{state} [bold]{plain(path.name)}[/] {title}")
    if findings:
        print_findings(findings, language)


def _definition(form_id: str) -> FormDefinition:
    try:
        return _forms()[form_id]
    except KeyError:
        raise click.BadParameter(f"there is no form {form_id!r}; there are: {', '.join(_forms())}") from None


def _forms() -> Mapping[str, FormDefinition]:
    """The forms of this installation, installed ones too."""
    try:
        return known(_settings().home)
    except DefinitionError as error:
        raise click.ClickException(f"an installed form cannot be used:\n{error}") from error


def _master(path: Path | None) -> Master:
    """The master data in *path*, else of the last import; none is said aloud, because then lists stay unchecked."""
    candidate = path if path is not None else _settings().home / "master.xlsx"
    if candidate.is_file():
        try:
            return read_master(candidate.read_bytes())
        except (MasterError, Refused) as error:
            raise click.ClickException(f"{candidate} is not usable as master data:\n{error}") from error
    note = "No master data: drop-downs of stations, products ... are empty and not checked (aftersheet master import)."
    click.echo(note, err=True)
    return EMPTY


def _settings() -> Settings:
    try:
        return load_settings()
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
