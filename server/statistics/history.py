"""The whole history of cases, month by month: the rollups of what has settled, and the cases that have not."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from operator import add, attrgetter, neg
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Table, cast, func, select

from server.access.visibility import visible
from server.statistics import case_rows
from server.statistics.case_months import (
    ADDED,
    CaseGroup,
    Measures,
    ModeCounts,
    ModeGroup,
    OpenCounts,
    OpenGroup,
    Part,
    add_up,
    plus,
)
from server.statistics.periods import month_number
from server.statistics.rollup_tables import BACKLOG, CASES, MODES, NOT_SETTLED, WHOLE
from server.statistics.settlement import Chosen, Settlement, settlement_of
from server.statistics.snapshot import View

_ALL = "all cases, added up"  # kept with a session
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
    What is wanted of a history: months from that of *first* to that of *last* (open where None), of one *part*.

    *by* names the fields of its group that the rows tell apart, or the year.
    """

    chosen: Chosen
    first: date | None
    last: date | None
    part: Part
    by: Sequence[str]


def sums_of(view: View, asked: Asked) -> list[Row]:
    """
    What the cases of *view* add up to: rows of what they have in common, then the sums, in order.

    Months are numbers such as 201605, what is not given is "". The rollups are brought up
    to date before; where that cannot be done now, everything is added up from the cases,
    which takes longer and gives the same.
    """
    with settlement_of(view, asked.chosen) as settlement:
        if settlement is not None:
            return _History(asked).sums(settlement)
    return _History(asked).sums_of_all(view)


class _History:
    """One reading of a history."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._first = 0 if asked.first is None else month_number(asked.first)
        self._last = 999912 if asked.last is None else month_number(asked.last)

    def sums(self, settlement: Settlement) -> list[Row]:
        """From the rollups and the cases that are not in them."""
        live = self._by(_live(self._asked.part, settlement))
        return _merged(self._settled(settlement), live, len(self._asked.by))

    def sums_of_all(self, view: View) -> list[Row]:
        """The same from all cases."""
        known = view.session.info.setdefault(_ALL, {})
        of = view.as_of, view.viewer, self._asked.chosen.selection
        if of not in known:
            query = case_rows.query_of(view, columns=ADDED).where(*self._asked.chosen.of(case_rows.kept(view)))
            known[of] = add_up(case_rows.read(view, query), view.local)
        return _merged([], self._by(getattr(known[of], self._asked.part)), len(self._asked.by))

    def _settled(self, settlement: Settlement) -> list[Row]:
        """The sums of what had settled: of all that has, less those of what settled later."""
        part, view = self._asked.part, settlement.view
        table = KINDS[part].table
        whole = WHOLE[table]
        if settlement.before > settlement.folded:
            return self._rows(whole, view)
        # No case settles before the month it is reported in; the month it occurred in may be wrong.
        until = NOT_SETTLED if part == "modes" else settlement.before - 1
        found = self._rows(whole, view, whole.c.month <= until)
        width = len(self._asked.by)
        later = self._rows(table, view, table.c.settled >= settlement.before, table.c.month <= until)
        return found + [row[:width] + tuple(map(neg, row[width:])) for row in later]

    def _rows(self, table: Table, view: View, *conditions: Any) -> list[Row]:
        """Rows of *table*, added up over what is not asked for."""
        c, sums, by = table.c, KINDS[self._asked.part].sums._fields, self._asked.by
        keys = [c.month // 100 if name == "year" else c[name] for name in by]
        conditions = (*conditions, c.month.between(self._first, self._last), *self._asked.chosen.of(table))
        if len(keys) >= len(table.primary_key) - 1 and "year" not in by:
            # Reading a few rows more is faster than grouping them.
            query = select(*keys, *(c[name] for name in sums)).where(*conditions)
        else:
            added = (cast(func.sum(c[name]), BigInteger) for name in sums)
            query = select(*keys, *added).where(*conditions).group_by(*keys)
        return list(map(tuple, view.session.execute(visible(query, table, view.viewer)).all()))

    def _by(self, groups: Mapping[Any, Any]) -> dict[Row, Row]:
        """The sums of *groups*, which have the same sums by more, by what is asked for."""
        read = [_NUMBERS.get(name) or attrgetter(name) for name in self._asked.by]
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


def _live(part: Part, settlement: Settlement) -> Mapping[Any, Any]:
    """What the cases add up to that are not in the rollups, found once for all datasets of a report."""
    known = settlement.known
    if part not in known:
        ageing = settlement.ageing() if part == "backlog" else []
        known[part] = getattr(add_up([*settlement.live, *ageing], settlement.view.local, (part,)), part)
    return known[part]  # type: ignore[no-any-return]


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
    # Every case counts in the first sum: where that is nought, all that had been added was taken away again.
    return [row for row in found if row[width]]
