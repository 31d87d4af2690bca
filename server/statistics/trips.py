"""Trips of people: 出差次数, 人次 and 人天, split at month ends, with the summaries that are due."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from server.statistics.deadlines import State, state
from server.statistics.periods import last_of_month

COST_KINDS = ("travel", "lodging", "allowance", "other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """
    One trip, from its plan, its summary or both.

    *travellers* are the persons' codes, None for one who is counted but not named.
    *returned_on* is None while the trip goes on. *cost* is the actual cost once the
    summary is in, *costs* what it is made of by kind. *failure_no* is the case that the
    plan names as its reason.
    """

    number: str
    station: str
    travellers: tuple[str | None, ...]
    customer: str | None
    destination: str | None
    purpose: str | None
    departed_on: date
    returned_on: date | None
    cost: float | None
    undone: int
    summary_on: date | None
    summary: State
    planned_return: date | None = None
    budget: float | None = None
    costs: Mapping[str, float] = field(default_factory=dict)
    rating: str | None = None
    acceptance: str | None = None
    failure_no: str | None = None
    summary_no: str | None = None
    done: Sequence[Mapping[str, Any]] = ()

    @property
    def returned_as_planned(self) -> bool | None:
        """Whether everybody was back by the day planned; None without a plan or before the return."""
        if self.returned_on is None or self.planned_return is None or self.summary_no is None:
            return None
        return self.returned_on <= self.planned_return

    @property
    def persons(self) -> int:
        """人次: each traveller counts once per trip."""
        return len(self.travellers)

    def days(self, on: date) -> int:
        """Days of one traveller so far, both ends counted."""
        return max(0, (min(self.returned_on or on, on) - self.departed_on).days + 1)

    def person_days(self, on: date) -> int:
        """人天."""
        return self.persons * self.days(on)


@dataclass(frozen=True, slots=True)
class Part:
    """The days of a trip that fall into one month; the *first* part carries the trip itself."""

    month: date
    days: int
    first: bool


def parts(departed_on: date, last: date) -> Iterator[Part]:
    """A trip from *departed_on* to *last* split at month ends, both ends counted."""
    begin = departed_on
    while begin <= last:
        end = min(last, last_of_month(begin))
        yield Part(begin.replace(day=1), (end - begin).days + 1, begin == departed_on)
        begin = end + timedelta(days=1)


def trips(
    plans: Iterable[Mapping[str, Any]], summaries: Iterable[Mapping[str, Any]], on: date, summary_days: int
) -> list[Trip]:
    """
    The trips that had begun by *on*, each once, in the order of departure.

    A summary belongs to the plan whose number it names, else to the plan of the same
    leader and departure. Of several that name one plan it is the leader's own, then the
    one that departed nearest to the plan's day; the others are trips without a plan. A
    plan without a summary is a trip that has not reported yet.
    """
    summaries = [row for row in summaries if row["departed_on"] and row["departed_on"] <= on]
    by_number: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in summaries:
        if row["plan_no"]:
            by_number[row["plan_no"]].append(row)
    by_journey = {(row["leader"], row["departed_on"]): row for row in summaries}
    found: list[Trip] = []
    used: set[int] = set()
    for plan in plans:
        if plan["departs_on"] is None or plan["departs_on"] > on:
            continue
        summary = _own(plan, by_number[plan["number"]]) or by_journey.get((plan["leader"], plan["departs_on"]))
        if summary is not None:
            used.add(id(summary))
        found.append(_trip(plan, summary, on, summary_days))
    found += [_trip(None, row, on, summary_days) for row in summaries if id(row) not in used]
    return sorted(found, key=lambda trip: (trip.departed_on, trip.number))


def _own(plan: Mapping[str, Any], named: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The summary of *plan* among those that name its number."""

    def near(row: Mapping[str, Any]) -> tuple[bool, int]:
        return row["leader"] != plan["leader"], abs((row["departed_on"] - plan["departs_on"]).days)

    return min(named, key=near, default=None)


def _trip(plan: Mapping[str, Any] | None, summary: Mapping[str, Any] | None, on: date, summary_days: int) -> Trip:
    main = plan or summary
    assert main is not None
    # With the summary in, its dates hold; before that the plan says when the trip should end.
    end = summary["returned_on"] if summary else main["returns_on"]
    returned = end if end is not None and end <= on else None
    summary_on = summary["summary_on"] if summary else None
    return Trip(
        number=main["number"],
        station=main["station"],
        travellers=_travellers(plan, summary),
        customer=main["customer"],
        destination=main["destination"],
        purpose=main["purpose"],
        departed_on=(summary or main)["departed_on" if summary else "departs_on"],
        returned_on=returned,
        cost=summary["cost_total"] if summary else None,
        undone=(summary["undone_count"] or 0) if summary else 0,
        summary_on=summary_on,
        summary=state(None if returned is None else returned + timedelta(days=summary_days), summary_on, on),
        planned_return=(plan["returns_on"] if plan else None) or (summary["planned_return_on"] if summary else None),
        budget=plan["budget_total"] if plan else None,
        costs=_costs(summary) if summary else {},
        rating=summary["customer_rating"] if summary else None,
        acceptance=summary["acceptance_papers"] if summary else None,
        failure_no=plan["failure_no"] if plan else None,
        summary_no=summary["number"] if summary else None,
        done=summary.get("done", ()) if summary else (),
    )


def _travellers(plan: Mapping[str, Any] | None, summary: Mapping[str, Any] | None) -> tuple[str | None, ...]:
    names: list[str | None] = [(plan or summary or {})["leader"]]
    if plan is not None:
        names += [line["person"] for line in plan["companions"]]
    persons = (summary["persons"] or 1) if summary else len(names)
    return tuple(names[:persons] + [None] * (persons - len(names)))


def _costs(summary: Mapping[str, Any]) -> Mapping[str, float]:
    """The actual cost by kind, without what was not spent."""
    return {kind: amount for kind in COST_KINDS if (amount := summary[f"cost_{kind}"])}
