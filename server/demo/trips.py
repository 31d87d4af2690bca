"""Trips of the demo company: plan, loan slip and summary, with costs, late summaries and items not done."""

import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from math import log

from server.demo.catalogue import STATIONS
from server.demo.master import Company, Customer
from server.demo.period import first_day
from server.demo.sending import Answers, Line, Sending

TRIPS_PER_TRAIN_YEAR = 1.6
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


def trip_sendings(company: Company, seed: int, until: date) -> Iterator[Sending]:
    """The forms of all trips that began before the end of *until*, trip by trip."""
    draw = random.Random(f"trips {seed}")
    start = first_day(until)
    days = (until - start).days
    for station in STATIONS:
        expected = TRIPS_PER_TRAIN_YEAR * station.trains * days / 365
        for number in range(round(expected * draw.uniform(0.9, 1.1))):
            departs = start + timedelta(days=draw.randrange(days))
            yield from _trip(f"{station.code}-{number}", station.code, departs, company, draw, until)


def _trip(
    trip: str, station: str, departs: date, company: Company, draw: random.Random, until: date
) -> Iterator[Sending]:
    staff = company.staff("station", station)
    persons = min(draw.choices((1, 2, 3), (60, 32, 8))[0], len(staff))
    travellers = draw.sample(staff, persons)
    customer = draw.choice([c for c in company.customers if c.station != station or draw.random() < 0.3])
    planned_days = min(max(1, round(draw.lognormvariate(log(3), 0.6))), 25)
    purpose = draw.choices(_PURPOSES, (45, 20, 12, 8, 7, 8))[0]
    late_days = draw.randint(1, 3) if draw.random() < 0.15 else 0
    travel, nights = draw.uniform(600, 1800), planned_days + late_days - 1
    costs = (round(travel * persons, 2), 350.0 * nights * persons, 100.0 * (nights + 1) * persons)
    borrows = draw.random() < 0.35
    plan: Answers = {
        "station": station,
        "filled_on": departs - timedelta(days=draw.randint(0, 4)),
        "purpose": purpose,
        "customer": customer.code,
        "task": _TASKS[purpose],
        "destination": _CITY[customer.station],
        "transport": draw.choice(("train", "train", "plane", "car")),
        "departs_on": departs,
        "returns_on": departs + timedelta(days=planned_days - 1),
        "leader": travellers[0].code,
        "companions": [{"person": person.code, "duty": "协助"} for person in travellers[1:]],
        "budget_travel": round(1400.0 * persons, 2),
        "budget_lodging": 350.0 * (planned_days - 1) * persons,
        "budget_allowance": 100.0 * planned_days * persons,
        "tools": "常用工具一套",
        "borrows": "yes" if borrows else "no",
    }
    common = {"role": "station", "person": travellers[0].name.zh, "station": station, "trip": trip}
    filled = datetime.combine(
        departs - timedelta(days=1) if plan["filled_on"] != departs else departs, time(8, draw.randrange(60))
    )
    yield Sending(form_id="trip_plan", answers=plan, received_at=filled, instance=f"plan {trip}", **common)  # type: ignore[arg-type]
    if borrows:
        loan = _loan(
            station, travellers[0].code, departs, customer, departs + timedelta(days=planned_days + 7), draw, until
        )
        yield Sending(
            form_id="trip_loan", answers=loan, received_at=filled.replace(hour=9), instance=f"loan {trip}", **common
        )  # type: ignore[arg-type]
    returned = departs + timedelta(days=planned_days - 1 + late_days)
    # 78 % of the summaries come within two days, some only after weeks.
    wait = draw.randint(0, 2) if draw.random() < 0.78 else draw.randint(3, 14)
    handed_in = returned + timedelta(days=wait)
    if handed_in > until:
        return
    summary = _summary(plan, customer, returned, persons, costs, station, company, draw)
    yield Sending(
        form_id="trip_summary",
        answers=summary,
        received_at=datetime.combine(handed_in, time(draw.randint(17, 20), draw.randrange(60))),
        instance=f"summary {trip}",
        reason="用户要求延长，已请示售后部经理同意" if late_days else "",
        **common,  # type: ignore[arg-type]
    )


def _loan(
    station: str, borrower: str, departs: date, customer: Customer, due: date, draw: random.Random, until: date
) -> Answers:
    items: list[Line] = []
    for kind, name, model, lender in draw.sample(_LOANS, draw.randint(1, 3)):
        quantity = draw.randint(1, 4) if kind == "part" else 1
        items.append({"kind": kind, "name": name, "model": model, "lender": lender, "quantity": quantity})
    return {
        "station": station,
        "borrower": borrower,
        "borrowed_on": departs - timedelta(days=1),
        "due_on": due,
        "customer": customer.code,
        "purpose": "现场检修用",
        "items": items,
    }


def _summary(
    plan: Answers,
    customer: Customer,
    returned: date,
    persons: int,
    costs: tuple[float, float, float],
    station: str,
    company: Company,
    draw: random.Random,
) -> Answers:
    departed = plan["departs_on"]
    assert isinstance(departed, date)
    itinerary: list[Line] = [
        {"travel_on": departed, "place": _CITY[customer.station], "work": "到达用户现场，了解情况"}
    ]
    if returned > departed:
        itinerary.append({"travel_on": returned, "place": _CITY[customer.station], "work": "办理验收手续，返回"})
    undone: list[Line] = []
    plans: list[Line] = []
    if draw.random() < 0.12:
        item, why, solution = draw.choice(_UNDONE)
        owner = draw.choice(company.staff("station", station))
        undone.append({"item_no": 1, "item": item, "reason": why, "reported_to": "当日电话报售后部经理"})
        plans.append(
            {
                "item_no": 1,
                "solution": solution,
                "owner": owner.code,
                "due_on": returned + timedelta(days=draw.randint(10, 40)),
            }
        )
    return {
        "station": station,
        "leader": plan["leader"],
        "persons": persons,
        "customer": customer.code,
        "destination": plan["destination"],
        "purpose": plan["purpose"],
        "departed_on": departed,
        "planned_return_on": plan["returns_on"],
        "returned_on": returned,
        "itinerary": itinerary,
        "done": [{"task": plan["task"], "result": "已完成，用户确认", "accepted": "yes"}],
        "undone": undone,
        "plans": plans,
        "acceptance_papers": "yes",
        "receipt_for_parts": draw.choice(("yes", "not_concerned")),
        "changes_archived": "yes" if plan["purpose"] == "retrofit" else "not_concerned",
        "loans_returned": "yes" if plan["borrows"] == "yes" else "not_concerned",
        "customer_rating": draw.choices(("very_satisfied", "satisfied", "fair", "unsatisfied"), (52, 36, 9, 3))[0],
        "cost_travel": costs[0],
        "cost_lodging": costs[1],
        "cost_allowance": costs[2],
    }
