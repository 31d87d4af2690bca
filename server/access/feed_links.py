"""Feed links: an address as the key to one dataset as one person sees it, for programs that cannot sign in."""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.access.models import FeedLink
from server.access.people import AccountError, viewer_of_id
from server.access.visibility import Viewer
from workbooks.form import Text

UNUSED = timedelta(days=180)
"""A link nobody has used for so long ends by itself: workbooks get lost."""
_SHAPE = re.compile(r"fl-([a-z0-9]{12})-([A-Za-z0-9_-]{43})")
_USE_NOTED_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLinkView:
    """What its owner sees of a link; *ended* when it opens nothing any more."""

    id: str
    name: str
    dataset: str
    options: Mapping[str, str]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedLink:
    """What a valid link opens: a dataset with its options, as *viewer*; *due* when its use should be noted."""

    id: str
    viewer: Viewer
    dataset: str
    options: Mapping[str, str]
    due: bool


def issue_feed_link(session: Session, user: Viewer, name: str, dataset: str, options: Mapping[str, str]) -> str:
    """
    A new link of *user*: the part of its address that nobody can guess, which cannot be shown again.

    Raises:
        AccountError: No person owns it.
    """
    if user.user_id is None:
        raise AccountError(Text("实时链接必须属于一个用户。", "A feed link belongs to a user."))
    link_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    shown = "".join(character for character in name if character.isprintable())  # no database takes all others
    session.add(
        FeedLink(
            id=link_id,
            user_id=user.user_id,
            name=shown.strip()[:80] or dataset,
            dataset=dataset,
            options=dict(options),
            secret_sha256=_hash(secret),
            created_at=datetime.now(UTC),
        )
    )
    session.flush()
    return f"fl-{link_id}-{secret}"


def feed_link_id(text: str) -> str:
    """The public part of a link, which lists and the log name it by; empty for what is no link."""
    match = _SHAPE.fullmatch(text)
    return match[1] if match else ""


def open_feed_link(session: Session, text: str, dataset: str, *, now: datetime | None = None) -> OpenedLink | None:
    """What *text* opens of *dataset*; None when it is unknown, revoked, unused for too long or for another dataset."""
    match = _SHAPE.fullmatch(text)
    link = session.get(FeedLink, match[1]) if match else None
    if match is None or link is None or not secrets.compare_digest(link.secret_sha256, _hash(match[2])):
        return None
    now = now or datetime.now(UTC)
    viewer = viewer_of_id(session, link.user_id)
    if viewer is None or link.dataset != dataset or _ended(link, now):
        return None
    due = link.last_used_at is None or now - link.last_used_at > _USE_NOTED_EVERY
    return OpenedLink(id=link.id, viewer=viewer, dataset=dataset, options=link.options, due=due)


def note_feed_link_use(session: Session, link_id: str, now: datetime | None = None) -> None:
    """Note that a link is used now."""
    session.get_one(FeedLink, link_id).last_used_at = now or datetime.now(UTC)


def feed_links_of(session: Session, user: Viewer) -> list[FeedLinkView]:
    """All links of *user*, newest first."""
    query = select(FeedLink).where(FeedLink.user_id == user.user_id)
    now = datetime.now(UTC)
    return [
        FeedLinkView(
            id=link.id,
            name=link.name,
            dataset=link.dataset,
            options=link.options,
            created_at=link.created_at,
            last_used_at=link.last_used_at,
            revoked_at=link.revoked_at,
            ended=_ended(link, now),
        )
        for link in session.scalars(query.order_by(FeedLink.created_at.desc(), FeedLink.id))
    ]


def revoke_feed_link(session: Session, user: Viewer, link_id: str) -> bool:
    """End a link of *user* (an admin may end anybody's); False when there is none such."""
    link = session.get(FeedLink, link_id)
    if link is None or (link.user_id != user.user_id and not user.admin):
        return False
    link.revoked_at = link.revoked_at or datetime.now(UTC)
    return True


def _ended(link: FeedLink, now: datetime) -> bool:
    return link.revoked_at is not None or now - (link.last_used_at or link.created_at) > UNUSED


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
