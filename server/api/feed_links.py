"""Feed links: addresses that let a web query read one dataset as their owner does."""

from typing import Any

from flask import Response, request

from server.access.feed_links import FeedLinkView, feed_link_id, feed_links_of
from server.api.access import caller, needs, readers_language, token_id
from server.api.blueprint import api, site
from server.api.forms import own_address
from server.api.problems import Problem
from server.api.responses import file_response, instant, json_response
from server.reports.feed import FeedError, feed_from
from server.reports.feed_links import end_link, make_link
from server.statistics.datasets import definition_of, names
from workbooks.form import Text
from workbooks.reporting.web_query import iqy

IQY = "text/x-ms-iqy"


@api.get("/feed-links")
@needs("read")
def list_feed_links() -> Response:
    """The caller's links that still open something."""
    with site().session(read_only=True) as session:
        found = [link for link in feed_links_of(session, caller()) if not link.ended]
    return json_response({"feed_links": [_as_dict(link) for link in found]})


@api.post("/feed-links")
@needs("read")
def post_feed_link() -> Response:
    """
    A new link to one dataset as the body narrows it: its address, or with `format=iqy` the web-query file.

    It ends with the token it is asked for with, and is in the language of the caller's account unless one is named.
    """
    asked = request.get_json(silent=True)
    if not isinstance(asked, dict) or not all(isinstance(value, str) for value in asked.values()):
        words = Text("请求体应为 JSON 对象，值为文本。", "The body is a JSON object whose values are texts.")
        raise Problem("bad-request", detail=words)
    dataset = asked.get("dataset", "")
    if dataset not in names(site()):
        known = ", ".join(names(site()))
        raise Problem("not-found", detail=Text(f"没有数据集“{dataset}”；有：{known}。", f"Datasets are: {known}."))
    try:
        with site().session(read_only=True) as session:
            feed = feed_from(session, site(), dataset, asked, readers_language())
    except FeedError as error:
        raise Problem("bad-request", detail=error.message) from error
    title = definition_of(site(), dataset).title[feed.language]
    address = make_link(
        site(), caller(), feed, name=asked.get("name") or title, server=own_address(), token_id=token_id()
    )
    if request.args.get("format") == "iqy":
        answer = file_response(iqy(address), f"{title}.iqy", f"{dataset}.iqy", IQY)
        answer.status_code = 201
        return answer
    link = feed_link_id(address.rpartition("/")[2])
    return json_response({"id": link, "url": address, "dataset": dataset, "options": feed.options()}, 201)


@api.delete("/feed-links/<link_id>")
@needs("read")
def delete_feed_link(link_id: str) -> Response:
    """End a link: workbooks that carry it are no longer refreshed."""
    if not end_link(site(), caller(), link_id):
        raise Problem("not-found")
    return Response(status=204)


def _as_dict(link: FeedLinkView) -> dict[str, Any]:
    return {
        "id": link.id,
        "name": link.name,
        "dataset": link.dataset,
        "options": dict(link.options),
        "token": link.token,
        "created_at": instant(link.created_at),
        "last_used_at": instant(link.last_used_at) if link.last_used_at else None,
    }
