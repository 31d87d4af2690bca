"""How the mailboxes do: an administrator must notice when one has not answered for a while."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from server.intake.mail.models import Mail, MailboxHealth, MailState, Reply, ReplyState
from server.intake.mail.plain import plain
from server.mail_settings import MailSettings

ALARM_AFTER = timedelta(minutes=15)  # without a successful poll


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """One mailbox; *alarm* when it has not been polled with success for 15 minutes."""

    account: str
    last_attempt_at: datetime | None
    last_success_at: datetime | None
    failures: int
    last_error: str
    backlog: int
    alarm: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The whole channel at a glance; *alarm* when a person should look."""

    mailboxes: tuple[Health, ...]
    in_review: int
    quarantined: int
    replies_waiting: int
    replies_dead: int
    replies_held: int

    @property
    def alarm(self) -> bool:
        silent = any(mailbox.alarm for mailbox in self.mailboxes)
        return silent or bool(self.quarantined or self.replies_dead or self.replies_held)


def polled(session: Session, account: str, *, backlog: int, now: datetime | None = None) -> None:
    """Note that the mailbox answered."""
    row = _row(session, account, now := now or datetime.now(UTC))
    row.last_attempt_at = row.last_success_at = now
    row.failures, row.last_error, row.backlog = 0, "", backlog


def failed(session: Session, account: str, error: str, *, now: datetime | None = None) -> int:
    """Note that it did not, and what it said: how many times in a row by now."""
    row = _row(session, account, now := now or datetime.now(UTC))
    row.last_attempt_at, row.last_error = now, plain(error, 500)
    row.failures += 1
    return row.failures


def last_success(session: Session, account: str) -> datetime | None:
    """When the mailbox last answered; None for one that never has."""
    row = session.get(MailboxHealth, account)
    return row.last_success_at if row else None


def overview(session: Session, settings: MailSettings, now: datetime | None = None) -> Overview:
    """The mailboxes that are set, and what waits for a person."""
    now = now or datetime.now(UTC)
    rows = {row.account: row for row in session.scalars(select(MailboxHealth))}
    mails = {state: count for state, count in session.execute(select(Mail.state, func.count()).group_by(Mail.state))}
    replies = {
        state: count for state, count in session.execute(select(Reply.state, func.count()).group_by(Reply.state))
    }
    return Overview(
        mailboxes=tuple(_health(box.account, rows.get(box.account), now) for box in settings.mailboxes),
        in_review=mails.get(MailState.REVIEW, 0),
        quarantined=mails.get(MailState.QUARANTINED, 0),
        replies_waiting=replies.get(ReplyState.QUEUED, 0),
        replies_dead=replies.get(ReplyState.DEAD, 0),
        replies_held=replies.get(ReplyState.HELD, 0),
    )


def silent(session: Session, settings: MailSettings, now: datetime | None = None) -> tuple[Health, ...]:
    """The mailboxes that have not answered for too long; cheap enough for every page."""
    rows = {row.account: row for row in session.scalars(select(MailboxHealth))}
    found = (_health(box.account, rows.get(box.account), now or datetime.now(UTC)) for box in settings.mailboxes)
    return tuple(mailbox for mailbox in found if mailbox.alarm)


def _health(account: str, row: MailboxHealth | None, now: datetime) -> Health:
    if row is None:  # nobody has polled it yet: it may have been set a moment ago
        return Health(
            account=account,
            last_attempt_at=None,
            last_success_at=None,
            failures=0,
            last_error="",
            backlog=0,
            alarm=False,
        )
    return Health(
        account=account,
        last_attempt_at=row.last_attempt_at,
        last_success_at=row.last_success_at,
        failures=row.failures,
        last_error=row.last_error,
        backlog=row.backlog,
        alarm=now - (row.last_success_at or row.watched_since) > ALARM_AFTER,
    )


def _row(session: Session, account: str, now: datetime) -> MailboxHealth:
    row = session.get(MailboxHealth, account, with_for_update=True)
    if row is None:
        row = MailboxHealth(account=account, watched_since=now, failures=0)
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:  # another fetcher noted it first
            row = session.get_one(MailboxHealth, account, with_for_update=True)
    return row
