"""Replies that are due: queued in the transaction of what they tell about, capped per recipient."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from server.intake.mail.models import Mail, Reply, ReplyState
from server.intake.mail.plain import plain
from server.intake.receipts import Receipt
from server.mail_settings import MailSettings

_OURS = re.compile(r"<?receipt\.([1-9][0-9]{0,17})\.([1-9][0-9]{0,8})@([^\s<>@]+)>?")
_ALREADY_A_REPLY = re.compile(r"\s*(回复|答复|re)\s*[:：]", re.IGNORECASE)
# Fixed words: the subject of a mail that anybody may have forged is not carried to its alleged sender.
_UNPROVEN_SUBJECTS = {
    "held": "收到，待核实 / Received, to be verified",
    "taken": "收到，已处理 / Received and processed",
}
_ADDRESS = re.compile(r"[^@\s<>\",;:()\[\]]+@[^@\s<>\",;:()\[\]]+")


class ReplyKind(StrEnum):
    """What a reply says. HELD and TAKEN repeat nothing of the mail: nobody has proven the address they go to."""

    RECEIPT = "receipt"  # everything was taken
    FINDINGS = "findings"  # something has to be mended
    HELD = "held"  # received, a person will look
    TAKEN = "taken"  # processed on the word of a sealed form; its receipt is for people of the station
    NO_WORKBOOK = "no-workbook"
    LARGE_LINK = "large-link"  # only a link to a large-attachment centre
    REFUSED_FILE = "refused-file"  # an archive or attachment we do not open
    OVER_LIMIT = "over-limit"  # the mail itself is too large
    WORKBOOK = "workbook"  # a registered workbook, refreshed; answers no mail
    WORKBOOK_TROUBLE = "workbook-trouble"  # it could not be refreshed


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedReply:
    """
    A reply as it is to be composed.

    *payload* holds "receipts" (`Receipt.as_dict` each, in the order of the workbooks),
    "held" (file names that wait for a person), "skipped" ([name, reason slug] of what was
    not opened) and "reason" (a slug). *references* includes the mail's own Message-ID.
    """

    id: int
    mail_id: int | None
    n: int
    kind: ReplyKind
    state: ReplyState
    message_id: str
    to_address: str
    from_address: str
    subject: str
    in_reply_to: str
    references: tuple[str, ...]
    created_at: datetime
    payload: Mapping[str, Any]


def queue(
    session: Session,
    settings: MailSettings,
    mail: Mail,
    kind: ReplyKind,
    *,
    to_address: str,
    receipts: Iterable[Receipt] = (),
    held: Iterable[str] = (),
    skipped: Iterable[tuple[str, str]] = (),
    reason: str = "",
    now: datetime | None = None,
) -> int | None:
    """
    Let a reply to *mail* leave for *to_address*: its id; None when that address is no address, or our own.

    More than the settings allow for one address are held back, with one alarm per burst.
    """
    now = now or datetime.now(UTC)
    to_address = to_address.strip().lower()
    if not _ADDRESS.fullmatch(to_address) or to_address in settings.own_addresses:
        return None
    n = (session.scalar(select(func.max(Reply.n)).where(Reply.mail_id == mail.id)) or 0) + 1
    over = _over_cap(session, settings, to_address, now)
    payload = {
        "receipts": [receipt.as_dict() for receipt in receipts],
        "held": list(held),
        "skipped": [list(entry) for entry in skipped],
        "reason": reason,
    }
    reply = Reply(
        mail_id=mail.id,
        n=n,
        kind=kind,
        message_id=f"<receipt.{mail.id}.{n}@{settings.message_domain}>",
        to_address=to_address,
        from_address=settings.smtp.from_address if settings.smtp else "",
        subject=_UNPROVEN_SUBJECTS.get(kind) or _subject(mail.subject),
        payload=orjson.dumps(payload).decode(),
        state=ReplyState.HELD if over else ReplyState.QUEUED,
        alarm=over and not _alarmed(session, to_address, now),
        created_at=now,
        next_try_at=None if over else now,
    )
    session.add(reply)
    session.flush()
    return reply.id


def queue_letter(
    session: Session, settings: MailSettings, kind: ReplyKind, *,
    name: str, to_address: str, subject: str, content_sha256: str,
) -> int:  # fmt: skip
    """
    Let a mail of ours that answers none leave for *to_address*: its id.

    It is composed already, under *content_sha256* among the originals, with the
    Message-ID `letter_id` of *name*. The caps of replies are not for it: nobody's mail
    can start one.
    """
    now = datetime.now(UTC)
    reply = Reply(
        mail_id=None,
        n=1,
        kind=kind,
        message_id=letter_id(settings, name),
        to_address=to_address,
        from_address=settings.smtp.from_address if settings.smtp else "",
        subject=subject,
        payload="{}",
        content_sha256=content_sha256,
        state=ReplyState.QUEUED,
        alarm=False,
        created_at=now,
        next_try_at=now,
    )
    session.add(reply)
    session.flush()
    return reply.id


def letter_id(settings: MailSettings, name: str) -> str:
    """The Message-ID of a letter; *name* is its own, such as workbook.7.1."""
    return f"<{name}@{settings.message_domain}>"


def load(session: Session, reply_id: int) -> QueuedReply:
    """The reply with this id."""
    reply = session.get_one(Reply, reply_id)
    mail = session.get_one(Mail, reply.mail_id) if reply.mail_id is not None else None
    return QueuedReply(
        id=reply.id,
        mail_id=reply.mail_id,
        n=reply.n,
        kind=ReplyKind(reply.kind),
        state=ReplyState(reply.state),
        message_id=reply.message_id,
        to_address=reply.to_address,
        from_address=reply.from_address,
        subject=reply.subject,
        in_reply_to=mail.message_id if mail else "",
        references=tuple(dict.fromkeys([*mail.references.split(), *mail.message_id.split()])) if mail else (),
        created_at=reply.created_at,
        payload=orjson.loads(reply.payload),
    )


def let_go(session: Session, reply_id: int) -> None:
    """Send a reply that was held back or dead after all: a person has looked."""
    reply = session.get_one(Reply, reply_id, with_for_update=True)
    if reply.state in (ReplyState.HELD, ReplyState.DEAD):
        reply.state, reply.next_try_at, reply.alarm = ReplyState.QUEUED, datetime.now(UTC), False
        reply.tries, reply.unclear, reply.error = 0, 0, ""


def answered_mail(settings: MailSettings, message_ids: Iterable[str]) -> int | None:
    """The id of the mail whose reply of ours one of *message_ids* is; the last one counts."""
    for message_id in reversed(list(message_ids)):
        match = _OURS.fullmatch(message_id.strip())
        if match and match[3].lower() == settings.message_domain:
            return int(match[1])
    return None


def _over_cap(session: Session, settings: MailSettings, to_address: str, now: datetime) -> bool:
    caps = (
        (timedelta(minutes=10), settings.replies_per_10_minutes),
        (timedelta(days=1), settings.replies_per_day),
    )
    return any(
        (
            session.scalar(
                select(func.count())
                .select_from(Reply)
                .where(
                    Reply.to_address == to_address,
                    Reply.mail_id.is_not(None),
                    Reply.created_at > now - span,
                    Reply.state != ReplyState.HELD,
                )
            )
            or 0
        )
        >= cap
        for span, cap in caps
    )


def _alarmed(session: Session, to_address: str, now: datetime) -> bool:
    query = select(Reply.id).where(
        Reply.to_address == to_address, Reply.created_at > now - timedelta(days=1), Reply.alarm.is_(True)
    )
    return session.scalar(query.limit(1)) is not None


def _subject(subject: str) -> str:
    if not subject:
        return "回复：您的邮件"
    return plain(subject if _ALREADY_A_REPLY.match(subject) else f"回复：{subject}", 200)
