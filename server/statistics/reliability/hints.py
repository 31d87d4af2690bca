"""Hints of repeat failures: the same part and mode again, where the whole key tells of no repeat."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from server.statistics.cases import REPEAT_DAYS, Case

_Repairs = list[tuple[datetime, str, Case]]  # by time


class Hint(NamedTuple):
    """*after* has part and mode of *before*, which had been repaired *days* ago; more is not known of the two."""

    before: Case
    after: Case
    days: float

    @property
    def same_train(self) -> bool | None:
        """None where a train is not given."""
        return None if None in (self.before.vehicle, self.after.vehicle) else self.before.vehicle == self.after.vehicle


def hints(
    before: Iterable[Case], after: Iterable[Case], *, without: Collection[str] = (), window_days: int = REPEAT_DAYS
) -> Iterator[Hint]:
    """
    For each of *after* the one of *before* that it may repeat, within *window_days* of the repair.

    The latest repair on the same train goes before the latest elsewhere. Modes in
    *without* (其他) say nothing and give no hint; neither do failures of which the whole
    key tells that they are repeats, or reported twice.
    """
    window = timedelta(days=window_days)
    anywhere: dict[tuple[str | None, ...], _Repairs] = defaultdict(list)
    on_train: dict[tuple[str | None, ...], _Repairs] = defaultdict(list)
    for case in before:
        if case.repaired_at is not None and case.part and case.failure_mode and case.failure_mode not in without:
            found = case.repaired_at, case.number, case
            anywhere[case.part, case.failure_mode].append(found)
            if case.vehicle:
                on_train[case.part, case.failure_mode, case.vehicle].append(found)
    for group in (*anywhere.values(), *on_train.values()):
        group.sort(key=lambda repair: repair[:2])
    for case in after:
        if case.repeated or case.duplicate:
            continue
        known = on_train.get((case.part, case.failure_mode, case.vehicle)), anywhere.get((case.part, case.failure_mode))
        for repairs in known:
            earlier = _latest(repairs or [], case.occurred_at)
            if earlier is not None and (gap := case.occurred_at - earlier[0]) <= window:
                yield Hint(earlier[2], case, gap / timedelta(days=1))
                break


def _latest(repairs: _Repairs, at: datetime) -> tuple[datetime, str, Case] | None:
    """The last repair before *at*."""
    place = bisect_left(repairs, at, key=lambda repair: repair[0])
    return repairs[place - 1] if place else None
