"""When nothing about a case changes any more without a new revision, and how it then stands to its neighbours."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from server.statistics.cases import REPEAT_DAYS, Case, key_of, repeats
from server.statistics.periods import month_number
from server.statistics.rollup_tables import NOT_SETTLED

_WINDOW = timedelta(days=REPEAT_DAYS)


class Held(NamedTuple):
    """
    One revision of a case and when it held (local); *until* is None for the current one.

    The other fields are the case's, as that revision has them.
    """

    record_id: int
    revision_id: int
    entered: datetime
    since: datetime
    until: datetime | None
    number: str
    occurred_at: datetime
    reported_at: datetime
    responded_at: datetime | None
    arrived_at: datetime | None
    repaired_at: datetime | None
    analysed_on: date | None
    planned_on: date | None
    completed_on: date | None
    verified_on: date | None
    closed_on: date | None
    vehicle: str | None
    car: str | None
    part: str | None
    failure_mode: str | None

    @property
    def dated(self) -> bool:
        """A report without its dates counts nowhere."""
        return self.reported_at is not None and self.occurred_at is not None

    @property
    def key(self) -> tuple[str, str, str, str] | None:
        return key_of(self.vehicle, self.car, self.part, self.failure_mode)


class Standing(NamedTuple):
    """
    How a case stands now; *settled* is the month (such as 201605) in which it came to rest.

    As of any instant after that month, and up to now, the case adds the same to the sums
    of its months; an *open* one also goes on ageing in the backlog.
    """

    record_id: int
    revision_id: int
    entered: int
    settled: int
    repeated: bool = False
    followed: bool = False
    duplicate: bool = False
    open: bool = False


def standings(chain: Sequence[Held], about: Collection[int]) -> Iterator[Standing]:
    """
    The standings of the records *about* whose current revision is in *chain*, and of those next to them.

    *chain* has revisions, of any case, that have or had one key (train, car, part and
    mode), or the current one of a single case without a key: from the second case before
    each revision of *about* to the second after it.
    """
    ordered = sorted((held for held in chain if held.dated), key=_place)
    among = repeats(held for held in ordered if held.until is None)
    for index in sorted(_touched(ordered, about)):
        held = ordered[index]
        if held.until is None:
            yield Standing(
                held.record_id,
                held.revision_id,
                month_number(held.entered),
                month_number(_settled(held, ordered[:index], ordered[index + 1 :])),
                held.number in among.repeated,
                held.number in among.followed,
                held.number in among.duplicates,
                held.closed_on is None,
            )
    for held in chain:
        if held.until is None and not held.dated:
            yield Standing(held.record_id, held.revision_id, month_number(held.entered), NOT_SETTLED, open=True)


def _touched(ordered: Sequence[Held], about: Collection[int]) -> set[int]:
    """Where the revisions of *about* stand, and all on both sides up to the nearest current one of another case."""
    found: set[int] = set()
    for index, held in enumerate(ordered):
        if held.record_id in about:
            found.add(index)
            for side in (range(index - 1, -1, -1), range(index + 1, len(ordered))):
                for at in side:
                    found.add(at)
                    if ordered[at].until is None and ordered[at].record_id != held.record_id:
                        break
    return found


def with_flags(case: Case, standing: Standing) -> Case:
    if not (standing.repeated or standing.followed or standing.duplicate):
        return case
    return case._replace(repeated=standing.repeated, followed=standing.followed, duplicate=standing.duplicate)


def _place(held: Held) -> tuple[datetime, str, datetime]:
    return held.occurred_at, held.number, held.since


def _settled(held: Held, before: Sequence[Held], after: Sequence[Held]) -> datetime:
    """When a case came to rest."""
    times = [held.since, held.reported_at, *_steps(held)]
    for other in reversed(before):
        if other.record_id != held.record_id:
            times.append(_at_rest(other))
            if other.until is None:
                break  # whatever stands before this one is hidden by it
    if held.repaired_at is not None:
        for other in after:
            if other.occurred_at > held.repaired_at + _WINDOW:
                break
            if other.record_id != held.record_id:
                times.append(_at_rest(other))
                if other.until is None:
                    break
    return max(times)


def _steps(case: Held) -> Iterator[datetime]:
    """When each step of the case counts from, and when its window and its planned day are over."""
    yield from (at for at in (case.responded_at, case.arrived_at) if at is not None)
    if case.repaired_at is not None:
        yield case.repaired_at + _WINDOW
    days = (case.analysed_on, case.completed_on, case.verified_on, case.closed_on)
    yield from (datetime.combine(day, time.min) for day in days if day is not None)
    if case.planned_on is not None and case.completed_on is None:
        yield datetime.combine(case.planned_on + timedelta(days=1), time.min)


def _at_rest(other: Held) -> datetime:
    """From when on a neighbour's revision looks as it does now, or is gone."""
    if other.until is not None:
        return other.until
    return max(other.since, other.reported_at, other.repaired_at or other.since)
