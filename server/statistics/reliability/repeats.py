"""Repeat failures at three levels: the same place again, the same fault after its cure, the same part after repair."""

from bisect import bisect_left
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from server.statistics.cases import Case
from workbooks.form import Text

WINDOWS = (30, 60, 90)  # days
SERIAL_DAYS = 90  # a part that comes back from the workshop and fails within so many days was not repaired


class Level(StrEnum):
    PLACE = "place"
    ACTION = "action"
    SERIAL = "serial"


LEVEL_LABELS: Mapping[Level, Text] = {
    Level.PLACE: Text("同车同部位再发（维修无效）", "same place again (repair without effect)"),
    Level.ACTION: Text(
        "措施完成后他处再发（措施无效）", "elsewhere after the corrective action (action without effect)"
    ),
    Level.SERIAL: Text("同序列号返修后再发（返修失效）", "same serial after workshop repair (workshop repair failed)"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """*after* repeats *before*; *chain* is the number of the first failure of their chain."""

    level: Level
    chain: str
    before: Case
    after: Case
    days: float

    @property
    def kilometres(self) -> int | None:
        """Run between the two by the odometer; None where one was not read, or it ran backwards."""
        if self.before.mileage_km is None or self.after.mileage_km is None:
            return None
        run = self.after.mileage_km - self.before.mileage_km
        return run if run >= 0 and self.before.vehicle == self.after.vehicle else None


Key = Callable[[Case], tuple[Hashable, ...] | None]


def place(case: Case) -> tuple[Hashable, ...] | None:
    """Train, car, part and mode; None when one of them is missing (无法判定)."""
    return case.key


def serial(case: Case) -> tuple[Hashable, ...] | None:
    """Part and serial number of what failed."""
    return (case.part, case.serial_no.strip()) if case.part and case.serial_no and case.serial_no.strip() else None


def mode(case: Case) -> tuple[Hashable, ...] | None:
    """Part and mode, wherever they are."""
    return (case.part, case.failure_mode) if case.part and case.failure_mode else None


def chains(cases: Iterable[Case], key: Key, level: Level, window_days: int) -> list[Repeat]:
    """
    Failures of one *key* within *window_days* after the repair of the one before.

    A report of a fault that is not repaired yet is a duplicate: it repeats nothing and
    does not break the chain. A→B→C are two repeats of the chain A.
    """
    by_key: dict[tuple[Hashable, ...], list[Case]] = {}
    for case in cases:
        if (found := key(case)) is not None:
            by_key.setdefault(found, []).append(case)
    repeats: list[Repeat] = []
    for group in by_key.values():
        group.sort(key=lambda case: (case.occurred_at, case.number))
        repeats += _of_group(group, level, timedelta(days=window_days))
    return sorted(repeats, key=lambda repeat: (repeat.after.occurred_at, repeat.after.number))


def _of_group(group: list[Case], level: Level, window: timedelta) -> Iterable[Repeat]:
    chain = group[0].number
    for before, after in pairwise(group):
        if before.repaired_at is None or after.occurred_at <= before.repaired_at:
            continue
        gap = after.occurred_at - before.repaired_at
        if gap <= window:
            yield Repeat(level=level, chain=chain, before=before, after=after, days=gap / timedelta(days=1))
        else:
            chain = after.number


def after_actions(cases: Iterable[Case], window_days: int) -> list[Repeat]:
    """
    The same part and mode on another train or car within *window_days* after a corrective action was done.

    Each such failure counts once, against the latest action done before it.
    """
    by_mode: dict[tuple[Hashable, ...], list[Case]] = {}
    for case in cases:
        if (found := mode(case)) is not None:
            by_mode.setdefault(found, []).append(case)
    repeats: list[Repeat] = []
    for group in by_mode.values():
        cured = sorted((case for case in group if case.completed_on is not None), key=_done)
        days = [_done(case) for case in cured]
        for after in group:
            day = after.occurred_at.date()
            recent = range(bisect_left(days, day) - 1, bisect_left(days, day - timedelta(days=window_days)) - 1, -1)
            before = next((c for c in map(cured.__getitem__, recent) if c is not after and elsewhere(c, after)), None)
            if before is not None:
                gap = float((day - _done(before)).days)
                repeats.append(Repeat(level=Level.ACTION, chain=before.number, before=before, after=after, days=gap))
    return sorted(repeats, key=lambda repeat: (repeat.after.occurred_at, repeat.after.number))


def elsewhere(one: Case, other: Case) -> bool:
    return (one.vehicle, one.car) != (other.vehicle, other.car)


def _done(case: Case) -> date:
    assert case.completed_on is not None
    return case.completed_on


def repeats_at(level: Level, cases: Iterable[Case], window_days: int) -> list[Repeat]:
    """The repeats of one *level* within *window_days*."""
    if level is Level.ACTION:
        return after_actions(cases, window_days)
    return chains(cases, place if level is Level.PLACE else serial, level, window_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatShare:
    """
    Of the failures *watched* for the whole window, how many were *followed* by a repeat.

    *immature* were repaired (or cured) too short a time ago, *undecided* lack a part of the key.
    """

    level: Level
    window: int
    watched: int
    followed: int
    immature: int
    undecided: int


def repeat_share(
    level: Level, cases: Iterable[Case], window_days: int, now: datetime, followed: Collection[str] | None = None
) -> RepeatShare:
    """
    How many failures whose fault ended at least *window_days* before *now* came back within the window.

    *followed* names those that did where more cases are known than these.
    """
    held = list(cases)
    key = {Level.PLACE: place, Level.SERIAL: serial, Level.ACTION: mode}[level]
    decided = [case for case in held if key(case) is not None]
    ends = {case.number: _ended(case, level) for case in decided}
    watched = {n for n, end in ends.items() if end is not None and end + timedelta(days=window_days) <= now}
    if followed is None:
        followed = {repeat.before.number for repeat in repeats_at(level, decided, window_days)}
    return RepeatShare(
        level=level,
        window=window_days,
        watched=len(watched),
        followed=len(watched & set(followed)),
        immature=sum(1 for n, end in ends.items() if end is not None and n not in watched),
        undecided=len(held) - len(decided),
    )


def _ended(case: Case, level: Level) -> datetime | None:
    if level is not Level.ACTION:
        return case.repaired_at
    return None if case.completed_on is None else datetime.combine(case.completed_on, datetime.max.time())
