"""Which record a filled form is about: by its number, by the blank it was filled in, by its key answers."""

from dataclasses import dataclass, replace
from typing import Any, Self

import orjson
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from server.access.visibility import Viewer, visible
from server.database import table_of
from server.records.models import Record, Revision, Submission
from server.records.outcome import Outcome
from workbooks.filled import Values
from workbooks.form import FormDefinition
from workbooks.values import from_json

_RECORDS, _REVISIONS, _SUBMISSIONS = table_of(Record), table_of(Revision), table_of(Submission)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A record as it stands."""

    id: int
    number: str
    form_id: str
    revision: int
    state: str
    station: str | None
    content_hash: str

    def with_id(self, record_id: int) -> Self:
        return replace(self, id=record_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One revision of a record, with its answers."""

    revision: int
    by: str
    at: Any
    content_hash: str
    values: Values


def _query() -> Select[Any]:
    c = _RECORDS.c
    return select(c.id, c.number, c.form_id, c.revision, c.state, c.station, c.content_hash)


def numbered(session: Session, viewer: Viewer, form_id: str, number: str) -> Known | None:
    """The record of this form with this number, if *viewer* may see it."""
    query = _query().where(_RECORDS.c.number == number, _RECORDS.c.form_id == form_id)
    return _known(session, visible(query, _RECORDS, viewer))


def of_instance(session: Session, viewer: Viewer, form_id: str, instance_id: str, key_hash: str) -> Known | None:
    """The record that the same blank with the same key answers has made before."""
    query = _query().where(
        _RECORDS.c.form_id == form_id, _RECORDS.c.instance_id == instance_id, _RECORDS.c.key_hash == key_hash
    )
    return _known(session, visible(query, _RECORDS, viewer).order_by(_RECORDS.c.id.desc()).limit(1))


def other_of_instance(session: Session, viewer: Viewer, form_id: str, instance_id: str) -> Known | None:
    """The newest record made from the same blank."""
    query = _query().where(_RECORDS.c.form_id == form_id, _RECORDS.c.instance_id == instance_id)
    return _known(session, visible(query, _RECORDS, viewer).order_by(_RECORDS.c.id.desc()).limit(1))


def of_key(session: Session, viewer: Viewer, form_id: str, key_hash: str) -> Known | None:
    """The newest record with the same key answers."""
    query = _query().where(_RECORDS.c.form_id == form_id, _RECORDS.c.key_hash == key_hash)
    return _known(session, visible(query, _RECORDS, viewer).order_by(_RECORDS.c.id.desc()).limit(1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An accepted submission of the very same bytes."""

    known: Known
    findings: str
    version: int | None


def same_bytes(session: Session, viewer: Viewer, sha256: str) -> Earlier | None:
    """The submission by which these bytes came into a record that *viewer* may see."""
    c = _SUBMISSIONS.c
    query = (
        _query()
        .add_columns(c.findings, c.version)
        .join(_SUBMISSIONS, c.record_id == _RECORDS.c.id)
        .where(c.sha256 == sha256, c.outcome.in_([Outcome.RECORDED.value, Outcome.REVISED.value]))
        .limit(1)
    )
    row = session.execute(visible(query, _RECORDS, viewer)).one_or_none()
    if row is None:
        return None
    *known, findings, version = row
    return Earlier(known=_of_row(known), findings=findings, version=version)


def known_bytes(session: Session, viewer: Viewer, digests: list[str]) -> set[str]:
    """Those of *digests* that `same_bytes` knows."""
    c = _SUBMISSIONS.c
    query = (
        select(c.sha256)
        .join(_RECORDS, c.record_id == _RECORDS.c.id)
        .where(c.sha256.in_(digests), c.outcome.in_([Outcome.RECORDED.value, Outcome.REVISED.value]))
    )
    return set(session.scalars(visible(query, _RECORDS, viewer)))


def version(session: Session, definition: FormDefinition, known: Known, revision: int) -> Version | None:
    """Revision *revision* of *known*; None when there is none such."""
    c = _REVISIONS.c
    query = select(c.revision, c.by, c.at, c.content_hash, c.answers).where(
        c.record_id == known.id, c.revision == revision
    )
    row = session.execute(query).one_or_none()
    if row is None:
        return None
    number, by, at, content_hash, answers = row
    return Version(
        revision=number,
        by=by,
        at=at,
        content_hash=content_hash,
        values=from_json(definition, orjson.loads(answers)),
    )


def last_unnumbered(session: Session, known: Known) -> int:
    """The newest revision of *known* that came from a file without its number; 0 for none."""
    c = _REVISIONS.c
    query = select(func.max(c.revision)).where(c.record_id == known.id, c.numbered.is_(False))
    return session.scalar(query) or 0


def _known(session: Session, query: Select[Any]) -> Known | None:
    row = session.execute(query).one_or_none()
    return None if row is None else _of_row(row)


def _of_row(row: Any) -> Known:
    record_id, number, form_id, revision, state, station, content_hash = row
    return Known(
        id=record_id,
        number=number,
        form_id=form_id,
        revision=revision,
        state=state,
        station=station,
        content_hash=content_hash,
    )
