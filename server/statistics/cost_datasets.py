"""Costs as far as the forms name them: trips by kind, and compensation; each row with stage and kind."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import select

from server.access.visibility import visible
from server.records import form_tables
from server.statistics.feedback_datasets import all_feedback
from server.statistics.sources import Sources
from server.statistics.tabular import Computed, Query, by_period, by_place
from workbooks.form import Text

KINDS: Mapping[str, Text] = {
    "travel": Text("交通", "Travel"),
    "lodging": Text("住宿", "Lodging"),
    "allowance": Text("补助", "Allowance"),
    "other": Text("其他差旅", "Other travel cost"),
    "compensation": Text("赔偿", "Compensation"),
}
# 002 §7 names these stages; what no form assigns is never dropped.
STAGES: Mapping[str, Text] = {
    "installation": Text("安装阶段", "Installation"),
    "in_warranty": Text("保修期内", "In warranty"),
    "out_of_warranty": Text("保修期外", "Out of warranty"),
    "none": Text("未归类", "Not assigned"),
}
_SOURCES = {"trip": Text("出差", "Trip"), "feedback": Text("客户反馈", "Feedback")}


class _Cost(NamedTuple):
    """One amount, in yuan."""

    number: str
    source: str
    day: date
    station: str | None
    customer: str | None
    kind: str
    stage: str
    amount: float


def _costs(query: Query) -> list[_Cost]:
    found = [cost for cost in (*_of_trips(query.sources), *_of_feedback(query.sources)) if query.period.holds(cost.day)]
    return sorted(found, key=lambda cost: (cost.day, cost.number, list(KINDS).index(cost.kind)))


def _of_trips(sources: Sources) -> Iterator[_Cost]:
    trips = [trip for trip in sources.trips if trip.costs and trip.summary_no and trip.returned_on]
    warranty = _warranty(sources, (trip.failure_no for trip in trips if trip.failure_no))
    for trip in trips:
        stage = "installation" if trip.purpose == "installation" else warranty.get(trip.failure_no or "", "none")
        assert trip.summary_no is not None
        assert trip.returned_on is not None
        for kind, amount in trip.costs.items():
            yield _Cost(
                trip.summary_no, "trip", trip.returned_on, trip.station, trip.customer, kind, _stage(stage), amount
            )


def _of_feedback(sources: Sources) -> Iterator[_Cost]:
    for feedback in all_feedback(sources):
        if feedback.compensation:
            yield _Cost(
                feedback.number, "feedback", feedback.received_at.date(), feedback.station, feedback.customer,
                "compensation", _stage(feedback.warranty), feedback.compensation,
            )  # fmt: skip


def _stage(name: str | None) -> str:
    return name if name is not None and name in STAGES else "none"


def _warranty(sources: Sources, numbers: Iterable[str]) -> Mapping[str, str]:
    """Whether the cases with these *numbers* are in warranty, for those that the viewer may see."""
    definition = sources.view.site.definitions.get("fracas")
    if definition is None:
        return {}
    table = form_tables.table(definition)
    found: dict[str, str] = {}
    wanted = sorted(set(numbers))
    for start in range(0, len(wanted), 500):
        query = select(table.c.number, table.c.warranty).where(table.c.number.in_(wanted[start : start + 500]))
        found |= {
            number: state for number, state in sources.view.session.execute(visible(query, table, sources.view.viewer))
        }
    return found


_COSTS: Computed[_Cost] = Computed(
    facts=_costs,
    values={
        **by_period(lambda c: c.day),
        **by_place(),
        "number": lambda c, q: c.number,
        "source": lambda c, q: _SOURCES[c.source][q.language],
        "booked_on": lambda c, q: c.day,
        "customer": lambda c, q: q.master("customers", c.customer),
        "kind": lambda c, q: KINDS[c.kind][q.language],
        "stage": lambda c, q: STAGES[c.stage][q.language],
        "amount": lambda c, q: c.amount,
    },
)

COMPUTED: dict[str, Computed[Any]] = {"costs": _COSTS}
