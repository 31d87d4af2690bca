"""Reading records and submissions; every query is narrowed to what the viewer may see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from server.access.visibility import Viewer, visible
from server.database import table_of
from server.records import conditions, form_tables, kept_findings
from server.records.changes import Change, changes
from server.records.conditions import Condition, matching, order_by
from server.records.models import Record, Revision, Submission
from server.records.stored_answers import stored_values
from workbooks.filled import Values
from workbooks.form import FormDefinition
from workbooks.library import library

_RECORDS, _REVISIONS, _SUBMISSIONS = table_of(Record), table_of(Revision), table_of(Submission)
_DEFAULT_ZONE = ZoneInfo("Asia/Shanghai")


class NotFound(LookupError):
    """There is no such record or submission, or it is not open to this viewer: nobody can tell which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRow:
    """One record in a list; *values* are the checked answers of its current revision."""

    number: str
    form_id: str
    revision: int
    state: str
    station: str | None
    created_at: datetime
    updated_at: datetime
    values: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list and how many there are in all."""

    rows: list[RecordRow]
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionView:
    """One revision: who brought it, by which submission, and what it changed."""

    number: int
    at: datetime
    by: str
    channel: str
    submission_id: str
    reason: str
    changes: tuple[Change, ...]
    values: Values


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionRow:
    """One sending in a list."""

    id: str
    at: datetime
    channel: str
    sender: str
    filename: str
    kind: str
    outcome: str
    form_id: str | None
    record_number: str | None
    revision: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionView(SubmissionRow):
    """One sending with its findings; *flags* name active content that was found and ignored."""

    sha256: str
    size: int
    version: int | None
    station: str | None
    findings: tuple[dict[str, Any], ...]
    flags: tuple[str, ...]
    kept_findings: str  # for `kept_findings.load`


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordDetail:
    """A record with its whole history, newest revision last."""

    number: str
    form_id: str
    version: int
    state: str
    station: str | None
    revision: int
    instance_id: str
    created_at: datetime
    updated_at: datetime
    values: Values
    revisions: tuple[RevisionView, ...]
    submissions: tuple[SubmissionRow, ...]


def find(
    session: Session,
    viewer: Viewer,
    definition: FormDefinition,
    *,
    where: Sequence[Condition] = (),
    text: str = "",
    order: str = "-updated_at",
    page: int = 1,
    per_page: int = 50,
    zone: ZoneInfo = _DEFAULT_ZONE,
) -> Page:
    """
    The records of one form that satisfy all conditions and show *text*.

    *per_page* 0 returns them all. Times in conditions are read in *zone*.

    Raises:
        BadCondition: A condition or the order names no field, or a value is not of its type.
    """
    table = form_tables.table(definition)
    base = select(_RECORDS.c.id).join(table, table.c.record_id == _RECORDS.c.id)
    base = visible(base, _RECORDS, viewer)
    for condition in where:
        base = base.where(conditions.where(definition, condition, zone))
    if text.strip():
        base = base.where(matching(definition, text.strip()))
    total = session.scalar(select(func.count()).select_from(base.subquery())) or 0
    ordered = base.order_by(*order_by(definition, order))
    if per_page:
        ordered = ordered.limit(per_page).offset(_skipped(page, per_page))
    c = _RECORDS.c
    query = (
        ordered.with_only_columns(
            c.number, c.form_id, c.revision, c.state, c.station, c.created_at, c.updated_at,
            _REVISIONS.c.version, _REVISIONS.c.answers,
        )
        .join(_REVISIONS, (_REVISIONS.c.record_id == c.id) & (_REVISIONS.c.revision == c.revision))
    )  # fmt: skip
    return Page(rows=[_record_row(definition, row) for row in session.execute(query)], total=total)


def record(
    session: Session, viewer: Viewer, number: str, *, definitions: Mapping[str, FormDefinition] | None = None
) -> RecordDetail:
    """
    One record with its revisions and everything that was sent about it.

    Raises:
        NotFound: There is none with this number, or *viewer* may not see it.
    """
    query = visible(select(Record).where(Record.number == number), Record, viewer)
    found = session.scalar(query)
    known = library() if definitions is None else definitions
    if found is None or found.form_id not in known:
        raise NotFound(number)
    definition = known[found.form_id]
    history = session.scalars(select(Revision).where(Revision.record_id == found.id).order_by(Revision.revision)).all()
    views = _revision_views(definition, history)
    sent = _submission_query().where(_SUBMISSIONS.c.record_id == found.id).order_by(_SUBMISSIONS.c.id)
    return RecordDetail(
        number=found.number,
        form_id=found.form_id,
        version=found.version,
        state=found.state,
        station=found.station,
        revision=found.revision,
        instance_id=found.instance_id,
        created_at=found.created_at,
        updated_at=found.updated_at,
        values=views[-1].values,
        revisions=views,
        submissions=tuple(_submission_row(row) for row in session.execute(sent)),
    )


def submission(session: Session, viewer: Viewer, submission_id: str) -> SubmissionView:
    """
    One sending.

    Raises:
        NotFound: There is none with this id, or *viewer* may not see it.
    """
    c = _SUBMISSIONS.c
    query = _submission_query().add_columns(c.sha256, c.size, c.version, c.station, c.findings, c.flags)
    row = session.execute(visible(query.where(c.id == submission_id), _SUBMISSIONS, viewer)).one_or_none()
    if row is None:
        raise NotFound(submission_id)
    values = dict(row._mapping)
    findings = values.pop("findings")
    return SubmissionView(
        **(values | {"flags": tuple(orjson.loads(values["flags"]))}),
        findings=kept_findings.public(findings),
        kept_findings=findings,
    )


def submissions(
    session: Session,
    viewer: Viewer,
    *,
    form_id: str | None = None,
    outcome: str | None = None,
    mine: bool = False,
    page: int = 1,
    per_page: int = 50,
) -> tuple[list[SubmissionRow], int]:
    """What was sent, newest first, and how much there is in all; *mine*: only by *viewer*."""
    query = visible(_submission_query(), _SUBMISSIONS, viewer)
    if form_id:
        query = query.where(_SUBMISSIONS.c.form_id == form_id)
    if outcome:
        query = query.where(_SUBMISSIONS.c.outcome == outcome)
    if mine:
        query = query.where(_SUBMISSIONS.c.sender_id == viewer.user_id)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    query = query.order_by(_SUBMISSIONS.c.received_at.desc(), _SUBMISSIONS.c.id.desc())
    query = query.limit(per_page).offset(_skipped(page, per_page))
    return [_submission_row(row) for row in session.execute(query)], total


def _skipped(page: int, per_page: int) -> int:
    """How many rows stand before *page*; no more than a database can count."""
    return min((max(page, 1) - 1) * per_page, (1 << 63) - 1)


def record_counts(session: Session, viewer: Viewer) -> dict[str, dict[str, int]]:
    """How many records there are by form_id and state."""
    query = select(_RECORDS.c.form_id, _RECORDS.c.state, func.count()).group_by(_RECORDS.c.form_id, _RECORDS.c.state)
    counts: dict[str, dict[str, int]] = {}
    for form_id, state, count in session.execute(visible(query, _RECORDS, viewer)):
        counts.setdefault(form_id, {})[state] = count
    return counts


def _record_row(definition: FormDefinition, row: Any) -> RecordRow:
    number, form_id, revision, state, station, created_at, updated_at, version, answers = row
    return RecordRow(
        number=number,
        form_id=form_id,
        revision=revision,
        state=state,
        station=station,
        created_at=created_at,
        updated_at=updated_at,
        values=stored_values(definition, version, answers),
    )


def _revision_views(definition: FormDefinition, history: Sequence[Revision]) -> tuple[RevisionView, ...]:
    states: list[Values] = [{}]
    states += [stored_values(definition, revision.version, revision.answers) for revision in history]
    return tuple(
        RevisionView(
            number=revision.revision,
            at=revision.at,
            by=revision.by,
            channel=revision.channel,
            submission_id=revision.submission_id,
            reason=revision.reason,
            # The first revision changes nothing: it is all new.
            changes=changes(definition, before, after) if before else (),
            values=after,
        )
        for revision, (before, after) in zip(history, pairwise(states), strict=True)
    )


def _submission_query() -> Select[Any]:
    c = _SUBMISSIONS.c
    return select(
        c.id,
        c.received_at.label("at"),
        c.channel,
        c.sender,
        c.filename,
        c.kind,
        c.outcome,
        c.form_id,
        _RECORDS.c.number.label("record_number"),
        c.revision,
    ).join(_RECORDS, c.record_id == _RECORDS.c.id, isouter=True)


def _submission_row(row: Any) -> SubmissionRow:
    return SubmissionRow(**row._mapping)
