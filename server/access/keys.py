"""Keys for programs, a public id and a secret that is shown once and kept as a hash: what tokens and links share."""

import hashlib
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeVar

from sqlalchemy.orm import Session

from server.access.models import Key
from server.access.visibility import Viewer

_USE_NOTED_EVERY = timedelta(hours=1)
K = TypeVar("K", bound=Key)


class Cut(NamedTuple):
    """A new key: its public id, the hash to keep, and the whole text, which cannot be shown again."""

    id: str
    secret_sha256: str
    text: str


class Shape:
    """How the keys of one kind are written: *prefix*, id and secret with *mark* between them."""

    def __init__(self, prefix: str, mark: str) -> None:
        self._prefix, self._mark = prefix, mark
        self._pattern = re.compile(f"{prefix}{mark}([a-z0-9]{{12}}){mark}([A-Za-z0-9_-]{{43}})")

    def cut(self) -> Cut:
        key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        return Cut(key_id, _hash(secret), self._mark.join((self._prefix, key_id, secret)))

    def id_of(self, text: str) -> str:
        """The public part of a key, which lists and the log name it by; empty for what is no key."""
        match = self._pattern.fullmatch(text)
        return match[1] if match else ""

    def find(self, session: Session, kind: type[K], text: str) -> K | None:
        """The row of the key *text*, whether it still opens anything or not; None for a forged one."""
        match = self._pattern.fullmatch(text)
        row = session.get(kind, match[1]) if match else None
        if match is None or row is None or not secrets.compare_digest(row.secret_sha256, _hash(match[2])):
            return None
        return row


def use_is_due(key: Key, now: datetime) -> bool:
    """Whether a use of *key* should be noted: once an hour, so that reading seldom writes."""
    return key.last_used_at is None or now - key.last_used_at > _USE_NOTED_EVERY


def note_use(session: Session, kind: type[Key], key_id: str, now: datetime | None = None) -> None:
    """Note that a valid key is used now."""
    session.get_one(kind, key_id).last_used_at = now or datetime.now(UTC)


def revoke(session: Session, kind: type[Key], user: Viewer, key_id: str) -> bool:
    """End a key of *user* (an admin may end anybody's); False when there is none such."""
    key = session.get(kind, key_id)
    if key is None or (key.user_id != user.user_id and not user.admin):
        return False
    key.revoked_at = key.revoked_at or datetime.now(UTC)
    return True


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
