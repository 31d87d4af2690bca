"""The mean cumulative function: how many failures a train has had by so many kilometres, on average, with limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, sqrt

from scipy.special import ndtri

from server.statistics.measures import Limits
from server.statistics.reliability.minimums import CURVE_ONLY, SYSTEMS_FOR_LIMITS
from server.statistics.reliability.systems import System, events, rows
from workbooks.form import Text


@dataclass(frozen=True, slots=True)
class McfPoint:
    """At *x*: systems under observation, failures there, the function, its variance and limits."""

    x: float
    at_risk: int
    events: int
    mcf: float
    variance: float
    limits: Limits | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mcf:
    """The curve of *systems*; *reason* says why it comes without limits."""

    systems: int
    n: int
    points: tuple[McfPoint, ...]
    reason: Text | None = None

    def at(self, x: float) -> McfPoint | None:
        """The last step at or before *x*; None before the first failure."""
        found = None
        for point in self.points:
            if point.x > x:
                break
            found = point
        return found


def mean_cumulative(systems: Sequence[System], *, confidence: float = 0.9) -> Mcf:
    """
    Σ d/r over the systems under observation, with the Lawless-Nadeau variance.

    The variance is that of R's survival and reda, not the sum over events ReliaWiki
    prints. Two-sided limits on a log scale; a system that entered late counts from then on.
    """
    n = events(systems)
    if not systems or n == 0:
        return Mcf(systems=len(systems), n=n, points=())
    from surpyval.recurrent import NonParametricCounting

    data = rows(systems)
    model = NonParametricCounting.fit(data.x, i=data.i, c=data.c, tl=data.tl)
    enough = len(systems) >= SYSTEMS_FOR_LIMITS
    points = tuple(
        McfPoint(
            x=float(x),
            at_risk=int(r),
            events=int(d),
            mcf=float(value),
            variance=float(variance),
            limits=log_limits(float(value), float(variance), confidence) if enough else None,
        )
        for x, r, d, value, variance in zip(model.x, model.r, model.d, model.mcf_hat, model.var, strict=True)
        if d
    )
    return Mcf(systems=len(systems), n=n, points=points, reason=None if enough else CURVE_ONLY)


def log_limits(mcf: float, variance: float, confidence: float = 0.9) -> Limits:
    """MCF·exp(±z·√var/MCF); *confidence* is two-sided, so 0.9 are the limits ReliaWiki calls one-sided 95 %."""
    z = float(ndtri((1 + confidence) / 2))
    factor = exp(z * sqrt(max(variance, 0.0)) / mcf)
    return Limits(mcf / factor, mcf * factor)


def independent_variance(mcf: Mcf) -> list[float]:
    """
    The variance as if all failures were independent, Σ d·(1−1/r)/r², as ReliaWiki prints it.

    Only for comparison: failures of one train are not independent.
    """
    total, found = 0.0, []
    for point in mcf.points:
        total += point.events * (1 - 1 / point.at_risk) / point.at_risk**2
        found.append(total)
    return found


def by_cause(systems: Sequence[System], causes: Sequence[Sequence[str]]) -> dict[str, Mcf]:
    """The curve of each cause; *causes* names one for every event of every system."""
    names = sorted({cause for row in causes for cause in row})
    return {
        name: mean_cumulative(
            [
                System(
                    tuple(at for at, cause in zip(system.events, row, strict=True) if cause == name),
                    system.end,
                    system.start,
                )
                for system, row in zip(systems, causes, strict=True)
            ]
        )
        for name in names
    }
