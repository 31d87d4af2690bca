"""Live connection: how Excel, Power BI and WPS fetch the figures themselves, and the links they do it with."""

from collections.abc import Mapping, Sequence

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from server.access.feed_links import FeedLinkView, feed_link_id, feed_links_of
from server.reports.choices import DIMENSIONS, options
from server.reports.feed import Feed, FeedError, feed_from
from server.reports.feed_links import end_link, make_link, opens, read_link
from server.statistics.datasets import definition_of, names
from server.web.context import server_address, site
from server.web.files import attachment
from server.web.language import current_language, local, t
from server.web.viewer import login_required, signed_in
from workbooks.form import Text
from workbooks.report import load_reports
from workbooks.reporting.web_query import iqy, web_query_page

pages = Blueprint("live", __name__)
feed = Blueprint("web_query", __name__)
_HTML = "text/html; charset=utf-8"
IQY = "text/x-ms-iqy"
PER_MINUTE = 60
PERIODS: Mapping[str, Text] = {
    "": Text("全部历史", "All of history"),
    "this-month": Text("本月（自动更新）", "This month (moves on)"),
    "this-quarter": Text("本季度（自动更新）", "This quarter (moves on)"),
    "this-year": Text("本年（自动更新）", "This year (moves on)"),
}


def limit(limiter: Limiter) -> None:
    """Limit the reading of links, per link: a workbook that refreshes by itself every second is not left to do so."""
    limiter.limit(f"{PER_MINUTE} per minute", key_func=_link_or_address)(feed)


@pages.get("/live")
@login_required
def show() -> str:
    return _page()


@pages.post("/live/links")
@login_required
def make() -> ResponseReturnValue:
    """A new link: as an .iqy file with `as=iqy`, else shown on the page, the only time it ever is."""
    form = request.form
    dataset = form.get("dataset", "")
    if dataset not in names(site()):
        abort(400)
    try:
        with site().session(read_only=True) as session:
            asked = {name: form.get(name, "") for name in ("period", *DIMENSIONS)}
            wanted = feed_from(session, site(), dataset, asked, current_language())
    except FeedError as error:
        return _page(wrong=local(error.message)), 422
    title = local(definition_of(site(), dataset).title)
    address = make_link(site(), signed_in(), wanted, name=form.get("name", "") or title, server=server_address())
    if form.get("as") == "iqy":
        return attachment(iqy(address), f"{title}.iqy", IQY, f"{dataset}.iqy")
    return _page(fresh=address, chosen=wanted)


@pages.post("/live/links/<link_id>/revoke")
@login_required
def revoke(link_id: str) -> ResponseReturnValue:
    if not end_link(site(), signed_in(), link_id):
        abort(404)
    flash(t("The link was revoked: workbooks with it are no longer refreshed."), "ok")
    return redirect(url_for("account.show" if request.form.get("next") == "account" else "live.show"))


@feed.get("/webquery/<dataset>/<link>")
def read(dataset: str, link: str) -> Response:
    """The table a web query fetches; whoever has the link reads that dataset as its owner does, and nothing else."""
    if request.method == "HEAD":  # LibreOffice asks twice what it will get before it gets it
        if not opens(site(), link, dataset):
            abort(404)
        announced = Response(content_type=_HTML)
        announced.automatically_set_content_length = False
        return announced
    found = read_link(site(), link, dataset)
    if found is None:
        abort(404)
    rows, language = found
    return Response(web_query_page(rows, language), content_type=_HTML)


def links() -> Sequence[FeedLinkView]:
    """The links of whoever is signed in that still open something."""
    with site().session(read_only=True) as session:
        return [link for link in feed_links_of(session, signed_in()) if not link.ended]


def narrowed(link: FeedLinkView) -> str:
    """What a link is narrowed to, in words."""
    asked = dict(link.options)
    days = [asked[name] for name in ("start", "end") if name in asked]
    words = [" – ".join(days)] if days else []
    period = asked.get("period", "")
    if period or not days:
        words.insert(0, local(PERIODS[period]) if period in PERIODS else period)
    words += [asked[name] for name in DIMENSIONS if name in asked]
    return " · ".join(words)


def dataset_title(name: str) -> str:
    """What a dataset is called; its name when it is no more."""
    return local(definition_of(site(), name).title) if name in names(site()) else name


def _page(*, wrong: str = "", fresh: str = "", chosen: Feed | None = None) -> str:
    with site().session(read_only=True) as session:
        master = site().master(session)
    selectable = {name: [(code, local(label)) for code, label in options(master, name).items()] for name in DIMENSIONS}
    return render_template(
        "live.html",
        odata=f"{server_address()}/odata/v4/",
        datasets=[(name, local(definition_of(site(), name).title)) for name in names(site())],
        periods=PERIODS,
        dimensions=[(name, DIMENSIONS[name], selectable[name]) for name in ("region", "station", "system")],
        reports=[(name, local(report.title)) for name, report in load_reports().items()],
        links=links(),
        narrowed=narrowed,
        dataset_title=dataset_title,
        wrong=wrong,
        fresh=fresh,
        chosen=chosen,
        insecure=not server_address().startswith("https://"),
    )


def _link_or_address() -> str:
    """The id of a link that opens something; else the address, so that nobody uses up what a link's owner may ask."""
    asked = request.view_args or {}
    text = asked.get("link", "")
    return f"link:{feed_link_id(text)}" if opens(site(), text, asked.get("dataset", "")) else get_remote_address()
