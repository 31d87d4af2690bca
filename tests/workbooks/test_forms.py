# ruff: noqa: E501  (answers stand as on a sheet, several to a line)
"""The six forms: what the founding documents name is asked, and every rule says no and yes at the right time."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from workbooks.check import CheckReport, check
from workbooks.filled import Cell, FilledForm, Identity
from workbooks.finding_codes import FindingCode
from workbooks.form import FormDefinition
from workbooks.library import library
from workbooks.master import Master, MasterRow
from workbooks.rules import compile_rules
from workbooks.template import build_template

FORMS = library()
NOW = datetime(2026, 11, 20, 18, 0)
BY_RULE = (FindingCode.RULE_BROKEN, FindingCode.NEEDS_REASON)


def _row(code: str, label: str, parent: str = "", level: int | None = None, **attributes: str) -> MasterRow:
    return MasterRow(code=code, label_zh=label, label_en=label, parent=parent, level=level, attributes=attributes)


MASTER = Master(
    {
        "stations": [_row("SH", "上海服务站", region="华东")],
        "customers": [_row("SH-M", "上海地铁运营公司", "SH")],
        "products": [
            _row("BC", "制动控制系统", "", 1),
            _row("BC-E", "电子控制", "BC", 2),
            _row("BCU", "制动控制单元BCU", "BC-E", 3, drawing_no="ZD-BCU-00"),
        ],
        "vehicles": [
            _row("0101", "0101", "SH-M", vehicle_type="地铁A型6辆", line="3号线", warranty_until="2026-11-18"),
        ],
        "failure_modes": [_row("BCU-COM", "BCU通信中断", "BCU")],
        "people": [_row("P1", "王建国", "SH"), _row("P2", "李敏", "SH"), _row("P3", "周静")],
    }
)

FEEDBACK: dict[str, Any] = {
    "station": "SH", "received_at": datetime(2026, 11, 16, 9, 0), "channel": "phone", "customer": "SH-M", "contact": "陈工",
    "contact_phone": "021-5555", "received_by": "P1", "category": "quality", "is_complaint": "yes", "complaint_class": "quality",
    "grade": "minor", "description": "压力传感器更换较多", "verified_on": date(2026, 11, 16), "verified_by": "P1",
    "verified_how": "phone", "quality_problem": "yes", "site_report": "HS-1", "verification": "属实", "solution_kind": "rework",
    "solution": "返修", "replied_at": datetime(2026, 11, 17, 9, 0), "called_back_on": date(2026, 11, 19),
    "customer_reply": "satisfied", "closed_on": date(2026, 11, 19),
}  # fmt: skip
SURVEY: dict[str, Any] = {
    "station": "SH", "campaign_year": 2026, "campaign": "q4", "customer": "SH-M", "sent_on": date(2026, 10, 10),
    "method": "fax", "surveyed_by": "P1", "outcome": "returned", "returned_on": date(2026, 10, 20), "respondent": "陈工",
    "score_quality": 90, "score_price": 80, "score_delivery": 85, "score_packaging": 95, "score_service": 88,
}  # fmt: skip
FRACAS: dict[str, Any] = {
    "station": "SH", "reported_by": "P1", "reported_at": datetime(2026, 11, 18, 8, 30), "channel": "driver", "customer": "SH-M",
    "vehicle": "0101", "system": "BC", "subsystem": "BC-E", "part": "BCU", "fitted_on": date(2024, 1, 5),
    "occurred_at": datetime(2026, 11, 18, 8, 0), "operating_phase": "service", "failure_mode": "BCU-COM", "severity": "major",
    "effect": "delay", "delay_minutes": 6, "is_repeat": "no", "symptom": "通信故障", "responded_at": datetime(2026, 11, 18, 9, 0),
    "arrived_at": datetime(2026, 11, 18, 10, 0), "repaired_at": datetime(2026, 11, 18, 11, 30), "handled_by": "P1",
    "fix_type": "permanent", "visits": 1, "action_taken": "更换板卡",
}  # fmt: skip
ANALYSED: dict[str, Any] = FRACAS | {
    "confirmation": "confirmed", "root_cause_category": "design", "responsibility": "engineering", "relevant": "yes",
    "chargeable": "yes", "analysed_by": "P2", "analysed_on": date(2026, 11, 18), "root_cause": "电容老化",
    "corrective_action": "改型", "action_type": "design_change", "action_owner": "P2", "planned_on": date(2026, 11, 30),
    "completed_on": date(2026, 11, 19),
}  # fmt: skip
CLOSED: dict[str, Any] = ANALYSED | {
    "verification_method": "test", "recurrences": 0, "effectiveness": "effective", "verified_by": "P3",
    "verified_on": date(2026, 11, 20), "frb_decision": "close", "closed_by": "P3", "closed_on": date(2026, 11, 20),
}  # fmt: skip
TICKS = dict.fromkeys(
    (name for name, _ in FORMS["fracas"].paths() if name.startswith(("technical_", "managerial_"))), "yes"
)
CRITICAL = CLOSED | TICKS | {"severity": "critical", "effect": "rescue", "delay_minutes": None, "frb_no": "FRB-11"}
PLAN: dict[str, Any] = {
    "station": "SH", "filled_on": date(2026, 11, 18), "purpose": "repair", "customer": "SH-M", "task": "更换板卡",
    "destination": "南京", "transport": "train", "departs_on": date(2026, 11, 19), "returns_on": date(2026, 11, 21),
    "leader": "P1", "budget_travel": 400, "budget_lodging": 700, "budget_allowance": 300, "borrows": "no",
    "companions": [{"person": "P2"}],
}  # fmt: skip
LOAN: dict[str, Any] = {
    "station": "SH", "borrower": "P1", "plan_no": "TP-2026-000001", "borrowed_on": date(2026, 11, 18),
    "due_on": date(2026, 11, 25), "purpose": "检修",
    "items": [{"kind": "tool", "name": "校验仪", "lender": "material_centre", "quantity": 2, "returned": 1,
               "returned_on": date(2026, 11, 19)}],
}  # fmt: skip
UNDONE = {"item_no": 1, "item": "升级两列", "reason": "列车在外地", "reported_to": "当日电话"}
NEXT = {"item_no": 1, "solution": "回段后升级", "owner": "P1", "due_on": date(2026, 12, 10)}
SUMMARY: dict[str, Any] = {
    "station": "SH", "leader": "P1", "persons": 2, "customer": "SH-M", "destination": "南京", "purpose": "repair",
    "departed_on": date(2026, 11, 17), "planned_return_on": date(2026, 11, 19), "returned_on": date(2026, 11, 19),
    "itinerary": [{"travel_on": date(2026, 11, 17), "place": "南京", "work": "处理故障"}],
    "done": [{"task": "更换板卡", "result": "正常", "accepted": "yes"}], "undone": [UNDONE], "plans": [NEXT],
    "acceptance_papers": "yes", "receipt_for_parts": "not_concerned", "changes_archived": "not_concerned",
    "loans_returned": "not_concerned", "cost_travel": 400, "cost_lodging": 700, "cost_allowance": 600,
}  # fmt: skip
GOOD = {
    "feedback": FEEDBACK,
    "survey": SURVEY,
    "fracas": CRITICAL,
    "trip_plan": PLAN,
    "trip_loan": LOAN,
    "trip_summary": SUMMARY,
}


def filled(definition: FormDefinition, answers: Mapping[str, Any]) -> FilledForm:
    """*answers* as if they had been read from a sheet."""
    repeats = {repeat.name: answers.get(repeat.name, []) for repeat in definition.repeats}
    return FilledForm(
        identity=Identity(form_id=definition.form_id, version=definition.version),
        cells={field.name: Cell("", "", answers.get(field.name)) for field in definition.fields},
        repeats={
            name: tuple({key: Cell("", "", value) for key, value in line.items()} for line in lines)
            for name, lines in repeats.items()
        },
    )


def checked(form_id: str, answers: Mapping[str, Any], now: datetime = NOW) -> CheckReport:
    definition = FORMS[form_id]
    return check(definition, filled(definition, answers), master=MASTER, now=now, roles=frozenset({"admin"}))


def broken_rules(form_id: str, answers: Mapping[str, Any]) -> set[str]:
    """The names of the rules that *answers* break, found by their messages."""
    texts = {c.message.zh: c.name for c in FORMS[form_id].all_constraints}
    return {texts[str(f.what("zh"))] for f in checked(form_id, answers).findings if f.code in BY_RULE}


# rule → (form, answers that keep it are those of GOOD) and what to change to break it
BREAKS: dict[tuple[str, str], Mapping[str, Any]] = {
    ("feedback", "received_in_the_past"): {"received_at": datetime(2026, 11, 21, 9, 0)},
    ("feedback", "verified_after_receipt"): {"verified_on": date(2026, 11, 15)},
    ("feedback", "replied_after_receipt"): {"replied_at": datetime(2026, 11, 16, 8, 59)},
    ("feedback", "called_back_after_receipt"): {"called_back_on": date(2026, 11, 15)},
    ("feedback", "closed_after_receipt"): {"closed_on": date(2026, 11, 21)},
    ("feedback", "reply_in_time"): {"replied_at": datetime(2026, 11, 18, 9, 1)},
    ("feedback", "closed_in_time"): {"received_at": datetime(2026, 10, 18, 9, 0)},
    ("feedback", "quality_needs_site_report"): {"site_report": None},
    ("feedback", "insisting_customer_stays_open"): {"customer_reply": "unsatisfied"},
    ("survey", "sent_in_the_past"): {"sent_on": date(2026, 11, 21), "outcome": "no_answer"},
    ("survey", "returned_after_sent"): {"returned_on": date(2026, 10, 9)},
    ("survey", "weights_add_up"): {"weight_quality": 0.3},
    ("fracas", "reported_in_the_past"): {"reported_at": datetime(2026, 11, 20, 18, 1)},
    ("fracas", "fitted_before_failure"): {"fitted_on": date(2026, 11, 19)},
    ("fracas", "occurred_before_report"): {"occurred_at": datetime(2026, 11, 18, 8, 31)},
    ("fracas", "responded_after_report"): {"responded_at": datetime(2026, 11, 18, 8, 29)},
    ("fracas", "arrived_after_report"): {"arrived_at": datetime(2026, 11, 18, 8, 0)},
    ("fracas", "repaired_after_arrival"): {"repaired_at": datetime(2026, 11, 18, 9, 59)},
    ("fracas", "another_serial"): {
        "replaced_parts": [
            {
                "position": "3车",
                "part_name": "BCU",
                "removed_serial": "A",
                "fitted_serial": "A",
                "quantity": 1,
                "disposition": "scrap",
            }
        ]
    },
    ("fracas", "chargeable_is_relevant"): {"relevant": "no"},
    ("fracas", "analysed_after_report"): {"analysed_on": date(2026, 11, 17)},
    ("fracas", "planned_after_analysis"): {"planned_on": date(2026, 11, 17)},
    ("fracas", "completed_in_the_past"): {"completed_on": date(2026, 11, 21)},
    ("fracas", "completed_action_is_named"): {"corrective_action": None},
    ("fracas", "verifier_is_independent"): {"verified_by": "P2"},
    ("fracas", "verified_after_action"): {"verified_on": date(2026, 11, 18)},
    ("fracas", "closer_is_not_analyst"): {"closed_by": "P2"},
    ("fracas", "closed_after_repair"): {"closed_on": date(2026, 11, 17)},
    ("fracas", "reported_at_once"): {"occurred_at": datetime(2026, 11, 11, 8, 0)},
    ("fracas", "repair_not_too_long"): {
        "arrived_at": datetime(2026, 11, 15, 8, 0),
        "reported_at": datetime(2026, 11, 15, 7, 0),
    },
    ("fracas", "minor_has_no_effect"): {"severity": "minor"},
    ("fracas", "rescue_is_critical"): {"severity": "major"},
    ("fracas", "action_closes"): {"completed_on": None},
    ("fracas", "analysis_closes"): {"confirmation": None},
    ("fracas", "repair_closes"): {"repaired_at": None},
    ("fracas", "ineffective_stays_open"): {"effectiveness": "ineffective"},
    ("fracas", "board_closes"): {"frb_decision": "continue"},
    ("fracas", "critical_needs_ten_points"): {"managerial_rules": "no"},
    ("trip_plan", "filled_in_the_past"): {"filled_on": date(2026, 11, 21)},
    ("trip_plan", "returns_after_departure"): {"returns_on": date(2026, 11, 18)},
    ("trip_plan", "companion_is_another_person"): {"companions": [{"person": "P1"}]},
    ("trip_plan", "planned_before_departure"): {"departs_on": date(2026, 11, 17)},
    ("trip_plan", "trip_not_too_long"): {"returns_on": date(2026, 12, 19)},
    ("trip_plan", "budget_plausible"): {"budget_other": 12_000},
    ("trip_loan", "borrowed_in_the_past"): {"borrowed_on": date(2026, 11, 21)},
    ("trip_loan", "due_after_loan"): {"due_on": date(2026, 11, 17)},
    ("trip_loan", "not_more_than_borrowed"): {"items": [LOAN["items"][0] | {"returned": 3}]},
    ("trip_loan", "returned_after_loan"): {"items": [LOAN["items"][0] | {"returned_on": date(2026, 11, 17)}]},
    ("trip_loan", "only_parts_are_used_up"): {"items": [LOAN["items"][0] | {"used": 1}]},
    ("trip_loan", "loan_not_too_long"): {"due_on": date(2027, 1, 18)},
    ("trip_summary", "planned_return_after_departure"): {"planned_return_on": date(2026, 11, 16)},
    ("trip_summary", "returned_after_departure"): {"returned_on": date(2026, 11, 21)},
    ("trip_summary", "day_within_trip"): {
        "itinerary": [{"travel_on": date(2026, 11, 20), "place": "南京", "work": "处理"}]
    },
    ("trip_summary", "undone_has_a_plan"): {"plans": [NEXT | {"item_no": 2}]},
    ("trip_summary", "plan_after_return"): {"plans": [NEXT | {"due_on": date(2026, 11, 18)}]},
    ("trip_summary", "something_done_or_undone"): {"done": [], "undone": [], "plans": []},
    ("trip_summary", "return_as_planned"): {"planned_return_on": date(2026, 11, 18)},
    ("trip_summary", "cost_plausible"): {"cost_other": 11_000},
}


@pytest.mark.parametrize("form_id", GOOD)
def test_good_answers_keep_every_rule(form_id: str) -> None:
    """A form filled in rightly is accepted without any finding."""
    report = checked(form_id, GOOD[form_id])

    assert [f.as_dict() for f in report.findings] == []


@pytest.mark.parametrize(("form_id", "rule"), BREAKS)
def test_breaking_a_rule_is_found(form_id: str, rule: str) -> None:
    """Each rule fires on the answers that break it."""
    assert rule in broken_rules(form_id, GOOD[form_id] | BREAKS[form_id, rule])


def test_every_rule_has_an_example_that_breaks_it() -> None:
    """The table above forgets no rule of any form."""
    rules = {(form_id, constraint.name) for form_id in GOOD for constraint in FORMS[form_id].all_constraints}

    assert set(BREAKS) == rules


@pytest.mark.parametrize(
    ("form_id", "names"),
    [
        ("feedback", "customer contact_phone channel picture description verified_on verification solution closed_on"),
        ("survey", "score_quality score_price score_delivery score_packaging score_service total_score weight_quality"),
        ("trip_plan", "destination departs_on returns_on budget_total documents drawings tools borrows"),
        ("trip_loan", "items.kind items.name items.quantity items.lender items.returned"),
        ("trip_summary", "itinerary.place done.task undone.item undone.reported_to plans.solution review"),
        (
            "fracas",
            "station reported_by reported_at channel customer line vehicle_type vehicle car system subsystem part drawing_no "
            "serial_no software_version fitted_on warranty_until occurred_at operating_phase mileage_km environment symptom "
            "fault_code effect delay_minutes severity is_repeat photo arrived_at action_taken handled_by repaired_at "
            "downtime_hours fix_type replaced_parts.position replaced_parts.removed_serial replaced_parts.fitted_serial "
            "replaced_parts.quantity replaced_parts.disposition confirmation preliminary_cause root_cause_category root_cause "
            "evidence responsibility relevant chargeable corrective_action preventive_action action_type action_owner planned_on "
            "completed_on change_no cut_in read_across verification_method window_days window_km window_trains recurrences "
            "verified_by effectiveness frb_no frb_decision closed_by closed_on age_days repair_order_no knowledge_no",
        ),
    ],
)
def test_form_asks_what_the_founding_documents_name(form_id: str, names: str) -> None:
    """Every field of the catalogue's list is on the form."""
    asked = {path for path, _ in FORMS[form_id].paths()}

    assert set(names.split()) - asked == set()


