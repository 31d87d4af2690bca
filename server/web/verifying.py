"""A report dropped on the page: every figure in it that is not that of the database."""

from pathlib import PurePath

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from server.intake.mail.plain import plain
from server.reports.refused_checks import CannotVerify
from server.reports.verification import Verification, verify
from server.reports.verified_words import about, behind, beside, counted, grouped, outcome, place_of
from server.web.context import site
from server.web.viewer import login_required, signed_in
from workbooks.form import Text

pages = Blueprint("verifying", __name__)


@pages.get("/verify")
@login_required
def show() -> str:
    return _page()


@pages.post("/verify")
@login_required
def receive() -> ResponseReturnValue:
    """The report of the form and what differs, or why it cannot be checked."""
    file = request.files.get("workbook")
    if file is None or not file.filename:
        return _page(why=Text("请先选择一个工作簿。", "Choose a workbook first.")), 422
    name, viewer = PurePath(file.filename).name, signed_in()
    try:
        found = verify(site(), file.read(), viewer)
    except CannotVerify as error:
        return _page(filename=name, why=error.message), 422
    with site().session() as session:
        site().note(
            session, viewer, "verified", f"workbook:{plain(name, 200)}", verdict=found.verdict, total=found.total
        )
    return _page(filename=name, found=found)


def _page(*, filename: str = "", why: Text | None = None, found: Verification | None = None) -> str:
    return render_template(
        "verify.html",
        limit=site().settings.max_upload_mb,
        filename=filename,
        why=why,
        found=found,
        groups=grouped(found) if found else {},
        outcome=outcome,
        counted=counted,
        about=about(found, site().zone) if found else None,
        behind=behind,
        beside=beside,
        place_of=place_of,
    )
