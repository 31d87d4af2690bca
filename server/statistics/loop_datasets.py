"""Datasets of the loop: dwell and backlog by step, repairs and availability, failures that came back."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, NamedTuple

from server.statistics.cases import STAGE_LABELS, Case, Stage
from server.statistics.figures import AGE_LABELS
from server.statistics.measures import Limits, mean, wilson
from server.statistics.observed import Observed
from server.statistics.periods import last_of_month, months, quarter_of
from server.statistics.rate_datasets import limit
from server.statistics.reliability.availability import Span, down_hours, inherent, inherent_limits, operational
from server.statistics.reliability.loop import STEPS, Dwell, dwell, waiting
from server.statistics.reliability.repair import DownTime, RepairTimes, down_times, repair_times
from server.statistics.reliability.repeats import (
    LEVEL_LABELS,
    SERIAL_DAYS,
    WINDOWS,
    Level,
    Repeat,
    RepeatShare,
    repeat_share,
    repeats_at,
)
from server.statistics.sources import Sources
from server.statistics.tabular import Computed, Query, by_place, rounded

_HOUR = timedelta(hours=1)


def _dwells(query: Query) -> list[Dwell]:
    cases = query.sources.cases_between("reported_at", query.period.start, query.period.end)
    return [found for found in dwell(cases, query.sources.now) if found.n]


_DWELL: Computed[Dwell] = Computed(
    facts=_dwells,
    values={
        "step": lambda d, q: STEPS[d.step][q.language],
        "n": lambda d, q: d.n,
        "open": lambda d, q: d.open,
        "median": lambda d, q: rounded(d.median),
        "ninety": lambda d, q: rounded(d.ninety),
    },
)


class _Quarter(NamedTuple):
    """One step over the cases reported in one quarter."""

    quarter: str
    dwell: Dwell


def _quarters(query: Query) -> Iterator[_Quarter]:
    by_quarter: dict[str, list[Case]] = defaultdict(list)
    for case in query.sources.cases_between("reported_at", query.period.start, query.period.end):
        by_quarter[quarter_of(case.reported_at)].append(case)
    for quarter, cases in sorted(by_quarter.items()):
        yield from (_Quarter(quarter, found) for found in dwell(cases, query.sources.now) if found.n)


_DWELL_QUARTERS: Computed[_Quarter] = Computed(
    facts=_quarters,
    values={
        "quarter": lambda r, q: r.quarter,
        "step": lambda r, q: STEPS[r.dwell.step][q.language],
        "n": lambda r, q: r.dwell.n,
        "open": lambda r, q: r.dwell.open,
        "median": lambda r, q: rounded(r.dwell.median),
        "ninety": lambda r, q: rounded(r.dwell.ninety),
    },
)


class _Waiting(NamedTuple):
    stage: Stage
    bucket: int
    responsible: str | None
    station: str
    cases: list[Case]


def _waiting(query: Query) -> list[_Waiting]:
    groups: dict[tuple[str | None, str], list[Case]] = defaultdict(list)
    for case in query.sources.open_cases():
        groups[case.responsibility, case.station].append(case)
    found = []
    for (responsible, station), cases in groups.items():
        for stage, bucket in waiting(cases, query.sources.now):
            own = [c for c in cases if waiting([c], query.sources.now)[stage, bucket]]
            found.append(_Waiting(stage, bucket, responsible, station, own))
    order = list(Stage)
    return sorted(found, key=lambda w: (order.index(w.stage), w.bucket, w.responsible or "", w.station))


_AGEING: Computed[_Waiting] = Computed(
    facts=_waiting,
    values={
        **by_place(),
        "stage": lambda w, q: STAGE_LABELS[w.stage][q.language],
        "age_bucket": lambda w, q: AGE_LABELS[w.bucket][q.language],
        "responsibility": lambda w, q: q.named("fracas", "responsibility", w.responsible),
        "open": lambda w, q: len(w.cases),
        "oldest": lambda w, q: max(case.age_days(q.sources.now) for case in w.cases),
    },
)


@dataclass(frozen=True, slots=True)
class _Repair:
    part: str | None
    times: RepairTimes
    down: DownTime


def _repairs(query: Query) -> Iterator[_Repair]:
    groups: dict[str | None, list[Case]] = defaultdict(list)
    for case in query.sources.cases_between("occurred_at", query.period.start, query.period.end):
        if case.repair_hours is not None:
            groups[case.part].append(case)
    rows = [_Repair(part, *_times(cases)) for part, cases in groups.items()]
    yield from sorted(rows, key=lambda row: (-row.times.n, row.part or ""))


def _times(cases: list[Case]) -> tuple[RepairTimes, DownTime]:
    return repair_times(case.repair_hours or 0.0 for case in cases), down_times([_split(c) for c in cases])


def _split(case: Case) -> tuple[float, float, float]:
    """Hours from the failure until somebody answered, until somebody came, and of repair."""
    assert case.arrived_at is not None
    answered = case.responded_at or case.reported_at
    administrative = max((answered - case.occurred_at) / _HOUR, 0.0)
    logistic = max((case.arrived_at - case.occurred_at) / _HOUR - administrative, 0.0)
    return administrative, logistic, case.repair_hours or 0.0


_MTTR: Computed[_Repair] = Computed(
    facts=_repairs,
    values={
        "part": lambda r, q: q.master("products", r.part),
        "n": lambda r, q: r.times.n,
        "mttr": lambda r, q: rounded(r.times.mean),
        "median": lambda r, q: rounded(r.times.median),
        "ninety": lambda r, q: rounded(r.times.ninety),
        "mu": lambda r, q: rounded(r.times.mu),
        "sigma": lambda r, q: rounded(r.times.sigma),
        "administrative": lambda r, q: rounded(r.down.administrative),
        "logistic": lambda r, q: rounded(r.down.logistic),
        "mdt": lambda r, q: rounded(r.down.total),
    },
)


@dataclass(frozen=True, slots=True)
class _Available:
    """One train type in one quarter."""

    type: str
    quarter: str
    trains: int
    observed: float
    down: float
    failures: int
    mtbf: float | None
    mttr: float | None

    @property
    def inherent(self) -> float | None:
        return inherent(self.mtbf, self.mttr)

    @property
    def limits(self) -> Limits | None:
        return inherent_limits(self.mtbf, self.mttr, self.failures)


def _available(query: Query) -> Iterator[_Available]:
    seen = Observed.of(query)
    if seen is None:
        return
    quarters = sorted({(m.year, (m.month - 1) // 3) for m in months(seen.first, seen.last)})
    for type_ in query.sources.fleet.of_types():
        codes = seen.codes(type_)
        own = [case for code in codes for case in seen.by_train[code]]
        downs = {code: [span for case in seen.by_train[code] if (span := _down(case, query))] for code in codes}
        for year, index in quarters:
            first = max(seen.first, seen.first.replace(year=year, month=index * 3 + 1, day=1))
            last = min(seen.last, last_of_month(first.replace(month=index * 3 + 3, day=1)))
            begin, end = datetime.combine(first, time()), datetime.combine(last, time.max)
            inside = [case for case in own if begin <= case.occurred_at <= end]
            hours = query.sources.fleet.hours(first, last, codes).amount
            repairs = [case.repair_hours for case in inside if case.repair_hours]
            watched = [span for code in codes if (span := _observed(query, code, begin, end))]
            yield _Available(
                type_,
                quarter_of(last),
                len(watched),
                sum((stop - start) / _HOUR for start, stop in watched),
                sum(down_hours(downs[code], begin, end) for code in codes),
                len(inside),
                hours / len(inside) if hours and inside else None,
                mean(repairs),
            )


def _down(case: Case, query: Query) -> Span | None:
    """From the failure to the repair, where it kept the train from running; one not repaired lasts until now."""
    if case.severity not in ("critical", "major"):
        return None
    return case.occurred_at, case.repaired_at or query.sources.now


def _observed(query: Query, code: str, begin: datetime, end: datetime) -> Span | None:
    train = query.sources.fleet.trains[code]
    start = max(begin, datetime.combine(train.begin, time()))
    stop = end if train.end is None else min(end, datetime.combine(train.end, time.max))
    return (start, stop) if start < stop else None


_AVAILABILITY: Computed[_Available] = Computed(
    facts=_available,
    values={
        "vehicle_type": lambda r, q: r.type,
        "quarter": lambda r, q: r.quarter,
        "trains": lambda r, q: r.trains,
        "observed": lambda r, q: rounded(r.observed),
        "down": lambda r, q: rounded(r.down),
        "operational": lambda r, q: operational(r.down, r.observed),
        "failures": lambda r, q: r.failures,
        "mtbf": lambda r, q: rounded(r.mtbf),
        "mttr": lambda r, q: rounded(r.mttr),
        "inherent": lambda r, q: r.inherent,
        "lower": lambda r, q: limit(r.limits, False, 6),
        "upper": lambda r, q: limit(r.limits, True, 6),
    },
)


def _all_cases(query: Query) -> list[Case]:
    """Also those that are not selected: what a failure repeats, or what repeats it, may lie elsewhere."""
    sources = query.sources
    return Sources(sources.view).cases if sources.selection else sources.cases


def _repeated(query: Query) -> Iterator[Repeat]:
    """Repeats at every level, by the day and place of the later failure."""
    cases = _all_cases(query)
    for level in Level:
        for repeat in repeats_at(level, cases, SERIAL_DAYS if level is Level.SERIAL else max(WINDOWS)):
            if query.period.holds(repeat.after.occurred_at.date()) and query.sources.selected(repeat.after):
                yield repeat


_REPEATS: Computed[Repeat] = Computed(
    facts=_repeated,
    values={
        **by_place(lambda r: r.after.station),
        "level": lambda r, q: LEVEL_LABELS[r.level][q.language],
        "chain": lambda r, q: r.chain,
        "before": lambda r, q: r.before.number,
        "number": lambda r, q: r.after.number,
        "occurred_at": lambda r, q: r.after.occurred_at,
        "vehicle": lambda r, q: q.label("fracas", "vehicle", r.after.vehicle),
        "car": lambda r, q: r.after.car,
        "part": lambda r, q: q.label("fracas", "part", r.after.part),
        "failure_mode": lambda r, q: q.label("fracas", "failure_mode", r.after.failure_mode),
        "serial_no": lambda r, q: r.after.serial_no,
        "days": lambda r, q: rounded(r.days),
        "kilometres": lambda r, q: r.kilometres,
        "within_30": lambda r, q: int(r.days <= 30),
        "within_60": lambda r, q: int(r.days <= 60),
        "within_90": lambda r, q: int(r.days <= 90),
    },
)


class _Share(NamedTuple):
    station: str
    share: RepeatShare

    @property
    def limits(self) -> Limits | None:
        return wilson(self.share.followed, self.share.watched)


def _shares(query: Query) -> Iterator[_Share]:
    """Of the failures selected that occurred in the period; the later ones may lie after it, or elsewhere."""
    cases, by_station = _all_cases(query), defaultdict(list)
    for case in cases:
        if query.period.holds(case.occurred_at.date()) and query.sources.selected(case):
            by_station[case.station].append(case)
    for level in Level:
        for window in WINDOWS:
            followed = {repeat.before.number for repeat in repeats_at(level, cases, window)}
            for station, own in sorted(by_station.items()):
                yield _Share(station, repeat_share(level, own, window, query.sources.now, followed))


_SHARES: Computed[_Share] = Computed(
    facts=_shares,
    values={
        **by_place(),
        "level": lambda s, q: LEVEL_LABELS[s.share.level][q.language],
        "window": lambda s, q: s.share.window,
        "watched": lambda s, q: s.share.watched,
        "followed": lambda s, q: s.share.followed,
        "share": lambda s, q: s.share.followed / s.share.watched if s.share.watched else None,
        "lower": lambda s, q: limit(s.limits, False, 6),
        "upper": lambda s, q: limit(s.limits, True, 6),
        "immature": lambda s, q: s.share.immature,
        "undecided": lambda s, q: s.share.undecided,
    },
)

COMPUTED: dict[str, Computed[Any]] = {
    "stage_dwell": _DWELL,
    "stage_dwell_quarters": _DWELL_QUARTERS,
    "loop_ageing": _AGEING,
    "mttr": _MTTR,
    "availability": _AVAILABILITY,
    "repeat_failures": _REPEATS,
    "repeat_rates": _SHARES,
}
