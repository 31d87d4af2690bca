"""Datasets of the history of failures, added up by month: what a report of many years is made of."""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import Any

from server.statistics.case_months import (
    CaseGroup,
    Measures,
    ModeCounts,
    ModeGroup,
    OpenCounts,
    OpenGroup,
    Part,
    plus,
)
from server.statistics.cases import STAGE_LABELS, Stage
from server.statistics.figures import AGE_LABELS
from server.statistics.tabular import Computed, Each, Query, Value, by_period, by_place, rounded

_HOUR = 3_600_000_000  # microseconds
_Case = tuple[CaseGroup, Measures]
_Mode = tuple[ModeGroup, ModeCounts]
_Open = tuple[OpenGroup, OpenCounts]


def _group(name: str) -> Value:
    """The label of what the cases of a group have in common."""
    return Each(_of_group(name), lambda code, query: query.named("fracas", name, code))


def _of_group(name: str) -> Callable[[Any], Any]:
    read = attrgetter(name)
    return lambda fact: read(fact[0])


def _sum(name: str) -> Value:
    read = attrgetter(name)
    return lambda fact, query: int(read(fact[1]))  # a flag, where one case is the whole group


def _hours(name: str) -> Value:
    read = attrgetter(name)
    return lambda fact, query: rounded(read(fact[1]) / _HOUR)


def _ordered(part: Part) -> Callable[[Query], Iterable[Any]]:
    """The groups of *part* of the months asked for, the earliest month first; without those nothing is left of."""

    def facts(query: Query) -> Iterable[Any]:
        months = query.sources.months(query.period.start, query.period.end, parts=(part,))
        found = getattr(months, part).items()
        return sorted((fact for fact in found if any(fact[1])), key=lambda fact: tuple(map(str, fact[0])))

    return facts


_DIMENSIONS: dict[str, Value] = {
    **by_period(lambda fact: fact[0].month),
    **by_place(lambda fact: fact[0].station),
    "system": _group("system"),
    "vehicle_type": lambda fact, query: fact[0].vehicle_type,
}

_MONTHS: Computed[_Case] = Computed(
    facts=_ordered("cases"),
    values={
        **_DIMENSIONS,
        "customer": _group("customer"),
        "severity": _group("severity"),
        **{name: _sum(name) for name in ("failures", "closed", "close_days", "unanswered", "responded", "arrived")},
        **{name: _sum(name) for name in ("repaired", "planned", "overdue", "judged", "decided", "watched", "returned")},
        **{name: _sum(name) for name in ("duplicates", "in_warranty", "out_of_warranty")},
        "response_hours": _hours("response"),
        "arrival_hours": _hours("arrival"),
        "repair_hours": _hours("repair"),
        "fixed_first_time": _sum("fixed"),
        "repeats": _sum("repeated"),
    },
)


def _modes(query: Query) -> Iterable[_Mode]:
    """The groups of modes whatever the customer."""
    found: dict[ModeGroup, ModeCounts] = {}
    for group, counts in _ordered("modes")(query):
        plus(found, group._replace(customer=None), counts)
    return found.items()


def _backlog(query: Query) -> Iterable[_Open]:
    """The groups of open cases whatever the customer."""
    found: dict[OpenGroup, OpenCounts] = {}
    for group, counts in _ordered("backlog")(query):
        plus(found, group._replace(customer=None), counts)
    return found.items()


_MODES: Computed[_Mode] = Computed(
    facts=_modes,
    values={
        **_DIMENSIONS,
        "part": _group("part"),
        "failure_mode": _group("failure_mode"),
        "failures": _sum("failures"),
        "counted": _sum("counted"),
        "repeats": _sum("repeated"),
    },
)

_BACKLOG: Computed[_Open] = Computed(
    facts=_backlog,
    values={
        **_DIMENSIONS,
        "stage": Each(_of_group("stage"), lambda stage, query: STAGE_LABELS[Stage(stage)][query.language]),
        "age_bucket": Each(_of_group("age"), lambda age, query: AGE_LABELS[age][query.language]),
        "open": _sum("open"),
        "over_90_days": _sum("over_90_days"),
    },
)

COMPUTED: dict[str, Computed[Any]] = {
    "fracas_months": _MONTHS,
    "fracas_month_modes": _MODES,
    "fracas_month_backlog": _BACKLOG,
}
