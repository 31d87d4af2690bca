"""Registered workbooks kept, listed and changed: each open to its owner and to administrators."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, false, or_, select, update
from sqlalchemy.orm import Session

from server.access.models import User
from server.access.visibility import Viewer
from server.intake.mail.models import Reply, ReplyState
from server.records.models import AuditHead
from server.reports.registered.models import (
    Cause,
    RegisteredWorkbook,
    RunState,
    WorkbookLetter,
    WorkbookRun,
    WorkbookState,
)
from server.reports.registered.registration import (
    Plan,
    RegistrationError,
    Source,
    check_target,
    checked_plan,
    checked_source,
    checked_title,
    may_register,
    plan_of,
    schedule_of,
    write_plan,
)
from server.reports.registered.results import Results
from server.reports.registered.schedule import following
from server.site import Site
from workbooks.form import Text

PENDING = (RunState.QUEUED, RunState.BUILT)


class NoSuchWorkbook(LookupError):
    """There is no such registration, run or kept version, or it is not open to this person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterView:
    """How far the mail of a run to *address* has come; *unclear* when it may have arrived, and nobody knows."""

    address: str
    state: ReplyState
    unclear: bool
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkbookView:
    """A registration as its owner sees it: what is planned, when next, how it went last."""

    id: int
    owner: str
    owner_name: str
    source: Source
    plan: Plan
    state: WorkbookState
    paused: Text | None
    next_at: datetime | None
    last: WorkbookRun | None  # the newest run
    latest: WorkbookRun | None  # the newest whose workbook is kept


def register(site: Site, source: Source, plan: Plan, *, by: Viewer, now: datetime | None = None) -> int:
    """
    Keep a registration; a draft as long as nothing says which table gets what. Its id.

    Raises:
        RegistrationError: It cannot be done as asked.
    """
    if by.user_id is None or not may_register(by):
        raise RegistrationError(
            Text(
                "只有登录的管理和技术人员能登记工作簿。",
                "Only people who are not bound to one station register workbooks.",
            )
        )
    now = now or datetime.now(UTC)
    source = checked_source(site, by, source)
    check_target(site, source, plan, owner_id=by.user_id, now=now)
    draft = source.kind != "report" and not plan.bindings
    with site.session() as session:
        plan = replace(plan, title=checked_title(plan.title)) if draft else checked_plan(session, site, source, plan)
        row = RegisteredWorkbook(
            owner_id=by.user_id,
            source=source.kind,
            filename=source.filename,
            content_sha256=source.content_sha256,
            share=source.share,
            path=source.path,
            report=source.report,
            state=WorkbookState.DRAFT if draft else WorkbookState.ACTIVE,
            scheduled_from=now,
            watermark=_head(session),
            created_at=now,
        )
        write_plan(row, plan)
        session.add(row)
        session.flush()
        site.note(session, by, "workbook-registered", subject(row.id), source=source.kind)
        return row.id


def change(
    site: Site, workbook_id: int, plan: Plan, *, by: Viewer, source: Source | None = None, now: datetime | None = None
) -> None:
    """
    Give a registration another plan, and another file where *source* is given; a draft begins to run.

    Raises:
        NoSuchWorkbook: There is none that *by* may change.
        RegistrationError: It cannot be done as asked.
    """
    now = now or datetime.now(UTC)
    if source is not None:
        source = checked_source(site, by, source)
        with site.session(read_only=True) as session:
            owner_id = _one(session, by, workbook_id).owner_id
        check_target(site, source, plan, owner_id=owner_id, now=now, workbook_id=workbook_id)
    with site.session() as session:
        row = _one(session, by, workbook_id, lock=True)
        if source is not None:
            row.source, row.filename, row.content_sha256 = source.kind, source.filename, source.content_sha256
            row.share, row.path, row.report = source.share, source.path, source.report
        plan = checked_plan(session, site, source_of(row), plan)
        if (row.schedule, row.at) != (plan.rhythm, plan.at):
            # What another schedule would have made due before now is not made up for.
            row.scheduled_from, row.watermark = now, _head(session)
        write_plan(row, plan)
        built_by_the_old = WorkbookRun.workbook_id == row.id, WorkbookRun.state == RunState.BUILT
        session.execute(update(WorkbookRun).where(*built_by_the_old).values(state=RunState.QUEUED))
        row.trouble_told_at = None
        if row.state == WorkbookState.DRAFT:
            row.state, row.scheduled_from, row.watermark = WorkbookState.ACTIVE, now, _head(session)
        site.note(session, by, "workbook-changed", subject(row.id))


def pause(site: Site, workbook_id: int, *, by: Viewer) -> None:
    """Let the schedule rest, and what waits with it."""
    with site.session() as session:
        row = _one(session, by, workbook_id, lock=True)
        if row.state == WorkbookState.ACTIVE:
            stop(session, row, Text("由人工暂停", "Paused by hand"))
            site.note(session, by, "workbook-paused", subject(row.id))


