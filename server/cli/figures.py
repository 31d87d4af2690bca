"""Commands that make workbooks of figures: reports, and the datasets they are made of."""

from datetime import datetime
from pathlib import Path

import click

from server.access.people import find_user
from server.access.visibility import Viewer
from server.cli.installation import open_site
from server.cli.narrowing import as_of_option, asked_period, end_of_day, selection_of, selection_options
from server.cli.terminal import Refusal, console, language_option, out_option, table_with, write_file
from server.intake.macros import SigningError, report_with_macros
from server.reports import PeriodNotOffered, UnknownReport, build_named_report, occasion
from server.reports.connections import KINDS, Connection, ConnectionKind, default_kind
from server.site import Site
from server.statistics.datasets import definition_of, names
from workbooks.form import Language, Text
from workbooks.ooxml.tables import PushError
from workbooks.report import load_reports

_HEADINGS = (
    Text("数据集", "dataset"),
    Text("名称", "title"),
    Text("一行是", "one row is"),
    Text("口径", "definition"),
)


@click.command()
@click.argument("name")
@out_option
@language_option
@click.option(
    "--period", default="", help="Such as 2026-05, 2026Q2, 2026 or history; the report's own default when absent."
)
@selection_options
@as_of_option
@click.option("--macros", is_flag=True, help="An .xlsm with a button that refreshes its tables from the server.")
@click.option(
    "--server",
    default="",
    help="The address that buttons, connections and links to records lead to; by default the setting public_url.",
)
@click.option(
    "--connection",
    type=click.Choice(KINDS),
    help="How the workbook fetches its figures again: odata (Excel; the default when public_url is set), "
    "web (WPS, old Excel), none.",
)
@click.option("--reader", default="", help="With --connection web: the user whose figures the web query reads.")
def report(
    name: str,
    out: Path,
    language: Language,
    period: str,
    as_of: datetime | None,
    macros: bool,
    server: str,
    connection: ConnectionKind | None,
    reader: str,
    **narrowed: str,
) -> None:
    """
    Build the report workbook NAME: tables, pivot tables and charts.

    A folder as --out gets a file named after the report and its period.
    """
    with open_site() as site:
        try:
            about = occasion(site, name, period=asked_period(period, language), as_of=end_of_day(site, as_of, language))
        except UnknownReport as error:
            raise Refusal(_no_report(name), language, option="NAME") from error
        except PeriodNotOffered as error:
            raise Refusal(error.message, language, option="--period") from error
        fetched = _connection(site, connection, server=server, reader=reader, macros=macros, language=language)
        try:
            content = build_named_report(
                site, name, Viewer.operator(), language=language, as_of=about.as_of, period=about.period,
                selection=selection_of(site, narrowed, language), connection=fetched, address=server or None,
            )  # fmt: skip
        except PushError as error:
            raise Refusal(error.message, language) from error
        if out.is_dir():
            out = out / f"{about.plain_name}.xls{'m' if macros else 'x'}"
        if macros:
            try:
                content = report_with_macros(
                    content, load_reports()[name], settings=site.settings, language=language, server=server
                )
            except SigningError as error:
                raise Refusal(_unsigned(error), language) from error
        with site.session() as session:
            site.note(session, Viewer.operator(), "exported", f"report:{name}")
    write_file(out, content, language)
    click.echo(out)


def _connection(
    site: Site, kind: ConnectionKind | None, *, server: str, reader: str, macros: bool, language: Language
) -> Connection | None:
    """The connection asked for; a workbook with macros refreshes by its button unless it is told otherwise."""
    kind = kind or ("none" if macros else default_kind(site))
    server = server or site.settings.public_url
    if kind == "none":
        return None
    if not server:
        words = Text(
            "连接需要服务器地址：请加 --server https://服务器，或设置 AFTERSHEET_PUBLIC_URL。",
            "A connection needs the server's address: add --server https://your.site, or set AFTERSHEET_PUBLIC_URL.",
        )
        raise Refusal(words, language, option="--connection")
    if kind == "odata":
        return Connection(kind=kind, server=server, reader=Viewer.operator())
    with site.session(read_only=True) as session:
        viewer = find_user(session, reader) if reader else None
    if viewer is None:
        words = Text(
            "网页查询按某个用户的权限取数：请用 --reader 写明一个可登录的用户名。",
            "A web query reads what one user may see: name one who may sign in with --reader.",
        )
        raise Refusal(words, language, option="--reader")
    return Connection(kind=kind, server=server, reader=viewer)


def _no_report(name: str) -> Text:
    there = load_reports()
    return Text(
        f"没有报表“{name}”，有：{'、'.join(there)}。", f"There is no report {name!r}; there are: {', '.join(there)}."
    )


def _unsigned(error: SigningError) -> Text:
    return Text(
        f"宏没有签上名，请检查 AFTERSHEET_MACRO_SIGNER：{error}",
        f"The macros could not be signed; look at AFTERSHEET_MACRO_SIGNER: {error}",
    )


@click.command()
@language_option
def datasets(language: Language) -> None:
    """List the datasets that `push` and reports use."""
    table = table_with(_HEADINGS, language, copied=_HEADINGS[0])
    with open_site() as site:
        for name in names(site):
            found = definition_of(site, name)
            table.add_row(name, found.title[language], found.row[language], found.definition[language])
    console.print(table)
