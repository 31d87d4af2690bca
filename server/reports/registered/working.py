"""The worker: what is due is queued and done, round after round, and nothing that fails ends it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from server.reports.registered.models import RunState
from server.reports.registered.performing import perform
from server.reports.registered.queue import Clock, claim, queue_due
from server.site import Site

ROUND_SECONDS = 5.0  # between looks at the calendar and at what came in
STOP_SECONDS = 5.0
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RoundSummary:
    """What one round did."""

    queued: int = 0
    delivered: int = 0
    failed: int = 0
    later: int = 0


def clock() -> datetime:
    return datetime.now(UTC)


def run_due(site: Site, *, clock: Clock = clock, stopped: Callable[[], bool] = lambda: False) -> RoundSummary:
    """
    Queue what has fallen due and do everything that waits.

    Several may do this at once, also in other processes: a run belongs to the one that
    claimed it.
    """
    queued = queue_due(site, clock())
    return replace(run_now(site, clock=clock, stopped=stopped), queued=queued)


def run_now(site: Site, *, clock: Clock = clock, stopped: Callable[[], bool] = lambda: False) -> RoundSummary:
    """Do everything that waits, without looking at the calendar."""
    counts = dict.fromkeys(RunState, 0)
    while not stopped() and (mine := claim(site, clock)) is not None:
        counts[perform(mine)] += 1
    return RoundSummary(
        delivered=counts[RunState.DELIVERED], failed=counts[RunState.FAILED], later=counts[RunState.QUEUED]
    )


class Worker:
    """A thread that refreshes what is due; `wake` spares a person the wait for its next round."""

    def __init__(self, site: Site, *, delivered: Callable[[], None] = lambda: None) -> None:
        self._site = site
        self._delivered = delivered
        self._stopped = threading.Event()
        self._awake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="registered workbooks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._awake.set()

    def stop(self) -> None:
        """Ask it to end; what it is at is repeated by the next one."""
        self._stopped.set()
        self._awake.set()

    def join(self) -> None:
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._awake.clear()
            try:
                summary = run_due(self._site, stopped=self._stopped.is_set)
                if summary.delivered or summary.failed:
                    self._delivered()
            except Exception as error:  # noqa: BLE001  (told in the log; what is due stays due)
                _log.warning("registered workbooks not looked after", exc_info=error)
            self._awake.wait(ROUND_SECONDS)


@contextmanager
def workbooks_at_work(site: Site) -> Iterator[None]:
    """Refresh registered workbooks while the block runs, unless the settings leave that to others."""
    if not site.settings.refresh_workbooks:
        yield
        return
    worker = Worker(site)
    worker.start()
    try:
        yield
    finally:
        worker.stop()
        worker.join()
