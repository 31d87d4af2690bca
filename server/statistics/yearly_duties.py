"""What every customer is owed each year: two visits, and the satisfaction surveys (002:L330, L335)."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from server.statistics.customers import customers
from server.statistics.deadlines import State
from server.statistics.sources import Sources

VISITS_A_YEAR = 2  # 002:L335 (T11)
_SURVEYS = {"survey_q4": ("q4", (10, 1), (12, 31)), "survey_may": ("may", (5, 1), (5, 31))}  # 002:L330 (T10)


class YearlyDuty(NamedTuple):
    """One duty towards a customer in one year; its clock starts on *start*."""

    rule: str
    customer: str
    station: str | None
    start: date
    state: State


def yearly_duties(sources: Sources) -> Iterator[YearlyDuty]:
    """
    Visits and surveys from the first year with a trip to visit, or with a survey of that kind, on.

    A visit is a trip with that purpose; a survey counts by the day it was sent. A year
    before anybody noted any is not held against anybody. Years and visits are those of the
    whole company, whoever asks: a customer visited by another station has been visited, and
    a station that never visits anybody owes as many as the others.
    """
    today, company = sources.today, sources.company
    visited: dict[tuple[int, str], int] = {}
    for trip in company.trips:
        if trip.purpose == "visit" and trip.customer and trip.departed_on <= today:
            key = trip.departed_on.year, trip.customer
            visited[key] = visited.get(key, 0) + 1
    sent: dict[tuple[str, int, str], date] = {}
    for sheet in company.sheets:
        survey = sheet.campaign, sheet.year, sheet.customer
        sent[survey] = min(sheet.sent_on, sent.get(survey, sheet.sent_on))
    owed = customers(sources)
    for year in _years({year for year, _ in visited}, today):
        for customer, station in owed.items():
            reached = _counted(visited.get((year, customer), 0), year, today)
            yield YearlyDuty("visits", customer, station, date(year, 1, 1), reached)
    for rule, (campaign, first, last) in _SURVEYS.items():
        for year in _years({year for kind, year, _ in sent if kind == campaign}, today):
            start, end = date(year, *first), date(year, *last)
            if start > today:
                continue
            for customer, station in owed.items():
                reached = _sent(sent.get((campaign, year, customer)), end, today)
                yield YearlyDuty(rule, customer, station, start, reached)


def _years(seen: set[int], today: date) -> range:
    return range(min(seen), today.year + 1) if seen else range(0)


def _counted(visits: int, year: int, today: date) -> State:
    if visits >= VISITS_A_YEAR:
        return State.ON_TIME
    return State.OVERDUE if today.year > year else State.NOT_DUE


def _sent(day: date | None, end: date, today: date) -> State:
    if day is not None:
        return State.ON_TIME if day <= end else State.LATE
    return State.OVERDUE if today > end else State.NOT_DUE
