"""One kept mail, from its bytes to stored submissions and a queued reply: all of it or nothing."""

from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from server.intake.mail import ledger, settling
from server.intake.mail.message import Message, MessageRefused, read_message
from server.intake.mail.models import Mail, MailState, MailWorkbook
from server.intake.receipts import Receipt
from server.intake.receive import read_workbook
from server.site import Site

_log = structlog.get_logger()
_END_OF_HEADER = (b"\r\n\r\n", b"\n\n")


class OriginalUnreadable(Exception):
    """The disk does not give back the bytes of a kept mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailOutcome:
    """
    What became of a mail.

    *receipts* are those of this very call; *submissions* the ids of everything stored from
    it so far. A mail that is still `new` after a failed attempt is to be tried again, with
    *error* saying what went wrong.
    """

    mail_id: int
    state: MailState
    reason: str = ""
    error: str = ""
    receipts: tuple[Receipt, ...] = ()
    submissions: tuple[str, ...] = ()
    reply_id: int | None = None

    @property
    def settled(self) -> bool:
        return self.state is not MailState.NEW

    @property
    def problem(self) -> bool:
        """Whether it belongs into the folder for mails that a person has to look at."""
        return self.state is MailState.QUARANTINED


def process(site: Site, mail_id: int, *, answer: bool = True) -> MailOutcome:
    """
    Do what is to be done with a mail whose bytes are kept; without *answer* no reply is queued.

    Safe to repeat and to run twice at once: a settled mail is left as it is. A mail that
    cannot be processed is tried three times, then it is quarantined; it stops no other.

    Raises:
        OperationalError, OSError: The database or the disk is in trouble; the mail is not to blame.
    """
    with site.session() as session:
        mail = ledger.open_attempt(session, mail_id)
    if mail is None:
        return outcome_of(site, mail_id)
    try:
        settled = _process(site, mail, answer)
    except (OperationalError, OSError) as error:
        _close(site, mail_id, error, counts=False)
        raise
    except Exception as error:  # noqa: BLE001  (kept with the mail; one bad mail must not stop the mailbox)
        _log.warning("mail attempt failed", mail=mail_id, attempt=mail.attempts, exc_info=error)
        _close(site, mail_id, error, counts=True)
        return outcome_of(site, mail_id)
    return outcome_of(site, mail_id, settled)


def outcome_of(site: Site, mail_id: int, settled: settling.Settled | None = None) -> MailOutcome:
    """How a mail stands."""
    with site.session(read_only=True) as session:
        mail = session.get_one(Mail, mail_id)
        return MailOutcome(
            mail_id=mail_id,
            state=MailState(mail.state),
            reason=mail.reason,
            error=mail.error,
            receipts=settled.receipts if settled else (),
            submissions=_submissions(session, mail_id),
            reply_id=settled.reply_id if settled else None,
        )


def _process(site: Site, mail: Mail, answer: bool) -> settling.Settled:
    raw = _kept(site, mail.sha256)
    if not mail.whole:
        return settling.turn_away(site, mail.id, _read_header(site, raw), "too-large", f"{mail.size} bytes", answer)
    try:
        message = _read(site, raw)
    except MessageRefused as refused:
        if refused.slug == "unreadable":  # perhaps only this time: the machine may have been short of memory
            raise
        return settling.turn_away(site, mail.id, _read_header(site, raw), refused.slug, refused.detail, answer)
    books = [read_workbook(site, book.content, filename=book.filename) for book in message.workbooks]
    return settling.settle(site, mail.id, message, books, answer)


def _kept(site: Site, sha256: str) -> bytes:
    try:
        return site.originals.read(sha256)
    except OSError as error:  # this one file, not the disk: it must not stop the mails behind it
        raise OriginalUnreadable(error.strerror or type(error).__name__) from error


def _read(site: Site, raw: bytes) -> Message:
    mail = site.settings.mail
    return read_message(
        site.sandbox,
        raw,
        own_addresses=mail.own_addresses,
        own_domain=mail.message_domain,
        largest=mail.max_message_mb << 20,
    )


def _read_header(site: Site, raw: bytes) -> Message | None:
    """Who sent a mail that is not read any further; None when not even that can be said."""
    ends = [end for mark in _END_OF_HEADER if (end := raw.find(mark)) >= 0]
    try:
        return _read(site, raw[: min(ends, default=len(raw))] + b"\r\n\r\n")
    except MessageRefused:
        return None


def _close(site: Site, mail_id: int, error: Exception, *, counts: bool) -> None:
    try:
        with site.session() as session:
            ledger.close_attempt(session, mail_id, _told(error), counts=counts)
    except OperationalError:
        # Without the database nothing can be noted; the attempt stays counted, and the caller hears of the trouble.
        _log.warning("mail attempt not noted", mail=mail_id, at=datetime.now(UTC).isoformat())


def _told(error: Exception) -> str:
    """What went wrong, without values that people wrote: the message of a database error holds them."""
    if isinstance(error, MessageRefused | OriginalUnreadable):
        return f"{type(error).__name__}: {error}"
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f", {trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{where}"


def _submissions(session: Session, mail_id: int) -> tuple[str, ...]:
    query = select(MailWorkbook.submission_id).where(
        MailWorkbook.mail_id == mail_id, MailWorkbook.submission_id.is_not(None)
    )
    return tuple(found for found in session.scalars(query.order_by(MailWorkbook.position)) if found is not None)
