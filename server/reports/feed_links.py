"""Feed links over a site: made, read, ended, each with its line in the audit chain."""

from collections.abc import Mapping

from server.access import feed_links
from server.access.visibility import Viewer
from server.reports.feed import Feed, feed_from, load_feed
from server.site import Site
from server.statistics.datasets import names
from workbooks.dataset import Dataset
from workbooks.form import Language

PATH = "/webquery"


def make_link(site: Site, viewer: Viewer, feed: Feed, *, name: str, server: str, token_id: str | None = None) -> str:
    """
    The address of a new link under *server* that reads *feed* as *viewer*; it cannot be shown again.

    One asked for with a token, *token_id*, ends with it.

    Raises:
        AccountError: *viewer* is nobody who has an account.
    """
    with site.session() as session:
        text = feed_links.issue_feed_link(session, viewer, name, feed.dataset, feed.options(), token_id=token_id)
        subject = f"dataset:{feed.dataset}"
        made_with = {"token": token_id} if token_id else {}
        site.note(session, viewer, "feed-link-issued", subject, link=feed_links.feed_link_id(text), **made_with)
    return address(server, feed.dataset, text)


def address(server: str, dataset: str, link: str) -> str:
    """Where a web query finds *dataset* through *link*."""
    return f"{server.rstrip('/')}{PATH}/{dataset}/{link}"


def opens(site: Site, text: str, dataset: str) -> bool:
    """Whether link *text* opens *dataset*."""
    with site.session(read_only=True) as session:
        return feed_links.open_feed_link(session, text, dataset) is not None and dataset in names(site)


def read_link(site: Site, text: str, dataset: str) -> tuple[Dataset, Language] | None:
    """The rows that link *text* opens, as of now, and their language; None when it opens nothing (any more)."""
    with site.session(read_only=True) as session:
        opened = feed_links.open_feed_link(session, text, dataset)
        if opened is None or opened.dataset not in names(site):
            return None
        feed = feed_from(session, site, dataset, opened.options, opened.viewer.language, lenient=True)
        found = load_feed(session, site, opened.viewer, feed)
    with site.session() as session:
        if opened.due:
            feed_links.note_feed_link_use(session, opened.id)
        details: Mapping[str, object] = {"format": "webquery", "rows": len(found), "link": opened.id}
        site.note(session, opened.viewer, "exported", f"dataset:{dataset}", **details)
    return found, feed.language


def end_link(site: Site, viewer: Viewer, link_id: str) -> bool:
    """End a link of *viewer*'s; False when there is none such."""
    with site.session() as session:
        if not feed_links.revoke_feed_link(session, viewer, link_id):
            return False
        site.note(session, viewer, "feed-link-revoked", f"link:{link_id}")
    return True
