"""FRACAS cases: where each stands at an instant, how long its steps took, and which failures came back."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any, NamedTuple, Protocol, Self

from server.statistics.figures import AGE_BUCKETS
from workbooks.form import Text

REPEAT_DAYS = 30
_HOUR = timedelta(hours=1)


class Stage(StrEnum):
    """What an open case waits for; the order is that of the loop."""

    HANDLING = "handling"
    ANALYSIS = "analysis"
    ACTION = "action"
    VERIFICATION = "verification"
    CLOSE_OUT = "close_out"
    CLOSED = "closed"


STAGE_LABELS: Mapping[Stage, Text] = {
    Stage.HANDLING: Text("处理", "Handling"),
    Stage.ANALYSIS: Text("原因分析", "Analysis"),
    Stage.ACTION: Text("纠正措施", "Corrective action"),
    Stage.VERIFICATION: Text("效果验证", "Verification"),
    Stage.CLOSE_OUT: Text("待关闭", "Close-out"),
    Stage.CLOSED: Text("已关闭", "Closed"),
}


class Case(NamedTuple):
    """
    One failure report with what statistics need of it; times are naive, in the site's zone.

    The repair ends the fault, the close-out ends the paper: durations and repeats count
    to the repair, age and backlog to the close-out.

    How it stands to the other failures of its train, car, part and mode: *repeated* says
    that it repeats the one before, *followed* that the next one repeats it, *duplicate*
    that the one before was still open when it occurred. They hold for all cases there
    are, whoever looks (`repeats` decides).
    """

    number: str
    station: str
    occurred_at: datetime
    reported_at: datetime
    responded_at: datetime | None = None
    arrived_at: datetime | None = None
    repaired_at: datetime | None = None
    analysed_on: date | None = None
    planned_on: date | None = None
    completed_on: date | None = None
    verified_on: date | None = None
    closed_on: date | None = None
    customer: str | None = None
    vehicle: str | None = None
    vehicle_type: str | None = None
    line: str | None = None
    car: str | None = None
    system: str | None = None
    subsystem: str | None = None
    part: str | None = None
    serial_no: str | None = None
    failure_mode: str | None = None
    severity: str | None = None
    warranty: str | None = None
    responsibility: str | None = None
    root_cause_category: str | None = None
    effectiveness: str | None = None
    relevant: str | None = None
    handled_by: str | None = None
    fix_type: str | None = None
    action_owner: str | None = None
    visits: int | None = None
    mileage_km: int | None = None
    delay_minutes: float | None = None
    repeated: bool = False
    followed: bool = False
    duplicate: bool = False

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        known: dict[str, Any] = {name: row[name] for name in _NAMES if name in row}
        return cls(**known)

    def until(self, instant: datetime) -> Self | None:
        """The case as it stood at *instant*: later steps have not happened, None when it was not reported yet."""
        if self.reported_at > instant:
            return None
        later: dict[str, Any] = {
            name: None for name in TIMES if (at := getattr(self, name)) is not None and at > instant
        }
        later |= {name: None for name in DAYS if (on := getattr(self, name)) is not None and on > instant.date()}
        # The plan is made with the analysis and usually lies ahead; it is known once the analysis is.
        if self.analysed_on is not None and "analysed_on" in later:
            later["planned_on"] = None
        return self._replace(**later) if later else self

    @property
    def stage(self) -> Stage:
        if self.closed_on is not None:
            return Stage.CLOSED
        if self.repaired_at is None:
            return Stage.HANDLING
        if self.analysed_on is None:
            return Stage.ANALYSIS
        if self.planned_on is not None and self.completed_on is None:
            return Stage.ACTION
        if self.planned_on is not None and self.verified_on is None:
            return Stage.VERIFICATION
        return Stage.CLOSE_OUT

    @property
    def open(self) -> bool:
        return self.closed_on is None

    @property
    def key(self) -> tuple[str, str, str, str] | None:
        """What a repeat must have in common with the failure before; None when a part of it is not given."""
        return key_of(self.vehicle, self.car, self.part, self.failure_mode)

    @property
    def undecided(self) -> bool:
        """Nobody can say whether it is a repeat: train, car, part or mode is missing."""
        return self.key is None

    def age_days(self, instant: datetime) -> int:
        """Days from the report to the close-out, or to *instant* while it is open."""
        end = self.closed_on or instant.date()
        return max(0, (end - self.reported_at.date()).days)

    @property
    def response_hours(self) -> float | None:
        return _hours(self.reported_at, self.responded_at)

    @property
    def arrival_hours(self) -> float | None:
        return _hours(self.reported_at, self.arrived_at)

    @property
    def repair_hours(self) -> float | None:
        """Active repair on site, from arrival to repair."""
        return _hours(self.arrived_at, self.repaired_at)

    @property
    def resolve_hours(self) -> float | None:
        """From the report to the repair, waiting included."""
        return _hours(self.reported_at, self.repaired_at)

    @property
    def down_hours(self) -> float | None:
        """From the failure to the repair."""
        return _hours(self.occurred_at, self.repaired_at)

    @property
    def close_days(self) -> int | None:
        return None if self.closed_on is None else (self.closed_on - self.reported_at.date()).days


_NAMES = Case._fields
TIMES = ("responded_at", "arrived_at", "repaired_at")
DAYS = ("analysed_on", "completed_on", "verified_on", "closed_on")


def key_of(
    vehicle: str | None, car: str | None, part: str | None, failure_mode: str | None
) -> tuple[str, str, str, str] | None:
    """What two failures must have in common to be the same; None when a part of it is not given."""
    return (vehicle, car, part, failure_mode) if vehicle and car and part and failure_mode else None


def _hours(start: datetime | None, end: datetime | None) -> float | None:
    """Elapsed hours; a negative span is a data error and no duration."""
    if start is None or end is None or end < start:
        return None
    return (end - start) / _HOUR


def bucket_of(days: int) -> int:
    """Which of the five age buckets *days* falls into."""
    return bisect_left(AGE_BUCKETS, days)


@dataclass(frozen=True, slots=True)
class Repeats:
    """
    Which failures came back (repeat failures).

    *repeated* are the numbers of cases that repeat an earlier one, *followed* of cases
    that were repeated; *duplicates* reported a fault that was still open; *undecided*
    lack a part of the key.
    """

    repeated: frozenset[str]
    followed: frozenset[str]
    duplicates: frozenset[str]
    undecided: frozenset[str]


class Failure(Protocol):
    """What it takes to know whether a failure came back."""

    @property
    def number(self) -> str: ...
    @property
    def occurred_at(self) -> datetime: ...
    @property
    def repaired_at(self) -> datetime | None: ...
    @property
    def key(self) -> tuple[str, str, str, str] | None: ...


def repeats(cases: Iterable[Failure], window_days: int = REPEAT_DAYS) -> Repeats:
    """
    Failures of the same train, car, part and mode within *window_days* after the repair of the one before.

    Each failure is compared with the latest earlier one of its key: A→B→C are two
    repeats of one chain.
    """
    by_key: dict[tuple[str, ...], list[Failure]] = {}
    undecided: set[str] = set()
    for case in cases:
        if case.key is None:
            undecided.add(case.number)
        else:
            by_key.setdefault(case.key, []).append(case)
    repeated: set[str] = set()
    followed: set[str] = set()
    duplicates: set[str] = set()
    for chain in by_key.values():
        chain.sort(key=lambda case: (case.occurred_at, case.number))
        for before, after in pairwise(chain):
            if before.repaired_at is None or after.occurred_at <= before.repaired_at:
                duplicates.add(after.number)
            elif after.occurred_at - before.repaired_at <= timedelta(days=window_days):
                repeated.add(after.number)
                followed.add(before.number)
    return Repeats(frozenset(repeated), frozenset(followed), frozenset(duplicates), frozenset(undecided))


def flagged(cases: Iterable[Case]) -> list[Case]:
    """*cases*, each with how it stands to the others."""
    found = list(cases)
    among = repeats(found)
    some = among.repeated | among.followed | among.duplicates
    return [
        case._replace(
            repeated=case.number in among.repeated,
            followed=case.number in among.followed,
            duplicate=case.number in among.duplicates,
        )
        if case.number in some
        else case
        for case in found
    ]


def mature(case: Case, instant: datetime, window_days: int = REPEAT_DAYS) -> bool:
    """Whether the fault was repaired long enough ago to know that it did not come back."""
    return case.repaired_at is not None and case.repaired_at + timedelta(days=window_days) <= instant


def fixed_first_time(case: Case, instant: datetime) -> bool | None:
    """Repaired in one visit without a return; None while it is too early to tell or no visit is noted."""
    if not mature(case, instant) or case.visits is None or case.arrived_at is None:
        return None
    return case.visits <= 1 and not case.followed


def is_repeat(case: Case) -> bool | None:
    """Whether the case repeats an earlier one; None when nobody can say."""
    return None if case.undecided else case.repeated


def is_relevant(case: Case) -> bool | None:
    """What the analysis says, None before it."""
    return None if case.relevant is None or case.analysed_on is None else case.relevant == "yes"


def counts_for_rate(case: Case) -> bool:
    """Whether a failure counts towards rates: all but those the analysis has judged not relevant."""
    return is_relevant(case) is not False


def action_overdue(case: Case, on: date) -> bool | None:
    """Whether the corrective action was done, or is waiting, later than planned; None without one."""
    if case.planned_on is None:
        return None
    return (case.completed_on or on) > case.planned_on
