"""Working off the replies that are due: each once, and an answer to a mail a second time where nobody can know."""

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from server.intake.mail import outgoing
from server.intake.mail.connection import MailServerError
from server.intake.mail.models import Reply, ReplyState
from server.intake.mail.outgoing import QueuedReply, ReplyKind
from server.intake.mail.plain import plain
from server.intake.mail.smtp import LONGEST_SCAN, Later, Never, NotSent, Relay, Unanswered
from server.mail_settings import SmtpSettings
from server.site import Site

Compose = Callable[[Site, QueuedReply], bytes]

_log = structlog.get_logger()
CLAIM = timedelta(minutes=3)  # to compose, connect, sign in and name the recipient
HANDING_OVER = timedelta(seconds=LONGEST_SCAN) + timedelta(minutes=5)
FIRST_DELAY, LONGEST_DELAY = timedelta(minutes=1), timedelta(hours=1)
GIVE_UP_AFTER = timedelta(days=3)
COMPOSINGS = 3  # that fail, then a person has to look
RESENDS = 1  # after a handing over that nobody answered: who sent a form waits for its receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSummary:
    """What a round did; *trouble* when it ended because the server is not there for us at all."""

    sent: int = 0
    later: int = 0
    dead: int = 0
    trouble: MailServerError | None = None


class _LeaseLost(Exception):
    """Another sender has taken the reply over, because we took too long."""


def send_due(site: Site, compose: Compose, *, stopped: Callable[[], bool] = lambda: False) -> SendSummary:
    """
    Send every reply that is due, over one connection.

    Several senders may do this at once, also in other processes: a reply belongs to the
    one that claimed it. Trouble with the server itself counts against no reply.
    """
    settings = site.settings.mail.smtp
    if settings is None:
        return SendSummary()
    sender = _Sender(site, settings, compose)
    counts = dict.fromkeys(ReplyState, 0)
    trouble = None
    try:
        while not stopped() and (reply_id := sender.claim()) is not None:
            counts[sender.send(reply_id)] += 1
    except MailServerError as error:
        trouble = error
    finally:
        sender.close()
    return SendSummary(
        sent=counts[ReplyState.SENT], later=counts[ReplyState.QUEUED], dead=counts[ReplyState.DEAD], trouble=trouble
    )


