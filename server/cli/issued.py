"""Commands for templates issued to stations: which there are, and which prove nothing any more."""

import click

from server.access.seals import IssuedView, NoSuchTemplate
from server.access.seals import issued as all_issued
from server.access.visibility import Viewer
from server.cli.installation import open_site
from server.cli.terminal import console, json_option, language_option, plain, print_json, table_with
from server.intake.sealed import revoke_template
from workbooks.form import Language, Text

_HEADINGS = (
    Text("签发号", "issue"),
    Text("表单", "form"),
    Text("版本", "version"),
    Text("站点", "station"),
    Text("签发时间", "issued"),
    Text("签发人", "by"),
    Text("状态", "state"),
)


@click.group()
def issued() -> None:
    """Sealed templates: what `template --station` and the pages issued to stations."""


@issued.command("list")
@click.option("--station", help="Only those of this station, by its code.")
@json_option
@language_option
def list_(station: str | None, as_json: bool, language: Language) -> None:
    """List what was issued, newest first."""
    with open_site() as site, site.session(read_only=True) as session:
        found = [view for view in all_issued(session, Viewer.operator()) if station in (None, view.station)]
    if as_json:
        print_json([_as_dict(view) for view in found])
        return
    table = table_with(_HEADINGS, language, copied=_HEADINGS[0])
    for view in found:
        state = _state(view)[language]
        day = f"{view.issued_at.astimezone(site.zone):%Y-%m-%d %H:%M}"
        table.add_row(view.id, view.form_id, str(view.version), plain(view.station), day, plain(view.issued_by), state)
    console.print(table)


@issued.command("revoke")
@click.argument("issue")
def revoke(issue: str) -> None:
    """Let ISSUE (its id is in the list) prove nothing any more, in all its copies. What came with it stays."""
    with open_site() as site:
        try:
            revoke_template(site, issue, by=Viewer.operator())
        except NoSuchTemplate as error:
            raise click.ClickException(f"no template was issued as {issue!r}; see `aftersheet issued list`") from error
    click.echo(f"{issue}: revoked")


def _state(view: IssuedView) -> Text:
    if view.revoked_at is None:
        return Text("有效", "valid")
    return Text(f"{view.revoked_at:%Y-%m-%d} 撤销", f"revoked {view.revoked_at:%Y-%m-%d}")


def _as_dict(view: IssuedView) -> dict[str, object]:
    return {
        "issue": view.id,
        "form_id": view.form_id,
        "version": view.version,
        "station": view.station,
        "issued_at": view.issued_at,
        "issued_by": view.issued_by,
        "revoked_at": view.revoked_at,
    }
