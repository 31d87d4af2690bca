"""Datasets of trips: one row per traveller and month."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from server.statistics.deadlines import State
from server.statistics.tabular import Computed, Query, Value, by_period, by_place, flag, rounded
from server.statistics.trips import Part, Trip, parts

RATING_POINTS = {"very_satisfied": 4, "satisfied": 3, "fair": 2, "unsatisfied": 1}  # 002:L477 grades 4 to 1


@dataclass(frozen=True, slots=True)
class _Share:
    """One traveller's part of a trip in one month; the *leader*'s row carries the trip."""

    trip: Trip
    part: Part
    person: str | None
    leader: bool


def _shares(query: Query) -> list[_Share]:
    today = query.sources.today
    return [
        _Share(trip, part, person, index == 0)
        for trip in query.sources.trips
        if query.period.holds(trip.departed_on)
        for part in parts(trip.departed_on, min(trip.returned_on or today, today))
        for index, person in enumerate(trip.travellers)
    ]


def _on_time(share: _Share) -> bool | None:
    counted = share.leader and share.part.first and share.trip.summary is not State.NOT_DUE
    return share.trip.summary is State.ON_TIME if counted else None


def _whole_days(trip: Trip) -> int:
    assert trip.returned_on is not None
    return trip.person_days(trip.returned_on)


def _cost(share: _Share) -> float | None:
    trip = share.trip
    return rounded(trip.cost / trip.persons) if trip.cost is not None and share.part.first else None


def _of_trip(value: Callable[[Trip], Any]) -> Value:
    """What belongs to the trip as a whole: in the leader's row of the month of departure, else blank."""
    return lambda share, query: value(share.trip) if share.leader and share.part.first else None


def _over_budget(trip: Trip) -> float | None:
    return None if trip.budget is None or trip.cost is None else rounded(trip.budget - trip.cost)


_TRIPS: Computed[_Share] = Computed(
    facts=_shares,
    values={
        **by_period(lambda s: s.part.month),
        **by_place(lambda s: s.trip.station),
        "number": lambda s, q: s.trip.number,
        "summary_no": lambda s, q: s.trip.summary_no,
        "person": lambda s, q: q.named("trip_plan", "leader", s.person),
        "customer": lambda s, q: q.named("trip_plan", "customer", s.trip.customer),
        "destination": lambda s, q: s.trip.destination,
        "purpose": lambda s, q: q.named("trip_plan", "purpose", s.trip.purpose),
        "trips": lambda s, q: int(s.leader and s.part.first),
        "persons": lambda s, q: int(s.part.first),
        "person_days": lambda s, q: s.part.days,
        "cost": lambda s, q: _cost(s),
        "summary_on_time": lambda s, q: flag(_on_time(s)),
        "undone": lambda s, q: s.trip.undone if s.leader and s.part.first else 0,
        "planned_cost": _of_trip(lambda t: t.budget),
        "saved": _of_trip(_over_budget),
        "costed_days": _of_trip(lambda t: None if t.cost is None or t.returned_on is None else _whole_days(t)),
        "back_as_planned": _of_trip(lambda t: flag(t.returned_as_planned)),
        "rating": _of_trip(lambda t: RATING_POINTS.get(t.rating or "")),
        "under_way": lambda s, q: int(s.trip.returned_on is None),
    },
)

COMPUTED: dict[str, Computed[Any]] = {"trips": _TRIPS}
