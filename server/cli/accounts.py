"""Commands for people: who may sign in, their passwords and their API tokens."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from server.access.people import (
    AccountError,
    Person,
    create_user,
    find_user,
    people,
    reset_password,
    set_active,
)
from server.access.tokens import SCOPES, issue_token, token_id_of
from server.access.visibility import ROLES, Viewer
from server.cli.installation import open_site
from server.cli.terminal import console, json_option, language_option, plain, print_json, table_with
from server.site import Site
from workbooks.form import Language, Text
from workbooks.master import Master

_password_option = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


_HEADINGS = {
    "username": Text("用户名", "username"),
    "name": Text("姓名", "name"),
    "roles": Text("角色", "roles"),
    "station": Text("站点", "station"),
    "region": Text("区域", "region"),
    "active": Text("可登录", "active"),
    "last_sign_in_at": Text("上次登录", "last sign in"),
}


@click.group()
def user() -> None:
    """People who may sign in, and their API tokens."""


@user.command("add")
@click.argument("username")
@click.option("--role", "roles", type=click.Choice(ROLES), multiple=True, required=True)
@click.option("--name", default="", help="Name shown on pages and receipts.")
@click.option("--station", help="Code of the station; needed for the role station.")
@click.option("--region", help="A manager's region, by its Chinese name; all regions when absent.")
@_password_option
def add(
    username: str, roles: tuple[str, ...], name: str, station: str | None, region: str | None, password_stdin: bool
) -> None:
    """Add USERNAME; asks for the password."""
    password = _password(password_stdin)
    with _changing("user-added", username, roles=sorted(roles)) as (site, session):
        _known(site.master(session), station, region)
        create_user(
            session,
            username=username,
            password=password,
            display_name=name,
            roles=roles,
            station=station,
            region=region,
        )
    click.echo(f"{username}: {', '.join(roles)}")


@user.command("list")
@json_option
@language_option
def list_(as_json: bool, language: Language) -> None:
    """List everybody who may, or once might, sign in."""
    with open_site() as site, site.session(read_only=True) as session:
        known = [_as_dict(person) for person in people(session)]
    if as_json:
        print_json(known)
        return
    table = table_with(tuple(_HEADINGS.values()), language)
    for person in known:
        table.add_row(*(_shown(person[name], language) for name in _HEADINGS))
    console.print(table)


@user.command("disable")
@click.argument("username")
def disable(username: str) -> None:
    """Let USERNAME in no more: sign-ins end, tokens and password are worth nothing. What they sent stays."""
    with _changing("user-disabled", username) as (_, session):
        set_active(session, username, False)
    click.echo(f"{username}: disabled")


@user.command("enable")
@click.argument("username")
def enable(username: str) -> None:
    """Let USERNAME in again, with the old password and tokens."""
    with _changing("user-enabled", username) as (_, session):
        set_active(session, username, True)
    click.echo(f"{username}: enabled")


@user.command("password")
@click.argument("username")
@_password_option
def password(username: str, password_stdin: bool) -> None:
    """Give USERNAME, who forgot theirs, a new password; asks for it. Their sign-ins end."""
    new = _password(password_stdin)
    with _changing("password-reset", username) as (_, session):
        reset_password(session, username, new)
    click.echo(f"{username}: password changed")


def _known(master: Master, station: str | None, region: str | None) -> None:
    """Refuse a station or region that is not in the master data: its user would see nothing, and wonder."""
    stations = master.rows("stations")
    for option, value, known in (
        ("--station", station, sorted({row.code for row in stations})),
        ("--region", region, sorted({row.attributes["region"] for row in stations})),
    ):
        if value is not None and value not in known:
            there_are = ", ".join(known) or "none yet; run `aftersheet master import` first"
            raise click.BadParameter(f"{value!r} is not in the master data; there are: {there_are}", param_hint=option)


@user.command("token")
@click.argument("username")
@click.option("--name", default="command line", show_default=True, help="What the token is for.")
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, default=SCOPES, show_default=True)
def token(username: str, name: str, scopes: tuple[str, ...]) -> None:
    """Issue an API token for USERNAME; it is shown once."""
    with open_site() as site, site.session() as session:
        owner = find_user(session, username)
        if owner is None:
            raise click.ClickException(f"there is no user {username!r} who may sign in")
        text = issue_token(session, owner, name, scopes)
        details = {"token": token_id_of(text), "scopes": sorted(scopes)}
        site.note(session, Viewer.operator(), "token-issued", f"user:{owner.username}", **details)
    click.echo(text)


@contextmanager
def _changing(action: str, username: str, **details: Any) -> Iterator[tuple[Site, Session]]:
    """A transaction that changes *username*'s account and says so in the audit trail."""
    with open_site() as site:
        try:
            with site.session() as session:
                yield site, session
                site.note(session, Viewer.operator(), action, f"user:{username.strip().casefold()}", **details)
        except AccountError as error:
            raise click.ClickException(str(error)) from error


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _as_dict(person: Person) -> dict[str, Any]:
    viewer = person.viewer
    return {
        "username": viewer.username,
        "name": viewer.display_name,
        "roles": sorted(viewer.roles),
        "station": viewer.station,
        "region": viewer.region,
        "active": person.active,
        "last_sign_in_at": person.last_sign_in_at,
    }


def _shown(value: Any, language: Language) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, bool):
        return (Text("是", "yes") if value else Text("否", "no"))[language]
    return plain(", ".join(value) if isinstance(value, list) else value or "")
