"""Measures as pure functions: rates with exact limits, shares, Pareto, satisfaction. No data is None, never 0."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from itertools import accumulate
from math import isclose, sqrt
from typing import NamedTuple

from scipy.special import gammaincinv, ndtri, pdtr

VITAL_SHARE = 0.8
LAST_IN_PARETO = ("other", "pending")  # 其他 and 待定 stand last, however many they are


class Limits(NamedTuple):
    """A confidence interval; *upper* is None where it is unbounded."""

    lower: float
    upper: float | None


def round_half_up(value: float, digits: int = 0) -> float:
    """*value* rounded as Excel's ROUND does; Python's own `round` is half-even and differs from the user's sheet."""
    # repr is what a person reads: 2.675 means 2.675, not the binary number just below it.
    return float(Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))


def mean(values: Iterable[float]) -> float | None:
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else None


def quantile(values: Iterable[float], share: float) -> float | None:
    """The *share* quantile (0.5 the median), between neighbours linearly, as Excel's PERCENTILE.INC."""
    numbers = sorted(values)
    if not numbers:
        return None
    position = (len(numbers) - 1) * share
    below = int(position)
    above = min(below + 1, len(numbers) - 1)
    return numbers[below] + (numbers[above] - numbers[below]) * (position - below)


def ratio(part: float, whole: float) -> float | None:
    """part / whole, None when there is nothing to divide by."""
    return part / whole if whole else None


def poisson_limits(count: int, exposure: float = 1.0, confidence: float = 0.9) -> Limits:
    """
    Exact two-sided limits of a rate: χ²(α/2; 2r)/2E and χ²(1−α/2; 2r+2)/2E.

    The observation ends at a time, not at a failure, hence 2r+2 above. With no failure
    the lower limit is 0.
    """
    tail = (1 - confidence) / 2
    lower = float(gammaincinv(count, tail)) / exposure if count else 0.0
    return Limits(lower, float(gammaincinv(count + 1, 1 - tail)) / exposure)


def mean_between_failures(exposure: float, failures: int, confidence: float = 0.9) -> tuple[float | None, Limits]:
    """
    MTBF or MDBF with its two-sided limits for data that end at a time.

    Without failures there is no point estimate; the lower limit is then the one-sided
    one, T / −ln α.
    """
    if not failures:
        return None, Limits(exposure / float(gammaincinv(1, confidence)), None)
    rate = poisson_limits(failures, exposure, confidence)
    assert rate.upper is not None
    return exposure / failures, Limits(1 / rate.upper, 1 / rate.lower)


def poisson_band(expected: float, confidence: float = 0.95) -> tuple[int, int]:
    """The counts between which a month with so many *expected* failures is no news (both included)."""
    tail = (1 - confidence) / 2
    lower = upper = 0
    while pdtr(lower, expected) <= tail:
        lower += 1
    upper = lower
    while pdtr(upper, expected) < 1 - tail:
        upper += 1
    return lower, upper


def wilson(successes: int, n: int, confidence: float = 0.95) -> Limits | None:
    """Wilson's score interval of a share; None when n is 0."""
    if n == 0:
        return None
    z = float(ndtri((1 + confidence) / 2))
    share = successes / n
    centre = share + z * z / (2 * n)
    spread = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Limits(max(0.0, (centre - spread) / (1 + z * z / n)), min(1.0, (centre + spread) / (1 + z * z / n)))


@dataclass(frozen=True, slots=True)
class ParetoRow:
    """One bar: *vital* marks the shortest head that reaches 80 %."""

    name: str
    count: float
    share: float
    cumulative: float
    vital: bool


def pareto(counts: Mapping[str, float], last: Sequence[str] = LAST_IN_PARETO) -> tuple[ParetoRow, ...]:
    """*counts* in descending order, ties by name, those named in *last* at the end; empty ones are left out."""
    total = sum(counts.values())
    ordered = sorted((n for n in counts if counts[n]), key=lambda name: (name in last, -counts[name], name))
    reached = accumulate(counts[name] for name in ordered)
    rows: list[ParetoRow] = []
    before = 0.0
    for name, so_far in zip(ordered, reached, strict=True):
        vital = before / total < VITAL_SHARE - 1e-12
        rows.append(ParetoRow(name, counts[name], counts[name] / total, so_far / total, vital))
        before = so_far
    return tuple(rows)


def at_least(value: float, limit: float) -> bool:
    """Whether *value* reaches *limit*, which 以上 includes; 0.1 + 0.2 must not turn an 85 into 84.99999999999999."""
    return value >= limit or isclose(value, limit, abs_tol=1e-9)


# Satisfaction (002:L326-L334)


class WeightError(ValueError):
    """The weights of a survey do not add up to 1; the figure is refused rather than bent."""


def customer_total(scores: Mapping[str, float], weights: Mapping[str, float]) -> float:
    """
    One customer's weighted total, Σ w·s.

    Raises:
        WeightError: The weights do not add up to 1, or an item has none.
    """
    if set(scores) != set(weights) or not isclose(sum(weights.values()), 1, abs_tol=1e-9):
        raise WeightError(f"weights add up to {sum(weights.values()):g}, not 1")
    return sum(scores[item] * weights[item] for item in scores)


@dataclass(frozen=True, slots=True, kw_only=True)
class Satisfaction:
    """The customer satisfaction index: mean of the totals of customers whose sheet came back."""

    index: float | None
    n: int
    satisfied: int
    satisfied_from: float

    @property
    def reached(self) -> bool | None:
        """Whether the index is satisfied, decided before any rounding: 84.96 is not 85."""
        return None if self.index is None else at_least(self.index, self.satisfied_from)

    @property
    def satisfied_share(self) -> float | None:
        return ratio(self.satisfied, self.n)


def satisfaction(totals: Iterable[float], satisfied_from: float = 85.0) -> Satisfaction:
    """Of customers' *totals* (0..100): the index and how many are satisfied; 以上 includes the limit."""
    numbers = list(totals)
    satisfied = sum(at_least(total, satisfied_from) for total in numbers)
    return Satisfaction(index=mean(numbers), n=len(numbers), satisfied=satisfied, satisfied_from=satisfied_from)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Coverage × return of one survey campaign, counted by customers and not by sheets."""

    frame: int
    sent: int
    returned: int

    @property
    def coverage(self) -> float | None:
        return ratio(self.sent, self.frame)

    @property
    def returned_share(self) -> float | None:
        return ratio(self.returned, self.sent)

    @property
    def product(self) -> float | None:
        """Equal to returned ÷ frame, which is how 002:L326 reads."""
        return ratio(self.returned, self.frame)

    def reaches(self, target: float = 0.75) -> bool | None:
        return None if self.product is None else self.product >= target


def net_promoter_score(answers: Sequence[int], confidence: float = 0.95) -> tuple[float, Limits] | None:
    """
    %(9-10) − %(0-6) in −100..100, with the adjusted Wald interval (Rocks 2016).

    The interval's centre is shrunk: ¾ promoter, 1½ passive and ¾ detractor are added.
    """
    if not answers:
        return None
    n, promoters, detractors = len(answers), sum(a >= 9 for a in answers), sum(a <= 6 for a in answers)
    p, d = (promoters + 0.75) / (n + 3), (detractors + 0.75) / (n + 3)
    spread = float(ndtri((1 + confidence) / 2)) * sqrt((p + d - (p - d) ** 2) / (n + 3))
    return 100 * (promoters - detractors) / n, Limits(100 * (p - d - spread), 100 * (p - d + spread))
