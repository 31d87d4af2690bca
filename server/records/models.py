"""Core tables: submissions, records, their revisions, the audit chain and numbers."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base, UtcDateTime


class Submission(Base):
    """
    One sending, kept for ever with its bytes, whatever became of it.

    *outcome* is `Outcome`'s, or "failed" when an error of ours stopped the intake.
    *findings* and *flags* are JSON. *station* says who may see it.
    """

    __tablename__ = "submissions"
    __table_args__ = (Index("ix_submissions_station_received_at", "station", "received_at"),)

    id: Mapped[str] = mapped_column(Text, primary_key=True)  # time-ordered and public
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    channel: Mapped[str] = mapped_column(Text)
    sender_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    sender: Mapped[str] = mapped_column(Text)
    filename: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(Text, index=True)
    size: Mapped[int]
    kind: Mapped[str] = mapped_column(Text)  # "workbook" or "answers"
    form_id: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int | None]
    outcome: Mapped[str] = mapped_column(Text)
    record_id: Mapped[int | None] = mapped_column(ForeignKey("records.id"), index=True)
    revision: Mapped[int | None]
    station: Mapped[str | None] = mapped_column(Text)
    findings: Mapped[str] = mapped_column(Text)
    flags: Mapped[str] = mapped_column(Text)


class Record(Base):
    """
    The business object that accepted submissions made and revised.

    *key_hash* stands for the answers in the definition's key, *content_hash* for the
    whole current revision; with the instance id they tell a copy from a correction.
    """

    __tablename__ = "records"
    __table_args__ = (
        Index("ix_records_form_id_key_hash", "form_id", "key_hash"),
        Index("ix_records_form_id_instance_id", "form_id", "instance_id"),
        Index("ix_records_form_id_updated_at", "form_id", "updated_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(Text, unique=True)
    form_id: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    instance_id: Mapped[str] = mapped_column(Text)
    key_hash: Mapped[str] = mapped_column(Text)
    content_hash: Mapped[str] = mapped_column(Text)
    revision: Mapped[int]
    state: Mapped[str] = mapped_column(Text)  # "open" or "closed"
    station: Mapped[str | None] = mapped_column(Text, index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Revision(Base):
    """
    One accepted version of a record; *answers* is what was checked, as JSON.

    *numbered* is false when the file that brought it did not carry the record's number:
    such a file knows nothing of revisions that others made.
    """

    __tablename__ = "revisions"
    __table_args__ = (UniqueConstraint("record_id", "revision"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int] = mapped_column(ForeignKey("records.id"))
    revision: Mapped[int]
    submission_id: Mapped[str] = mapped_column(ForeignKey("submissions.id"), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    version: Mapped[int]
    numbered: Mapped[bool]
    content_hash: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)  # the sender's 合理性说明
    answers: Mapped[str] = mapped_column(Text)


class AuditEntry(Base):
    """One link of the audit chain; triggers refuse to change or delete it."""

    __tablename__ = "audit_entries"

    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[str] = mapped_column(Text)  # ISO text: it is hashed as it stands
    actor: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text, index=True)
    details: Mapped[str] = mapped_column(Text)
    chain: Mapped[str] = mapped_column(Text)  # HMAC over the entry and the link before it


class AuditHead(Base):
    """The one row that holds the end of the chain; who writes anything locks it first."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[int]
    chain: Mapped[str] = mapped_column(Text)


class NumberSeries(Base):
    """The last number given out per form and year (0 for a pattern without a year)."""

    __tablename__ = "number_series"

    form_id: Mapped[str] = mapped_column(Text, primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


class Counter(Base):
    """Small counters; "master" rises with every change of master data, so that caches notice."""

    __tablename__ = "counters"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[int]