@pytest.mark.parametrize("form_id", GOOD)
def test_texts_are_in_both_languages_and_sources_are_cited(form_id: str) -> None:
    """Nobody sees an empty label, and every limit says where it is from."""
    definition = FORMS[form_id]
    texts = [field.label for _, field in definition.paths()] + [c.message for c in definition.all_constraints]

    assert all(text.zh.strip() and text.en.strip() for text in texts)
    assert all(threshold.source for threshold in definition.thresholds)
    assert definition.source.startswith("002:L")


@pytest.mark.parametrize("form_id", GOOD)
def test_conditions_compile(form_id: str) -> None:
    """Every formula of the form is understood, and names only what the form has."""
    assert compile_rules(FORMS[form_id]).rules


def test_station_part_of_fracas_fits_a_train_ride() -> None:
    """The station is asked for at most thirty answers when it reports and has finished the repair."""
    definition = FORMS["fracas"]
    always = [f for s in definition.sections if s.owner == "station" for f in s.fields if f.required and not f.computed]

    assert len(always) <= 30


def test_station_may_send_its_part_alone() -> None:
    """The first sending of a failure needs nothing of the engineer or of quality."""
    definition = FORMS["fracas"]
    report = check(definition, filled(definition, FRACAS), master=MASTER, now=NOW, roles=frozenset({"station"}))

    assert report.accepted


