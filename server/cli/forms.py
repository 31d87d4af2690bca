"""Commands for a company's own forms: propose one from a workbook, check it, install it."""

import sys
from pathlib import Path

import click
from rich.table import Table

from server import forms
from server.cli.terminal import console, language_option, plain, table_with, write_file
from server.settings import SettingsError, load_settings
from workbooks.form import FormDefinition, Language, Text
from workbooks.form_check import FormProblem, check_folder
from workbooks.library import LOOK, DefinitionError, library
from workbooks.proposal import PaperError, Proposal, propose
from workbooks.refusal import Refused
from workbooks.sandbox import Sandbox, Stopped

_OF_FORMS = (
    Text("表单", "form_id"),
    Text("版本", "version"),
    Text("名称", "title"),
    Text("填写项", "fields"),
    Text("来自", "from"),
)
_OF_FIELDS = (
    Text("单元格", "cell"),
    Text("标签", "label"),
    Text("名称", "name"),
    Text("类型", "type"),
    Text("依据", "why"),
)
_folder = click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))


@click.group()
def form() -> None:
    """A company's own forms: propose one from an existing workbook, check it, install it."""


@form.command()
@click.argument("workbook", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Where its folder goes.")
@click.option("--id", "form_id", help="Id of the form: small letters, digits and _; by default from its title.")
@click.option("--sheet", help="Name of the sheet; by default the first one with something to fill in.")
@language_option
def new(workbook: Path, out: Path, form_id: str | None, sheet: str | None, language: Language) -> None:
    """
    Propose a form from WORKBOOK, a form drawn to be printed (.xlsx).

    Writes FORM_ID/form.yaml and FORM_ID/template.xlsx, the same workbook with names on its
    cells, and tells what it found and what it is unsure about. Nothing is installed.
    """
    taken = _known()
    if form_id is not None and not (form_id.isascii() and form_id.isidentifier() and form_id.islower()):
        raise click.BadParameter("small letters, digits and _, beginning with a letter", param_hint="--id")
    with Sandbox(workers=1) as sandbox:
        try:
            proposal: Proposal = sandbox.run(
                propose,
                workbook.read_bytes(),
                filename=workbook.name,
                form_id=form_id,
                sheet=sheet,
                taken=sorted(taken),
                numbers=[definition.number for definition in taken.values()],
                seconds=30.0,
            )
        except Refused as refused:
            raise click.ClickException(f"{workbook.name}: {refused.finding.message(language)}") from refused
        except PaperError as error:
            raise click.ClickException(f"{workbook.name}: {error.zh if language == 'zh' else error.en}") from error
        except Stopped as stopped:
            reason = "reading it took too much " + ("time" if stopped.reason == "time" else "memory")
            raise click.ClickException(f"{workbook.name}: {reason}") from stopped
        folder = out / proposal.form_id
        if folder.exists():
            raise click.ClickException(f"{folder} is there already; give another --out or --id")
        write_file(folder / forms.FORM, proposal.definition.encode())
        write_file(folder / LOOK, proposal.template)
        _, problems = check_folder(folder, taken, sandbox)
    _print_proposal(proposal, language)
    _print_problems(problems, language)
    click.echo(
        f"{folder}: read form.yaml, then `aftersheet form check {folder}` and `aftersheet form install {folder}`"
    )


@form.command()
@_folder
@language_option
def check(folder: Path, language: Language) -> None:
    """Tell everything that is wrong with the form in FOLDER; the exit status is 1 when it cannot be installed."""
    definition, problems = _checked(folder)
    _print_problems(problems, language)
    if definition is None or any(problem.error for problem in problems):
        sys.exit(1)
    fields = sum(1 for _ in definition.paths())
    click.echo(f"{definition.form_id} version {definition.version}: {fields} fields, can be installed")


@form.command()
@_folder
@language_option
def install(folder: Path, language: Language) -> None:
    """
    Put the form in FOLDER into use, or a higher version of it.

    It gets its tables, pages, API, mail and datasets at once; a server that is running
    takes it up by itself.
    """
    # Imported here: proposing and checking never wait for the database's libraries.
    from server.access.visibility import Viewer
    from server.cli.installation import open_site
    from server.installing import install_form

    definition, problems = _checked(folder)
    _print_problems(problems, language)
    if definition is None or any(problem.error for problem in problems):
        sys.exit(1)
    with open_site() as site:
        try:
            done = install_form(site, definition, forms.contents(folder), by=Viewer.operator())
        except forms.FormRefused as refused:
            raise click.ClickException(refused.why[language]) from refused
    name = f"{definition.form_id} version {definition.version}"
    click.echo(f"{name} is installed" if done else f"{name} was installed already; nothing has changed")


@form.command("list")
@language_option
def list_(language: Language) -> None:
    """All forms there are, and whether they came with Aftersheet or were installed."""
    table = table_with(_OF_FORMS, language, copied=_OF_FORMS[0])
    own = _installed()
    for form_id, definition in _known().items():
        origin = Text("自行安装", "installed")[language] if form_id in own else "Aftersheet"
        fields = str(sum(1 for _ in definition.paths()))
        table.add_row(form_id, str(definition.version), plain(definition.title[language]), fields, origin)
    console.print(table)


@form.command()
@click.argument("form_id")
@language_option
def remove(form_id: str, language: Language) -> None:
    """Take the installed form FORM_ID out of use; refused when there are records of it."""
    from server.access.visibility import Viewer
    from server.cli.installation import open_site
    from server.installing import remove_form

    with open_site() as site:
        try:
            remove_form(site, form_id, by=Viewer.operator())
        except forms.FormRefused as refused:
            raise click.ClickException(refused.why[language]) from refused
    click.echo(f"{form_id} is removed")


def _checked(folder: Path) -> tuple[FormDefinition | None, list[FormProblem]]:
    """The form in *folder* and its problems, beside all forms but an earlier version of itself."""
    with Sandbox(workers=1) as sandbox:
        definition, problems = check_folder(folder, _known(), sandbox, replaceable=_installed())
    if definition is not None:
        problems += _table_problems(definition)
    return definition, problems


def _table_problems(definition: FormDefinition) -> list[FormProblem]:
    """Fields called like columns of our own."""
    from server.records import form_tables

    try:
        form_tables.table(definition)
    except SettingsError as error:
        return [FormProblem(where=forms.FORM, what=Text(str(error), str(error)))]
    return []


def _installed() -> dict[str, FormDefinition]:
    try:
        return forms.installed(load_settings().home)
    except (DefinitionError, SettingsError) as error:
        raise click.ClickException(str(error)) from error


def _known() -> dict[str, FormDefinition]:
    return {**library(), **_installed()}


def _print_proposal(proposal: Proposal, language: Language) -> None:
    console.print(f"[bold]{plain(proposal.title[language])}[/]  {proposal.form_id}")
    table = Table(show_edge=False, pad_edge=False, header_style="bold", box=None)
    for heading in _OF_FIELDS:
        table.add_column(heading[language], overflow="fold", no_wrap=heading is _OF_FIELDS[0])
    for found in proposal.found:
        table.add_row(found.cell, plain(found.label[language]), found.name, found.type, plain(found.why[language]))
    console.print(table)
    for unsure in proposal.unsure:
        console.print(f"[yellow]?[/] {plain(unsure[language])}", soft_wrap=True)


def _print_problems(problems: list[FormProblem], language: Language) -> None:
    for problem in problems:
        mark = "[red]✗[/]" if problem.error else "[yellow]![/]"
        console.print(f"{mark} {plain(problem.where)}: {plain(problem.what[language])}", soft_wrap=True)
