"""What is overdue, the worst first, and how well each deadline was kept."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from server.statistics.boards.chart import Cells, Chart, cell, table_of
from server.statistics.boards.voice import complaints, reply_state
from server.statistics.boards.window import Window
from server.statistics.deadlines import OnTime, State, state, state_by_hours, working_hours
from server.statistics.sources import Sources
from workbooks.form import Language, Text

ACTION = Text("纠正措施（计划日期）", "Corrective action (planned day)")
SUMMARY = Text("出差总结单（2 天）", "Trip summary (2 days)")
REPLY = Text("投诉答复（48 小时）", "Complaint answered (48 h)")
ARRIVAL = Text("到场（工作小时）", "On site (working hours)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """One thing that should have been done by *due* and is not; *what* says which, *number* leads to it."""

    rule: Text
    number: str
    station: str | None
    what: Text
    due: date
    days: int


def overdue_items(sources: Sources) -> list[Overdue]:
    """Everything overdue at the as-of time, the longest waiting first."""
    found = [*_actions(sources), *_summaries(sources), *_replies(sources)]
    return sorted(found, key=lambda item: (-item.days, item.number))


def _actions(sources: Sources) -> Iterator[Overdue]:
    labels = sources.labels("fracas")
    for case in sources.open_cases():
        if state(case.planned_on, case.completed_on, sources.today) is State.OVERDUE:
            assert case.planned_on is not None
            part, mode = labels.of("part", case.part), labels.of("failure_mode", case.failure_mode)
            yield Overdue(
                rule=ACTION,
                number=case.number,
                station=case.station,
                what=Text(f"{part.zh} · {mode.zh}", f"{part.en} · {mode.en}"),
                due=case.planned_on,
                days=(sources.today - case.planned_on).days,
            )


def _summaries(sources: Sources) -> Iterator[Overdue]:
    labels = sources.labels("trip_plan")
    days = int(sources.limit("trip_summary", "summary_days"))
    for trip in sources.trips:
        if trip.summary is State.OVERDUE and trip.returned_on is not None:
            leader = labels.of("leader", trip.travellers[0])
            where = trip.destination or ""
            due = trip.returned_on + timedelta(days=days)
            yield Overdue(
                rule=SUMMARY,
                number=trip.number,
                station=trip.station,
                what=Text(f"{leader.zh} {where}".strip(), f"{leader.en} {where}".strip()),
                due=due,
                days=(sources.today - due).days,
            )


def _replies(sources: Sources) -> Iterator[Overdue]:
    labels = sources.labels("feedback")
    hours = sources.limit("feedback", "reply_hours")
    for complaint in complaints(sources):
        if reply_state(complaint, sources) is State.OVERDUE:
            due = (complaint.received_at + timedelta(hours=hours)).date()
            yield Overdue(
                rule=REPLY,
                number=complaint.number,
                station=complaint.station,
                what=labels.of("customer", complaint.customer),
                due=due,
                days=(sources.today - due).days,
            )


def overdue(sources: Sources, window: Window, language: Language) -> Chart:
    """The list of what is overdue, each line leading to its record."""
    labels = sources.labels("fracas")
    rows = overdue_items(sources)
    cells: Cells = [
        cell("number", "单号", "Number", "text", lambda o: o.number),
        cell("rule", "时限", "Deadline", "text", lambda o: o.rule[language]),
        cell("station", "站点", "Station", "text", lambda o: labels.of("station", o.station)[language]),
        cell("what", "内容", "What", "text", lambda o: o.what[language]),
        cell("due", "应完成日期", "Due on", "date", lambda o: o.due),
        cell("days", "超期天数", "Days overdue", "integer", lambda o: o.days),
    ]
    title = Text("逾期清单", "Overdue")
    return Chart(data=table_of(sources, "overdue", title, cells, rows), n=len(rows))


def kept(sources: Sources, window: Window, language: Language) -> Chart:
    """Each deadline: on time, late, overdue, not due yet, and the rate."""
    by_rule: dict[str, list[State]] = {}
    shown = {rule.en: rule for rule in (ARRIVAL, ACTION, REPLY, SUMMARY)}
    for rule, start, reached in _states(sources):
        if window.holds(start):
            by_rule.setdefault(rule.en, []).append(reached)
    rows = [(shown[name], OnTime.of(by_rule[name])) for name in shown if name in by_rule]
    cells: Cells = [
        cell("rule", "时限", "Deadline", "text", lambda r: r[0][language]),
        cell("on_time", "按时", "On time", "integer", lambda r: r[1].on_time),
        cell("late", "超时", "Late", "integer", lambda r: r[1].late),
        cell("overdue", "超期未完", "Overdue", "integer", lambda r: r[1].overdue),
        cell("not_due", "未到期", "Not due", "integer", lambda r: r[1].not_due),
        cell("rate", "按时率", "On-time rate", "percent", lambda r: r[1].rate),
    ]
    title = Text("时限执行情况", "Deadlines kept")
    data = table_of(sources, "kept", title, cells, rows, period=window.days)
    return Chart(data=data, n=sum(states.due for _, states in rows))


def _states(sources: Sources) -> Iterator[tuple[Text, date, State]]:
    """(rule, day the clock starts, state) of everything that was due."""
    opens, closes = sources.limit("fracas", "workday_opens"), sources.limit("fracas", "workday_closes")
    limit = sources.limit("fracas", "arrival_hours")
    for case in sources.cases:
        waited = working_hours(case.reported_at, case.arrived_at or sources.now, opens, closes)
        yield ARRIVAL, case.reported_at.date(), state_by_hours(waited if case.arrived_at else None, waited, limit)
        if case.planned_on is not None and case.analysed_on is not None:
            yield ACTION, case.analysed_on, state(case.planned_on, case.completed_on, sources.today)
    for complaint in complaints(sources):
        yield REPLY, complaint.received_at.date(), reply_state(complaint, sources)
    for trip in sources.trips:
        if trip.returned_on is not None:
            yield SUMMARY, trip.returned_on, trip.summary
