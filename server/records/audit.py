"""The audit chain: every entry is sealed together with the one before it, and none can be changed."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from server.database import table_of
from server.records.models import AuditEntry, AuditHead

START = "0" * 64
_ENTRIES = table_of(AuditEntry)
_HEAD = table_of(AuditHead)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something somebody did: *action* is a slug such as "record-created", *subject* a number, id or name."""

    actor: str
    action: str
    subject: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditProof:
    """
    Whether the chain holds.

    *broken_at* is the first sequence number that does not fit, None for a sound chain.
    A tail cut off together with the head cannot be seen from inside: keep *head*
    elsewhere (a mail, a backup's manifest) and compare.
    """

    entries: int
    head: str
    broken_at: int | None

    @property
    def sound(self) -> bool:
        return self.broken_at is None


def lock(session: Session) -> None:
    """
    Let nobody else append until this transaction ends.

    Every transaction that stores a submission starts here, so that what it then finds
    out about records, keys and numbers stays true until it commits.
    """
    session.execute(select(_HEAD.c.id).where(_HEAD.c.id == 1).with_for_update())


def append(session: Session, key: bytes, events: Iterable[Event], at: datetime | None = None) -> None:
    """Add *events* to the chain, in their order; *key* is the installation's audit key."""
    sequence, chain = session.execute(
        select(_HEAD.c.sequence, _HEAD.c.chain).where(_HEAD.c.id == 1).with_for_update()
    ).one()
    stamp = (at or datetime.now(UTC)).isoformat()
    rows: list[dict[str, Any]] = []
    for event in events:
        sequence += 1
        entry = {
            "sequence": sequence,
            "at": stamp,
            "actor": event.actor,
            "action": event.action,
            "subject": event.subject,
            "details": orjson.dumps(event.details, option=orjson.OPT_SORT_KEYS).decode(),
        }
        chain = _seal(key, chain, entry)
        rows.append(entry | {"chain": chain})
    if rows:
        session.execute(insert(_ENTRIES), rows)
        session.execute(update(_HEAD).where(_HEAD.c.id == 1).values(sequence=sequence, chain=chain))


def verify_audit(session: Session, key: bytes) -> AuditProof:
    """Walk the whole chain and compare it with its head."""
    chain, expected, entries = START, 0, 0
    columns = (_ENTRIES.c.sequence, _ENTRIES.c.at, _ENTRIES.c.actor, _ENTRIES.c.action, _ENTRIES.c.subject)
    query = select(*columns, _ENTRIES.c.details, _ENTRIES.c.chain).order_by(_ENTRIES.c.sequence)
    head_sequence, head = session.execute(select(_HEAD.c.sequence, _HEAD.c.chain).where(_HEAD.c.id == 1)).one()
    # Closed at once when a broken entry ends the walk: the database still has rows to send then.
    with session.execute(query.execution_options(yield_per=1000)) as result:
        for row in result.mappings():
            expected, entries = expected + 1, entries + 1
            entry = {name: row[name] for name in ("sequence", "at", "actor", "action", "subject", "details")}
            chain = _seal(key, chain, entry)
            if row["sequence"] != expected or not hmac.compare_digest(chain, row["chain"]):
                return AuditProof(entries=entries, head=head, broken_at=expected)
    if (head_sequence, head) != (expected, chain):
        return AuditProof(entries=entries, head=head, broken_at=expected + 1)
    return AuditProof(entries=entries, head=head, broken_at=None)


def _seal(key: bytes, previous: str, entry: Mapping[str, Any]) -> str:
    text = orjson.dumps([previous, entry], option=orjson.OPT_SORT_KEYS)
    return hmac.new(key, text, hashlib.sha256).hexdigest()
