"""Commands for whoever runs the server: master data, people, the audit trail, serving."""

import sys
from pathlib import Path

import click
from rich.table import Table

from server.cli.terminal import console, language_option, out_option, write_file
from server.site import Site
from workbooks.form import Language

_ROLES = ("station", "engineer", "quality", "manager", "admin")


@click.group()
def master() -> None:
    """Master data the forms choose from, as one workbook."""


@master.command("import")
@click.argument("workbook", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@language_option
def import_(workbook: Path, language: Language) -> None:
    """Load WORKBOOK: new and changed rows are stored, rows no longer in it are retired, never deleted."""
    from server.records.master import import_master

    site = Site.open()
    done = import_master(site, workbook.read_bytes())
    for finding in done.findings:
        console.print(f"[red]✗[/] {finding.sheet}!{finding.cell} {finding.what[language]} {finding.fix[language]}")
    if not done.findings:
        table = Table(header_style="bold")
        for heading in ("table", "new", "changed", "unchanged", "retired"):
            table.add_column(heading)
        for name, counts in done.counts.items():
            table.add_row(name, *map(str, (counts.new, counts.changed, counts.unchanged, counts.retired)))
        console.print(table)
    site.close()
    sys.exit(1 if done.findings else 0)


@master.command("export")
@out_option
@language_option
def export(out: Path, language: Language) -> None:
    """Write all master data to a workbook that `master import` takes back."""
    from server.records.master import export_master

    site = Site.open()
    with site.session() as session:
        content = export_master(session, language)
    write_file(out, content)
    console.print(f"{out}")
    site.close()


@click.group()
def user() -> None:
    """People who may sign in."""


@user.command("add")
@click.argument("username")
@click.option("--role", "roles", type=click.Choice(_ROLES), multiple=True, required=True)
@click.option("--name", default="", help="Name shown on pages and receipts.")
@click.option("--station", help="Code of the station; needed for the role station.")
@click.option("--region", help="A manager's region; all regions when absent.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def add(username: str, roles: tuple[str, ...], name: str, station: str | None, region: str | None, password_stdin: bool) -> None:
    """Add USERNAME; asks for the password."""
    from server.access.people import AccountError, create_user

    password = (
        sys.stdin.readline().rstrip("\n") if password_stdin else click.prompt("Password", hide_input=True, confirmation_prompt=True)
    )
    site = Site.open()
    try:
        with site.session() as session:
            create_user(
                session, username, password, display_name=name or username, roles=frozenset(roles), station=station, region=region
            )
    except AccountError as error:
        raise click.ClickException(str(error)) from error
    console.print(f"{username}: {', '.join(roles)}")
    site.close()


@user.command("token")
@click.argument("username")
@click.option("--name", default="cli", show_default=True, help="What the token is for.")
@click.option("--scope", "scopes", type=click.Choice(["submit", "read"]), multiple=True, default=("submit", "read"))
def token(username: str, name: str, scopes: tuple[str, ...]) -> None:
    """Issue an API token for USERNAME; it is shown once."""
    from server.access.people import AccountError, find_user
    from server.access.tokens import issue_token

    site = Site.open()
    try:
        with site.session() as session:
            text = issue_token(session, find_user(session, username), name, frozenset(scopes))
    except AccountError as error:
        raise click.ClickException(str(error)) from error
    click.echo(text)
    site.close()


@click.group()
def audit() -> None:
    """The audit trail."""


@audit.command("verify")
def verify() -> None:
    """Recompute the hash chain; the exit status is 1 when an entry was changed or removed."""
    from server.records.audit import verify_audit

    site = Site.open()
    with site.session() as session:
        proof = verify_audit(session, site.settings)
    console.print(str(proof))
    site.close()
    sys.exit(0 if proof.intact else 1)


@click.command()
@click.option("--host", help="Address to listen on (AFTERSHEET_HOST).")
@click.option("--port", type=int, help="Port to listen on (AFTERSHEET_PORT).")
def serve(host: str | None, port: int | None) -> None:
    """Serve the pages and the API."""
    import waitress

    from server.access.people import count_users
    from server.app import create_app

    site = Site.open()
    with site.session() as session:
        if count_users(session) == 0:
            raise click.ClickException("nobody may sign in yet; run `aftersheet user add NAME --role admin` first")
    host, port = host or site.settings.host, port or site.settings.port
    console.print(f"Aftersheet: http://{host}:{port}/  (data in {site.settings.home})")
    waitress.serve(create_app(site), host=host, port=port, threads=8, ident=None)
