"""What a repair owes: parts replaced within 48 hours (004), and a call not repaired dispatched again (002:L470)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from server.statistics.cases import Case
from server.statistics.deadlines import State, state, state_by_hours
from server.statistics.named_cases import cases_named, with_parts
from server.statistics.sources import Sources
from server.statistics.trips import Trip
from workbooks.deadlines import working_days_after


class Duty(NamedTuple):
    """What one case was owed; the clock starts on *start*."""

    case: Case
    start: date
    state: State


def replacements(sources: Sources, cases: Iterable[Case]) -> Iterator[Duty]:
    """Those of *cases* with parts replaced: from the report to the repair in elapsed hours."""
    limit, replaced = sources.limit("fracas", "replacement_hours"), with_parts(sources.view)
    for case in cases:
        if case.number not in replaced:
            continue
        took = ((case.repaired_at or sources.now) - case.reported_at).total_seconds() / 3600
        yield Duty(case, case.reported_at.date(), state_by_hours(took if case.repaired_at else None, took, limit))


def redispatches(sources: Sources) -> Iterator[Duty]:
    """
    Trips for a failure that was not repaired when they came back: dispatched again by the next working day.

    Dispatched again is the next plan that names the failure, by the day it was filled in,
    or the repair itself. Only plans that name a failure can be followed.
    """
    plans: dict[str, list[tuple[str, date, date]]] = defaultdict(list)
    for row in sources.view.rows("trip_plan"):
        if row["failure_no"] and row["departs_on"] is not None:
            plans[row["failure_no"]].append((row["number"], row["filled_on"] or row["departs_on"], row["departs_on"]))
    gone = [trip for trip in sources.trips if trip.failure_no and trip.returned_on and trip.summary_no]
    cases = cases_named(sources.view, (trip.failure_no for trip in gone if trip.failure_no))
    for trip in gone:
        case = cases.get(trip.failure_no or "")
        assert trip.returned_on is not None
        if case is None or (case.repaired_at is not None and case.repaired_at.date() <= trip.returned_on):
            continue
        due = working_days_after(trip.returned_on, 1)
        done = _again(trip, plans[case.number], case, trip.returned_on)
        yield Duty(case, trip.returned_on, state(due, done, sources.today))


def _again(trip: Trip, plans: list[tuple[str, date, date]], case: Case, back: date) -> date | None:
    """When somebody was sent again after *back*, or the failure was repaired."""
    days = [max(filled, back) for number, filled, departs in plans if number != trip.number and departs >= back]
    if case.repaired_at is not None:
        days.append(case.repaired_at.date())
    return min(days, default=None)
