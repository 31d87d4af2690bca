"""Runs that are due: made so by the calendar and by submissions, claimed by one worker, noted as they go."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, literal, not_, or_, select, update
from sqlalchemy.orm import Session

from server.database import UtcDateTime
from server.records.models import AuditEntry
from server.reports.registered.models import Cause, RegisteredWorkbook, RunState, WorkbookRun, WorkbookState
from server.reports.registered.registration import schedule_of
from server.reports.registered.schedule import Rhythm, due
from server.reports.registered.store import PENDING, queue
from server.site import Site
from workbooks.form import Text

LEASE = timedelta(minutes=15)  # longer than any one step takes
QUIET = timedelta(seconds=60)  # without a submission, then a batch is over
LONGEST_BATCH = timedelta(minutes=10)
FIRST_DELAY, LONGEST_DELAY = timedelta(minutes=1), timedelta(hours=1)
GIVE_UP_AFTER = timedelta(hours=24)
CRASHES = 3  # of the process, or of our own code; then a person has to look
_STORING = ("record-created", "record-revised")

Clock = Callable[[], datetime]


class LeaseLost(Exception):
    """Another worker has taken the run over, or a person has stopped it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that is ours; `note` says how it goes, as long as it is."""

    site: Site
    run_id: int
    worker: str
    clock: Clock

    def note(self, session: Session | None = None, **values: Any) -> None:
        """
        Write *values* into the run and keep the lease; in the transaction of *session* where one is given.

        Raises:
            LeaseLost: It is no longer ours.
        """
        if session is None:
            with self.site.session() as own:
                self.note(own, **values)
            return
        changed = session.scalars(
            update(WorkbookRun)
            .where(
                WorkbookRun.id == self.run_id,
                WorkbookRun.worker == self.worker,
                WorkbookRun.state.in_(PENDING),
            )
            .values(**({"lease_until": self.clock() + LEASE} | values))
            .returning(WorkbookRun.id)
            .execution_options(synchronize_session=False)
        ).all()
        if not changed:
            raise LeaseLost

    def let_go(self, session: Session, **values: Any) -> None:
        """As `note`, and it is nobody's afterwards."""
        self.note(session, **(values | {"worker": None, "lease_until": None, "step": "", "broken_off": 0}))


def queue_due(site: Site, now: datetime) -> int:
    """Queue a run for each workbook whose occurrence has come; how many were queued."""
    with site.session(read_only=True) as session:
        active = select(RegisteredWorkbook).where(
            RegisteredWorkbook.state == WorkbookState.ACTIVE,
            RegisteredWorkbook.removed_at.is_(None),
            RegisteredWorkbook.schedule != Rhythm.MANUAL,
        )
        found = [row.id for row in session.scalars(active) if _occurrence(site, session, row, now)]
    return sum(_queue_one(site, workbook_id, now) for workbook_id in found)


