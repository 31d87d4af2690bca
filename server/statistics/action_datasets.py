"""Datasets of cause and cure: lives of parts by Weibull, and whether corrective actions worked."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from math import inf
from typing import Any, NamedTuple

from server.statistics.cases import Case, counts_for_rate
from server.statistics.observed import TEN_THOUSAND_KM, Observed, moment
from server.statistics.rate_datasets import limit
from server.statistics.reliability.effectiveness import Effect, effect
from server.statistics.reliability.life import Life, Weibull, kaplan_meier, weibull
from server.statistics.reliability.minimums import NO_QUANTITY
from server.statistics.tabular import Computed, Query, rounded
from workbooks.form import Text

Row = Mapping[str, Any]


def _reported(query: Query, given: str) -> Iterator[tuple[Case, Row]]:
    """Every case in which this is *given*, with the whole of its form and its parts replaced; selected or not."""
    for row in query.sources.view.rows("fracas", "replaced_parts", given=given):
        if row["reported_at"] and row["occurred_at"]:
            case = Case.of(row).until(query.sources.now)
            if case is not None:
                yield case, row


class _Removal(NamedTuple):
    """Pieces taken out for a failure, by the serial numbers on its form."""

    case: Case
    day: date
    removed: str
    fitted: str
    quantity: int


class _Fit(NamedTuple):
    part: str
    mode: str
    fit: Weibull
    median: float | None


def _weibulls(query: Query) -> Iterator[_Fit]:
    seen = Observed.of(query)
    if seen is None:
        return
    removals = _removals(query, seen)
    modes = sorted({(r.case.part, r.case.failure_mode) for r in removals if counts_for_rate(r.case)}, key=str)
    for part, mode in modes:
        if part is None or mode is None:
            continue
        lives = _lives(query, seen, part, mode, [r for r in removals if r.case.part == part])
        if lives is None:
            n = sum(r.quantity for r in removals if (r.case.part, r.case.failure_mode) == (part, mode))
            yield _Fit(part, mode, Weibull(failures=n, censored=0, reason=NO_QUANTITY), None)
            continue
        median = kaplan_meier(lives).quantile(0.5)
        # While less than half have failed a mean is extrapolation: millions of kilometres nobody has seen.
        yield _Fit(part, mode, weibull(lives, mean=median is not None), median)


def _removals(query: Query, seen: Observed) -> list[_Removal]:
    """Pieces replaced on observed trains by the last day, in order; a period's beginning does not hide older ones."""
    trains, found = query.sources.fleet.trains, []
    for case, row in _reported(query, "replaced_parts"):
        if case.vehicle not in trains or case.occurred_at.date() > seen.last or not query.sources.selected(case):
            continue
        for line in row["replaced_parts"]:
            removed, fitted = (str(line[name] or "").strip() for name in ("removed_serial", "fitted_serial"))
            found.append(_Removal(case, case.occurred_at.date(), removed, fitted, int(line["quantity"] or 0)))
    return sorted(found, key=lambda removal: (removal.case.occurred_at, removal.case.number))


def _lives(query: Query, seen: Observed, part: str, mode: str, removals: list[_Removal]) -> list[Life] | None:
    """
    The lives of all pieces of *part* on the observed trains; None where no type has a quantity.

    A removal for *mode* is a failure, any other removal and every piece still fitted is
    censored. What was there from the start entered at the age the train had then.
    """
    fleet, known = query.sources.fleet, False
    lives: list[Life] = []
    by_train: dict[str, list[_Removal]] = defaultdict(list)
    for removal in removals:
        by_train[removal.case.vehicle or ""].append(removal)
    for code in seen.codes():
        quantity = query.sources.fitted_parts.of(fleet.trains[code].type, part, seen.last)
        if quantity is None:
            continue
        known = True
        lives += _of_train(query, seen, code, quantity, mode, by_train[code])
    return lives if known else None


def _of_train(
    query: Query, seen: Observed, code: str, quantity: int, mode: str, removals: list[_Removal]
) -> Iterator[Life]:
    fleet = query.sources.fleet
    train = fleet.trains[code]
    entry = fleet.age(code, train.begin.toordinal() - 1) / TEN_THOUSAND_KM
    end = fleet.age(code, min(train.end or seen.last, seen.last).toordinal()) / TEN_THOUSAND_KM
    fitted: dict[str, float] = {}
    originals = quantity
    for removal in removals:
        at = fleet.age(code, moment(removal.case.occurred_at)) / TEN_THOUSAND_KM
        failed = removal.case.failure_mode == mode and counts_for_rate(removal.case)
        born = fitted.pop(removal.removed, None)
        if born is not None:
            yield Life(at - born, failed)
        elif originals > 0:
            pieces = min(removal.quantity, originals)
            originals -= pieces
            yield Life(at, failed, entry, pieces)
        if removal.fitted:
            fitted[removal.fitted] = at
    if originals:
        yield Life(end, False, entry, originals)
    for born in fitted.values():
        yield Life(end - born, False)


