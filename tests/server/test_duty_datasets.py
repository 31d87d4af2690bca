"""What was approved, what it cost, which forms are missing and which dates cannot be, in a small company."""

from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import update

from server.records import form_tables, kept_revisions
from server.records.master import import_tables
from server.site import Site
from server.statistics.boards.overdue import forms
from server.statistics.boards.window import Window
from server.statistics.snapshot import View
from server.statistics.sources import Sources
from tests.server.company import MASTER
from tests.server.test_due_datasets import LOAN, states
from tests.server.test_service_datasets import NOW, SUMMARY, VOICE, measures
from tests.server.test_statistics import FAILURE, OPERATOR, PLAN, SHEET, rows, send
from workbooks.master import MasterRow
from workbooks.master_workbook import MasterReading

MARCH = {"start": date(2026, 3, 1), "end": date(2026, 3, 31)}
PART = {"position": "1位", "part_name": "门控器", "quantity": 1, "disposition": "repair"}
GRANT: dict[str, Any] = VOICE | {"solution_kind": "compensation", "solution": "赔偿", "grade": "minor"}


def at(day: int) -> list[dict[str, Any]]:
    """The itinerary of a trip in March."""
    return [{"travel_on": date(2026, 3, day), "place": "常州", "work": "检修"}]


@pytest.fixture
def chiefs(site: Site) -> None:
    """A manager, a vice president and a general manager beside the technician U1."""
    posts = {"M": "售后部经理", "V": "销售副总经理", "G": "总经理"}
    people = [
        MasterRow(code=code, label_zh=code, label_en=code, parent="CZ", attributes={"station": "CZ", "role": post})
        for code, post in posts.items()
    ]
    reading = MasterReading(tables={"people": (*MASTER.rows("people"), *people)}, findings=())
    with site.session() as session:
        import_tables(session, reading, by=OPERATOR, audit_key=site.audit_key)


@pytest.mark.usefixtures("chiefs")
def test_each_amount_needs_its_level(site: Site) -> None:
    """1000 is the vice president's and so is 5000; more is the general manager's; a post may say nothing."""
    granted = {"M": (999.99, 1000), "V": (1000, 5000, 5000.01), "G": (10, 6000), "U1": (1,)}
    for who, amounts in granted.items():
        for amount in amounts:
            answers = GRANT | {"compensation": amount, "approved_by": who, "description": f"{who}{amount}"}
            send(site, "feedback", answers, datetime(2026, 3, 5, 9, 0), f"{who}{amount}")
    found = {(row["approved_by"], row["amount"]): (row["required"], row["kept"]) for row in rows(site, "approvals")}

    assert found == {
        ("M", 999.99): ("售后部经理", 1), ("M", 1000): ("销售副总", 0), ("V", 1000): ("销售副总", 1),
        ("V", 5000): ("销售副总", 1), ("V", 5000.01): ("总经理", 0), ("G", 10): ("售后部经理", 1),
        ("G", 6000): ("总经理", 1), ("张伟", 1): ("售后部经理", None),
    }  # fmt: skip
    assert measures(site, "approvals") == {"granted": 8, "amount": 19011, "kept": pytest.approx(5 / 7), "undecided": 1}


def test_costs_are_divided_by_what_they_were_for(site: Site) -> None:
    """In March 800 yuan, one case, 30 days of one train, 6000 km; in April two cases and nothing booked: no cost."""
    send(site, "fracas", FAILURE, datetime(2026, 3, 2, 13, 0), "one")
    for day in (1, 2):
        later = {name: datetime(2026, 4, day, 12) for name in ("responded_at", "arrived_at", "repaired_at")}
        later |= {"reported_at": datetime(2026, 4, day, 9), "occurred_at": datetime(2026, 4, day, 8)}
        answers = FAILURE | later | {"mileage_km": 55_800 + 200 * day}
        send(site, "fracas", answers, datetime(2026, 4, day, 13, 0), f"april {day}")
    send(site, "trip_summary", SUMMARY, datetime(2026, 3, 7, 9, 0), "trip")
    march, april = rows(site, "cost_rates", as_of=datetime(2026, 4, 30, 12))

    assert (march["month"], march["amount"], march["cases"]) == ("2026-03", 800, 1)
    assert (march["train_years"], march["ten_thousand_km"]) == (pytest.approx(30 / 365, abs=1e-6), pytest.approx(0.6))
    assert march["per_case"] == 800
    assert (march["per_train_year"], march["per_ten_thousand_km"]) == (
        pytest.approx(800 / 30 * 365), pytest.approx(800 / 0.6),
    )  # fmt: skip
    assert (april["amount"], april["cases"], april["per_case"], april["per_train_year"]) == (None, 2, None, None)
    assert measures(site, "cost_rates", **MARCH)["per_case"] == 800
    assert measures(site, "cost_rates")["per_case"] == pytest.approx(800 / 3)


