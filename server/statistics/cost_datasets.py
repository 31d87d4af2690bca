"""Costs as far as the forms name them: trips by kind, and compensation; per case, train-year and km."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from server.statistics.case_months import Measures
from server.statistics.feedback_datasets import all_feedback
from server.statistics.measures import ratio
from server.statistics.named_cases import cases_named
from server.statistics.observed import TEN_THOUSAND_KM, Observed
from server.statistics.periods import first_of_month, last_of_month, month_begin, months
from server.statistics.sources import Sources
from server.statistics.tabular import Computed, Query, by_period, by_place, rounded
from workbooks.form import Text

KINDS: Mapping[str, Text] = {
    "travel": Text("交通", "Travel"),
    "lodging": Text("住宿", "Lodging"),
    "allowance": Text("补助", "Allowance"),
    "other": Text("其他差旅", "Other travel cost"),
    "compensation": Text("赔偿", "Compensation"),
}
# 002 §7 names these stages; what no form assigns is never dropped.
STAGES: Mapping[str, Text] = {
    "installation": Text("安装阶段", "Installation"),
    "in_warranty": Text("保修期内", "In warranty"),
    "out_of_warranty": Text("保修期外", "Out of warranty"),
    "none": Text("未归类", "Not assigned"),
}
_SOURCES = {"trip": Text("出差", "Trip"), "feedback": Text("客户反馈", "Feedback")}


class _Cost(NamedTuple):
    """One amount, in yuan."""

    number: str
    source: str
    day: date
    station: str | None
    customer: str | None
    kind: str
    stage: str
    amount: float


def _costs(query: Query) -> list[_Cost]:
    found = [cost for cost in (*_of_trips(query.sources), *_of_feedback(query.sources)) if query.period.holds(cost.day)]
    return sorted(found, key=lambda cost: (cost.day, cost.number, list(KINDS).index(cost.kind)))


def _of_trips(sources: Sources) -> Iterator[_Cost]:
    trips = [trip for trip in sources.trips if trip.costs and trip.summary_no and trip.returned_on]
    warranty = _warranty(sources, (trip.failure_no for trip in trips if trip.failure_no))
    for trip in trips:
        stage = "installation" if trip.purpose == "installation" else warranty.get(trip.failure_no or "", "none")
        assert trip.summary_no is not None
        assert trip.returned_on is not None
        for kind, amount in trip.costs.items():
            yield _Cost(
                trip.summary_no, "trip", trip.returned_on, trip.station, trip.customer, kind, _stage(stage), amount
            )


def _of_feedback(sources: Sources) -> Iterator[_Cost]:
    for feedback in all_feedback(sources):
        if feedback.compensation:
            yield _Cost(
                feedback.number, "feedback", feedback.received_at.date(), feedback.station, feedback.customer,
                "compensation", _stage(feedback.warranty), feedback.compensation,
            )  # fmt: skip


def _stage(name: str | None) -> str:
    return name if name is not None and name in STAGES else "none"


def _warranty(sources: Sources, numbers: Iterable[str]) -> Mapping[str, str]:
    """Whether the cases with these *numbers* were in warranty, for those that the viewer may see."""
    return {number: case.warranty for number, case in cases_named(sources.view, numbers).items() if case.warranty}


_COSTS: Computed[_Cost] = Computed(
    facts=_costs,
    values={
        **by_period(lambda c: c.day),
        **by_place(),
        "number": lambda c, q: c.number,
        "source": lambda c, q: _SOURCES[c.source][q.language],
        "booked_on": lambda c, q: c.day,
        "customer": lambda c, q: q.master("customers", c.customer),
        "kind": lambda c, q: KINDS[c.kind][q.language],
        "stage": lambda c, q: STAGES[c.stage][q.language],
        "amount": lambda c, q: c.amount,
    },
)


class _Month(NamedTuple):
    """What one station cost in one month, and what that is divided by."""

    month: date
    station: str | None
    amount: float | None
    cases: int
    train_days: int
    km: float


def _months(query: Query) -> Iterator[_Month]:
    """Every month from the first cost, case or train of the period on, for every station that has any of them."""
    amounts: Counter[tuple[date, str | None]] = Counter()
    for cost in _costs(query):
        amounts[first_of_month(cost.day), cost.station] += cost.amount  # type: ignore[assignment]
    first = min((month for month, _ in amounts), default=None)
    seen = Observed.of(query)
    begin = min((day for day in (first, seen.first if seen else None) if day is not None), default=None)
    if begin is None:
        return
    begin = max(begin, query.period.start or begin)
    last = min(query.period.end or query.sources.today, query.sources.today)
    cases = _cases(query, begin, last)
    trains = query.sources.fleet.trains
    stations = {station for _, station in (*amounts, *cases)} | {train.station or None for train in trains.values()}
    for month in months(begin, last):
        start, end = max(month, begin), min(last_of_month(month), last)
        for station in sorted(stations, key=lambda code: code or ""):
            own = [train for train in trains.values() if (train.station or None) == station]
            days = sum(max(0, (min(train.end or end, end) - max(train.begin, start)).days + 1) for train in own)
            km = query.sources.fleet.kilometres(start, end, [train.code for train in own]).km
            found = _Month(month, station, amounts.get((month, station)), cases[month, station], days, km)
            if any(found[2:]):
                yield found


def _cases(query: Query, first: date, last: date) -> Counter[tuple[date, str | None]]:
    """Cases by the month reported and station; whole months from the sums kept of them."""
    found: Counter[tuple[date, str | None]] = Counter()
    whole = last == last_of_month(last) or last == query.sources.today
    if query.period.start is None or (whole and first == first_of_month(first)):
        for month, station, *sums in query.sources.sums("cases", ("month", "station"), first, last):
            found[month_begin(month), station or None] = Measures(*sums).failures
        return found
    for case in query.sources.cases_between("reported_at", first, last):
        found[first_of_month(case.reported_at.date()), case.station] += 1
    return found


def _each(amount: float | None, units: float) -> float | None:
    return None if amount is None else ratio(amount, units)


_RATES: Computed[_Month] = Computed(
    facts=_months,
    values={
        **by_period(lambda m: m.month),
        **by_place(),
        "amount": lambda m, q: rounded(m.amount),
        "cases": lambda m, q: m.cases,
        "train_years": lambda m, q: rounded(m.train_days / 365),
        "ten_thousand_km": lambda m, q: rounded(m.km / TEN_THOUSAND_KM),
        "per_case": lambda m, q: rounded(_each(m.amount, m.cases)),
        "per_train_year": lambda m, q: rounded(_each(m.amount, m.train_days / 365)),
        "per_ten_thousand_km": lambda m, q: rounded(_each(m.amount, m.km / TEN_THOUSAND_KM)),
    },
)

COMPUTED: dict[str, Computed[Any]] = {"costs": _COSTS, "cost_rates": _RATES}