def test_engineer_without_action_is_accepted() -> None:
    """A failure that needs no corrective action can be analysed and left without one."""
    answers = {name: value for name, value in ANALYSED.items() if name in FRACAS} | {
        "confirmation": "no_fault", "responsibility": "service", "relevant": "no", "chargeable": "no", "analysed_by": "P2",
        "analysed_on": date(2026, 11, 19),
    }  # fmt: skip
    definition = FORMS["fracas"]
    report = check(
        definition, filled(definition, answers), master=MASTER, now=NOW, roles=frozenset({"engineer"}),
        previous=checked("fracas", FRACAS).values,
    )  # fmt: skip

    assert [f.as_dict() for f in report.findings] == []


def test_ten_points_are_for_critical_failures_only() -> None:
    """A tick on a failure that is not critical is a mistake."""
    report = checked("fracas", CLOSED | {"technical_located": "yes"})

    assert [(f.code, f.field) for f in report.findings] == [(FindingCode.NOT_RELEVANT, "technical_located")]


def test_part_must_lie_under_its_subsystem() -> None:
    """The cascade system, subsystem, part, failure mode holds on arrival too."""
    report = checked("fracas", FRACAS | {"part": "BC-E"})

    assert "part" in {f.field for f in report.findings}


@pytest.mark.parametrize(
    ("occurred_at", "warranty"),
    [(datetime(2026, 11, 18, 8, 0), "in_warranty"), (datetime(2026, 11, 19, 0, 1), "out_of_warranty")],
)
def test_warranty_includes_its_last_day(occurred_at: datetime, warranty: str) -> None:
    """002 §1 art. 7, definition vector "warranty": the day it ends is still in warranty."""
    report = checked("fracas", FRACAS | {"occurred_at": occurred_at, "reported_at": datetime(2026, 11, 19, 9, 0)})

    assert report.values["warranty"] == warranty


