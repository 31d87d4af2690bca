"""Datasets of the FRACAS forms: cases, backlog, Pareto, failure rates."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from server.statistics import definitions
from server.statistics.cases import (
    STAGE_LABELS,
    Case,
    Stage,
    action_overdue,
    bucket_of,
    counts_for_rate,
    fixed_first_time,
    is_relevant,
    is_repeat,
)
from server.statistics.figures import AGE_LABELS
from server.statistics.labels import Labels
from server.statistics.measures import ParetoRow, pareto, poisson_limits, ratio
from server.statistics.periods import last_of_month, month_of, months, quarter_of, week_of
from server.statistics.sources import Sources
from server.statistics.tabular import Cell, Period, cell, dataset, flag, rounded
from workbooks.dataset import Dataset
from workbooks.form import Language, Text

_OTHER_MODE = Text("其他", "Other")


def _case_cells(sources: Sources, language: Language) -> list[Cell[Case]]:
    labels = sources.labels("fracas")

    def shown(name: str) -> Callable[[Case], str | None]:
        return lambda case: None if (code := getattr(case, name)) is None else labels.of(name, code)[language]

    return [
        cell("number", "故障编号", "Number", "text", lambda c: c.number),
        cell("reported_at", "报修时间", "Reported at", "datetime", lambda c: c.reported_at),
        cell("occurred_at", "发生时间", "Occurred at", "datetime", lambda c: c.occurred_at),
        cell("year", "年", "Year", "integer", lambda c: c.reported_at.year),
        cell("quarter", "季度", "Quarter", "text", lambda c: quarter_of(c.reported_at)),
        cell("month", "月", "Month", "text", lambda c: month_of(c.reported_at)),
        cell("week", "周", "Week", "text", lambda c: week_of(c.reported_at)),
        cell("occurred_month", "发生月", "Month occurred", "text", lambda c: month_of(c.occurred_at)),
        cell("region", "区域", "Region", "text", lambda c: labels.region(c.station)[language]),
        cell("station", "站点", "Station", "text", shown("station")),
        cell("customer", "客户", "Customer", "text", shown("customer")),
        cell("line", "线路", "Line", "text", lambda c: c.line),
        cell("vehicle_type", "车型", "Train type", "text", lambda c: c.vehicle_type),
        cell("vehicle", "列车号", "Train", "text", shown("vehicle")),
        cell("car", "车厢", "Car", "text", lambda c: c.car),
        cell("system", "系统", "System", "text", shown("system")),
        cell("subsystem", "子系统", "Subsystem", "text", shown("subsystem")),
        cell("part", "部件", "Part", "text", shown("part")),
        cell("serial_no", "序列号", "Serial no.", "text", lambda c: c.serial_no),
        cell("failure_mode", "故障模式", "Failure mode", "text", shown("failure_mode")),
        cell("severity", "严重度", "Severity", "text", shown("severity")),
        cell("responsibility", "责任部门", "Responsible", "text", shown("responsibility")),
        cell("root_cause_category", "根因类别", "Cause category", "text", shown("root_cause_category")),
        cell("warranty", "保内外", "Warranty", "text", shown("warranty")),
        cell("stage", "阶段", "Stage", "text", lambda c: STAGE_LABELS[c.stage][language]),
        cell("effectiveness", "措施效果", "Effectiveness", "text", shown("effectiveness")),
        cell("failures", "故障数", "Failures", "integer", lambda c: 1),
        cell("relevant", "是否关联", "Relevant", "integer", lambda c: flag(is_relevant(c))),
        cell("closed", "是否关闭", "Closed", "integer", lambda c: flag(not c.open)),
        cell("overdue", "是否超时", "Overdue", "integer", lambda c: flag(action_overdue(c, sources.today))),
        cell("repeat", "是否重复", "Repeat", "integer", lambda c: flag(is_repeat(c))),
        cell(
            "fixed_first_time",
            "一次修复",
            "First-time fix",
            "integer",
            lambda c: flag(fixed_first_time(c, sources.now)),
        ),
        cell("response_hours", "响应h", "Response h", "decimal", lambda c: rounded(c.response_hours)),
        cell("arrival_hours", "到场h", "Arrival h", "decimal", lambda c: rounded(c.arrival_hours)),
        cell("repair_hours", "维修h", "Repair h", "decimal", lambda c: rounded(c.repair_hours)),
        cell("close_days", "关闭d", "Close d", "integer", lambda c: c.close_days),
        cell("open_days", "开口d", "Open d", "integer", lambda c: c.age_days(sources.now) if c.open else None),
    ]


def cases(sources: Sources, period: Period, language: Language) -> Dataset:
    found = sources.cases_between("reported_at", period.start, period.end)
    cells = _case_cells(sources, language)
    title = Text("故障明细", "Failure reports")
    return dataset("fracas_cases", title, cells, found, as_of=sources.now, definition=definitions.CASES, period=period)


@dataclass(frozen=True, slots=True)
class _Open:
    """One case still open on *day*."""

    day: date
    case: Case
    age: int


def open_cases(sources: Sources, period: Period) -> Iterator[_Open]:
    """Every case open at every month's end in *period*, the running month at the as-of date."""
    if not sources.cases:
        return
    first = period.start or sources.cases[0].reported_at.date()
    last = min(period.end or sources.today, sources.today)
    for month in months(first, last):
        day = min(last_of_month(month), sources.today)
        instant = sources.instant(day)
        for case in sources.cases:
            then = case.until(instant)
            if then is not None and then.open:
                yield _Open(day, then, then.age_days(instant))


