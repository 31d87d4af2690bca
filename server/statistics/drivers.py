"""Which answers of a survey move the customer's verdict: a linear regression with robust limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import variance

from server.statistics.measures import Limits
from workbooks.form import Text

ROWS_PER_FACTOR = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """One factor: what one point more of it adds to the verdict, all others held; *inflation* is its VIF."""

    factor: str
    coefficient: float
    limits: Limits
    p_value: float
    inflation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drivers:
    """The regression over *n* answers; without *drivers* the *reason* says why it was refused."""

    n: int
    drivers: tuple[Driver, ...] = ()
    r_squared: float | None = None
    alpha: float | None = None
    reason: Text | None = None


def drivers(verdicts: Sequence[float], scores: Mapping[str, Sequence[float]], confidence: float = 0.95) -> Drivers:
    """
    Ordinary least squares of *verdicts* on *scores*, standard errors HC3 (002 §10; 004 §1.4.1).

    Refused below 10 answers per factor, and where a factor or the verdict never varies
    or factors say the same: such coefficients would be arbitrary.
    """
    n = len(verdicts)
    alpha = cronbach_alpha(list(scores.values()))
    if n < ROWS_PER_FACTOR * len(scores):
        needed = ROWS_PER_FACTOR * len(scores)
        text = Text(f"样本 {n} 份，每个因素至少 10 份，共需 {needed} 份", f"{n} answers; 10 per factor are {needed}")
        return Drivers(n=n, alpha=alpha, reason=text)
    # Imported here: a page must not wait a second for it.
    import numpy as np
    from statsmodels.api import OLS, add_constant
    from statsmodels.stats.outliers_influence import variance_inflation_factor

    design = add_constant(np.column_stack([np.asarray(scores[name], float) for name in scores]), has_constant="add")
    if np.ptp(verdicts) == 0 or np.linalg.matrix_rank(design) < design.shape[1]:
        text = Text(
            "得分没有变化或彼此相同，无法区分各因素", "scores that do not vary, or say the same, cannot be told apart"
        )
        return Drivers(n=n, alpha=alpha, reason=text)
    fitted = OLS(np.asarray(verdicts, float), design).fit(cov_type="HC3")
    limits = fitted.conf_int(alpha=1 - confidence)
    found = tuple(
        Driver(
            factor=name,
            coefficient=float(fitted.params[at]),
            limits=Limits(float(limits[at][0]), float(limits[at][1])),
            p_value=float(fitted.pvalues[at]),
            inflation=float(variance_inflation_factor(design, at)),
        )
        for at, name in enumerate(scores, start=1)
    )
    return Drivers(n=n, drivers=found, r_squared=float(fitted.rsquared), alpha=alpha)


def cronbach_alpha(items: Sequence[Sequence[float]]) -> float | None:
    """How consistently *items* of one scale are answered (信度), at most 1; None below two items or answers."""
    if len(items) < 2 or len(items[0]) < 2:
        return None
    whole = float(variance([sum(answers) for answers in zip(*items, strict=True)]))
    if not whole:
        return None
    return len(items) / (len(items) - 1) * (1 - sum(float(variance(item)) for item in items) / whole)