def test_a_failure_costs_what_was_travelled_for_it(site: Site) -> None:
    """The plan's failure; where it names none, those of the summary's tasks share the cost."""
    one = send(site, "fracas", FAILURE, datetime(2026, 3, 2, 13, 0), "one")
    two = send(site, "fracas", FAILURE | {"car": "4车"}, datetime(2026, 3, 2, 13, 0), "two")
    plan = PLAN | {"departs_on": date(2026, 3, 3), "returns_on": date(2026, 3, 6), "failure_no": one}
    number = send(site, "trip_plan", plan, datetime(2026, 3, 2, 15, 0), "plan")
    send(site, "trip_summary", SUMMARY | {"plan_no": number}, datetime(2026, 3, 7, 9, 0), "trip")
    tasks = [{"task": "检查", "failure_no": no, "result": "好", "accepted": "yes"} for no in (one, two)]
    other = {"departed_on": date(2026, 3, 10), "planned_return_on": None, "returned_on": date(2026, 3, 10)}
    other |= {
        "itinerary": at(10),
        "done": tasks,
        "cost_travel": 100,
        "cost_lodging": 0,
        "cost_allowance": 0,
        "persons": 1,
    }
    send(site, "trip_summary", SUMMARY | other, datetime(2026, 3, 11, 9, 0), "second trip")
    (found,) = [row for row in rows(site, "pareto_weighed", as_of=NOW) if row["weight"] == "出差费用（元）"]

    assert (found["failure_mode"], found["amount"], found["failures"]) == ("无法关门", 900, 2)


def test_parts_are_replaced_in_48_hours_and_calls_dispatched_again(site: Site) -> None:
    """Friday's return without a repair: the plan filled in on Monday is in time; the second failure nobody goes to."""
    monday = {"arrived_at": datetime(2026, 3, 9, 10, 0), "repaired_at": datetime(2026, 3, 9, 12, 0)}
    slow = FAILURE | monday | {"replaced_parts": [PART]}
    one = send(site, "fracas", slow, datetime(2026, 3, 9, 13, 0), "slow")
    unrepaired = {name: FAILURE[name] for name in FAILURE if name not in ("repaired_at", "action_taken", "fix_type")}
    two = send(site, "fracas", unrepaired | {"car": "4车"}, datetime(2026, 3, 2, 13, 0), "unrepaired")
    for failure, filled, departs in ((one, 2, 3), (one, 9, 9), (two, 2, 4)):
        plan = PLAN | {"filled_on": date(2026, 3, filled), "failure_no": failure}
        plan |= {"departs_on": date(2026, 3, departs), "returns_on": date(2026, 3, max(departs, 6))}
        number = send(site, "trip_plan", plan, datetime(2026, 3, filled, 18, 0), f"{failure}{filled}")
        if departs != 9:
            went = {"plan_no": number, "departed_on": date(2026, 3, departs), "itinerary": at(departs)}
            send(site, "trip_summary", SUMMARY | went, datetime(2026, 3, 7, 9, 0), f"trip {number}")
    found = {row["number"]: row["state"] for row in rows(site, "deadline_items", as_of=NOW)
             if row["rule"] == "未修复再派工（次工作日）"}  # fmt: skip

    assert found == {one: "按时", two: "超期未完"}
    assert states(site)["换件修复（48 小时）"] == "超时"
    early = datetime(2026, 3, 4, 7, 0)  # before the 48 hours are over, and before anybody was back
    assert "未修复再派工（次工作日）" not in states(site, early)


def test_forms_that_are_late_or_missing_are_counted(site: Site) -> None:
    """A trip without a plan, a summary four days late, a loan that never came, two surveys of which one came."""
    send(site, "trip_summary", SUMMARY, datetime(2026, 3, 10, 9, 0), "trip")
    send(site, "trip_plan", PLAN | {"borrows": "yes"}, datetime(2026, 1, 29, 9, 0), "plan")
    send(site, "survey", SHEET, datetime(2025, 10, 21, 9, 0), "sheet")
    send(site, "fracas", FAILURE, datetime(2026, 3, 20, 13, 0), "case")
    short = {"FRACAS 故障报告、分析与纠正措施表": "fracas", "出差安排计划单": "plan", "出差借料单": "loan"}
    found = {
        (short.get(row["form"], row["form"]), row["month"]): (row["due"], row["sent"], row["late"], row["missing"])
        for row in rows(site, "forms_due", as_of=NOW) if row["station"] == "常州站"
    }  # fmt: skip

    assert found == {
        ("fracas", "2026-03"): (1, 1, 1, 0),
        ("plan", "2026-01"): (1, 1, 0, 0), ("plan", "2026-03"): (1, 0, 0, 1),
        ("loan", "2026-01"): (1, 0, 0, 1),
        ("出差总结单", "2026-02"): (1, 0, 0, 1), ("出差总结单", "2026-03"): (1, 1, 1, 0),
        ("顾客满意度调查表", "2025-10"): (1, 1, 0, 0),
    }  # fmt: skip
    with site.session(read_only=True) as session:
        sources = Sources(View.at(session, site, OPERATOR, NOW.replace(tzinfo=site.zone)))
        chart = forms(sources, Window.of(None, NOW.date()), "zh")
    assert [list(chart.column(name)) for name in ("station", "m_2025-10", "m_2026-03", "total")] == [
        ["常州站", "成都站"], [0, 1], [3, None], [5, 1],
    ]  # fmt: skip
    loan = LOAN | {"plan_no": "TP-2026-000001", "borrowed_on": date(2026, 1, 30), "due_on": date(2026, 2, 4)}
    tool = {"kind": "tool", "name": "扭力扳手", "lender": "material_centre", "quantity": 1}
    send(site, "trip_loan", loan | {"items": [tool]}, datetime(2026, 2, 1, 9, 0), "loan")
    assert measures(site, "forms_due", start=date(2026, 1, 1), end=date(2026, 1, 31))["missing"] == 0


