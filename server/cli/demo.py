"""The whole job at once: a demo company, its server, real workbooks over HTTP, a report."""

import json
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
import waitress

from server import logs
from server.access.people import find_user
from server.access.tokens import issue_token
from server.access.visibility import Viewer
from server.app import create_app
from server.cli.demo_mail import ShownMail, demo_mail, show_mail, show_mail_places, surprises, take_mail
from server.cli.receipts import OUTCOME_COLOURS
from server.cli.terminal import console, language_option, plain, progress_bar, write_file
from server.demo.loader import Account, load_demo
from server.records.outcome import Outcome
from server.reports import build_named_report
from server.reports.registered.working import workbooks_at_work
from server.settings import Settings, SettingsError, load_settings
from server.site import Site
from workbooks.form import Language

HOME = Path(".demo")  # unless AFTERSHEET_HOME says otherwise
ACCOUNTS = "demo-accounts.json"
LOG = "server.log"
WORKBOOKS = Path("tests/data")
_FOLDERS = ("good", "bad")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What the server said to one workbook."""

    file: Path
    status: int
    body: Mapping[str, Any]

    @property
    def outcome(self) -> Outcome:
        return Outcome(self.body["outcome"])

    @property
    def errors(self) -> int:
        return sum(finding["severity"] == "error" for finding in self.body["findings"])


@click.command()
@click.option("--once", is_flag=True, help="End when everything has been shown instead of going on serving.")
@click.option("--port", type=int, help="Port to listen on (AFTERSHEET_PORT).")
@click.option(
    "--workbooks",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with filled workbooks in good/ and bad/; by default those of the checkout.",
)
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Load the company's history only from this day on.")
@language_option
def demo(once: bool, port: int | None, workbooks: Path | None, since: datetime | None, language: Language) -> None:
    """
    Show the whole job on a demo company: serve, submit real workbooks, build a report.

    The data folder is AFTERSHEET_HOME, or .demo here. The exit status is 1 when a workbook
    was not answered as expected.
    """
    folder = workbooks or WORKBOOKS
    files = _filled_workbooks(folder)
    settings = _settings(port)
    with demo_mail(settings.home) as mail:
        site = _open(settings.model_copy(update={"mail": mail}))
        try:
            surprises = _show(site, folder, files, once, since.date() if since else None, language)
        finally:
            site.close()
    if surprises:
        raise click.ClickException(f"not answered as expected: {', '.join(surprises)}")


def _show(site: Site, folder: Path, files: list[Path], once: bool, since: date | None, language: Language) -> list[str]:
    """Everything in its turn; the names of the files that were not answered as expected."""
    accounts = _load(site, since)
    with _served(site) as address:
        answers = list(_submit(site, address, files))
        _show_answers(answers, language)
        mails = take_mail(site, folder)
        show_mail(mails)
        report = _build_report(site, address, language)
        _show_places(site, address, accounts, answers, mails, report)
        if not once:
            _keep_serving(site, address)
    return _surprises(answers) + surprises(mails)


def _filled_workbooks(folder: Path) -> list[Path]:
    files = [file for name in _FOLDERS for file in sorted((folder / name).glob("*")) if file.is_file()]
    if not files:
        raise click.ClickException(
            f"there are no filled workbooks in {folder}/good and {folder}/bad; name a folder with --workbooks"
        )
    return files


def _settings(port: int | None) -> Settings:
    """Those of the demo's own data folder, unless AFTERSHEET_HOME names another."""
    overrides: dict[str, Any] = {"port": port} if port else {}
    try:
        settings = load_settings(**overrides)
        return settings if "home" in settings.model_fields_set else load_settings(home=HOME, **overrides)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


def _open(settings: Settings) -> Site:
    try:
        return Site.open(settings)
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


def _load(site: Site, since: date | None) -> tuple[Account, ...]:
    """The demo company with its accounts, loaded the first time and remembered after."""
    path = site.settings.home / ACCOUNTS
    if path.is_file():
        return tuple(Account(**{**entry, "roles": tuple(entry["roles"])}) for entry in json.loads(path.read_text()))
    with site.session(read_only=True) as session:
        if find_user(session, "admin") is not None:
            raise click.ClickException(
                f"{site.settings.home} holds an installation already; set AFTERSHEET_HOME to an empty folder"
            )
    with progress_bar("Loading a demo company") as bar:
        task = bar.add_task("", total=None)
        summary = load_demo(
            site, progress=lambda done, total: bar.update(task, completed=done, total=total), start=since
        )
    path.touch(mode=0o600)
    path.write_text(json.dumps([asdict(account) for account in summary.accounts], ensure_ascii=False))
    console.print(
        f"Loaded {sum(summary.records.values())} records and {summary.revisions} later revisions "
        f"in {summary.seconds:.0f} s; {summary.rejected} sendings with mistakes were turned down, as they should be."
    )
    return summary.accounts


