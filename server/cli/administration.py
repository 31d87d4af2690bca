"""Commands for whoever runs the server: master data, the audit trail, serving."""

import signal
import socket
import sys
from pathlib import Path

import click

from server.access.people import any_user
from server.access.visibility import Viewer
from server.cli.installation import open_site
from server.cli.terminal import console, language_option, out_option, plain, table_with, write_file
from server.records.audit import verify_audit
from server.records.master import export_master
from workbooks.form import Language, Text
from workbooks.refusal import Refused

_HEADINGS = (
    Text("表", "table"),
    Text("新增", "new"),
    Text("改动", "changed"),
    Text("未变", "unchanged"),
    Text("停用", "retired"),
)


@click.group()
def master() -> None:
    """Master data the forms choose from, as one workbook."""


@master.command("import")
@click.argument("workbook", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@language_option
def import_(workbook: Path, language: Language) -> None:
    """Load WORKBOOK: new and changed rows are stored, rows no longer in it are retired, never deleted."""
    with open_site() as site:
        try:
            done = site.import_master(workbook.read_bytes(), by=Viewer.operator())
        except Refused as refused:
            raise click.ClickException(refused.finding.message(language)) from refused
    if done.findings:
        for finding in done.findings:
            console.print(f"[red]✗[/] {plain(finding.message(language))}")
        sys.exit(1)
    table = table_with(_HEADINGS, language)
    for name, counts in done.report.items():
        table.add_row(name, str(counts.new), str(counts.changed), str(counts.unchanged), str(counts.retired))
    console.print(table)


@master.command("export")
@out_option
@language_option
def export(out: Path, language: Language) -> None:
    """Write all master data to a workbook that `master import` takes back."""
    with open_site() as site, site.session(read_only=True) as session:
        write_file(out, export_master(session, language))
    click.echo(out)


@click.group()
def audit() -> None:
    """The audit trail."""


@audit.command("verify")
def verify() -> None:
    """Recompute the hash chain; the exit status is 1 when an entry was changed or removed."""
    with open_site() as site, site.session(read_only=True) as session:
        proof = verify_audit(session, site.audit_key)
    if not proof.sound:
        raise click.ClickException(f"the chain is broken at entry {proof.broken_at} of {proof.entries}")
    click.echo(f"{proof.entries} entries, sound; head {proof.head}")


@click.command()
@click.option("--host", help="Address to listen on (AFTERSHEET_HOST).")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on (AFTERSHEET_PORT).")
def serve(host: str | None, port: int | None) -> None:
    """Serve the pages and the API."""
    import waitress

    from server.app import create_app
    from server.intake.mail.running import mail_at_work
    from server.reports.registered.working import workbooks_at_work

    with open_site() as site:
        with site.session(read_only=True) as session:
            if not any_user(session):
                message = "nobody may sign in yet; run `aftersheet user add NAME --role admin` first"
                raise click.ClickException(message)
        host, port = host or site.settings.host, port or site.settings.port
        _try_address(host, port)
        click.echo(f"Aftersheet: http://{host}:{port}/  (data in {site.settings.home})")
        # As Ctrl+C does: what is being answered or processed is brought to its end.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        with mail_at_work(site), workbooks_at_work(site):
            waitress.serve(create_app(site), host=host, port=port, threads=8, ident=None)


def _try_address(host: str, port: int) -> None:
    """Refuse an address that nobody can listen on, before mail is fetched and a web address is shown."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server(("" if host == "*" else host, port), family=family).close()
    except OSError as error:
        raise click.ClickException(f"{host}:{port} cannot be listened on: {error.strerror}") from error
