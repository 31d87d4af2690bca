"""What people typed into the workbooks of tests/data: form, language, answers, and what the check says of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from workbooks.form import Language

Typed = Mapping[str, str | list[dict[str, str]]]
"""Answers by field name; a repeat's name maps to its lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """
    One workbook as somebody filled it in.

    *codes* are the finding slugs expected with the demo company's master data on
    2026-11-20; *reason* goes into the cell for the sender's reason.
    """

    name: str
    form_id: str
    typed: Typed
    language: Language = "zh"
    reason: str = ""
    codes: tuple[str, ...] = ()
    accepted: bool = True
    loose: bool = False  # typed as text, whatever the cell's format is: dates and numbers as people paste them


_FRACAS: Typed = {
    "station": "上海服务站",
    "reported_by": "谢文斌",
    "reported_at": "2026-11-03 08:40",
    "channel": "司机/运营",
    "customer": "上海城际铁路公司",
    "vehicle": "0101",
    "car": "Mp2",
    "system": "制动控制系统",
    "subsystem": "电子控制",
    "part": "制动控制单元BCU",
    "serial_no": "BCU-21-00417",
    "software_version": "V3.2.1",
    "fitted_on": "2022-10-15",
    "occurred_at": "2026-11-03 08:15",
    "operating_phase": "正线运营",
    "mileage_km": "862410",
    "environment": "常温",
    "failure_mode": "BCU通信中断/板卡故障",
    "fault_code": "E217",
    "severity": "一般（不影响运营）",
    "effect": "无影响",
    "is_repeat": "否",
    "symptom": "司机室屏幕报 Mp2 车制动控制单元通信故障，复位后 3 分钟再次出现；制动施加、缓解正常。",
    "responded_at": "2026-11-03 08:55",
    "arrived_at": "2026-11-03 10:20",
    "repaired_at": "2026-11-03 12:08",
    "handled_by": "胡军",
    "fix_type": "永久",
    "visits": "1",
    "action_taken": "更换通信板并升级软件，静态、动态试验正常。",
    "replaced_parts": [
        {
            "position": "Mp2 车 BCU 机箱 3 槽",
            "part_name": "通信板 ZD-BCU-03",
            "removed_serial": "0041729",
            "fitted_serial": "0053310",
            "quantity": "1",
            "disposition": "返厂分析",
        }
    ],
}
_ANALYSIS: Typed = {
    "confirmation": "属实",
    "root_cause_category": "制造",
    "responsibility": "生产车间",
    "relevant": "是",
    "chargeable": "是",
    "analysed_by": "朱晓明",
    "analysed_on": "2026-11-09",
    "preliminary_cause": "通信板晶振虚焊。",
    "root_cause": "回流焊温度偏低，晶振焊点润湿不足，振动下断续开路。",
    "evidence": "检测报告 J-2026-1109",
    "corrective_action": "修改回流焊温度曲线，同批次通信板返工。",
    "preventive_action": "首件焊点做切片检查。",
    "action_type": "工艺改进",
    "action_owner": "谢建国",
    "planned_on": "2026-11-30",
    "read_across": "同批次 36 块通信板，涉及 12 列车。",
}
_FEEDBACK: Typed = {
    "station": "南京服务站",
    "received_at": "2026-11-05 09:30",
    "channel": "电话",
    "customer": "南京地铁运营公司",
    "contact": "周主任",
    "contact_phone": "025-86000417",
    "received_by": "宋磊",
    "product": "基础制动",
    "batch": "PAD-2609-113",
    "quantity": "24",
    "category": "产品质量",
    "is_complaint": "是",
    "complaint_class": "质量异常",
    "grade": "轻",
    "description": "10 月换上的 24 片闸片有异响，进站时明显，要求尽快派人查看。",
    "verified_on": "2026-11-06",
    "verified_by": "朱雪梅",
    "verified_how": "现场",
    "quality_problem": "是",
    "site_report": "HS-2026-118",
    "verification": "6 片闸片倒角不符图纸，其余正常。",
    "solution_kind": "重做/换货",
    "replied_at": "2026-11-06 16:00",
    "solution": "更换 24 片闸片，旧件带回检测。",
}
_SURVEY: Typed = {
    "station": "武汉服务站",
    "campaign_year": "2026",
    "campaign": "第四季度",
    "customer": "武汉地铁运营公司",
    "sent_on": "2026-10-12",
    "method": "登门拜访",
    "surveyed_by": "李建国",
    "outcome": "已收回",
    "returned_on": "2026-10-20",
    "respondent": "陈工",
    "respondent_post": "车辆部主管",
    "score_quality": "92",
    "score_price": "80",
    "score_delivery": "88",
    "score_packaging": "95",
    "score_service": "96",
    "recommend": "9",
    "weakest": "产品价格",
    "expectations": "希望备件价格再低一些，并增加现场培训。",
}
_PLAN: Typed = {
    "station": "深圳服务站",
    "filled_on": "2026-11-10",
    "task_no": "RW-2026-231",
    "purpose": "故障处理",
    "customer": "深圳地铁运营公司",
    "customer_contact": "林工 0755-26000133",
    "task": "处理 3 列车停放制动缓解慢，携带新电磁阀 6 只。",
    "destination": "深圳",
    "transport": "火车/高铁",
    "departs_on": "2026-11-12",
    "returns_on": "2026-11-14",
    "leader": "赵勇",
    "companions": [{"person": "黄文斌", "duty": "电气", "phone": "13800138000"}],
    "budget_travel": "1860",
    "budget_lodging": "1200",
    "budget_allowance": "600",
    "tools": "压力表、便携电脑、电磁阀 6 只",
    "borrows": "是",
}
_LOAN: Typed = {
    "station": "成都服务站",
    "borrower": "郑洋",
    "plan_no": "TP-2026-000041",
    "borrowed_on": "2026-10-26",
    "due_on": "2026-11-16",
    "customer": "成都地铁运营公司",
    "purpose": "空压机整改换装",
    "items": [
        {"kind": "图纸", "name": "空压机总成图", "model": "ZD-CMP-00", "lender": "总师办", "quantity": "1"},
        {"kind": "工具", "name": "扭矩扳手", "model": "20-100 N·m", "lender": "材料配送中心", "quantity": "2"},
        {"kind": "配件", "name": "进气滤芯", "model": "ZD-CMP-17", "lender": "材料配送中心", "quantity": "8"},
    ],
}
_SUMMARY: Typed = {
    "station": "青岛服务站",
    "plan_no": "TP-2026-000038",
    "leader": "徐鹏飞",
    "companions": "赵静",
    "persons": "2",
    "customer": "青岛地铁运营公司",
    "destination": "青岛",
    "purpose": "例行检查",
    "departed_on": "2026-11-16",
    "planned_return_on": "2026-11-19",
    "returned_on": "2026-11-19",
    "itinerary": [
        {"travel_on": "2026-11-16", "place": "青岛", "work": "到达，与客户确认检查范围"},
        {"travel_on": "2026-11-17", "place": "车辆段", "work": "检查 4 列车制动夹钳"},
        {"travel_on": "2026-11-19", "place": "车辆段", "work": "复检、办理验收"},
    ],
    "done": [
        {"task": "4 列车制动夹钳检查", "result": "全部合格", "accepted": "是"},
        {"task": "更换闸片 8 片", "failure_no": "", "result": "已更换并试验", "accepted": "是"},
    ],
    "acceptance_papers": "是",
    "receipt_for_parts": "是",
    "changes_archived": "不涉及",
    "loans_returned": "不涉及",
    "customer_rating": "很满意",
    "cost_travel": "1340.5",
    "cost_lodging": "1680",
    "cost_allowance": "800",
    "cost_other": "96",
}
_UNDONE: Typed = {
    "undone": [{"item_no": "1", "item": "1 列车夹钳漏油", "reason": "缺密封件", "reported_to": "11-17 电话汇报梁经理"}],
    "plans": [{"item_no": "1", "solution": "密封件到货后再次上门更换", "owner": "徐鹏飞", "due_on": "2026-12-05"}],
}

_ENGLISH_PLAN: Typed = {
    "station": "Shenzhen station",
    "filled_on": "2026-11-10",
    "purpose": "Training",
    "customer": "Shenzhen Metro Operation",
    "task": "Two days of training on the new brake control unit",
    "destination": "Shenzhen",
    "transport": "Train",
    "departs_on": "2026-11-16",
    "returns_on": "2026-11-17",
    "leader": "Yong Zhao",
    "budget_travel": "900",
    "budget_lodging": "600",
    "budget_allowance": "400",
    "borrows": "No",
}
_ENGLISH_PRAISE: Typed = {
    "station": "Beijing station",
    "received_at": "2026-11-11 15:20",
    "channel": "E-mail",
    "customer": "Beijing Metro Operation",
    "contact": "Mr Sun",
    "contact_phone": "010-65000212",
    "received_by": "Wei Ma",
    "category": "Praise",
    "is_complaint": "No",
    "description": "The night shift repaired the door-side valve within an hour; the morning service was not affected.",
}
# Dates and numbers as people write and paste them.
_SPELLINGS: Typed = {
    "vehicle": "0110",
    "reported_at": "2026年11月3日 8:40",
    "occurred_at": "2026/11/3 8:15",
    "fitted_on": "2022.10.15",
    "mileage_km": "８６２，４１０km",
    "visits": "1次",
    "responded_at": "2026-11-03 上午8:55",
    "arrived_at": "2026-11-3 10：20",
    "repaired_at": "2026年11月3日 12时08分",
    "severity": " 一般（不影响运营） ",
    "reported_by": "谢文斌 ",
}


def _without(typed: Typed, *names: str) -> Typed:
    return {name: value for name, value in typed.items() if name not in names}


GOOD = (
    Sending(name="fracas_shanghai_bcu", form_id="fracas", typed=_FRACAS),
    Sending(name="fracas_shanghai_bcu_analysed", form_id="fracas", typed=_FRACAS | _ANALYSIS | {"vehicle": "0104"}),
    Sending(
        name="fracas_reported_late_with_reason",
        form_id="fracas",
        typed=_FRACAS | {"occurred_at": "2026-10-20 21:10", "vehicle": "0107", "customer": "上海地铁运营公司"},
        reason="列车停运检修期间发现，客户 11 月 3 日才报修。",
        codes=("taken-with-reason",),
    ),
    Sending(name="fracas_typed_as_people_type", form_id="fracas", typed=_FRACAS | _SPELLINGS, loose=True),
    Sending(name="feedback_nanjing_complaint", form_id="feedback", typed=_FEEDBACK),
    Sending(name="feedback_beijing_praise_english", form_id="feedback", typed=_ENGLISH_PRAISE, language="en"),
    Sending(name="survey_wuhan_returned", form_id="survey", typed=_SURVEY),
    Sending(
        name="survey_xian_not_returned",
        form_id="survey",
        typed={
            "station": "西安服务站",
            "campaign_year": "2026",
            "campaign": "第四季度",
            "customer": "西安地铁运营公司",
            "sent_on": "2026-10-12",
            "method": "传真",
            "surveyed_by": "吴静",
            "outcome": "未收回",
        },
    ),
    Sending(name="trip_plan_shenzhen", form_id="trip_plan", typed=_PLAN),
    Sending(name="trip_plan_shenzhen_english", form_id="trip_plan", typed=_ENGLISH_PLAN, language="en"),
    Sending(name="trip_loan_chengdu", form_id="trip_loan", typed=_LOAN),
    Sending(
        name="trip_loan_chengdu_returned",
        form_id="trip_loan",
        typed=_LOAN
        | {
            "plan_no": "TP-2026-000039",
            "items": [
                dict(line, returned=line["quantity"], returned_on="2026-11-13")  # type: ignore[arg-type]
                if line["kind"] != "配件"  # type: ignore[index]
                else dict(line, used="6", returned="2", returned_on="2026-11-13")  # type: ignore[arg-type]
                for line in _LOAN["items"]
            ],
        },
    ),
    Sending(name="trip_summary_qingdao", form_id="trip_summary", typed=_SUMMARY),
    Sending(
        name="trip_summary_qingdao_with_undone_item",
        form_id="trip_summary",
        typed=_SUMMARY | _UNDONE | {"plan_no": "TP-2026-000040", "departed_on": "2026-11-15"},
    ),
)

BAD = (
    Sending(
        name="fracas_missing_values",
        form_id="fracas",
        typed=_without(_FRACAS, "station", "symptom", "severity"),
        codes=("missing-value",),
        accepted=False,
    ),
    Sending(
        name="fracas_mistyped_choices",
        form_id="fracas",
        typed=_FRACAS | {"station": "上海站", "environment": "雨天", "effect": "晚点了"},
        codes=("not-a-choice",),
        accepted=False,
    ),
    Sending(
        name="fracas_mode_of_another_part",
        form_id="fracas",
        typed=_FRACAS | {"failure_mode": "电磁阀卡滞"},
        codes=("not-under-parent",),
        accepted=False,
    ),
    Sending(
        name="survey_impossible_dates",
        form_id="survey",
        typed=_SURVEY
        | {"sent_on": "2026.13.5", "returned_on": "十月二十日", "score_quality": "很好", "score_price": "180"},
        codes=("not-a-date", "not-a-number", "out-of-range"),
        accepted=False,
        loose=True,
    ),
    Sending(
        name="trip_plan_too_dear_without_reason",
        form_id="trip_plan",
        typed=_PLAN | {"budget_travel": "18600"},
        codes=("needs-reason",),
        accepted=False,
    ),
    Sending(
        name="trip_summary_return_before_departure",
        form_id="trip_summary",
        typed=_SUMMARY | {"departed_on": "2026-11-19", "returned_on": "2026-11-16", "planned_return_on": ""},
        codes=("needs-reason", "past-deadline", "rule-broken"),
        accepted=False,
    ),
    Sending(
        name="trip_summary_undone_item_without_plan",
        form_id="trip_summary",
        typed=_SUMMARY | _without(_UNDONE, "plans"),
        codes=("rule-broken",),
        accepted=False,
    ),
    Sending(
        name="trip_loan_more_returned_than_borrowed",
        form_id="trip_loan",
        typed=_LOAN
        | {
            "items": [
                {
                    "kind": "工具",
                    "name": "扭矩扳手",
                    "lender": "材料配送中心",
                    "quantity": "2",
                    "returned": "3",
                    "returned_on": "2026-11-13",
                }
            ]
        },
        codes=("rule-broken",),
        accepted=False,
    ),
)


def entries(typed: Typed) -> Iterable[tuple[str, int, str]]:
    """(field path, line, text) for each answer of *typed*."""
    for name, value in typed.items():
        if isinstance(value, str):
            yield name, 0, value
            continue
        for line, answers in enumerate(value):
            yield from ((f"{name}.{key}", line, text) for key, text in answers.items())