@contextmanager
def _served(site: Site) -> Iterator[str]:
    """The address at which *site* is served by a thread of this process while the block runs."""
    server = _listen(site)
    thread = threading.Thread(target=server.run, name="server", daemon=True)
    thread.start()
    try:
        yield f"http://{site.settings.host}:{server.effective_port}"
    finally:
        server.close()
        thread.join(timeout=5)


def _listen(site: Site) -> Any:
    app = create_app(site)
    logs.configure(site.settings.home / LOG)  # the terminal is for what the demo shows
    host, port = site.settings.host, site.settings.port
    try:
        return waitress.create_server(app, host=host, port=port, threads=8, ident=None)
    except OSError as error:
        console.print(f"[yellow]Port {port} is taken ({error.strerror}); another one is used.[/]")
        return waitress.create_server(app, host=host, port=0, threads=8, ident=None)


def _submit(site: Site, address: str, files: list[Path]) -> Iterator[_Answer]:
    """Send every workbook as a program would: raw body, bearer token."""
    with site.session() as session:
        admin = find_user(session, "admin")
        if admin is None:
            raise click.ClickException("the demo's account `admin` is gone; remove the data folder and start again")
        token = issue_token(session, admin, "demo")
    for file in files:
        query = urllib.parse.urlencode({"filename": file.name})
        request = urllib.request.Request(  # noqa: S310 -- the address is our own loopback server
            f"{address}/api/v1/submissions?{query}",
            data=file.read_bytes(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/octet-stream"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
                yield _Answer(file=file, status=response.status, body=json.load(response))
        except urllib.error.HTTPError as error:
            if error.code != 422:
                raise
            yield _Answer(file=file, status=error.code, body=json.load(error))


def _surprises(answers: list[_Answer]) -> list[str]:
    """The workbooks in good/ that were turned down and those in bad/ that were not."""
    return [
        answer.file.name
        for answer in answers
        if (answer.outcome is Outcome.REJECTED) != (answer.file.parent.name == "bad")
    ]


def _show_answers(answers: list[_Answer], language: Language) -> None:
    """A line per workbook, and below it the first thing to mend where it was turned down."""
    console.print("\n[bold]Workbooks sent over HTTP[/]")
    for answer in answers:
        colour = OUTCOME_COLOURS[answer.outcome]
        name = plain(f"{answer.file.parent.name}/{answer.file.name}")
        number = answer.body["record_number"] or "-"
        console.print(f"{answer.status} [{colour}]{answer.outcome:<16}[/] {number:<14} {name}", soft_wrap=True)
        errors = [finding for finding in answer.body["findings"] if finding["severity"] == "error"]
        if errors and answer.outcome is Outcome.REJECTED:
            more = f" (+{len(errors) - 1})" if len(errors) > 1 else ""
            said = plain(f"{errors[0]['cell']} {errors[0]['what'][language]}".strip())
            console.print(f"    [dim]{said}{more}[/]", soft_wrap=True)


def _build_report(site: Site, address: str, language: Language) -> Path:
    path = site.settings.home / "reports" / "fracas_board.xlsx"
    content = build_named_report(site, "fracas_board", Viewer.operator(), language=language, address=address)
    write_file(path, content)
    return path


def _show_places(
    site: Site,
    address: str,
    accounts: tuple[Account, ...],
    answers: list[_Answer],
    mails: list[ShownMail],
    report: Path,
) -> None:
    rejected = next((answer for answer in answers if answer.outcome is Outcome.REJECTED and answer.errors), None)
    console.print(f"\nReport with pivots and charts: {report.absolute()}", soft_wrap=True)
    if rejected is not None:
        console.print(
            f"A marked workbook, to mend and send again: {address}/submissions/{rejected.body['submission_id']}"
        )
    show_mail_places(site, address, mails)
    console.print(f"Dashboard, records, templates: [bold]{address}/[/]", soft_wrap=True)
    for account in accounts:
        station = f" of station {account.station}" if account.station else ""
        console.print(f"  sign in as [bold]{account.username}[/]{station}, password [bold]{plain(account.password)}[/]")


def _keep_serving(site: Site, address: str) -> None:
    """Until Ctrl+C, with registered workbooks refreshed as `serve` does."""
    with workbooks_at_work(site):
        _wait(address)


def _wait(address: str) -> None:
    console.print(f"Serving {address}/ until Ctrl+C.")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        console.print("Stopped.")
        sys.exit(0)
