"""Charts of failures: how many when, which modes, at which stations, and how often per kilometre."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import NamedTuple

from server.statistics.boards.chart import Behind, Cells, Chart, cell, table_of
from server.statistics.boards.listing import case_list
from server.statistics.boards.sums import by_mode, measured_by, occurred
from server.statistics.boards.trend import month_figures
from server.statistics.boards.window import Window
from server.statistics.case_months import Measures, OpenCounts
from server.statistics.cases import Case, counts_for_rate
from server.statistics.figures import MonthFigures
from server.statistics.labels import Labels
from server.statistics.measures import ParetoRow, mean, pareto, poisson_limits, ratio
from server.statistics.periods import last_of_month, month_begin, month_of, months_later, quarter_of
from server.statistics.report_period import NoPeriod, ReportPeriod
from server.statistics.sources import Anchor, Sources
from server.statistics.tabular import flag, rounded
from workbooks.form import Language, Text

MONTHS_SHOWN = 24
QUARTERS_SHOWN = 12
_OUTSIDE = {"high": Text("偏多", "unusually many"), "low": Text("偏少", "unusually few")}


class PeriodRow(NamedTuple):
    """One month or quarter of a trend; limits are a matter of months."""

    name: str
    start: date
    figures: MonthFigures


def periods_shown(sources: Sources, window: Window) -> list[PeriodRow]:
    """The months or quarters a trend of *window* shows, oldest first."""
    reported = measured_by(sources, None, sources.today, "month")
    backlog = {month_begin(month): OpenCounts(*sums).open for month, *sums in sources.sums("backlog", ("month",))}
    failures = {month_begin(month): measures.failures for (month,), measures in reported.items()}
    found = month_figures(failures, backlog, sources.now)
    if window.by_quarter:
        return _quarters(found)[-QUARTERS_SHOWN:]
    rows = [PeriodRow(month_of(month.month), month.month, month) for month in found]
    return rows if window.all_history else rows[-MONTHS_SHOWN:]


def _quarters(months: Sequence[MonthFigures]) -> list[PeriodRow]:
    """Months joined to quarters; the mean is that of the four quarters before."""
    members: dict[str, list[MonthFigures]] = {}
    for month in months:
        members.setdefault(quarter_of(month.month), []).append(month)
    found: list[PeriodRow] = []
    for name, inside in members.items():
        before = [row.figures.failures for row in found[-4:]]
        figures = MonthFigures(
            month=inside[0].month,
            failures=sum(month.failures for month in inside),
            mean=mean(before) if len(before) == 4 else None,
            lower=None,
            upper=None,
            opened=sum(month.opened for month in inside),
            closed=sum(month.closed for month in inside),
            backlog=inside[-1].backlog,
            complete=len(inside) == 3 and all(month.complete for month in inside),
        )
        found.append(PeriodRow(name, inside[0].month, figures))
    return found


def by_months(sources: Sources, window: Window, language: Language) -> Chart:
    """#1: failures by month or quarter with the mean of the year before and its limits."""
    rows = periods_shown(sources, window)
    cells: Cells = [
        cell("period", *_PERIOD[window.by_quarter], "text", lambda r: r.name),
        cell("failures", "故障数", "Failures", "integer", lambda r: r.figures.failures),
        cell("mean", *_MEAN[window.by_quarter], "decimal", lambda r: rounded(r.figures.mean, 1), 1),
        cell("lower", "下限", "Lower limit", "integer", lambda r: r.figures.lower),
        cell("upper", "上限", "Upper limit", "integer", lambda r: r.figures.upper),
        cell("outside", "判断", "Verdict", "text", lambda r: _verdict(r.figures, language)),
        cell("complete", "已结束", "Over", "integer", lambda r: flag(r.figures.complete)),
    ]
    title = Text("故障统计", "Failures")
    data = table_of(sources, "months", title, cells, rows)
    return Chart(data=data, n=sum(row.figures.failures for row in rows), marks=tuple(row.name for row in rows))


_PERIOD = {False: ("月", "Month"), True: ("季度", "Quarter")}
_MEAN = {False: ("前12个月平均", "Mean of 12 months before"), True: ("前4个季度平均", "Mean of 4 quarters before")}


def _verdict(figures: MonthFigures, language: Language) -> str | None:
    return _OUTSIDE[figures.outside][language] if figures.outside else None


def months_behind(sources: Sources, window: Window, mark: str, language: Language) -> Behind:
    return case_list(sources, cases_in(sources, "reported_at", mark), language)


def cases_in(sources: Sources, anchor: Anchor, mark: str) -> list[Case]:
    """The cases of the month or quarter called *mark*; none where it is no period."""
    try:
        period = ReportPeriod.parse(mark)
    except NoPeriod:
        return []
    return sources.cases_between(anchor, period.start, period.end) if period.start else []


