"""One sending of the demo history: what somebody typed, when, and what should become of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from workbooks.filled import RawValue

Role = Literal["station", "engineer", "quality", "manager", "admin"]
Line = Mapping[str, RawValue]
Answers = dict[str, RawValue | Sequence[Line]]  # as `server.intake.answers` takes them


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """
    *received_at* is local and naive. Sendings with the same *instance* are one object's
    revisions. *trip* ties plan, loan slip and summary of one trip together: the number
    the plan gets goes into the field `plan_no` of the others. *about* is the instance of
    the failure a plan is made for: its number goes into `failure_no`.
    """

    form_id: str
    answers: Answers
    role: Role
    person: str  # display name of the sender
    station: str
    received_at: datetime
    instance: str
    reason: str = ""
    expected: Literal["accepted", "rejected"] = "accepted"
    trip: str = ""
    about: str = ""