class _Sender:
    def __init__(self, site: Site, settings: SmtpSettings, compose: Compose) -> None:
        self._site = site
        self._settings = settings
        self._compose = compose
        self._worker = secrets.token_hex(8)
        self._relay: Relay | None = None

    def claim(self) -> int | None:
        """Take the reply that has been due longest; it is ours until the lease ends."""
        now = datetime.now(UTC)
        due = (
            select(Reply.id)
            .where(
                Reply.state == ReplyState.QUEUED,
                Reply.next_try_at <= now,
                or_(Reply.lease_until.is_(None), Reply.lease_until < now),
            )
            .order_by(Reply.next_try_at, Reply.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        with self._site.session() as session:
            return session.scalar(
                update(Reply)
                .where(Reply.id == due.scalar_subquery())
                .values(worker=self._worker, lease_until=now + CLAIM, tries=Reply.tries + 1)
                .returning(Reply.id)
                .execution_options(synchronize_session=False)
            )

    def send(self, reply_id: int) -> ReplyState:
        """Send a claimed reply, and note how that went."""
        reply, unclear = self._load(reply_id)
        try:
            if unclear > _resends(reply):
                raise Never("handed over without an answer; it may have arrived, and is not sent again by itself")
            content = self._readable_content(reply)
            self._connected().send(reply.to_address, content, before_data=lambda: self._handing_over(reply_id))
        except _LeaseLost:
            return ReplyState.QUEUED
        except NotSent as failure:
            return self._failed(reply, unclear, failure)
        except MailServerError as error:
            self._released(reply_id, error)
            raise
        self._note(reply_id, state=ReplyState.SENT, sent_at=datetime.now(UTC), error="", next_try_at=None)
        return ReplyState.SENT

    def close(self) -> None:
        if self._relay is not None:
            self._relay.close()
            self._relay = None

    def _connected(self) -> Relay:
        if self._relay is not None and not self._relay.usable:
            self.close()
        if self._relay is None:
            self._relay = Relay(self._settings, self._site.settings.home)
        return self._relay

    def _load(self, reply_id: int) -> tuple[QueuedReply, int]:
        with self._site.session(read_only=True) as session:
            return outgoing.load(session, reply_id), session.get_one(Reply, reply_id).unclear

    def _readable_content(self, reply: QueuedReply) -> bytes:
        try:
            return self._content(reply)
        except OSError as error:  # perhaps of this one file only: the others get their turn
            raise Later(f"a file of the reply cannot be read or written: {error.strerror}") from error

    def _content(self, reply: QueuedReply) -> bytes:
        """The composed mail: made once and kept, so that a second sending is the same to the byte."""
        with self._site.session(read_only=True) as session:
            row = session.get_one(Reply, reply.id)
            digest, tries = row.content_sha256, row.tries
        if digest is not None:
            with suppress(KeyError):  # lost; then it is composed anew
                return self._site.originals.read(digest)
        try:
            content = self._compose(self._site, reply)
        except (OperationalError, OSError):
            raise
        except Exception as error:  # shown with the reply; one that we cannot word must not hold up the others
            _log.exception("reply not composed", reply=reply.id)
            # The machine may have been short of memory, or about to stop.
            kind = Never if tries >= COMPOSINGS else Later
            raise kind(f"cannot be composed: {type(error).__name__}") from error
        digest = self._site.originals.keep(content)
        self._note_ours(reply.id, content_sha256=digest)
        return content

    def _handing_over(self, reply_id: int) -> None:
        """From here to the server's answer nobody can know whether it has the mail."""
        self._note_ours(reply_id, unclear=Reply.unclear + 1, lease_until=datetime.now(UTC) + HANDING_OVER)

    def _failed(self, reply: QueuedReply, unclear: int, failure: NotSent) -> ReplyState:
        """Note a failure; *unclear* is what it was before this attempt: a server that said no does not have it."""
        now = datetime.now(UTC)
        if isinstance(failure, Unanswered):
            unclear += 1
            hopeless = unclear > _resends(reply)
        else:
            hopeless = isinstance(failure, Never) or now - reply.created_at > GIVE_UP_AFTER
        with self._site.session(read_only=True) as session:
            tries = session.get_one(Reply, reply.id).tries
        _log.warning("reply not sent", reply=reply.id, tries=tries, said=failure.said, hopeless=hopeless)
        state = ReplyState.DEAD if hopeless else ReplyState.QUEUED
        due = None if hopeless else now + min(FIRST_DELAY * 2 ** min(tries - 1, 10), LONGEST_DELAY)
        self._note(reply.id, state=state, error=plain(failure.said, 500), next_try_at=due, unclear=unclear)
        return state

    def _released(self, reply_id: int, error: MailServerError) -> None:
        """Give a reply back that was not at fault; others go first next time."""
        self._note(
            reply_id,
            tries=Reply.tries - 1,
            error=plain(str(error), 500),
            next_try_at=datetime.now(UTC) + timedelta(seconds=5),
        )

    def _note(self, reply_id: int, **values: object) -> None:
        """Write the end of an attempt, unless the reply is no longer ours."""
        with self._site.session() as session:
            self._update(session, reply_id, values | {"worker": None, "lease_until": None})

    def _note_ours(self, reply_id: int, **values: object) -> None:
        with self._site.session() as session:
            if not self._update(session, reply_id, values):
                raise _LeaseLost

    def _update(self, session: Session, reply_id: int, values: dict[str, object]) -> bool:
        changed = session.scalars(
            update(Reply)
            .where(Reply.id == reply_id, Reply.worker == self._worker, Reply.state == ReplyState.QUEUED)
            .values(**values)
            .returning(Reply.id)
            .execution_options(synchronize_session=False)
        ).all()
        return bool(changed)


def _resends(reply: QueuedReply) -> int:
    """How often it is sent again after a handing over that nobody answered: nobody gets the same figures twice."""
    return 0 if reply.kind is ReplyKind.WORKBOOK else RESENDS
