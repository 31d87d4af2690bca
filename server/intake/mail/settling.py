"""The one transaction of a mail: its row, its workbooks, their submissions and records, the audit, the reply."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from server.access.visibility import Viewer
from server.intake.mail import answering, ledger, outgoing
from server.intake.mail.message import Message
from server.intake.mail.models import Mail, MailState, MailWorkbook
from server.intake.mail.plain import paragraphs, plain
from server.intake.mail.trust import Origin, Trust, Verdict, judge, origin_of
from server.intake.receipts import Receipt
from server.intake.receive import ReadWorkbook, settle_within
from server.records.audit import Event
from server.records.writing import Writer
from server.site import Site

CHANNEL = "mail"
ACTOR = "mail"  # of the audit, where nobody is signed in


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What a transaction has done; nothing when somebody else had settled the mail before."""

    receipts: tuple[Receipt, ...] = ()
    reply_id: int | None = None


def settle(site: Site, mail_id: int, message: Message, books: Sequence[ReadWorkbook], answer: bool) -> Settled:
    """Store what a mail brought, hold back what nobody has vouched for, and queue the reply."""
    mailboxes = site.settings.mail
    with site.session() as session:
        writer = Writer(session, site.audit_key, site.zone)
        mail = _locked(session, mail_id)
        if mail is None:
            return Settled()
        origin = origin_of(site, session, message, mailboxes.mailbox(mail.account))
        describe(session, site, mail, message)
        if _own(site, message):
            end(mail, MailState.IGNORED, "own")
            return Settled()
        verdicts = [judge(site, session, origin, book.identity) for book in books]
        stored = [
            (book, verdict.sender) for book, verdict in zip(books, verdicts, strict=True) if verdict.sender is not None
        ]
        receipts = settle_within(site, session, writer, stored, channel=CHANNEL, sent_at=mail.received_at)
        _note_workbooks(session, mail, message, books, verdicts, receipts)
        _conclude(site, mail, origin, verdicts, receipts)
        reply_id = None
        if answer:
            arrived = answering.Arrived(message=message, origin=origin, books=books, verdicts=verdicts)
            reply_id = answering.answer(session, site, mail, arrived, receipts)
            if not books and reply_id is not None:
                mail.state = MailState.DONE
        if books:
            writer.note(_event(mail, [receipt.submission_id for receipt in receipts]))
        writer.finish()
    return Settled(receipts=tuple(receipts), reply_id=reply_id)


def turn_away(site: Site, mail_id: int, message: Message | None, reason: str, detail: str, answer: bool) -> Settled:
    """Quarantine a mail that exceeds a limit, and tell its sender if it is certain who that is."""
    with site.session() as session:
        mail = _locked(session, mail_id)
        if mail is None:
            return Settled()
        ledger.quarantine(mail, reason)
        mail.error = plain(detail, 2000)
        if message is None:
            return Settled()
        describe(session, site, mail, message)
        origin = origin_of(site, session, message, site.settings.mail.mailbox(mail.account))
        if not answer or not origin.known or message.automatic or _own(site, message):
            return Settled()
        reply_id = outgoing.queue(
            session, site.settings.mail, mail, outgoing.ReplyKind.OVER_LIMIT, to_address=origin.address, reason=reason
        )
    return Settled(reply_id=reply_id)


def describe(session: Session, site: Site, mail: Mail, message: Message) -> None:
    """Copy into *mail* what people want to see of *message*."""
    mail.message_id = plain(message.message_id, 250)
    mail.in_reply_to = plain(message.in_reply_to, 250)
    mail.references = plain(" ".join(message.references), 20_000)
    mail.from_name, mail.from_address = plain(message.from_name, 200), plain(message.from_address, 320)
    mail.subject, mail.text = plain(message.subject, 500), paragraphs(message.text, 2000)
    mail.written_at, mail.automatic = message.date, plain(message.automatic or "", 200)
    answered = outgoing.answered_mail(site.settings.mail, [*message.references, message.in_reply_to])
    if answered is not None and answered != mail.id and session.get(Mail, answered) is not None:
        mail.answers_id = answered


def _locked(session: Session, mail_id: int) -> Mail | None:
    """The mail, ours until the transaction ends; None when it is settled already."""
    mail = session.get_one(Mail, mail_id, with_for_update=True)
    # One that another process has given up on meanwhile is still ours to store.
    given_up = mail.state == MailState.QUARANTINED and mail.reason == "attempts"
    return mail if mail.state == MailState.NEW or given_up else None


def _own(site: Site, message: Message) -> bool:
    """Whether the mail is one that we sent ourselves."""
    mail = site.settings.mail
    return message.from_address in mail.own_addresses or outgoing.answered_mail(mail, [message.message_id]) is not None


def _conclude(site: Site, mail: Mail, origin: Origin, verdicts: Sequence[Verdict], receipts: Sequence[Receipt]) -> None:
    senders = [verdict.sender for verdict in verdicts if verdict.sender is not None]
    stations = {sender.station for sender in senders}
    mail.station = next(iter(stations)) if len(stations) == 1 else None
    if senders:
        mail.trust = next(verdict.trust for verdict in verdicts if verdict.sender is not None)
    else:
        mail.trust = Trust.SENDER if origin.authenticated else Trust.NONE
    held = [verdict for verdict in verdicts if verdict.sender is None]
    if held:
        end(mail, MailState.REVIEW, str(held[0].reason))
    elif receipts:
        end(mail, MailState.DONE, "")
    else:
        end(mail, MailState.IGNORED, "automatic" if mail.automatic else "no-workbook")


def end(mail: Mail, state: MailState, reason: str) -> None:
    """Settle *mail*."""
    mail.state, mail.reason, mail.error, mail.settled_at = state, reason, "", datetime.now(UTC)


def _note_workbooks(
    session: Session,
    mail: Mail,
    message: Message,
    books: Sequence[ReadWorkbook],
    verdicts: Sequence[Verdict],
    receipts: Sequence[Receipt],
) -> None:
    left = iter(receipts)
    for position, (attachment, book, verdict) in enumerate(zip(message.workbooks, books, verdicts, strict=True), 1):
        session.add(
            MailWorkbook(
                mail_id=mail.id,
                position=position,
                filename=plain(book.filename, 200),
                origin=attachment.origin,
                sha256=book.sha256,
                form_id=book.identity.form_id,
                station=verdict.sender.station if verdict.sender else verdict.claimed,
                trust=verdict.trust,
                reason=str(verdict.reason or ""),
                submission_id=next(left).submission_id if verdict.sender else None,
            )
        )


def _event(mail: Mail, submissions: list[str], by: Viewer | None = None) -> Event:
    return Event(
        actor=by.username if by else ACTOR,
        action="mail-held" if mail.state == MailState.REVIEW else "mail-stored",
        subject=f"mail:{mail.id}",
        details={
            "sha256": mail.sha256,
            "from": mail.from_address,
            "trust": mail.trust,
            "station": mail.station,
            "reason": mail.reason,
            "submissions": submissions,
        },
    )
