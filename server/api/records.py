"""Records: lists with conditions, one record with its history, the record as a workbook."""

from typing import Any

from flask import Response, request, url_for

from server.api.access import caller, needs
from server.api.blueprint import api, site
from server.api.forms import definition_of, form_response
from server.api.problems import Problem, wanted_language
from server.api.responses import instant, json_response
from server.intake.receipts import change_as_dict
from server.intake.workbooks import record_workbook
from server.records.store import BadCondition, NotFound, RecordDetail, RecordRow, find, parse_condition, record
from workbooks.form import Text
from workbooks.values import to_json

MOST_PER_PAGE = 500
LAST_PAGE = (1 << 31) - 1  # larger numbers do not fit the answer


@api.get("/forms/<form_id>/records")
@needs("read")
def list_records(form_id: str) -> Response:
    """Records of one form: `where` may be repeated, `search` looks everywhere, `sort` begins with - for descending."""
    definition = definition_of(form_id)
    page = min(LAST_PAGE, max(1, request.args.get("page", 1, type=int)))
    per_page = min(MOST_PER_PAGE, max(1, request.args.get("per_page", 50, type=int)))
    try:
        where = [parse_condition(condition) for condition in request.args.getlist("where")]
        with site().session(read_only=True) as session:
            found = find(
                session, caller(), definition, where=where, text=request.args.get("search", ""),
                order=request.args.get("sort", "-updated_at"), page=page, per_page=per_page, zone=site().zone,
            )  # fmt: skip
    except BadCondition as error:
        raise Problem("bad-request", detail=Text(f"条件有误：{error}", f"The condition is wrong: {error}")) from error
    return json_response(
        {"total": found.total, "page": page, "per_page": per_page, "records": [_row(row) for row in found.rows]}
    )


@api.get("/records/<number>")
@needs("read")
def get_record(number: str) -> Response:
    """One record with its revisions and everything that was sent about it."""
    found = _record(number)
    return json_response(
        _row(found)
        | {
            "version": found.version,
            "revisions": [
                {
                    "revision": revision.number,
                    "at": instant(revision.at),
                    "by": revision.by,
                    "channel": revision.channel,
                    "submission_id": revision.submission_id,
                    "reason": revision.reason,
                    "changes": [change_as_dict(change) for change in revision.changes],
                }
                for revision in found.revisions
            ],
            "submissions": [
                {"submission_id": sent.id, "at": instant(sent.at), "channel": sent.channel, "sender": sent.sender,
                 "filename": sent.filename, "outcome": sent.outcome, "revision": sent.revision}
                for sent in found.submissions
            ],
        }
    )  # fmt: skip


@api.get("/records/<number>/workbook")
@needs("read")
def get_record_workbook(number: str) -> Response:
    """The record as a workbook to continue; sections that are not the caller's turn are locked."""
    definition, language = definition_of(_record(number).form_id), wanted_language()
    content = record_workbook(site(), number, viewer=caller(), language=language)
    return form_response(content, definition, language, number, number)


def _record(number: str) -> RecordDetail:
    try:
        with site().session(read_only=True) as session:
            return record(session, caller(), number, definitions=site().definitions)
    except NotFound:
        raise Problem("not-found") from None


def _row(row: RecordRow | RecordDetail) -> dict[str, Any]:
    return {
        "number": row.number,
        "form_id": row.form_id,
        "revision": row.revision,
        "state": row.state,
        "station": row.station,
        "created_at": instant(row.created_at),
        "updated_at": instant(row.updated_at),
        "values": to_json(row.values),
        "links": {
            "self": url_for("api.get_record", number=row.number),
            "workbook": url_for("api.get_record_workbook", number=row.number),
        },
    }
