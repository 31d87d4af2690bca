"""The eight figures on top of the first screen, each with its comparison, its limits and what it means."""

from collections.abc import Iterable
from datetime import date, timedelta

from server.statistics.boards.failures import mean_hours
from server.statistics.boards.sums import counted_for_rate, first_month, measured
from server.statistics.boards.voice import COVERAGE_TARGET
from server.statistics.boards.window import Span, Window, as_many_days, months_in
from server.statistics.case_months import Measures
from server.statistics.figures import Tile, Tone
from server.statistics.measures import (
    net_promoter_score,
    poisson_band,
    poisson_limits,
    ratio,
    round_half_up,
    wilson,
)
from server.statistics.periods import months_later
from server.statistics.report_period import ReportPeriod
from server.statistics.sources import Sources
from server.statistics.trips import Trip, parts
from workbooks.form import Text
from workbooks.reporting.figure_definition import meaning

_COUNTED = {
    "month": Text("本月故障数", "Failures this month"),
    "quarter": Text("本季度故障数", "Failures this quarter"),
    "year": Text("本年故障数", "Failures this year"),
    "history": Text("故障总数", "Failures in all"),
}
_ANY_COUNTED, _ANY_TRAVELLED = Text("故障数", "Failures"), Text("出差人次", "Travellers")  # of the period chosen
_TRAVELLED = {
    "month": Text("本月出差人次", "Travellers this month"),
    "quarter": Text("本季度出差人次", "Travellers this quarter"),
    "year": Text("本年出差人次", "Travellers this year"),
    "history": Text("出差人次", "Travellers in all"),
}
_BEFORE = {
    "month": (Text("上月", "the month before"), Text("上月同期", "the same days last month")),
    "quarter": (Text("上季度", "the quarter before"), Text("上季度同期", "the same days last quarter")),
    "year": (Text("上年", "the year before"), Text("上年同期", "the same days last year")),
}


def all_tiles(sources: Sources, window: Window) -> tuple[Tile, ...]:
    """The eight tiles of the first screen, in their order, for the days of *window*."""
    makers = (
        failures_counted, failure_rate, open_cases, response, first_time_fix, repeat_rate, satisfaction, trips_counted,
    )  # fmt: skip
    return tuple(make(sources, window) for make in makers)


def failures_counted(sources: Sources, window: Window) -> Tile:
    """Reports of the counted period against as many days of the one before; noise is not called a change."""
    counted = window.counted
    label = _COUNTED[counted.kind] if window.period is None else _ANY_COUNTED
    if counted.start is None or counted.end is None:
        count = measured(sources, None, window.last).failures
        return Tile(
            name="failures", label=label, value=count or None, unit=Text("件", ""), n=count,
            definition=meaning("failures"),
        )  # fmt: skip
    count, begun = measured(sources, counted.start, window.last).failures, first_month(sources)
    before, year_ago = _spans_before(counted, window.last)
    tone: Tone = "neutral"
    last_year = months_later(counted.start, -12)
    if begun is not None and begun <= last_year:
        year = measured(sources, last_year, counted.start - timedelta(days=1)).failures
        lower, upper = poisson_band(year / 12 * months_in(counted, window.last))
        tone = "bad" if count > upper else "good" if count < lower else "neutral"
    change = _difference(count, _reported(sources, before, begun))
    earlier = _reported(sources, year_ago, begun)
    running = window.last < counted.end
    return Tile(
        name="failures",
        label=label,
        value=count if begun else None,
        unit=Text("件", ""),
        change=change,
        compared_with=_BEFORE[counted.kind][running],
        n=count,
        note=Text(
            "去年同期 —" if earlier is None else f"去年同期 {earlier} 件",
            f"{'—' if earlier is None else earlier} in the same {'days' if running else counted.kind} last year",
        ),
        tone=tone,
        judged=change is not None and (tone == "bad") == (change > 0),
        definition=meaning("failures"),
    )


def _reported(sources: Sources, span: Span, begun: date | None) -> int | None:
    """The cases reported in *span*; None where it was over before anything was, *begun* being the first month."""
    return None if begun is None or span[1] < begun else measured(sources, *span).failures


def _spans_before(period: ReportPeriod, last: date) -> tuple[Span, Span]:
    """As many days of the period before, and of the same period a year ago."""
    back = {"month": 12, "quarter": 4, "year": 1}[period.kind]
    return as_many_days(period.before(), period, last), as_many_days(period.before(back), period, last)


