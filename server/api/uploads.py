"""The workbook in a request, however it was sent, and the password that opens it."""

from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote

from flask import request
from werkzeug.http import parse_options_header

from server.api.problems import Problem
from workbooks.parsing.passwords import LONGEST

_WORKBOOKS = (
    "application/vnd.openxmlformats-officedocument.",
    "application/vnd.ms-excel",
    "application/octet-stream",
    "application/zip",
)


@dataclass(frozen=True, slots=True)
class Upload:
    """The workbook of a request and the name it came under."""

    content: bytes
    filename: str


def uploaded() -> Upload:
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
        return Upload(file.read(), request.args.get("filename") or file.filename or "workbook.xlsx")
    if kind and not kind.startswith(_WORKBOOKS):
        raise Problem("unsupported-media-type", received=kind)
    _, parameters = parse_options_header(request.headers.get("Content-Disposition", ""))
    filename = request.args.get("filename") or parameters.get("filename")
    content = request.get_data(cache=False)
    if not content and filename is None:
        # With a name it is a file, and an empty file is answered with a finding.
        raise Problem("empty-body")
    return Upload(content, filename or "workbook.xlsx")


def typed_password() -> str:
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
