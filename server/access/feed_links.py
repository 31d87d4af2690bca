"""Feed links: an address as the key to one dataset as one person sees it, for programs that cannot sign in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.access import keys
from server.access.models import FeedLink, Token
from server.access.people import AccountError, viewer_of_id
from server.access.visibility import Viewer
from workbooks.form import Text

UNUSED = timedelta(days=180)
"""A link nobody has used for so long ends by itself: workbooks get lost."""
_SHAPE = keys.Shape("fl", "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLinkView:
    """What its owner sees of a link; *ended* when it opens nothing any more, *token* names the token it ends with."""

    id: str
    name: str
    dataset: str
    options: Mapping[str, str]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    token: str | None
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedLink:
    """What a valid link opens: a dataset with its options, as *viewer*; *due* when its use should be noted."""

    id: str
    viewer: Viewer
    dataset: str
    options: Mapping[str, str]
    due: bool


def issue_feed_link(
    session: Session,
    user: Viewer,
    name: str,
    dataset: str,
    options: Mapping[str, str],
    *,
    token_id: str | None = None,
) -> str:
    """
    A new link of *user*: the part of its address that nobody can guess, which cannot be shown again.

    With *token_id*, that of the token it is asked for with, it ends when that token does.

    Raises:
        AccountError: No person owns it.
    """
    if user.user_id is None:
        raise AccountError(Text("实时链接必须属于一个用户。", "A feed link belongs to a user."))
    key = _SHAPE.cut()
    shown = "".join(character for character in name if character.isprintable())  # no database takes all others
    session.add(
        FeedLink(
            id=key.id,
            user_id=user.user_id,
            name=shown.strip()[:80] or dataset,
            dataset=dataset,
            options=dict(options),
            token_id=token_id,
            secret_sha256=key.secret_sha256,
            created_at=datetime.now(UTC),
        )
    )
    session.flush()
    return key.text


def feed_link_id(text: str) -> str:
    """The public part of a link, which lists and the log name it by; empty for what is no link."""
    return _SHAPE.id_of(text)


def open_feed_link(session: Session, text: str, dataset: str, *, now: datetime | None = None) -> OpenedLink | None:
    """
    What *text* opens of *dataset*.

    None when it is unknown, revoked, unused for too long, for another dataset, or its token has ended.
    """
    now = now or datetime.now(UTC)
    link = _SHAPE.find(session, FeedLink, text)
    if link is None or link.dataset != dataset or _ended(link, _token_of(session, link), now):
        return None
    viewer = viewer_of_id(session, link.user_id)
    if viewer is None:
        return None
    due = keys.use_is_due(link, now)
    return OpenedLink(id=link.id, viewer=viewer, dataset=dataset, options=link.options, due=due)


def note_feed_link_use(session: Session, link_id: str, now: datetime | None = None) -> None:
    """Note that a link is used now."""
    keys.note_use(session, FeedLink, link_id, now)


def feed_links_of(session: Session, user: Viewer) -> list[FeedLinkView]:
    """All links of *user*, newest first."""
    query = select(FeedLink, Token).outerjoin(Token, Token.id == FeedLink.token_id)
    query = query.where(FeedLink.user_id == user.user_id).order_by(FeedLink.created_at.desc(), FeedLink.id)
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
            token=token.name if token else None,
            ended=_ended(link, token, now),
        )
        for link, token in session.execute(query)
    ]


def revoke_feed_link(session: Session, user: Viewer, link_id: str) -> bool:
    """End a link of *user* (an admin may end anybody's); False when there is none such."""
    return keys.revoke(session, FeedLink, user, link_id)


def _token_of(session: Session, link: FeedLink) -> Token | None:
    return session.get(Token, link.token_id) if link.token_id else None


def _ended(link: FeedLink, token: Token | None, now: datetime) -> bool:
    unused = now - (link.last_used_at or link.created_at) > UNUSED
    return link.revoked_at is not None or unused or (token is not None and token.ended(now))
