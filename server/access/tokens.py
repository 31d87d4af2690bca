"""Bearer tokens of the API: `as_<id>_<secret>`, shown once, kept as a hash."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.access import keys
from server.access.models import Token
from server.access.people import AccountError, viewer_of_id
from server.access.visibility import Viewer
from workbooks.form import Text

SCOPES = ("submit", "read")
LIFETIME = timedelta(days=180)
_SHAPE = keys.Shape("as", "_")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenView:
    """What a token's owner sees of it."""

    id: str
    name: str
    scopes: frozenset[str]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedToken:
    """A valid token: whom it speaks for, and for what; *due* when its use should be noted."""

    id: str
    viewer: Viewer
    scopes: frozenset[str]
    due: bool


def issue_token(session: Session, user: Viewer, name: str, scopes: Collection[str] = SCOPES) -> str:
    """
    A new token of *user*: its text, which cannot be shown again.

    Raises:
        AccountError: No scope, an unknown one, or no person to own it.
    """
    if user.user_id is None:
        raise AccountError(Text("令牌必须属于一个用户。", "A token belongs to a user."))
    if not scopes or set(scopes) - set(SCOPES):
        known = ", ".join(SCOPES)
        raise AccountError(Text(f"令牌的权限只能是:{known}。", f"The scopes of a token are: {known}."))
    now, key = datetime.now(UTC), _SHAPE.cut()
    session.add(
        Token(
            id=key.id,
            user_id=user.user_id,
            name=name.strip() or key.id,
            secret_sha256=key.secret_sha256,
            scopes=sorted(set(scopes)),
            created_at=now,
            expires_at=now + LIFETIME,
        )
    )
    session.flush()
    return key.text


def token_id_of(text: str) -> str:
    """The public part of a token, which lists and the log name it by; empty for what is no token."""
    return _SHAPE.id_of(text)


def open_token(session: Session, text: str, *, now: datetime | None = None) -> OpenedToken | None:
    """Whom *text* speaks for; None for a token that is unknown, expired or revoked."""
    now = now or datetime.now(UTC)
    token = _SHAPE.find(session, Token, text)
    if token is None or token.ended(now):
        return None
    viewer = viewer_of_id(session, token.user_id)
    if viewer is None:
        return None
    return OpenedToken(id=token.id, viewer=viewer, scopes=frozenset(token.scopes), due=keys.use_is_due(token, now))


def note_use(session: Session, token_id: str, now: datetime | None = None) -> None:
    """Note that a valid token is used now."""
    keys.note_use(session, Token, token_id, now)


def tokens_of(session: Session, user: Viewer) -> list[TokenView]:
    """All tokens of *user*, newest first."""
    found = session.scalars(
        select(Token).where(Token.user_id == user.user_id).order_by(Token.created_at.desc(), Token.id)
    )
    return [
        TokenView(
            id=token.id,
            name=token.name,
            scopes=frozenset(token.scopes),
            created_at=token.created_at,
            expires_at=token.expires_at,
            last_used_at=token.last_used_at,
            revoked_at=token.revoked_at,
        )
        for token in found
    ]


def revoke_token(session: Session, user: Viewer, token_id: str) -> bool:
    """End a token of *user* (an admin may end anybody's), and the feed links it has made; False without one such."""
    return keys.revoke(session, Token, user, token_id)
