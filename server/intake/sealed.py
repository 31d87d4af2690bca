"""Blank workbooks issued to one station: sealed, on record, and revocable."""

from server.access import seals
from server.access.visibility import Viewer
from server.intake.stations import require_station
from server.records import audit
from server.records.audit import Event
from server.site import Site
from workbooks.form import Language
from workbooks.template import build_template


def sealed_template(
    site: Site, form_id: str, station: str, *, by: Viewer, language: Language = "zh"
) -> tuple[str, bytes]:
    """
    A blank of form *form_id* for *station*: the id it can be revoked by, and the workbook.

    Raises:
        KeyError: There is no such form.
        UnknownStation: There is no such station for *by*.
    """
    definition = site.definitions[form_id]
    require_station(site, station, by)
    with site.session() as session:
        audit.lock(session)
        issue_id, seal = seals.issue(
            session, site.seal_key, form_id=form_id, version=definition.version, station=station, by=by
        )
        details = {"form": form_id, "version": definition.version, "station": station}
        audit.append(session, site.audit_key, [_event("template-issued", issue_id, by, details)])
        master = site.master(session)
    return issue_id, build_template(definition, language=language, master=master, station=station, seal=seal)


def revoke_template(site: Site, issue_id: str, *, by: Viewer) -> None:
    """
    Let an issued template prove nothing any more, in all its copies.

    Raises:
        NoSuchTemplate: There is none with this id for *by*.
    """
    with site.session() as session:
        audit.lock(session)
        seals.revoke(session, issue_id, by)
        audit.append(session, site.audit_key, [_event("template-revoked", issue_id, by, {})])


def _event(action: str, issue_id: str, by: Viewer, details: dict[str, object]) -> Event:
    return Event(actor=by.username, action=action, subject=f"template:{issue_id}", details=details)
