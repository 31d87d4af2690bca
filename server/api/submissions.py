"""Submissions: a workbook in, a receipt out; the receipt and the marked workbook again later."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import orjson
import structlog
from flask import Response, request, url_for
from werkzeug.http import parse_options_header

from server.access import idempotency
from server.api.access import caller, needs, token_id
from server.api.blueprint import api, site
from server.api.forms import definition_of, texts
from server.api.problems import Problem, wanted_language
from server.api.responses import file_response, instant, json_response, json_text
from server.intake.receive import Receipt, receive
from server.intake.workbooks import marked_workbook
from server.records.outcome import OUTCOME_TEXT, Outcome
from server.records.store import NotFound, SubmissionView, submission
from workbooks.form import Text
from workbooks.parsing.passwords import LONGEST

CHANNEL = "api"
RETRY_AFTER = "2"  # seconds; a workbook is checked in less
LONGEST_KEY = 200
_WORKBOOKS = (
    "application/vnd.openxmlformats-officedocument.",
    "application/vnd.ms-excel",
    "application/octet-stream",
    "application/zip",
)
_STATUS = {
    Outcome.RECORDED: HTTPStatus.CREATED,
    Outcome.REVISED: HTTPStatus.CREATED,
    Outcome.ALREADY_RECEIVED: HTTPStatus.OK,
    Outcome.REJECTED: HTTPStatus.UNPROCESSABLE_ENTITY,
}
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Upload:
    """The workbook of a request and the name it came under."""

    content: bytes
    filename: str


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
    upload = _upload()
    key = request.headers.get("Idempotency-Key", "").strip()
    if not key:
        return _answer(_received(upload, expected, _password()))
    if len(key) > LONGEST_KEY:
        words = Text(
            f"Idempotency-Key 最多 {LONGEST_KEY} 个字符。", f"An Idempotency-Key has at most {LONGEST_KEY} characters."
        )
        raise Problem("bad-request", detail=words)
    digest = hashlib.sha256(upload.content + (expected or "").encode()).hexdigest()
    return _once(f"token:{token_id()}", key, digest, lambda: _received(upload, expected, _password()))


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


def _upload() -> _Upload:
    """
    The workbook in this request, raw or as the multipart field `file`.

    Raises:
        Problem: unsupported-media-type, or empty-body when there is no file at all.
    """
    kind = request.mimetype
    if kind == "multipart/form-data":
        file = request.files.get("file")
        if file is None:
            raise Problem("empty-body")
        return _Upload(file.read(), request.args.get("filename") or file.filename or "workbook.xlsx")
    if kind and not kind.startswith(_WORKBOOKS):
        raise Problem("unsupported-media-type", received=kind)
    _, parameters = parse_options_header(request.headers.get("Content-Disposition", ""))
    filename = request.args.get("filename") or parameters.get("filename")
    content = request.get_data(cache=False)
    if not content and filename is None:
        # With a name it is a file, and an empty file is answered with a finding.
        raise Problem("empty-body")
    return _Upload(content, filename or "workbook.xlsx")


def _password() -> str:
    """
    What opens an encrypted workbook: UTF-8, or as RFC 8187 writes what is not ASCII.

    It goes into no log, no digest and no stored answer.
    """
    given = request.headers.get("X-Workbook-Password", "")
    if given.startswith("UTF-8''"):
        given = unquote(given.removeprefix("UTF-8''"), errors="replace")
    else:
        # Headers arrive as Latin-1, whatever they were sent as.
        with suppress(UnicodeError):
            given = given.encode("latin-1").decode()
    return given[:LONGEST]


def _received(upload: _Upload, expected: str | None, password: str) -> tuple[int, dict[str, Any]]:
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
    return receipt.as_dict() | {"links": _links(receipt.submission_id, receipt.record_number)}


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
