"""Workbooks handed back to people: the marked receipt, and a record to go on with."""

from sqlalchemy.orm import Session

from server.access.visibility import Viewer
from server.intake.masters import master_with
from server.intake.rebuilt import moved_onto, rebuilt_workbook
from server.intake.sealed import own_seal
from server.records import kept_findings, listing
from server.records.listing import SubmissionView
from server.records.outcome import OUTCOME_TEXT, STATE_TEXT, Outcome
from server.site import Site
from workbooks.filled import Values
from workbooks.finding_codes import FindingCode
from workbooks.form import FieldType, FormDefinition, Language, Text
from workbooks.receipt import Mark, ReceiptError, findings_workbook, mark
from workbooks.refusal import Refused
from workbooks.sandbox import Stopped
from workbooks.template import build_template

# Files the guard has turned away: nobody opens them again, not even to mark them.
_UNOPENED = frozenset(
    code.slug
    for code in (
        FindingCode.EMPTY_FILE,
        FindingCode.NOT_A_WORKBOOK,
        FindingCode.ENCRYPTED,
        FindingCode.WRONG_PASSWORD,
        FindingCode.COSTLY_PASSWORD,
        FindingCode.OLD_FILE_FORMAT,
        FindingCode.BINARY_WORKBOOK,
        FindingCode.HTML_AS_WORKBOOK,
        FindingCode.TEXT_AS_WORKBOOK,
        FindingCode.XML_AS_WORKBOOK,
        FindingCode.OPEN_DOCUMENT,
        FindingCode.DAMAGED,
        FindingCode.UNSAFE,
        FindingCode.TOO_LARGE,
        FindingCode.ACTIVE_CONTENT,
    )
)


def marked_workbook(site: Site, submission_id: str, *, viewer: Viewer, language: Language) -> bytes:
    """
    The sender's own file with number, state and every finding marked.

    An .xls comes back as our own template with the same answers. For a form filled in on a
    page, and for one whose password we did not keep, it is the record's workbook; where
    there is nothing that can be marked, a small workbook that lists the findings.

    Raises:
        NotFound: There is no such submission for this viewer.
    """
    with site.session(read_only=True) as session:
        view = listing.submission(session, viewer, submission_id)
        state = _state(session, site, viewer, view)
    if view.kind != "workbook" and view.record_number is not None:
        return record_workbook(site, view.record_number, viewer=viewer, language=language)
    definition = site.definitions.get(view.form_id or "")
    marking = Mark(
        number=view.record_number,
        revision=view.revision,
        state=state,
        received_at=view.at.astimezone(site.zone).replace(tzinfo=None),
        findings=kept_findings.load(view.kept_findings),
        form_title=definition.title if definition else Text("", ""),
        language=language,
    )
    if view.kind != "workbook" or any(finding.slug in _UNOPENED for finding in marking.findings):
        return findings_workbook(marking)
    slugs = {finding.slug for finding in marking.findings}
    if FindingCode.OPENED_WITH_PASSWORD.slug in slugs:
        if view.record_number is None:
            return findings_workbook(marking)
        return moved_onto(record_workbook(site, view.record_number, viewer=viewer, language=language), marking)
    try:
        if FindingCode.OLD_FORMAT_TAKEN.slug in slugs and definition is not None:
            return rebuilt_workbook(site, definition, view.sha256, marking, viewer=viewer)
        marked: bytes = site.sandbox.run(mark, site.originals.read(view.sha256), marking)
    except (ReceiptError, Refused, Stopped):
        return findings_workbook(marking)
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
    seal = own_seal(site, definition, viewer)
    return build_template(
        definition,
        language=language,
        master=master,
        instance_id=detail.instance_id,
        values=detail.values,
        number=detail.number,
        revision=detail.revision,
        state=STATE_TEXT[detail.state][language],
        received_at=detail.updated_at.astimezone(site.zone).replace(tzinfo=None),
        reason=detail.revisions[-1].reason,
        pictures=_pictures(site, definition, detail.values),
        now=site.now().replace(tzinfo=None),
        editable=None if viewer.admin else viewer.roles,
        station=viewer.station if seal else None,
        seal=seal,
    )


def shown_state(site: Site, submission_id: str, *, viewer: Viewer) -> Text:
    """
    What stands in the state cell of the sender's workbook.

    Raises:
        NotFound: There is no such submission for this viewer.
    """
    with site.session(read_only=True) as session:
        return _state(session, site, viewer, listing.submission(session, viewer, submission_id))


def _state(session: Session, site: Site, viewer: Viewer, view: SubmissionView) -> Text:
    """The record's state as it is now; without a record, what became of the submission, as short as its cell."""
    if view.record_number is None:
        return Text("退回改正", "Sent back") if view.outcome == Outcome.REJECTED else OUTCOME_TEXT[view.outcome]
    return STATE_TEXT[listing.record(session, viewer, view.record_number, definitions=site.definitions).state]


def _pictures(site: Site, definition: FormDefinition, values: Values) -> dict[str, bytes]:
    """The pictures in *values* by digest."""
    digests: set[str] = set()
    for field in definition.fields:
        value = values.get(field.name)
        if field.type is FieldType.IMAGE and isinstance(value, tuple):
            digests.update(digest for digest in value if isinstance(digest, str))
    return {digest: site.originals.read(digest) for digest in digests}
