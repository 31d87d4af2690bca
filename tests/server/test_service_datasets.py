"""Repairs, feedback, ratings, technicians, installations and costs of a small company whose answers are known."""

from datetime import date, datetime
from typing import Any

import pytest

from server.site import Site
from server.statistics.selection import Selection
from tests.server.company import viewer
from tests.server.test_statistics import FAILURE, OPERATOR, PLAN, SHEET, dataset_of, rows, send
from workbooks.reporting.dataset_definition import load_datasets
from workbooks.reporting.measure_values import column_of, figure_of

NOW = datetime(2026, 6, 1, 12, 0)
VOICE: dict[str, Any] = {
    "station": "CZ", "received_at": datetime(2026, 3, 2, 9, 0), "channel": "phone", "customer": "C1", "contact": "陈工",
    "contact_phone": "0519", "received_by": "U1", "category": "quality", "is_complaint": "yes",
    "complaint_class": "quality", "grade": "major", "description": "车门异响", "vehicle": "T0101",
}  # fmt: skip
SUMMARY: dict[str, Any] = {
    "station": "CZ", "leader": "U1", "persons": 2, "customer": "C1", "destination": "常州", "purpose": "installation",
    "departed_on": date(2026, 3, 3), "planned_return_on": date(2026, 3, 6), "returned_on": date(2026, 3, 6),
    "itinerary": [{"travel_on": date(2026, 3, 3), "place": "常州", "work": "安装"}],
    "done": [{"task": "安装", "result": "好", "accepted": "yes"}, {"task": "调试", "result": "好", "accepted": "no"}],
    "acceptance_papers": "yes", "receipt_for_parts": "yes", "changes_archived": "yes", "loans_returned": "yes",
    "customer_rating": "very_satisfied", "cost_travel": 400, "cost_lodging": 300, "cost_allowance": 100,
}  # fmt: skip


def measures(site: Site, name: str, **known: Any) -> dict[str, float | None]:
    """All measures of a dataset, as of the first of June."""
    found = dataset_of(site, name, OPERATOR, NOW, **known)
    return {measure.name: figure_of(measure, found).value for measure in load_datasets()[name].measures}


@pytest.fixture
def voices(site: Site) -> None:
    """In March a complaint answered in 24 hours and one never; an unclassed one in May; a question answered late."""
    answered = VOICE | {
        "replied_at": datetime(2026, 3, 3, 9, 0), "called_back_on": date(2026, 3, 10), "customer_reply": "satisfied",
        "solution_kind": "compensation", "compensation": 500, "solution": "赔偿", "approved_by": "U1",
        "closed_on": date(2026, 4, 2),
    }  # fmt: skip
    unanswered = VOICE | {"received_at": datetime(2026, 3, 20, 9, 0), "grade": "minor", "complaint_class": "human"}
    question = VOICE | {"is_complaint": "no", "category": "question", "replied_at": datetime(2026, 3, 2, 15, 0)}
    question |= {"complaint_class": None, "grade": None, "description": "如何保养", "called_back_on": date(2026, 3, 12)}
    question |= {"customer_reply": "partly"}
    recent = VOICE | {"received_at": datetime(2026, 5, 31, 9, 0), "complaint_class": "other", "grade": "minor"}
    for name, answers in {"1": answered, "2": unanswered, "3": question, "4": recent}.items():
        send(site, "feedback", answers, datetime(2026, 5, 31, 10, 0), name)


def test_complaints_count_answers_in_time(site: Site, voices: None) -> None:
    """Of three one was answered in 24 hours, one never, one has still time for 48 hours but not for 24."""
    found = measures(site, "complaints")

    assert (found["complaints"], found["compensation"], found["compensated"]) == (3, 500, 1)
    assert (found["replied_48h"], found["replied_24h"]) == (0.5, pytest.approx(1 / 3))
    assert found["closed_in_time"] == 0.5  # the second is past its month, the third is not
    assert (found["major_share"], found["quality_share"]) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert found["mean_reply"] == 24


def test_answer_that_came_later_is_not_known_before(site: Site, voices: None) -> None:
    """As of the evening of the first day nothing was answered, and nothing was too late."""
    answered = rows(site, "feedback", as_of=datetime(2026, 5, 31, 23, 0))

    assert [row["replied_48h"] for row in answered] == [1, None, 0, None]
    assert [row["answered_4h"] for row in answered] == [None, 0, None, None]
    assert [row["kind"] for row in answered] == ["投诉", "咨询", "投诉", "投诉"]