def resume(site: Site, workbook_id: int, *, by: Viewer, now: datetime | None = None) -> None:
    """Let the schedule go on from now; what fell due meanwhile is not made up for."""
    with site.session() as session:
        row = _one(session, by, workbook_id, lock=True)
        if row.state == WorkbookState.PAUSED:
            row.state, row.paused_zh, row.paused_en = WorkbookState.ACTIVE, "", ""
            row.scheduled_from, row.watermark = now or datetime.now(UTC), _head(session)
            site.note(session, by, "workbook-resumed", subject(row.id))


def remove(site: Site, workbook_id: int, *, by: Viewer) -> None:
    """Take a registration off the list, with the versions kept of it; a file on a share stays where it is."""
    with site.session() as session:
        row = _one(session, by, workbook_id, lock=True)
        stop(session, row, Text("已移除", "Removed"))
        row.removed_at = datetime.now(UTC)
        site.note(session, by, "workbook-removed", subject(row.id))
    forget_results(site, workbook_id, keep=0)


def ask_for_run(site: Site, workbook_id: int, *, by: Viewer, now: datetime | None = None) -> int:
    """
    Let a workbook be refreshed as soon as a worker is free; the run's id.

    One that is under way or waits is the answer to a second click, too.

    Raises:
        NoSuchWorkbook: There is none that *by* may run.
        RegistrationError: It is a draft.
    """
    now = now or datetime.now(UTC)
    with site.session() as session:
        row = _one(session, by, workbook_id, lock=True)
        if row.state == WorkbookState.DRAFT:
            raise RegistrationError(Text("请先选择各表的数据集。", "Say first which dataset each table gets."))
        waiting = session.scalars(
            select(WorkbookRun).where(WorkbookRun.workbook_id == row.id, WorkbookRun.state.in_(PENDING))
        ).first()
        if waiting is not None:
            if waiting.lease_until is None or waiting.lease_until < now:
                waiting.next_try_at = now
            return waiting.id
        return queue(session, row, now, Cause.PERSON, now=now).id


def queue(
    session: Session, row: RegisteredWorkbook, occurrence: datetime, cause: Cause, *, now: datetime, missed: int = 0
) -> WorkbookRun:
    """A new run of *row*, due at once; the caller holds the lock of *row*."""
    run = WorkbookRun(
        workbook_id=row.id,
        occurrence=occurrence,
        cause=cause,
        missed=missed,
        state=RunState.QUEUED,
        queued_at=now,
        next_try_at=now,
    )
    session.add(run)
    session.flush()
    return run


def stop(session: Session, row: RegisteredWorkbook, why: Text) -> None:
    """Pause *row* for the reason given, and drop what waits."""
    row.state, row.paused_zh, row.paused_en = WorkbookState.PAUSED, why.zh, why.en
    waiting = select(WorkbookRun).where(WorkbookRun.workbook_id == row.id, WorkbookRun.state.in_(PENDING))
    for run in session.scalars(waiting):
        run.state, run.next_try_at, run.reason_zh, run.reason_en = RunState.SUPERSEDED, None, why.zh, why.en
        run.finished_at = datetime.now(UTC)


def workbooks(site: Site, session: Session, viewer: Viewer, *, now: datetime | None = None) -> list[WorkbookView]:
    """The registrations open to *viewer*, by title."""
    rows = session.scalars(_open_to(select(RegisteredWorkbook), viewer).order_by(RegisteredWorkbook.title)).all()
    return [view_of(site, session, row, now or datetime.now(UTC)) for row in rows]


def workbook(
    site: Site, session: Session, viewer: Viewer, workbook_id: int, *, now: datetime | None = None
) -> WorkbookView:
    """
    One registration.

    Raises:
        NoSuchWorkbook: There is none open to *viewer*.
    """
    return view_of(site, session, _one(session, viewer, workbook_id), now or datetime.now(UTC))


def runs(session: Session, viewer: Viewer, workbook_id: int, *, limit: int = 50) -> list[WorkbookRun]:
    """
    The runs of a registration, newest first.

    Raises:
        NoSuchWorkbook: There is none open to *viewer*.
    """
    row = _one(session, viewer, workbook_id)
    query = select(WorkbookRun).where(WorkbookRun.workbook_id == row.id)
    return list(session.scalars(query.order_by(WorkbookRun.id.desc()).limit(limit)))


def letters(session: Session, runs: Iterable[WorkbookRun]) -> dict[int, list[LetterView]]:
    """The mails that carried what *runs* made, by run; *runs* are such as the viewer may see."""
    found: dict[int, list[LetterView]] = {run.id: [] for run in runs}
    query = select(WorkbookLetter.run_id, Reply).join(Reply, Reply.id == WorkbookLetter.reply_id)
    for run_id, reply in session.execute(query.where(WorkbookLetter.run_id.in_(found)).order_by(Reply.id)):
        state = ReplyState(reply.state)
        unclear = state is ReplyState.DEAD and reply.unclear > 0
        view = LetterView(address=reply.to_address, state=state, unclear=unclear, error=reply.error)
        found[run_id].append(view)
    return found


