"""What customers said: questions, praise and complaints, how fast they were answered and how they ended."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from typing import Any, Self

from workbooks.form import Text

KINDS: Mapping[str, Text] = {
    "complaint": Text("投诉", "Complaint"),
    "question": Text("咨询", "Question"),
    "suggestion": Text("建议", "Suggestion"),
    "praise": Text("表扬", "Praise"),
    "other": Text("其他反馈", "Other feedback"),
}
UNCLASSED = Text("待分类", "Not classed yet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """One feedback record; times are naive, in the site's zone. *system* is the product it is about."""

    number: str
    station: str | None
    received_at: datetime
    channel: str | None = None
    customer: str | None = None
    system: str | None = None
    vehicle: str | None = None
    vehicle_type: str | None = None
    warranty: str | None = None
    category: str | None = None
    is_complaint: str | None = None
    complaint_class: str | None = None
    grade: str | None = None
    quantity: float | None = None
    verified_on: date | None = None
    quality_problem: str | None = None
    solution_kind: str | None = None
    compensation: float | None = None
    approved_by: str | None = None
    replied_at: datetime | None = None
    called_back_on: date | None = None
    customer_reply: str | None = None
    closed_on: date | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        known: dict[str, Any] = {name: row.get(name) for name in _NAMES} | {"system": row.get("product")}
        return cls(**known)

    def until(self, instant: datetime) -> Self | None:
        """The feedback as it stood at *instant*; None when it had not come in yet."""
        if self.received_at > instant:
            return None
        later: dict[str, Any] = {}
        if self.replied_at is not None and self.replied_at > instant:
            later["replied_at"] = None
        if self.verified_on is not None and self.verified_on > instant.date():
            later |= {"verified_on": None, "quality_problem": None}
        if self.called_back_on is not None and self.called_back_on > instant.date():
            later |= {"called_back_on": None, "customer_reply": None}
        if self.closed_on is not None and self.closed_on > instant.date():
            later["closed_on"] = None
        return replace(self, **later) if later else self

    @property
    def complaint(self) -> bool:
        return self.is_complaint == "yes"

    @property
    def kind(self) -> str:
        """The key in `KINDS`: a complaint, whatever it is about, else what it is about."""
        if self.complaint:
            return "complaint"
        return self.category if self.category and self.category in KINDS else "other"

    @property
    def reply_hours(self) -> float | None:
        """Elapsed hours to the answer; a negative span is a data error and no duration."""
        if self.replied_at is None or self.replied_at < self.received_at:
            return None
        return (self.replied_at - self.received_at) / timedelta(hours=1)

    def replied_within(self, hours: float, now: datetime) -> bool | None:
        """
        Whether it was answered in time; None while there is still time, False once there is none.

        An answer before the receipt is a data error: None, neither in time nor late.
        """
        if self.replied_at is not None:
            return None if self.reply_hours is None else self.reply_hours <= hours
        return False if now - self.received_at > timedelta(hours=hours) else None

    @property
    def close_days(self) -> int | None:
        """Days to the close-out; a negative span is a data error and no duration."""
        if self.closed_on is None or self.closed_on < self.received_at.date():
            return None
        return (self.closed_on - self.received_at.date()).days

    def closed_within(self, days: int, today: date) -> bool | None:
        """Whether it was closed in time; None while there is time and by a data error, False once there is none."""
        if self.closed_on is not None:
            return None if self.close_days is None else self.close_days <= days
        return False if today > self.received_at.date() + timedelta(days=days) else None

    @property
    def misdated(self) -> bool:
        """Answered or closed before it was received."""
        replied = self.replied_at is not None and self.reply_hours is None
        return replied or (self.closed_on is not None and self.close_days is None)

    @property
    def satisfied(self) -> bool | None:
        """What the customer said when called back; None without a call or an answer."""
        if self.called_back_on is None or self.customer_reply is None:
            return None
        return self.customer_reply == "satisfied"


_NAMES = tuple(field.name for field in fields(Feedback) if field.name != "system")


def feedbacks(rows: Iterable[Mapping[str, Any]], now: datetime) -> list[Feedback]:
    """The feedback in *rows* that had come in by *now*, as it stood then, oldest first."""
    found = [Feedback.of(row) for row in rows if row["received_at"]]
    seen = [feedback for feedback in (feedback.until(now) for feedback in found) if feedback is not None]
    return sorted(seen, key=lambda feedback: (feedback.received_at, feedback.number))
