"""What cases add up to, month by month: sums and counts that can be added again, never averages."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
from operator import add
from typing import Any, Literal, NamedTuple

from server.statistics.cases import (
    Case,
    Stage,
    action_overdue,
    bucket_of,
    counts_for_rate,
    fixed_first_time,
    is_repeat,
    mature,
)
from server.statistics.figures import AGE_BUCKETS
from server.statistics.periods import first_of_month, last_of_month, months, months_later

Part = Literal["cases", "modes", "backlog"]
PARTS: tuple[Part, ...] = ("cases", "modes", "backlog")
# What of a case is added up; nothing else of it need be known.
ADDED = frozenset(
    {
        *("number", "station", "customer", "vehicle_type", "system", "severity", "part", "failure_mode"),
        *("occurred_at", "reported_at", "responded_at", "arrived_at", "repaired_at"),
        *("analysed_on", "planned_on", "completed_on", "verified_on", "closed_on"),
        *("vehicle", "car", "visits", "warranty", "relevant"),
    }
)
_MICROSECOND = timedelta(microseconds=1)


class Measures(NamedTuple):
    """
    Counts and sums of some cases; the sums of durations are in microseconds, so that adding is exact.

    *unanswered* have no response noted. A mean is a sum ÷ its count: *response* ÷
    *responded*, *arrival* ÷ *arrived*, *repair* ÷ *repaired*, *close_days* ÷ *closed*.
    A share is a count ÷ its count: *overdue* ÷ *planned*, *fixed* ÷ *judged*,
    *repeated* ÷ *decided* (cases that repeat one before), *returned* ÷ *watched* (repairs,
    30 days old, after which it failed again).
    """

    failures: int = 0
    closed: int = 0
    close_days: int = 0
    unanswered: int = 0
    responded: int = 0
    response: int = 0
    arrived: int = 0
    arrival: int = 0
    repaired: int = 0
    repair: int = 0
    planned: int = 0
    overdue: int = 0
    judged: int = 0
    fixed: int = 0
    decided: int = 0
    repeated: int = 0
    watched: int = 0
    returned: int = 0
    duplicates: int = 0
    in_warranty: int = 0
    out_of_warranty: int = 0

    @classmethod
    def of(cls, case: Case, now: datetime) -> "Measures":
        """What one case, as it stands at *now*, adds."""
        overdue, fixed, repeat = action_overdue(case, now.date()), fixed_first_time(case, now), is_repeat(case)
        watched = repeat is not None and mature(case, now)
        response = _span(case.reported_at, case.responded_at)
        arrival = _span(case.reported_at, case.arrived_at)
        repair = _span(case.arrived_at, case.repaired_at)
        return cls(
            failures=1,
            closed=case.closed_on is not None,
            close_days=case.close_days or 0,
            unanswered=case.responded_at is None,
            responded=response is not None,
            response=response or 0,
            arrived=arrival is not None,
            arrival=arrival or 0,
            repaired=repair is not None,
            repair=repair or 0,
            planned=overdue is not None,
            overdue=overdue or False,
            judged=fixed is not None,
            fixed=fixed or False,
            decided=repeat is not None,
            repeated=repeat or False,
            watched=watched,
            returned=watched and case.followed,
            duplicates=case.duplicate,
            in_warranty=case.warranty == "in_warranty",
            out_of_warranty=case.warranty == "out_of_warranty",
        )


class CaseGroup(NamedTuple):
    """Cases reported in one month, alike in place, customer, product and severity."""

    month: date
    station: str
    customer: str | None
    vehicle_type: str | None
    system: str | None
    severity: str | None


class ModeGroup(NamedTuple):
    """Cases that occurred in one month, alike in place, product and failure mode."""

    month: date
    station: str
    customer: str | None
    vehicle_type: str | None
    system: str | None
    part: str | None
    failure_mode: str | None


class OpenGroup(NamedTuple):
    """Cases open at the end of one month, alike in place, stage and age (0 to 4, see `bucket_of`)."""

    month: date
    station: str
    customer: str | None
    vehicle_type: str | None
    system: str | None
    stage: str
    age: int


class ModeCounts(NamedTuple):
    """*counted* are those that count towards failure rates."""

    failures: int = 0
    counted: int = 0
    repeated: int = 0


class OpenCounts(NamedTuple):
    open: int = 0
    over_90_days: int = 0


@dataclass(frozen=True, slots=True)
class Months:
    """
    A history: what the cases of each group add up to.

    *cases* go by the month reported, *modes* by the month occurred, *backlog* has the
    cases open at each month's end, in the running month at the as-of time.
    """

    cases: Mapping[CaseGroup, Measures]
    modes: Mapping[ModeGroup, ModeCounts]
    backlog: Mapping[OpenGroup, OpenCounts]


def case_group(case: Case) -> CaseGroup:
    month = first_of_month(case.reported_at.date())
    return CaseGroup(month, case.station, case.customer, case.vehicle_type, case.system, case.severity)


def mode_group(case: Case) -> ModeGroup:
    month = first_of_month(case.occurred_at.date())
    return ModeGroup(month, case.station, case.customer, case.vehicle_type, case.system, case.part, case.failure_mode)


def mode_counts(case: Case) -> ModeCounts:
    return ModeCounts(1, counts_for_rate(case), case.repeated)


def open_at_month_ends(case: Case, now: datetime) -> Iterator[tuple[OpenGroup, OpenCounts]]:
    """Where the case stood at each month's end before it was closed, up to *now*."""
    for first, last, stage, age, old in _spells(case, now.date()):
        for month in months(first, last):
            group = OpenGroup(month, case.station, case.customer, case.vehicle_type, case.system, stage, age)
            yield group, OpenCounts(1, old)


