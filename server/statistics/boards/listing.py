"""The records behind a mark of a chart, as a list that leads to each of them."""

from collections.abc import Sequence

from server.statistics.boards.chart import Behind, Cells, cell, table_of
from server.statistics.cases import STAGE_LABELS, Case
from server.statistics.sources import Sources
from server.statistics.trips import Trip
from workbooks.form import Language, Text

MOST_LISTED = 500


def case_list(sources: Sources, cases: Sequence[Case], language: Language) -> Behind:
    """*cases*, the newest first."""
    labels = sources.labels("fracas")
    shown = sorted(cases, key=lambda case: (case.reported_at, case.number), reverse=True)[:MOST_LISTED]
    cells: Cells = [
        cell("number", "故障编号", "Number", "text", lambda c: c.number),
        cell("reported_at", "报修时间", "Reported at", "datetime", lambda c: c.reported_at),
        cell("station", "站点", "Station", "text", lambda c: labels.of("station", c.station)[language]),
        cell("vehicle", "列车号", "Train", "text", lambda c: labels.of("vehicle", c.vehicle)[language]),
        cell("part", "部件", "Part", "text", lambda c: labels.of("part", c.part)[language]),
        cell("mode", "故障模式", "Failure mode", "text", lambda c: labels.of("failure_mode", c.failure_mode)[language]),
        cell("severity", "严重度", "Severity", "text", lambda c: labels.of("severity", c.severity)[language]),
        cell("stage", "阶段", "Stage", "text", lambda c: STAGE_LABELS[c.stage][language]),
        cell("age_days", "龄期d", "Age d", "integer", lambda c: c.age_days(sources.now)),
    ]
    title = Text("故障明细", "Failure reports")
    return Behind(data=table_of(sources, "behind", title, cells, shown), total=len(cases))


def trip_list(sources: Sources, trips: Sequence[Trip], language: Language) -> Behind:
    """*trips*, the latest first."""
    labels = sources.labels("trip_plan")
    shown = sorted(trips, key=lambda trip: (trip.departed_on, trip.number), reverse=True)[:MOST_LISTED]
    cells: Cells = [
        cell("number", "出差单号", "Trip", "text", lambda x: x.number),
        cell("departed_on", "出发", "Departed on", "date", lambda x: x.departed_on),
        cell("returned_on", "返回", "Returned on", "date", lambda x: x.returned_on),
        cell("station", "站点", "Station", "text", lambda x: labels.of("station", x.station)[language]),
        cell("leader", "带队人", "Leader", "text", lambda x: labels.of("leader", x.travellers[0])[language]),
        cell("persons", "人次", "Persons", "integer", lambda x: x.persons),
        cell("person_days", "人天", "Person days", "integer", lambda x: x.person_days(sources.today)),
        cell("destination", "目的地", "Destination", "text", lambda x: x.destination),
        cell("cost", "费用", "Cost", "decimal", lambda x: x.cost, 2),
    ]
    title = Text("出差明细", "Trips")
    return Behind(data=table_of(sources, "behind", title, cells, shown), total=len(trips))
