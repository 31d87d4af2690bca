"""Workbooks dropped on the page: each is received, and answered with its receipt."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from server.access.visibility import Viewer
from server.intake.receive import Receipt, receive_many
from server.records.shown import stored
from server.records.store import record
from server.web import receipts
from server.web.context import site
from server.web.language import current_language, t
from server.web.receipts import ReceiptView
from server.web.viewer import login_required, signed_in

pages = Blueprint("submit", __name__)
CHANNEL = "web"


@pages.get("/submit")
@login_required
def show() -> str:
    return render_template("submit.html", limit=_limit(), receipts=[])


@pages.post("/submit")
@login_required
def receive() -> ResponseReturnValue:
    """
    Take in every file of the form.

    The page's script sends one file per request and gets the receipt's card alone;
    a browser without it sends them all and gets the page.
    """
    files = [file for file in request.files.getlist("workbook") if file.filename]
    if not files:
        flash(t("Choose a workbook first."), "warn")
        return redirect(url_for("submit.show"))
    viewer = signed_in()
    items = ((file.filename or "", file.read()) for file in files)
    found = [_view(receipt, viewer) for receipt in receive_many(site(), items, channel=CHANNEL, sender=viewer)]
    if request.headers.get("X-Requested-With") == "fetch":
        return render_template("_receipts.html", receipts=found)
    return render_template("submit.html", limit=_limit(), receipts=found)


def _limit() -> int:
    """The largest file, in bytes."""
    return site().settings.max_upload_mb << 20


def _view(receipt: Receipt, viewer: Viewer) -> ReceiptView:
    language = current_language()
    definition = site().definitions.get(receipt.form_id or "")
    told: list[tuple[str, str]] = []
    with site().session(read_only=True) as session:
        master = site().master(session, retired=True)
        if definition is not None and receipt.record_number is not None:
            values = record(session, viewer, receipt.record_number, definitions=site().definitions).values
            told = stored(definition, values, master=master, language=language)
    return receipts.of_receipt(
        receipt, definition=definition, stored=told, channel=CHANNEL, master=master, language=language
    )
