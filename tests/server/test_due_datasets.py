"""What falls due, what was due, and stations and surveys side by side, in a small company whose answers are known."""

from datetime import date, datetime
from typing import Any

import pytest

from server.site import Site
from server.statistics.drivers import cronbach_alpha, drivers
from server.statistics.selection import Selection
from tests.server.company import viewer
from tests.server.test_service_datasets import NOW, SUMMARY, VOICE, measures
from tests.server.test_statistics import ANALYSIS, FAILURE, PLAN, SHEET, rows, send

LOAN: dict[str, Any] = {
    "station": "CZ", "borrower": "U1", "plan_no": "TP-2026-000001", "borrowed_on": date(2026, 5, 4), "customer": "C1",
    "due_on": date(2026, 5, 20), "purpose": "换装",
    "items": [{"kind": "tool", "name": "扭力扳手", "lender": "material_centre", "quantity": 2, "used": 0, "returned": 1,
               "returned_on": date(2026, 5, 18)}],
}  # fmt: skip
ACTION: dict[str, Any] = {
    "corrective_action": "换焊料", "action_type": "process", "action_owner": "U1", "planned_on": date(2026, 6, 30),
}  # fmt: skip
LEFT: dict[str, Any] = {
    "undone": [{"item_no": 1, "item": "换传感器", "reason": "缺件", "reported_to": "经理"}],
    "plans": [{"item_no": 1, "solution": "下次出差更换", "owner": "U1", "due_on": date(2026, 4, 1)}],
}  # fmt: skip


def states(site: Site, as_of: datetime = NOW) -> dict[str, str]:
    """The state of each rule that has one item, in Chinese."""
    return {row["rule"]: row["state"] for row in rows(site, "deadline_items", as_of=as_of)}


def test_plans_due_say_how_long_there_is(site: Site) -> None:
    """An action in 29 days, a loan 12 days late, an item whose completion nobody records, a far end of warranty."""
    send(site, "fracas", FAILURE | ANALYSIS | ACTION, datetime(2026, 3, 20, 10, 0), "case")
    send(site, "trip_loan", LOAN, datetime(2026, 5, 19, 9, 0), "loan")
    send(site, "trip_summary", SUMMARY | LEFT, datetime(2026, 3, 7, 9, 0), "trip")
    found = {row["kind"]: row for row in rows(site, "plans_due", as_of=NOW)}

    assert {kind: (row["state"], row["days_left"], row["overdue"]) for kind, row in found.items()} == {
        "出差遗留事项": ("已到期（完成未登记）", -61, None),
        "借料归还": ("已超期", -12, 1),
        "纠正措施": ("30天内", 29, 0),
        "质保到期": ("90天以后", 333, 0),
    }
    assert (found["纠正措施"]["person"], found["借料归还"]["what"]) == ("张伟", "扭力扳手")
    assert measures(site, "plans_due") == {"plans": 4, "within_30": 1, "within_60": 1, "within_90": 1, "overdue": 1}
    assert [
        row["kind"] for row in rows(site, "plans_due", as_of=NOW, start=date(2026, 6, 1), end=date(2026, 6, 30))
    ] == ["纠正措施"]


def test_what_is_done_is_no_longer_due(site: Site) -> None:
    """The action of March was done in May: due as of April, gone as of June."""
    done = FAILURE | ANALYSIS | ACTION | {"completed_on": date(2026, 5, 4)}
    send(site, "fracas", FAILURE | ANALYSIS | ACTION, datetime(2026, 3, 20, 10, 0), "case")
    send(site, "fracas", done, datetime(2026, 5, 4, 10, 0), "case")

    assert "纠正措施" in {row["kind"] for row in rows(site, "plans_due", as_of=datetime(2026, 4, 1))}
    assert "纠正措施" not in {row["kind"] for row in rows(site, "plans_due", as_of=NOW)}


def test_different_trains_and_customers_can_be_counted(site: Site) -> None:
    """Two failures of one train in March are one train; the sum of the first rows says so."""
    send(site, "fracas", FAILURE, datetime(2026, 3, 2, 13, 0), "one")
    send(site, "fracas", FAILURE | {"car": "4车"}, datetime(2026, 3, 2, 13, 0), "two")
    found = measures(site, "fracas_cases")

    assert (found["failures"], found["vehicles"], found["customers"]) == (2, 1, 1)
    assert (found["arrived_in_time"], found["unanswered"], found["warranty_share"]) == (1, 0, 1)


def test_inspections_follow_the_acceptance(site: Site) -> None:
    """The train accepted on 1 May 2024 is inspected after 1, 3, 6 and 12 months; those ahead are due."""
    found = [r["due_on"] for r in rows(site, "plans_due", as_of=datetime(2024, 7, 1)) if r["kind"] == "例行检查"]

    assert found == [date(2024, 8, 1), date(2024, 11, 1), date(2025, 5, 1)]