def _spells(case: Case, today: date) -> Iterator[tuple[date, date, Stage, int, bool]]:
    """
    From which month's end to which the case stood alike: (first, last month, stage, age, over 90 days).

    Few spells stand for many months: a case that nobody closes changes no more.
    """
    reported, closed, final = case.reported_at.date(), case.closed_on, today.replace(day=1)
    month = reported.replace(day=1)
    while month <= final:
        day = _last_day(month)
        if day > today:
            day = today
        if closed is not None and closed <= day:
            return
        age, last = max(0, (day - reported).days), month
        if age > AGE_BUCKETS[-1] and _last_step(case) <= day:
            # Old and at its last step: so it stays until it is closed.
            last = final if closed is None else max(month, _previous(closed.replace(day=1)))
        yield month, last, _stage(case, day), bucket_of(age), age > 90
        month = _next(last)


@cache
def _last_day(month: date) -> date:
    return last_of_month(month)


@cache
def _next(month: date) -> date:
    return months_later(month, 1)


@cache
def _previous(month: date) -> date:
    return months_later(month, -1)


def _last_step(case: Case) -> date:
    """The day after which the stage of an open case stays as it is."""
    days = [case.analysed_on, case.completed_on, case.verified_on]
    days.append(case.repaired_at.date() if case.repaired_at is not None else None)
    return max((day for day in days if day is not None), default=date.min)


def add_up(cases: Iterable[Case], now: datetime, parts: Collection[Part] = PARTS) -> Months:
    """What *cases* add up to, as they stand at *now*; of a history only *parts*."""
    by_month: dict[CaseGroup, Measures] = {}
    by_mode: dict[ModeGroup, ModeCounts] = {}
    changes: _Changes = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for case in cases:
        if "cases" in parts:
            plus(by_month, case_group(case), Measures.of(case, now))
        if "modes" in parts:
            plus(by_mode, mode_group(case), mode_counts(case))
        if "backlog" in parts:
            place = case.station, case.customer, case.vehicle_type, case.system
            for first, last, stage, age, old in _spells(case, now.date()):
                at = changes[(*place, stage, age)]
                begun, ended = at[first], at[_next(last)]
                begun[0] += 1
                begun[1] += old
                ended[0] -= 1
                ended[1] -= old
    return Months(by_month, by_mode, _carried(changes))


# By what open cases have in common, and by month: by how many (and how many over 90 days) there are more.
_Changes = dict[tuple[Any, ...], dict[date, list[int]]]


def _carried(changes: _Changes) -> dict[OpenGroup, OpenCounts]:
    """What stands at each month's end, of how many there are more or fewer than the month before."""
    found: dict[OpenGroup, OpenCounts] = {}
    for alike, at in changes.items():
        standing, over, points = 0, 0, sorted(at)
        for point, following in pairwise(points):
            standing, over = standing + at[point][0], over + at[point][1]
            counts, month = OpenCounts(standing, over), point
            while standing and month < following:
                found[OpenGroup(month, *alike)] = counts
                month = _next(month)
    return found


def plus(sums: dict, group: Hashable, more: tuple) -> None:  # type: ignore[type-arg]
    """Add *more* to what *sums* has for *group*."""
    known = sums.get(group)
    sums[group] = more if known is None else type(more)(*map(add, known, more))


def _stage(case: Case, day: date) -> Stage:
    """The stage at the end of *day*; the same as that of `case.until` the last moment of it."""
    if case.repaired_at is None or case.repaired_at.date() > day:
        return Stage.HANDLING
    if case.analysed_on is None or case.analysed_on > day:
        return Stage.ANALYSIS
    if case.planned_on is not None and (case.completed_on is None or case.completed_on > day):
        return Stage.ACTION
    if case.planned_on is not None and (case.verified_on is None or case.verified_on > day):
        return Stage.VERIFICATION
    return Stage.CLOSE_OUT


def _span(start: datetime | None, end: datetime | None) -> int | None:
    """Microseconds from *start* to *end*; a negative span is a data error and no duration."""
    return None if start is None or end is None or end < start else (end - start) // _MICROSECOND