def test_feedback_counts_what_was_said_when_called_back(site: Site, voices: None) -> None:
    """Four records of one customer in two months, two called back, one of them content."""
    found = measures(site, "feedback")

    assert (found["feedbacks"], found["complaints"], found["callbacks"]) == (4, 3, 2)
    assert (found["satisfied_share"], found["answered_4h"], found["customers"]) == (0.5, 0, 2)


def test_classes_add_up_to_all_complaints(site: Site, voices: None) -> None:
    """Shares of the classes add up to one, and each lies in its interval."""
    found = rows(site, "complaint_classes", as_of=NOW)

    assert sum(row["complaints"] for row in found) == 3
    assert sum(row["share"] for row in found) == pytest.approx(1)
    assert all(row["lower"] < row["share"] < row["upper"] for row in found)


def test_complaint_rate_is_a_ratio_of_sums(site: Site, voices: None) -> None:
    """Two complaints against one case in March, one against none in May: three to one, whatever the months say."""
    send(site, "fracas", FAILURE, datetime(2026, 3, 2, 13, 0), "case")
    found = rows(site, "complaint_rates", as_of=NOW)

    assert [(row["month"], row["complaints"], row["cases"], row["per_case"]) for row in found] == [
        ("2026-03", 2, 1, 2.0),
        ("2026-05", 1, 0, None),
    ]
    assert measures(site, "complaint_rates")["per_case"] == 3.0


def test_repairs_show_how_they_went(site: Site) -> None:
    """One visit and no return is a first-time fix; solved without a visit is fixed remotely, and no first-time fix."""
    send(site, "fracas", FAILURE, datetime(2026, 3, 2, 13, 0), "case")
    remote = FAILURE | {"visits": 0, "arrived_at": None, "car": "4车", "repaired_at": datetime(2026, 4, 2, 12, 0)}
    send(site, "fracas", remote, datetime(2026, 4, 2, 13, 0), "remote")
    found = rows(site, "repairs", as_of=NOW)

    assert [(r["month"], r["fixed_first_time"], r["fixed_remotely"]) for r in found] == [
        ("2026-03", 1, 0),
        ("2026-04", None, 1),
    ]
    assert (found[0]["arrival_work_hours"], found[0]["arrived_in_time"], found[0]["resolve_hours"]) == (2.0, 1, 3.5)
    assert (found[0]["repeat_visits"], found[0]["in_warranty"], found[0]["technician"]) == (0, 1, "张伟")
    assert measures(site, "repairs")["fixed_remotely"] == 0.5
    assert len(rows(site, "repairs", as_of=NOW, start=date(2026, 4, 1))) == 1


def test_those_that_wait_are_in_the_median_of_kaplan_and_meier(site: Site) -> None:
    """Half an hour for the one, the other waits since March: the mean tells half, the curve does too."""
    send(site, "fracas", FAILURE, datetime(2026, 3, 2, 13, 0), "case")
    waiting = {name: FAILURE[name] for name in FAILURE if name not in ("responded_at", "arrived_at", "repaired_at")}
    waiting = {name: waiting[name] for name in waiting if name not in ("handled_by", "fix_type", "visits")}
    send(site, "fracas", waiting | {"car": "4车", "action_taken": None}, datetime(2026, 3, 2, 13, 0), "waiting")
    response = next(row for row in rows(site, "response_times", as_of=NOW) if row["step"] == "首次响应")

    assert (response["n"], response["waiting"], response["mean"], response["km_median"]) == (1, 1, 0.5, 0.5)
    assert response["oldest"] == pytest.approx(2187.5)


def test_installation_is_accepted_with_its_papers(site: Site) -> None:
    """One trip to install: papers handed over, one of two tasks accepted, eight person days."""
    send(site, "trip_summary", SUMMARY, datetime(2026, 3, 7, 9, 0), "one")
    (row,) = rows(site, "installations", as_of=NOW)

    assert (row["papers"], row["accepted"], row["not_accepted"], row["tasks"], row["accepted_tasks"]) == (1, 1, 0, 2, 1)
    assert (row["month"], row["person_days"], row["customer"]) == ("2026-03", 8, "常州地铁")
    assert measures(site, "vehicle_acceptance") == {"installed": 1, "accepted": 1, "not_accepted": 0}
    assert rows(site, "vehicle_acceptance", as_of=datetime(2024, 4, 1))[0]["not_accepted"] == 1


