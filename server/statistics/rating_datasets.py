"""How customers rated a service: the contact letter of a trip, and the answer when called back (CSAT)."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from server.statistics.feedback_datasets import all_feedback
from server.statistics.measures import mean, ratio, wilson
from server.statistics.repair_datasets import ALL
from server.statistics.tabular import Computed, Query, by_period, by_place, rounded
from server.statistics.trip_datasets import RATING_POINTS
from workbooks.form import Text

SCALES: Mapping[str, Text] = {
    "letter": Text("服务联系函（很满意/满意/一般/不满意）", "Contact letter (4 grades)"),
    "call_back": Text("反馈回访（满意/未完全满意/不满意/坚持异议）", "Call-back (4 answers)"),
}
_TOP = {"letter": ("very_satisfied", "satisfied"), "call_back": ("satisfied",)}


class _Rating(NamedTuple):
    """One customer's verdict."""

    number: str
    scale: str
    day: date
    station: str | None
    customer: str | None
    person: str | None
    grade: str

    @property
    def top(self) -> bool:
        return self.grade in _TOP[self.scale]

    @property
    def points(self) -> int | None:
        return RATING_POINTS.get(self.grade) if self.scale == "letter" else None


def _ratings(query: Query) -> list[_Rating]:
    found = [rating for rating in _all(query) if query.period.holds(rating.day)]
    return sorted(found, key=lambda rating: (rating.day, rating.number))


def _all(query: Query) -> Iterator[_Rating]:
    for trip in query.sources.trips:
        if trip.rating and trip.summary_no and trip.returned_on:
            leader = trip.travellers[0]
            yield _Rating(trip.summary_no, "letter", trip.returned_on, trip.station, trip.customer, leader, trip.rating)
    for said in all_feedback(query.sources):
        if said.customer_reply and said.called_back_on:
            day, reply = said.called_back_on, said.customer_reply
            yield _Rating(said.number, "call_back", day, said.station, said.customer, None, reply)


def _grade(rating: _Rating, query: Query) -> str:
    if rating.scale == "letter":
        return query.named("trip_summary", "customer_rating", rating.grade)
    return query.named("feedback", "customer_reply", rating.grade)


_RATINGS: Computed[_Rating] = Computed(
    facts=_ratings,
    values={
        **by_period(lambda r: r.day),
        **by_place(),
        "number": lambda r, q: r.number,
        "scale": lambda r, q: SCALES[r.scale][q.language],
        "rated_on": lambda r, q: r.day,
        "customer": lambda r, q: q.master("customers", r.customer),
        "person": lambda r, q: q.master("people", r.person) if r.person else None,
        "grade": _grade,
        "ratings": lambda r, q: 1,
        "top": lambda r, q: int(r.top),
        "points": lambda r, q: r.points,
    },
)


class _Csat(NamedTuple):
    """One scale at one place over the period."""

    scale: str
    station: str | None
    ratings: list[_Rating]

    @property
    def top(self) -> int:
        return sum(rating.top for rating in self.ratings)

    def limit(self, upper: bool) -> float | None:
        limits = wilson(self.top, len(self.ratings))
        return None if limits is None else limits.upper if upper else limits.lower


def _csat(query: Query) -> Iterator[_Csat]:
    found = _ratings(query)
    for scale in SCALES:
        rated = [rating for rating in found if rating.scale == scale]
        if rated and query.narrowed_to != "station":
            yield _Csat(scale, None, rated)
        for station in sorted({rating.station or "" for rating in rated}):
            yield _Csat(scale, station, [rating for rating in rated if (rating.station or "") == station])


_CSAT: Computed[_Csat] = Computed(
    facts=_csat,
    values={
        "scale": lambda c, q: SCALES[c.scale][q.language],
        "region": lambda c, q: None if c.station is None else q.region(c.station),
        "station": lambda c, q: ALL[q.language] if c.station is None else q.master("stations", c.station),
        "ratings": lambda c, q: len(c.ratings),
        "top": lambda c, q: c.top,
        "csat": lambda c, q: ratio(c.top, len(c.ratings)),
        "lower": lambda c, q: c.limit(False),
        "upper": lambda c, q: c.limit(True),
        "points": lambda c, q: rounded(mean(r.points for r in c.ratings if r.points is not None)),
        "few": lambda c, q: int(len(c.ratings) < 5),
    },
)

COMPUTED: dict[str, Computed[Any]] = {"ratings": _RATINGS, "csat": _CSAT}
