"""Datasets of what was due: one row per deadline, month and station."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from server.statistics.deadlines import OnTime, State, state, state_by_hours, working_hours
from server.statistics.periods import month_of
from server.statistics.snapshot import Answers
from server.statistics.sources import Sources
from server.statistics.tabular import Computed, Query, by_place
from workbooks.form import Text


@dataclass(frozen=True, slots=True)
class _Due:
    rule: Text
    month: str
    station: str
    states: OnTime


def deadline_states(sources: Sources) -> list[tuple[Text, date, str, State]]:
    """(rule, day the clock starts, station, state) of everything that was due."""
    found: list[tuple[Text, date, str, State]] = []
    opens, closes = sources.limit("fracas", "workday_opens"), sources.limit("fracas", "workday_closes")
    limit = sources.limit("fracas", "arrival_hours")
    arrival = Text("到场（工作小时）", "On site (working hours)")
    for case in sources.cases:
        waited = working_hours(case.reported_at, case.arrived_at or sources.now, opens, closes)
        found.append(
            (
                arrival,
                case.reported_at.date(),
                case.station,
                state_by_hours(waited if case.arrived_at else None, waited, limit),
            )
        )
    reply = Text("投诉答复（48 小时）", "Complaint answered (48 h)")
    hours = sources.limit("feedback", "reply_hours")
    for row in sources.view.rows("feedback"):
        if row["is_complaint"] == "yes" and row["received_at"] and row["received_at"] <= sources.now:
            found.append((reply, row["received_at"].date(), row["station"], _reply_state(row, hours, sources.now)))
    summary = Text("出差总结单（2 天）", "Trip summary (2 days)")
    found += [(summary, t.returned_on, t.station, t.summary) for t in sources.trips if t.returned_on is not None]
    action = Text("纠正措施（计划日期）", "Corrective action (planned day)")
    for case in sources.cases:
        if case.planned_on is not None and case.analysed_on is not None:
            found.append(
                (action, case.analysed_on, case.station, state(case.planned_on, case.completed_on, sources.today))
            )
    return found


def _reply_state(row: Answers, hours: float, now: datetime) -> State:
    replied = row["replied_at"] if row["replied_at"] and row["replied_at"] <= now else None
    waited = ((replied or now) - row["received_at"]).total_seconds() / 3600
    return state_by_hours(waited if replied else None, waited, hours)


def _due(query: Query) -> list[_Due]:
    grouped: dict[tuple[str, str, str], list[State]] = {}
    rules: dict[str, Text] = {}
    for rule, start, station, reached in deadline_states(query.sources):
        if query.period.holds(start):
            rules[rule.en] = rule
            grouped.setdefault((rule.en, month_of(start), station), []).append(reached)
    return [
        _Due(rules[rule], month, station, OnTime.of(states))
        for (rule, month, station), states in sorted(grouped.items())
    ]


_DEADLINES: Computed[_Due] = Computed(
    facts=_due,
    values={
        **by_place(),
        "rule": lambda d, q: d.rule[q.language],
        "month": lambda d, q: d.month,
        "on_time": lambda d, q: d.states.on_time,
        "late": lambda d, q: d.states.late,
        "overdue": lambda d, q: d.states.overdue,
        "not_due": lambda d, q: d.states.not_due,
        "due": lambda d, q: d.states.due,
        "rate": lambda d, q: d.states.rate,
    },
)

COMPUTED: dict[str, Computed[Any]] = {"deadlines": _DEADLINES}
