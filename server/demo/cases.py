"""A failure's way through the loop: the station's report, the engineer's analysis and action, quality's close."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from math import log

from server.demo.catalogue import PRODUCTS
from server.demo.failures import FIX_MONTH, IDLE_FIX_MONTH, Failure
from server.demo.master import Company, Person
from server.demo.mistakes import spoil
from server.demo.period import month_number
from server.demo.sending import Answers, Role, Sending

_PRODUCTS = {product.code: product for product in PRODUCTS}
_SOFTWARE = ("V2.1.3", "V2.1.5", "V2.2.0")
_EFFECTS = {"critical": ("rescue", "evacuated"), "major": ("delay", "withdrawn"), "minor": ("no_effect",)}
_TICKS = (
    "technical_located", "technical_mechanism", "technical_reproduced", "technical_effective", "technical_read_across",
    "managerial_process", "managerial_responsibility", "managerial_actions", "managerial_handling", "managerial_rules",
)  # fmt: skip
_DETAILED_DAYS = (
    183  # in the last half year every step is a revision of its own, before that the report, then the rest at once
)
_STUCK_AFTER_DAYS = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class _Course:
    """When the steps of one case were taken; None where it has not come so far."""

    analysed: datetime
    action_planned: datetime | None
    action_done: datetime | None
    closed: datetime | None


def case_sendings(failure: Failure, company: Company, draw: random.Random, until: date) -> Iterator[Sending]:
    """Everything that was sent about *failure* up to the end of *until*."""
    end = datetime.combine(until, time(23, 59))
    spoiled = spoil(_report(failure, draw), draw)
    report = Sending(
        form_id="fracas",
        answers=spoiled.accepted,
        role="station",
        person=failure.reporter.name.zh,
        station=failure.station,
        received_at=failure.received_at,
        instance=failure.instance,
    )
    if spoiled.turned_down is not None and report.received_at <= end:
        yield replace(report, answers=spoiled.turned_down, expected="rejected")
        report = replace(report, received_at=report.received_at + timedelta(minutes=draw.randint(8, 400)))
    if report.received_at > end:
        return
    yield report
    yield from _later_steps(failure, report, company, draw, until)


def _later_steps(
    failure: Failure, report: Sending, company: Company, draw: random.Random, until: date
) -> Iterator[Sending]:
    """Analysis, action and close as far as they have come; of older cases all in one."""
    engineer, inspector = draw.choice(company.staff("engineer")), draw.choice(company.staff("quality"))
    course = _course(failure, report.received_at, draw, until)
    steps = [
        (
            course.analysed,
            engineer,
            _analysis(failure, engineer, course.analysed) | _plan(failure, course, engineer, until),
        ),
    ]
    if course.action_done is not None:
        steps.append((course.action_done, engineer, {"completed_on": course.action_done.date()}))
    if course.closed is not None:
        steps.append((course.closed, inspector, _close(failure, course, inspector, draw)))
    taken = [step for step in steps if step[0].date() <= until]
    at_once = (until - failure.occurred_at.date()).days > _DETAILED_DAYS
    answers = dict(report.answers)
    for at, person, step in taken:
        answers |= step
        if not at_once:
            role: Role = "quality" if person is inspector else "engineer"
            yield replace(report, answers=dict(answers), role=role, person=person.name.zh, received_at=at)
    if at_once and taken:
        at, person, _ = taken[-1]
        yield replace(report, answers=answers, role="admin", person=person.name.zh, received_at=at)


def _report(failure: Failure, draw: random.Random) -> Answers:
    part = _PRODUCTS[failure.part]
    subsystem = _PRODUCTS[part.parent]
    mode = failure.mode.code if failure.mode.part else f"{failure.part}-{failure.mode.code}"
    effect = draw.choice(_EFFECTS[failure.severity])
    depot = failure.severity == "minor" and draw.random() < 0.85
    answers: Answers = {
        "station": failure.station,
        "reported_by": failure.reporter.code,
        "reported_at": failure.reported_at,
        "channel": draw.choice(("depot", "maintenance") if depot else ("driver", "driver", "monitoring")),
        "customer": failure.train.customer,
        "vehicle": failure.train.code,
        "car": failure.car,
        "system": subsystem.parent,
        "subsystem": subsystem.code,
        "part": failure.part,
        "serial_no": None if draw.random() < 0.09 else failure.serial,
        "software_version": draw.choice(_SOFTWARE) if failure.part in ("BCU", "GWV") else None,
        "occurred_at": failure.occurred_at,
        "operating_phase": "depot" if depot else draw.choice(("service", "service", "station_stop", "shunting")),
        "mileage_km": None if draw.random() < 0.12 else failure.mileage_km,
        "environment": {"hot": "hot", "cold": "cold"}.get(failure.mode.season, "normal"),
        "failure_mode": mode,
        "fault_code": f"E{draw.randint(100, 399)}" if failure.part in ("BCU", "SPD", "SMV") else None,
        "severity": failure.severity,
        "effect": effect,
        "delay_minutes": draw.randint(5, 24) if effect == "delay" else None,
        "is_repeat": "yes" if failure.repeat and draw.random() < 0.8 else "no",
        "symptom": failure.mode.symptom,
        "responded_at": failure.responded_at,
        "arrived_at": failure.arrived_at,
        "repaired_at": failure.repaired_at,
        "handled_by": failure.reporter.code,
        "fix_type": "temporary" if draw.random() < 0.12 else "permanent",
        "visits": 1 if draw.random() < 0.86 else 2,
        "action_taken": failure.mode.fix,
    }
    if failure.mode.fix.startswith("更换"):
        fitted = f"{failure.part}-{failure.occurred_at:%Y-%m}-{draw.randint(401, 999):04d}"
        answers["replaced_parts"] = [
            {
                "position": failure.car,
                "part_name": part.name.zh,
                "removed_serial": failure.serial,
                "fitted_serial": fitted,
                "quantity": 1,
                "disposition": draw.choice(("repair", "analysis", "supplier", "scrap")),
            }
        ]
    return answers


def _course(failure: Failure, received: datetime, draw: random.Random, until: date) -> _Course:
    thorough = draw.random() < 0.45
    analysed = received + timedelta(days=draw.lognormvariate(log(22 if thorough else 3), 0.7))
    needs_action = failure.mode.code not in ("NFF", "EXT", "OTHER") and (thorough or failure.severity == "critical")
    planned = analysed if needs_action else None
    age = (until - received.date()).days
    # Old cases are rarely left open, those of the last months more often.
    stuck = age > _STUCK_AFTER_DAYS and draw.random() < (0.015 if age > 540 else 0.12)
    done = closed = None
    if needs_action:
        done = analysed + timedelta(days=draw.lognormvariate(log(30), 0.7))
        closed = done + timedelta(days=draw.lognormvariate(log(28), 0.5))
        if stuck:
            done = None if draw.random() < 0.7 else done
            closed = None
    else:
        closed = None if stuck else analysed + timedelta(days=draw.lognormvariate(log(3), 0.8))
    return _Course(
        analysed=_office_hour(analysed, draw, days_later=1),
        action_planned=planned,
        action_done=None if done is None else _office_hour(done, draw, days_later=2),
        closed=None if closed is None else _office_hour(closed, draw, days_later=3),
    )


def _analysis(failure: Failure, engineer: Person, at: datetime) -> Answers:
    mode = failure.mode
    nothing_found = mode.code == "NFF"
    relevant = not nothing_found and mode.code != "EXT"
    return {
        "confirmation": "no_fault" if nothing_found else "not_reproduced" if mode.code == "OTHER" else "confirmed",
        "root_cause_category": mode.cause,
        "responsibility": mode.responsibility,
        "relevant": "yes" if relevant else "no",
        "chargeable": "yes" if relevant and mode.responsibility not in ("customer", "external") else "no",
        "analysed_by": engineer.code,
        "analysed_on": at.date(),
        "root_cause": mode.root_cause or None,
    }


def _plan(failure: Failure, course: _Course, engineer: Person, until: date) -> Answers:
    """The corrective action, when there is one: two of them are campaigns over the whole fleet."""
    if course.action_planned is None:
        return {}
    month = month_number(failure.occurred_at.date(), until)
    code, change = failure.mode.code, None
    action = f"{failure.mode.fix}，并对同批产品排查"
    if code.startswith("BCU-") and month >= FIX_MONTH - 6:
        action, change = "BCU电源板改型并升级软件至 V2.2.0，全部列车换装", "ECN-031"
    elif code == "PIP-LEAK" and month >= IDLE_FIX_MONTH - 6:
        action, change = "更换为B型密封圈并复紧接头", "ECN-047"
    kind = {"software": "software_change", "supplier": "supplier", "wear": "maintenance", "manufacture": "process"}
    return {
        "corrective_action": action,
        "action_type": kind.get(failure.mode.cause, "design_change"),
        "action_owner": engineer.code,
        "planned_on": (course.action_planned + timedelta(days=30)).date(),
        "change_no": change,
    }


def _close(failure: Failure, course: _Course, inspector: Person, draw: random.Random) -> Answers:
    assert course.closed is not None
    answers: Answers = {"closed_by": inspector.code, "closed_on": course.closed.date(), "frb_decision": "close"}
    if course.action_done is not None:
        partial = failure.mode.code == "PIP-LEAK" or draw.random() < 0.1
        answers |= {
            "verification_method": draw.choice(("observation", "observation", "test", "statistics")),
            "window_days": max((course.closed - course.action_done).days, 1),
            "recurrences": draw.randint(1, 2) if partial else 0,
            "effectiveness": "partial" if partial else "effective",
            "verified_by": inspector.code,
            "verified_on": course.closed.date(),
        }
    if failure.severity == "critical":
        answers |= {"frb_no": f"FRB-{course.closed:%Y%m}", **dict.fromkeys(_TICKS, "yes")}
    return answers


def _office_hour(instant: datetime, draw: random.Random, *, days_later: int) -> datetime:
    """Some time between 9 and 17, so many days later that the steps stay in their order."""
    day = instant.date() + timedelta(days=days_later)
    return datetime.combine(day, time(draw.randint(9, 16), draw.randrange(60)))
