"""Keeps the figures of settled cases added up by month, so that a history costs what is new in it."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from operator import neg
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Row,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from server.database import table_of
from server.records import kept_revisions
from server.records.models import Record
from server.site import Site
from server.statistics import train_readings
from server.statistics.case_months import (
    Measures,
    case_group,
    mode_counts,
    mode_group,
    open_at_month_ends,
    plus,
)
from server.statistics.case_rows import CASE_COLUMNS, FORM, KEY
from server.statistics.cases import Case
from server.statistics.periods import month_number, months_later
from server.statistics.rollup_tables import BACKLOG, CASES, MODES, READINGS, STANDINGS, STATE, WHOLE
from server.statistics.standings import Held, Standing, standings, with_flags

VERSION = 3  # raised when a rollup means something else than before: all are made anew
_AT_ONCE = 2000  # records of one transaction; others wait for it on SQLite
_FAR = datetime(9999, 12, 31)  # noqa: DTZ001  local, as all times of a case
_RECORDS = table_of(Record)

Deltas = Mapping[Table, dict[tuple[Any, ...], tuple[Any, ...]]]


class Rollups:
    """
    The rollups of *site*'s cases.

    Each step is one short transaction that leaves them true for the revisions up to its
    watermark. Several processes may take steps at once: each waits for the other's.
    """

    def __init__(self, site: Site) -> None:
        self._definition = site.definitions[FORM]
        self._kept = kept_revisions.table(self._definition)
        self._zone = site.zone
        self._made_for = f"{VERSION}/{self._definition.version}/{site.settings.zone}"

    def current(self, session: Session, now: datetime) -> bool:
        """Whether the rollups *session* sees hold all it sees of cases that settled before the month of *now*."""
        state = session.execute(select(STATE)).one_or_none()
        if state is None or state.made_for != self._made_for or state.records_to < state.records_end:
            return False
        return bool(state.revision_id == self._newest(session) and state.folded >= _month_before(now))

    def step(self, session: Session, now: datetime) -> bool:
        """Take one step in *session*, which may write; False when there is nothing left to do."""
        with by_indexes(session):
            return self._step(session, now)

    def _step(self, session: Session, now: datetime) -> bool:
        state = self._locked_state(session)
        if state.records_to < state.records_end:
            return self._take_anew(session, state)
        changed = self._changed(session, state.revision_id)
        if changed:
            self._settle(session, sorted({record_id for _, record_id in changed}), state.folded)
            revision_id = max(revision for revision, _ in changed)
            session.execute(update(STATE).values(revision_id=revision_id))
            return True
        if state.folded < _month_before(now):
            self._fold(session, state.folded, _month_before(now))
            return True
        return False

    def _locked_state(self, session: Session) -> Row[Any]:
        """The state, with the lock of all who take steps; a new one where there is none that fits."""
        upsert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        new = {"id": 1, "made_for": "", "records_to": 0, "records_end": 0, "revision_id": 0, "folded": 0}
        session.execute(upsert(STATE).values(new).on_conflict_do_nothing())
        state = session.execute(select(STATE).with_for_update()).one()
        if state.made_for == self._made_for:
            return state
        for table in (STANDINGS, READINGS, *WHOLE, *WHOLE.values()):
            session.execute(delete(table))
        end = session.scalar(select(func.max(self._kept.c.record_id))) or 0
        newest = self._newest(session)
        session.execute(
            update(STATE).values(made_for=self._made_for, records_to=0, records_end=end, revision_id=newest, folded=0)
        )
        return session.execute(select(STATE)).one()

    def _newest(self, session: Session) -> int:
        return session.scalar(select(func.max(self._kept.c.revision_id))) or 0

    def _changed(self, session: Session, since: int) -> list[tuple[int, int]]:
        """(revision, record) of the next revisions; their ids rise as they are committed: who writes holds a lock."""
        c = self._kept.c
        query = select(c.revision_id, c.record_id).where(c.revision_id > since).order_by(c.revision_id).limit(_AT_ONCE)
        return [(revision_id, record_id) for revision_id, record_id in session.execute(query)]

    def _take_anew(self, session: Session, state: Row[Any]) -> bool:
        """Find the standing of the next records, in the order of their ids."""
        c = self._kept.c
        query = select(c.record_id).where(c.record_id > state.records_to, c.record_id <= state.records_end).distinct()
        records = session.scalars(query.order_by(c.record_id).limit(_AT_ONCE)).all()
        self._settle(session, records, folded=0)
        session.execute(update(STATE).values(records_to=records[-1] if records else state.records_end))
        return True

    def _settle(self, session: Session, records: Sequence[int], folded: int) -> None:
        """Bring the standings of *records*, and of those beside them, up to date, and what is added up with them."""
        found = {held.revision_id: held for held in self._beside(session, records)}
        new = {standing.record_id: standing for standing in _all_standings(found.values(), frozenset(records))}
        old = _stored(session, new)
        changed = [standing for standing in new.values() if old.get(standing.record_id) != standing]
        replaced = [old[standing.record_id] for standing in changed if standing.record_id in old]
        gone = [standing for standing in replaced if standing.settled <= folded]
        come = [standing for standing in changed if standing.settled <= folded]
        sums: Deltas = {table: {} for table in (CASES, MODES, BACKLOG)}
        cases = self._cases(session, [standing.revision_id for standing in (*gone, *come)])
        left = [(standing, cases[standing.revision_id]) for standing in gone]
        rested = [(standing, cases[standing.revision_id]) for standing in come]
        _add(sums, left, sign=-1)
        _add(sums, rested)
        _change(session, sums)
        train_readings.change(session, left, rested)
        if replaced:
            ids = [standing.record_id for standing in replaced]
            session.execute(delete(STANDINGS).where(STANDINGS.c.record_id.in_(ids)))
        if changed:
            session.execute(insert(STANDINGS), [standing._asdict() for standing in changed])

    def _beside(self, session: Session, records: Sequence[int]) -> Iterator[Held]:
        """
        The revisions, of any case, around those of *records* that have or had one key; their own where they have none.

        They reach to the second current case before and after: all that says how *records*
        and those next to them stand, however long the chain is.
        """
        c = self._kept.c
        spots = select(*(c[name] for name in KEY), c.occurred_at).where(c.record_id.in_(records)).distinct().subquery()
        own = and_(*(c[name] == spots.c[name] for name in KEY))
        near = c.occurred_at.between(self._edge(spots, before=True), self._edge(spots, before=False))
        columns = (
            c.record_id, c.revision_id, _RECORDS.c.created_at, c.known_from, c.known_to,
            *(c[name] for name in Held._fields[5:]),
        )  # fmt: skip
        query: Select[Any] = select(*columns).join(_RECORDS, _RECORDS.c.id == c.record_id)
        for row in session.execute(query.join(spots, and_(own, near))):
            yield self._held(row)
        current = c.known_to == kept_revisions.FOREVER
        for row in session.execute(query.where(c.record_id.in_(records), current)):
            yield self._held(row)

    def _edge(self, spots: FromClause, *, before: bool) -> ColumnElement[Any]:
        """When the second current case *before* (or after) each of *spots* occurred, the first, or itself."""

        def next_to(instant: ColumnElement[Any]) -> ColumnElement[Any]:
            other = self._kept.alias()
            at = other.c.occurred_at
            beyond = at < instant if before else at > instant
            query = select(at).where(*(other.c[name] == spots.c[name] for name in KEY), beyond)
            query = query.where(other.c.known_to == kept_revisions.FOREVER)
            return query.order_by(at.desc() if before else at).limit(1).correlate(spots).scalar_subquery()

        first = next_to(spots.c.occurred_at)
        return func.coalesce(next_to(first), first, spots.c.occurred_at)

    def _held(self, row: Any) -> Held:
        until = None if row[4] == kept_revisions.FOREVER else _local(row[4], self._zone)
        return Held(row[0], row[1], _local(row[2], self._zone), _local(row[3], self._zone), until, *row[5:])

    def _cases(self, session: Session, revisions: Sequence[int]) -> dict[int, Case | None]:
        """The case as each of *revisions* describes it."""
        if not revisions:
            return {}
        c = self._kept.c
        query = select(c.revision_id, *(c[name] for name in CASE_COLUMNS)).where(c.revision_id.in_(revisions))
        return {revision_id: _case(values) for revision_id, *values in session.execute(query)}

    def _fold(self, session: Session, folded: int, to: int) -> None:
        """Add up the cases that settled in the next month, or find that none did up to *to*."""
        c, s = self._kept.c, STANDINGS.c
        month = session.scalar(select(func.min(s.settled)).where(s.settled > folded, s.settled <= to))
        if month is not None:
            query = select(*STANDINGS.columns, *(c[name] for name in CASE_COLUMNS))
            query = query.join(self._kept, c.revision_id == s.revision_id).where(s.settled == month)
            width = len(STANDINGS.columns)
            sums: Deltas = {table: {} for table in (CASES, MODES, BACKLOG)}
            rested = [(Standing(*row[:width]), _case(row[width:])) for row in session.execute(query)]
            _add(sums, rested)
            _change(session, sums)
            train_readings.change(session, (), rested)
        session.execute(update(STATE).values(folded=to if month is None else month))


@contextmanager
def by_indexes(session: Session) -> Iterator[None]:
    """Keep PostgreSQL from reading all of history for a few keys: it takes them for more than they are."""
    ways = ("enable_seqscan", "enable_hashjoin", "enable_mergejoin")
    if session.get_bind().dialect.name != "postgresql":
        yield
        return
    for way in ways:
        session.execute(text(f"SET LOCAL {way} = off"))
    yield
    for way in ways:
        session.execute(text(f"SET LOCAL {way} = on"))


def refresh(site: Site, now: datetime | None = None) -> int:
    """
    Bring the rollups up to date; the number of steps it took.

    Raises:
        OperationalError: Somebody else kept the database to themselves for too long (SQLite).
    """
    rollups, steps = Rollups(site), 0
    local = now or site.now().replace(tzinfo=None)
    while True:
        with site.session() as session:
            if not rollups.step(session, local):
                return steps
        steps += 1


def _all_standings(found: Iterable[Held], about: Collection[int]) -> Iterator[Standing]:
    chains: dict[tuple[str, ...], list[Held]] = {}
    for held in found:
        key = held.key
        if key is not None:
            chains.setdefault(key, []).append(held)
        elif held.until is None:
            yield from standings([held], about)
    for chain in chains.values():
        yield from standings(chain, about)


def _stored(session: Session, records: Iterable[int]) -> dict[int, Standing]:
    query = select(STANDINGS).where(STANDINGS.c.record_id.in_(list(records)))
    return {row.record_id: Standing(*row) for row in session.execute(query)}


def _add(sums: Deltas, settled: Iterable[tuple[Standing, Case | None]], sign: int = 1) -> None:
    """Add what settled cases come to, or with *sign* -1 take it away."""
    for standing, described in settled:
        assert described is not None
        case, month = with_flags(described, standing), standing.settled
        parts: list[tuple[Table, tuple[Any, ...], tuple[int, ...]]] = [
            (CASES, case_group(case), Measures.of(case, _FAR)),
            (MODES, mode_group(case), mode_counts(case)),
            *((BACKLOG, group, counts) for group, counts in ([] if standing.open else open_at_month_ends(case, _FAR))),
        ]
        for table, (first, *rest), more in parts:
            group = (month_number(first), *("" if value is None else value for value in rest), month)
            plus(sums[table], group, more if sign > 0 else type(more)(*map(neg, more)))  # type: ignore[arg-type]


def _change(session: Session, sums: Deltas) -> None:
    """Add *sums* to what the tables hold; a group nothing is left of goes."""
    for table, groups in sums.items():
        whole: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        for group, more in groups.items():
            plus(whole, group[:-1], more)
        _add_to(session, table, groups)
        _add_to(session, WHOLE[table], whole)


def _add_to(session: Session, table: Table, groups: Mapping[tuple[Any, ...], tuple[Any, ...]]) -> None:
    rows = [_row(table, group, more) for group, more in groups.items() if any(more)]
    if not rows:
        return
    upsert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    added = upsert(table)
    names = [column.name for column in table.columns if not column.primary_key]
    values = {name: table.c[name] + added.excluded[name] for name in names}
    session.execute(added.on_conflict_do_update(index_elements=list(table.primary_key), set_=values), rows)
    if fewer := [row for row in rows if row[names[0]] < 0]:
        own = and_(*(column == bindparam(f"of_{column.name}") for column in table.primary_key))
        keys = [{f"of_{column.name}": row[column.name] for column in table.primary_key} for row in fewer]
        session.connection().execute(delete(table).where(own, table.c[names[0]] == 0), keys)


def _row(table: Table, group: tuple[Any, ...], more: tuple[Any, ...]) -> dict[str, Any]:
    names = [column.name for column in table.columns]
    return dict(zip(names, (*group, *map(int, more)), strict=True))


def _case(values: Sequence[Any]) -> Case | None:
    """The case a kept revision describes; None while its report lacks a date."""
    case = Case(*values)
    return case if case.reported_at is not None and case.occurred_at is not None else None


def _local(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def _month_before(now: datetime) -> int:
    return month_number(months_later(now.date().replace(day=1), -1))
