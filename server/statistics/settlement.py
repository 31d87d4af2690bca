"""Which cases had settled as of a view, so that what is kept of them holds, and which had not."""

from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import structlog
from sqlalchemy import ColumnElement, Table, func, null, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from server.statistics import case_rows
from server.statistics.case_months import ADDED
from server.statistics.cases import Case
from server.statistics.periods import month_number
from server.statistics.rollup_tables import OPEN, STANDINGS, STATE
from server.statistics.rollups import Rollups, by_indexes, refresh
from server.statistics.selection import Selection
from server.statistics.snapshot import View

_LIVE = "cases that have not settled"  # kept with a session
_AFRESH = "nothing that was added up before"
log = structlog.get_logger()


class Chosen(NamedTuple):
    """Of which cases is spoken; *regions* has the region of each station's code."""

    selection: Selection
    regions: Mapping[str, str]

    def of(self, table: Table) -> Iterator[Any]:
        """What that asks of the rows of *table*."""
        return case_rows.selected(table, self.selection, self.regions)


class Settlement(NamedTuple):
    """
    What had settled as of the instant of *view*, with the rollups as they stand.

    *now* (local) is that instant, or the present where that is earlier; *folded* the last
    month whose settled cases are in the rollups. *known* keeps what was read of the cases
    that had not settled.
    """

    view: View
    now: datetime
    chosen: Chosen
    folded: int
    known: dict[str, Any]

    @property
    def before(self) -> int:
        """The month before which cases had settled: what settled in a month rests as of its last moment and later."""
        return month_number(self.now + timedelta(microseconds=1))

    @property
    def _at_rest(self) -> ColumnElement[bool]:
        # Not by the index of this column: nearly all had settled.
        return func.coalesce(STANDINGS.c.settled, null()) < self.before

    @property
    def live(self) -> list[Case]:
        """The cases that had not settled, as they stood; read once for all datasets of a report."""
        if "live" not in self.known:
            query = case_rows.query_of(self.view)
            self.known["live"] = self._read(query, STANDINGS.c.settled >= self.before)
        return self.known["live"]  # type: ignore[no-any-return]

    def ageing(self) -> list[Case]:
        """The cases at rest and still open, with what of them is added up: they are in the backlog of more months."""
        query = case_rows.query_of(self.view, neighbours=False, columns=ADDED)
        return self._read(query, OPEN, self._at_rest)

    def settled(self, *conditions: Any) -> list[Case]:
        """The cases that had settled and meet *conditions* on their rows."""
        table = case_rows.kept(self.view)
        query = case_rows.settled_of(self.view).where(self._at_rest, *conditions, *self.chosen.of(table))
        return list(map(Case._make, self.view.session.execute(query).all()))

    def open_after(self, day: date) -> list[Case]:
        """The cases that had settled and were not closed by the end of *day*."""
        found = self.settled(OPEN)
        if day < self.now.date():
            found += self.settled(case_rows.kept(self.view).c.closed_on > day)
        return found

    def _read(self, query: Any, *conditions: Any) -> list[Case]:
        table, s = case_rows.kept(self.view), STANDINGS.c
        query = query.join(STANDINGS, s.record_id == table.c.record_id)
        query = query.where(*conditions, s.entered <= month_number(self.now), *self.chosen.of(table))
        with by_indexes(self.view.session):
            return list(case_rows.read(self.view, query))


@contextmanager
def settlement_of(view: View, chosen: Chosen) -> Iterator[Settlement | None]:
    """
    What had settled of the cases *chosen* as of *view*; None where that cannot be found out now, or must not be used.

    The rollups are brought up to date before; what is read while it lasts stands as of
    one moment.
    """
    if view.session.info.get(_AFRESH):
        yield None
        return
    rollups = Rollups(view.site)
    now = min(view.local, view.site.now().replace(tzinfo=None))
    if not view.session.connection().get_execution_options().get("read_only"):
        while rollups.step(view.session, now):
            pass
        yield _settlement(view, view, now, chosen)
        return
    for refreshed in (False, True):
        with _at_one_instant(view) as seen:
            if rollups.current(seen.session, now):
                yield _settlement(seen, view, now, chosen)
                return
        if not refreshed:
            try:
                refresh(view.site)
            except OperationalError as error:
                log.warning("rollups cannot be refreshed now", error=str(error.orig))
    yield None


def derive_afresh(session: Session) -> None:
    """Let every figure of *session* come from the revisions themselves, none from what was added up before."""
    session.info[_AFRESH] = True


def is_read(view: View, chosen: Chosen) -> bool:
    """Whether the cases *chosen* that had not settled were read for this view before."""
    return any(of[:-1] == _of(view, chosen) and known for of, known in view.session.info.get(_LIVE, {}).items())


def _of(view: View, chosen: Chosen) -> tuple[Hashable, ...]:
    return view.as_of, view.viewer, chosen.selection


def _settlement(seen: View, asked: View, now: datetime, chosen: Chosen) -> Settlement:
    """What is *seen* of the view *asked* for, with what was found before for the same session."""
    state = seen.session.execute(select(STATE)).one()
    known = asked.session.info.setdefault(_LIVE, {})
    return Settlement(seen, now, chosen, state.folded, known.setdefault((*_of(asked, chosen), state.revision_id), {}))


@contextmanager
def _at_one_instant(view: View) -> Iterator[View]:
    """The view as everything in the database stands at one moment, also what was stored since it was opened."""
    with view.site.session(read_only=True) as session:
        if session.get_bind().dialect.name == "postgresql":
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield replace(view, session=session)
