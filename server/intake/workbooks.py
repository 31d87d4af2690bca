"""Workbooks handed back to people: the marked receipt, and a record to go on with."""

from sqlalchemy.orm import Session

from server.access.visibility import Viewer
from server.intake.masters import master_with
from server.records import kept_findings, listing
from server.records.listing import SubmissionView
from server.records.outcome import OUTCOME_TEXT, STATE_TEXT, Outcome
from server.site import Site
from workbooks.form import Language, Text
from workbooks.receipt import Mark, mark
from workbooks.refusal import Refused
from workbooks.template import build_template


class NoWorkbook(Exception):
    """There is no workbook to give back: nothing was accepted and the file sent cannot be opened safely."""


def marked_workbook(site: Site, submission_id: str, *, viewer: Viewer, language: Language) -> bytes:
    """
    The sender's own file with number, state and every finding marked.

    For a form filled in on a page it is the record's workbook.

    Raises:
        NotFound: There is no such submission for this viewer.
        NoWorkbook: The file sent is no workbook that may be opened, or there never was one.
    """
    with site.session(read_only=True) as session:
        view = listing.submission(session, viewer, submission_id)
    if view.kind != "workbook":
        if view.record_number is None:
            raise NoWorkbook(submission_id)
        return record_workbook(site, view.record_number, viewer=viewer, language=language)
    definition = site.definitions.get(view.form_id or "")
    marking = Mark(
        number=view.record_number,
        revision=view.revision,
        state=OUTCOME_TEXT[Outcome.REJECTED] if view.outcome == Outcome.REJECTED else _state(site, viewer, view),
        received_at=view.at.astimezone(site.zone).replace(tzinfo=None),
        findings=kept_findings.load(view.kept_findings),
        form_title=definition.title if definition else Text("", ""),
        language=language,
    )
    original = site.originals.read(view.sha256)
    try:
        marked: bytes = site.sandbox.run(mark, original, marking)
    except Refused as refused:
        raise NoWorkbook(submission_id) from refused
    return marked


def record_workbook(site: Site, number: str, *, viewer: Viewer, language: Language) -> bytes:
    """
    The record as a workbook to continue on: its answers filled in, the viewer's own sections open.

    Raises:
        NotFound: There is no such record for this viewer.
    """
    with site.session(read_only=True) as session:
        detail = listing.record(session, viewer, number, definitions=site.definitions)
        definition = site.definitions[detail.form_id]
        master = master_with(site, session, definition, detail.values)
    return build_template(
        definition,
        language=language,
        master=master,
        instance_id=detail.instance_id,
        values=detail.values,
        number=detail.number,
        revision=detail.revision,
        state=STATE_TEXT[detail.state][language],
        editable=None if viewer.admin else viewer.roles,
    )


def _state(site: Site, viewer: Viewer, view: SubmissionView) -> Text:
    if view.record_number is None:
        return OUTCOME_TEXT[view.outcome]
    with site.session(read_only=True) as session:
        return STATE_TEXT[_state_of(session, site, viewer, view.record_number)]


def _state_of(session: Session, site: Site, viewer: Viewer, number: str) -> str:
    return listing.record(session, viewer, number, definitions=site.definitions).state
