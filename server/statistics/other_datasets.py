"""Datasets of the other forms: satisfaction, trips, deadlines, records by form."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from server.statistics import definitions
from server.statistics.deadlines import OnTime, State, state, state_by_hours, working_hours
from server.statistics.measures import at_least, net_promoter_score, wilson
from server.statistics.periods import month_of, quarter_of
from server.statistics.snapshot import Answers
from server.statistics.sources import Sources
from server.statistics.surveys import ITEMS, Campaign, Sheet, latest_per_customer
from server.statistics.tabular import Cell, Period, cell, dataset, flag, rounded
from server.statistics.trips import Part, Trip, parts
from workbooks.dataset import Dataset
from workbooks.form import Language, Text


def satisfaction(sources: Sources, period: Period, language: Language) -> Dataset:
    labels = sources.labels("survey")
    limit = sources.limit("survey", "satisfied_from")
    names = {"quality": ("产品质量", "Quality"), "price": ("价格", "Price"), "delivery": ("交货期", "Delivery")}
    names |= {"packaging": ("包装", "Packaging"), "service": ("售后服务", "Service")}

    def campaign_label(sheet: Sheet) -> str:
        return f"{sheet.year}-05" if sheet.campaign == "may" else f"{sheet.year}{sheet.campaign.upper()}"

    cells: list[Cell[Sheet]] = [
        cell("campaign", "批次", "Campaign", "text", campaign_label),
        cell("region", "区域", "Region", "text", lambda s: labels.region(s.station)[language]),
        cell("station", "站点", "Station", "text", lambda s: labels.of("station", s.station)[language]),
        cell("customer", "客户", "Customer", "text", lambda s: labels.of("customer", s.customer)[language]),
        cell("sent_on", "发放日期", "Sent on", "date", lambda s: s.sent_on),
        cell("sent", "发放", "Sent", "integer", lambda s: 1),
        cell("returned", "收回", "Returned", "integer", lambda s: int(s.total is not None)),
        cell("total_score", "总分", "Total", "decimal", lambda s: rounded(s.total)),
        cell(
            "satisfied",
            "满意",
            "Satisfied",
            "integer",
            lambda s: flag(None if s.total is None else at_least(s.total, limit)),
        ),
        *(_score_cell(item, *names[item]) for item in ITEMS),
        cell("recommend", "推荐意愿", "Recommend", "integer", lambda s: s.recommend),
    ]
    found = [sheet for sheet in latest_per_customer(sources.sheets) if period.holds(sheet.sent_on)]
    title = Text("满意度调查明细", "Satisfaction survey sheets")
    return dataset("satisfaction", title, cells, found, as_of=sources.now, definition=definitions.SHEETS, period=period)


def _score_cell(item: str, zh: str, en: str) -> Cell[Sheet]:
    return cell(f"score_{item}", zh, en, "decimal", lambda s: s.scores[item])


def satisfaction_campaigns(sources: Sources, period: Period, language: Language) -> Dataset:
    def limits(c: Campaign, upper: bool) -> float | None:
        found = wilson(c.satisfaction.satisfied, c.satisfaction.n)
        return None if found is None else found.upper if upper else found.lower

    def score(c: Campaign) -> float | None:
        found = net_promoter_score(c.recommend)
        return None if found is None else rounded(found[0], 1)

    cells: list[Cell[Campaign]] = [
        cell("campaign", "批次", "Campaign", "text", lambda c: c.label),
        cell("frame", "在册客户", "Customers", "integer", lambda c: c.coverage.frame),
        cell("sent", "发放客户", "Asked", "integer", lambda c: c.coverage.sent),
        cell("returned", "收回客户", "Returned", "integer", lambda c: c.coverage.returned),
        cell("coverage", "覆盖率", "Coverage", "percent", lambda c: c.coverage.coverage),
        cell("return", "回收率", "Return", "percent", lambda c: c.coverage.returned_share),
        cell("product", "覆盖率×回收率", "Coverage × return", "percent", lambda c: c.coverage.product),
        cell("index", "顾客满意度", "CSI", "decimal", lambda c: rounded(c.satisfaction.index)),
        cell("satisfied_share", "满意率", "Satisfied", "percent", lambda c: c.satisfaction.satisfied_share),
        cell("lower", "满意率下限", "Lower limit", "percent", lambda c: limits(c, False)),
        cell("upper", "满意率上限", "Upper limit", "percent", lambda c: limits(c, True)),
        cell("nps", "NPS", "NPS", "decimal", score),
    ]
    title = Text("满意度调查批次", "Satisfaction campaigns")
    return dataset(
        "satisfaction_campaigns",
        title,
        cells,
        [campaign for campaign in sources.campaigns if period.holds(campaign.began_on)],
        as_of=sources.now,
        definition=definitions.CAMPAIGNS,
        period=period,
    )


@dataclass(frozen=True, slots=True)
class _Share:
    """One traveller's part of a trip in one month; the *leader*'s row carries the trip."""

    trip: Trip
    part: Part
    person: str | None
    leader: bool


def trip_parts(sources: Sources, period: Period) -> list[_Share]:
    return [
        _Share(trip, part, person, index == 0)
        for trip in sources.trips
        if period.holds(trip.departed_on)
        for part in parts(trip.departed_on, min(trip.returned_on or sources.today, sources.today))
        for index, person in enumerate(trip.travellers)
    ]


def trips(sources: Sources, period: Period, language: Language) -> Dataset:
    labels = sources.labels("trip_plan")

    def on_time(s: _Share) -> bool | None:
        counted = s.leader and s.part.first and s.trip.summary is not State.NOT_DUE
        return s.trip.summary is State.ON_TIME if counted else None

    def cost(s: _Share) -> float | None:
        return rounded(s.trip.cost / s.trip.persons) if s.trip.cost is not None and s.part.first else None

    cells: list[Cell[_Share]] = [
        cell("number", "出差单号", "Trip", "text", lambda s: s.trip.number),
        cell("year", "年", "Year", "integer", lambda s: s.part.month.year),
        cell("quarter", "季度", "Quarter", "text", lambda s: quarter_of(s.part.month)),
        cell("month", "月", "Month", "text", lambda s: month_of(s.part.month)),
        cell("region", "区域", "Region", "text", lambda s: labels.region(s.trip.station)[language]),
        cell("station", "站点", "Station", "text", lambda s: labels.of("station", s.trip.station)[language]),
        cell("person", "人员", "Person", "text", lambda s: labels.of("leader", s.person)[language]),
        cell("customer", "客户", "Customer", "text", lambda s: labels.of("customer", s.trip.customer)[language]),
        cell("destination", "目的地", "Destination", "text", lambda s: s.trip.destination),
        cell("purpose", "事由", "Purpose", "text", lambda s: labels.of("purpose", s.trip.purpose)[language]),
        cell("trips", "出差次数", "Trips", "integer", lambda s: int(s.leader and s.part.first)),
        cell("persons", "人次", "Persons", "integer", lambda s: int(s.part.first)),
        cell("person_days", "人天", "Person days", "integer", lambda s: s.part.days),
        cell("cost", "费用", "Cost", "decimal", cost),
        cell("summary_on_time", "总结单按时", "Summary on time", "integer", lambda s: flag(on_time(s))),
        cell(
            "undone", "未处理事项", "Not done", "integer", lambda s: s.trip.undone if s.leader and s.part.first else 0
        ),
        cell("under_way", "进行中", "Under way", "integer", lambda s: int(s.trip.returned_on is None)),
    ]
    found = trip_parts(sources, period)
    title = Text("人员出差统计", "Trips of people")
    return dataset("trips", title, cells, found, as_of=sources.now, definition=definitions.TRIPS, period=period)


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


def deadlines(sources: Sources, period: Period, language: Language) -> Dataset:
    labels = sources.labels("fracas")
    grouped: dict[tuple[str, str, str], list[State]] = {}
    rules: dict[str, Text] = {}
    for rule, start, station, reached in deadline_states(sources):
        if period.holds(start):
            rules[rule.en] = rule
            grouped.setdefault((rule.en, month_of(start), station), []).append(reached)
    rows = [
        _Due(rules[rule], month, station, OnTime.of(states))
        for (rule, month, station), states in sorted(grouped.items())
    ]
    cells: list[Cell[_Due]] = [
        cell("rule", "时限", "Deadline", "text", lambda d: d.rule[language]),
        cell("month", "月", "Month", "text", lambda d: d.month),
        cell("region", "区域", "Region", "text", lambda d: labels.region(d.station)[language]),
        cell("station", "站点", "Station", "text", lambda d: labels.of("station", d.station)[language]),
        cell("on_time", "按时", "On time", "integer", lambda d: d.states.on_time),
        cell("late", "超时", "Late", "integer", lambda d: d.states.late),
        cell("overdue", "超期未完", "Overdue", "integer", lambda d: d.states.overdue),
        cell("not_due", "未到期", "Not due", "integer", lambda d: d.states.not_due),
        cell("rate", "按时率", "On-time rate", "percent", lambda d: d.states.rate),
    ]
    title = Text("时限执行情况", "Deadlines")
    return dataset("deadlines", title, cells, rows, as_of=sources.now, definition=definitions.DEADLINES, period=period)


def records_by_form(sources: Sources, period: Period, language: Language) -> Dataset:
    counts: Counter[tuple[str, str, str | None]] = Counter()
    for form_id in sources.view.site.definitions:
        counts.update(_received(form_id, sources, period))
    titles = {form_id: definition.title for form_id, definition in sources.view.site.definitions.items()}
    labels = sources.labels("fracas")
    cells: list[Cell[tuple[tuple[str, str, str | None], int]]] = [
        cell("form", "表单", "Form", "text", lambda r: titles[r[0][0]][language]),
        cell("month", "月", "Month", "text", lambda r: r[0][1]),
        cell("region", "区域", "Region", "text", lambda r: labels.region(r[0][2])[language]),
        cell("station", "站点", "Station", "text", lambda r: labels.of("station", r[0][2])[language]),
        cell("records", "记录数", "Records", "integer", lambda r: r[1]),
    ]
    rows = sorted(counts.items(), key=lambda item: (item[0][0], item[0][1], item[0][2] or ""))
    title = Text("各表单记录数", "Records by form")
    return dataset(
        "records_by_form", title, cells, rows, as_of=sources.now, definition=definitions.RECORDS, period=period
    )


def _received(form_id: str, sources: Sources, period: Period) -> Iterable[tuple[str, str, str | None]]:
    for row in sources.view.rows(form_id):
        day = sources.view.local_time(row["created_at"]).date()
        if period.holds(day):
            yield form_id, month_of(day), row["station"]


LOADERS = {
    "satisfaction": satisfaction,
    "satisfaction_campaigns": satisfaction_campaigns,
    "trips": trips,
    "deadlines": deadlines,
    "records_by_form": records_by_form,
}
