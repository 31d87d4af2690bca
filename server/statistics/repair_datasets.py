"""Datasets of repairs (设备维修情况): one row per repair, and how long the steps took with those that still wait."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from server.statistics.cases import Case, fixed_first_time, is_relevant, mature
from server.statistics.deadlines import working_hours
from server.statistics.measures import mean, quantile
from server.statistics.periods import month_of
from server.statistics.reliability.life import Life, kaplan_meier
from server.statistics.sources import Sources
from server.statistics.tabular import Computed, Query, Value, by_period, by_place, flag, rounded
from workbooks.form import Text


def repairs(query: Query) -> list[Case]:
    """The cases repaired in the period, oldest repair first."""
    found = query.sources.cases_between("repaired_at", query.period.start, query.period.end)
    return sorted(found, key=lambda case: (str(case.repaired_at), case.number))


def arrival_working_hours(case: Case, sources: Sources) -> float | None:
    """Hours from the report to the arrival that lie in office hours; None before the arrival."""
    if case.arrived_at is None or case.arrived_at < case.reported_at:
        return None
    opens, closes = sources.limit("fracas", "workday_opens"), sources.limit("fracas", "workday_closes")
    return working_hours(case.reported_at, case.arrived_at, opens, closes)


def arrived_in_time(case: Case, sources: Sources) -> bool | None:
    """Whether somebody was on site within the limit in working hours; None without an arrival."""
    hours = arrival_working_hours(case, sources)
    return None if hours is None else hours <= sources.limit("fracas", "arrival_hours")


def fixed_remotely(case: Case, sources: Sources) -> bool | None:
    """Solved in the first contact, without a visit and for good; None until it is old enough to tell."""
    if case.visits is None or not mature(case, sources.now):
        return None
    return case.visits == 0 and not case.followed


def _answer(name: str) -> Value:
    return lambda case, query: query.label("fracas", name, getattr(case, name))


_REPAIRS: Computed[Case] = Computed(
    facts=repairs,
    values={
        **by_period(lambda case: case.repaired_at),
        **by_place(),
        **{name: _answer(name) for name in ("customer", "vehicle", "system", "subsystem", "part", "failure_mode")},
        **{name: _answer(name) for name in ("severity", "warranty", "fix_type")},
        "number": lambda c, q: c.number,
        "repaired_at": lambda c, q: c.repaired_at,
        "line": lambda c, q: c.line,
        "vehicle_type": lambda c, q: c.vehicle_type,
        "technician": lambda c, q: q.named("fracas", "handled_by", c.handled_by),
        "repairs": lambda c, q: 1,
        "visits": lambda c, q: c.visits,
        "repeat_visits": lambda c, q: None if c.visits is None else max(0, c.visits - 1),
        "response_hours": lambda c, q: rounded(c.response_hours),
        "arrival_work_hours": lambda c, q: rounded(arrival_working_hours(c, q.sources)),
        "arrived_in_time": lambda c, q: flag(arrived_in_time(c, q.sources)),
        "repair_hours": lambda c, q: rounded(c.repair_hours),
        "resolve_hours": lambda c, q: rounded(c.resolve_hours),
        "down_hours": lambda c, q: rounded(c.down_hours),
        "fixed_first_time": lambda c, q: flag(fixed_first_time(c, q.sources.now)),
        "fixed_remotely": lambda c, q: flag(fixed_remotely(c, q.sources)),
        "temporary": lambda c, q: None if c.fix_type is None else int(c.fix_type == "temporary"),
        "relevant": lambda c, q: flag(is_relevant(c)),
        "in_warranty": lambda c, q: in_warranty(c),
        "vehicles": lambda c, q: q.first("vehicles", (month_of(c.repaired_at), c.vehicle)) if c.repaired_at else 0,
    },
)


def in_warranty(case: Case) -> int | None:
    """1 in warranty, 0 out of it; None while it is to be confirmed, which is never out."""
    return {"in_warranty": 1, "out_of_warranty": 0}.get(case.warranty or "")


class _Step(NamedTuple):
    """A span of a case's way: *took* once it is over, else how long it *waits*."""

    name: Text
    took: Callable[[Case, Sources], float | None]
    waits: Callable[[Case, Sources], float | None]
    unit: Text


