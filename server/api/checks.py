"""Checks: what would be found in a workbook, without sending it in."""

from flask import Response, request

from server.api.access import caller, needs
from server.api.blueprint import api, site
from server.api.forms import definition_of, texts
from server.api.responses import json_response
from server.api.uploads import typed_password, uploaded
from server.intake.checking import foresee


@api.post("/checks")
@needs("submit")
def post_check() -> Response:
    """Check one workbook as a submission is checked: 200 with what was found; nothing is kept."""
    expected = request.args.get("form") or None
    if expected is not None:
        definition_of(expected)
    upload = uploaded()
    seen = foresee(site(), upload.content, sender=caller(), expected_form=expected, password=typed_password())
    return json_response(
        {
            "accepted": seen.accepted,
            "outcome": str(seen.outcome),
            "form_id": seen.form_id,
            "title": texts(seen.title),
            "record_number": seen.record_number,
            "filename": upload.filename,
            "findings": [finding.as_dict() for finding in seen.findings],
        }
    )
