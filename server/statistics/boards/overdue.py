"""What is overdue, the worst first, what falls due next, and how well each deadline was kept."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

from server.statistics.boards.chart import Behind, Cells, Chart, cell, table_of
from server.statistics.boards.listing import MOST_LISTED
from server.statistics.boards.voice import complaints, reply_state
from server.statistics.boards.window import Window
from server.statistics.datasets import read
from server.statistics.deadline_datasets import RULES
from server.statistics.deadlines import OnTime, State, state
from server.statistics.plan_datasets import KINDS
from server.statistics.sources import Sources
from server.statistics.tabular import Period
from workbooks.dataset import Dataset
from workbooks.form import Language, Text

DAYS_AHEAD = 90
_BANDS = (
    ("overdue", Text("已超期", "Overdue"), (-(10**6), -1)),
    ("within_30", Text("30天内", "within 30 d"), (0, 30)),
    ("within_60", Text("31~60天", "31-60 d"), (31, 60)),
    ("within_90", Text("61~90天", "61-90 d"), (61, 90)),
)


class Overdue(NamedTuple):
    """One thing that should have been done by *due* and is not; *what* says which, *number* leads to it."""

    rule: str
    number: str
    station: str
    what: str
    due: date

    def days(self, today: date) -> int:
        return (today - self.due).days


def overdue_items(sources: Sources, language: Language) -> list[Overdue]:
    """Everything overdue at the as-of time, the longest waiting first."""
    found = [
        *_actions(sources, language),
        *_summaries(sources, language),
        *_replies(sources, language),
        *_loans(sources, language),
    ]
    return sorted(found, key=lambda item: (item.due, item.number))


def _actions(sources: Sources, language: Language) -> Iterator[Overdue]:
    labels = sources.labels("fracas")
    for case in sources.open_cases():
        if state(case.planned_on, case.completed_on, sources.today) is State.OVERDUE:
            assert case.planned_on is not None
            named = (labels.of("part", case.part), labels.of("failure_mode", case.failure_mode))
            what = " · ".join(text[language] for text in named)
            place = labels.of("station", case.station)[language]
            yield Overdue(RULES["action"][language], case.number, place, what, case.planned_on)


def _summaries(sources: Sources, language: Language) -> Iterator[Overdue]:
    labels = sources.labels("trip_plan")
    days = int(sources.limit("trip_summary", "summary_days"))
    for trip in sources.trips:
        if trip.summary is State.OVERDUE and trip.returned_on is not None:
            leader = labels.of("leader", trip.travellers[0])[language]
            place, due = labels.of("station", trip.station)[language], trip.returned_on + timedelta(days=days)
            what = f"{leader} {trip.destination or ''}".strip()
            yield Overdue(RULES["summary"][language], trip.number, place, what, due)


def _replies(sources: Sources, language: Language) -> Iterator[Overdue]:
    labels = sources.labels("feedback")
    hours = sources.limit("feedback", "reply_hours")
    for complaint in complaints(sources):
        if reply_state(complaint, sources) is State.OVERDUE:
            place, who = labels.of("station", complaint.station), labels.of("customer", complaint.customer)
            due = (complaint.received_at + timedelta(hours=hours)).date()
            yield Overdue(RULES["complaint_48"][language], complaint.number, place[language], who[language], due)


def _loans(sources: Sources, language: Language) -> Iterator[Overdue]:
    for row in _plans(sources, language, Period(None, sources.today)):
        if row["kind"] == KINDS["loan"][language] and row["overdue"]:
            what = " ".join(filter(None, (row["person"], row["what"])))
            yield Overdue(RULES["loan"][language], row["number"], row["station"], what, row["due_on"])


def _plans(sources: Sources, language: Language, days: Period) -> list[dict[str, Any]]:
    return _rows(read(sources, "plans_due", days, language))


def _rows(data: Dataset) -> list[dict[str, Any]]:
    return [dict(zip((column.name for column in data.columns), row, strict=True)) for row in data.rows()]


def overdue(sources: Sources, window: Window, language: Language) -> Chart:
    """The list of what is overdue, each line leading to its record."""
    rows = overdue_items(sources, language)
    cells: Cells = [
        cell("number", "单号", "Number", "text", lambda o: o.number),
        cell("rule", "时限", "Deadline", "text", lambda o: o.rule),
        cell("station", "站点", "Station", "text", lambda o: o.station),
        cell("what", "内容", "What", "text", lambda o: o.what),
        cell("due", "应完成日期", "Due on", "date", lambda o: o.due),
        cell("days", "超期天数", "Days overdue", "integer", lambda o: o.days(sources.today)),
    ]
    title = Text("逾期清单", "Overdue")
    return Chart(data=table_of(sources, "overdue", title, cells, rows), n=len(rows))


def plans(sources: Sources, window: Window, language: Language) -> Chart:
    """#13: what falls due within ninety days, by kind, and what is past its day."""
    found: dict[str, list[int]] = {}
    for row in _plans(sources, language, Period(None, sources.today + timedelta(days=DAYS_AHEAD))):
        if row["days_left"] >= 0 or row["overdue"]:
            found.setdefault(row["kind"], []).append(row["days_left"])
    rows = [
        (kind, label[language], found[label[language]]) for kind, label in KINDS.items() if label[language] in found
    ]
    cells: Cells = [
        cell("kind", "计划类别", "Kind", "text", lambda r: r[1]),
        *(cell(name, label.zh, label.en, "integer", _between(*span)) for name, label, span in _BANDS),
        cell("total", "合计", "Total", "integer", lambda r: len(r[2])),
    ]
    title = Text("计划到期", "Falling due")
    data = table_of(sources, "plans", title, cells, rows)
    return Chart(data=data, n=sum(len(days) for _, _, days in rows), marks=tuple(kind for kind, _, _ in rows))