def failure_rate(sources: Sources, window: Window) -> Tile:
    """Failures per million train-km of the window."""
    first, last = window.first, window.last
    if first is None:
        first = first_month(sources, "modes") or last
    failures, run = counted_for_rate(sources, first, last), sources.fleet.kilometres(first, last)
    rate = ratio(failures, run.km / 1e6)
    earlier_rate = None
    if window.before:
        earlier_rate = ratio(
            counted_for_rate(sources, *window.before), sources.fleet.kilometres(*window.before).km / 1e6
        )
    limits = poisson_limits(failures, run.km / 1e6) if run.km else None
    tone: Tone = "neutral"
    if limits is not None and earlier_rate is not None and limits.upper is not None:
        tone = "bad" if limits.lower > earlier_rate else "good" if limits.upper < earlier_rate else "neutral"
    estimated = round_half_up((run.estimated_share or 0) * 100)
    million = round_half_up(run.km / 1e6, 1)
    return Tile(
        name="failure_rate",
        label=Text("百万公里故障率", "Failures per 10⁶ km"),
        value=rate,
        unit=Text("件/百万公里", "per 10⁶ km"),
        decimals=2,
        change=_difference(rate, earlier_rate),
        compared_with=window.compared_with,
        limits=limits,
        n=failures,
        note=Text(
            f"{million:g} 百万列车公里，其中估算 {estimated:.0f}%",
            f"{million:g} million train-km, {estimated:.0f} % of them estimated",
        )
        if run.km
        else Text("无里程数据", "no kilometres known"),
        estimated=(run.estimated_share or 0) > 0.2,
        tone=tone,
        judged=True,
        definition=meaning("failure_rate"),
    )


def open_cases(sources: Sources, window: Window) -> Tile:
    """Cases not closed, and how many of them are old."""
    found, begun = sources.open_cases(), first_month(sources)
    old = sum(case.age_days(sources.now) > 90 for case in found)
    earlier, first = sources.now - timedelta(days=30), sources.first_report
    then = len(sources.open_cases(earlier)) if first and first <= earlier.date() else None
    oldest = max((case.age_days(sources.now) for case in found), default=0)
    return Tile(
        name="open",
        label=Text("未关闭数", "Open cases"),
        value=len(found) if begun else None,
        unit=Text("件", ""),
        change=_difference(len(found), then),
        compared_with=Text("30 天前", "30 days ago"),
        n=len(found),
        note=Text(
            f"其中 {old} 件超过 90 天，最长 {oldest} 天", f"{old} of them older than 90 days, the oldest {oldest}"
        )
        if found
        else None,
        tone="bad" if old else "neutral",
        definition=meaning("open"),
    )


def response(sources: Sources, window: Window) -> Tile:
    """Mean time to the first answer of a person; the unanswered are counted beside it."""
    now = measured(sources, window.first, window.last)
    before = measured(sources, *window.before) if window.before else Measures()
    hours, earlier = mean_hours(now.response, now.responded), mean_hours(before.response, before.responded)
    return Tile(
        name="response",
        label=Text("平均响应", "Mean response"),
        value=hours,
        unit=Text("小时", "h"),
        decimals=1,
        change=_difference(hours, earlier),
        compared_with=window.compared_with,
        n=now.responded,
        note=Text(f"未记录响应 {now.unanswered} 件", f"{now.unanswered} without a response") if now.failures else None,
        definition=meaning("response"),
    )


def first_time_fix(sources: Sources, window: Window) -> Tile:
    """The share of repairs done in one visit for good."""
    now = measured(sources, window.first, window.last)
    before = measured(sources, *window.before) if window.before else Measures()
    immature = now.repaired - now.judged
    return _share_tile(
        "first_time_fix",
        Text("一次修复率", "First-time fix"),
        (now.fixed, now.judged),
        (before.fixed, before.judged),
        window,
        note=Text(f"未满观察期 {immature} 件", f"{immature} too recent to judge") if now.repaired else None,
        definition=meaning("first_time_fix"),
    )


def repeat_rate(sources: Sources, window: Window) -> Tile:
    """The share of repairs after which the same thing failed again."""
    now = measured(sources, window.first, window.last)
    before = measured(sources, *window.before) if window.before else Measures()
    undecided = now.failures - now.decided
    return _share_tile(
        "repeats",
        Text("重复故障率", "Repeat failures"),
        (now.returned, now.watched),
        (before.returned, before.watched),
        window,
        falling_is_good=True,
        note=Text(
            f"缺列车、车厢、部件或模式而无法判定 {undecided} 件",
            f"{undecided} undecided (train, car, part or mode missing)",
        )
        if now.failures
        else None,
        definition=meaning("repeats"),
    )


