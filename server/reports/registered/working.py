"""The worker: what is due is queued and done, round after round, and nothing that fails ends it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from server.reports.registered.models import RunState
from server.reports.registered.performing import perform
from server.reports.registered.queue import Clock, claim, queue_due
from server.rounds import Rounds
from server.site import Site

ROUND_SECONDS = 5.0  # between looks at the calendar and at what came in
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


class Worker(Rounds):
    """Refreshes what is due; what is cut off when it ends is repeated by the next one."""

    def __init__(self, site: Site) -> None:
        super().__init__("registered workbooks")
        self._site = site

    def _round(self) -> None:
        try:
            run_due(self._site, stopped=self._stopped.is_set)
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
