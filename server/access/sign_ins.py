"""Who is signed in on the pages: a random id in each browser's cookie, only its hash on record."""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from server.access.models import SignIn

LONGEST = timedelta(days=7)


def begin(session: Session, user_id: int, now: datetime | None = None) -> str:
    """The id of a new sign-in, for the cookie; those that have run out are cleared away."""
    now = now or datetime.now(UTC)
    session.execute(delete(SignIn).where(SignIn.expires_at <= now))
    sign_in = secrets.token_urlsafe(32)
    session.add(SignIn(id_sha256=_hash(sign_in), user_id=user_id, created_at=now, expires_at=now + LONGEST))
    session.flush()
    return sign_in


def user_of(session: Session, sign_in: str, now: datetime | None = None) -> int | None:
    """The user behind *sign_in*; None for one that was ended, has run out or never was."""
    query = select(SignIn.user_id).where(
        SignIn.id_sha256 == _hash(sign_in), SignIn.expires_at > (now or datetime.now(UTC))
    )
    return session.scalar(query)


def end(session: Session, sign_in: str) -> None:
    """End one sign-in: whoever copied its cookie is out too."""
    session.execute(delete(SignIn).where(SignIn.id_sha256 == _hash(sign_in)))


def end_all(session: Session, user_id: int, *, but: str | None = None) -> None:
    """End every sign-in of a user, except the one called *but*."""
    query = delete(SignIn).where(SignIn.user_id == user_id)
    session.execute(query if but is None else query.where(SignIn.id_sha256 != _hash(but)))


def _hash(sign_in: str) -> str:
    return hashlib.sha256(sign_in.encode()).hexdigest()
