"""One record: its answers, its history, and the workbook to continue it with."""

from flask import Blueprint, Response, abort, render_template

from server.access.visibility import Viewer
from server.intake.workbooks import record_workbook
from server.records.channels import CHANNELS
from server.records.form_tables import station_field
from server.records.shown import differences
from server.records.store import NotFound, RecordDetail, record
from server.web import receipts
from server.web.answers import blocks, pictures
from server.web.context import site
from server.web.files import workbook
from server.web.inputs import editable
from server.web.language import current_language
from server.web.viewer import login_required, signed_in
from workbooks.form import FormDefinition
from workbooks.values import show as show_value

pages = Blueprint("record", __name__)
_PICTURES = {b"\x89PNG\r\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF8": "image/gif", b"BM": "image/bmp"}


@pages.get("/records/<number>")
@login_required
def show(number: str) -> str:
    viewer, language = signed_in(), current_language()
    found = record_or_404(number, viewer)
    definition = site().definitions[found.form_id]
    with site().session(read_only=True) as session:
        master = site().master(session, retired=True)
    station = station_field(definition)
    return render_template(
        "record.html",
        record=found,
        form=definition,
        blocks=blocks(definition, found.values, master=master, language=language),
        history=[
            (revision, differences(definition, revision.changes, master=master, language=language))
            for revision in reversed(found.revisions)
        ],
        sent=[receipts.of_row(row, site().definitions) for row in reversed(found.submissions)],
        station=show_value(station, found.station, language, master) if station else "",
        may_continue=may_continue(definition, found, viewer),
        channels=CHANNELS,
    )


@pages.get("/records/<number>/workbook")
@login_required
def download(number: str) -> Response:
    """The record as a workbook; the sections that are not this viewer's turn are locked."""
    viewer = signed_in()
    found = record_or_404(number, viewer)
    language = current_language()
    content = record_workbook(site(), number, viewer=viewer, language=language)
    return workbook(content, f"{number} {site().definitions[found.form_id].title[language]}", number)


@pages.get("/records/<number>/pictures/<digest>")
@login_required
def picture(number: str, digest: str) -> Response:
    """A picture of the record's current revision; of no other file, whatever its digest."""
    found = record_or_404(number, signed_in())
    definition = site().definitions[found.form_id]
    if not any(digest in pictures(field, found.values.get(field.name)) for field in definition.fields):
        abort(404)
    content = site().originals.read(digest)
    media_type = next((kind for start, kind in _PICTURES.items() if content.startswith(start)), None)
    if media_type is None:
        abort(404)
    return Response(content, content_type=media_type)


def record_or_404(number: str, viewer: Viewer) -> RecordDetail:
    try:
        with site().session(read_only=True) as session:
            return record(session, viewer, number, definitions=site().definitions)
    except NotFound:
        abort(404)


def may_begin(definition: FormDefinition, viewer: Viewer) -> bool:
    """Whether this viewer may fill in a new one: that is the part of the form's first owner."""
    owned = [section for section in definition.sections if section.owner is not None]
    return not owned or editable(owned[0], viewer.roles)


def may_continue(definition: FormDefinition, found: RecordDetail, viewer: Viewer) -> bool:
    """Whether this viewer has a section to fill in; a closed record is open to few."""
    if found.state == "closed" and not viewer.may_reopen:
        return False
    return any(editable(section, viewer.roles) for section in definition.sections)
