"""The eight figures on top of the first screen, each with its comparison, its limits and what it means."""

from collections.abc import Iterable
from datetime import date, timedelta

from server.statistics.cases import Case, counts_for_rate, fixed_first_time, mature
from server.statistics.figures import Tile, Tone
from server.statistics.measures import (
    mean,
    net_promoter_score,
    poisson_band,
    poisson_limits,
    quantile,
    ratio,
    round_half_up,
    wilson,
)
from server.statistics.periods import first_of_month, last_of_month, months_later
from server.statistics.sources import Sources
from server.statistics.trips import Trip, parts
from workbooks.form import Text
from workbooks.reporting.figure_definition import load_figures

COVERAGE_TARGET = 0.75  # 002:L326 (T09)
_YEAR_BEFORE = Text("上一个 12 个月", "the 12 months before")


def all_tiles(sources: Sources) -> tuple[Tile, ...]:
    """The eight tiles of the first screen, in their order."""
    return (
        failures_this_month(sources),
        failure_rate(sources),
        open_cases(sources),
        response(sources),
        first_time_fix(sources),
        repeat_rate(sources),
        satisfaction(sources),
        trips_this_month(sources),
    )


def failures_this_month(sources: Sources) -> Tile:
    """Reports of the running month against the same days of the month before; noise is not called a change."""
    today, month = sources.today, first_of_month(sources.today)
    count = len(sources.reported(month, today))
    before = months_later(month, -1)
    same_days = len(sources.reported(before, min(before + timedelta(days=today.day - 1), last_of_month(before))))
    last_year = months_later(month, -12)
    year_ago = len(
        sources.reported(last_year, min(last_year + timedelta(days=today.day - 1), last_of_month(last_year)))
    )
    year = sources.reported(last_year, month - timedelta(days=1))
    tone: Tone = "neutral"
    if sources.cases and sources.cases[0].reported_at.date() <= last_year:
        elapsed = today.day / last_of_month(today).day
        lower, upper = poisson_band(len(year) / 12 * elapsed)
        tone = "bad" if count > upper else "good" if count < lower else "neutral"
    return Tile(
        name="failures",
        label=Text("本月故障数", "Failures this month"),
        value=count if sources.cases else None,
        unit=Text("件", ""),
        change=count - same_days if sources.cases else None,
        compared_with=Text("上月同期", "the same days last month"),
        n=count,
        note=Text(f"去年同期 {year_ago} 件", f"{year_ago} in the same days last year"),
        tone=tone,
        definition=load_figures()["failures"].definition,
    )


def failure_rate(sources: Sources) -> Tile:
    """Failures per million train-km of the last twelve months."""
    first = sources.year_before(sources.today)
    failures = _occurred(sources, first, sources.today)
    run = sources.fleet.kilometres(first, sources.today)
    earlier_first = sources.year_before(first - timedelta(days=1))
    earlier = sources.fleet.kilometres(earlier_first, first - timedelta(days=1))
    rate = ratio(failures, run.km / 1e6)
    earlier_rate = ratio(_occurred(sources, earlier_first, first - timedelta(days=1)), earlier.km / 1e6)
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
        compared_with=_YEAR_BEFORE,
        limits=limits,
        n=failures,
        note=Text(
            f"{million:g} 百万列车公里，其中估算 {estimated:.0f}%",
            f"{million:g} million train-km, {estimated:.0f} % of them estimated",
        ),
        tone=tone,
        definition=load_figures()["failure_rate"].definition,
    )


def open_cases(sources: Sources) -> Tile:
    """Cases not closed, and how many of them are old."""
    found = [case for case in sources.cases if case.open]
    old = sum(case.age_days(sources.now) > 90 for case in found)
    month_ago = sources.now - timedelta(days=30)
    then = [case for case in (case.until(month_ago) for case in sources.cases) if case is not None and case.open]
    oldest = max((case.age_days(sources.now) for case in found), default=0)
    return Tile(
        name="open",
        label=Text("未关闭数", "Open cases"),
        value=len(found) if sources.cases else None,
        unit=Text("件", ""),
        change=len(found) - len(then) if sources.cases else None,
        compared_with=Text("30 天前", "30 days ago"),
        n=len(found),
        note=Text(
            f"其中 {old} 件超过 90 天，最长 {oldest} 天", f"{old} of them older than 90 days, the oldest {oldest}"
        ),
        tone="bad" if old else "neutral",
        definition=load_figures()["open"].definition,
    )


def response(sources: Sources) -> Tile:
    """Mean time to the first answer of a person; the unanswered are counted beside it."""
    first = sources.year_before(sources.today)
    recent = sources.reported(first, sources.today)
    hours = _response_hours(recent)
    earlier = mean(
        _response_hours(sources.reported(sources.year_before(first - timedelta(days=1)), first - timedelta(days=1)))
    )
    unanswered = sum(case.responded_at is None for case in recent)
    median = quantile(hours, 0.5)
    middle = "—" if median is None else f"{round_half_up(median, 1):.1f}"
    return Tile(
        name="response",
        label=Text("平均响应", "Mean response"),
        value=mean(hours),
        unit=Text("小时", "h"),
        decimals=1,
        change=_difference(mean(hours), earlier),
        compared_with=_YEAR_BEFORE,
        n=len(hours),
        note=Text(
            f"中位数 {middle} 小时；未记录响应 {unanswered} 件", f"median {middle} h; {unanswered} without a response"
        ),
        definition=load_figures()["response"].definition,
    )


