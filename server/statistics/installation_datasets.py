"""Datasets of installations (设备安装情况): trips to install, and trains with the state of their acceptance."""

from typing import Any, NamedTuple

from server.statistics.periods import month_of, quarter_of
from server.statistics.sources import Sources
from server.statistics.tabular import Computed, Query, by_period, by_place
from server.statistics.trips import Trip
from server.statistics.vehicles import Vehicle, vehicles


class _Installation(NamedTuple):
    """One trip to install, with its summary."""

    trip: Trip
    tasks: int
    accepted_tasks: int


def _installations(query: Query) -> list[_Installation]:
    found = [
        trip
        for trip in query.sources.trips
        if trip.purpose == "installation" and trip.summary_no is not None and trip.returned_on is not None
    ]
    return [
        _Installation(trip, len(trip.done), sum(task["accepted"] == "yes" for task in trip.done))
        for trip in found
        if trip.returned_on is not None and query.period.holds(trip.returned_on)
    ]


def _papers(installation: _Installation) -> int | None:
    return {"yes": 1, "no": 0}.get(installation.trip.acceptance or "")


_INSTALLATIONS: Computed[_Installation] = Computed(
    facts=_installations,
    values={
        **by_period(lambda i: i.trip.returned_on),
        **by_place(lambda i: i.trip.station),
        "number": lambda i, q: i.trip.summary_no,
        "returned_on": lambda i, q: i.trip.returned_on,
        "customer": lambda i, q: q.named("trip_plan", "customer", i.trip.customer),
        "destination": lambda i, q: i.trip.destination,
        "person": lambda i, q: q.named("trip_plan", "leader", i.trip.travellers[0]),
        "installations": lambda i, q: 1,
        "papers": lambda i, q: _papers(i),
        "accepted": lambda i, q: int(_papers(i) == 1),
        "not_accepted": lambda i, q: int(_papers(i) == 0),
        "tasks": lambda i, q: i.tasks,
        "accepted_tasks": lambda i, q: i.accepted_tasks,
        "undone": lambda i, q: i.trip.undone,
        "person_days": lambda i, q: i.trip.person_days(q.sources.today),
    },
)


def _trains(query: Query) -> list[Vehicle]:
    """Trains accepted in the period; those not accepted yet stand in every period, as they stand at the as-of time."""
    return [
        vehicle
        for vehicle in vehicles(query.sources)
        if (day := accepted_on(vehicle, query.sources)) is None or query.period.holds(day)
    ]


def accepted_on(vehicle: Vehicle, sources: Sources) -> Any:
    """The day of acceptance, None while it lies ahead."""
    day = vehicle.accepted_on
    return day if day is not None and day <= sources.today else None


_ACCEPTANCE: Computed[Vehicle] = Computed(
    facts=_trains,
    values={
        "year": lambda v, q: None if (day := accepted_on(v, q.sources)) is None else day.year,
        "quarter": lambda v, q: None if (day := accepted_on(v, q.sources)) is None else quarter_of(day),
        "month": lambda v, q: None if (day := accepted_on(v, q.sources)) is None else month_of(day),
        **by_place(),
        "customer": lambda v, q: q.master("customers", v.customer),
        "line": lambda v, q: v.line,
        "vehicle_type": lambda v, q: v.vehicle_type,
        "vehicle": lambda v, q: q.master("vehicles", v.code),
        "accepted_on": lambda v, q: v.accepted_on,
        "warranty_until": lambda v, q: v.warranty_until,
        "installed": lambda v, q: 1,
        "accepted": lambda v, q: int(accepted_on(v, q.sources) is not None),
        "not_accepted": lambda v, q: int(accepted_on(v, q.sources) is None),
    },
)

COMPUTED: dict[str, Computed[Any]] = {"installations": _INSTALLATIONS, "vehicle_acceptance": _ACCEPTANCE}