ALL = Text("全部站点", "All stations")
_HOURS, _DAYS = Text("小时", "h"), Text("天", "d")


def _elapsed(case: Case, sources: Sources) -> float:
    return (sources.now - case.reported_at).total_seconds() / 3600


_STEPS = (
    _Step(
        Text("首次响应", "First response"),
        lambda c, s: c.response_hours,
        lambda c, s: None if c.responded_at or c.repaired_at else _elapsed(c, s),
        _HOURS,
    ),
    _Step(
        Text("到场", "Arrival"),
        lambda c, s: c.arrival_hours,
        lambda c, s: None if c.arrived_at or c.repaired_at else _elapsed(c, s),
        _HOURS,
    ),
    _Step(
        Text("到场（工作小时）", "Arrival (working hours)"),
        arrival_working_hours,
        lambda c, s: None if c.arrived_at or c.repaired_at else _working(c, s),
        _HOURS,
    ),
    _Step(
        Text("现场维修（MTTR）", "Active repair (MTTR)"),
        lambda c, s: c.repair_hours,
        lambda c, s: None,
        _HOURS,
    ),
    _Step(
        Text("解决", "Resolution"),
        lambda c, s: c.resolve_hours,
        lambda c, s: None if c.repaired_at else _elapsed(c, s),
        _HOURS,
    ),
    _Step(
        Text("关闭（TAT）", "Close-out (TAT)"),
        lambda c, s: c.close_days,
        lambda c, s: c.age_days(s.now) if c.open else None,
        _DAYS,
    ),
)


def _working(case: Case, sources: Sources) -> float:
    opens, closes = sources.limit("fracas", "workday_opens"), sources.limit("fracas", "workday_closes")
    return working_hours(case.reported_at, sources.now, opens, closes)


class _Times(NamedTuple):
    """One step at one place: how long it took, and those it has not happened to."""

    step: _Step
    station: str | None
    took: list[float]
    waits: list[float]


def _times(query: Query) -> Iterator[_Times]:
    """Every step, over all stations (where there is more than one to see) and then for each."""
    found = query.sources.cases_between("reported_at", query.period.start, query.period.end)
    by_station: dict[str, list[Case]] = {}
    for case in found:
        by_station.setdefault(case.station, []).append(case)
    groups: list[tuple[str | None, list[Case]]] = [*sorted(by_station.items())]
    if found and query.narrowed_to != "station":
        groups.insert(0, (None, found))
    for step in _STEPS:
        for station, cases in groups:
            took = [hours for case in cases if (hours := step.took(case, query.sources)) is not None]
            waits = [hours for case in cases if (hours := step.waits(case, query.sources)) is not None]
            yield _Times(step, station, took, waits)


def _km_median(times: _Times) -> float | None:
    lives = [Life(age=age, failed=True) for age in times.took] + [Life(age=age, failed=False) for age in times.waits]
    return kaplan_meier(lives).quantile(0.5) if lives else None


_TIMES: Computed[_Times] = Computed(
    facts=_times,
    values={
        "step": lambda t, q: t.step.name[q.language],
        "region": lambda t, q: q.region(t.station) if t.station else None,
        "station": lambda t, q: q.master("stations", t.station) if t.station else ALL[q.language],
        "n": lambda t, q: len(t.took),
        "waiting": lambda t, q: len(t.waits),
        "mean": lambda t, q: rounded(mean(t.took)),
        "median": lambda t, q: rounded(quantile(t.took, 0.5)),
        "km_median": lambda t, q: rounded(_km_median(t)),
        "ninety": lambda t, q: rounded(quantile(t.took, 0.9)),
        "oldest": lambda t, q: rounded(max(t.waits)) if t.waits else None,
        "unit": lambda t, q: t.step.unit[q.language],
    },
)

COMPUTED: dict[str, Computed[Any]] = {"repairs": _REPAIRS, "response_times": _TIMES}
