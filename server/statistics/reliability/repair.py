"""Times to repair: mean and median of active repair, its lognormal, and what of the downtime was waiting."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, fsum, log, sqrt

from scipy.special import ndtri

from server.statistics.measures import mean, quantile
from server.statistics.reliability.minimums import TOO_FEW
from workbooks.form import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairTimes:
    """
    Active repair in hours: the *mean* (MTTR), which a few long repairs lift far above the *median*.

    *ninety* is the time within which nine of ten repairs are done, *mu* and *sigma* the
    lognormal's, *inverse_gaussian* the shape λ of the inverse Gaussian with this mean.
    """

    n: int
    mean: float | None = None
    median: float | None = None
    ninety: float | None = None
    mu: float | None = None
    sigma: float | None = None
    inverse_gaussian: float | None = None
    reason: Text | None = None

    def lognormal_quantile(self, share: float) -> float | None:
        if self.mu is None or self.sigma is None:
            return None
        return exp(self.mu + self.sigma * float(ndtri(share)))


def repair_times(hours: Iterable[float]) -> RepairTimes:
    """The times of *hours* (each above 0; a repair of no time is a typing error and left out)."""
    held = [hour for hour in hours if hour > 0]
    average = mean(held)
    if average is None:
        return RepairTimes(n=0, reason=TOO_FEW)
    logs = [log(hour) for hour in held]
    mu = fsum(logs) / len(logs)
    spread = fsum(1 / hour - 1 / average for hour in held)
    return RepairTimes(
        n=len(held),
        mean=average,
        median=quantile(held, 0.5),
        ninety=quantile(held, 0.9),
        mu=mu,
        sigma=sqrt(fsum((value - mu) ** 2 for value in logs) / len(logs)),
        inverse_gaussian=len(held) / spread if spread > 1e-12 else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DownTime:
    """Mean downtime (MDT) of *n* failures in hours, split: until somebody answered, until somebody came, repair."""

    n: int
    total: float | None
    administrative: float | None
    logistic: float | None
    active: float | None


def down_times(parts: Sequence[tuple[float, float, float]]) -> DownTime:
    """From (administrative, logistic, active) hours of each failure; their means add up to the mean downtime."""
    columns = [mean([part[at] for part in parts]) for at in range(3)]
    return DownTime(
        n=len(parts),
        total=mean([sum(part) for part in parts]),
        administrative=columns[0],
        logistic=columns[1],
        active=columns[2],
    )
