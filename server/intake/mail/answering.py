"""Whether a mail is answered, where to, and with what: no loops, and nothing told to somebody unproven."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.intake.mail import outgoing
from server.intake.mail.message import Message
from server.intake.mail.models import Mail, Reply
from server.intake.mail.outgoing import ReplyKind
from server.intake.mail.trust import Origin, Verdict, answer_address
from server.intake.receipts import Receipt
from server.intake.receive import ReadWorkbook
from server.records.outcome import Outcome
from server.site import Site

_HOW_TO = (ReplyKind.NO_WORKBOOK, ReplyKind.LARGE_LINK, ReplyKind.REFUSED_FILE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A mail with its workbooks and what was found out about their senders."""

    message: Message
    origin: Origin
    books: Sequence[ReadWorkbook]
    verdicts: Sequence[Verdict]

    @property
    def held(self) -> list[str]:
        """The names of the workbooks that wait for a person."""
        return [
            book.filename for book, verdict in zip(self.books, self.verdicts, strict=True) if verdict.sender is None
        ]


def answer(session: Session, site: Site, mail: Mail, arrived: Arrived, receipts: Sequence[Receipt]) -> int | None:
    """Queue the reply to *mail*: its id, or None when there is to be none."""
    if receipts:
        return _receipts(session, site, mail, arrived, receipts)
    if mail.automatic:
        return None
    if arrived.books:
        return _notice(session, site, mail, arrived)
    return _how_to(session, site, mail, arrived)


def kind_of(receipts: Sequence[Receipt]) -> ReplyKind:
    """Whether there is something to mend."""
    return ReplyKind.RECEIPT if all(receipt.accepted for receipt in receipts) else ReplyKind.FINDINGS


def _receipts(session: Session, site: Site, mail: Mail, arrived: Arrived, receipts: Sequence[Receipt]) -> int | None:
    settings = site.settings.mail
    if mail.automatic:
        # A station's scheduled sender gets its receipt; two machines do not get into a conversation.
        nothing_new = all(receipt.outcome is Outcome.ALREADY_RECEIVED for receipt in receipts)
        if nothing_new or mail.answers_id is not None:
            return None
    address = answer_address(arrived.origin, list(arrived.verdicts))
    if address is None:
        if mail.automatic:
            return None
        return outgoing.queue(
            session, settings, mail, ReplyKind.TAKEN, to_address=arrived.origin.address, reason="address-not-proven"
        )
    return outgoing.queue(
        session,
        settings,
        mail,
        kind_of(receipts),
        to_address=address,
        receipts=receipts,
        held=arrived.held,
        skipped=arrived.message.skipped,
    )


def _notice(session: Session, site: Site, mail: Mail, arrived: Arrived) -> int | None:
    """
    "Received, to be confirmed", without any data.

    Not to every forged address that a virus sends spreadsheets from: the sender is
    authenticated or on record, or the workbook is a form of ours.
    """
    origin = arrived.origin
    ours = any(book.identity.form_id in site.definitions for book in arrived.books)
    if not (origin.authenticated or origin.owner.known or ours):
        return None
    return outgoing.queue(
        session, site.settings.mail, mail, ReplyKind.HELD, to_address=origin.address, reason="to-be-confirmed"
    )


def _how_to(session: Session, site: Site, mail: Mail, arrived: Arrived) -> int | None:
    """
    How to send a form, to somebody proven to be one of ours who sent none.

    Once in a thread: an answer to that very notice may come from a machine which says nothing of being one.
    """
    if not arrived.origin.known or _was_told(session, mail):
        return None
    if arrived.message.large_links:
        kind = ReplyKind.LARGE_LINK
    else:
        kind = ReplyKind.REFUSED_FILE if arrived.message.skipped else ReplyKind.NO_WORKBOOK
    skipped = arrived.message.skipped
    return outgoing.queue(session, site.settings.mail, mail, kind, to_address=arrived.origin.address, skipped=skipped)


def _was_told(session: Session, mail: Mail) -> bool:
    query = select(Reply.id).where(Reply.mail_id == mail.answers_id, Reply.kind.in_(_HOW_TO))
    return mail.answers_id is not None and session.scalar(query.limit(1)) is not None
