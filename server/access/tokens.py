"""Bearer tokens of the API: `as_<id>_<secret>`, shown once, kept as a hash."""

import hashlib
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.access.models import Token
from server.access.people import AccountError, viewer_of_id
from server.access.visibility import Viewer
from workbooks.form import Text

SCOPES = ("submit", "read")
LIFETIME = timedelta(days=180)
_SHAPE = re.compile(r"as_([a-z0-9]{12})_([A-Za-z0-9_-]{43})")
_USE_NOTED_EVERY = timedelta(hours=1)


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
    now = datetime.now(UTC)
    token_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    session.add(
        Token(
            id=token_id,
            user_id=user.user_id,
            name=name.strip() or token_id,
            secret_sha256=_hash(secret),
            scopes=sorted(set(scopes)),
            created_at=now,
            expires_at=now + LIFETIME,
        )
    )
    session.flush()
    return f"as_{token_id}_{secret}"


def token_id_of(text: str) -> str:
    """The public part of a token, which lists and the log name it by; empty for what is no token."""
    match = _SHAPE.fullmatch(text)
    return match[1] if match else ""


def viewer_of_token(
    session: Session, text: str, *, scope: str | None = None, now: datetime | None = None
) -> Viewer | None:
    """The person a token speaks for; None for one that is unknown, expired, revoked or lacks *scope*."""
    match = _SHAPE.fullmatch(text)
    token = session.get(Token, match[1]) if match else None
    if match is None or token is None or not secrets.compare_digest(token.secret_sha256, _hash(match[2])):
        return None
    now = now or datetime.now(UTC)
    if token.revoked_at is not None or token.expires_at <= now or (scope is not None and scope not in token.scopes):
        return None
    return viewer_of_id(session, token.user_id)


def use_is_due(session: Session, text: str, now: datetime | None = None) -> bool:
    """Whether the use of a valid token should be noted: once an hour, so that reading seldom writes."""
    used = session.get_one(Token, token_id_of(text)).last_used_at
    return used is None or (now or datetime.now(UTC)) - used > _USE_NOTED_EVERY


def note_use(session: Session, text: str, now: datetime | None = None) -> None:
    """Note that a valid token is used now."""
    session.get_one(Token, token_id_of(text)).last_used_at = now or datetime.now(UTC)


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
    """End a token of *user* (an admin may end anybody's); False when there is none such."""
    token = session.get(Token, token_id)
    if token is None or (token.user_id != user.user_id and not user.admin):
        return False
    token.revoked_at = token.revoked_at or datetime.now(UTC)
    return True


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