def run(session: Session, viewer: Viewer, workbook_id: int, run_id: int) -> WorkbookRun:
    """
    One run of a registration.

    Raises:
        NoSuchWorkbook: There is none open to *viewer*.
    """
    row = _one(session, viewer, workbook_id)
    found = session.get(WorkbookRun, run_id)
    if found is None or found.workbook_id != row.id:
        raise NoSuchWorkbook(run_id)
    return found


def result(site: Site, viewer: Viewer, workbook_id: int, run_id: int | None = None) -> tuple[str, bytes]:
    """
    The file name and the bytes of what a run made; of the newest kept one without *run_id*.

    Raises:
        NoSuchWorkbook: There is none open to *viewer*, or none kept.
    """
    with site.session() as session:
        row = _one(session, viewer, workbook_id)
        found = _latest(session, row.id) if run_id is None else run(session, viewer, workbook_id, run_id)
        kept = Results(site.settings.home, row.id)
        content = kept.read(found.id, found.result_sha256) if found and found.result_kept else None
        if found is None or content is None:
            raise NoSuchWorkbook(workbook_id)
        site.note(session, viewer, "exported", subject(row.id), run=found.id)
        return found.result_name, content


def forget_results(site: Site, workbook_id: int, *, keep: int) -> None:
    """
    Remove what the runs of a workbook made, but what the newest *keep* delivered and what is under way.

    First the rows, then the files: a file that is offered is there.
    """
    kept: dict[int, str | None] = {}
    newest = delivered = 0
    with site.session() as session:
        query = select(WorkbookRun).where(WorkbookRun.workbook_id == workbook_id).order_by(WorkbookRun.id.desc())
        under_way = or_(WorkbookRun.result_kept, WorkbookRun.state.in_(PENDING))
        for run_ in session.scalars(query.where(under_way)).all():
            newest = max(newest, run_.id)
            delivered += run_.state == RunState.DELIVERED
            if run_.state in PENDING:
                kept[run_.id] = None
            elif run_.state == RunState.DELIVERED and delivered <= keep:
                kept[run_.id] = run_.result_sha256
            else:
                run_.result_kept = False
    Results(site.settings.home, workbook_id).keep_only(kept, newest=newest)


def view_of(site: Site, session: Session, row: RegisteredWorkbook, now: datetime) -> WorkbookView:
    owner = session.get_one(User, row.owner_id)
    newest = select(WorkbookRun).where(WorkbookRun.workbook_id == row.id).order_by(WorkbookRun.id.desc()).limit(1)
    active = row.state == WorkbookState.ACTIVE
    return WorkbookView(
        id=row.id,
        owner=owner.username,
        owner_name=owner.display_name,
        source=source_of(row),
        plan=plan_of(row),
        state=WorkbookState(row.state),
        paused=Text(row.paused_zh, row.paused_en) if row.paused_zh else None,
        next_at=following(schedule_of(site, row), now) if active else None,
        last=session.scalars(newest).first(),
        latest=_latest(session, row.id),
    )


def source_of(row: RegisteredWorkbook) -> Source:
    return Source(
        filename=row.filename, content_sha256=row.content_sha256, share=row.share, path=row.path, report=row.report
    )


def subject(workbook_id: int) -> str:
    """What the audit trail calls a registration."""
    return f"workbook:{workbook_id}"


def _latest(session: Session, workbook_id: int) -> WorkbookRun | None:
    query = select(WorkbookRun).where(
        WorkbookRun.workbook_id == workbook_id, WorkbookRun.result_kept, WorkbookRun.state == RunState.DELIVERED
    )
    return session.scalars(query.order_by(WorkbookRun.id.desc()).limit(1)).first()


def _head(session: Session) -> int:
    return session.scalar(select(AuditHead.sequence).where(AuditHead.id == 1)) or 0


def _open_to(query: Select[Any], viewer: Viewer) -> Select[Any]:
    query = query.where(RegisteredWorkbook.removed_at.is_(None))
    if not may_register(viewer):  # what somebody registered who is bound to one station now shows other stations
        return query.where(false())
    return query if viewer.admin else query.where(RegisteredWorkbook.owner_id == (viewer.user_id or 0))


def _one(session: Session, viewer: Viewer, workbook_id: int, *, lock: bool = False) -> RegisteredWorkbook:
    query = _open_to(select(RegisteredWorkbook).where(RegisteredWorkbook.id == workbook_id), viewer)
    row: RegisteredWorkbook | None = session.scalars(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        raise NoSuchWorkbook(workbook_id)
    return row