_WEIBULL: Computed[_Fit] = Computed(
    facts=_weibulls,
    values={
        "part": lambda r, q: q.master("products", r.part),
        "failure_mode": lambda r, q: q.named("fracas", "failure_mode", r.mode),
        "failures": lambda r, q: r.fit.failures,
        "censored": lambda r, q: r.fit.censored,
        "shape": lambda r, q: rounded(r.fit.shape, 3),
        "shape_lower": lambda r, q: limit(r.fit.shape_limits, False),
        "shape_upper": lambda r, q: limit(r.fit.shape_limits, True),
        "scale": lambda r, q: rounded(r.fit.scale, 2),
        "b10": lambda r, q: rounded(r.fit.b10, 2),
        "b10_lower": lambda r, q: limit(r.fit.b10_limits, False, 2),
        "b10_upper": lambda r, q: limit(r.fit.b10_limits, True, 2),
        "mean": lambda r, q: rounded(r.fit.mean, 2),
        "mean_lower": lambda r, q: limit(r.fit.mean_limits, False, 2),
        "mean_upper": lambda r, q: limit(r.fit.mean_limits, True, 2),
        "median": lambda r, q: rounded(r.median, 2),
        "reason": lambda r, q: _told(r.fit.reason or r.fit.warning, q),
    },
)


def _told(text: Text | None, query: Query) -> str | None:
    return None if text is None else text[query.language]


_BY_TRAIN = Text("各车实施日期", "each train's own day")
_BY_FORMS = Text("表单中各车完成日，其余按最早完成日", "each train's day on the forms, else the first day of all")


_UNIT = Text("万公里", "× 10⁴ km")


@dataclass(frozen=True, slots=True)
class _Acted:
    """One corrective action: its change number, modes, since when, and what it did."""

    change: str
    modes: tuple[str, ...]
    since: date
    trains: int
    basis: Text
    effect: Effect


def _acted(query: Query) -> Iterator[_Acted]:
    seen = Observed.of(query)
    if seen is None:
        return
    for change, cases in sorted(_actions(query).items()):
        days, basis = _days(query, change, cases)
        if not days:
            continue
        first = min(days.values())
        modes = tuple(sorted({case.failure_mode for case in cases if case.failure_mode}))
        codes = seen.codes()
        systems, changed, reached = [], [], 0
        for code in codes:
            system = seen.system(code, [c for c in seen.by_train[code] if c.failure_mode in modes])
            if system.end <= system.start:
                continue
            day = days.get(code, inf if basis is _BY_TRAIN else first)
            systems.append(system)
            reached += day != inf
            changed.append(_at(query, code, day))
        if systems and reached:
            yield _Acted(change, modes, first, reached, basis, effect(systems, changed, unit=_UNIT))


def _actions(query: Query) -> dict[str, list[Case]]:
    """The cases that name each change, selected or not: it may have been thought of elsewhere."""
    found: dict[str, list[Case]] = defaultdict(list)
    for case, row in _reported(query, "change_no"):
        change = str(row["change_no"] or "").strip()
        if change and case.analysed_on is not None:
            found[change].append(case)
    return found


def _days(query: Query, change: str, cases: list[Case]) -> tuple[dict[str, date], Text]:
    """When the change reached which train: from the master data, else from the forms."""
    if known := query.sources.retrofits.get(change):
        return known, _BY_TRAIN
    found: dict[str, date] = {}
    for case in cases:
        if case.vehicle and case.completed_on is not None:
            found[case.vehicle] = min(case.completed_on, found.get(case.vehicle, case.completed_on))
    return found, _BY_FORMS


def _at(query: Query, code: str, day: date | float) -> float:
    """The end of *day* on the train's own scale; the day itself still counts as before."""
    return query.sources.fleet.age(code, day.toordinal()) / TEN_THOUSAND_KM if isinstance(day, date) else day


def _per_million(rate: float | None) -> float | None:
    return None if rate is None else rounded(rate * 1e6 / TEN_THOUSAND_KM, 3)


_EFFECTS: Computed[_Acted] = Computed(
    facts=_acted,
    values={
        "change_no": lambda r, q: r.change,
        "failure_mode": lambda r, q: ("、" if q.language == "zh" else ", ").join(
            sorted({q.named("fracas", "failure_mode", mode) for mode in r.modes})
        ),
        "since": lambda r, q: r.since,
        "trains": lambda r, q: r.trains,
        "basis": lambda r, q: r.basis[q.language],
        "failures_before": lambda r, q: r.effect.events_before,
        "kilometres_before": lambda r, q: rounded(r.effect.exposure_before * TEN_THOUSAND_KM, 0),
        "rate_before": lambda r, q: _per_million(r.effect.rate_before),
        "failures_after": lambda r, q: r.effect.events_after,
        "kilometres_after": lambda r, q: rounded(r.effect.exposure_after * TEN_THOUSAND_KM, 0),
        "rate_after": lambda r, q: _per_million(r.effect.rate_after),
        "ratio": lambda r, q: rounded(r.effect.ratio, 3),
        "lower": lambda r, q: limit(r.effect.limits, False),
        "upper": lambda r, q: limit(r.effect.limits, True),
        "p_value": lambda r, q: rounded(r.effect.p_value, 5),
        "power": lambda r, q: rounded(r.effect.power, 4),
        "needed": lambda r, q: None if r.effect.needed is None else rounded(r.effect.needed * TEN_THOUSAND_KM, 0),
        "verdict": lambda r, q: r.effect.verdict[q.language],
        "note": lambda r, q: r.effect.note[q.language],
    },
)

COMPUTED: dict[str, Computed[Any]] = {"weibull": _WEIBULL, "ca_effectiveness": _EFFECTS}