def backlog(sources: Sources, period: Period, language: Language) -> Dataset:
    labels = sources.labels("fracas")
    cells: list[Cell[_Open]] = [
        cell("month", "月", "Month", "text", lambda o: month_of(o.day)),
        cell("as_of_date", "截至日", "As of", "date", lambda o: o.day),
        cell("number", "故障编号", "Number", "text", lambda o: o.case.number),
        cell("region", "区域", "Region", "text", lambda o: labels.region(o.case.station)[language]),
        cell("station", "站点", "Station", "text", lambda o: labels.of("station", o.case.station)[language]),
        cell("part", "部件", "Part", "text", lambda o: labels.of("part", o.case.part)[language]),
        cell("severity", "严重度", "Severity", "text", lambda o: labels.of("severity", o.case.severity)[language]),
        cell(
            "responsibility",
            "责任部门",
            "Responsible",
            "text",
            lambda o: labels.of("responsibility", o.case.responsibility)[language],
        ),
        cell("stage", "阶段", "Stage", "text", lambda o: STAGE_LABELS[o.case.stage][language]),
        cell("age_days", "龄期d", "Age d", "integer", lambda o: o.age),
        cell("age_bucket", "龄期", "Age", "text", lambda o: AGE_LABELS[bucket_of(o.age)][language]),
        cell("open", "未关闭数", "Open", "integer", lambda o: 1),
        cell("over_90_days", "90天以上", "Over 90 d", "integer", lambda o: int(o.age > 90)),
    ]
    found = list(open_cases(sources, period))
    title = Text("未关闭故障月末快照", "Open cases at each month's end")
    return dataset(
        "fracas_backlog", title, cells, found, as_of=sources.now, definition=definitions.BACKLOG, period=period
    )


def mode_counts(found: list[Case], labels: Labels) -> tuple[dict[str, float], dict[str, Text]]:
    """Cases by failure mode; the same mode under many parts is one. "Other" has the key that stands last."""
    counts: Counter[str] = Counter()
    shown: dict[str, Text] = {}
    for case in found:
        label = labels.of("failure_mode", case.failure_mode)
        key = "other" if label.zh == _OTHER_MODE.zh else label.zh
        counts[key] += 1
        shown[key] = label
    return dict(counts), shown


