"""What falls due (维修计划到期): corrective actions, plans of trips, loans, inspections, ends of warranty."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from server.statistics.customers import Customer
from server.statistics.periods import months_later
from server.statistics.sources import Sources
from server.statistics.tabular import Computed, Query, by_period, by_place
from server.statistics.vehicles import vehicles
from workbooks.form import Text

KINDS: Mapping[str, Text] = {
    "action": Text("纠正措施", "Corrective action"),
    "trip_plan": Text("出差遗留事项", "Item left by a trip"),
    "loan": Text("借料归还", "Loan to return"),
    "inspection": Text("例行检查", "Routine inspection"),
    "warranty": Text("质保到期", "End of warranty"),
}
INSPECTION_MONTHS = (1, 3, 6, 12)  # 001:L403 (T22): after the acceptance
_SPANS = (30, 60, 90)
_BUCKETS = (
    Text("30天内", "within 30 d"),
    Text("31~60天", "31-60 d"),
    Text("61~90天", "61-90 d"),
    Text("90天以后", "later than 90 d"),
)
_OVERDUE = Text("已超期", "Overdue")
_PAST = Text("已到期（完成未登记）", "Past (completion not recorded)")


class _Plan(NamedTuple):
    """One thing due on *due_on*; *number* is its record, or the train's code."""

    kind: str
    number: str
    due_on: date
    station: str | None
    customer: str | None = None
    vehicle: str | None = None
    vehicle_type: str | None = None
    system: str | None = None
    person: str | None = None
    what: str | None = None

    def days_left(self, today: date) -> int:
        return (self.due_on - today).days

    def overdue(self, today: date) -> bool | None:
        """Whether it should have been done by now; None where no form says whether it was."""
        past = self.due_on < today
        return None if past and self.kind == "trip_plan" else past


def _plans(query: Query) -> list[_Plan]:
    sources = query.sources
    parts = (_actions(sources), _trip_plans(sources), _loans(sources), _trains(sources))
    found = [plan for part in parts for plan in part if query.period.holds(plan.due_on)]
    return sorted(found, key=lambda plan: (plan.due_on, plan.kind, plan.number))


def _actions(sources: Sources) -> Iterator[_Plan]:
    """Corrective actions that are planned and not done."""
    for case in sources.open_cases():
        if case.planned_on is not None and case.completed_on is None:
            yield _Plan(
                "action", case.number, case.planned_on, case.station, case.customer, case.vehicle,
                case.vehicle_type, case.system, case.action_owner,
            )  # fmt: skip


def _trip_plans(sources: Sources) -> Iterator[_Plan]:
    """What trips left undone and planned; no form says when it was done."""
    for row in sources.view.rows("trip_summary", "plans"):
        if row["returned_on"] is None or row["returned_on"] > sources.today:
            continue
        for line in row["plans"]:
            plan = _Plan(
                "trip_plan", row["number"], line["due_on"], row["station"], row["customer"],
                person=line["owner"], what=line["solution"],
            )  # fmt: skip
            if line["due_on"] is not None and sources.selected(Customer(row["customer"], row["station"])):
                yield plan


def _loans(sources: Sources) -> Iterator[_Plan]:
    """Loans of which something is still out at the as-of time."""
    for row in sources.view.rows("trip_loan", "items"):
        if row["due_on"] is None or row["borrowed_on"] is None or row["borrowed_on"] > sources.today:
            continue
        out = [line["name"] for line in row["items"] if _still_out(line, sources.today) > 0]
        plan = _Plan(
            "loan", row["number"], row["due_on"], row["station"], row["customer"],
            person=row["borrower"], what="、".join(filter(None, out))[:200],
        )  # fmt: skip
        if out and sources.selected(Customer(row["customer"], row["station"])):
            yield plan


def _still_out(line: Mapping[str, Any], today: date) -> int:
    """Pieces of a line neither used up nor given back by *today*."""
    back = line["returned"] or 0
    if line["returned_on"] is not None and line["returned_on"] > today:
        back = 0
    return (line["quantity"] or 0) - (line["used"] or 0) - back


def _trains(sources: Sources) -> Iterator[_Plan]:
    """Inspections and ends of warranty that lie ahead."""
    for vehicle in vehicles(sources):
        dues = [] if vehicle.warranty_until is None else [("warranty", vehicle.warranty_until)]
        if vehicle.accepted_on is not None:
            dues += [("inspection", months_later(vehicle.accepted_on, after)) for after in INSPECTION_MONTHS]
        for kind, day in dues:
            if day >= sources.today:
                yield _Plan(
                    kind, vehicle.code, day, vehicle.station, vehicle.customer, vehicle.code, vehicle.vehicle_type
                )


def _bucket(plan: _Plan, query: Query) -> str:
    left = plan.days_left(query.sources.today)
    if left < 0:
        return (_PAST if plan.overdue(query.sources.today) is None else _OVERDUE)[query.language]
    return _BUCKETS[sum(left > span for span in _SPANS)][query.language]


def _within(days: int) -> Any:
    return lambda plan, query: int(0 <= plan.days_left(query.sources.today) <= days)


def _overdue(plan: _Plan, query: Query) -> int | None:
    overdue = plan.overdue(query.sources.today)
    return None if overdue is None else int(overdue)


_DUE: Computed[_Plan] = Computed(
    facts=_plans,
    values={
        **by_period(lambda p: p.due_on),
        **by_place(),
        "kind": lambda p, q: KINDS[p.kind][q.language],
        "number": lambda p, q: p.number,
        "due_on": lambda p, q: p.due_on,
        "customer": lambda p, q: q.master("customers", p.customer) if p.customer else None,
        "vehicle": lambda p, q: q.master("vehicles", p.vehicle) if p.vehicle else None,
        "vehicle_type": lambda p, q: p.vehicle_type,
        "person": lambda p, q: q.master("people", p.person) if p.person else None,
        "what": lambda p, q: p.what,
        "state": _bucket,
        "days_left": lambda p, q: p.days_left(q.sources.today),
        "plans": lambda p, q: 1,
        "within_30": _within(30),
        "within_60": _within(60),
        "within_90": _within(90),
        "overdue": _overdue,
    },
)

COMPUTED: dict[str, Computed[Any]] = {"plans_due": _DUE}
