"""The inbox: everything that was sent in, its receipts, marked workbooks and originals."""

from pathlib import PurePath

from flask import Blueprint, Response, abort, render_template, request

from server.intake.mail.inbox import mail_of, may_keep
from server.intake.workbooks import marked_workbook
from server.records.outcome import OUTCOME_TEXT
from server.records.store import NotFound, SubmissionView, record, submission, submissions
from server.web import mail_words, receipts
from server.web.context import site
from server.web.files import OCTETS, attachment, workbook
from server.web.language import current_language
from server.web.receipts import ReceiptView
from server.web.viewer import login_required, signed_in
from workbooks.form import FormDefinition

pages = Blueprint("submissions", __name__)
PER_PAGE = 30


@pages.get("/submissions")
@login_required
def show() -> str:
    page = max(1, request.args.get("page", 1, type=int))
    asked = {name: value for name in ("form", "outcome", "mine") if (value := request.args.get(name))}
    with site().session(read_only=True) as session:
        rows, total = submissions(
            session,
            signed_in(),
            form_id=asked.get("form"),
            outcome=asked.get("outcome"),
            mine="mine" in asked,
            page=page,
            per_page=PER_PAGE,
        )
    views = [receipts.of_row(row, site().definitions) for row in rows]
    return render_template(
        "submissions.html",
        submissions=views,
        forms=site().definitions.values(),
        outcomes=OUTCOME_TEXT,
        asked=asked,
        total=total,
        page=page,
        pages=max(1, -(-total // PER_PAGE)),
    )


@pages.get("/submissions/<submission_id>")
@login_required
def receipt(submission_id: str) -> str:
    found = _submission_or_404(submission_id)
    view = receipts.of_row(found, site().definitions, found.findings)
    definition = site().definitions.get(found.form_id or "")
    if definition is not None and found.record_number is not None:
        view = _with_record(view, found.record_number, definition)
    with site().session(read_only=True) as session:
        mail = mail_of(session, submission_id)
    return render_template("submission.html", receipt=view, mail=mail, words=mail_words, may_keep=may_keep(signed_in()))


@pages.get("/submissions/<submission_id>/workbook")
@login_required
def marked(submission_id: str) -> Response:
    """The sender's own workbook with number, state and findings marked in it."""
    found = _submission_or_404(submission_id)
    language = current_language()
    content = marked_workbook(site(), submission_id, viewer=signed_in(), language=language)
    suffix = {"zh": "回执", "en": "receipt"}[language]
    name = found.filename.rpartition(".")[0] or found.filename or found.record_number
    return workbook(content, f"{name} {suffix}", f"{found.record_number or submission_id}-receipt")


@pages.get("/submissions/<submission_id>/original")
@login_required
def original(submission_id: str) -> Response:
    """The bytes as they came, to the bit; whatever they are, nothing here opens them."""
    found = _submission_or_404(submission_id)
    if found.kind != "workbook":
        abort(404)
    plain = submission_id + PurePath(found.filename).suffix
    return attachment(site().originals.read(found.sha256), found.filename, OCTETS, plain)


def _with_record(view: ReceiptView, number: str, definition: FormDefinition) -> ReceiptView:
    """*view* with what is in the record, unless the record has passed to another station since."""
    try:
        with site().session(read_only=True) as session:
            known = record(session, signed_in(), number, definitions=site().definitions)
            master = site().master(session, retired=True)
    except NotFound:
        return view
    return receipts.with_record(view, known, definition, master=master, language=current_language())


def _submission_or_404(submission_id: str) -> SubmissionView:
    try:
        with site().session(read_only=True) as session:
            return submission(session, signed_in(), submission_id)
    except NotFound:
        abort(404)
