"""One kept mail, from its bytes to stored submissions and a queued reply: all of it or nothing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from server.intake.ahead import ahead
from server.intake.mail import ledger, settling
from server.intake.mail.message import Message, MessageRefused, read_message
from server.intake.mail.models import Mail, MailState, MailWorkbook
from server.intake.receipts import Receipt
from server.intake.receive import ReadWorkbook, read_workbook
from server.site import Site

_log = structlog.get_logger()
READ_AHEAD = 2  # mails; each may hold workbooks of many megabytes
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
    (mail,) = _opened(site, [mail_id])
    return _finish(site, mail_id, _begin(site, mail), answer)


def process_in_order(site: Site, mail_ids: Iterable[int]) -> Iterator[MailOutcome]:
    """
    `process` each of some mails that have never been tried; while one is stored, the next are read.

    Should one of them end the process, the attempt counts for all of them. So whoever
    tries them again does it one by one: only the guilty one comes to three attempts.
    """
    chosen = list(dict.fromkeys(mail_ids))
    begun = (_begin(site, mail) for mail in _opened(site, chosen))
    for mail_id, mail in zip(chosen, ahead(begun, READ_AHEAD), strict=True):
        yield _finish(site, mail_id, mail, answer=True)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """A mail as read, before anything of it is stored: *refused* says why it is not read any further."""

    mail: Mail
    message: Message | None = None
    books: tuple[ReadWorkbook, ...] = ()
    refused: tuple[str, str] | None = None
    failure: Exception | None = None


def _opened(site: Site, mail_ids: Sequence[int]) -> list[Mail | None]:
    with site.session() as session:
        return [ledger.open_attempt(session, mail_id) for mail_id in mail_ids]


def _begin(site: Site, mail: Mail | None) -> _Begun | None:
    """What can be done before it is the mail's turn; None for one that needs nothing."""
    if mail is None:
        return None
    try:
        return _read_mail(site, mail)
    except Exception as error:  # noqa: BLE001  (raised or noted when it is the mail's turn)
        return _Begun(mail=mail, failure=error)


def _finish(site: Site, mail_id: int, begun: _Begun | None, answer: bool) -> MailOutcome:
    if begun is None:
        return outcome_of(site, mail_id)
    try:
        settled = _settle(site, begun, answer)
    except (OperationalError, OSError) as error:
        _close(site, mail_id, error, counts=False)
        raise
    except Exception as error:  # noqa: BLE001  (kept with the mail; one bad mail must not stop the mailbox)
        _log.warning("mail attempt failed", mail=mail_id, attempt=begun.mail.attempts, exc_info=error)
        _close(site, mail_id, error, counts=True)
        return outcome_of(site, mail_id)
    return outcome_of(site, mail_id, settled)


def _read_mail(site: Site, mail: Mail) -> _Begun:
    raw = _kept(site, mail.sha256)
    if not mail.whole:
        reason = "too-large" if mail.size > site.settings.mail.max_message_mb << 20 else "not-fetched"
        return _Begun(mail=mail, message=_read_header(site, raw), refused=(reason, f"{mail.size} bytes"))
    try:
        message = _read(site, raw)
    except MessageRefused as refused:
        if refused.slug == "unreadable":  # perhaps only this time: the machine may have been short of memory
            raise
        return _Begun(mail=mail, message=_read_header(site, raw), refused=(refused.slug, refused.detail))
    books = tuple(read_workbook(site, book.content, filename=book.filename) for book in message.workbooks)
    return _Begun(mail=mail, message=message, books=books)


def _settle(site: Site, begun: _Begun, answer: bool) -> settling.Settled:
    if begun.failure is not None:
        raise begun.failure
    if begun.refused is not None:
        return settling.turn_away(site, begun.mail.id, begun.message, *begun.refused, answer)
    assert begun.message is not None
    return settling.settle(site, begun.mail.id, begun.message, begun.books, answer)


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