def first_time_fix(sources: Sources) -> Tile:
    """The share of repairs done in one visit for good."""
    first = sources.year_before(sources.today)
    earlier_first = sources.year_before(first - timedelta(days=1))
    fixed, judged, immature = _fixed(sources.reported(first, sources.today), sources)
    fixed_before, judged_before, _ = _fixed(sources.reported(earlier_first, first - timedelta(days=1)), sources)
    return _share_tile(
        "first_time_fix",
        Text("一次修复率", "First-time fix"),
        (fixed, judged),
        (fixed_before, judged_before),
        note=Text(f"未满观察期 {immature} 件", f"{immature} too recent to judge"),
        definition=load_figures()["first_time_fix"].definition,
    )


def repeat_rate(sources: Sources) -> Tile:
    """The share of repairs after which the same thing failed again."""
    first = sources.year_before(sources.today)
    earlier_first = sources.year_before(first - timedelta(days=1))
    now = repeat_counts(sources.reported(first, sources.today), sources)
    before = repeat_counts(sources.reported(earlier_first, first - timedelta(days=1)), sources)
    undecided = sum(case.undecided for case in sources.reported(first, sources.today))
    return _share_tile(
        "repeats",
        Text("重复故障率", "Repeat failures"),
        now,
        before,
        falling_is_good=True,
        note=Text(
            f"缺列车、车厢、部件或模式而无法判定 {undecided} 件",
            f"{undecided} undecided (train, car, part or mode missing)",
        ),
        definition=load_figures()["repeats"].definition,
    )


def satisfaction(sources: Sources) -> Tile:
    """The customer satisfaction index of the latest campaign against the 85."""
    target = sources.limit("survey", "satisfied_from")
    label = Text("顾客满意度", "Customer satisfaction")
    answered = [campaign for campaign in sources.campaigns if campaign.satisfaction.n]
    if not answered:
        return Tile(
            name="satisfaction",
            label=label,
            value=None,
            unit=Text("分", "points"),
            decimals=1,
            target=target,
            definition=load_figures()["satisfaction"].definition,
        )
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
        definition=load_figures()["satisfaction"].definition,
    )


def trips_this_month(sources: Sources) -> Tile:
    """人次 of the running month, with 人天 and how many summaries were on time."""
    month = first_of_month(sources.today)
    begun = [trip for trip in sources.trips if trip.departed_on >= month]
    before = months_later(month, -1)
    same_day = min(before + timedelta(days=sources.today.day - 1), last_of_month(before))
    earlier = [trip for trip in sources.trips if before <= trip.departed_on <= same_day]
    persons, days = sum(t.persons for t in begun), _person_days(sources.trips, month, sources.today)
    year = sources.year_before(sources.today)
    overdue = sum(t.summary == "overdue" for t in sources.trips if t.departed_on >= year)
    return Tile(
        name="trips",
        label=Text("本月出差人次", "Travellers this month"),
        value=persons if sources.trips else None,
        unit=Text("人次", ""),
        change=persons - sum(t.persons for t in earlier) if sources.trips else None,
        compared_with=Text("上月同期", "the same days last month"),
        n=len(begun),
        note=Text(
            f"{len(begun)} 次出差，{days} 人天；超期未交总结单 {overdue} 份",
            f"{len(begun)} trips, {days} person days; {overdue} summaries overdue",
        ),
        definition=load_figures()["trips"].definition,
    )


def repeat_counts(cases: Iterable[Case], sources: Sources) -> tuple[int, int]:
    """(failures that came back, failures old enough to tell) among *cases*."""
    judged = [c for c in cases if mature(c, sources.now) and not c.undecided]
    return sum(case.followed for case in judged), len(judged)


def _share_tile(
    name: str,
    label: Text,
    now: tuple[int, int],
    before: tuple[int, int],
    *,
    falling_is_good: bool = False,
    note: Text,
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
        compared_with=_YEAR_BEFORE,
        limits=limits,
        n=now[1],
        note=note,
        definition=definition,
        tone=tone,
    )


def _occurred(sources: Sources, first: date, last: date) -> int:
    return sum(1 for case in sources.cases if first <= case.occurred_at.date() <= last and counts_for_rate(case))


def _response_hours(cases: Iterable[Case]) -> list[float]:
    return [hours for case in cases if (hours := case.response_hours) is not None]


def _fixed(cases: Iterable[Case], sources: Sources) -> tuple[int, int, int]:
    """(fixed at once, judged, too recent to judge)."""
    on_site = [case for case in cases if case.arrived_at is not None and case.repaired_at is not None]
    judged = [found for case in on_site if (found := fixed_first_time(case, sources.now)) is not None]
    return sum(judged), len(judged), sum(not mature(case, sources.now) for case in on_site)


def _person_days(trips: Iterable[Trip], month: date, today: date) -> int:
    return sum(
        part.days * trip.persons
        for trip in trips
        for part in parts(trip.departed_on, min(trip.returned_on or today, today))
        if part.month == month
    )


def _difference(value: float | None, before: float | None) -> float | None:
    return None if value is None or before is None else value - before
