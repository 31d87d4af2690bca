"""A report in, every figure of it that is not that of the database out."""

from flask import Response

from server.api.access import caller, needs
from server.api.blueprint import api, site
from server.api.problems import Problem
from server.api.responses import json_response
from server.api.uploads import uploaded
from server.intake.mail.plain import plain
from server.reports.refused_checks import CannotVerify
from server.reports.verification import verify
from server.reports.verified_words import as_mapping


@api.post("/reports/verify")
@needs("read")
def post_verify() -> Response:
    """The report of the request beside the database as of its stamp."""
    upload, viewer = uploaded(), caller()
    try:
        found = verify(site(), upload.content, viewer)
    except CannotVerify as error:
        raise Problem("not-verifiable", detail=error.message) from None
    with site().session() as session:
        site().note(
            session,
            viewer,
            "verified",
            f"workbook:{plain(upload.filename, 200)}",
            verdict=found.verdict,
            total=found.total,
        )
    return json_response(as_mapping(found))