def flow(sources: Sources, window: Window, language: Language) -> Chart:
    """#6: cases opened, closed and waiting at the end of each month or quarter."""
    rows = periods_shown(sources, window)
    cells: Cells = [
        cell("period", *_PERIOD[window.by_quarter], "text", lambda r: r.name),
        cell("opened", "新增", "Opened", "integer", lambda r: r.figures.opened),
        cell("closed", "关闭", "Closed", "integer", lambda r: r.figures.closed),
        cell("backlog", "期末未关闭", "Open at the end", "integer", lambda r: r.figures.backlog),
        cell("complete", "已结束", "Over", "integer", lambda r: flag(r.figures.complete)),
    ]
    title = Text("新增、关闭与未关闭", "Opened, closed and open")
    data = table_of(sources, "flow", title, cells, rows)
    return Chart(data=data, n=sum(r.figures.opened for r in rows), marks=tuple(row.name for row in rows))


def modes(sources: Sources, window: Window, language: Language) -> Chart:
    """#2: failure modes in falling order with their cumulative share."""
    labels = sources.labels("fracas")
    counts: Counter[str] = Counter()
    shown: dict[str, Text] = {}
    for code, count in by_mode(sources, window.first, window.last).items():
        key, label = _mode(labels, code)
        counts[key] += count
        shown[key] = label
    rows: tuple[ParetoRow, ...] = pareto(counts)
    cells: Cells = [
        cell("failure_mode", "故障模式", "Failure mode", "text", lambda r: shown[r.name][language]),
        cell("failures", "故障数", "Failures", "integer", lambda r: int(r.count)),
        cell("share", "占比", "Share", "percent", lambda r: r.share),
        cell("cumulative", "累计占比", "Cumulative", "percent", lambda r: r.cumulative),
        cell("vital", "关键少数", "Vital few", "integer", lambda r: int(r.vital)),
    ]
    title = Text("故障模式（帕累托）", "Failure modes (Pareto)")
    data = table_of(sources, "modes", title, cells, rows, period=window.days)
    return Chart(data=data, n=sum(counts.values()), marks=tuple(row.name for row in rows))


def _mode(labels: Labels, code: str | None) -> tuple[str, Text]:
    """(key, label) of a mode: the same mode under many parts is one, and "other" has the key that stands last."""
    label = labels.of("failure_mode", code)
    return "other" if label.zh == "其他" else label.zh, label


def modes_behind(sources: Sources, window: Window, mark: str, language: Language) -> Behind:
    labels = sources.labels("fracas")
    found = sources.cases_between("occurred_at", window.first, window.last)
    return case_list(sources, [c for c in found if _mode(labels, c.failure_mode)[0] == mark], language)


def stations(sources: Sources, window: Window, language: Language) -> Chart:
    """Failures, open cases, speed and repeats by station."""
    labels = sources.labels("fracas")
    sums = {code: found for (code,), found in measured_by(sources, window.first, window.last, "station").items()}
    waiting: dict[str, list[int]] = {}
    for case in sources.open_cases():
        waiting.setdefault(case.station, []).append(case.age_days(sources.now))
    codes = sorted({*sums, *waiting}, key=lambda code: (-sums.get(code, NOTHING).failures, code))
    rows = [(code, sums.get(code, NOTHING), waiting.get(code, [])) for code in codes]
    cells: Cells = [
        cell("station", "站点", "Station", "text", lambda r: labels.of("station", r[0])[language]),
        cell("region", "区域", "Region", "text", lambda r: labels.region(r[0])[language]),
        cell("failures", "故障数", "Failures", "integer", lambda r: r[1].failures),
        cell("open", "未关闭", "Open", "integer", lambda r: len(r[2])),
        cell("over_90_days", "90天以上", "Over 90 d", "integer", lambda r: sum(age > 90 for age in r[2])),
        cell("arrival_hours", "平均到场h", "Mean arrival h", "decimal", lambda r: _arrival(r[1]), 2),
        cell("arrival_n", "到场 n", "Arrivals n", "integer", lambda r: r[1].arrived),
        cell("fixed", "一次修复率", "First-time fix", "percent", lambda r: ratio(r[1].fixed, r[1].judged)),
        cell("fixed_n", "修复 n", "Repairs n", "integer", lambda r: r[1].judged),
        cell("repeat", "重复率", "Repeats", "percent", lambda r: ratio(r[1].returned, r[1].watched)),
        cell("repeat_n", "重复 n", "Repeats n", "integer", lambda r: r[1].watched),
    ]
    title = Text("各站点", "Stations")
    data = table_of(sources, "stations", title, cells, rows, period=window.days)
    return Chart(data=data, n=sum(row[1].failures for row in rows), marks=tuple(codes))


def stations_behind(sources: Sources, window: Window, mark: str, language: Language) -> Behind:
    found = sources.cases_between("reported_at", window.first, window.last)
    return case_list(sources, [case for case in found if case.station == mark], language)


NOTHING = Measures()


