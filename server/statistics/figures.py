"""What the boards show, as plain values: tiles, months and ages."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from server.statistics.measures import Limits
from workbooks.form import Text

Tone = Literal["good", "bad", "neutral"]

AGE_BUCKETS = (7, 30, 90, 180)  # days, each included; what is older stands in a fifth bucket
AGE_LABELS = (
    Text("0~7天", "0-7 d"),
    Text("8~30天", "8-30 d"),
    Text("31~90天", "31-90 d"),
    Text("91~180天", "91-180 d"),
    Text("180天以上", "over 180 d"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """
    One figure with what it takes to read it.

    *value* is unrounded and None without data; *decimals* says how it is shown, *share*
    that it is a part of one (0.83 is shown as 83 %). *change* is the difference to
    *compared_with*, in the same unit. *n* is the number of cases behind the figure.
    *tone* judges it against target or limits and stays neutral where the difference may
    be chance.
    """

    name: str
    label: Text
    value: float | None
    unit: Text
    decimals: int = 0
    share: bool = False
    target: float | None = None
    target_label: Text | None = None
    change: float | None = None
    compared_with: Text | None = None
    limits: Limits | None = None
    n: int = 0
    note: Text | None = None
    estimated: bool = False  # much of what it is divided by is a guess
    definition: Text
    tone: Tone = "neutral"
    judged: bool = False  # *tone* judges the change, against limits

    @property
    def thin(self) -> bool:
        """Too few cases to judge or to rank."""
        return self.n < 5


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthFigures:
    """
    One month: *failures* reported, cases *opened* and *closed*, and the *backlog* at its end.

    *lower* and *upper* are the exact 95 % Poisson limits around the mean of the twelve
    months before; both are None without a year before. A month that is not over yet is
    not *complete* and never *outside*.
    """

    month: date
    failures: int
    mean: float | None
    lower: int | None
    upper: int | None
    opened: int
    closed: int
    backlog: int
    complete: bool

    @property
    def outside(self) -> Literal["", "high", "low"]:
        """Whether the month differs from the year before by more than chance."""
        if not self.complete or self.lower is None or self.upper is None:
            return ""
        return "high" if self.failures > self.upper else "low" if self.failures < self.lower else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFigures:
    """Open cases waiting in one stage of the loop, by age (`AGE_LABELS`), and the oldest one's days."""

    stage: str
    label: Text
    counts: tuple[int, ...]
    oldest: int | None

    @property
    def total(self) -> int:
        return sum(self.counts)
