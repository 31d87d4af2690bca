"""Trend tests: do failures come more and more often, pooled over trains that were observed at different times."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import erfc, sqrt
from statistics import mean, stdev

from server.statistics.reliability.minimums import FAILURES_FOR_TREND, too_few
from server.statistics.reliability.systems import Ended, System, events, rows
from workbooks.form import Text


@dataclass(frozen=True, slots=True)
class TrendTest:
    """One test against "no trend", two-sided; *df* only where the statistic is a χ²."""

    statistic: float
    p_value: float
    df: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """
    Whether failures become more frequent.

    *laplace* is strongest against a rate that changes exponentially, *handbook*
    (MIL-HDBK-189C) against a power law, *lewis_robinson* does not take the gaps to be
    exponential. *reason* stands where there are too few failures.
    """

    n: int
    laplace: TrendTest | None = None
    handbook: TrendTest | None = None
    lewis_robinson: TrendTest | None = None
    reason: Text | None = None

    @property
    def direction(self) -> str:
        """Where the failures lean, significant or not: more, fewer, or neither."""
        if self.laplace is None or self.laplace.statistic == 0:
            return ""
        return "more" if self.laplace.statistic > 0 else "fewer"


def trend(systems: Sequence[System], *, ended: Ended = "time") -> Trend:
    """All three tests of *systems*; Lewis-Robinson only for one system."""
    n = events(systems)
    if n < FAILURES_FOR_TREND:
        return Trend(n=n, reason=too_few(n, FAILURES_FOR_TREND))
    return Trend(
        n=n,
        laplace=laplace(systems, ended=ended),
        handbook=mil_hdbk_189c(systems, ended=ended),
        lewis_robinson=lewis_robinson(systems[0]) if len(systems) == 1 and ended == "time" else None,
    )


def laplace(systems: Sequence[System], *, ended: Ended = "time") -> TrendTest:
    """Laplace's test, each train in its own window."""
    from surpyval.recurrent import laplace as test

    data = rows(systems, ended)
    found = test(data.x, data.i, c=data.c, tl=data.tl)
    return TrendTest(float(found.statistic), float(found.p_value))


def mil_hdbk_189c(systems: Sequence[System], *, ended: Ended = "time") -> TrendTest:
    """The test of MIL-HDBK-189C, χ² distributed."""
    from surpyval.recurrent import mil_hdbk_189c as test

    data = rows(systems, ended)
    found = test(data.x, data.i, c=data.c, tl=data.tl)
    return TrendTest(float(found.statistic), float(found.p_value), int(found.dof) if found.dof is not None else None)


def lewis_robinson(system: System) -> TrendTest | None:
    """Laplace's statistic ÷ the coefficient of variation of the gaps; None where all gaps are equal."""
    times = [system.start, *sorted(system.events)]
    gaps = [after - before for before, after in pairwise(times)]
    if len(gaps) < 2 or stdev(gaps) == 0:
        return None
    statistic = laplace([system]).statistic / (stdev(gaps) / mean(gaps))
    return TrendTest(statistic, erfc(abs(statistic) / sqrt(2)))


def reversals(times: Sequence[float]) -> int:
    """Pairs of gaps of which the later is the longer one (NIST 8.2.3.4); many mean growth."""
    gaps = [after - before for before, after in pairwise([0.0, *times])]
    return sum(later > earlier for i, earlier in enumerate(gaps) for later in gaps[i + 1 :])


def adjusted(p_values: Sequence[float | None]) -> list[float | None]:
    """
    Benjamini and Hochberg's p values of many tests at once; None stays None.

    Of twenty modes without any trend one has p < 0.05: unadjusted, managers chase noise.
    """
    known = sorted((p, at) for at, p in enumerate(p_values) if p is not None)
    found: list[float | None] = [None] * len(p_values)
    smallest = 1.0
    for rank, (p, at) in reversed(list(enumerate(known, start=1))):
        smallest = min(smallest, p * len(known) / rank)
        found[at] = smallest
    return found
