"""Datasets of the history of failures, added up by month: what a report of many years is made of."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

from server.statistics.case_months import Part
from server.statistics.cases import STAGE_LABELS, Stage
from server.statistics.figures import AGE_LABELS
from server.statistics.history import KINDS
from server.statistics.periods import month_begin, month_of, quarter_of
from server.statistics.tabular import Query, Summed, rounded

_HOUR = 3_600_000_000  # microseconds
_Columns = Mapping[str, Sequence[Any]]
_Value = Callable[[_Columns, Query], Sequence[Any]]


def _summed(part: Part, *by: str) -> Callable[[Query], _Columns]:
    """The columns *by* and the sums of the months asked for."""
    names = (*by, *KINDS[part].sums._fields)

    def columns(query: Query) -> _Columns:
        rows = query.sources.sums(part, by, query.period.start, query.period.end)
        return dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())

    return columns


def _each(name: str, label: Callable[[Any, Query], Any]) -> _Value:
    """What *label* says of every value of a column; it is asked once for each."""

    def column(columns: _Columns, query: Query) -> list[Any]:
        found: dict[Hashable, Any] = {value: label(value, query) for value in set(columns[name])}
        return list(map(found.__getitem__, columns[name]))

    return column


def _answer(name: str) -> _Value:
    """The label of what the cases of a row answered."""
    return _each(name, lambda code, query: query.named("fracas", name, code or None))


def _hours(name: str) -> _Value:
    return lambda columns, query: [rounded(value / _HOUR) for value in columns[name]]


def _same(*names: str) -> dict[str, _Value]:
    """Columns that are shown as they are."""

    def shown(name: str) -> _Value:
        return lambda columns, query: columns[name]

    return {name: shown(name) for name in names}


_DIMENSIONS: dict[str, _Value] = {
    "year": _each("month", lambda month, query: month // 100),
    "quarter": _each("month", lambda month, query: quarter_of(month_begin(month))),
    "month": _each("month", lambda month, query: month_of(month_begin(month))),
    "region": _each("station", lambda code, query: query.region(code)),
    "station": _each("station", lambda code, query: query.master("stations", code)),
    "vehicle_type": _each("vehicle_type", lambda kind, query: kind or None),
    "system": _answer("system"),
}

_MODES: dict[str, _Value] = {
    "part": _answer("part"),
    "failure_mode": _answer("failure_mode"),
    **_same("failures", "counted"),
    "repeats": lambda columns, query: columns["repeated"],
}

COMPUTED: dict[str, Summed] = {
    "fracas_months": Summed(
        columns=_summed("cases", "month", "station", "customer", "vehicle_type", "system", "severity"),
        values={
            **_DIMENSIONS,
            "customer": _answer("customer"),
            "severity": _answer("severity"),
            **_same("failures", "closed", "close_days", "unanswered", "responded", "arrived", "repaired", "planned"),
            **_same("overdue", "judged", "decided", "watched", "returned", "duplicates", "in_warranty"),
            **_same("out_of_warranty"),
            "response_hours": _hours("response"),
            "arrival_hours": _hours("arrival"),
            "repair_hours": _hours("repair"),
            "fixed_first_time": lambda columns, query: columns["fixed"],
            "repeats": lambda columns, query: columns["repeated"],
        },
    ),
    "fracas_month_modes": Summed(
        columns=_summed("modes", "month", "station", "vehicle_type", "system", "part", "failure_mode"),
        values={**_DIMENSIONS, **_MODES},
    ),
    "fracas_year_modes": Summed(
        columns=_summed("modes", "year", "station", "vehicle_type", "system", "part", "failure_mode"),
        values={
            **_same("year"),
            **{name: _DIMENSIONS[name] for name in ("region", "station", "vehicle_type", "system")},
            **_MODES,
        },
    ),
    "fracas_month_backlog": Summed(
        columns=_summed("backlog", "month", "station", "vehicle_type", "system", "stage", "age"),
        values={
            **_DIMENSIONS,
            "stage": _each("stage", lambda stage, query: STAGE_LABELS[Stage(stage)][query.language]),
            "age_bucket": _each("age", lambda age, query: AGE_LABELS[age][query.language]),
            **_same("open", "over_90_days"),
        },
    ),
}
