"""A form filled in on the page: the same questions and the same check as its workbook."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from server.intake.receive import receive_values
from server.records.form_tables import station_field
from server.records.outcome import Outcome
from server.records.store import RecordDetail
from server.web.answers import blocks, typed
from server.web.context import site
from server.web.gallery import definition_or_404
from server.web.inputs import Answers, answers_of, parts, pictures_of
from server.web.language import current_language
from server.web.record import may_begin, may_continue, record_or_404
from server.web.viewer import login_required, signed_in
from workbooks.filled import Values
from workbooks.findings import Finding
from workbooks.form import FormDefinition, Text

pages = Blueprint("fill", __name__)
CHANNEL = "web"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """
    The form a page is about: a new one, known by the page's own id, or revision *revision* of a record.

    *values* are the record's answers, shown where the sections of others stand.
    """

    definition: FormDefinition
    instance_id: str | None = None
    number: str | None = None
    revision: int | None = None
    values: Values | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding as the page shows it; *anchor* is the name of the question it is about."""

    anchor: str
    label: Text | None
    severity: str
    message: Text


@pages.get("/forms/<form_id>/new")
@login_required
def show(form_id: str) -> str:
    """The form, with nothing in it but the visitor's own station."""
    definition = _new_form(form_id)
    station = station_field(definition)
    known = {station.name: signed_in().station or ""} if station else {}
    return _page(Sheet(definition=definition, instance_id=str(uuid.uuid4())), known)


@pages.post("/forms/<form_id>/new")
@login_required
def send(form_id: str) -> ResponseReturnValue:
    sheet = Sheet(definition=_new_form(form_id), instance_id=_instance_id())
    return _received(sheet, {})


@pages.get("/records/<number>/edit")
@login_required
def edit(number: str) -> str:
    """A record to be continued: one's own sections as inputs, the others as they stand."""
    found, definition = _open_record(number)
    sheet = Sheet(definition=definition, number=number, revision=found.revision, values=found.values)
    return _page(sheet, _before(definition, found))


@pages.post("/records/<number>/edit")
@login_required
def revise(number: str) -> ResponseReturnValue:
    found, definition = _open_record(number)
    # The revision the page was made from: somebody may have sent another one meanwhile.
    revision = request.form.get("revision", type=int)
    if revision is None:
        abort(400)
    sheet = Sheet(definition=definition, number=number, revision=revision, values=found.values)
    return _received(sheet, _before(definition, found))


def _before(definition: FormDefinition, found: RecordDetail) -> Answers:
    """What the record holds, as the inputs take it."""
    with site().session(read_only=True) as session:
        master = site().master(session, retired=True)
    return typed(definition, found.values, master=master, language=current_language())


def _new_form(form_id: str) -> FormDefinition:
    """The form, if this viewer is one of those who begin it."""
    definition = definition_or_404(form_id)
    if not may_begin(definition, signed_in()):
        abort(403)
    return definition


def _open_record(number: str) -> tuple[RecordDetail, FormDefinition]:
    """The record and its form, if it is this viewer's turn to fill in something."""
    found = record_or_404(number, signed_in())
    definition = site().definitions[found.form_id]
    if not may_continue(definition, found, signed_in()):
        abort(403)
    return found, definition


def _received(sheet: Sheet, before: Answers) -> ResponseReturnValue:
    """
    Send what was posted through the one door: on to its receipt, or the page again with findings.

    Only the sections of this viewer are posted; the page shows *before* in the others.
    """
    definition, viewer = sheet.definition, signed_in()
    posted = answers_of(definition, request.form.to_dict(flat=False), viewer.roles)
    answers = {**before, **posted}
    if "add" in request.form:
        return _page(sheet, answers, add=request.form["add"])
    receipt = receive_values(
        site(),
        definition.form_id,
        {**posted, **_pictures(definition)},
        channel=CHANNEL,
        sender=viewer,
        number=sheet.number,
        revision=sheet.revision,
        reason=_reason(),
        instance_id=sheet.instance_id,
    )
    if receipt.outcome is not Outcome.REJECTED:
        return redirect(url_for("submissions.receipt", submission_id=receipt.submission_id))
    return _page(sheet, answers, findings=receipt.findings), 422


def _pictures(definition: FormDefinition) -> dict[str, list[str | bytes]]:
    files = {name: [file.read() for file in found if file.filename] for name, found in request.files.lists()}
    return pictures_of(definition, request.form.to_dict(flat=False), files, signed_in().roles)


def _page(sheet: Sheet, answers: Answers, *, findings: Iterable[Finding] = (), add: str = "") -> str:
    """The page with *answers* in it; repeat *add* gets one more line."""
    language, definition = current_language(), sheet.definition
    with site().session(read_only=True) as session:
        master = site().master(session)
    found = [_shown(definition, finding) for finding in findings]
    told = blocks(definition, sheet.values, master=master, language=language) if sheet.values is not None else []
    return render_template(
        "fill.html",
        form=definition,
        sheet=sheet,
        parts=parts(definition, answers, roles=signed_in().roles, master=master, language=language, add=add),
        answered={block.section.name: block for block in told},
        findings=found,
        at=_by_anchor(found),
        reason=_reason(),
    )


def _instance_id() -> str:
    """The page's own id, by which a second click is recognised."""
    try:
        return str(uuid.UUID(request.form.get("instance_id", "")))
    except ValueError:
        abort(400)


def _reason() -> str:
    return request.form.get("reason", "").strip()


def _shown(definition: FormDefinition, finding: Finding) -> Shown:
    item = finding.field.partition(".")[0]
    known = any(item == entry.name for section in definition.sections for entry in section.items)
    return Shown(
        anchor=item if known else "",
        label=finding.label,
        severity=str(finding.severity),
        message=Text(finding.message("zh"), finding.message("en")),
    )


def _by_anchor(found: Iterable[Shown]) -> Mapping[str, list[Shown]]:
    by_anchor: dict[str, list[Shown]] = {}
    for finding in found:
        if finding.anchor:
            by_anchor.setdefault(finding.anchor, []).append(finding)
    return by_anchor
