"""Lives of parts: Weibull with right censoring and late entry, and Kaplan-Meier."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import exp, isfinite
from typing import Any, Literal

from scipy.special import ndtri

from server.statistics.measures import Limits
from server.statistics.reliability.minimums import CURVE_WITHOUT_FIT, FAILURES_FOR_LIFE
from workbooks.form import Text

_ALL_CENSORED_LATE = Text(
    "最长的寿命都未到故障，尾部外推不可靠", "the longest lives are all censored: do not read the tail"
)


@dataclass(frozen=True, slots=True)
class Life:
    """
    *count* parts that lived to *age*: *failed*, or still fitted or removed for another reason (censored).

    *entry* is the age at which their observation began: a part older than the records
    could not be seen failing before.
    """

    age: float
    failed: bool
    entry: float = 0.0
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Weibull:
    """*shape* below 1: early failures, about 1: chance, above: wear; *scale* is the age by which 63 % have failed."""

    failures: int
    censored: int
    shape: float | None = None
    shape_limits: Limits | None = None
    scale: float | None = None
    scale_limits: Limits | None = None
    b10: float | None = None
    b10_limits: Limits | None = None
    mean: float | None = None
    mean_limits: Limits | None = None
    log_likelihood: float | None = None
    reason: Text | None = None
    warning: Text | None = None


def weibull(
    lives: Sequence[Life], *, confidence: float = 0.9, limits: Literal["log", "plain"] = "log", mean: bool = True
) -> Weibull:
    """
    The two-parameter Weibull of *lives* by maximum likelihood.

    Limits are Wald's, on the log scale, or *plain* as some programs print them. Lives of
    age 0 (a failure at delivery) have no place here and must be booked as installation.
    """
    used = [life for life in lives if life.age > life.entry]
    failures = sum(life.count for life in used if life.failed)
    censored = sum(life.count for life in used if not life.failed)
    if failures < FAILURES_FOR_LIFE or len({life.age for life in used if life.failed}) < 2:
        return Weibull(failures=failures, censored=censored, reason=CURVE_WITHOUT_FIT)
    import surpyval

    late = any(life.entry > 0 for life in used)
    model = surpyval.Weibull.fit(
        [life.age for life in used],
        c=[0 if life.failed else 1 for life in used],
        n=[life.count for life in used],
        **({"tl": [life.entry for life in used]} if late else {}),
    )
    scale, shape = (float(value) for value in model.params)
    return Weibull(
        failures=failures,
        censored=censored,
        shape=shape,
        shape_limits=_wald(model, "beta", shape, confidence, limits),
        scale=scale,
        scale_limits=_wald(model, "alpha", scale, confidence, limits),
        b10=float(model.qf(0.1)),
        b10_limits=_limits(model.quantile_cb(0.1, alpha_ci=1 - confidence)),
        mean=float(model.mean()) if mean else None,
        mean_limits=_limits(model.mean_cb(alpha_ci=1 - confidence)) if mean else None,
        log_likelihood=float(model.log_likelihood),
        warning=_ALL_CENSORED_LATE if _tail_is_censored(used) else None,
    )


def _tail_is_censored(lives: Sequence[Life]) -> bool:
    """Whether more than half of the lives end, censored, beyond the last failure."""
    last = max(life.age for life in lives if life.failed)
    beyond = sum(life.count for life in lives if not life.failed and life.age >= last)
    return beyond > sum(life.count for life in lives) / 2


def _wald(model: Any, name: str, value: float, confidence: float, limits: str) -> Limits:
    error = float(model.standard_errors()[list(model.parameter_names).index(name)])
    z = float(ndtri((1 + confidence) / 2))
    if limits == "plain":
        return Limits(value - z * error, value + z * error)
    factor = exp(z * error / value)
    return Limits(value / factor, value * factor)


def _limits(found: Any) -> Limits | None:
    lower, upper = (float(value) for value in found.ravel())
    if not isfinite(lower):
        return None
    return Limits(lower, upper if isfinite(upper) else None)


@dataclass(frozen=True, slots=True)
class Survival:
    """One step of Kaplan-Meier: at *age* so many of those *at_risk* failed; *survival* is what is left after it."""

    age: float
    at_risk: int
    failed: int
    survival: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KaplanMeier:
    """The curve of *n* lives of which *censored* had not ended."""

    n: int
    censored: int
    steps: tuple[Survival, ...]

    def quantile(self, share: float) -> float | None:
        """By when *share* of them have ended (0.5 the median); None where the curve does not come so far down."""
        return next((step.age for step in self.steps if step.survival <= 1 - share + 1e-12), None)


def kaplan_meier(lives: Iterable[Life]) -> KaplanMeier:
    """
    The share that is still going by age, with open ones censored at their age.

    By hand, in a few lines: pages need it, and must not wait for a library's import.
    """
    held = [life for life in lives if life.age >= life.entry]
    leaving = sorted(held, key=lambda life: life.age)
    entering = sorted(life.entry for life in held for _ in range(life.count))
    left = 0
    steps: list[Survival] = []
    survival = 1.0
    for age, group in groupby(leaving, key=lambda life: life.age):
        together = list(group)
        failed = sum(life.count for life in together if life.failed)
        if failed:
            at_risk = max(bisect_left(entering, age), bisect_right(entering, 0.0)) - left
            survival *= 1 - failed / at_risk
            steps.append(Survival(age, at_risk, failed, survival))
        left += sum(life.count for life in together)
    censored = sum(life.count for life in held if not life.failed)
    return KaplanMeier(n=len(entering), censored=censored, steps=tuple(steps))
