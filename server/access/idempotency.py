"""Requests that a client may repeat safely: one key, one effect, the same answer."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from server.access.models import IdempotencyKey

KEPT = timedelta(days=7)
ABANDONED = timedelta(minutes=2)  # a first request that never answered: its process died


class KeyReused(Exception):
    """The key came before with another body."""


class StillRunning(Exception):
    """The first request with this key has not been answered yet."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the first request was answered."""

    status: int
    response: str


def begin(session: Session, owner: str, key: str, body_sha256: str, now: datetime | None = None) -> Answer | None:
    """
    The answer the same request got before; None when it is new and may run now.

    Commit before running it, so that a second one that comes meanwhile finds it.

    Raises:
        KeyReused: The key belongs to another body.
        StillRunning: The first one is at work.
    """
    now = now or datetime.now(UTC)
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < now - KEPT))
    query = select(IdempotencyKey).where(IdempotencyKey.owner == owner, IdempotencyKey.key == key)
    known = session.scalar(query.with_for_update())
    if known is None:
        try:
            with session.begin_nested():
                session.add(IdempotencyKey(owner=owner, key=key, body_sha256=body_sha256, created_at=now))
        except IntegrityError as error:  # the twin was a moment faster
            raise StillRunning(key) from error
        return None
    if known.body_sha256 != body_sha256:
        raise KeyReused(key)
    if known.status is None or known.response is None:
        if now - known.created_at < ABANDONED:
            raise StillRunning(key)
        known.created_at = now
        return None
    return Answer(known.status, known.response)


def finish(session: Session, owner: str, key: str, status: int, response: str) -> None:
    """Keep the answer for whoever repeats the request."""
    known = session.get_one(IdempotencyKey, (owner, key))
    known.status, known.response = status, response


def abandon(session: Session, owner: str, key: str) -> None:
    """Forget a request that failed on our side, so that it may be repeated at once."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.owner == owner, IdempotencyKey.key == key))
