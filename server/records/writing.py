"""Storing a submission and what it does to a record, all in one transaction."""

import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from server.access.visibility import Viewer
from server.database import table_of
from server.records import audit, form_tables, kept_findings, kept_revisions
from server.records.audit import Event
from server.records.identity import Known
from server.records.models import Record, Revision, Submission
from server.records.numbering import next_number
from server.records.outcome import FAILED, Outcome
from workbooks.filled import Values
from workbooks.findings import Finding
from workbooks.form import FormDefinition
from workbooks.values import to_json

_SUBMISSIONS, _RECORDS, _REVISIONS = table_of(Submission), table_of(Record), table_of(Revision)
_INSERT_SUBMISSION = insert(_SUBMISSIONS)
_INSERT_REVISION = insert(_REVISIONS).returning(_REVISIONS.c.id)
_INSERT_RECORD = insert(_RECORDS).returning(_RECORDS.c.id)
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One sending whose bytes are kept, before anything is decided about it."""

    id: str
    received_at: datetime
    channel: str
    sender: Viewer
    filename: str
    sha256: str
    size: int
    kind: str  # "workbook" or "answers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was made out of an arrival as far as it went; fields are empty where it did not."""

    form_id: str | None = None
    version: int | None = None
    station: str | None = None
    findings: tuple[Finding, ...] = ()
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """Checked answers without errors, ready to become a record or its next revision."""

    definition: FormDefinition
    reading: Reading
    values: Values
    instance_id: str
    key_hash: str
    content_hash: str
    numbered: bool
    reason: str