def test_what_was_answered_before_it_was_asked_is_a_data_error(site: Site) -> None:
    """Neither in time nor late, in no mean, counted, and on the error list; the forms refuse it, older data may not."""
    complaint = VOICE | {"replied_at": datetime(2026, 3, 2, 9, 30)}
    number = send(site, "feedback", complaint, datetime(2026, 3, 2, 10, 0), "voice")
    case = send(site, "fracas", FAILURE, datetime(2026, 3, 2, 13, 0), "case")
    voices = form_tables.table(site.definitions["feedback"])
    kept = kept_revisions.table(site.definitions["fracas"])
    with site.session() as session:
        session.execute(update(voices).values(replied_at=datetime(2026, 3, 1, 9, 0)))
        session.execute(update(kept).values(arrived_at=datetime(2026, 3, 2, 7, 0)))
    found = measures(site, "complaints")

    assert (found["replied_48h"], found["replied_24h"], found["mean_reply"], found["misdated"]) == (None, None, None, 1)
    reached = states(site)
    assert (reached["投诉答复（48 小时）"], reached["到场（工作小时）"]) == ("数据错误", "数据错误")
    by_rule = {row["rule"]: (row["due"], row["errors"], row["rate"]) for row in rows(site, "deadlines", as_of=NOW)}
    assert by_rule["投诉答复（24 小时）"] == by_rule["到场（工作小时）"] == (0, 1, None)
    assert [(row["number"], row["field"], row["value"], row["what"]) for row in rows(site, "data_errors")] == [
        (number, "答复客户时间", "2026-03-01 09:00", "早于接收时间 2026-03-02 09:00"),
        (case, "到达时间", "2026-03-02 07:00", "早于报修时间 2026-03-02 08:30"),
    ]


def test_a_case_closed_without_a_repair_is_on_the_error_list(site: Site) -> None:
    """The form refuses it; where it came from elsewhere, the next failure would be a duplicate for ever."""
    case = send(site, "fracas", FAILURE, datetime(2026, 3, 2, 13, 0), "case")
    with site.session() as session:
        closed = {"closed_on": date(2026, 3, 4), "repaired_at": None}
        session.execute(update(kept_revisions.table(site.definitions["fracas"])).values(**closed))

    assert [(row["number"], row["field"], row["what"]) for row in rows(site, "data_errors", as_of=NOW)] == [
        (case, "关闭日期", "已关闭而没有完成时间")
    ]


def test_modes_have_curves_and_the_coming_year_its_failures(site: Site) -> None:
    """Four failures of one train: its curve ends at 4; as many a kilometre are expected until its warranty ends."""
    for month in (1, 2, 3, 4):
        times = {name: datetime(2026, month, 2, 12) for name in ("responded_at", "arrived_at", "repaired_at")}
        times |= {"reported_at": datetime(2026, month, 2, 9), "occurred_at": datetime(2026, month, 2, 8)}
        answers = FAILURE | times | {"mileage_km": 10_000 + (date(2026, month, 2) - date(2026, 1, 2)).days * 100}
        send(site, "fracas", answers, datetime(2026, month, 2, 13), f"case {month}")
    curve = rows(site, "mcf_modes", as_of=datetime(2026, 5, 1, 12))
    coming = rows(site, "warranty_forecast", as_of=datetime(2026, 5, 1, 12))

    assert [row["mcf"] for row in curve] == [1, 2, 3, 4]
    assert {(row["failure_mode"], row["failures"], row["lower"]) for row in curve} == {("无法关门", 4, None)}
    assert (coming[0]["month"], coming[0]["kilometres"]) == ("2026-05", 3000)  # from the second to the 31st
    assert coming[1]["expected"] == pytest.approx(4 * 3000 / coming[1]["run"], abs=1e-3)
    assert [(row["month"], row["kilometres"]) for row in coming[-1:]] == [("2027-04", 3000)]  # the 30th is the last day
    assert coming[0]["lower"] <= coming[0]["expected"] <= coming[0]["upper"]
