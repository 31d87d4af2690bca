"""A company's own sheet dropped by an administrator: the form proposed from it, and its folder to download."""

import re
import zipfile
from io import BytesIO

from flask import Blueprint, Response, abort, render_template, request
from flask.typing import ResponseReturnValue

from server import forms
from server.web.context import site
from server.web.files import attachment
from server.web.language import local
from server.web.viewer import admins_only
from workbooks.form import Text
from workbooks.library import LOOK
from workbooks.proposal import PaperError, Proposal, propose
from workbooks.refusal import Refused
from workbooks.sandbox import Stopped

pages = Blueprint("proposal", __name__)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_SECONDS = 20.0
_LATE = Text("读取时间过长或占用内存过多", "reading it took too long or too much memory")


class _NoForm(Exception):
    """No form can be proposed; *why* says it for people."""

    def __init__(self, why: Text) -> None:
        super().__init__(why)
        self.why = why


@pages.get("/templates/propose")
@admins_only
def show() -> str:
    return _page()


@pages.post("/templates/propose")
@admins_only
def receive() -> ResponseReturnValue:
    """The proposal for the workbook of the form; what it cannot be, and why."""
    file = request.files.get("workbook")
    if file is None or not file.filename:
        return _page(), 422
    content = file.read()
    try:
        proposal = _proposed(content, file.filename)
    except _NoForm as refused:
        return _page(filename=file.filename, why=refused.why), 422
    digest = site().originals.keep(content)
    return _page(proposal=proposal, digest=digest, filename=file.filename)


@pages.get("/templates/propose/<digest>.zip")
@admins_only
def download(digest: str) -> Response:
    """The folder of the form proposed from the workbook with this sha256."""
    if _DIGEST.fullmatch(digest) is None or digest not in site().originals:
        abort(404)
    try:
        proposal = _proposed(site().originals.read(digest), request.args.get("name", "form.xlsx")[:200])
    except _NoForm:
        abort(404)
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{proposal.form_id}/{forms.FORM}", proposal.definition)
        archive.writestr(f"{proposal.form_id}/{LOOK}", proposal.template)
    name = f"{proposal.form_id}.zip"
    return attachment(out.getvalue(), f"{local(proposal.title)}.zip", "application/zip", name)


def _page(*, proposal: Proposal | None = None, digest: str = "", filename: str = "", why: Text | None = None) -> str:
    return render_template("proposal.html", proposal=proposal, digest=digest, filename=filename, why=why)


def _proposed(content: bytes, filename: str) -> Proposal:
    known = site().definitions
    try:
        proposal: Proposal = site().sandbox.run(
            propose,
            content,
            filename=filename,
            taken=sorted(known),
            numbers=[definition.number for definition in known.values()],
            seconds=_SECONDS,
        )
    except Refused as refused:
        raise _NoForm(Text(refused.finding.message("zh"), refused.finding.message("en"))) from refused
    except PaperError as error:
        raise _NoForm(Text(error.zh, error.en)) from error
    except Stopped as stopped:
        raise _NoForm(_LATE) from stopped
    return proposal