def test_unknown_warranty_is_never_out_of_warranty() -> None:
    """Definition vector "warranty": without a train nobody knows."""
    report = checked("feedback", {"received_at": datetime(2026, 11, 16, 9, 0)})

    assert report.values["warranty"] == "unknown"


@pytest.mark.parametrize(
    ("scores", "total"), [((90, 80, 85, 95, 88), "87.5"), ((80, 75, 90, 85, 82), "82.25"), ((85,) * 5, "85")]
)
def test_survey_total_is_weighted(scores: tuple[int, ...], total: str) -> None:
    """Definition vector "csi": weights .30 .15 .20 .10 .25."""
    items = ("quality", "price", "delivery", "packaging", "service")
    weights = dict(zip((f"weight_{i}" for i in items), ("0.3", "0.15", "0.2", "0.1", "0.25"), strict=True))
    report = checked("survey", SURVEY | dict(zip((f"score_{i}" for i in items), scores, strict=True)) | weights)

    assert report.accepted
    assert report.values["total_score"] == Decimal(total)
    assert report.values["verdict"] == ("satisfied" if Decimal(total) >= 85 else "not_satisfied")


def test_empty_weights_count_a_fifth_each() -> None:
    """The founding document gives no weights: equal ones stand in."""
    report = checked("survey", SURVEY)

    assert report.values["total_score"] == Decimal("87.6")
    assert report.values["total_weight"] == 1