def test_every_deadline_the_forms_feed_has_its_state(site: Site) -> None:
    """On time, late, overdue and not due, each of them somewhere."""
    send(site, "fracas", FAILURE | ANALYSIS | ACTION, datetime(2026, 3, 20, 10, 0), "case")
    complaint = VOICE | {"replied_at": datetime(2026, 3, 3, 15, 0)}
    send(site, "feedback", complaint, datetime(2026, 3, 3, 16, 0), "complaint")
    question = {"is_complaint": "no", "category": "question", "complaint_class": None, "grade": None}
    send(site, "feedback", VOICE | question | {"description": "如何保养"}, datetime(2026, 3, 3, 16, 0), "question")
    send(site, "trip_loan", LOAN, datetime(2026, 5, 19, 9, 0), "loan")
    send(site, "trip_summary", SUMMARY | {"purpose": "visit"}, datetime(2026, 3, 10, 9, 0), "trip")

    assert states(site) == {
        "到场（工作小时）": "按时",
        "投诉答复（48 小时）": "按时",
        "投诉答复（24 小时）": "超时",
        "投诉关闭（一个月）": "超期未完",
        "咨询解答（4 小时）": "超期未完",
        "出差总结单（2 天）": "超时",
        "纠正措施（计划日期）": "未到期",
        "借料归还（应还日期）": "超期未完",
        "客户拜访（每年 2 次）": "未到期",
    }


def test_deadlines_and_their_items_agree(site: Site) -> None:
    """The rate over the counts is the mean over the items, and what is not due is in neither."""
    send(site, "fracas", FAILURE | ANALYSIS | ACTION, datetime(2026, 3, 20, 10, 0), "case")
    send(site, "feedback", VOICE, datetime(2026, 3, 3, 16, 0), "complaint")
    counted, items = measures(site, "deadlines"), measures(site, "deadline_items")

    assert counted == items == {"on_time_rate": 0.25, "on_time": 1, "late": 0, "overdue": 3, "errors": 0}


def test_nobody_is_late_for_what_needed_no_visit(site: Site) -> None:
    """A failure solved by phone has no arrival that could be overdue."""
    remote = {name: FAILURE[name] for name in FAILURE if name != "arrived_at"} | {"visits": 0}
    send(site, "fracas", remote, datetime(2026, 3, 2, 13, 0), "remote")

    assert rows(site, "deadline_items", as_of=NOW) == []


def test_surveys_are_owed_to_every_customer_from_the_first_year_on(site: Site) -> None:
    """C1 was asked in the fourth quarter of 2025, C2 never; the quarter of 2026 has not begun."""
    send(site, "survey", SHEET, datetime(2025, 10, 21, 9, 0), "C1")
    found = {(row["customer"], row["state"]) for row in rows(site, "deadline_items", as_of=NOW)}

    assert found == {("常州地铁", "按时"), ("成都地铁", "超期未完")}


@pytest.mark.parametrize("form_id", ["survey", "trip_summary"])
def test_a_station_that_never_asks_or_visits_owes_it_too(site: Site, form_id: str) -> None:
    """CZ did in 2025; what CD owes its customer is the same for everybody, CD selected or CD looking."""
    answers = SHEET if form_id == "survey" else SUMMARY | {"purpose": "visit"}
    send(site, form_id, answers, datetime(2026, 3, 9, 9, 0), "C1")
    with site.session(read_only=True) as session:
        charlie = viewer(session, "charlie")
    everybody = {
        (row["rule"], row["year"], row["state"])
        for row in rows(site, "deadline_items", as_of=NOW)
        if row["customer"] == "成都地铁"
    }

    assert everybody
    for known in ({"selection": Selection(station="CD")}, {"viewer": charlie}):
        found = rows(site, "deadline_items", as_of=NOW, **known)
        assert {(row["rule"], row["year"], row["state"]) for row in found} == everybody


def test_campaigns_by_place(site: Site) -> None:
    """One customer of CZ content and a promoter, one of CD lost: all, two regions, two stations."""
    send(site, "survey", SHEET, datetime(2025, 10, 21, 9, 0), "C1")
    low = SHEET | {f"score_{item}": 70 for item in ("quality", "price", "delivery", "packaging", "service")}
    send(site, "survey", low | {"station": "CD", "customer": "C2", "recommend": 3}, datetime(2025, 10, 21, 9, 0), "C2")
    found = {(r["level"], r["region"], r["station"]): r for r in rows(site, "satisfaction_groups", as_of=NOW)}

    whole, east = found["全部", None, None], found["区域", "华东", None]
    assert len(found) == 5
    assert (whole["index"], whole["satisfied_share"], whole["nps"], whole["product"]) == (78.8, 0.5, 0.0, 1.0)
    assert (east["index"], east["frame"], east["nps"], east["few"]) == (87.6, 1, 100.0, 1)
    assert found["站点", "西南", "成都站"]["satisfied"] == 0
    assert measures(site, "satisfaction_groups") == {"satisfied_share": 0.5, "product": 1.0}
    assert measures(site, "satisfaction")["nps"] == 0


