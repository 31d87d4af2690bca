"""The closed loop: how long cases dwell in each step, open ones censored, and what waits where by age."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from server.statistics.cases import Case, Stage, bucket_of
from server.statistics.figures import AGE_BUCKETS
from server.statistics.reliability.life import KaplanMeier, Life, kaplan_meier
from workbooks.form import Text

# Each step ends with what the form notes; dispatch and the test on the spot are noted nowhere.
STEPS: Mapping[str, Text] = {
    "response": Text("受理（报修→首次响应）", "response (report → first answer)"),
    "arrival": Text("到场（响应→到达）", "arrival (answer → on site)"),
    "repair": Text("处理（到达→修复）", "repair (on site → repaired)"),
    "analysis": Text("原因分析（修复→分析）", "analysis (repaired → analysed)"),
    "action": Text("纠正措施（分析→完成）", "corrective action (analysed → done)"),
    "verification": Text("效果验证（完成→验证）", "verification (done → verified)"),
    "close_out": Text("关闭（末步→关闭）", "close-out (last step → closed)"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dwell:
    """Days in one step; of *n* cases *open* ones are still in it, and a median without them would be too short."""

    step: str
    n: int
    open: int
    median: float | None
    ninety: float | None


def dwell(cases: Iterable[Case], now: datetime) -> tuple[Dwell, ...]:
    """Median and 90 % of every step by Kaplan-Meier; spans that end before they begin are data errors and left out."""
    lives: dict[str, list[Life]] = {step: [] for step in STEPS}
    for case in cases:
        for step, begin, end in spans(case):
            ended = end is not None
            days = ((end or now) - begin) / timedelta(days=1)
            if days >= 0:
                lives[step].append(Life(days, ended))
    return tuple(_dwell(step, kaplan_meier(lives[step])) for step in STEPS)


def _dwell(step: str, found: KaplanMeier) -> Dwell:
    return Dwell(step=step, n=found.n, open=found.censored, median=found.quantile(0.5), ninety=found.quantile(0.9))


def spans(case: Case) -> Iterable[tuple[str, datetime, datetime | None]]:
    """(step, begin, end) of every step *case* has entered; the end is None in the one it is in."""
    arrived_from = case.responded_at or case.reported_at
    if case.responded_at is not None or case.arrived_at is None:
        yield "response", case.reported_at, case.responded_at
    if case.responded_at is not None or case.arrived_at is not None:
        yield "arrival", arrived_from, case.arrived_at
    if case.arrived_at is not None:
        yield "repair", case.arrived_at, case.repaired_at
    if case.repaired_at is not None:
        yield "analysis", case.repaired_at, _noon(case.analysed_on, case.repaired_at)
    if case.analysed_on is None:
        return
    analysed = datetime.combine(case.analysed_on, time(12))
    last = analysed
    if case.planned_on is not None:
        yield "action", analysed, _noon(case.completed_on, analysed)
        if case.completed_on is None:
            return
        last = _noon(case.completed_on, analysed) or analysed
        yield "verification", last, _noon(case.verified_on, last)
        if case.verified_on is None and case.closed_on is None:
            return
        last = _noon(case.verified_on, last) or last
    if case.repaired_at is not None:
        yield "close_out", max(last, case.repaired_at), _noon(case.closed_on, max(last, case.repaired_at))


def _noon(day: date | None, after: datetime) -> datetime | None:
    """*day* at noon; where *after* is later that day, *after*: two steps of one day took no time."""
    if day is None:
        return None
    noon = datetime.combine(day, time(12))
    return max(noon, after) if day == after.date() else noon


def waiting(cases: Iterable[Case], now: datetime) -> Counter[tuple[Stage, int]]:
    """Open cases by the step they wait for and their age bucket (0-7, 8-30, 31-90, 91-180, over 180 days)."""
    return Counter((case.stage, bucket_of(case.age_days(now))) for case in cases if case.open)


BUCKETS = len(AGE_BUCKETS) + 1
