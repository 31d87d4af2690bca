"""Commands for the mailboxes: try the settings, fetch once, keep watching."""

import signal
import sys
import threading
from functools import partial

import click
from rich.progress import Progress, TaskID

from server.cli.installation import open_site
from server.cli.mail_files import STATE_COLOURS
from server.cli.terminal import console, language_option, plain, progress_bar
from server.intake.mail.advice import advice
from server.intake.mail.check import CheckLine, check_mail
from server.intake.mail.connection import MailServerError
from server.intake.mail.fetching import FetchSummary, fetch_once
from server.intake.mail.replies import compose
from server.intake.mail.running import mail_at_work
from server.intake.mail.sending import send_due
from server.site import Site
from workbooks.form import Language

_MARKS = {"ok": "[green]✓[/]", "note": "[yellow]![/]", "failed": "[red]✗[/]"}


@click.group()
def mail() -> None:
    """Mailboxes: try the settings, fetch once, keep watching."""


@mail.command()
@language_option
def check(language: Language) -> None:
    """
    Try the mail settings, step by step, and say in plain words what is wrong.

    Nothing is fetched, moved or sent. The exit status is 1 when something does not work.
    """
    failed = False
    with open_site() as site:
        settings = site.settings.mail
        if not settings.mailboxes and settings.smtp is None:
            raise click.ClickException(_unset(site))
        for line in check_mail(settings, site.settings.home):
            failed = failed or line.state == "failed"
            _print_line(line, language)
    sys.exit(1 if failed else 0)


@mail.command()
@click.option("--mailbox", "name", help="Only this mailbox, by its name.")
@language_option
def fetch(name: str | None, language: Language) -> None:
    """
    Fetch what lies in the mailboxes, store it and send the replies; once.

    The exit status is 1 when a mailbox or the server for replies could not be reached.
    """
    trouble = False
    with open_site() as site:
        boxes = [box for box in site.settings.mail.mailboxes if name in (None, box.account)]
        if not boxes:
            raise click.ClickException(f"there is no mailbox {name!r}" if name else _unset(site))
        for box in boxes:
            with progress_bar(box.account) as bar:
                shown = partial(_show_progress, bar, bar.add_task("", total=None))
                try:
                    summary = fetch_once(site, box, progress=shown)
                except MailServerError as error:
                    trouble = True
                    console.print(f"[red]✗[/] {plain(box.account)}: {plain(str(error))}", soft_wrap=True)
                    console.print(f"    {plain(advice(box, error)[language])}", soft_wrap=True)
                    continue
            _print_summary(summary)
        sent = send_due(site, compose)
        if site.settings.mail.smtp is None:
            console.print("No [bold]mail.smtp[/] is set: replies stay queued.")
        else:
            console.print(f"replies: {sent.sent} sent, {sent.later} later, {sent.dead} failed")
        if sent.trouble is not None:
            console.print(f"[red]✗[/] {plain(str(sent.trouble))}", soft_wrap=True)
            assert site.settings.mail.smtp is not None
            console.print(f"    {plain(advice(site.settings.mail.smtp, sent.trouble)[language])}", soft_wrap=True)
    sys.exit(1 if trouble or sent.trouble else 0)


@mail.command()
def watch() -> None:
    """Fetch and reply until Ctrl+C or a SIGTERM; `serve` does the same beside its pages."""
    stop = threading.Event()
    for signal_ in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_, lambda *_: stop.set())
    with open_site() as site:
        mail_settings = site.settings.mail
        if not mail_settings.mailboxes:
            raise click.ClickException(_unset(site))
        names = ", ".join(box.account for box in mail_settings.mailboxes)
        click.echo(f"Watching {names}; Ctrl+C ends it.")
        with mail_at_work(site):
            stop.wait()
    click.echo("Stopped.")


def _show_progress(bar: Progress, task: TaskID, done: int, total: int) -> None:
    bar.update(task, completed=done, total=total)


def _print_line(line: CheckLine, language: Language) -> None:
    said = f": {plain(line.said)}" if line.said else ""
    console.print(
        f"{_MARKS[line.state]} [bold]{plain(line.about)}[/] {plain(line.what[language])}{said}", soft_wrap=True
    )
    if line.advice is not None:
        console.print(f"    {plain(line.advice[language])}", soft_wrap=True)


def _print_summary(summary: FetchSummary) -> None:
    states = ", ".join(f"[{STATE_COLOURS[state]}]{state}: {n}[/]" for state, n in sorted(summary.states.items()))
    more = f" ({states})" if states else ""
    console.print(f"[green]✓[/] {plain(summary.account)}: {summary.new} new{more}, {summary.put_away} put away")
    for said in summary.refused:
        console.print(f"[yellow]![/] {plain(said)}", soft_wrap=True)


def _unset(site: Site) -> str:
    return f"no mailbox is set; write [[mail.mailboxes]] into {site.settings.home / 'settings.toml'} (docs/mail.md)"