def test_sheet_that_never_came_back_needs_no_scores() -> None:
    """Coverage and return need the sheets that were sent for nothing."""
    sent = {name: value for name, value in SURVEY.items() if not name.startswith(("score", "return", "resp"))}
    report = checked("survey", sent | {"outcome": "no_answer"})

    assert [f.as_dict() for f in report.findings] == []
    assert report.values["total_score"] is None


def test_low_score_asks_why() -> None:
    """An item below 60 points needs its reason."""
    report = checked("survey", SURVEY | {"score_price": 55})

    assert [(f.code, f.field) for f in report.findings] == [(FindingCode.MISSING_VALUE, "low_score_reason")]


@pytest.mark.parametrize(("now", "late"), [(datetime(2026, 11, 21, 23, 0), 0), (datetime(2026, 11, 22, 9, 0), 1)])
def test_trip_summary_is_due_two_days_after_the_return(now: datetime, late: int) -> None:
    """002:L97 (T06): two days; a later one is taken with a warning."""
    report = checked("trip_summary", SUMMARY, now)

    assert report.accepted
    assert [deadline.late_days for deadline in report.deadlines] == [late]


def test_trip_days_count_both_ends() -> None:
    """Definition vector "trips": 3 to 6 May with two persons are 8 person days."""
    trip = {"departed_on": date(2016, 5, 3), "returned_on": date(2016, 5, 6), "planned_return_on": None}
    days = {"itinerary": [{"travel_on": date(2016, 5, 3), "place": "南京", "work": "处理"}]}
    report = checked("trip_summary", SUMMARY | trip | days)

    assert (report.values["days"], report.values["person_days"]) == (4, 8)


def test_open_loans_are_counted() -> None:
    """What is borrowed and neither used nor returned is still out."""
    report = checked("trip_loan", LOAN)

    assert (report.values["borrowed_total"], report.values["outstanding_total"]) == (2, 1)


def test_trip_plan_without_dates_says_only_what_is_missing() -> None:
    """A rule stays silent while an answer it needs is missing."""
    report = checked("trip_plan", PLAN | {"departs_on": None})

    assert {(f.code, f.field) for f in report.findings} == {(FindingCode.MISSING_VALUE, "departs_on")}


@pytest.mark.parametrize("form_id", GOOD)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_template_can_be_built(form_id: str, language: Any) -> None:
    """Every form becomes a workbook in both languages."""
    assert build_template(FORMS[form_id], language=language, master=MASTER).startswith(b"PK")
