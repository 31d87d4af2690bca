"""The first screen: eight figures and four charts, as of an instant."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy.orm import Session

from server.access.visibility import Viewer
from server.site import Site
from server.statistics import tiles
from server.statistics.cases import STAGE_LABELS, Case, Stage, bucket_of
from server.statistics.figures import AGE_LABELS, Dashboard, ModeFigures, MonthFigures, StageFigures, StationFigures
from server.statistics.fracas_datasets import OPEN_STAGES, mode_counts
from server.statistics.labels import Labels
from server.statistics.measures import mean, pareto, poisson_band, quantile, ratio
from server.statistics.periods import last_of_month, months
from server.statistics.selection import EVERYTHING, Selection
from server.statistics.snapshot import View
from server.statistics.sources import Sources
from workbooks.reporting.figure_definition import load_figures

CHARTS = ("months", "modes", "ageing", "stations")


def dashboard(
    session: Session, viewer: Viewer, *, site: Site, as_of: datetime | None = None, selection: Selection = EVERYTHING
) -> Dashboard:
    """The first screen for *viewer*, as of an instant (aware; now when absent)."""
    sources = Sources(View.at(session, site, viewer, as_of), selection)
    labels = sources.labels("fracas")
    return Dashboard(
        as_of=sources.now,
        tiles=tiles.all_tiles(sources),
        months=month_figures(sources.cases, sources.now),
        modes=_modes(sources, labels),
        ageing=ageing(sources.cases, sources.now),
        stations=_stations(sources, labels),
        definitions={name: load_figures()[name].definition for name in CHARTS},
    )


def month_figures(cases: Sequence[Case], now: datetime) -> tuple[MonthFigures, ...]:
    """Every month from the first report to *now*."""
    if not cases:
        return ()
    reported = sorted(case.reported_at.date() for case in cases)
    closed = sorted(case.closed_on for case in cases if case.closed_on is not None)
    found: list[MonthFigures] = []
    for month in months(reported[0], now.date()):
        last = last_of_month(month)
        failures = bisect_right(reported, last) - bisect_left(reported, month)
        # Months before the first whole one are no measure for those that follow.
        before = [m.failures for m in found[-12:]] if len(found) >= 12 else []
        expected = mean(before)
        band = poisson_band(expected) if expected is not None else None
        found.append(
            MonthFigures(
                month=month,
                failures=failures,
                mean=expected,
                lower=band[0] if band else None,
                upper=band[1] if band else None,
                opened=failures,
                closed=bisect_right(closed, last) - bisect_left(closed, month),
                backlog=bisect_right(reported, last) - bisect_right(closed, last),
                complete=last < now.date(),
            )
        )
    return tuple(found)


def ageing(cases: Sequence[Case], now: datetime) -> tuple[StageFigures, ...]:
    """Open cases by stage and age; every stage has its row, also an empty one."""
    counts: dict[Stage, list[int]] = {stage: [0] * len(AGE_LABELS) for stage in OPEN_STAGES}
    oldest: dict[str, int] = {}
    for case in cases:
        if case.open:
            age = case.age_days(now)
            counts[case.stage][bucket_of(age)] += 1
            oldest[case.stage] = max(age, oldest.get(case.stage, 0))
    return tuple(
        StageFigures(stage=stage, label=STAGE_LABELS[stage], counts=tuple(counts[stage]), oldest=oldest.get(stage))
        for stage in OPEN_STAGES
    )


def _modes(sources: Sources, labels: Labels) -> tuple[ModeFigures, ...]:
    first = sources.year_before(sources.today)
    counts, shown = mode_counts([case for case in sources.cases if case.occurred_at.date() >= first], labels)
    return tuple(ModeFigures(row.name, shown[row.name], row) for row in pareto(counts))


def _stations(sources: Sources, labels: Labels) -> tuple[StationFigures, ...]:
    first = sources.year_before(sources.today)
    by_station: dict[str, list[Case]] = {}
    for case in sources.cases:
        by_station.setdefault(case.station, []).append(case)
    return tuple(
        _station(code, cases, first, sources, labels)
        for code, cases in sorted(by_station.items(), key=lambda item: (-len(item[1]), item[0]))
    )


def _station(code: str, cases: list[Case], first: date, sources: Sources, labels: Labels) -> StationFigures:
    recent = [case for case in cases if case.reported_at.date() >= first]
    ways = [hours for case in recent if (hours := case.arrival_hours) is not None]
    returned, judged = tiles.repeat_counts(recent, sources)
    open_cases = [case for case in cases if case.open]
    return StationFigures(
        code=code,
        label=labels.of("station", code),
        region=labels.region(code),
        failures=len(recent),
        open=len(open_cases),
        over_90_days=sum(case.age_days(sources.now) > 90 for case in open_cases),
        arrival_hours=quantile(ways, 0.5),
        arrival_n=len(ways),
        repeat_share=ratio(returned, judged),
        repeat_n=judged,
    )
