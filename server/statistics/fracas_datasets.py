"""Datasets of the FRACAS forms: cases, backlog, Pareto, failure rates."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any, NamedTuple

from server.statistics.case_months import ModeCounts
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
from server.statistics.periods import first_of_month, last_of_month, month_of, months, week_of
from server.statistics.repair_datasets import arrival_working_hours, arrived_in_time, in_warranty
from server.statistics.sources import Sources
from server.statistics.tabular import (
    Attribute,
    Computed,
    Each,
    Period,
    Query,
    Value,
    by_period,
    by_place,
    flag,
    rounded,
)
from workbooks.form import Text

OPEN_STAGES = tuple(stage for stage in Stage if stage is not Stage.CLOSED)
_OTHER_MODE = Text("其他", "Other")


def _answer(name: str) -> Value:
    """The label of a case's answer; blank where there is none."""
    return Each(attrgetter(name), lambda code, query: query.label("fracas", name, code))


_CASES: Computed[Case] = Computed(
    facts=lambda q: q.sources.cases_between("reported_at", q.period.start, q.period.end),
    values={
        **by_period(lambda case: case.reported_at),
        **by_place(),
        **{name: Attribute(name) for name in ("number", "reported_at", "occurred_at")},
        **{name: Attribute(name) for name in ("line", "vehicle_type", "car", "serial_no", "close_days")},
        **{name: _answer(name) for name in ("customer", "vehicle", "system", "subsystem", "part", "failure_mode")},
        **{name: _answer(name) for name in ("severity", "responsibility", "root_cause_category", "warranty")},
        "effectiveness": _answer("effectiveness"),
        "week": Each(lambda c: c.reported_at.date(), lambda day, q: week_of(day)),
        "occurred_month": Each(lambda c: c.occurred_at.date(), lambda day, q: month_of(day)),
        "stage": Each(attrgetter("stage"), lambda stage, q: STAGE_LABELS[stage][q.language]),
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
        "critical": lambda c, q: int(c.severity == "critical"),
        "effective": lambda c, q: None if c.effectiveness is None else int(c.effectiveness == "effective"),
        "first_of_vehicle": lambda c, q: q.first("vehicle", (c.reported_at.year, c.reported_at.month, c.vehicle)),
        "first_of_customer": lambda c, q: q.first("customer", (c.reported_at.year, c.reported_at.month, c.customer)),
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
    candidates = sources.open_after(ends[0]) if ends else []
    for day in ends:
        instant = sources.instant(day)
        for case in candidates:
            then = case if instant == sources.now else case.until(instant)
            if then is not None and then.open:
                yield _Open(day, then, then.age_days(instant))


def _named(name: str) -> Value:
    """The label of an open case's answer, also where there is none."""
    return Each(attrgetter(f"case.{name}"), lambda code, query: query.named("fracas", name, code))


_BACKLOG: Computed[_Open] = Computed(
    facts=lambda q: open_cases(q.sources, q.period),
    values={
        **by_place(lambda o: o.case.station),
        **{name: _named(name) for name in ("part", "severity", "responsibility")},
        "month": Each(attrgetter("day"), lambda day, q: month_of(day)),
        "as_of_date": Attribute("day"),
        "number": Attribute("case.number"),
        "stage": Each(attrgetter("case.stage"), lambda stage, q: STAGE_LABELS[stage][q.language]),
        "age_days": Attribute("age"),
        "age_bucket": Each(attrgetter("age"), lambda age, q: AGE_LABELS[bucket_of(age)][q.language]),
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


def _whole_months(period: Period) -> bool:
    first, last = period.start, period.end
    return (first is None or first == first_of_month(first)) and (last is None or last == last_of_month(last))


def _counted(query: Query) -> tuple[Mapping[str, float], Mapping[str, Text]]:
    """The same as `mode_counts` of the period; whole months come from the sums kept of them."""
    first, last, labels = query.period.start, query.period.end, query.labels("fracas")
    if not _whole_months(query.period):
        return mode_counts(query.sources.cases_between("occurred_at", first, last), labels)
    codes: Counter[str | None] = Counter()
    for code, *sums in query.sources.sums("modes", ("failure_mode",), first, last):
        codes[code or None] += ModeCounts(*sums).failures
    counts: Counter[str] = Counter()
    shown: dict[str, Text] = {}
    for code in sorted(codes, key=str):
        if codes[code]:
            label = labels.of("failure_mode", code)
            counts[mode_key(label)] += codes[code]
            shown[mode_key(label)] = label
    return counts, shown


def _modes(query: Query) -> list[_Mode]:
    counts, shown = _counted(query)
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