def pareto_of_modes(sources: Sources, period: Period, language: Language) -> Dataset:
    found = sources.cases_between("occurred_at", period.start, period.end)
    counts, shown = mode_counts(found, sources.labels("fracas"))
    rows = list(enumerate(pareto(counts), start=1))
    cells: list[Cell[tuple[int, ParetoRow]]] = [
        cell("rank", "序", "Rank", "integer", lambda r: r[0]),
        cell("failure_mode", "故障模式", "Failure mode", "text", lambda r: shown[r[1].name][language]),
        cell("failures", "故障数", "Failures", "integer", lambda r: int(r[1].count)),
        cell("share", "占比", "Share", "percent", lambda r: r[1].share),
        cell("cumulative", "累计占比", "Cumulative", "percent", lambda r: r[1].cumulative),
        cell("vital", "关键少数", "Vital few", "integer", lambda r: int(r[1].vital)),
    ]
    title = Text("故障模式帕累托", "Pareto of failure modes")
    return dataset("fracas_pareto", title, cells, rows, as_of=sources.now, definition=definitions.PARETO, period=period)


@dataclass(frozen=True, slots=True)
class _Rate:
    type: str
    quarter: str
    failures: int
    km: float
    estimated: float | None

    def limit(self, upper: bool) -> float | None:
        if not self.km:
            return None
        limits = poisson_limits(self.failures, self.km / 1e6)
        return limits.upper if upper else limits.lower


def failure_rate(sources: Sources, period: Period, language: Language) -> Dataset:
    counted = [case for case in sources.cases if counts_for_rate(case)]
    rows: list[_Rate] = []
    last = min(period.end or sources.today, sources.today)
    first = max(period.start or date.min, min((c.occurred_at.date() for c in counted), default=sources.today))
    quarters = sorted({(day.year, (day.month - 1) // 3) for day in months(first, last)})
    for type_, codes in sorted(sources.vehicle_types.items()):
        mine = set(codes)
        for year, index in quarters:
            begin = max(date(year, index * 3 + 1, 1), first)
            end = min(last_of_month(date(year, index * 3 + 3, 1)), last)
            failures = sum(1 for c in counted if c.vehicle in mine and begin <= c.occurred_at.date() <= end)
            run = sources.fleet.kilometres(begin, end, codes)
            rows.append(_Rate(type_, quarter_of(end), failures, run.km, run.estimated_share))
    cells: list[Cell[_Rate]] = [
        cell("vehicle_type", "车型", "Train type", "text", lambda r: r.type),
        cell("quarter", "季度", "Quarter", "text", lambda r: r.quarter),
        cell("failures", "故障数", "Failures", "integer", lambda r: r.failures),
        cell("kilometres", "列车公里", "Train-km", "decimal", lambda r: rounded(r.km, 0)),
        cell(
            "rate",
            "百万公里故障率",
            "Failures per 10⁶ km",
            "decimal",
            lambda r: rounded(ratio(r.failures * 1e6, r.km), 3),
        ),
        cell("lower", "下限", "Lower limit", "decimal", lambda r: rounded(r.limit(False), 3)),
        cell("upper", "上限", "Upper limit", "decimal", lambda r: rounded(r.limit(True), 3)),
        cell(
            "mdbf",
            "平均故障间隔公里",
            "Mean km between failures",
            "decimal",
            lambda r: rounded(ratio(r.km, r.failures), 0),
        ),
        cell("estimated", "估算里程占比", "Estimated km", "percent", lambda r: r.estimated),
    ]
    title = Text("百万公里故障率", "Failures per million train-km")
    return dataset("failure_rate", title, cells, rows, as_of=sources.now, definition=definitions.RATE, period=period)


OPEN_STAGES = tuple(stage for stage in Stage if stage is not Stage.CLOSED)

LOADERS = {
    "fracas_cases": cases,
    "fracas_backlog": backlog,
    "fracas_pareto": pareto_of_modes,
    "failure_rate": failure_rate,
}
