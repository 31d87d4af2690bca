"""Datasets of what was due: one row per thing that was due, and their counts by deadline, month and station."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain
from typing import Any, NamedTuple

from server.statistics.cases import Case
from server.statistics.deadlines import STATE_LABELS, OnTime, State, state, state_by_hours, working_hours
from server.statistics.feedback_datasets import all_feedback
from server.statistics.feedbacks import Feedback
from server.statistics.periods import month_of
from server.statistics.repair_duties import redispatches, replacements
from server.statistics.sources import Sources
from server.statistics.tabular import Computed, Period, Query, Value, by_period, by_place
from server.statistics.yearly_duties import yearly_duties
from workbooks.form import Text

RULES: Mapping[str, Text] = {
    "arrival": Text("到场（工作小时）", "On site (working hours)"),
    "complaint_48": Text("投诉答复（48 小时）", "Complaint answered (48 h)"),
    "complaint_24": Text("投诉答复（24 小时）", "Complaint answered (24 h)"),
    "complaint_close": Text("投诉关闭（一个月）", "Complaint closed (a month)"),
    "question": Text("咨询解答（4 小时）", "Question answered (4 h)"),
    "replacement": Text("换件修复（48 小时）", "Parts replaced (48 h)"),
    "redispatch": Text("未修复再派工（次工作日）", "Sent again (next working day)"),
    "summary": Text("出差总结单（2 天）", "Trip summary (2 days)"),
    "action": Text("纠正措施（计划日期）", "Corrective action (planned day)"),
    "loan": Text("借料归还（应还日期）", "Loan returned (day due)"),
    "visits": Text("客户拜访（每年 2 次）", "Customer visits (2 a year)"),
    "survey_q4": Text("满意度调查（第四季度）", "Satisfaction survey (fourth quarter)"),
    "survey_may": Text("满意度调查（5 月）", "Satisfaction survey (May)"),
}


class Due(NamedTuple):
    """One thing that was due under a rule of `RULES`, the day its clock starts, and how it stands."""

    rule: str
    number: str
    start: date
    station: str | None
    customer: str | None
    state: State


def everything_due(sources: Sources, period: Period) -> Iterator[Due]:
    """All that the forms let be followed and whose clock starts in *period*, as it stands at the as-of time."""
    reported = sources.cases_between("reported_at", period.start, period.end)
    found = chain(
        _arrivals(sources, reported), _repairs(sources, reported), _actions(sources, period), _others(sources)
    )
    return (due for due in found if period.holds(due.start))


def _others(sources: Sources) -> Iterator[Due]:
    for feedback in all_feedback(sources):
        yield from _answers(feedback, sources)
    for trip in sources.trips:
        if trip.returned_on is not None:
            yield Due("summary", trip.number, trip.returned_on, trip.station, trip.customer, trip.summary)
    yield from _loans(sources)
    for duty in yearly_duties(sources):
        yield Due(duty.rule, duty.customer, duty.start, duty.station, duty.customer, duty.state)


def _actions(sources: Sources, period: Period) -> Iterator[Due]:
    """Corrective actions from their analysis on."""
    for case in sources.cases_between("analysed_on", period.start, period.end):
        if case.planned_on is not None and case.analysed_on is not None:
            reached = state(case.planned_on, case.completed_on, sources.today)
            yield Due("action", case.number, case.analysed_on, case.station, case.customer, reached)


def _arrivals(sources: Sources, reported: Iterable[Case]) -> Iterator[Due]:
    """Cases that somebody must come for; what was solved without a visit needs nobody."""
    opens, closes = sources.limit("fracas", "workday_opens"), sources.limit("fracas", "workday_closes")
    limit = sources.limit("fracas", "arrival_hours")
    for case in reported:
        if case.arrived_at is None and case.repaired_at is not None:
            continue
        waited = working_hours(case.reported_at, case.arrived_at or sources.now, opens, closes)
        if case.arrived_at is not None and case.arrived_at < case.reported_at:
            waited = -1.0  # no working hours lie between the two, whatever their order
        reached = state_by_hours(waited if case.arrived_at else None, waited, limit)
        yield Due("arrival", case.number, case.reported_at.date(), case.station, case.customer, reached)


def _repairs(sources: Sources, reported: Iterable[Case]) -> Iterator[Due]:
    """What was owed to cases on their way to the repair."""
    found = (("replacement", replacements(sources, reported)), ("redispatch", redispatches(sources)))
    for rule, duties in found:
        for case, start, reached in duties:
            if sources.selected(case):
                yield Due(rule, case.number, start, case.station, case.customer, reached)


def _answers(feedback: Feedback, sources: Sources) -> Iterator[Due]:
    start, limits = feedback.received_at.date(), {"complaint_48": "reply_hours", "complaint_24": "complaint_hours"}
    if feedback.kind == "question":
        limits = {"question": "question_hours"}
    elif not feedback.complaint:
        return
    waited = ((feedback.replied_at or sources.now) - feedback.received_at).total_seconds() / 3600
    for rule, limit in limits.items():
        reached = state_by_hours(waited if feedback.replied_at else None, waited, sources.limit("feedback", limit))
        yield Due(rule, feedback.number, start, feedback.station, feedback.customer, reached)
    if feedback.complaint:
        last = start + timedelta(days=int(sources.limit("feedback", "closing_days")))
        early = feedback.closed_on is not None and feedback.closed_on < start
        reached = State.ERROR if early else state(last, feedback.closed_on, sources.today)
        yield Due("complaint_close", feedback.number, start, feedback.station, feedback.customer, reached)


def _loans(sources: Sources) -> Iterator[Due]:
    """Loans by their last return; one of which something is out has not come back."""
    for row in sources.view.rows("trip_loan", "items"):
        if row["due_on"] is None or row["borrowed_on"] is None or row["borrowed_on"] > sources.today:
            continue
        days = [line["returned_on"] for line in row["items"] if line["returned_on"] is not None]
        back = max(days, default=row["borrowed_on"]) if row["outstanding_total"] == 0 else None
        early = back is not None and back < row["borrowed_on"]
        reached = State.ERROR if early else state(row["due_on"], back, sources.today)
        due = Due("loan", row["number"], row["borrowed_on"], row["station"], row["customer"], reached)
        if sources.selected(due):
            yield due


def _items(query: Query) -> list[Due]:
    order = list(RULES)
    return sorted(
        everything_due(query.sources, query.period), key=lambda due: (order.index(due.rule), due.start, due.number)
    )


def _is(wanted: State) -> Value:
    return lambda due, query: int(due.state is wanted)


_ITEMS: Computed[Due] = Computed(
    facts=_items,
    values={
        **by_period(lambda d: d.start),
        **by_place(),
        "rule": lambda d, q: RULES[d.rule][q.language],
        "number": lambda d, q: d.number,
        "starts_on": lambda d, q: d.start,
        "customer": lambda d, q: q.master("customers", d.customer) if d.customer else None,
        "state": lambda d, q: STATE_LABELS[d.state][q.language],
        "on_time": _is(State.ON_TIME),
        "late": _is(State.LATE),
        "overdue": _is(State.OVERDUE),
        "not_due": _is(State.NOT_DUE),
        "error": _is(State.ERROR),
        "kept": lambda d, q: None if d.state in (State.NOT_DUE, State.ERROR) else int(d.state is State.ON_TIME),
    },
)


@dataclass(frozen=True, slots=True)
class _Counts:
    rule: str
    month: str
    station: str | None
    states: OnTime


def _counts(query: Query) -> list[_Counts]:
    grouped: dict[tuple[str, str, str], list[State]] = {}
    for due in _items(query):
        grouped.setdefault((due.rule, month_of(due.start), due.station or ""), []).append(due.state)
    order = list(RULES)
    ordered = sorted(grouped.items(), key=lambda item: (order.index(item[0][0]), *item[0][1:]))
    return [_Counts(rule, month, station or None, OnTime.of(states)) for (rule, month, station), states in ordered]


_DEADLINES: Computed[_Counts] = Computed(
    facts=_counts,
    values={
        **by_place(),
        "rule": lambda d, q: RULES[d.rule][q.language],
        "year": lambda d, q: int(d.month[:4]),
        "quarter": lambda d, q: f"{d.month[:4]}Q{(int(d.month[5:]) + 2) // 3}",
        "month": lambda d, q: d.month,
        "on_time": lambda d, q: d.states.on_time,
        "late": lambda d, q: d.states.late,
        "overdue": lambda d, q: d.states.overdue,
        "not_due": lambda d, q: d.states.not_due,
        "errors": lambda d, q: d.states.errors,
        "due": lambda d, q: d.states.due,
        "rate": lambda d, q: d.states.rate,
    },
)

COMPUTED: dict[str, Computed[Any]] = {"deadlines": _DEADLINES, "deadline_items": _ITEMS}
