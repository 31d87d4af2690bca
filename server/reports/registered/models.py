"""Tables of registered workbooks: what is to be refreshed, each time it was, and the letters that carried it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base, UtcDateTime


class WorkbookState(StrEnum):
    """Whether the schedule runs."""

    DRAFT = "draft"  # nobody has said yet which table gets what
    ACTIVE = "active"
    PAUSED = "paused"


class RunState(StrEnum):
    """How far a run has come."""

    QUEUED = "queued"  # due at next_try_at
    BUILT = "built"  # the bytes are kept; a crash from here on delivers them, and builds nothing anew
    DELIVERED = "delivered"
    FAILED = "failed"
    SUPERSEDED = "superseded"  # a later occurrence came due before this one succeeded


class Cause(StrEnum):
    """What made a run due."""

    SCHEDULE = "schedule"
    SUBMISSION = "submission"
    PERSON = "person"


class RegisteredWorkbook(Base):
    """
    A workbook that is refreshed for its owner, with the figures the owner may see.

    *source* says where it comes from: "upload" (*content_sha256* among the originals),
    "share" (*share* and *path*) or "report" (*report* with *period* and *selection*).
    *bindings* are `Binding.as_dict` each. Occurrences after *scheduled_from* count;
    *watermark* is the last audit entry that a run after submissions has taken notice of.
    """

    __tablename__ = "registered_workbooks"

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    title: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    filename: Mapped[str] = mapped_column(Text)
    content_sha256: Mapped[str | None] = mapped_column(Text)
    share: Mapped[str] = mapped_column(Text, default="")
    path: Mapped[str] = mapped_column(Text, default="")
    report: Mapped[str] = mapped_column(Text, default="")
    period: Mapped[str] = mapped_column(Text, default="")
    selection: Mapped[dict[str, str]] = mapped_column(JSON)
    bindings: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    schedule: Mapped[str] = mapped_column(Text)
    at: Mapped[str] = mapped_column(Text)  # "08:00" in the site's zone
    in_place: Mapped[bool]
    recipients: Mapped[list[str]] = mapped_column(JSON)
    keep: Mapped[int]
    state: Mapped[str] = mapped_column(Text)
    paused_zh: Mapped[str] = mapped_column(Text, default="")
    paused_en: Mapped[str] = mapped_column(Text, default="")
    scheduled_from: Mapped[datetime] = mapped_column(UtcDateTime)
    watermark: Mapped[int] = mapped_column(BigInteger)
    trouble_told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    removed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class WorkbookRun(Base):
    """
    One refresh of one workbook for one occurrence; the pair is unique, so no occurrence is done twice.

    *missed* counts the occurrences before it that nobody did, because the server was down.
    A worker that dies loses its *lease_until*. *base_sha256* is the workbook as it was
    read, *result_sha256* what was made of it; *result_kept* says that these bytes are still there.
    *delivered_to* is the path on the share where a report was put, noted before it is.
    *reason_zh* says why it has not succeeded, *note_zh* what to know of what was made.
    """

    __tablename__ = "workbook_runs"
    __table_args__ = (
        UniqueConstraint("workbook_id", "occurrence"),
        Index("ix_workbook_runs_state_next_try_at", "state", "next_try_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    workbook_id: Mapped[int] = mapped_column(ForeignKey("registered_workbooks.id"))
    occurrence: Mapped[datetime] = mapped_column(UtcDateTime)
    cause: Mapped[str] = mapped_column(Text)
    missed: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(Text)
    step: Mapped[str] = mapped_column(Text, default="")
    queued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    broken_off: Mapped[int] = mapped_column(default=0)  # attempts in a row whose worker left no word
    next_try_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    worker: Mapped[str | None] = mapped_column(Text)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    as_of: Mapped[datetime | None] = mapped_column(UtcDateTime)
    rows: Mapped[int | None]
    base_sha256: Mapped[str | None] = mapped_column(Text)
    result_sha256: Mapped[str | None] = mapped_column(Text)
    result_name: Mapped[str] = mapped_column(Text, default="")
    result_kept: Mapped[bool] = mapped_column(default=False)
    in_place_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    delivered_to: Mapped[str] = mapped_column(Text, default="", server_default="")
    reason_zh: Mapped[str] = mapped_column(Text, default="")
    reason_en: Mapped[str] = mapped_column(Text, default="")
    note_zh: Mapped[str] = mapped_column(Text, default="", server_default="")
    note_en: Mapped[str] = mapped_column(Text, default="", server_default="")


class WorkbookLetter(Base):
    """That a run was mailed to somebody: the row in the queue of mails that leave (`Reply`)."""

    __tablename__ = "workbook_letters"

    run_id: Mapped[int] = mapped_column(ForeignKey("workbook_runs.id"), primary_key=True)
    address: Mapped[str] = mapped_column(Text, primary_key=True)
    reply_id: Mapped[int] = mapped_column(ForeignKey("replies.id"), index=True)