def claim(site: Site, clock: Clock) -> Claim | None:
    """Take the run that has been due longest; it is ours until the lease ends."""
    now, worker = clock(), secrets.token_hex(8)
    busy = select(WorkbookRun.workbook_id).where(WorkbookRun.state.in_(PENDING), not_(_let_go(now)))
    ripe = (
        select(WorkbookRun.id)
        .where(
            WorkbookRun.state.in_(PENDING),
            # What is to wait for longer than anything does was noted by a clock that ran ahead.
            or_(WorkbookRun.next_try_at <= now, WorkbookRun.next_try_at > now + LONGEST_DELAY),
            _let_go(now),
            WorkbookRun.workbook_id.not_in(busy),
        )
        .order_by(WorkbookRun.next_try_at, WorkbookRun.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    with site.session() as session:
        run_id = session.scalar(
            update(WorkbookRun)
            .where(WorkbookRun.id == ripe.scalar_subquery())
            .values(
                worker=worker,
                lease_until=now + LEASE,
                attempts=WorkbookRun.attempts + 1,
                broken_off=WorkbookRun.broken_off + 1,
                started_at=func.coalesce(WorkbookRun.started_at, literal(now, UtcDateTime())),
            )
            .returning(WorkbookRun.id)
            .execution_options(synchronize_session=False)
        )
    return Claim(site, run_id, worker, clock) if run_id is not None else None


def _let_go(now: datetime) -> ColumnElement[bool]:
    """
    Nobody holds the run: no lease, one that is over, or one so far ahead that the clock was.

    Clocks of several servers need agree only roughly: a worker whose lease was taken for
    ended stops at its next `Claim.note`, and replaces and mails nothing.
    """
    until = WorkbookRun.lease_until
    return or_(until.is_(None), until < now, until > now + 2 * LEASE)


def next_try(attempts: int, now: datetime) -> datetime:
    """When to try again after *attempts* that failed for a passing reason."""
    delay: timedelta = FIRST_DELAY * 2 ** min(attempts - 1, 10)
    return now + min(delay, LONGEST_DELAY)


@dataclass(frozen=True, slots=True)
class _Occurrence:
    at: datetime
    cause: Cause
    missed: int = 0
    watermark: int | None = None


def _occurrence(site: Site, session: Session, row: RegisteredWorkbook, now: datetime) -> _Occurrence | None:
    if row.schedule == Rhythm.SUBMISSIONS:
        return _batch(session, row, now)
    done = session.scalar(
        select(func.max(WorkbookRun.occurrence)).where(
            WorkbookRun.workbook_id == row.id,
            WorkbookRun.cause == Cause.SCHEDULE,
            WorkbookRun.occurrence <= now,  # a day that a clock running ahead has done does not stop those before it
        )
    )
    found = due(schedule_of(site, row), max(row.scheduled_from, done or row.scheduled_from), now)
    return _Occurrence(found.occurrence, Cause.SCHEDULE, found.missed) if found else None


def _batch(session: Session, row: RegisteredWorkbook, now: datetime) -> _Occurrence | None:
    """The batch of submissions that is over: nothing came for a while, or it has been going on for long."""
    first, last, sequence = session.execute(
        select(func.min(AuditEntry.at), func.max(AuditEntry.at), func.max(AuditEntry.sequence)).where(
            AuditEntry.sequence > row.watermark, AuditEntry.action.in_(_STORING)
        )
    ).one()
    if sequence is None:
        return None
    begun, ended = datetime.fromisoformat(first), datetime.fromisoformat(last)
    if -QUIET < now - ended < QUIET and now - begun < LONGEST_BATCH:  # later still: a clock had run ahead
        return None
    return _Occurrence(ended, Cause.SUBMISSION, watermark=sequence)


def _queue_one(site: Site, workbook_id: int, now: datetime) -> int:
    """Queue what is due, unless another process has done so since; a run still waiting makes room for it."""
    with site.session() as session:
        locked = select(RegisteredWorkbook).where(RegisteredWorkbook.id == workbook_id).with_for_update()
        row = session.scalars(locked).one()
        found = _occurrence(site, session, row, now)
        if row.state != WorkbookState.ACTIVE or found is None:
            return 0
        if found.watermark is not None:
            row.watermark = found.watermark
        later = Text("被更晚一次的刷新取代", "A later refresh has taken its place")
        session.execute(
            update(WorkbookRun)
            .where(
                WorkbookRun.workbook_id == row.id,
                WorkbookRun.state.in_(PENDING),
                _let_go(now),
            )
            .values(
                state=RunState.SUPERSEDED, next_try_at=None, finished_at=now, step="",
                reason_zh=_and(WorkbookRun.reason_zh, later.zh), reason_en=_and(WorkbookRun.reason_en, later.en),
            )
            .execution_options(synchronize_session=False)
        )  # fmt: skip
        if session.scalar(
            select(WorkbookRun.id).where(WorkbookRun.workbook_id == row.id, WorkbookRun.occurrence == found.at)
        ):  # a person asked in the very same moment
            return 0
        queue(session, row, found.at, found.cause, now=now, missed=found.missed)
        return 1


def _and(reason: Any, more: str) -> Any:
    """What was wrong stays said."""
    return func.trim(reason + " " + more)
