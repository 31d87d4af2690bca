"""Datasets of the FRACAS forms: cases, backlog, Pareto, failure rates."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from server.statistics.cases import (
    STAGE_LABELS,
    Case,
    Stage,
    action_overdue,
    bucket_of,
    fixed_first_time,
    is_relevant,
    is_repeat,
)
from server.statistics.figures import AGE_LABELS
from server.statistics.labels import Labels
from server.statistics.measures import ParetoRow, pareto
from server.statistics.periods import last_of_month, month_of, months, week_of
from server.statistics.repair_datasets import arrival_working_hours, arrived_in_time, in_warranty
from server.statistics.sources import Sources
from server.statistics.tabular import Computed, Period, Query, Value, by_period, by_place, flag, rounded
from workbooks.form import Text

OPEN_STAGES = tuple(stage for stage in Stage if stage is not Stage.CLOSED)
_OTHER_MODE = Text("其他", "Other")


def _answer(name: str) -> Value:
    """The label of a case's answer; blank where there is none."""
    return lambda case, query: query.label("fracas", name, getattr(case, name))


def _plain(name: str) -> Value:
    return lambda case, query: getattr(case, name)


_CASES: Computed[Case] = Computed(
    facts=lambda q: q.sources.cases_between("reported_at", q.period.start, q.period.end),
    values={
        **by_period(lambda case: case.reported_at),
        **by_place(),
        **{name: _plain(name) for name in ("number", "reported_at", "occurred_at")},
        **{name: _plain(name) for name in ("line", "vehicle_type", "car", "serial_no", "close_days")},
        **{name: _answer(name) for name in ("customer", "vehicle", "system", "subsystem", "part", "failure_mode")},
        **{name: _answer(name) for name in ("severity", "responsibility", "root_cause_category", "warranty")},
        "effectiveness": _answer("effectiveness"),
        "week": lambda c, q: week_of(c.reported_at),
        "occurred_month": lambda c, q: month_of(c.occurred_at),
        "stage": lambda c, q: STAGE_LABELS[c.stage][q.language],
        "failures": lambda c, q: 1,
        "relevant": lambda c, q: flag(is_relevant(c)),
        "closed": lambda c, q: flag(not c.open),
        "overdue": lambda c, q: flag(action_overdue(c, q.sources.today)),
        "repeat": lambda c, q: flag(is_repeat(c)),
        "fixed_first_time": lambda c, q: flag(fixed_first_time(c, q.sources.now)),
        "response_hours": lambda c, q: rounded(c.response_hours),
        "arrival_hours": lambda c, q: rounded(c.arrival_hours),
        "repair_hours": lambda c, q: rounded(c.repair_hours),
        "arrival_work_hours": lambda c, q: rounded(arrival_working_hours(c, q.sources)),
        "arrived_in_time": lambda c, q: flag(arrived_in_time(c, q.sources)),
        "unanswered": lambda c, q: int(c.responded_at is None),
        "in_warranty": lambda c, q: in_warranty(c),
        "first_of_vehicle": lambda c, q: q.first("vehicle", (month_of(c.reported_at), c.vehicle)),
        "first_of_customer": lambda c, q: q.first("customer", (month_of(c.reported_at), c.customer)),
        "open_days": lambda c, q: c.age_days(q.sources.now) if c.open else None,
    },
)


@dataclass(frozen=True, slots=True)
class _Open:
    """One case still open on *day*."""

    day: date
    case: Case
    age: int


def open_cases(sources: Sources, period: Period) -> Iterator[_Open]:
    """Every case open at every month's end in *period*, the running month at the as-of date."""
    first, last = period.start or sources.first_report, min(period.end or sources.today, sources.today)
    if first is None:
        return
    ends = [min(last_of_month(month), sources.today) for month in months(first, last)]
    candidates = sources.open_within(ends[0], last) if ends else []
    for day in ends:
        instant = sources.instant(day)
        for case in candidates:
            then = case.until(instant)
            if then is not None and then.open:
                yield _Open(day, then, then.age_days(instant))


def _named(name: str) -> Value:
    """The label of an open case's answer, also where there is none."""
    return lambda found, query: query.named("fracas", name, getattr(found.case, name))


_BACKLOG: Computed[_Open] = Computed(
    facts=lambda q: open_cases(q.sources, q.period),
    values={
        **by_place(lambda o: o.case.station),
        **{name: _named(name) for name in ("part", "severity", "responsibility")},
        "month": lambda o, q: month_of(o.day),
        "as_of_date": lambda o, q: o.day,
        "number": lambda o, q: o.case.number,
        "stage": lambda o, q: STAGE_LABELS[o.case.stage][q.language],
        "age_days": lambda o, q: o.age,
        "age_bucket": lambda o, q: AGE_LABELS[bucket_of(o.age)][q.language],
        "open": lambda o, q: 1,
        "over_90_days": lambda o, q: int(o.age > 90),
    },
)


def mode_key(label: Text) -> str:
    """What modes of one name under many parts have in common; "other" has the key that stands last in a Pareto."""
    return "other" if label.zh == _OTHER_MODE.zh else label.zh


def mode_counts(found: list[Case], labels: Labels) -> tuple[dict[str, float], dict[str, Text]]:
    """Cases by failure mode; the same mode under many parts is one. "Other" has the key that stands last."""
    counts: Counter[str] = Counter()
    shown: dict[str, Text] = {}
    for case in found:
        label = labels.of("failure_mode", case.failure_mode)
        key = mode_key(label)
        counts[key] += 1
        shown[key] = label
    return dict(counts), shown


class _Mode(NamedTuple):
    """One failure mode and its place in the Pareto."""

    rank: int
    label: Text
    row: ParetoRow


def _modes(query: Query) -> list[_Mode]:
    found = query.sources.cases_between("occurred_at", query.period.start, query.period.end)
    counts, shown = mode_counts(found, query.labels("fracas"))
    return [_Mode(rank, shown[row.name], row) for rank, row in enumerate(pareto(counts), start=1)]


_PARETO: Computed[_Mode] = Computed(
    facts=_modes,
    values={
        "rank": lambda m, q: m.rank,
        "failure_mode": lambda m, q: m.label[q.language],
        "failures": lambda m, q: int(m.row.count),
        "share": lambda m, q: m.row.share,
        "cumulative": lambda m, q: m.row.cumulative,
        "vital": lambda m, q: int(m.row.vital),
    },
)


COMPUTED: dict[str, Computed[Any]] = {
    "fracas_cases": _CASES,
    "fracas_backlog": _BACKLOG,
    "fracas_pareto": _PARETO,
}
