"""Trips of the demo company: plan, loan slip and summary, with costs, late summaries and items not done."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from math import log

from server.demo.catalogue import STATIONS
from server.demo.failures import Failure
from server.demo.master import Company, Customer, Person
from server.demo.period import first_day
from server.demo.sending import Answers, Line, Sending

TRIPS_PER_TRAIN_YEAR = 1.6
_AFTER_DAYS = 21  # a trip to repair follows the failure's form within so many days
_PURPOSES = ("repair", "inspection", "retrofit", "installation", "training", "visit")
_TASKS = {
    "repair": "处理列车制动系统故障，更换故障件并做试验",
    "inspection": "按计划做例行检查，核对备件",
    "retrofit": "按变更单换装并升级软件",
    "installation": "新车安装调试、交付试验",
    "training": "培训用户检修人员",
    "visit": "拜访用户，了解使用情况",
}
_LOANS = (
    ("tool", "制动试验台", "BTS-200", "material_centre"),
    ("tool", "压力校验仪", "PC-6", "material_centre"),
    ("drawing", "气路原理图", "ZD-QL-01", "chief_engineer"),
    ("document", "BCU维护手册", "WH-BCU", "chief_engineer"),
    ("part", "压力传感器", "PRS-01", "material_centre"),
    ("part", "密封圈组件", "MF-12", "material_centre"),
)
_UNDONE = (
    ("用户暂不能扣车，一列未检查", "无扣车计划", "与用户商定下月扣车后补查"),
    ("一只智能阀需返厂分析", "现场无试验条件", "返厂检测后出具报告"),
    ("软件升级剩余两列", "列车在外地运用", "列车回段后升级"),
)
_CITY = {station.code: station.city.zh for station in STATIONS}


def trip_sendings(company: Company, seed: int, until: date, failures: Sequence[Failure] = ()) -> Iterator[Sending]:
    """
    The forms of all trips that began before the end of *until*, trip by trip.

    A trip to repair is made for the latest of *failures* at its customer in the three weeks before.
    """
    by_customer: dict[str, list[Failure]] = defaultdict(list)
    for failure in failures:
        by_customer[failure.train.customer].append(failure)
    draw = random.Random(f"trips {seed}")
    start = first_day(until)
    days = (until - start).days
    for station in STATIONS:
        expected = TRIPS_PER_TRAIN_YEAR * station.trains * days / 365
        for number in range(round(expected * draw.uniform(0.9, 1.1))):
            departs = start + timedelta(days=draw.randrange(days))
            journey = _journey(f"{station.code}-{number}", station.code, departs, company, draw)
            for sending in _sendings(journey, company, draw, until):
                about = _reason(journey, by_customer[journey.customer.code])
                yield replace(sending, about=about) if sending.form_id == "trip_plan" else sending


@dataclass(frozen=True, slots=True, kw_only=True)
class _Journey:
    """One trip as it really was."""

    name: str
    station: str
    travellers: tuple[Person, ...]
    customer: Customer
    purpose: str
    departs: date
    planned_days: int
    late_days: int
    borrows: bool

    @property
    def planned_return(self) -> date:
        return self.departs + timedelta(days=self.planned_days - 1)

    @property
    def returned(self) -> date:
        return self.planned_return + timedelta(days=self.late_days)

    @property
    def place(self) -> str:
        return _CITY[self.customer.station]


def _journey(name: str, station: str, departs: date, company: Company, draw: random.Random) -> _Journey:
    staff = company.staff("station", station)
    persons = min(draw.choices((1, 2, 3), (60, 32, 8))[0], len(staff))
    return _Journey(
        name=name,
        station=station,
        travellers=tuple(draw.sample(staff, persons)),
        customer=draw.choice([c for c in company.customers if c.station != station or draw.random() < 0.3]),
        purpose=draw.choices(_PURPOSES, (45, 20, 12, 8, 7, 8))[0],
        departs=departs,
        planned_days=min(max(1, round(draw.lognormvariate(log(3), 0.6))), 25),
        late_days=draw.randint(1, 3) if draw.random() < 0.15 else 0,
        borrows=draw.random() < 0.35,
    )


def _reason(journey: _Journey, failures: Sequence[Failure]) -> str:
    """The instance of the failure that a trip to repair is made for."""
    if journey.purpose != "repair":
        return ""
    first, last = journey.departs - timedelta(days=_AFTER_DAYS), journey.departs
    recent = [f for f in failures if first <= f.received_at.date() < last]
    return max(recent, key=lambda failure: failure.received_at).instance if recent else ""


def _sendings(journey: _Journey, company: Company, draw: random.Random, until: date) -> Iterator[Sending]:
    ready = journey.departs - timedelta(days=draw.randint(0, 4))
    plan = Sending(
        form_id="trip_plan",
        answers=_plan(journey, ready),
        role="station",
        person=journey.travellers[0].name.zh,
        station=journey.station,
        received_at=datetime.combine(ready, time(8, draw.randrange(60))),
        instance=f"plan {journey.name}",
        trip=journey.name,
    )
    yield plan
    if journey.borrows:
        at = plan.received_at.replace(hour=9)
        loan = _loan(journey, at.date(), draw)
        lent = replace(plan, form_id="trip_loan", answers=loan, received_at=at, instance=f"loan {journey.name}")
        yield lent
        back = _brought_back(journey)
        if back is not None and back <= until:
            yield replace(lent, answers=_returned(loan, back), received_at=datetime.combine(back, time(21)))
    # 78 % of the summaries come within two days, some only after weeks.
    handed_in = journey.returned + timedelta(days=draw.randint(0, 2) if draw.random() < 0.78 else draw.randint(3, 14))
    summary = _summary(journey, company, draw)
    if handed_in <= until:
        yield replace(
            plan,
            form_id="trip_summary",
            answers=summary,
            received_at=datetime.combine(handed_in, time(draw.randint(17, 20), draw.randrange(60))),
            instance=f"summary {journey.name}",
            reason="用户要求延长，已请示售后部经理同意" if journey.late_days else "",
        )


def _plan(journey: _Journey, filled_on: date) -> Answers:
    persons, days = len(journey.travellers), journey.planned_days
    return {
        "station": journey.station,
        "filled_on": filled_on,
        "purpose": journey.purpose,
        "customer": journey.customer.code,
        "task": _TASKS[journey.purpose],
        "destination": journey.place,
        "transport": ("train", "train", "plane", "car")[journey.departs.day % 4],
        "departs_on": journey.departs,
        "returns_on": journey.planned_return,
        "leader": journey.travellers[0].code,
        "companions": [{"person": person.code, "duty": "协助"} for person in journey.travellers[1:]],
        "budget_travel": 1400.0 * persons,
        "budget_lodging": 350.0 * (days - 1) * persons,
        "budget_allowance": 100.0 * days * persons,
        "tools": "常用工具一套",
        "borrows": "yes" if journey.borrows else "no",
    }


def _loan(journey: _Journey, day: date, draw: random.Random) -> Answers:
    items: list[Line] = []
    for kind, name, model, lender in draw.sample(_LOANS, draw.randint(1, 3)):
        quantity = draw.randint(1, 4) if kind == "part" else 1
        items.append({"kind": kind, "name": name, "model": model, "lender": lender, "quantity": quantity})
    return {
        "station": journey.station,
        "borrower": journey.travellers[0].code,
        "borrowed_on": day,
        "due_on": journey.planned_return + timedelta(days=8),
        "customer": journey.customer.code,
        "purpose": "现场检修用",
        "items": items,
    }


def _brought_back(journey: _Journey) -> date | None:
    """Most loans come back within a week of the return, some late, a few never."""
    number = journey.departs.toordinal()  # no draw of its own: the rest of the history stays as it is
    if number % 17 == 0:
        return None
    return journey.returned + timedelta(days=20 if number % 11 == 0 else 1 + number % 6)


def _returned(loan: Answers, day: date) -> Answers:
    """The slip with what came back on *day*; one piece of each spare part was used up."""
    items: list[Line] = []
    for line in loan["items"]:  # type: ignore[union-attr]
        assert isinstance(line, dict)
        used = 1 if line["kind"] == "part" else 0
        items.append(line | {"used": used, "returned": line["quantity"] - used, "returned_on": day})
    return loan | {"items": items}


def _summary(journey: _Journey, company: Company, draw: random.Random) -> Answers:
    persons, nights = len(journey.travellers), (journey.returned - journey.departs).days
    itinerary: list[Line] = [
        {"travel_on": journey.departs, "place": journey.place, "work": "到达用户现场，了解情况"},
    ]
    if nights:
        itinerary.append({"travel_on": journey.returned, "place": journey.place, "work": "办理验收手续，返回"})
    return {
        "station": journey.station,
        "leader": journey.travellers[0].code,
        "persons": persons,
        "customer": journey.customer.code,
        "destination": journey.place,
        "purpose": journey.purpose,
        "departed_on": journey.departs,
        "planned_return_on": journey.planned_return,
        "returned_on": journey.returned,
        "itinerary": itinerary,
        "done": [{"task": _TASKS[journey.purpose], "result": "已完成，用户确认", "accepted": "yes"}],
        **_left_undone(journey, company, draw),
        "acceptance_papers": "yes",
        "receipt_for_parts": draw.choice(("yes", "not_concerned")),
        "changes_archived": "yes" if journey.purpose == "retrofit" else "not_concerned",
        "loans_returned": "yes" if journey.borrows else "not_concerned",
        "customer_rating": draw.choices(("very_satisfied", "satisfied", "fair", "unsatisfied"), (52, 36, 9, 3))[0],
        "cost_travel": round(draw.uniform(600, 1800) * persons, 2),
        "cost_lodging": 350.0 * nights * persons,
        "cost_allowance": 100.0 * (nights + 1) * persons,
    }


def _left_undone(journey: _Journey, company: Company, draw: random.Random) -> Answers:
    """Now and then something could not be done; it must have a plan."""
    if draw.random() >= 0.12:
        return {}
    item, why, solution = draw.choice(_UNDONE)
    owner = draw.choice(company.staff("station", journey.station))
    due = journey.returned + timedelta(days=draw.randint(10, 40))
    undone: Line = {"item_no": 1, "item": item, "reason": why, "reported_to": "当日电话报售后部经理"}
    plan: Line = {"item_no": 1, "solution": solution, "owner": owner.code, "due_on": due}
    return {"undone": [undone], "plans": [plan]}
