"""Datasets of change: reliability growth, trend tests, mean cumulative functions of the fleet and of single trains."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from server.statistics.cases import Case
from server.statistics.fracas_datasets import mode_counts, mode_key
from server.statistics.labels import UNKNOWN, Labels
from server.statistics.observed import TEN_THOUSAND_KM, Observed
from server.statistics.rate_datasets import limit
from server.statistics.reliability.growth import Duane, Growth, crow_amsaa, duane
from server.statistics.reliability.mcf import Mcf, McfPoint, mean_cumulative
from server.statistics.reliability.minimums import FAILURES_FOR_TREND
from server.statistics.reliability.trend import Trend, adjusted, trend
from server.statistics.tabular import Computed, Query, Value, flag, rounded
from workbooks.form import Text

_FLEET = Text("全部列车", "all trains")
_MODES = 12  # curves that still can be told apart
_POINTS = 60  # more steps than that nobody sees on a chart
Point = TypeVar("Point")


class Scope(NamedTuple):
    """What a curve is about: all trains, those of a type, or the failures of a product of level 1."""

    kind: Text
    label: Text
    codes: list[str]
    cases: list[Case]


def scopes(query: Query, seen: Observed, *, systems: bool) -> Iterator[Scope]:
    """The fleet, each train type, and with *systems* each product of level 1, with their failures."""
    everywhere = seen.codes()
    yield Scope(Text("车队", "fleet"), _FLEET, everywhere, seen.failures)
    for type_ in sorted({query.sources.fleet.trains[code].type for code in everywhere}):
        codes = seen.codes(type_)
        mine = set(codes)
        own = [case for case in seen.failures if case.vehicle in mine]
        yield Scope(Text("车型", "train type"), Text(type_, type_), codes, own)
    for system in sorted({case.system for case in seen.failures if case.system}) if systems else ():
        row = query.names.row("products", system)
        label = Text(row.label("zh"), row.label("en")) if row is not None else Text(system, system)
        own = [case for case in seen.failures if case.system == system]
        yield Scope(Text("系统", "system"), label, everywhere, own)


def thinned(points: Sequence[Point], most: int = _POINTS) -> list[Point]:
    """At most *most* of *points*, the last always among them."""
    if len(points) <= most:
        return list(points)
    return [points[round(at * (len(points) - 1) / (most - 1))] for at in range(most)]


class _Growth(NamedTuple):
    scope: Scope
    growth: Growth


def _growth(query: Query) -> Iterator[_Growth]:
    seen = Observed.of(query)
    if seen is not None:
        for scope in scopes(query, seen, systems=True):
            yield _Growth(scope, crow_amsaa([seen.together(scope.codes, scope.cases)]))


def _km(value: float | None) -> float | None:
    """From the unit of the systems to kilometres."""
    return None if value is None else rounded(value * TEN_THOUSAND_KM, 0)


_SCOPE: dict[str, Value] = {
    "scope_kind": lambda r, q: r.scope.kind[q.language],
    "scope": lambda r, q: r.scope.label[q.language],
}

_GROWTH: Computed[_Growth] = Computed(
    facts=_growth,
    values={
        **_SCOPE,
        "failures": lambda r, q: r.growth.n,
        "kilometres": lambda r, q: _km(r.growth.exposure),
        "beta": lambda r, q: rounded(r.growth.beta, 4),
        "beta_lower": lambda r, q: limit(r.growth.beta_limits, False, 4),
        "beta_upper": lambda r, q: limit(r.growth.beta_limits, True, 4),
        "cumulative": lambda r, q: _km(r.growth.cumulative),
        "current": lambda r, q: _km(r.growth.current),
        "lower": lambda r, q: _km(r.growth.current_limits.lower) if r.growth.current_limits else None,
        "upper": lambda r, q: _km(r.growth.current_limits.upper) if r.growth.current_limits else None,
        "c2": lambda r, q: rounded(r.growth.fit.statistic, 4) if r.growth.fit else None,
        "critical": lambda r, q: r.growth.fit.critical if r.growth.fit else None,
        "fits": lambda r, q: flag(r.growth.fit.fits) if r.growth.fit else None,
        "verdict": lambda r, q: r.growth.verdict[q.language],
    },
)


class _GrowthPoint(NamedTuple):
    scope: Scope
    k: int
    km: float
    mean: float
    growth: Growth
    line: Duane


def _growth_points(query: Query) -> Iterator[_GrowthPoint]:
    seen = Observed.of(query)
    if seen is None:
        return
    for scope in scopes(query, seen, systems=False):
        system = seen.together(scope.codes, scope.cases)
        growth = crow_amsaa([system])
        if growth.beta is None:
            continue
        line = duane(system.events)
        for k, (km, mean) in thinned(list(enumerate(line.points, start=1))):
            yield _GrowthPoint(scope, k, km, mean, growth, line)


def _crow(point: _GrowthPoint) -> float | None:
    """The mean between failures so far by the fitted power law."""
    growth = point.growth
    if growth.beta is None or growth.lam is None:
        return None
    return float(point.km ** (1 - growth.beta) / growth.lam)


_GROWTH_POINTS: Computed[_GrowthPoint] = Computed(
    facts=_growth_points,
    values={
        **_SCOPE,
        "k": lambda r, q: r.k,
        "kilometres": lambda r, q: _km(r.km),
        "mean": lambda r, q: _km(r.mean),
        "crow_amsaa": lambda r, q: _km(_crow(r)),
        "duane": lambda r, q: _km(r.line.cumulative(r.km)),
    },
)


@dataclass(frozen=True, slots=True)
class _Tested:
    """A failure mode over all trains, or one train over all modes."""

    kind: Text
    label: Text
    trend: Trend
    adjusted: float | None


_MORE = {
    "more": Text("越来越频繁", "more and more often"),
    "fewer": Text("越来越少", "less and less often"),
    "": Text("无明显趋势", "no clear trend"),
}


def _tested(query: Query) -> Iterator[_Tested]:
    seen = Observed.of(query)
    if seen is None:
        return
    labels = query.labels("fracas")
    counts, shown = mode_counts(seen.failures, labels)
    modes = [
        (shown[key], trend(seen.systems(seen.codes(), lambda case, key=key: _mode(case, labels) == key)))  # type: ignore[misc]
        for key in sorted(counts, key=lambda key: (key == "other", -counts[key], key))
    ]
    yield from _adjusted(Text("故障模式", "failure mode"), modes)
    trains = [
        (_train(query, code), trend([seen.system(code, own)]))
        for code, own in seen.by_train.items()
        if len(own) >= FAILURES_FOR_TREND
    ]
    yield from _adjusted(Text("列车", "train"), trains)


def _mode(case: Case, labels: Labels) -> str:
    """The key `mode_counts` has for the mode of *case*."""
    return mode_key(labels.of("failure_mode", case.failure_mode))


def _train(query: Query, code: str) -> Text:
    row = query.names.row("vehicles", code)
    return Text(code, code) if row is None else Text(row.label("zh"), row.label("en"))


def _adjusted(kind: Text, found: Sequence[tuple[Text, Trend]]) -> Iterator[_Tested]:
    p_values = adjusted([result.laplace.p_value if result.laplace else None for _, result in found])
    for (label, result), p_value in zip(found, p_values, strict=True):
        yield _Tested(kind, label, result, p_value)


def _trend_verdict(tested: _Tested) -> Text:
    if tested.trend.reason is not None:
        return tested.trend.reason
    assert tested.adjusted is not None
    return _MORE[tested.trend.direction if tested.adjusted < 0.05 else ""]


_TRENDS: Computed[_Tested] = Computed(
    facts=_tested,
    values={
        "kind": lambda r, q: r.kind[q.language],
        "tested": lambda r, q: r.label[q.language],
        "failures": lambda r, q: r.trend.n,
        "laplace": lambda r, q: rounded(r.trend.laplace.statistic, 3) if r.trend.laplace else None,
        "laplace_p": lambda r, q: rounded(r.trend.laplace.p_value, 5) if r.trend.laplace else None,
        "handbook": lambda r, q: rounded(r.trend.handbook.statistic, 2) if r.trend.handbook else None,
        "handbook_p": lambda r, q: rounded(r.trend.handbook.p_value, 5) if r.trend.handbook else None,
        "lewis_robinson": lambda r, q: rounded(r.trend.lewis_robinson.statistic, 3) if r.trend.lewis_robinson else None,
        "adjusted_p": lambda r, q: rounded(r.adjusted, 5),
        "verdict": lambda r, q: _trend_verdict(r)[q.language],
    },
)


class _McfRow(NamedTuple):
    scope: Scope
    curve: Mcf
    point: McfPoint


def _mcf(query: Query) -> Iterator[_McfRow]:
    seen = Observed.of(query)
    if seen is None:
        return
    for scope in scopes(query, seen, systems=False):
        curve = mean_cumulative(seen.systems(scope.codes))
        for point in thinned(curve.points):
            yield _McfRow(scope, curve, point)


_MCF_POINT: dict[str, Value] = {
    "age": lambda r, q: rounded(r.point.x, 3),
    "at_risk": lambda r, q: r.point.at_risk,
    "failures": lambda r, q: r.curve.n,
    "mcf": lambda r, q: rounded(r.point.mcf, 4),
    "lower": lambda r, q: limit(r.point.limits, False, 4),
    "upper": lambda r, q: limit(r.point.limits, True, 4),
    "reason": lambda r, q: None if r.curve.reason is None else r.curve.reason[q.language],
}

_MCF: Computed[_McfRow] = Computed(facts=_mcf, values={**_SCOPE, **_MCF_POINT})


class _ModeRow(NamedTuple):
    mode: Text
    curve: Mcf
    point: McfPoint


def _mcf_modes(query: Query) -> Iterator[_ModeRow]:
    """The most frequent failure modes, each over all trains; a mode that nobody has named is none."""
    seen = Observed.of(query)
    if seen is None:
        return
    labels = query.labels("fracas")
    counts, shown = mode_counts(seen.failures, labels)
    often = [key for key, n in counts.items() if key not in ("other", UNKNOWN.zh) and n >= FAILURES_FOR_TREND]
    for key in sorted(often, key=lambda key: (-counts[key], key))[:_MODES]:
        curve = mean_cumulative(seen.systems(seen.codes(), lambda case, key=key: _mode(case, labels) == key))  # type: ignore[misc]
        for point in thinned(curve.points):
            yield _ModeRow(shown[key], curve, point)


_MCF_MODES: Computed[_ModeRow] = Computed(
    facts=_mcf_modes,
    values={"failure_mode": lambda r, q: r.mode[q.language], **_MCF_POINT},
)


class _TrainPoint(NamedTuple):
    """One failure of one train, or the end of its observation, beside what trains of its type have had by then."""

    code: str
    type: str
    age: float
    own: int
    expected: float
    n: int


def _train_points(query: Query) -> Iterator[_TrainPoint]:
    seen = Observed.of(query)
    if seen is None:
        return
    trains = query.sources.fleet.trains
    for type_ in sorted({train.type for train in trains.values()}):
        systems = {code: seen.system(code, seen.by_train[code]) for code in seen.codes(type_)}
        systems = {code: system for code, system in systems.items() if system.end > system.start}
        curve = mean_cumulative(list(systems.values()))
        for code, system in systems.items():
            for own, age in enumerate([*system.events, system.end], start=1):
                count = min(own, len(system.events))
                expected = _by(curve, age) - _by(curve, system.start)
                yield _TrainPoint(code, type_, age, count, expected, len(system.events))


def _by(curve: Mcf, age: float) -> float:
    point = curve.at(age)
    return 0.0 if point is None else point.mcf


_TRAIN_POINTS: Computed[_TrainPoint] = Computed(
    facts=_train_points,
    values={
        "vehicle_type": lambda r, q: r.type,
        "vehicle": lambda r, q: _train(q, r.code)[q.language],
        "age": lambda r, q: rounded(r.age, 3),
        "own": lambda r, q: r.own,
        "expected": lambda r, q: rounded(r.expected, 3),
        "failures": lambda r, q: r.n,
    },
)

COMPUTED: dict[str, Computed[Any]] = {
    "reliability_growth": _GROWTH,
    "growth_points": _GROWTH_POINTS,
    "trend_tests": _TRENDS,
    "mcf": _MCF,
    "mcf_modes": _MCF_MODES,
    "mcf_trains": _TRAIN_POINTS,
}
