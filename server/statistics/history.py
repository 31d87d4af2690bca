"""The whole history of cases, month by month: the rollups of what has settled, and the cases that have not."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from operator import add, attrgetter
from typing import Any, NamedTuple

import structlog
from sqlalchemy import BigInteger, Table, cast, func, select
from sqlalchemy.exc import OperationalError

from server.access.visibility import visible
from server.statistics import case_rows
from server.statistics.case_months import (
    ADDED,
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
from server.statistics.cases import Case
from server.statistics.periods import month_begin, month_number
from server.statistics.rollup_tables import BACKLOG, CASES, MODES, STANDINGS, STATE, WHOLE
from server.statistics.rollups import Rollups, by_indexes, refresh
from server.statistics.selection import Selection
from server.statistics.snapshot import View

_LIVE = "cases that have not settled"  # kept with a session
log = structlog.get_logger()
Row = tuple[Any, ...]


class _Kind(NamedTuple):
    table: Table
    group: type[Any]
    sums: type[Any]


KINDS: Mapping[Part, _Kind] = {
    "cases": _Kind(CASES, CaseGroup, Measures),
    "modes": _Kind(MODES, ModeGroup, ModeCounts),
    "backlog": _Kind(BACKLOG, OpenGroup, OpenCounts),
}


class Asked(NamedTuple):
    """
    What is wanted of a history: months from that of *first* to that of *last* (open where None), and what of them.

    *by* names for each part the fields of its group that its rows tell apart, or the year.
    """

    selection: Selection
    regions: Mapping[str, str]
    first: date | None
    last: date | None
    by: Mapping[Part, Sequence[str]]


def months(view: View, asked: Asked) -> Months:
    """What the cases of *view* add up to by all that groups have in common, of the parts *asked* names."""

    def grouped(part: Part) -> dict[Any, Any]:
        group, sums = KINDS[part].group, KINDS[part].sums
        width = len(group._fields)
        found = rows.get(part, ())
        return {
            group(month_begin(row[0]), *[value if value != "" else None for value in row[1:width]]): sums(*row[width:])
            for row in found
        }

    whole: dict[Part, Sequence[str]] = {part: KINDS[part].group._fields for part in asked.by}
    rows = sums_of(view, asked._replace(by=whole))
    return Months(grouped("cases"), grouped("modes"), grouped("backlog"))


def sums_of(view: View, asked: Asked) -> dict[Part, list[Row]]:
    """
    What the cases of *view* add up to: for each part rows of what they have in common, then the sums, in order.

    Months are numbers such as 201605, what is not given is "". The rollups are brought up
    to date before; where that cannot be done now, everything is added up from the cases,
    which takes longer and gives the same.
    """
    now = min(view.local, view.site.now().replace(tzinfo=None))
    rollups, known = Rollups(view.site), view.session.info.setdefault(_LIVE, {})
    if _may_write(view):
        while rollups.step(view.session, now):
            pass
        return _History(view, asked, now, known).sums()
    for refreshed in (False, True):
        with _at_one_instant(view) as seen:
            if rollups.current(seen.session, now):
                return _History(seen, asked, now, known).sums()
        if not refreshed:
            try:
                refresh(view.site)
            except OperationalError as error:
                log.warning("rollups cannot be refreshed now", error=str(error.orig))
    return _History(view, asked, now, known).sums_of_all()


class _History:
    """
    One reading of a history; *now* (local) is the instant of the view, or the present where that is earlier.

    *known* is what was found before for the same session, and gets what is.
    """

    def __init__(self, view: View, asked: Asked, now: datetime, known: dict[str, Any]) -> None:
        self._view, self._asked, self._known = view, asked, known
        # What settled in a month rests as of its last moment and later.
        self._before = month_number(now + timedelta(microseconds=1))
        self._entered = month_number(now)
        self._first = 0 if asked.first is None else month_number(asked.first)
        self._last = 999912 if asked.last is None else month_number(asked.last)

    def sums(self) -> dict[Part, list[Row]]:
        """From the rollups and the cases that are not in them."""
        state = self._view.session.execute(select(STATE)).one()
        found: dict[Part, list[Row]] = {}
        for part in self._asked.by:
            of = self._view.as_of, self._view.viewer, self._asked.selection, state.revision_id
            settled = self._settled(part, whole=self._before > state.folded)
            found[part] = _merged(settled, self._by(part, self._live(part, of)), len(self._asked.by[part]))
        return found

    def sums_of_all(self) -> dict[Part, list[Row]]:
        """The same from all cases."""
        query = case_rows.query_of(self._view, columns=ADDED).where(*self._chosen(case_rows.kept(self._view)))
        found = add_up(case_rows.read(self._view, query), self._view.local, tuple(self._asked.by))
        return {part: _merged([], self._by(part, getattr(found, part)), len(by)) for part, by in self._asked.by.items()}

    def _live(self, part: Part, of: Hashable) -> Mapping[Any, Any]:
        """What the cases add up to that are not in the rollups, *of* the same cases for all datasets of a report."""
        if self._known.get("of") != of:
            self._known.clear()
            self._known["of"] = of
        s = STANDINGS.c
        if "live" not in self._known:
            self._known["live"] = self._read(s.settled >= self._before)
        if part not in self._known:
            # Those at rest and open are in the backlog of more and more months.
            ageing = [] if part != "backlog" else self._read(s.open, s.settled < self._before, neighbours=False)
            self._known[part] = getattr(add_up([*self._known["live"], *ageing], self._view.local, (part,)), part)
        return self._known[part]  # type: ignore[no-any-return]

    def _read(self, *conditions: Any, neighbours: bool = True) -> list[Case]:
        """Cases of certain standings."""
        view = self._view
        table = case_rows.kept(view)
        query = case_rows.query_of(view, neighbours=neighbours, columns=ADDED)
        query = query.join(STANDINGS, STANDINGS.c.record_id == table.c.record_id)
        query = query.where(*conditions, STANDINGS.c.entered <= self._entered, *self._chosen(table))
        with by_indexes(view.session):
            return list(case_rows.read(view, query))

    def _chosen(self, table: Table) -> Iterator[Any]:
        return case_rows.selected(table, self._asked.selection, self._asked.regions)

    def _settled(self, part: Part, *, whole: bool) -> list[Row]:
        """The sums of what had settled before; all that has where *whole*."""
        kind = KINDS[part]
        table = WHOLE[kind.table] if whole else kind.table
        c = table.c
        keys = [c.month // 100 if name == "year" else c[name] for name in self._asked.by[part]]
        conditions = [c.month.between(self._first, self._last), *self._chosen(table)]
        if not whole:
            conditions.append(c.settled < self._before)
        if whole and len(keys) >= len(table.primary_key) - 1 and "year" not in self._asked.by[part]:
            # Reading a few rows more is faster than grouping them.
            query = select(*keys, *(c[name] for name in kind.sums._fields)).where(*conditions)
        else:
            added = (cast(func.sum(c[name]), BigInteger) for name in kind.sums._fields)
            query = select(*keys, *added).where(*conditions).group_by(*keys)
        return [tuple(row) for row in self._view.session.execute(visible(query, table, self._view.viewer))]

    def _by(self, part: Part, groups: Mapping[Any, Any]) -> dict[Row, Row]:
        """The sums of *groups*, which have the same sums by more, by what is asked for."""
        by = self._asked.by[part]
        read = [_NUMBERS.get(name) or attrgetter(name) for name in by]
        found: dict[Row, Row] = {}
        for group, more in groups.items():
            month = month_number(group.month)
            if self._first <= month <= self._last:
                plus(found, tuple([value if (value := of(group)) is not None else "" for of in read]), more)
        return found


_NUMBERS: Mapping[str, Callable[[Any], int]] = {
    "month": lambda group: month_number(group.month),
    "year": lambda group: int(group.month.year),
}


def _merged(settled: list[Row], live: Mapping[Row, Row], width: int) -> list[Row]:
    """Rows of *width* keys and sums in order, with those of *live*; rows of the same keys are one."""
    rows = sorted([*settled, *(key + tuple(map(int, more)) for key, more in live.items())])
    found: list[Row] = []
    last: Row | None = None
    for row in rows:
        key = row[:width]
        if key == last:
            found[-1] = key + tuple(map(add, found[-1][width:], row[width:]))
        else:
            found.append(row)
            last = key
    return found


def _may_write(view: View) -> bool:
    return not view.session.connection().get_execution_options().get("read_only")


@contextmanager
def _at_one_instant(view: View) -> Iterator[View]:
    """The view as everything in the database stands at one moment, also what was stored since it was opened."""
    with view.site.session(read_only=True) as session:
        if session.get_bind().dialect.name == "postgresql":
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield replace(view, session=session)
