"""Mail as the people see it who look after it: lists, one mail with all that became of it, the replies."""

import email
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from server.access.visibility import Viewer, visible
from server.intake.mail import outgoing
from server.intake.mail.models import Mail, MailState, MailWorkbook, Reply, ReplyState
from server.intake.mail.reply_contents import contents_of
from server.intake.mail.reply_text import text_of
from server.records import audit
from server.records.audit import Event
from server.records.listing import NotFound, SubmissionView, submission
from server.site import Site

_KEEPERS = frozenset({"admin", "manager"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkbookView:
    """A workbook of a mail; *submission* is None while it is held, or when this viewer may not see it."""

    position: int
    filename: str
    origin: str
    form_id: str | None
    station: str | None
    trust: str
    reason: str
    submission: SubmissionView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyView:
    """One reply of ours; *text* and *attachments* (name, bytes) only where the whole reply is asked for."""

    id: int
    mail_id: int | None  # None for a letter that answers no mail
    kind: str
    state: ReplyState
    message_id: str
    to_address: str
    subject: str
    created_at: datetime
    sent_at: datetime | None
    next_try_at: datetime | None
    tries: int
    error: str
    composed: bool
    text: str = ""
    attachments: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MailView:
    """One mail with its workbooks and the replies to it, oldest first."""

    mail: Mail
    workbooks: tuple[WorkbookView, ...]
    replies: tuple[ReplyView, ...]
    earlier: Mail | None  # the mail whose reply it answers


def may_keep(viewer: Viewer) -> bool:
    """Whether *viewer* looks after mail: administrators, and managers for what they may see."""
    return bool(viewer.roles & _KEEPERS)


def mails(
    session: Session, viewer: Viewer, *, state: str = "", text: str = "", page: int = 1, per_page: int = 50
) -> tuple[list[Mail], int]:
    """What came, newest first, and how much there is in all; *text* stands in sender or subject."""
    query = _open_to(select(Mail), viewer)
    if state:
        query = query.where(Mail.state == state)
    if text:
        columns = (Mail.subject, Mail.from_address, Mail.from_name)
        query = query.where(or_(*(column.icontains(text, autoescape=True) for column in columns)))
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    query = query.order_by(Mail.received_at.desc(), Mail.id.desc())
    return list(session.scalars(query.limit(per_page).offset(_skipped(page, per_page)))), total


def mail(site: Site, viewer: Viewer, mail_id: int) -> MailView:
    """
    One mail with everything that became of it.

    Raises:
        NotFound: There is none with this id, or it is not open to *viewer*.
    """
    with site.session(read_only=True) as session:
        row = _one(session, viewer, mail_id)
        books = session.scalars(
            select(MailWorkbook).where(MailWorkbook.mail_id == row.id).order_by(MailWorkbook.position)
        )
        workbooks = tuple(_workbook(session, viewer, book) for book in books)
        rows = session.scalars(select(Reply).where(Reply.mail_id == row.id).order_by(Reply.n)).all()
        earlier = _earlier(session, viewer, row)
    return MailView(
        mail=row, workbooks=workbooks, replies=tuple(_whole(site, reply) for reply in rows), earlier=earlier
    )


def raw(site: Site, viewer: Viewer, mail_id: int) -> bytes:
    """
    A mail's bytes as they came.

    Raises:
        NotFound: As `mail`.
    """
    with site.session(read_only=True) as session:
        sha256 = _one(session, viewer, mail_id).sha256
    return site.originals.read(sha256)


def workbook(site: Site, viewer: Viewer, mail_id: int, position: int) -> tuple[str, bytes]:
    """
    The name and bytes of one workbook of a mail.

    Raises:
        NotFound: There is no such workbook, or the mail is not open to *viewer*.
    """
    with site.session(read_only=True) as session:
        row = _one(session, viewer, mail_id)
        book = session.get(MailWorkbook, (row.id, position))
    if book is None:
        raise NotFound(f"{mail_id}/{position}")
    return book.filename, site.originals.read(book.sha256)


def mail_of(session: Session, submission_id: str) -> Mail | None:
    """The mail that brought a submission; whoever may see the submission may see this."""
    query = select(Mail).join(MailWorkbook, MailWorkbook.mail_id == Mail.id)
    return session.scalars(query.where(MailWorkbook.submission_id == submission_id).order_by(Mail.id)).first()


def replies(
    session: Session, viewer: Viewer, *, state: str = "", page: int = 1, per_page: int = 50
) -> tuple[list[ReplyView], int]:
    """The replies for administrators: newest first, and how many there are in all."""
    if not viewer.admin:
        return [], 0
    query = select(Reply)
    if state:
        query = query.where(Reply.state == state)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    query = query.order_by(Reply.created_at.desc(), Reply.id.desc()).limit(per_page)
    return [_reply(row) for row in session.scalars(query.offset(_skipped(page, per_page)))], total


def reply_as_sent(site: Site, viewer: Viewer, reply_id: int) -> bytes:
    """
    A reply's bytes as they left, or are to leave.

    Raises:
        NotFound: There is none, it is not composed yet, or its mail is not open to *viewer*.
    """
    with site.session(read_only=True) as session:
        row = session.get(Reply, reply_id)
        if row is None or row.content_sha256 is None:
            raise NotFound(str(reply_id))
        if row.mail_id is not None:
            _one(session, viewer, row.mail_id)
        elif not viewer.admin:
            raise NotFound(str(reply_id))
        sha256 = row.content_sha256
    return site.originals.read(sha256)


def resend(site: Site, reply_id: int, *, by: Viewer) -> None:
    """
    Queue a reply again that was held back, or that the server had refused.

    Raises:
        NotFound: There is no such reply, or *by* is no administrator.
    """
    with site.session() as session:
        audit.lock(session)
        row = session.get(Reply, reply_id)
        if row is None or not by.admin or row.state not in (ReplyState.HELD, ReplyState.DEAD):
            raise NotFound(str(reply_id))
        outgoing.let_go(session, reply_id)
        details = {"to": row.to_address, "kind": row.kind}
        event = Event(actor=by.username, action="reply-resent", subject=f"reply:{reply_id}", details=details)
        audit.append(session, site.audit_key, [event])


def _skipped(page: int, per_page: int) -> int:
    """How many rows stand before *page*; no more than a database can count."""
    return min((max(page, 1) - 1) * per_page, (1 << 63) - 1)


def _open_to(query: Select[Any], viewer: Viewer) -> Select[Any]:
    """Mails that *viewer* looks after: a mail that waits for a person is anybody's who may decide."""
    if not may_keep(viewer):
        return query.where(Mail.id.is_(None))
    if viewer.admin:
        return query
    seen = visible(select(Mail.id), Mail, viewer)
    may_see = or_(Mail.id.in_(seen), Mail.state == MailState.REVIEW)
    return query.where(Mail.state != MailState.QUARANTINED, may_see)


def _one(session: Session, viewer: Viewer, mail_id: int) -> Mail:
    row = session.scalars(_open_to(select(Mail).where(Mail.id == mail_id), viewer)).one_or_none()
    if row is None:
        raise NotFound(str(mail_id))
    return cast(Mail, row)


def _workbook(session: Session, viewer: Viewer, book: MailWorkbook) -> WorkbookView:
    found = None
    if book.submission_id is not None:
        with suppress(NotFound):  # it may be of a station that this manager does not see
            found = submission(session, viewer, book.submission_id)
    return WorkbookView(
        position=book.position,
        filename=book.filename,
        origin=book.origin,
        form_id=book.form_id,
        station=book.station,
        trust=book.trust,
        reason=book.reason,
        submission=found,
    )


def _earlier(session: Session, viewer: Viewer, row: Mail) -> Mail | None:
    if row.answers_id is None:
        return None
    query = _open_to(select(Mail).where(Mail.id == row.answers_id), viewer)
    return cast("Mail | None", session.scalars(query).one_or_none())


def _reply(row: Reply, text: str = "", attachments: Sequence[tuple[str, int]] = ()) -> ReplyView:
    return ReplyView(
        id=row.id,
        mail_id=row.mail_id,
        kind=row.kind,
        state=ReplyState(row.state),
        message_id=row.message_id,
        to_address=row.to_address,
        subject=row.subject,
        created_at=row.created_at,
        sent_at=row.sent_at,
        next_try_at=row.next_try_at,
        tries=row.tries,
        error=row.error,
        composed=row.content_sha256 is not None,
        text=text,
        attachments=tuple(attachments),
    )


def _whole(site: Site, row: Reply) -> ReplyView:
    """A reply with its text: as it left, or as it would leave now."""
    content = None
    if row.content_sha256 is not None:
        with suppress(KeyError):  # lost; its words are known all the same
            content = site.originals.read(row.content_sha256)
    if content is not None:
        message = email.message_from_bytes(content, policy=default)
        assert isinstance(message, EmailMessage)
        body = message.get_body(("plain",))
        attachments = [(part.get_filename() or "", len(part.get_content())) for part in message.iter_attachments()]
        return _reply(row, str(body.get_content()) if body else "", attachments)
    with site.session(read_only=True) as session:
        queued = outgoing.load(session, row.id)
    return _reply(row, text_of(contents_of(site, queued)))
