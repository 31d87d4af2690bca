"""The scorecard of technicians: repairs, speed, first-time fix, trips and what customers said, small numbers shrunk."""

from dataclasses import dataclass, field
from typing import Any

from server.statistics.cases import Case, fixed_first_time
from server.statistics.deadlines import State
from server.statistics.measures import mean, quantile, ratio
from server.statistics.repair_datasets import arrived_in_time, repairs
from server.statistics.service_quality import technician_score
from server.statistics.tabular import Computed, Query, Value, rounded
from server.statistics.trip_datasets import RATING_POINTS
from server.statistics.trips import Trip

RANKED_FROM = 5  # ratings; below nothing is ranked


@dataclass(slots=True)
class _Technician:
    """What one person did in the period; *group* is the mean rating of all, *rank* that of the shrunk rating."""

    code: str
    repaired: list[Case] = field(default_factory=list)
    trips: list[Trip] = field(default_factory=list)
    led: list[Trip] = field(default_factory=list)
    group: float | None = None
    rank: int | None = None

    @property
    def cards(self) -> list[list[int]]:
        """The customers' grades, one item on a card: our forms ask for the service as a whole."""
        return [[RATING_POINTS[trip.rating]] for trip in self.led if trip.rating in RATING_POINTS]

    @property
    def rating(self) -> float | None:
        return technician_score(self.cards, items=1).total if self.cards else None

    @property
    def shrunk(self) -> float | None:
        """The rating drawn to the group's while there are few cards."""
        if not self.cards or self.group is None:
            return None
        return technician_score(self.cards, items=1).shrunk(self.group)

    @property
    def repair_hours(self) -> list[float]:
        return [hours for case in self.repaired if (hours := case.repair_hours) is not None]

    @property
    def summaries(self) -> tuple[int, int]:
        """(in on time, due)."""
        due = [trip.summary for trip in self.led if trip.summary is not State.NOT_DUE]
        return sum(state is State.ON_TIME for state in due), len(due)


def _technicians(query: Query) -> list[_Technician]:
    found: dict[str, _Technician] = {}

    def of(code: str) -> _Technician:
        return found.setdefault(code, _Technician(code))

    for case in repairs(query):
        if case.handled_by:
            of(case.handled_by).repaired.append(case)
    for trip in query.sources.trips:
        if query.period.holds(trip.departed_on):
            for code in filter(None, trip.travellers):
                of(code).trips.append(trip)
            if trip.travellers[0]:
                of(trip.travellers[0]).led.append(trip)
    _rank(list(found.values()))
    return sorted(found.values(), key=lambda t: (t.rank or len(found) + 1, -len(t.repaired), t.code))


def _rank(technicians: list[_Technician]) -> None:
    """Say the group's mean, and who stands where; who has few ratings is not ranked."""
    group = mean(card[0] for technician in technicians for card in technician.cards)
    for technician in technicians:
        technician.group = group
    ranked = [technician for technician in technicians if len(technician.cards) >= RANKED_FROM]
    scores = sorted((technician.shrunk or 0.0 for technician in ranked), reverse=True)
    for technician in ranked:
        technician.rank = scores.index(technician.shrunk or 0.0) + 1


def _decided(name: str) -> Value:
    """How many of the repairs are decided, for the share beside it."""
    return lambda technician, query: len(_flags(technician, query, name))


def _share(name: str) -> Value:
    def value(technician: _Technician, query: Query) -> float | None:
        flags = _flags(technician, query, name)
        return ratio(sum(flags), len(flags))

    return value


def _flags(technician: _Technician, query: Query, name: str) -> list[bool]:
    if name == "fixed":
        found = [fixed_first_time(case, query.sources.now) for case in technician.repaired]
    else:
        found = [arrived_in_time(case, query.sources) for case in technician.repaired]
    return [flag for flag in found if flag is not None]


def _station(technician: _Technician, query: Query) -> str | None:
    row = query.names.row("people", technician.code)
    return (row.attributes.get("station") or None) if row is not None else None


_TECHNICIANS: Computed[_Technician] = Computed(
    facts=_technicians,
    values={
        "technician": lambda t, q: q.master("people", t.code),
        "region": lambda t, q: q.region(_station(t, q)),
        "station": lambda t, q: q.master("stations", _station(t, q)),
        "repairs": lambda t, q: len(t.repaired),
        "mttr": lambda t, q: rounded(mean(t.repair_hours)),
        "median_repair": lambda t, q: rounded(quantile(t.repair_hours, 0.5)),
        "first_time_fix": _share("fixed"),
        "fix_decided": _decided("fixed"),
        "arrived_in_time": _share("arrived"),
        "arrivals": _decided("arrived"),
        "trips": lambda t, q: len(t.trips),
        "summaries_due": lambda t, q: t.summaries[1],
        "summaries_on_time": lambda t, q: ratio(*t.summaries),
        "ratings": lambda t, q: len(t.cards),
        "cards_due": lambda t, q: sum(trip.summary_no is not None for trip in t.led),
        "rating": lambda t, q: rounded(t.rating),
        "rating_hundred": lambda t, q: None if t.rating is None else rounded(t.rating * 25),
        "shrunk": lambda t, q: rounded(t.shrunk),
        "rank": lambda t, q: t.rank,
        "few": lambda t, q: int(len(t.cards) < RANKED_FROM),
    },
)

COMPUTED: dict[str, Computed[Any]] = {"technicians": _TECHNICIANS}
