"""How many spares a station should keep, and how many failures the next months will bring."""

from dataclasses import dataclass

from server.statistics.measures import Limits
from server.statistics.reliability.minimums import NO_EXPOSURE
from workbooks.form import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Spares:
    """
    Demand over a future exposure: *expected*, and stock that suffices with probability *protection*.

    *plug_in* takes the past rate for the truth (Poisson), *predictive* carries its
    uncertainty (negative binomial, Jeffreys' prior) and is the one to order by.
    """

    failures: int
    exposure: float
    future: float
    protection: float
    expected: float | None = None
    plug_in: int | None = None
    predictive: int | None = None
    reason: Text | None = None


def spares(failures: int, exposure: float, future: float, protection: float = 0.95) -> Spares:
    """Stock for *future* exposure after *failures* in *exposure* of the same unit."""
    if exposure <= 0:
        return Spares(failures=failures, exposure=exposure, future=future, protection=protection, reason=NO_EXPOSURE)
    mean = failures * future / exposure
    return Spares(
        failures=failures,
        exposure=exposure,
        future=future,
        protection=protection,
        expected=mean,
        plug_in=stock(mean, protection),
        predictive=_predictive_quantile(failures, exposure, future, protection),
    )


def stock(expected: float, protection: float = 0.95) -> int:
    """The least stock that covers a Poisson demand of so many *expected* with probability *protection*."""
    from scipy.stats import poisson

    return int(poisson.ppf(protection, expected)) if expected > 0 else 0


def _predictive_quantile(failures: int, exposure: float, future: float, share: float) -> int:
    from scipy.stats import nbinom

    return int(nbinom.ppf(share, failures + 0.5, exposure / (exposure + future))) if future > 0 else 0


def forecast(failures: int, exposure: float, future: float, confidence: float = 0.9) -> tuple[float, Limits] | None:
    """(expected failures, prediction interval) of the *future* exposure; None without past exposure."""
    if exposure <= 0:
        return None
    tail = (1 - confidence) / 2
    limits = Limits(
        float(_predictive_quantile(failures, exposure, future, tail)),
        float(_predictive_quantile(failures, exposure, future, 1 - tail)),
    )
    return failures * future / exposure, limits