def test_costs_add_up_the_same_by_stage_and_by_kind(site: Site, voices: None) -> None:
    """800 of a trip to install and 500 of compensation in warranty are 1300, however they are parted."""
    send(site, "trip_summary", SUMMARY, datetime(2026, 3, 7, 9, 0), "one")
    found = dataset_of(site, "costs", as_of=NOW)
    amounts = column_of(found, "amount")

    for part in ("stage", "kind"):
        sums: dict[str, float] = {}
        for name, amount in zip(column_of(found, part), amounts, strict=True):
            sums[name] = sums.get(name, 0) + amount
        assert sum(sums.values()) == 1300
    assert dict(zip(column_of(found, "stage"), column_of(found, "kind"), strict=True)) == {
        "保修期内": "赔偿", "安装阶段": "补助",
    }  # fmt: skip


def test_trips_compare_plan_and_outcome(site: Site) -> None:
    """Planned for 1400, spent 800 in 8 person days, back a day late, rated 4."""
    planned = PLAN | {"purpose": "installation", "departs_on": date(2026, 3, 3), "returns_on": date(2026, 3, 5)}
    number = send(site, "trip_plan", planned, datetime(2026, 3, 1, 9, 0), "plan")
    send(site, "trip_summary", SUMMARY | {"plan_no": number}, datetime(2026, 3, 7, 9, 0), "one")
    found = measures(site, "trips")

    assert (found["planned_cost"], found["saved"], found["cost_per_day"]) == (1400, 600, 100)
    assert (found["back_as_planned"], found["rating"], found["summary_on_time"]) == (0, 4, 1)


def test_ratings_name_their_scale(site: Site, voices: None) -> None:
    """A letter of the highest grade, and two call-backs of which one is satisfied."""
    send(site, "trip_summary", SUMMARY, datetime(2026, 3, 7, 9, 0), "one")
    found = {(row["scale"][:4], row["station"]): row for row in rows(site, "csat", as_of=NOW)}

    assert {key: (row["ratings"], row["csat"]) for key, row in found.items()} == {
        ("服务联系", "全部站点"): (1, 1.0), ("服务联系", "常州站"): (1, 1.0),
        ("反馈回访", "全部站点"): (2, 0.5), ("反馈回访", "常州站"): (2, 0.5),
    }  # fmt: skip
    assert len(rows(site, "ratings", as_of=NOW)) == 3


def test_the_figures_of_one_station_are_not_called_those_of_all(site: Site) -> None:
    """Where a station is chosen, alone in its region or all that the viewer may see, nothing stands over it."""
    of_cd = {"station": "CD", "customer": "C2", "vehicle": None}
    asked = VOICE | of_cd | {"called_back_on": date(2026, 3, 10), "customer_reply": "satisfied"}
    send(site, "feedback", asked, datetime(2026, 3, 11, 9, 0), "call")
    send(site, "survey", SHEET | {"station": "CD", "customer": "C2"}, datetime(2025, 10, 21, 9, 0), "C2")
    send(site, "fracas", FAILURE | {"station": "CD"}, datetime(2026, 3, 2, 13, 0), "case")
    with site.session(read_only=True) as session:
        charlie = viewer(session, "charlie")
    one: list[dict[str, Any]] = [
        {"selection": Selection(station="CD")}, {"selection": Selection(region="西南")}, {"viewer": charlie},
    ]  # fmt: skip

    for name in ("csat", "satisfaction_groups", "response_times"):
        assert len({row["station"] for row in rows(site, name, as_of=NOW)}) == 2, name
        for known in one:
            assert {row["station"] for row in rows(site, name, as_of=NOW, **known)} == {"成都站"}, name


def test_few_ratings_are_not_ranked(site: Site) -> None:
    """One repair, one trip and one rating: shown, drawn to the mean of all, and without a rank."""
    send(site, "fracas", FAILURE, datetime(2026, 3, 2, 13, 0), "case")
    send(site, "trip_summary", SUMMARY, datetime(2026, 3, 7, 9, 0), "one")
    (row,) = rows(site, "technicians", as_of=NOW)

    assert (row["technician"], row["station"], row["repairs"], row["mttr"]) == ("张伟", "常州站", 1, 1.5)
    assert (row["first_time_fix"], row["fix_decided"], row["trips"], row["summaries_on_time"]) == (1.0, 1, 1, 1.0)
    assert (row["ratings"], row["rating"], row["shrunk"], row["rank"], row["few"]) == (1, 4.0, 4.0, None, 1)
