"""Datasets of failure rates: by train type, month and part, with exact limits; readings left out; spares."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from server.statistics.case_months import ModeCounts
from server.statistics.cases import Case, counts_for_rate
from server.statistics.exposure import Exposure
from server.statistics.meters import OddReading
from server.statistics.observed import Observed
from server.statistics.periods import first_of_month, last_of_month, month_begin, month_of, months, quarter_of
from server.statistics.reliability.minimums import NO_QUANTITY
from server.statistics.reliability.rates import (
    MILLION_KM,
    THOUSAND_HOURS,
    ControlPoint,
    Rate,
    control_chart,
    failure_rate,
)
from server.statistics.reliability.spares import Spares, forecast, spares
from server.statistics.tabular import Computed, Query, Value, flag, rounded
from workbooks.form import Text

HORIZON_DAYS = 90  # how far ahead stock is reckoned: the usual time to procure a part
_Counts = Mapping[tuple[str, date], int]


def limit(of: Any, upper: bool, digits: int = 3) -> float | None:
    """One end of an interval that may not be there."""
    return None if of is None else rounded(of.upper if upper else of.lower, digits)


def _counts(query: Query, first: date, last: date) -> _Counts:
    """Relevant failures by train type and month; whole months from the sums kept of them."""
    whole = first == first_of_month(first) and (last == last_of_month(last) or last == query.sources.today)
    found: Counter[tuple[str, date]] = Counter()
    if whole or (query.period.start is None and query.period.end is None):
        for kind, month, *counts in query.sources.sums("modes", ("vehicle_type", "month"), first, last):
            found[kind, month_begin(month)] = ModeCounts(*counts).counted
        return found
    for case in query.sources.cases_between("occurred_at", first, last):
        found[case.vehicle_type or "", first_of_month(case.occurred_at.date())] += counts_for_rate(case)
    return found


@dataclass(frozen=True, slots=True)
class _Row:
    """One train type in the month or quarter that ends with *day*."""

    type: str
    day: date
    rate: Rate
    control: ControlPoint


def _periods(first: date, last: date, size: int) -> Iterator[tuple[date, date]]:
    """Calendar periods of *size* months, the first and the last cut at the ends."""
    starts = sorted({date(m.year, (m.month - 1) // size * size + 1, 1) for m in months(first, last)})
    for start in starts:
        end = last_of_month(start.replace(month=start.month + size - 1))
        yield max(start, first), min(end, last)


def _rates(query: Query, size: int) -> Iterator[_Row]:
    seen = Observed.of(query)
    if seen is None:
        return
    counts, fleet = _counts(query, seen.first, seen.last), query.sources.fleet
    for type_, codes in fleet.of_types().items():
        spans = list(_periods(seen.first, seen.last, size))
        failures = [sum(counts.get((type_, month), 0) for month in months(begin, end)) for begin, end in spans]
        runs = [fleet.kilometres(begin, end, codes) for begin, end in spans]
        chart = control_chart(failures, [run.km / MILLION_KM for run in runs])
        for (_, end), count, run, control in zip(spans, failures, runs, chart, strict=True):
            rate = failure_rate(count, run.km, per=MILLION_KM, estimated=run.estimated_share)
            yield _Row(type_, end, rate, control)


def _reason(rate: Rate, query: Query) -> str | None:
    return None if rate.reason is None else rate.reason[query.language]


_SHARED: dict[str, Value] = {
    "vehicle_type": lambda r, q: r.type,
    "failures": lambda r, q: r.rate.failures,
    "kilometres": lambda r, q: rounded(r.rate.exposure, 0),
    "rate": lambda r, q: rounded(r.rate.rate, 3),
    "lower": lambda r, q: limit(r.rate.limits, False),
    "upper": lambda r, q: limit(r.rate.limits, True),
    "estimated": lambda r, q: r.rate.estimated,
    "uncertain": lambda r, q: flag(None if r.rate.estimated is None else r.rate.italic),
    "reason": lambda r, q: _reason(r.rate, q),
}

_RATE: Computed[_Row] = Computed(
    facts=lambda q: _rates(q, 3),
    values={
        **_SHARED,
        "quarter": lambda r, q: quarter_of(r.day),
        "mdbf": lambda r, q: rounded(r.rate.between, 0),
        "mdbf_lower": lambda r, q: limit(r.rate.between_limits, False, 0),
        "mdbf_upper": lambda r, q: limit(r.rate.between_limits, True, 0),
    },
)

_MONTHS: Computed[_Row] = Computed(
    facts=lambda q: _rates(q, 1),
    values={
        **_SHARED,
        "month": lambda r, q: month_of(r.day),
        "control_lower": lambda r, q: rounded(r.control.lower, 3),
        "control_upper": lambda r, q: rounded(r.control.upper, 3),
        "outside": lambda r, q: int(r.control.outside),
    },
)


@dataclass(frozen=True, slots=True)
class _Between:
    """One train type over the whole period: distances and times between failures."""

    type: str
    trains: int
    by_km: Rate
    service: Rate
    by_hours: Rate


def _between(query: Query) -> Iterator[_Between]:
    seen = Observed.of(query)
    if seen is None:
        return
    fleet = query.sources.fleet
    for type_, codes in fleet.of_types().items():
        own = [case for case in seen.failures if case.vehicle in set(codes)]
        run, hours = fleet.kilometres(seen.first, seen.last, codes), fleet.hours(seen.first, seen.last, codes)
        serious = sum(case.severity in ("critical", "major") for case in own)
        yield _Between(
            type_,
            len(codes),
            failure_rate(len(own), run.km, per=MILLION_KM, estimated=run.estimated_share),
            failure_rate(serious, run.km, per=MILLION_KM, estimated=run.estimated_share),
            failure_rate(len(own), hours.amount, per=THOUSAND_HOURS, estimated=hours.estimated_share),
        )


_BETWEEN: Computed[_Between] = Computed(
    facts=_between,
    values={
        "vehicle_type": lambda r, q: r.type,
        "trains": lambda r, q: r.trains,
        "failures": lambda r, q: r.by_km.failures,
        "kilometres": lambda r, q: rounded(r.by_km.exposure, 0),
        "mdbf": lambda r, q: rounded(r.by_km.between, 0),
        "mdbf_lower": lambda r, q: limit(r.by_km.between_limits, False, 0),
        "mdbf_upper": lambda r, q: limit(r.by_km.between_limits, True, 0),
        "service_failures": lambda r, q: r.service.failures,
        "mdbsf": lambda r, q: rounded(r.service.between, 0),
        "mdbsf_lower": lambda r, q: limit(r.service.between_limits, False, 0),
        "mdbsf_upper": lambda r, q: limit(r.service.between_limits, True, 0),
        "hours": lambda r, q: rounded(r.by_hours.exposure, 0) if r.by_hours.exposure else None,
        "hourly_rate": lambda r, q: rounded(r.by_hours.rate, 4),
        "mtbf": lambda r, q: rounded(r.by_hours.between, 0),
        "mtbf_lower": lambda r, q: limit(r.by_hours.between_limits, False, 0),
        "mtbf_upper": lambda r, q: limit(r.by_hours.between_limits, True, 0),
        "estimated": lambda r, q: r.by_km.estimated,
        "reason": lambda r, q: _reason(r.by_km, q),
    },
)


@dataclass(frozen=True, slots=True)
class _Part:
    """One part over the whole period: failures against the kilometres all its pieces ran."""

    part: str
    rate: Rate
    reason: Text | None


def _parts(query: Query) -> Iterator[_Part]:
    seen = Observed.of(query)
    if seen is None:
        return
    counts = Counter(case.part for case in seen.failures if case.part)
    for part, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        run = query.sources.fitted_parts.kilometres(query.sources.fleet, part, seen.first, seen.last)
        rate = failure_rate(count, run.amount if run else 0.0, per=MILLION_KM)
        yield _Part(part, rate, NO_QUANTITY if run is None else rate.reason)


_PARTS: Computed[_Part] = Computed(
    facts=_parts,
    values={
        "part": lambda r, q: q.master("products", r.part),
        "failures": lambda r, q: r.rate.failures,
        "part_kilometres": lambda r, q: rounded(r.rate.exposure, 0) if r.reason is None else None,
        "rate": lambda r, q: rounded(r.rate.rate, 5),
        "lower": lambda r, q: limit(r.rate.limits, False, 5),
        "upper": lambda r, q: limit(r.rate.limits, True, 5),
        "between": lambda r, q: rounded(r.rate.between, 0),
        "reason": lambda r, q: None if r.reason is None else r.reason[q.language],
    },
)

_READINGS: Computed[OddReading] = Computed(
    facts=lambda q: [odd for odd in q.sources.fleet.odd_readings() if q.period.holds(odd.day)],
    values={
        "vehicle": lambda r, q: r.train,
        "day": lambda r, q: r.day,
        "meter": lambda r, q: (
            Text("里程(km)", "odometer (km)")[q.language]
            if r.meter == "km"
            else Text("运行小时(h)", "operating hours")[q.language]
        ),
        "reading": lambda r, q: rounded(r.value, 1),
        "reason": lambda r, q: r.reason[q.language],
    },
)


@dataclass(frozen=True, slots=True)
class _Stock:
    part: str
    need: Spares
    forecast: tuple[float, Any] | None


def _stock(query: Query) -> Iterator[_Stock]:
    seen = Observed.of(query)
    if seen is None:
        return
    fleet = query.sources.fleet
    run = fleet.kilometres(seen.first, seen.last)
    ahead = _ahead(query, seen)
    for part, used in sorted(_used(query, seen).items(), key=lambda item: (-item[1], item[0])):
        found = forecast(used, run.km, ahead.km)
        yield _Stock(part, spares(used, run.km, ahead.km), found)


def _ahead(query: Query, seen: Observed) -> Exposure:
    """The kilometres of the next 90 days: as many as the fleet ran in the last 90."""
    return query.sources.fleet.kilometres(seen.last - timedelta(days=HORIZON_DAYS - 1), seen.last)


def _used(query: Query, seen: Observed) -> Counter[str]:
    """Pieces replaced in the period by part: a line whose name is no part's counts for the failure's own part."""
    names = {
        label: row.code
        for row in query.names.rows("products")
        for label in (row.code, row.label_zh, row.label_en, row.attributes.get("drawing_no", ""))
        if label
    }
    found: Counter[str] = Counter()
    for row in query.sources.view.rows("fracas", "replaced_parts", given="replaced_parts"):
        at, case = row["repaired_at"], Case.of({**row, "reported_at": row["reported_at"] or row["occurred_at"]})
        if at is None or not seen.first <= at.date() <= seen.last or not query.sources.selected(case):
            continue
        for line in row["replaced_parts"]:
            part = names.get(str(line["part_name"] or "").strip()) or case.part
            if part:
                found[part] += int(line["quantity"] or 0)
    return found


_SPARES: Computed[_Stock] = Computed(
    facts=_stock,
    values={
        "part": lambda r, q: q.master("products", r.part),
        "used": lambda r, q: r.need.failures,
        "kilometres": lambda r, q: rounded(r.need.exposure, 0),
        "horizon_days": lambda r, q: HORIZON_DAYS,
        "expected": lambda r, q: rounded(r.need.expected, 2),
        "expected_lower": lambda r, q: None if r.forecast is None else int(r.forecast[1].lower),
        "expected_upper": lambda r, q: None if r.forecast is None else int(r.forecast[1].upper),
        "plug_in": lambda r, q: r.need.plug_in,
        "stock": lambda r, q: r.need.predictive,
        "reason": lambda r, q: None if r.need.reason is None else r.need.reason[q.language],
    },
)

COMPUTED: dict[str, Computed[Any]] = {
    "failure_rate": _RATE,
    "failure_rate_months": _MONTHS,
    "mean_between_failures": _BETWEEN,
    "part_failure_rate": _PARTS,
    "spares": _SPARES,
    "odd_readings": _READINGS,
}