def _between(first: int, last: int) -> Callable[[tuple[str, str, list[int]]], int]:
    return lambda row: sum(first <= days <= last for days in row[2])


def plans_behind(sources: Sources, window: Window, mark: str, language: Language) -> Behind:
    kind = KINDS[mark][language] if mark in KINDS else None
    until = Period(None, sources.today + timedelta(days=DAYS_AHEAD))
    rows = [r for r in _plans(sources, language, until) if r["kind"] == kind and (r["days_left"] >= 0 or r["overdue"])]
    first = "vehicle" if mark in ("inspection", "warranty") else "number"
    cells: Cells = [
        cell(first, "单号/列车", "Number or train", "text", lambda r: r[first]),
        cell("due_on", "到期日", "Due on", "date", lambda r: r["due_on"]),
        cell("days_left", "剩余天数", "Days left", "integer", lambda r: r["days_left"]),
        cell("station", "站点", "Station", "text", lambda r: r["station"]),
        cell("customer", "客户", "Customer", "text", lambda r: r["customer"]),
        cell("person", "人员", "Person", "text", lambda r: r["person"]),
        cell("what", "内容", "What", "text", lambda r: r["what"]),
    ]
    title = Text("计划到期", "Falling due")
    return Behind(data=table_of(sources, "behind", title, cells, rows[:MOST_LISTED]), total=len(rows))


def kept(sources: Sources, window: Window, language: Language) -> Chart:
    """Each deadline: on time, late, overdue, not due yet, and the rate."""
    by_rule: dict[str, list[OnTime]] = {}
    for row in _rows(read(sources, "deadlines", window.days, language)):
        counts = OnTime(row["on_time"], row["late"], row["not_due"], row["overdue"], row["errors"])
        by_rule.setdefault(row["rule"], []).append(counts)
    order = [label[language] for label in RULES.values() if label[language] in by_rule]
    rows = [(rule, _together(by_rule[rule])) for rule in order]
    cells: Cells = [
        cell("rule", "时限", "Deadline", "text", lambda r: r[0]),
        cell("on_time", "按时", "On time", "integer", lambda r: r[1].on_time),
        cell("late", "超时", "Late", "integer", lambda r: r[1].late),
        cell("overdue", "超期未完", "Overdue", "integer", lambda r: r[1].overdue),
        cell("not_due", "未到期", "Not due", "integer", lambda r: r[1].not_due),
        cell("errors", "数据错误", "Data errors", "integer", lambda r: r[1].errors),
        cell("rate", "按时率", "On-time rate", "percent", lambda r: r[1].rate),
    ]
    title = Text("时限执行情况", "Deadlines kept")
    data = table_of(sources, "kept", title, cells, rows, period=window.days)
    return Chart(data=data, n=sum(states.due for _, states in rows))


def forms(sources: Sources, window: Window, language: Language) -> Chart:
    """#22: forms late or missing by station and month, of a long history the last twelve months."""
    found = _rows(read(sources, "forms_due", window.days, language))
    shown = sorted({row["month"] for row in found})[-12:]
    due = [row for row in found if row["month"] in shown and row["due"]]
    bad: Counter[tuple[str, str]] = Counter()
    by_station: Counter[str] = Counter()
    for row in due:
        bad[row["station"], row["month"]] += row["late"] + row["missing"]
        by_station[row["station"]] += row["late"] + row["missing"]
    stations = sorted(by_station, key=lambda station: (-by_station[station], station))
    cells: Cells = [cell("station", "站点", "Station", "text", lambda station: station)]
    for month in shown:
        short = month[2:]
        cells.append(cell(f"m_{month}", short, short, "integer", _of_month(bad, month)))
    cells.append(cell("total", "合计", "Total", "integer", lambda station: by_station[station]))
    missing, title = sum(row["missing"] for row in due), Text("未交/迟交表单", "Forms late or missing")
    data = table_of(sources, "forms_due", title, cells, stations, period=window.days)
    note = Text(f"其中缺 {missing} 份，其余为迟交", f"{missing} of them missing, the others late")
    return Chart(data=data, n=sum(row["due"] for row in due), note=note if stations else None)


def _of_month(bad: Counter[tuple[str, str]], month: str) -> Callable[[str], int | None]:
    """Blank where nothing was due."""
    return lambda station: bad.get((station, month))


def _together(parts: list[OnTime]) -> OnTime:
    return OnTime(
        sum(part.on_time for part in parts),
        sum(part.late for part in parts),
        sum(part.not_due for part in parts),
        sum(part.overdue for part in parts),
        sum(part.errors for part in parts),
    )
