"""Workbooks issued to one station: sealed, on record, and revocable."""

from sqlalchemy.orm import Session

from server.access import seals
from server.access.visibility import Viewer
from server.intake.stations import require_station
from server.records import audit
from server.records.audit import Event
from server.site import Site
from workbooks.form import FormDefinition, Language
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
        issue_id, seal = _issue(session, site, definition, station, by)
        master = site.master(session)
    return issue_id, build_template(definition, language=language, master=master, station=station, seal=seal)


def blank_template(site: Site, definition: FormDefinition, *, viewer: Viewer, language: Language) -> bytes:
    """A blank of the form for *viewer*: sealed for people of a station, so that they may mail it in."""
    seal = own_seal(site, definition, viewer)
    with site.session(read_only=True) as session:
        master = site.master(session)
    station = viewer.station if seal else None
    return build_template(definition, language=language, master=master, station=station, seal=seal)


def own_seal(site: Site, definition: FormDefinition, viewer: Viewer) -> str | None:
    """
    The seal for what *viewer* takes away to fill in; None for people who belong to no one station.

    Everything a person takes of one form carries the same seal, until that is revoked.
    """
    if not viewer.station_bound or viewer.station is None:
        return None
    form_id, version, station = definition.form_id, definition.version, viewer.station
    with site.session(read_only=True) as session:
        seal = seals.standing(session, site.seal_key, form_id=form_id, version=version, station=station, by=viewer)
    if seal is None:
        with site.session() as session:
            _, seal = _issue(session, site, definition, station, viewer)
    return seal


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


def _issue(session: Session, site: Site, definition: FormDefinition, station: str, by: Viewer) -> tuple[str, str]:
    form_id, version = definition.form_id, definition.version
    audit.lock(session)
    issue_id, seal = seals.issue(session, site.seal_key, form_id=form_id, version=version, station=station, by=by)
    details = {"form": form_id, "version": version, "station": station}
    audit.append(session, site.audit_key, [_event("template-issued", issue_id, by, details)])
    return issue_id, seal


def _event(action: str, issue_id: str, by: Viewer, details: dict[str, object]) -> Event:
    return Event(actor=by.username, action=action, subject=f"template:{issue_id}", details=details)
