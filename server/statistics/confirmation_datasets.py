"""What the analysis confirmed (核实结论): the share of failures in which no fault was found (NFF)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import case, extract, func

from server.statistics import case_rows
from server.statistics.measures import Limits, ratio, wilson
from server.statistics.periods import quarter_of
from server.statistics.rate_datasets import limit
from server.statistics.tabular import Computed, Query, by_place

_CONCLUSIONS = ("confirmed", "not_reproduced", "no_fault")


@dataclass(frozen=True, slots=True)
class _Concluded:
    """The failures of one part that one station reported in one quarter, by the conclusion of their analysis."""

    quarter: str
    station: str
    part: str | None
    counts: Counter[str | None]

    @property
    def analysed(self) -> int:
        return sum(self.counts[conclusion] for conclusion in _CONCLUSIONS)

    @property
    def limits(self) -> Limits | None:
        return wilson(self.counts["no_fault"], self.analysed)


def _concluded(query: Query) -> list[_Concluded]:
    found: dict[tuple[date, str, str], Counter[str | None]] = defaultdict(Counter)
    for year, month, station, part, conclusion, n in _counted(query):
        quarter = date(int(year), (int(month) + 2) // 3 * 3, 1)
        found[quarter, station, part or ""][conclusion] += n
    return [
        _Concluded(quarter_of(quarter), station, part or None, counts)
        for (quarter, station, part), counts in sorted(found.items())
    ]


def _counted(query: Query) -> Iterable[Sequence[Any]]:
    """Year and month reported, station, part, conclusion and how many; the database counts, no case is read."""
    sources, period = query.sources, query.period
    table = case_rows.kept(sources.view)
    c = table.c
    concluded = case((c.analysed_on <= sources.today, c.confirmation))
    keys = (extract("year", c.reported_at), extract("month", c.reported_at), c.station, c.part, concluded)
    asked = [*case_rows.selected(table, sources.selection, sources.regions)]
    if period.start is not None:
        asked.append(c.reported_at >= datetime.combine(period.start, time.min))
    if period.end is not None:
        asked.append(c.reported_at <= datetime.combine(period.end, time.max))
    reported = case_rows.query_of(sources.view, neighbours=False, columns=()).where(*asked)
    return sources.view.session.execute(reported.with_only_columns(*keys, func.count()).group_by(*keys)).all()


_CONFIRMATIONS: Computed[_Concluded] = Computed(
    facts=_concluded,
    values={
        **by_place(),
        "year": lambda r, q: int(r.quarter[:4]),
        "quarter": lambda r, q: r.quarter,
        "part": lambda r, q: q.named("fracas", "part", r.part),
        "reported": lambda r, q: r.counts.total(),
        "analysed": lambda r, q: r.analysed,
        "confirmed": lambda r, q: r.counts["confirmed"],
        "not_reproduced": lambda r, q: r.counts["not_reproduced"],
        "no_fault": lambda r, q: r.counts["no_fault"],
        "share": lambda r, q: ratio(r.counts["no_fault"], r.analysed),
        "lower": lambda r, q: limit(r.limits, False, 6),
        "upper": lambda r, q: limit(r.limits, True, 6),
        "waiting": lambda r, q: r.counts.total() - r.analysed,
    },
)

COMPUTED: dict[str, Computed[Any]] = {"confirmations": _CONFIRMATIONS}
