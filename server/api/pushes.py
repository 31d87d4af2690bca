"""A person's own workbook in, the same with fresh rows in one of its tables out."""

from pathlib import PurePath
from urllib.parse import quote

from flask import Response, request

from server.api.access import caller, needs
from server.api.blueprint import api, site
from server.api.forms import own_address
from server.api.narrowing import asked_as_of, asked_day, asked_period, asked_selection
from server.api.problems import Problem, asked_language
from server.api.responses import XLSX, file_response
from server.api.uploads import uploaded
from server.intake.macros import MEDIA_TYPE
from server.reports.pushed_uploads import Extent, Order, headings_language, push_upload
from server.statistics.datasets import names
from workbooks.ooxml.tables import PushError


@api.post("/datasets/<name>/push")
@needs("read")
def post_push(name: str) -> Response:
    """The workbook of the request with dataset *name* in its table; everything else in it as it was."""
    if name not in names(site()):
        raise Problem("not-found")
    upload, period = uploaded(), asked_period()
    extent = Extent(
        as_of=asked_as_of(),
        start=period.start if period else asked_day("start"),
        end=period.end if period else asked_day("end"),
        selection=asked_selection(),
    )
    order = Order(name, request.args.get("table") or None)
    try:
        language = asked_language() or headings_language(site(), upload.content, order) or "en"
        content, (change,) = push_upload(
            site(), upload.content, [order], caller(),
            extent=extent, language=language, filename=upload.filename, address=own_address(),
        )  # fmt: skip
    except PushError as error:
        raise Problem("not-refreshable", detail=error.message) from None
    with_macros = PurePath(upload.filename).suffix.lower() == ".xlsm"
    plain = f"{name}.xlsm" if with_macros else f"{name}.xlsx"
    answer = file_response(content, upload.filename, plain, MEDIA_TYPE if with_macros else XLSX)
    answer.headers["Aftersheet-Table"] = quote(change.table)
    answer.headers["Aftersheet-Rows"] = str(change.rows)
    answer.headers["Aftersheet-Rows-Before"] = str(change.rows_before)
    answer.headers["Aftersheet-Changed-Parts"] = ", ".join(quote(part) for part in change.changed_parts)
    return answer
