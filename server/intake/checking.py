"""What would become of a workbook if it were sent now: read and decided like a submission, and nothing stored."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from server.access.visibility import Viewer
from server.intake.decision import decide
from server.records import identity, kept_findings
from server.records.outcome import Outcome
from server.site import Site
from workbooks.findings import Finding, has_errors
from workbooks.form import Text
from workbooks.refusal import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresight:
    """
    What a submission would end in.

    *record_number* is the record that would be revised, or that has these contents
    already; None for a new one.
    """

    outcome: Outcome
    form_id: str | None
    title: Text | None
    record_number: str | None
    findings: tuple[Finding, ...]

    @property
    def accepted(self) -> bool:
        return not has_errors(self.findings)


def foresee(
    site: Site, content: bytes, *, sender: Viewer, expected_form: str | None = None, password: str = ""
) -> Foresight:
    """
    Check a workbook on behalf of *sender*; its bytes are not kept. *password* opens an encrypted one.

    Raises:
        ChildError: The reader failed; a bug.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    with site.session(read_only=True) as session:
        earlier = identity.same_bytes(session, sender, sha256)
    if earlier is not None and expected_form in (None, earlier.known.form_id):
        definition = site.definitions.get(earlier.known.form_id)
        return Foresight(
            outcome=Outcome.ALREADY_RECEIVED,
            form_id=earlier.known.form_id,
            title=definition.title if definition else None,
            record_number=earlier.known.number,
            findings=kept_findings.load(earlier.findings),
        )
    try:
        filled = site.sandbox.read(content, password=password)
    except Refused as refused:
        return Foresight(
            outcome=Outcome.REJECTED, form_id=None, title=None, record_number=None, findings=(refused.finding,)
        )
    with site.session(read_only=True) as session:
        decision = decide(
            site,
            session,
            filled,
            sender,
            sha256=sha256,
            received_at=datetime.now(UTC),
            expected_form=expected_form,
        )
    return Foresight(
        outcome=decision.outcome,
        form_id=decision.reading.form_id,
        title=decision.title,
        record_number=decision.known.number if decision.known else None,
        findings=decision.reading.findings,
    )
