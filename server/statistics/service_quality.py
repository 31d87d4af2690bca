"""Service quality as one number: composite Q, the linear model SQ, life-time value, technicians, approval of prices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil, isclose
from typing import Literal

from server.statistics.measures import WeightError, mean, ratio
from workbooks.form import Text

Q_WEIGHTS = {"timeliness": 0.35, "solving": 0.40, "satisfaction": 0.25}  # 004 table
CLTV_NOTE = Text(
    "原文公式缺失，只留符号；此式为本系统重构", "a reconstruction of ours: the founding document kept only the symbols"
)


def _checked(weights: Mapping[str, float]) -> None:
    if not isclose(sum(weights.values()), 1, abs_tol=1e-9):
        raise WeightError(f"weights add up to {sum(weights.values()):g}, not 1")


def smaller_is_better(actual: float, target: float) -> float:
    """100 at or below *target*, less above it."""
    return 100.0 if actual <= target else 100 * target / actual


def larger_is_better(actual: float, target: float) -> float:
    """100 at or above *target*, less below it."""
    return 100 * min(1.0, actual / target)


def composite_quality(scores: Mapping[str, float | None], weights: Mapping[str, float] = Q_WEIGHTS) -> float | None:
    """
    Q = Σ D·W with D in 0..100; None when a D is missing, never a Q of the others alone.

    Raises:
        WeightError: The weights do not add up to 1, or do not belong to the scores.
    """
    _checked(weights)
    if set(scores) != set(weights):
        raise WeightError("every dimension needs one weight and every weight a dimension")
    known = {name: score for name, score in scores.items() if score is not None}
    return None if len(known) < len(scores) else sum(known[name] * weights[name] for name in known)


def linear_quality(
    speed: float | None, solved: float | None, emotion: float | None, weights: tuple[float, float, float]
) -> float | None:
    """
    SQ = α·speed + β·solved + γ·emotion, all in 0..1; the weights are the user's, the founding document gives none.

    Raises:
        WeightError: The weights do not add up to 1.
    """
    names = ("speed", "solved", "emotion")
    return composite_quality(
        dict(zip(names, (speed, solved, emotion), strict=True)), dict(zip(names, weights, strict=True))
    )


def life_time_value(
    profits: Sequence[float | None], retention: Sequence[float | None], interest: float
) -> float | None:
    """
    CLTV = Σ P·R/(1+i)^t from year 1 on; a missing year ends the sum, None when the first is missing.

    `CLTV_NOTE` must stand beside it.

    Raises:
        ValueError: The interest is −100 % or less.
    """
    if interest <= -1:
        raise ValueError("an interest of -100 % or less has no meaning")
    total: float | None = None
    for year, (profit, kept) in enumerate(zip(profits, retention, strict=True), start=1):
        if profit is None or kept is None:
            break
        total = (total or 0.0) + profit * kept / (1 + interest) ** year
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class TechnicianScore:
    """Of *n* cards: the mean of each item, the total of 4, and the same of 100."""

    n: int
    items: tuple[float | None, ...]

    @property
    def total(self) -> float | None:
        known = [item for item in self.items if item is not None]
        return mean(known) if len(known) == len(self.items) else None

    @property
    def of_hundred(self) -> float | None:
        return None if self.total is None else self.total * 25

    def shrunk(self, group: float) -> float | None:
        """The total drawn to the mean of the *group* while there are few cards: (n·x + 5·group)/(n + 5)."""
        return None if self.total is None else (self.n * self.total + 5 * group) / (self.n + 5)


def technician_score(cards: Sequence[Sequence[int]], items: int = 4) -> TechnicianScore:
    """From *cards* of *items* grades each, 4 the best (002:L477: attitude, skill, arrival, promises)."""
    means = tuple(mean([card[at] for card in cards]) for at in range(items))
    return TechnicianScore(n=len(cards), items=means)


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """Who approves up to (and, where *included*, at) this amount; the last rule has no limit."""

    approver: Text
    below: float | None
    included: bool
    source: str


_DEPARTMENT = Text("售后部经理", "after-sales manager")
_VICE_PRESIDENT = Text("销售副总", "vice president of sales")
_GENERAL = Text("总经理", "general manager")
APPROVALS: Mapping[Literal["price", "waiver"], tuple[ApprovalRule, ...]] = {
    "price": (
        ApprovalRule(_DEPARTMENT, 1000, False, "002 §1 art. 12"),
        ApprovalRule(_VICE_PRESIDENT, None, True, "002 §1 art. 12"),
    ),
    "waiver": (
        ApprovalRule(_DEPARTMENT, 1000, False, "002 §1 art. 13"),
        ApprovalRule(_VICE_PRESIDENT, 5000, True, "002 §1 art. 13"),
        ApprovalRule(_GENERAL, None, True, "002 §1 art. 13"),
    ),
}


def approval(kind: Literal["price", "waiver"], price: float, cost: float | None = None) -> ApprovalRule:
    """The rule that names who approves; a waiver goes by the larger of price and cost."""
    amount = max(price, cost or 0.0) if kind == "waiver" else price
    return next(
        rule
        for rule in APPROVALS[kind]
        if rule.below is None or amount < rule.below or (rule.included and amount == rule.below)
    )


def warranty_state(fault_on: date | None, until: date | None) -> Text:
    """保内 up to and with the last day, 保外 after it, 待确认 while a date is missing: unknown is never out."""
    if fault_on is None or until is None:
        return Text("待确认", "to be confirmed")
    return Text("保内", "in warranty") if fault_on <= until else Text("保外", "out of warranty")


def first_time_fix_rate(jobs: Sequence[tuple[int, float | None]], window_days: int = 30) -> float | None:
    """Of mature *jobs* (visits, days until the same fault came back): one visit and no return within the window."""
    good = sum(visits == 1 and (days is None or days > window_days) for visits, days in jobs)
    return ratio(good, len(jobs))


def returns_needed(frame: int, target: float = 0.75) -> int:
    """How many of *frame* customers must return a valid sheet for coverage × return to reach *target*."""
    return ceil(round(frame * target, 9))