def _arrival(sums: Measures) -> float | None:
    return mean_hours(sums.arrival, sums.arrived)


def mean_hours(microseconds: int, count: int) -> float | None:
    """The mean of durations added up in microseconds, in hours."""
    return rounded(microseconds / count / 3.6e9) if count else None


@dataclass(frozen=True, slots=True)
class _Rate:
    """The failures and kilometres of one quarter."""

    quarter: str
    failures: int
    km: float
    estimated: float | None
    complete: bool

    def of(self, which: str) -> float | None:
        """The rate per 10⁶ km, or its lower or upper 90 % limit; None without kilometres."""
        if not self.km:
            return None
        limits = poisson_limits(self.failures, self.km / 1e6)
        return {"rate": self.failures * 1e6 / self.km, "lower": limits.lower, "upper": limits.upper}[which]


def rate(sources: Sources, window: Window, language: Language) -> Chart:
    """#4: failures per million train-km by quarter."""
    failed: Counter[str] = Counter()
    found = occurred(sources, None, sources.today, "month")
    for (month,), counts in found.items():
        failed[quarter_of(month_begin(month))] += counts.counted
    rows: list[_Rate] = []
    starts = _quarter_starts(month_begin(min(found)[0]), sources.today) if found else []
    for start in starts if window.all_history else starts[-QUARTERS_SHOWN:]:
        end = last_of_month(months_later(start, 2))
        run = sources.fleet.kilometres(start, min(end, sources.today))
        name = quarter_of(start)
        rows.append(
            _Rate(name, failed[name], run.km, run.estimated_share, datetime.combine(end, time.max) <= sources.now)
        )
    cells: Cells = [
        cell("quarter", "季度", "Quarter", "text", lambda r: r.quarter),
        cell(
            "rate", "百万公里故障率", "Failures per 10⁶ km", "decimal", lambda r: rounded(r.of("rate"), 3), decimals=2
        ),
        cell("lower", "下限", "Lower limit", "decimal", lambda r: rounded(r.of("lower"), 3), 2),
        cell("upper", "上限", "Upper limit", "decimal", lambda r: rounded(r.of("upper"), 3), 2),
        cell("failures", "故障数", "Failures", "integer", lambda r: r.failures),
        cell("kilometres", "列车公里", "Train-km", "decimal", lambda r: rounded(r.km, 0), 0),
        cell("estimated", "估算里程占比", "Estimated km", "percent", lambda r: r.estimated),
        cell("complete", "已结束", "Over", "integer", lambda r: flag(r.complete)),
    ]
    title = Text("百万公里故障率", "Failures per million train-km")
    data = table_of(sources, "rate", title, cells, rows)
    return Chart(data=data, n=sum(row.failures for row in rows), marks=tuple(row.quarter for row in rows))


def rate_behind(sources: Sources, window: Window, mark: str, language: Language) -> Behind:
    return case_list(sources, list(filter(counts_for_rate, cases_in(sources, "occurred_at", mark))), language)


def _quarter_starts(first: date, last: date) -> list[date]:
    start = date(first.year, (first.month - 1) // 3 * 3 + 1, 1)
    found = []
    while start <= last:
        found.append(start)
        start = months_later(start, 3)
    return found


def matrix(sources: Sources, window: Window, language: Language) -> Chart:
    """#3: systems by station, the most frequent of both first."""
    labels = sources.labels("fracas")
    counts: Counter[tuple[str, str]] = Counter()
    by_place: Counter[str] = Counter()
    by_product: Counter[str] = Counter()
    sums = measured_by(sources, window.first, window.last, "system", "station")
    for (product, place), measures in sums.items():
        counts[product, place] += measures.failures
        by_place[place] += measures.failures
        by_product[product] += measures.failures
    products = [code for code, _ in by_product.most_common()]
    cells: Cells = [cell("product", "产品", "Product", "text", lambda c: labels.of("system", c or None)[language])]
    for place, _ in by_place.most_common():
        shown = labels.of("station", place)
        cells.append(cell(f"s_{place}", shown.zh, shown.en, "integer", _at(counts, place)))
    cells.append(cell("total", "合计", "Total", "integer", lambda code: by_product[code]))
    title = Text("产品 × 站点", "Products by station")
    data = table_of(sources, "matrix", title, cells, products, period=window.days)
    return Chart(data=data, n=by_place.total(), marks=tuple(products))


def _at(counts: Counter[tuple[str, str]], place: str) -> Callable[[str], int]:
    return lambda product: counts[product, place]


def matrix_behind(sources: Sources, window: Window, mark: str, language: Language) -> Behind:
    """*mark* is a system, or a system and a station with | between them."""
    product, _, station = mark.partition("|")
    found = sources.cases_between("reported_at", window.first, window.last)
    chosen = [case for case in found if (case.system or "") == product and station in ("", case.station)]
    return case_list(sources, chosen, language)
