"""When nothing about a case can change any more without a new revision, and how it then stands to its neighbours."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from server.statistics.cases import REPEAT_DAYS, Case, flagged
from server.statistics.rollup_tables import NOT_SETTLED

_WINDOW = timedelta(days=REPEAT_DAYS)


class Held(NamedTuple):
    """One revision of a case and when it held (local); *until* is None for the current one."""

    record_id: int
    revision_id: int
    entered: datetime
    since: datetime
    until: datetime | None
    case: Case | None  # None while the report lacks a date


class Standing(NamedTuple):
    """
    How a case stands now; *settled* is the month (such as 201605) in which it came to rest.

    As of any instant after that month, and up to now, the case adds the same to every
    figure.
    """

    record_id: int
    revision_id: int
    entered: int
    settled: int
    repeated: bool = False
    followed: bool = False
    duplicate: bool = False


def month_number(day: date) -> int:
    return day.year * 100 + day.month


def standings(chain: Sequence[Held]) -> Iterator[Standing]:
    """
    The standing of every case whose current revision is in *chain*.

    *chain* has all revisions, of any case, that have or had one key (train, car, part
    and mode), or those of a single case without a key.
    """
    ordered = sorted((held for held in chain if held.case is not None), key=_place)
    current = [held for held in ordered if held.until is None and held.case is not None]
    found = flagged(held.case for held in current if held.case is not None)
    places = {held.revision_id: index for index, held in enumerate(ordered)}
    for held, case in zip(current, found, strict=True):
        place = places[held.revision_id]
        settled = _settled(held, case, ordered[:place], ordered[place + 1 :])
        yield _standing(held)._replace(
            settled=NOT_SETTLED if settled is None else month_number(settled),
            repeated=case.repeated,
            followed=case.followed,
            duplicate=case.duplicate,
        )
    yield from (_standing(held) for held in chain if held.until is None and held.case is None)


def with_flags(case: Case, standing: Standing) -> Case:
    if not (standing.repeated or standing.followed or standing.duplicate):
        return case
    return replace(case, repeated=standing.repeated, followed=standing.followed, duplicate=standing.duplicate)


def _standing(held: Held) -> Standing:
    return Standing(held.record_id, held.revision_id, month_number(held.entered), NOT_SETTLED)


def _place(held: Held) -> tuple[datetime, str, datetime]:
    assert held.case is not None
    return held.case.occurred_at, held.case.number, held.since


def _settled(held: Held, case: Case, before: Iterable[Held], after: Iterable[Held]) -> datetime | None:
    """When the case came to rest; None for an open one."""
    if case.closed_on is None:
        return None
    times = [held.since, case.reported_at, *_steps(case)]
    others_before = [other for other in before if other.record_id != held.record_id]
    for other in reversed(others_before):
        times.append(_at_rest(other))
        if other.until is None:
            break  # whatever stands before this one is hidden by it
    if case.repaired_at is not None:
        for other in after:
            assert other.case is not None
            if other.case.occurred_at > case.repaired_at + _WINDOW:
                break
            if other.record_id != held.record_id:
                times.append(_at_rest(other))
                if other.until is None:
                    break
    return max(times)


def _steps(case: Case) -> Iterator[datetime]:
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
    assert other.case is not None
    if other.until is not None:
        return other.until
    repaired = other.case.repaired_at
    return max(other.since, other.case.reported_at, repaired or other.since)
