"""One run from claim to delivery: built once, put in place once, mailed once, whatever stops it in between."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime

import structlog
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from server.access.people import viewer_of_id
from server.access.visibility import Viewer
from server.records.audit import Event, append
from server.reports.registered import letters
from server.reports.registered.models import Cause, RegisteredWorkbook, RunState, WorkbookRun, WorkbookState
from server.reports.registered.places import ChangedMeanwhile, Found, Place, PlaceTrouble, place_on
from server.reports.registered.queue import CRASHES, GIVE_UP_AFTER, Claim, LeaseLost, next_try
from server.reports.registered.refreshing import CannotRefresh, refresh
from server.reports.registered.registration import Plan, Source, may_register, open_shares, plan_of, schedule_of
from server.reports.registered.results import Results, digest_of
from server.reports.registered.schedule import figures_as_of
from server.reports.registered.store import forget_results, source_of, stop, subject
from server.reports.registered.targets import Target, put
from server.site import Site
from workbooks.form import Text

REBUILDS = 3  # when somebody saves the workbook in the very moment it is replaced
TOLD_AFTER = 4  # attempts that failed for a passing reason, about eight minutes
_log = structlog.get_logger()


class _Stopped(Exception):
    """The registration itself cannot go on; *message* says why."""

    def __init__(self, message: Text) -> None:
        super().__init__(message.en)
        self.message = message


@dataclass(frozen=True, slots=True)
class _Order:
    """What a run is to do, read once when it starts."""

    workbook_id: int
    owner_id: int
    source: Source
    plan: Plan
    viewer: Viewer
    place: Place | None
    as_of: Callable[[datetime], datetime]  # of the moment it is built
    broken_off: int
    built: Found | None  # what an earlier worker made, with the bytes still kept
    base_sha256: str
    target: str  # where on the share a report that was built goes
    in_place: bool  # already replaced
    day: date  # of the occurrence


def perform(claim: Claim) -> RunState:
    """
    Refresh and deliver what *claim* is for; the state it has then.

    Nothing that goes wrong is raised: it stands with the run, in words.
    """
    try:
        return _performed(claim)
    except LeaseLost:
        return RunState.SUPERSEDED
    except _Stopped as stopped:
        return _stop(claim, stopped.message)
    except CannotRefresh as error:
        return _fail(claim, error.message, passing=False)
    except PlaceTrouble as trouble:
        return _fail(claim, trouble.message, passing=trouble.passing)
    except (OperationalError, OSError) as error:
        _log.warning("workbook not refreshed", run=claim.run_id, exc_info=error)
        words = Text("服务器一时无法完成，将自动重试。", "The server could not do it just now; it will try again.")
        return _fail(claim, words, passing=True)
    except Exception as error:  # noqa: BLE001  (shown with the run; the other workbooks go on)
        _log.exception("workbook not refreshed", run=claim.run_id)
        words = Text(
            f"服务器内部错误（{type(error).__name__}），管理员可在日志中查到 run={claim.run_id}。",
            f"An error of the server's own ({type(error).__name__}); the log has it under run={claim.run_id}.",
        )
        return _fail(claim, words, passing=True, crashes=True)


def _performed(claim: Claim) -> RunState:
    order = _order(claim)
    if order.broken_off > CRASHES:
        words = Text(
            f"刷新 {CRASHES} 次都中途中断，请联系管理员。",
            f"It broke off midway {CRASHES} times; ask an administrator.",
        )
        return _fail(claim, words, passing=False)
    for _ in range(REBUILDS):
        content, base, target = _built(claim, order)
        try:
            _put_in_place(claim, order, content, base, target)
        except ChangedMeanwhile:
            claim.note(state=RunState.QUEUED)
            order = _order(claim)
            continue
        return _finish(claim, order, content)
    raise PlaceTrouble(
        Text("刷新期间工作簿一再被人保存，稍后重试。", "Somebody keeps saving the workbook; it is tried again later."),
        passing=True,
    )


def _order(claim: Claim) -> _Order:
    site = claim.site
    with site.session(read_only=True) as session:
        run = session.get_one(WorkbookRun, claim.run_id)
        row = session.get_one(RegisteredWorkbook, run.workbook_id)
        viewer = viewer_of_id(session, row.owner_id)
    if viewer is None:
        raise _Stopped(
            Text("登记人的账号已停用，计划已暂停。", "The owner's account is disabled; the schedule is paused.")
        )
    if not may_register(viewer):
        raise _Stopped(
            Text(
                "登记人现在只属于一个服务站，不能再登记工作簿，计划已暂停。",
                "The owner is bound to one station now and may register no workbooks; the schedule is paused.",
            )
        )
    source, plan, schedule = source_of(row), plan_of(row), schedule_of(site, row)
    place = None
    if source.share:
        if source.share not in {share.name for share in open_shares(site.settings, viewer)}:
            raise CannotRefresh(
                Text(
                    f"登记人不能使用共享“{source.share}”，或该共享已取消。",
                    f"The share {source.share!r} is not open to the owner, or no longer set.",
                )
            )
        place = place_on(site.settings, source.share, source.path) if source.kind == "share" else None
    results = Results(site.settings.home, row.id)
    kept = results.read(run.id, run.result_sha256) if run.state == RunState.BUILT else None
    return _Order(
        workbook_id=row.id,
        owner_id=row.owner_id,
        source=source,
        plan=plan,
        viewer=viewer,
        place=place,
        as_of=lambda now: figures_as_of(schedule, run.occurrence, now) if run.cause == Cause.SCHEDULE else now,
        broken_off=run.broken_off,
        built=Found(kept) if kept is not None else None,
        base_sha256=run.base_sha256 or "",
        target=run.delivered_to,
        day=run.occurrence.astimezone(site.zone).date(),
        in_place=run.in_place_at is not None and kept is not None,
    )


def _built(claim: Claim, order: _Order) -> tuple[bytes, Found | None, str]:
    """The refreshed workbook, what it was made from and where a report goes: by an earlier worker, or made now."""
    site = claim.site
    if order.built is not None:
        base = order.place.read() if order.place is not None and order.plan.in_place and not order.in_place else None
        # Otherwise somebody has saved it since: their changes come first, it is made anew from them.
        if base is None or base.sha256 in (order.base_sha256, order.built.sha256):
            return order.built.content, base, order.target
    made = refresh(
        site, order.source, order.plan, order.viewer,
        as_of=order.as_of(claim.clock()), place=order.place, step=lambda step: claim.note(step=step),
    )  # fmt: skip
    digest = Results(site.settings.home, order.workbook_id).keep(claim.run_id, made.content)
    claim.note(
        state=RunState.BUILT, step="delivering", as_of=made.as_of, rows=made.rows,
        base_sha256=made.base.sha256 if made.base else None, delivered_to=made.target,
        result_sha256=digest, result_name=made.filename, result_kept=True, in_place_at=None,
        note_zh=made.note.zh if made.note else "", note_en=made.note.en if made.note else "",
    )  # fmt: skip
    return made.content, made.base, made.target


def _put_in_place(claim: Claim, order: _Order, content: bytes, base: Found | None, target: str) -> None:
    """Replace the workbook on its share, or put a report there, unless that is not wanted or done."""
    if not order.plan.in_place or order.in_place:
        return
    if order.source.kind == "report":
        claim.note(step="delivering")  # the lease is fresh when the file is touched
        source = order.source
        where = Target(share=source.share, path=target, report=source.report, owner_id=order.owner_id)
        put(claim.site, where, content, day=order.day)
    elif order.place is None or base is None:
        return
    elif base.sha256 != digest_of(content):
        claim.note(step="delivering")
        order.place.replace(content, base)
    claim.note(in_place_at=claim.clock())


def _finish(claim: Claim, order: _Order, content: bytes) -> RunState:
    """In one transaction: the letters are queued, the run is delivered, the trail has it."""
    site, now = claim.site, claim.clock()
    with site.session(read_only=True) as session:
        run = session.get_one(WorkbookRun, claim.run_id)
        row = session.get_one(RegisteredWorkbook, order.workbook_id)
    composed = letters.composed(site, run, row, content, now=now)
    with site.session() as session:
        run = session.get_one(WorkbookRun, claim.run_id)
        row = session.get_one(RegisteredWorkbook, order.workbook_id)
        letters.post(site, session, run.id, composed)
        claim.let_go(
            session, state=RunState.DELIVERED, finished_at=now, next_try_at=None,
            reason_zh="", reason_en="",
        )  # fmt: skip
        row.trouble_told_at = None
        _note(site, session, order.viewer.username, row, "workbook-refreshed", run=run.id, sha256=run.result_sha256)
    forget_results(site, order.workbook_id, keep=order.plan.keep)
    return RunState.DELIVERED


def _fail(claim: Claim, why: Text, *, passing: bool, crashes: bool = False) -> RunState:
    """Note what went wrong, when it is tried again if that may help, and tell the owner once."""
    site, now = claim.site, claim.clock()
    try:
        with site.session() as session:
            run = session.get_one(WorkbookRun, claim.run_id)
            row = session.get_one(RegisteredWorkbook, run.workbook_id)
            again = passing and now - run.queued_at < GIVE_UP_AFTER and not (crashes and run.attempts >= CRASHES)
            state = RunState.QUEUED if again else RunState.FAILED
            claim.let_go(
                session, state=state, reason_zh=why.zh, reason_en=why.en,
                next_try_at=next_try(run.attempts, now) if again else None, finished_at=None if again else now,
            )  # fmt: skip
            if row.trouble_told_at is None and (not again or run.attempts >= TOLD_AFTER):
                row.trouble_told_at = now
                letters.tell_trouble(site, session, run, row, why, now=now)
            if not again:
                _note(site, session, "-", row, "workbook-failed", run=run.id)
            workbook_id, keep = row.id, row.keep
    except LeaseLost:
        return RunState.SUPERSEDED
    if not again:
        forget_results(site, workbook_id, keep=keep)
    return state


def _stop(claim: Claim, why: Text) -> RunState:
    with suppress(LeaseLost), claim.site.session() as session:
        run = session.get_one(WorkbookRun, claim.run_id)
        row = session.get_one(RegisteredWorkbook, run.workbook_id, with_for_update=True)
        claim.let_go(
            session, state=RunState.FAILED, reason_zh=why.zh, reason_en=why.en, next_try_at=None,
            finished_at=claim.clock(),
        )  # fmt: skip
        if row.state == WorkbookState.ACTIVE:
            stop(session, row, why)
            _note(claim.site, session, "-", row, "workbook-paused", run=run.id)
        return RunState.FAILED
    return RunState.SUPERSEDED


def _note(site: Site, session: Session, actor: str, row: RegisteredWorkbook, action: str, **details: object) -> None:
    append(session, site.audit_key, [Event(actor=actor, action=action, subject=subject(row.id), details=details)])
