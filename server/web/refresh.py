"""A manager's own workbook dropped on the page: its tables get fresh rows, everything else stays as it is."""

from dataclasses import dataclass
from pathlib import PurePath

from flask import Blueprint, Response, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue

from server.intake.macros import MEDIA_TYPE
from server.reports.handed_back import fetch, keep
from server.reports.pushed_uploads import Extent, Order, fitting_orders, push_upload
from server.statistics.datasets import definition_of, names
from server.statistics.report_period import NoPeriod, ReportPeriod
from server.web.context import site
from server.web.files import XLSX, attachment
from server.web.language import current_language
from server.web.viewer import login_required, signed_in
from workbooks.form import Text
from workbooks.ooxml.tables import PushError
from workbooks.push import Change

pages = Blueprint("refresh", __name__)


@dataclass(frozen=True, slots=True)
class Done:
    """A dataset, and what became of the table it went into."""

    title: Text
    change: Change


@pages.get("/refresh")
@login_required
def show() -> str:
    return _page()


@pages.post("/refresh")
@login_required
def receive() -> ResponseReturnValue:
    """The workbook of the form, refreshed: what was changed and where to fetch it, or why it cannot be."""
    file = request.files.get("workbook")
    if file is None or not file.filename:
        return _page(why=Text("请先选择一个工作簿。", "Choose a workbook first.")), 422
    viewer, language, name = signed_in(), current_language(), PurePath(file.filename).name
    content, dataset = file.read(), request.form.get("dataset", "")
    if dataset and dataset not in names(site()):
        abort(404)
    try:
        period = ReportPeriod.parse(found) if (found := request.form.get("period", "").strip()) else None
        table = request.form.get("table", "").strip() or None
        orders = [Order(dataset, table)] if dataset else fitting_orders(site(), content, language, table)
        content, changes = push_upload(
            site(), content, orders, viewer,
            extent=Extent(start=period.start, end=period.end) if period else Extent(),
            language=language, filename=name,
            address=site().settings.public_url or request.url_root,
        )  # fmt: skip
    except (NoPeriod, PushError) as error:
        return _page(filename=name, why=error.message), 422
    done = [
        Done(definition_of(site(), order.dataset).title, change) for order, change in zip(orders, changes, strict=True)
    ]
    link = url_for("refresh.download", token=keep(site(), viewer, content), name=name)
    return _page(filename=name, done=done, link=link)


@pages.get("/refresh/<token>")
@login_required
def download(token: str) -> Response:
    """A workbook refreshed in the last hour, for the person who handed it in."""
    content = fetch(site(), signed_in(), token)
    if content is None:
        abort(404)
    name = PurePath(request.args.get("name", "")).name[:200] or "workbook.xlsx"
    with_macros = name.lower().endswith(".xlsm")
    plain = "workbook.xlsm" if with_macros else "workbook.xlsx"
    return attachment(content, name, MEDIA_TYPE if with_macros else XLSX, plain)


def _page(*, filename: str = "", why: Text | None = None, done: list[Done] | None = None, link: str = "") -> str:
    return render_template(
        "refresh.html",
        datasets=[(name, definition_of(site(), name).title) for name in names(site())],
        limit=site().settings.max_upload_mb,
        filename=filename,
        why=why,
        done=done,
        link=link,
        asked=request.form,
    )