class Writer:
    """
    Stores submissions inside one transaction of *session*.

    It holds the writers' lock from the start, so what its caller looks up in the same
    transaction stays true. Call `finish` last: it seals everything into the audit chain.
    """

    def __init__(self, session: Session, audit_key: bytes, zone: ZoneInfo) -> None:
        self._session = session
        self._audit_key = audit_key
        self._zone = zone
        self._events: list[Event] = []
        audit.lock(session)
        self._connection = session.connection()

    def reject(self, arrival: Arrival, reading: Reading) -> None:
        """Keep a submission that has errors."""
        self._submission(arrival, reading, Outcome.REJECTED, None, None)
        self._note(arrival, "submission-rejected", arrival.id, findings=[f.slug for f in reading.findings])

    def fail(self, arrival: Arrival) -> None:
        """Keep a submission that an error of ours has stopped."""
        station = arrival.sender.station
        self._submission(arrival, Reading(station=station), FAILED, None, None)
        self._note(arrival, "submission-failed", arrival.id)

    def repeat(self, arrival: Arrival, reading: Reading, known: Known) -> None:
        """Keep a submission that says nothing new about *known*."""
        self._submission(arrival, reading, Outcome.ALREADY_RECEIVED, known.id, known.revision)
        self._note(arrival, "submission-repeated", known.number)

    def create(self, arrival: Arrival, accepted: Accepted) -> Known:
        """The new record that *arrival* makes."""
        definition = accepted.definition
        number = next_number(self._session, definition, arrival.received_at.astimezone(self._zone))
        known = self._known(accepted, number, revision=1)
        row = {
            "number": number,
            "form_id": definition.form_id,
            "version": definition.version,
            "instance_id": accepted.instance_id,
            "key_hash": accepted.key_hash,
            "content_hash": accepted.content_hash,
            "revision": 1,
            "state": known.state,
            "station": known.station,
            "created_at": arrival.received_at,
            "updated_at": arrival.received_at,
        }
        known = known.with_id(self._connection.execute(_INSERT_RECORD, row).scalar_one())
        self._revision(arrival, accepted, known, Outcome.RECORDED)
        row = form_tables.row(definition, accepted.values) | {
            "record_id": known.id,
            "number": number,
            "revision": 1,
            "station": known.station,
            "created_at": arrival.received_at,
            "updated_at": arrival.received_at,
        }
        self._connection.execute(form_tables.insertion(definition), row)
        self._lines(definition, accepted.values, known.id)
        self._note(arrival, "record-created", number, submission=arrival.id, content=accepted.content_hash)
        return known

    def revise(self, arrival: Arrival, accepted: Accepted, before: Known) -> Known:
        """The next revision of *before*."""
        definition = accepted.definition
        known = self._known(accepted, before.number, revision=before.revision + 1).with_id(before.id)
        changed = {
            "version": definition.version,
            "key_hash": accepted.key_hash,
            "content_hash": accepted.content_hash,
            "revision": known.revision,
            "state": known.state,
            "station": known.station,
            "updated_at": arrival.received_at,
        }
        self._connection.execute(update(_RECORDS).where(_RECORDS.c.id == known.id).values(changed))
        self._revision(arrival, accepted, known, Outcome.REVISED)
        table = form_tables.table(definition)
        row = form_tables.row(definition, accepted.values) | {
            "revision": known.revision,
            "station": known.station,
            "updated_at": arrival.received_at,
        }
        self._connection.execute(update(table).where(table.c.record_id == known.id).values(row))
        for child in form_tables.repeat_tables(definition).values():
            self._connection.execute(delete(child).where(child.c.record_id == known.id))
        self._lines(definition, accepted.values, known.id)
        self._note(
            arrival,
            "record-revised",
            known.number,
            submission=arrival.id,
            revision=known.revision,
            content=accepted.content_hash,
        )
        return known

    def note(self, event: Event) -> None:
        """Seal *event*, which belongs to what is stored here, into the audit chain too."""
        self._events.append(event)

    def finish(self) -> None:
        """Write the audit entries of everything stored."""
        audit.append(self._session, self._audit_key, self._events)

    def _submission(
        self, arrival: Arrival, reading: Reading, outcome: str, record_id: int | None, revision: int | None
    ) -> None:
        self._connection.execute(
            _INSERT_SUBMISSION,
            {
                "id": arrival.id,
                "received_at": arrival.received_at,
                "channel": arrival.channel,
                "sender_id": arrival.sender.user_id,
                "sender": arrival.sender.display_name,
                "filename": arrival.filename,
                "sha256": arrival.sha256,
                "size": arrival.size,
                "kind": arrival.kind,
                "form_id": reading.form_id,
                "version": reading.version,
                "outcome": str(outcome),
                "record_id": record_id,
                "revision": revision,
                "station": reading.station or arrival.sender.station,
                "findings": kept_findings.dump(reading.findings),
                "flags": orjson.dumps(sorted(reading.flags)).decode(),
            },
        )

    def _revision(self, arrival: Arrival, accepted: Accepted, known: Known, outcome: Outcome) -> None:
        self._submission(arrival, accepted.reading, outcome, known.id, known.revision)
        revision = self._connection.execute(
            _INSERT_REVISION,
            {
                "record_id": known.id,
                "revision": known.revision,
                "submission_id": arrival.id,
                "at": arrival.received_at,
                "by": arrival.sender.display_name,
                "channel": arrival.channel,
                "version": accepted.definition.version,
                "numbered": accepted.numbered,
                "content_hash": accepted.content_hash,
                "reason": accepted.reason,
                "answers": orjson.dumps(to_json(accepted.values)).decode(),
            },
        )
        kept_revisions.keep(
            self._connection,
            accepted.definition,
            accepted.values,
            revision_id=revision.scalar_one(),
            record_id=known.id,
            number=known.number,
            station=known.station,
            at=arrival.received_at,
        )

    def _lines(self, definition: FormDefinition, values: Values, record_id: int) -> None:
        for table, rows in form_tables.lines(definition, values):
            self._connection.execute(insert(table), [row | {"record_id": record_id} for row in rows])

    def _known(self, accepted: Accepted, number: str, *, revision: int) -> Known:
        return Known(
            id=0,
            number=number,
            form_id=accepted.definition.form_id,
            revision=revision,
            state="closed" if accepted.values.get("closed_on") is not None else "open",
            station=accepted.reading.station,
            key_hash=accepted.key_hash,
            content_hash=accepted.content_hash,
        )

    def _note(self, arrival: Arrival, action: str, subject: str, **details: Any) -> None:
        self._events.append(
            Event(
                actor=arrival.sender.username,
                action=action,
                subject=subject,
                details={"channel": arrival.channel, "sha256": arrival.sha256, **details},
            )
        )


def new_id() -> str:
    """A public id of 26 characters; later ones sort after earlier ones."""
    number = (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80)
    return "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))
