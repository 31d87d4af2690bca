"""Submissions: a workbook in, a receipt out; the receipt and the marked workbook again later."""

import hashlib
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from flask import Response, request, url_for

from server.access import idempotency
from server.api.access import caller, needs, token_id
from server.api.blueprint import api, site
from server.api.forms import definition_of, texts
from server.api.problems import Problem, wanted_language
from server.api.responses import file_response, instant, json_response, json_text
from server.api.uploads import Upload, typed_password, uploaded
from server.intake.receive import Receipt, receive
from server.intake.workbooks import marked_workbook, shown_state
from server.records.outcome import OUTCOME_TEXT, Outcome
from server.records.store import NotFound, SubmissionView, submission
from workbooks.form import Text

CHANNEL = "api"
RETRY_AFTER = "2"  # seconds; a workbook is checked in less
LONGEST_KEY = 200
_STATUS = {
    Outcome.RECORDED: HTTPStatus.CREATED,
    Outcome.REVISED: HTTPStatus.CREATED,
    Outcome.ALREADY_RECEIVED: HTTPStatus.OK,
    Outcome.REJECTED: HTTPStatus.UNPROCESSABLE_ENTITY,
}
log = structlog.get_logger()


@api.post("/submissions")
@needs("submit")
def post_submission() -> Response:
    """
    Take in one workbook: 201 with a receipt, 200 when it was received before, 422 with findings.

    With an Idempotency-Key the same request has one effect and one answer, however often
    a client repeats it on a bad line.
    """
    expected = request.args.get("form") or None
    if expected is not None:
        definition_of(expected)
    upload = uploaded()
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key:
        return _answer(_received(upload, expected, typed_password()))
    if len(key) > LONGEST_KEY:
        words = Text(
            f"Idempotency-Key 最多 {LONGEST_KEY} 个字符。", f"An Idempotency-Key has at most {LONGEST_KEY} characters."
        )
        raise Problem("bad-request", detail=words)
    digest = hashlib.sha256(upload.content + (expected or "").encode()).hexdigest()
    return _once(f"token:{token_id()}", key, digest, lambda: _received(upload, expected, typed_password()))


@api.get("/submissions/<submission_id>")
@needs("read")
def get_submission(submission_id: str) -> Response:
    """What became of a submission, as it was told its sender."""
    return json_response(_view_as_dict(_submission(submission_id)))


@api.get("/submissions/<submission_id>/workbook")
@needs("read")
def get_marked_workbook(submission_id: str) -> Response:
    """The sender's own workbook with number, state and findings marked in it."""
    found = _submission(submission_id)
    content = marked_workbook(site(), submission_id, viewer=caller(), language=wanted_language())
    stem = found.filename.rpartition(".")[0] or found.filename or found.record_number
    return file_response(content, f"{stem} receipt.xlsx", f"{found.record_number or submission_id}-receipt.xlsx")


def _received(upload: Upload, expected: str | None, password: str) -> tuple[int, dict[str, Any]]:
    """The status and the body of the answer to a workbook that has now been received."""
    receipt = receive(
        site(),
        upload.content,
        filename=upload.filename,
        channel=CHANNEL,
        sender=caller(),
        expected_form=expected,
        password=password,
    )
    log.info("received", submission=receipt.submission_id, outcome=str(receipt.outcome), findings=len(receipt.findings))
    return int(_STATUS[receipt.outcome]), _receipt_as_dict(receipt)


def _once(owner: str, key: str, digest: str, run: Callable[[], tuple[int, dict[str, Any]]]) -> Response:
    """Answer the first request with this key by *run*, and its repetitions with the same answer."""
    try:
        with site().session() as session:
            before = idempotency.begin(session, owner, key, digest)
    except idempotency.StillRunning:
        raise Problem("still-running", headers={"Retry-After": RETRY_AFTER}) from None
    except idempotency.KeyReused:
        raise Problem("key-reused") from None
    if before is not None:
        answer = _answer((before.status, orjson.loads(before.response)))
        answer.headers["Idempotent-Replayed"] = "true"
        return answer
    try:
        status, body = run()
    except BaseException:
        with site().session() as session:
            idempotency.abandon(session, owner, key)
        raise
    with site().session() as session:
        idempotency.finish(session, owner, key, status, json_text(body).decode())
    return _answer((status, body))


def _answer(found: tuple[int, dict[str, Any]]) -> Response:
    status, body = found
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        # A problem has a title of its own.
        receipt = {("form_title" if name == "title" else name): value for name, value in body.items()}
        return Problem("findings", **receipt).response()
    return json_response(body, status, Location=body["links"]["self"])


def _submission(submission_id: str) -> SubmissionView:
    try:
        with site().session(read_only=True) as session:
            return submission(session, caller(), submission_id)
    except NotFound:
        raise Problem("not-found") from None


def _receipt_as_dict(receipt: Receipt) -> dict[str, Any]:
    """The receipt with what a program that writes it into the sender's workbook needs."""
    return receipt.as_dict() | {
        "received_at_local": receipt.received_at.astimezone(site().zone).strftime("%Y-%m-%dT%H:%M:%S"),
        "state_text": texts(shown_state(site(), receipt.submission_id, viewer=caller())),
        "links": _links(receipt.submission_id, receipt.record_number),
    }


def _view_as_dict(found: SubmissionView) -> dict[str, Any]:
    definition = site().definitions.get(found.form_id or "")
    return {
        "submission_id": found.id,
        "outcome": found.outcome,
        "outcome_text": texts(OUTCOME_TEXT[found.outcome]),
        "form_id": found.form_id,
        "title": texts(definition.title) if definition else None,
        "record_number": found.record_number,
        "revision": found.revision,
        "received_at": instant(found.at),
        "filename": found.filename,
        "findings": list(found.findings),
        "channel": found.channel,
        "sender": found.sender,
        "sha256": found.sha256,
        "flags": list(found.flags),
        "links": _links(found.id, found.record_number),
    }


def _links(submission_id: str, number: str | None) -> dict[str, str]:
    links = {
        "self": url_for("api.get_submission", submission_id=submission_id),
        "workbook": url_for("api.get_marked_workbook", submission_id=submission_id),
    }
    return links | ({"record": url_for("api.get_record", number=number)} if number else {})
