"""Cases as the database gives them: only those asked for, as of an instant, each beside those of the same key."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Table, and_, case, func, literal, null, or_, select
from sqlalchemy.types import DateTime

from server.access.visibility import visible
from server.records import form_tables, kept_revisions
from server.statistics.cases import DAYS, REPEAT_DAYS, TIMES, Case
from server.statistics.rollup_tables import STANDINGS
from server.statistics.selection import Selection
from server.statistics.snapshot import View

FORM = "fracas"
_NEVER = datetime(9999, 12, 31)  # noqa: DTZ001  stands for a repair that has not been made; local, as all times of a case
_AT_ONCE = 5000  # rows fetched at a time
_FLAGS = ("repeated", "followed", "duplicate")
CASE_COLUMNS = Case._fields[: -len(_FLAGS)]
KEY = ("vehicle", "part", "failure_mode", "car")  # in the order of the index


def kept(view: View) -> Table:
    """The table of all revisions of the view's cases."""
    return kept_revisions.table(view.site.definitions[FORM])


def known(table: FromClause, view: View) -> ColumnElement[bool]:
    """Whether a row of *table* is what was known of its case at the view's instant, when it had been reported."""
    return and_(
        table.c.known_to > view.as_of,
        table.c.known_from <= view.as_of,
        # Not by the index of this column: nearly all of history was reported by then.
        func.coalesce(table.c.reported_at, null()) <= view.local,
        table.c.occurred_at.is_not(None),
    )


def selected(table: Table, selection: Selection, regions: Mapping[str, str]) -> Iterator[ColumnElement[bool]]:
    """What *selection* asks of the rows of *table*; *regions* has the region of each station's code."""
    if selection.region is not None:
        yield table.c.station.in_([code for code, region in regions.items() if region == selection.region])
    for name in ("station", "customer", "vehicle_type", "system"):
        if (code := getattr(selection, name)) is not None:
            yield table.c[name] == code


def read(view: View, query: Select[Any]) -> Iterator[Case]:
    """The cases that *query* (of `query_of`, narrowed) finds, as they stood at the view's instant."""
    now, today, window = view.local, view.local.date(), timedelta(days=REPEAT_DAYS)
    times = [CASE_COLUMNS.index(name) for name in TIMES]
    days = [CASE_COLUMNS.index(name) for name in DAYS]
    analysed, planned = CASE_COLUMNS.index("analysed_on"), CASE_COLUMNS.index("planned_on")
    repaired, occurred = CASE_COLUMNS.index("repaired_at"), CASE_COLUMNS.index("occurred_at")
    key = [CASE_COLUMNS.index(name) for name in KEY]
    rows = chain.from_iterable(view.session.execute(query).partitions(_AT_ONCE))
    for *values, before, after in rows:
        if values[analysed] is not None and values[analysed] > today:
            values[planned] = None  # the plan is known once the analysis is, as in `Case.until`
        for index in times:
            if values[index] is not None and values[index] > now:
                values[index] = None
        for index in days:
            if values[index] is not None and values[index] > today:
                values[index] = None
        if (before is None and after is None) or not all([values[index] for index in key]):
            yield Case(*values)
        else:
            yield Case._make((*values, *_flags(values[occurred], values[repaired], before, after, window)))


def query_of(view: View, *, neighbours: bool = True, columns: Collection[str] = CASE_COLUMNS) -> Select[Any]:
    """
    All cases known at the view's instant that its viewer may see, each with its neighbours.

    Neighbours are looked for among all cases there are: that a failure came back is true
    for everybody. Without *neighbours* nothing is said about that; only *columns* are read,
    the others are blank.
    """
    table = kept(view)
    beside: Any = (_before(table, view), _after(table, view)) if neighbours else (null(), null())
    return _seen(select(*(table.c[name] if name in columns else null() for name in CASE_COLUMNS), *beside), view)


def settled_of(view: View) -> Select[Any]:
    """
    All cases known at the view's instant that its viewer may see, each with what is kept of its standing.

    Its rows are the fields of a `Case`, true of those that had settled by then.
    """
    table, s = kept(view), STANDINGS.c
    query = select(*(table.c[name] for name in CASE_COLUMNS), *(s[name] for name in _FLAGS))
    same = and_(s.record_id == table.c.record_id, s.revision_id == table.c.revision_id)
    return _seen(query.join(STANDINGS, same), view)


def _seen(query: Select[Any], view: View) -> Select[Any]:
    table = kept(view)
    query = query.where(known(table, view))
    if view.viewer.sees_all:
        return query
    # Who may see a record is decided by the station it belongs to today.
    current = form_tables.table(view.site.definitions[FORM])
    return visible(query.join(current, current.c.record_id == table.c.record_id), current, view.viewer)


def _before(table: Table, view: View) -> ColumnElement[Any]:
    """When the last failure of the same key before a row was repaired; `_NEVER` when it was not, null without one."""
    other = table.alias("before")
    c = other.c
    never = literal(_NEVER, DateTime())
    earlier = and_(
        c.occurred_at <= table.c.occurred_at, or_(c.occurred_at < table.c.occurred_at, c.number < table.c.number)
    )
    return (
        select(case((c.repaired_at <= view.local, c.repaired_at), else_=never))
        .where(*(c[name] == table.c[name] for name in KEY), earlier, known(other, view))
        .order_by(c.occurred_at.desc(), c.number.desc())
        .limit(1)
        .correlate(table)
        .scalar_subquery()
    )


def _after(table: Table, view: View) -> ColumnElement[Any]:
    """When the next failure of the same key occurred; null without one."""
    other = table.alias("after")
    c = other.c
    later = and_(
        c.occurred_at >= table.c.occurred_at, or_(c.occurred_at > table.c.occurred_at, c.number > table.c.number)
    )
    return (
        select(c.occurred_at)
        .where(*(c[name] == table.c[name] for name in KEY), later, known(other, view))
        .order_by(c.occurred_at, c.number)
        .limit(1)
        .correlate(table)
        .scalar_subquery()
    )


def _flags(
    occurred: datetime, repaired: datetime | None, before: datetime | None, after: datetime | None, window: timedelta
) -> tuple[bool, bool, bool]:
    """Whether a case is repeated, followed, a duplicate, as `cases.repeats` says."""
    return (
        before is not None and before < occurred <= _until(before, window),
        after is not None and repaired is not None and repaired < after <= _until(repaired, window),
        before is not None and occurred <= before,
    )


def _until(repaired: datetime, window: timedelta) -> datetime:
    return repaired if repaired == _NEVER else repaired + window
