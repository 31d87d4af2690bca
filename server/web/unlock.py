"""The password of an encrypted workbook, given on its receipt: the same bytes are taken in again with it."""

from flask import Blueprint, abort, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from server.intake.receive import receive
from server.records.store import NotFound, submission
from server.web.context import site
from server.web.viewer import current_viewer, login_required, signed_in
from workbooks.parsing.passwords import LONGEST

pages = Blueprint("unlock", __name__)
CHANNEL = "web"


def limit(limiter: Limiter) -> None:
    """Ten passwords a minute: each one costs as much as reading a hundred workbooks."""
    limiter.limit("10 per minute", key_func=_person)(pages)


@pages.post("/submissions/<submission_id>/password")
@login_required
def receive_again(submission_id: str) -> ResponseReturnValue:
    """
    Receive the file of a submission again, with the password of the form; answered with the new receipt.

    The password is used for this once and kept nowhere.
    """
    try:
        with site().session(read_only=True) as session:
            found = submission(session, signed_in(), submission_id)
    except NotFound:
        abort(404)
    if found.kind != "workbook":
        abort(404)
    receipt = receive(
        site(),
        site().originals.read(found.sha256),
        filename=found.filename,
        channel=CHANNEL,
        sender=signed_in(),
        password=request.form.get("password", "")[:LONGEST],
    )
    return redirect(url_for("submissions.receipt", submission_id=receipt.submission_id))


def _person() -> str:
    viewer = current_viewer()
    return viewer.username if viewer is not None else get_remote_address()
