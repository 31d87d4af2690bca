"""The whole history of cases, month by month: the rollups of what has settled, and the cases that have not."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

import structlog
from sqlalchemy import Table, func, select
from sqlalchemy.exc import OperationalError

from server.access.visibility import visible
from server.statistics import case_rows
from server.statistics.case_months import (
    PARTS,
    CaseGroup,
    Measures,
    ModeCounts,
    ModeGroup,
    Months,
    OpenCounts,
    OpenGroup,
    Part,
    add_up,
    plus,
)
from server.statistics.rollup_tables import BACKLOG, CASES, MODES, STANDINGS, STATE
from server.statistics.rollups import Rollups, by_indexes, refresh
from server.statistics.selection import Selection
from server.statistics.snapshot import View
from server.statistics.standings import month_number

_PARTS: Mapping[Table, Part] = {CASES: "cases", MODES: "modes", BACKLOG: "backlog"}
_LIVE = "cases that have not settled"  # kept with a session
log = structlog.get_logger()
Group = TypeVar("Group", bound=tuple[Any, ...])
Sums = TypeVar("Sums", bound=tuple[int, ...])


def months(
    view: View,
    selection: Selection,
    regions: Mapping[str, str],
    first: date | None,
    last: date | None,
    parts: Collection[Part] = PARTS,
) -> Months:
    """
    What the cases of *view* add up to, from the month of *first* to that of *last*.

    The rollups are brought up to date before; where that cannot be done now, everything
    is added up from the cases, which takes longer and gives the same.
    """
    asked = _Asked(
        selection, regions, _number(first, 0), _number(last, 999912), parts, view.session.info.setdefault(_LIVE, {})
    )
    now = min(view.local, view.site.now().replace(tzinfo=None))
    rollups = Rollups(view.site)
    if _may_write(view):
        while rollups.step(view.session, now):
            pass
        return asked.read(view)
    for refreshed in (False, True):
        with _at_one_instant(view) as seen:
            if rollups.current(seen.session, now):
                return asked.read(seen)
        if not refreshed:
            try:
                refresh(view.site)
            except OperationalError as error:
                log.warning("rollups cannot be refreshed now", error=str(error.orig))
    return asked.add_up(view)


class _Asked:
    """What is wanted of a history."""

    def __init__(
        self,
        selection: Selection,
        regions: Mapping[str, str],
        first: int,
        last: int,
        parts: Collection[Part],
        live: dict[str, Any],
    ) -> None:
        self._selection, self._regions = selection, regions
        self._first, self._last = first, last
        self._parts = parts
        self._live = live

    def read(self, view: View) -> Months:
        """The history from the rollups and the cases that are not in them."""
        now = min(view.local, view.site.now().replace(tzinfo=None))
        month = month_number(now)
        table, s = case_rows.kept(view), STANDINGS.c
        query = case_rows.query_of(view).join(STANDINGS, s.record_id == table.c.record_id)
        query = query.where(s.settled >= month, s.entered <= month, *self._chosen(table))
        state = view.session.scalar(select(STATE.c.revision_id))
        kept = view.as_of, view.viewer, self._selection, state
        if self._live.get("of") != kept:  # the datasets of one report ask one after the other
            with by_indexes(view.session):
                self._live.update({"of": kept, "cases": list(case_rows.read_quickly(view, query))})
        found = add_up(self._live["cases"], view.local, self._parts)
        return Months(
            self._with(self._settled(view, CASES, CaseGroup, Measures, month), found.cases),
            self._with(self._settled(view, MODES, ModeGroup, ModeCounts, month), found.modes),
            self._with(self._settled(view, BACKLOG, OpenGroup, OpenCounts, month), found.backlog),
        )

    def add_up(self, view: View) -> Months:
        """The same from all cases."""
        query = case_rows.query_of(view).where(*self._chosen(case_rows.kept(view)))
        found = add_up(case_rows.read_quickly(view, query), view.local, self._parts)
        return Months(self._with({}, found.cases), self._with({}, found.modes), self._with({}, found.backlog))

    def _chosen(self, table: Table) -> Iterator[Any]:
        return case_rows.selected(table, self._selection, self._regions)

    def _settled(
        self, view: View, table: Table, group: type[Group], sums: type[Sums], before: int
    ) -> dict[Group, Sums]:
        """The sums of what had settled before a month; none of a part that is not asked for."""
        if _PARTS[table] not in self._parts:
            return {}
        c = table.c
        keys = [column for column in table.primary_key if column.name != "settled"]
        added = [func.sum(column) for column in table.columns if not column.primary_key]
        query = select(*keys, *added).where(c.settled < before, c.month.between(self._first, self._last))
        query = visible(query.where(*self._chosen(table)).group_by(*keys), table, view.viewer)
        width, found, days = len(keys), {}, _Days()
        for row in view.session.execute(query):
            place = [value if value != "" else None for value in row[1:width]]
            found[group(*[days[row[0]], *place])] = sums(*[int(value) for value in row[width:]])  # type: ignore[arg-type]
        return found

    def _with(self, settled: dict[Group, Sums], live: Mapping[Group, Sums]) -> Mapping[Group, Sums]:
        for group, more in live.items():
            if self._first <= month_number(group[0]) <= self._last:
                plus(settled, group, more)
        return settled


class _Days(dict[int, date]):
    """The first day of each month number."""

    def __missing__(self, month: int) -> date:
        found = self[month] = date(month // 100, month % 100, 1)
        return found


def _number(day: date | None, otherwise: int) -> int:
    return otherwise if day is None else month_number(day)


def _may_write(view: View) -> bool:
    return not view.session.connection().get_execution_options().get("read_only")


@contextmanager
def _at_one_instant(view: View) -> Iterator[View]:
    """The view as everything in the database stands at one moment, also what was stored since it was opened."""
    with view.site.session(read_only=True) as session:
        if session.get_bind().dialect.name == "postgresql":
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield replace(view, session=session)