def test_items_show_what_to_improve_first(site: Site) -> None:
    """Price has the lowest score and is named by the customer."""
    send(site, "survey", SHEET | {"weakest": "price"}, datetime(2025, 10, 21, 9, 0), "C1")
    found = {row["item"]: row for row in rows(site, "satisfaction_items", as_of=NOW)}

    assert (found["产品价格"]["mean"], found["产品价格"]["rank"], found["产品价格"]["weakest"]) == (80, 1, 1)
    assert measures(site, "satisfaction_items")["mean"] == pytest.approx(87.6)


def test_drivers_are_refused_below_ten_answers_a_factor(site: Site) -> None:
    """One sheet tells nothing about five factors: no coefficient, and the reason."""
    send(site, "survey", SHEET, datetime(2025, 10, 21, 9, 0), "C1")
    found = rows(site, "satisfaction_drivers", as_of=NOW)

    assert [row["coefficient"] for row in found] == [None] * 5
    assert all("50" in row["reason"] for row in found)


def test_drivers_find_what_moves_the_verdict() -> None:
    """A verdict made of 0.5 × service and 0.1 × price, with a little noise: the coefficients come out, and in order."""
    price = [60 + (7 * i) % 40 for i in range(60)]
    service = [55 + (11 * i) % 45 for i in range(60)]
    noise = [((13 * i) % 7 - 3) / 10 for i in range(60)]
    verdicts = [0.1 * p + 0.5 * s + e for p, s, e in zip(price, service, noise, strict=True)]
    found = drivers(verdicts, {"price": price, "service": service})
    by_factor = {driver.factor: driver for driver in found.drivers}

    assert by_factor["service"].coefficient == pytest.approx(0.5, abs=0.01)
    assert by_factor["price"].limits.lower < 0.1 < (by_factor["price"].limits.upper or 0)
    assert by_factor["service"].inflation == pytest.approx(by_factor["price"].inflation)
    assert (found.r_squared or 0) > 0.99


def test_scores_that_say_the_same_are_refused() -> None:
    """Two factors with equal scores cannot be told apart, and a verdict that never varies explains nothing."""
    scores = [float(i % 9) for i in range(40)]

    assert drivers(scores, {"a": scores, "b": scores}).reason is not None
    assert drivers([7.0] * 40, {"a": scores}).reason is not None


def test_answers_that_agree_are_consistent() -> None:
    """Equal items give 1; 1-2-3-4 beside 2-1-4-3 gives 0.75 (covariance 0.6 of variances 1); one answer gives none."""
    assert cronbach_alpha([[1, 2, 3], [1, 2, 3]]) == pytest.approx(1)
    assert cronbach_alpha([[1, 2, 3, 4], [2, 1, 4, 3]]) == pytest.approx(0.75)
    assert cronbach_alpha([[1, 2]]) is None
    assert cronbach_alpha([[2, 2], [2, 2]]) is None


def test_a_missing_part_leaves_no_quality(site: Site) -> None:
    """With repairs and a sheet Q is 0.35·100 + 0.40·100 + 0.25·D3; without the sheet there is none."""
    send(site, "fracas", FAILURE, datetime(2026, 3, 2, 13, 0), "case")
    (before,) = rows(site, "station_matrix", as_of=NOW)
    send(site, "survey", SHEET, datetime(2025, 10, 21, 9, 0), "C1")
    (after,) = rows(site, "station_matrix", as_of=NOW)

    assert (before["d1"], before["d2"], before["d3"], before["quality"]) == (100, 100, None, None)
    assert (after["d3"], after["quality"], after["few"]) == (100, 100, 1)


def test_monthly_sheet_checks_itself(site: Site) -> None:
    """Called back twice in March, once content, once not fully: the causes add up and the check is 0."""
    content = {"called_back_on": date(2026, 3, 10), "customer_reply": "satisfied"}
    partly = {"called_back_on": date(2026, 3, 12), "customer_reply": "partly", "category": "response"}
    send(site, "feedback", VOICE | content, datetime(2026, 3, 12, 10, 0), "1")
    send(site, "feedback", VOICE | partly | {"description": "来得慢"}, datetime(2026, 3, 12, 10, 0), "2")
    send(site, "fracas", FAILURE | {"visits": 3}, datetime(2026, 3, 2, 13, 0), "case")
    found = rows(site, "service_months", as_of=NOW)

    assert {row["cause"]: (row["callbacks"], row["not_fully"], row["revisits"]) for row in found} == {
        "（维修）": (0, 0, 2), "产品质量": (1, 0, 0), "响应不及时": (1, 1, 0),
    }  # fmt: skip
    assert [row["check"] for row in found] == [0, 0, 0]
    assert measures(site, "service_months")["satisfied_share"] == 0.5


def test_other_plan_is_not_confused(site: Site) -> None:
    """A trip that is only planned has no summary that could be late yet."""
    later = {"filled_on": date(2026, 5, 29), "departs_on": date(2026, 5, 30), "returns_on": date(2026, 6, 3)}
    send(site, "trip_plan", PLAN | later, datetime(2026, 5, 29, 9, 0), "trip")

    assert rows(site, "deadline_items", as_of=NOW) == []
