"""Templates issued to stations: sealed, listed, revoked; for administrators."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from server.access import seals
from server.intake.sealed import revoke_template, sealed_template
from server.intake.stations import UnknownStation
from server.web.context import site
from server.web.files import workbook
from server.web.gallery import definition_or_404
from server.web.language import LANGUAGES, t
from server.web.viewer import admins_only, signed_in

pages = Blueprint("issued", __name__)


@pages.get("/templates/issued")
@admins_only
def show() -> str:
    with site().session(read_only=True) as session:
        issues = seals.issued(session, signed_in())
        reach = site().master(session).rows("stations")
        stations = {row.code: row for row in site().master(session, retired=True).rows("stations")}
    return render_template(
        "issued.html",
        issues=issues,
        forms=site().definitions.values(),
        definitions=site().definitions,
        reach=reach,
        stations=stations,
    )


@pages.post("/templates/issued")
@admins_only
def issue() -> ResponseReturnValue:
    """A new sealed template, as a download."""
    definition = definition_or_404(request.form.get("form", ""))
    language = next((known for known in LANGUAGES if known == request.form.get("language")), LANGUAGES[0])
    station = request.form.get("station", "")
    try:
        _, content = sealed_template(site(), definition.form_id, station, by=signed_in(), language=language)
    except UnknownStation:
        flash(t("Choose the station it is for."), "warn")
        return redirect(url_for("issued.show"))
    with site().session(read_only=True) as session:
        row = site().master(session).row("stations", station)
    name = row.label(language) if row else station
    return workbook(content, f"{definition.title[language]} {name}", f"{definition.form_id}-{station}-{language}")


@pages.post("/templates/issued/<issue_id>/revoke")
@admins_only
def revoke(issue_id: str) -> ResponseReturnValue:
    try:
        revoke_template(site(), issue_id, by=signed_in())
    except seals.NoSuchTemplate:
        abort(404)
    flash(t("Revoked: workbooks with this seal now wait to be verified."), "ok")
    return redirect(url_for("issued.show"))
