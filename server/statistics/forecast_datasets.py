"""Dataset of what is still to come in warranty: failures expected in each of the next twelve months, with limits."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

from server.statistics.measures import Limits
from server.statistics.observed import Observed
from server.statistics.periods import last_of_month, month_of, months, months_later
from server.statistics.rate_datasets import limit
from server.statistics.reliability.spares import forecast
from server.statistics.tabular import Computed, Query, rounded
from server.statistics.vehicles import vehicles

MONTHS_AHEAD = 12
_PACE_DAYS = 365  # how long the pace is looked at: a whole year has all its seasons


class _Month(NamedTuple):
    """One train type in one coming month: *trains* in warranty and the kilometres they will run in it."""

    type: str
    month: date
    trains: int
    km: float
    failures: int
    run: float
    expected: tuple[float, Limits] | None


def _coming(query: Query) -> Iterator[_Month]:
    seen = Observed.of(query)
    if seen is None:
        return
    fleet, until = query.sources.fleet, {v.code: v.warranty_until for v in vehicles(query.sources)}
    tomorrow = seen.last + timedelta(days=1)
    for type_, codes in fleet.of_types().items():
        own = set(codes)
        failures = sum(case.vehicle in own for case in seen.failures)
        run = fleet.kilometres(seen.first, seen.last, codes).km
        pace = {code: _pace(query, seen, code) for code in codes if until.get(code) is not None}
        for month in months(tomorrow, months_later(tomorrow, MONTHS_AHEAD - 1)):
            first, last = max(month, tomorrow), last_of_month(month)
            days = {code: _days(first, min(last, until[code] or last)) for code in pace}
            km = sum(pace[code] * days[code] for code in pace)
            trains = sum(count > 0 for count in days.values())
            if trains:
                yield _Month(type_, month, trains, km, failures, run, forecast(failures, run, km))


def _pace(query: Query, seen: Observed, code: str) -> float:
    """Kilometres a day of one train over its last year; none once it is retired."""
    train = query.sources.fleet.trains[code]
    if train.end is not None and train.end <= seen.last:
        return 0.0
    first = max(train.begin, seen.last - timedelta(days=_PACE_DAYS - 1))
    days = (seen.last - first).days + 1
    return query.sources.fleet.kilometres(first, seen.last, [code]).km / days if days > 0 else 0.0


def _days(first: date, last: date) -> int:
    return max(0, (last - first).days + 1)


_COMING: Computed[_Month] = Computed(
    facts=_coming,
    values={
        "vehicle_type": lambda r, q: r.type,
        "month": lambda r, q: month_of(r.month),
        "trains": lambda r, q: r.trains,
        "kilometres": lambda r, q: rounded(r.km, 0),
        "failures": lambda r, q: r.failures,
        "run": lambda r, q: rounded(r.run, 0),
        "expected": lambda r, q: rounded(r.expected[0]) if r.expected else None,
        "lower": lambda r, q: limit(r.expected[1], False, 0) if r.expected else None,
        "upper": lambda r, q: limit(r.expected[1], True, 0) if r.expected else None,
    },
)

COMPUTED: dict[str, Computed[Any]] = {"warranty_forecast": _COMING}
