"""Tables of mail: what came, where it lay, what was in it, what is answered, how the mailboxes do."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from server.database import Base, UtcDateTime


class MailState(StrEnum):
    """What became of a mail."""

    NEW = "new"  # kept, not processed yet
    DONE = "done"  # everything in it is stored, or was answered
    REVIEW = "review"  # a person has to say which station it is from
    QUARANTINED = "quarantined"  # cannot be processed; a person may try again
    IGNORED = "ignored"  # nothing for us in it, or a person refused it


class ReplyState(StrEnum):
    """What became of a reply."""

    QUEUED = "queued"  # to be sent at next_try_at
    SENT = "sent"
    DEAD = "dead"  # the server refused it for good
    HELD = "held"  # over the cap of its recipient; a person looks


class Mail(Base):
    """
    One mail of one mailbox, kept for ever with its bytes.

    *content_hash* covers what the sender wrote and none of the lines that servers add on
    the way: the same mail delivered or found twice is one row. *trust* is `Trust`'s word
    for why the sender is believed; *station* says who may see it.
    """

    __tablename__ = "mails"
    __table_args__ = (
        UniqueConstraint("account", "content_hash"),
        Index("ix_mails_station_received_at", "station", "received_at"),
        Index("ix_mails_state_received_at", "state", "received_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(Text)
    content_hash: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(Text)
    size: Mapped[int]
    whole: Mapped[bool]  # false: too large to fetch, only the header is kept
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")  # a slug
    error: Mapped[str] = mapped_column(Text, default="")  # of the last failed attempt
    attempts: Mapped[int] = mapped_column(default=0)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    message_id: Mapped[str] = mapped_column(Text, default="")
    in_reply_to: Mapped[str] = mapped_column(Text, default="")
    references: Mapped[str] = mapped_column(Text, default="")  # separated by spaces
    answers_id: Mapped[int | None] = mapped_column(
        ForeignKey("mails.id"), index=True
    )  # the mail whose reply it answers
    from_name: Mapped[str] = mapped_column(Text, default="")
    from_address: Mapped[str] = mapped_column(Text, default="")
    subject: Mapped[str] = mapped_column(Text, default="")
    written_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    text: Mapped[str] = mapped_column(Text, default="")  # how it begins
    automatic: Mapped[str] = mapped_column(Text, default="")  # why no person seems to have sent it
    trust: Mapped[str] = mapped_column(Text, default="")
    station: Mapped[str | None] = mapped_column(Text)


class MailPlace(Base):
    """Where a mail lies or lay: a UID means something only together with its folder's UIDVALIDITY."""

    __tablename__ = "mail_places"
    __table_args__ = (UniqueConstraint("account", "folder", "uidvalidity", "uid"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), index=True)
    account: Mapped[str] = mapped_column(Text)
    folder: Mapped[str] = mapped_column(Text)
    uidvalidity: Mapped[int] = mapped_column(BigInteger)  # 32 bits without a sign
    uid: Mapped[int] = mapped_column(BigInteger)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


class MailWorkbook(Base):
    """
    One workbook in a mail, counted from 1.

    *submission_id* is empty while it is held, or when it was refused. *reason* is the
    slug of why it is or was held.
    """

    __tablename__ = "mail_workbooks"

    mail_id: Mapped[int] = mapped_column(ForeignKey("mails.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    filename: Mapped[str] = mapped_column(Text)
    origin: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(Text)
    form_id: Mapped[str | None] = mapped_column(Text)
    station: Mapped[str | None] = mapped_column(Text)  # whose it is said to be, while it is held
    trust: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text, default="")
    submission_id: Mapped[str | None] = mapped_column(ForeignKey("submissions.id"), index=True)


class Reply(Base):
    """
    One mail of ours, from the moment it is due; with no *mail_id* it answers none.

    *message_id* follows from the mail and *n*, so a reply sent twice is recognisable.
    *payload* is JSON, what `outgoing.payload` made; *content_sha256* the composed mail
    among the originals, once it is composed. A sender that dies loses its *lease_until*.
    *unclear* counts the times it was handed to the server whose answer nobody has heard.
    """

    __tablename__ = "replies"
    __table_args__ = (
        UniqueConstraint("mail_id", "n"),
        Index("ix_replies_state_next_try_at", "state", "next_try_at"),
        Index("ix_replies_to_address_created_at", "to_address", "created_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("mails.id"))
    n: Mapped[int]
    kind: Mapped[str] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(Text, unique=True)
    to_address: Mapped[str] = mapped_column(Text)
    from_address: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    payload: Mapped[str] = mapped_column(Text)
    content_sha256: Mapped[str | None] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    alarm: Mapped[bool]  # the first one held of a burst: one alarm, not fifty
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(default=0)
    unclear: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    worker: Mapped[str | None] = mapped_column(Text)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str] = mapped_column(Text, default="")


class MailboxHealth(Base):
    """How a mailbox does: when it last answered, and what it said when it did not."""

    __tablename__ = "mailbox_health"

    account: Mapped[str] = mapped_column(Text, primary_key=True)
    watched_since: Mapped[datetime] = mapped_column(UtcDateTime)
    last_attempt_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_success_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failures: Mapped[int] = mapped_column(default=0)  # in a row
    last_error: Mapped[str] = mapped_column(Text, default="")
    backlog: Mapped[int] = mapped_column(default=0)  # mails seen there and not settled
