"""Which record a filled form is about: by its number, by the blank it was filled in, by its key answers."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Self

from sqlalchemy import Select, bindparam, case, func, select
from sqlalchemy.orm import Session

from server.access.visibility import Viewer, visible
from server.database import table_of
from server.records.models import Record, Revision, Submission
from server.records.outcome import Outcome
from server.records.stored_answers import answers_hash, stored_values
from workbooks.filled import Values
from workbooks.form import FormDefinition
from workbooks.former import steps

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
    key_hash: str
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


def numbered(session: Session, viewer: Viewer, form_id: str, number: str) -> Known | None:
    """The record of this form with this number, if *viewer* may see it."""
    return _known(session, _by_number(viewer), form_id=form_id, number=number)


def of_instance(session: Session, viewer: Viewer, form_id: str, instance_id: str, key_hash: str) -> Known | None:
    """
    The record that the same blank has made before: the one with the same key answers, else the newest.

    `Known.key_hash` tells which of the two it is.
    """
    return _known(session, _by_instance(viewer), form_id=form_id, instance_id=instance_id, key_hash=key_hash)


def of_key(session: Session, viewer: Viewer, form_id: str, key_hash: str) -> Known | None:
    """The newest record with the same key answers."""
    return _known(session, _by_key(viewer), form_id=form_id, key_hash=key_hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """An accepted submission of the very same bytes."""

    known: Known
    findings: str
    version: int | None


def same_bytes(session: Session, viewer: Viewer, sha256: str) -> Earlier | None:
    """The submission by which these bytes came into a record that *viewer* may see."""
    row = session.connection().execute(_by_bytes(viewer), {"sha256": sha256}).one_or_none()
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
    query = select(c.revision, c.by, c.at, c.content_hash, c.version, c.answers).where(
        c.record_id == known.id, c.revision == revision
    )
    row = session.execute(query).one_or_none()
    if row is None:
        return None
    number, by, at, content_hash, stored_under, answers = row
    values = stored_values(definition, stored_under, answers)
    if steps(definition, stored_under):
        content_hash = answers_hash(definition, values)
    return Version(revision=number, by=by, at=at, content_hash=content_hash, values=values)


def last_unnumbered(session: Session, known: Known) -> int:
    """The newest revision of *known* that came from a file without its number; 0 for none."""
    c = _REVISIONS.c
    query = select(func.max(c.revision)).where(c.record_id == known.id, c.numbered.is_(False))
    return session.scalar(query) or 0


# Every form taken in asks these; building a statement costs as much as running it.


@lru_cache(maxsize=1024)
def _by_bytes(viewer: Viewer) -> Select[Any]:
    c = _SUBMISSIONS.c
    query = _query().add_columns(c.findings, c.version).join(_SUBMISSIONS, c.record_id == _RECORDS.c.id)
    accepted = c.outcome.in_([Outcome.RECORDED.value, Outcome.REVISED.value])
    return visible(query.where(c.sha256 == bindparam("sha256"), accepted).limit(1), _RECORDS, viewer)


@lru_cache(maxsize=1024)
def _by_number(viewer: Viewer) -> Select[Any]:
    c = _RECORDS.c
    query = _query().where(c.form_id == bindparam("form_id"), c.number == bindparam("number"))
    return visible(query, _RECORDS, viewer)


@lru_cache(maxsize=1024)
def _by_instance(viewer: Viewer) -> Select[Any]:
    c = _RECORDS.c
    query = _query().where(c.form_id == bindparam("form_id"), c.instance_id == bindparam("instance_id"))
    same_key_first = case((c.key_hash == bindparam("key_hash"), 0), else_=1)
    return visible(query, _RECORDS, viewer).order_by(same_key_first, c.id.desc()).limit(1)


@lru_cache(maxsize=1024)
def _by_key(viewer: Viewer) -> Select[Any]:
    c = _RECORDS.c
    query = _query().where(c.form_id == bindparam("form_id"), c.key_hash == bindparam("key_hash"))
    return visible(query, _RECORDS, viewer).order_by(c.id.desc()).limit(1)


def _query() -> Select[Any]:
    c = _RECORDS.c
    return select(c.id, c.number, c.form_id, c.revision, c.state, c.station, c.key_hash, c.content_hash)


def _known(session: Session, query: Select[Any], **parameters: str) -> Known | None:
    row = session.connection().execute(query, parameters).one_or_none()
    return None if row is None else _of_row(row)


def _of_row(row: Any) -> Known:
    record_id, number, form_id, revision, state, station, key_hash, content_hash = row
    return Known(
        id=record_id,
        number=number,
        form_id=form_id,
        revision=revision,
        state=state,
        station=station,
        key_hash=key_hash,
        content_hash=content_hash,
    )
