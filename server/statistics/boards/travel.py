"""Charts of trips: 出差次数, 人次, 人天, cost and summaries, by month and by person."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from server.statistics.boards.chart import Behind, Cells, Chart, cell, table_of
from server.statistics.boards.listing import trip_list
from server.statistics.boards.window import Window
from server.statistics.deadlines import State
from server.statistics.measures import ratio
from server.statistics.periods import month_of, names_of, quarter_of
from server.statistics.sources import Sources
from server.statistics.tabular import rounded
from server.statistics.trips import Trip, parts
from workbooks.form import Language, Text

PERIODS_SHOWN = {False: 12, True: 8}


@dataclass(slots=True)
class _Travel:
    """What one period or one person has travelled."""

    trips: list[Trip] = field(default_factory=list)
    persons: int = 0
    days: int = 0
    cost: float = 0.0
    priced: int = 0

    @property
    def summaries(self) -> Counter[State]:
        return Counter(trip.summary for trip in self.trips)

    @property
    def due(self) -> int:
        return len(self.trips) - self.summaries[State.NOT_DUE]


def by_period(sources: Sources, name: Callable[[date], str]) -> dict[str, _Travel]:
    """Trips and 人次 in the period of departure, 人天 in the period of each day."""
    found: dict[str, _Travel] = {}
    for trip in sources.trips:
        travel = found.setdefault(name(trip.departed_on), _Travel())
        travel.trips.append(trip)
        travel.persons += trip.persons
        if trip.cost is not None:
            travel.cost += trip.cost
            travel.priced += 1
        for part in parts(trip.departed_on, min(trip.returned_on or sources.today, sources.today)):
            found.setdefault(name(part.month), _Travel()).days += part.days * trip.persons
    return dict(sorted(found.items()))


def trips(sources: Sources, window: Window, language: Language) -> Chart:
    """#18: trips by month or quarter."""
    found = by_period(sources, quarter_of if window.by_quarter else month_of)
    if departed := [trip.departed_on for trip in sources.trips if trip.departed_on <= window.last]:
        # A month without a trip is a month with none, not one to leave out.
        known = names_of(min(departed), window.last, by_quarter=window.by_quarter)
        found = dict(sorted({**{name: _Travel() for name in known}, **found}.items()))
    rows = list(found.items())
    rows = rows if window.all_history else rows[-PERIODS_SHOWN[window.by_quarter] :]
    cells: Cells = [
        cell("period", *(("季度", "Quarter") if window.by_quarter else ("月", "Month")), "text", lambda r: r[0]),
        *_travel_cells(),
    ]
    title = Text("人员出差统计", "Trips")
    data = table_of(sources, "trips_by_period", title, cells, rows)
    return Chart(data=data, n=sum(len(travel.trips) for _, travel in rows), marks=tuple(name for name, _ in rows))


def _travel_cells() -> Cells:
    return [
        cell("trips", "出差次数", "Trips", "integer", lambda r: len(r[1].trips)),
        cell("persons", "人次", "Persons", "integer", lambda r: r[1].persons),
        cell("person_days", "人天", "Person days", "integer", lambda r: r[1].days),
        cell("cost", "费用", "Cost", "decimal", lambda r: rounded(r[1].cost) if r[1].priced else None, 2),
        cell("priced", "有费用的次数", "Trips with cost", "integer", lambda r: r[1].priced),
        cell("on_time", "总结单按时率", "Summaries on time", "percent",
             lambda r: ratio(r[1].summaries[State.ON_TIME], r[1].due)),
        cell("due", "应交总结单", "Summaries due", "integer", lambda r: r[1].due),
        cell("overdue", "超期未交", "Summaries overdue", "integer", lambda r: r[1].summaries[State.OVERDUE]),
        cell("undone", "未处理事项", "Not done", "integer", lambda r: sum(trip.undone for trip in r[1].trips)),
    ]  # fmt: skip


def trips_behind(sources: Sources, window: Window, mark: str, language: Language) -> Behind:
    chosen = [t for t in sources.trips if mark in (month_of(t.departed_on), quarter_of(t.departed_on))]
    return trip_list(sources, chosen, language)


def travellers(sources: Sources, window: Window, language: Language) -> Chart:
    """#18: the people who travelled in the window, the longest away first."""
    labels = sources.labels("trip_plan")
    found: dict[str, _Travel] = {}
    for trip in _departed(sources, window):
        for person in trip.travellers:
            travel = found.setdefault(person or "", _Travel())
            travel.trips.append(trip)
            travel.persons += 1
            travel.days += trip.days(sources.today)
            if trip.cost is not None:
                travel.cost += trip.cost / trip.persons
                travel.priced += 1
    rows = sorted(found.items(), key=lambda item: (item[0] == "", -item[1].days, item[0]))
    cells: Cells = [
        cell("person", "人员", "Person", "text", lambda r: labels.of("leader", r[0] or None)[language]),
        *(c for c in _travel_cells() if c.column.name not in ("persons", "undone")),
    ]
    title = Text("出差人员", "Travellers")
    data = table_of(sources, "travellers", title, cells, rows, period=window.days)
    return Chart(data=data, n=len(_departed(sources, window)), marks=tuple(person for person, _ in rows))


def travellers_behind(sources: Sources, window: Window, mark: str, language: Language) -> Behind:
    chosen = [trip for trip in _departed(sources, window) if (mark or None) in trip.travellers]
    return trip_list(sources, chosen, language)


def _departed(sources: Sources, window: Window) -> Sequence[Trip]:
    return [trip for trip in sources.trips if window.holds(trip.departed_on)]