def satisfaction(sources: Sources, window: Window) -> Tile:
    """The customer satisfaction index of the latest campaign in or before the window, against the 85."""
    target = sources.limit("survey", "satisfied_from")
    label = Text("顾客满意度", "Customer satisfaction")
    answered = [c for c in sources.campaigns if c.satisfaction.n and c.began_on <= window.last]
    if not answered:
        return Tile(
            name="satisfaction", label=label, value=None, unit=Text("分", "points"), decimals=1, target=target,
            definition=meaning("satisfaction"),
        )  # fmt: skip
    last = answered[-1]
    before = answered[-2].satisfaction.index if len(answered) > 1 else None
    product = round_half_up((last.coverage.product or 0) * 100, 1)
    promoters = net_promoter_score(last.recommend)
    nps = "—" if promoters is None else f"{round_half_up(promoters[0]):.0f}"
    reached, enough = last.satisfaction.reached, last.coverage.reaches(COVERAGE_TARGET)
    return Tile(
        name="satisfaction",
        label=label,
        value=last.satisfaction.index,
        unit=Text("分", "points"),
        decimals=1,
        target=target,
        target_label=Text("满意线", "satisfied from"),
        change=_difference(last.satisfaction.index, before),
        compared_with=Text("上次调查", "the campaign before"),
        n=last.satisfaction.n,
        note=Text(
            f"{last.label}；覆盖×回收 {product:g}%（{'达到' if enough else '未达'} 75%）；NPS {nps}",
            f"{last.label}; coverage × return {product:g} % ({'reaches' if enough else 'misses'} 75 %); NPS {nps}",
        ),
        tone="neutral" if reached is None else "good" if reached else "bad",
        definition=meaning("satisfaction"),
    )


def trips_counted(sources: Sources, window: Window) -> Tile:
    """人次 of the counted period, with 人天 and how many summaries are overdue."""
    counted, last = window.counted, window.last
    first = counted.start or min((trip.departed_on for trip in sources.trips), default=last)
    begun = [trip for trip in sources.trips if first <= trip.departed_on <= last]
    persons, days = sum(trip.persons for trip in begun), _person_days(sources.trips, first, last, sources.today)
    change = compared_with = None
    if counted.start is not None and counted.end is not None:
        before, _ = _spans_before(counted, last)
        compared_with = _BEFORE[counted.kind][last < counted.end]
        if any(trip.departed_on <= before[1] for trip in sources.trips):
            change = persons - sum(t.persons for t in sources.trips if before[0] <= t.departed_on <= before[1])
    overdue = sum(trip.summary == "overdue" for trip in sources.trips if trip.departed_on <= last)
    return Tile(
        name="trips",
        label=_TRAVELLED[counted.kind] if window.period is None else _ANY_TRAVELLED,
        value=persons if sources.trips else None,
        unit=Text("人次", ""),
        change=change,
        compared_with=compared_with,
        n=len(begun),
        note=Text(
            f"{len(begun)} 次出差，{days} 人天；超期未交总结单 {overdue} 份",
            f"{len(begun)} trips, {days} person days; {overdue} summaries overdue",
        )
        if sources.trips
        else None,
        definition=meaning("trips"),
    )


def _share_tile(
    name: str,
    label: Text,
    now: tuple[int, int],
    before: tuple[int, int],
    window: Window,
    *,
    falling_is_good: bool = False,
    note: Text | None,
    definition: Text,
) -> Tile:
    share, share_before = ratio(*now), ratio(*before)
    limits = wilson(*now)
    tone: Tone = "neutral"
    if limits is not None and share_before is not None and limits.upper is not None:
        risen, fallen = limits.lower > share_before, limits.upper < share_before
        good, bad = (fallen, risen) if falling_is_good else (risen, fallen)
        tone = "good" if good else "bad" if bad else "neutral"
    return Tile(
        name=name,
        label=label,
        value=share,
        unit=Text("", ""),
        decimals=1,
        share=True,
        change=_difference(share, share_before),
        compared_with=window.compared_with,
        limits=limits,
        n=now[1],
        note=note,
        definition=definition,
        tone=tone,
        judged=True,
    )


def _person_days(trips: Iterable[Trip], first: date, last: date, today: date) -> int:
    """Days of all travellers that lie between *first* and *last*, both of a whole month or today."""
    return sum(
        part.days * trip.persons
        for trip in trips
        for part in parts(trip.departed_on, min(trip.returned_on or today, today))
        if first.replace(day=1) <= part.month <= last
    )


def _difference(value: float | None, before: float | None) -> float | None:
    return None if value is None or before is None else value - before
