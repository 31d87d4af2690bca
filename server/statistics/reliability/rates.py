"""Failure rates and mean distances between failures with exact limits, and monthly control limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from scipy.special import betaincinv, gammaincinv

from server.statistics.measures import Limits, poisson_band, poisson_limits, ratio
from server.statistics.reliability.minimums import NO_EXPOSURE
from server.statistics.reliability.systems import Ended
from workbooks.form import Text

MILLION_KM = 1e6
THOUSAND_HOURS = 1e3
ESTIMATED_LIMIT = 0.2  # a rate with a larger part of estimated exposure is shown in italics


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """
    *failures* per unit of *exposure*, with exact two-sided *limits*, and its inverse *between* failures.

    Without failures there is no point *between*, and its lower limit is one-sided.
    *estimated* is the share of the exposure that was not measured.
    """

    failures: int
    exposure: float
    rate: float | None
    limits: Limits | None
    between: float | None
    between_limits: Limits | None
    estimated: float | None = None
    reason: Text | None = None

    @property
    def italic(self) -> bool:
        """Whether more than 20 % of the exposure is estimated."""
        return self.estimated is not None and self.estimated > ESTIMATED_LIMIT


def failure_rate(
    failures: int, exposure: float, *, per: float = 1.0, confidence: float = 0.9, estimated: float | None = None
) -> Rate:
    """The rate per *per* units of *exposure* (1e6 for a million km); r may be 0, the exposure may not."""
    if exposure <= 0:
        return Rate(
            failures=failures,
            exposure=0.0,
            rate=None,
            limits=None,
            between=None,
            between_limits=None,
            estimated=estimated,
            reason=NO_EXPOSURE,
        )
    point, limits = between_failures(exposure, failures, confidence=confidence)
    return Rate(
        failures=failures,
        exposure=exposure,
        rate=failures / exposure * per,
        limits=poisson_limits(failures, exposure / per, confidence),
        between=point,
        between_limits=limits,
        estimated=estimated,
    )


def between_failures(
    exposure: float, failures: int, *, confidence: float = 0.9, ended: Ended = "time", sides: int = 2
) -> tuple[float | None, Limits]:
    """
    MTBF, MDBF or MDBSF: *exposure* ÷ *failures* with its exact limits.

    Data that end at a time have 2T/χ²(1−α/2; 2r+2) below, data that end with a failure
    2T/χ²(1−α/2; 2r); above both have 2T/χ²(α/2; 2r). One-sided limits leave the upper one
    open. With r = 0 the lower limit is T/(−ln α), one-sided.

    Raises:
        ValueError: Data that end with a failure but have none.
    """
    if not failures:
        if ended == "failure":
            raise ValueError("data that end with a failure have at least one")
        return None, Limits(exposure / -log(1 - confidence), None)
    tail = 1 - confidence if sides == 1 else (1 - confidence) / 2
    most = failures + (ended == "time")
    lower = exposure / float(gammaincinv(most, 1 - tail))
    upper = None if sides == 1 else exposure / float(gammaincinv(failures, tail))
    return exposure / failures, Limits(lower, upper)


def time_on_test(failure_times: Sequence[float], units: int) -> float:
    """Total time of *units* that were stopped together at the last of *failure_times* (type II)."""
    return sum(failure_times) + (units - len(failure_times)) * max(failure_times)


def exact_share(successes: int, n: int, confidence: float = 0.95) -> Limits | None:
    """The exact (Clopper-Pearson) interval of a share; None when n is 0."""
    if n == 0:
        return None
    tail = (1 - confidence) / 2
    lower = float(betaincinv(successes, n - successes + 1, tail)) if successes else 0.0
    upper = float(betaincinv(successes + 1, n - successes, 1 - tail)) if successes < n else 1.0
    return Limits(lower, upper)


@dataclass(frozen=True, slots=True)
class ControlPoint:
    """One month of a u-chart: its rate, and between which rates it is no news for its own exposure."""

    rate: float | None
    lower: float | None
    upper: float | None

    @property
    def outside(self) -> bool:
        if self.rate is None or self.lower is None or self.upper is None:
            return False
        return not self.lower <= self.rate <= self.upper


def control_chart(counts: Sequence[int], exposures: Sequence[float], confidence: float = 0.9973) -> list[ControlPoint]:
    """
    Monthly rates with exact Poisson limits, which differ because the months' exposures do.

    The centre is all failures ÷ all exposure; *confidence* is that of three sigma.
    """
    centre = ratio(sum(counts), sum(exposures))
    if centre is None:
        return [ControlPoint(None, None, None) for _ in counts]
    return [
        _control_point(count, exposure, centre, confidence) for count, exposure in zip(counts, exposures, strict=True)
    ]


def _control_point(count: int, exposure: float, centre: float, confidence: float) -> ControlPoint:
    if exposure <= 0:
        return ControlPoint(None, None, None)
    lower, upper = poisson_band(centre * exposure, confidence)
    return ControlPoint(count / exposure, lower / exposure, upper / exposure)
