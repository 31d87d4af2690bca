"""The ledger of mail: every mail once, wherever it was seen, and how often it was tried."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from server.intake.mail.models import Mail, MailPlace, MailState
from server.intake.mail.plain import plain

FILES = ""  # the account of mail that came as an .eml file
ATTEMPTS = 3  # then a mail goes into quarantine
_AT_ONCE = 500  # values in one query

# Lines that servers add or change on the way; the same mail may come with others of them.
_TRACE = frozenset(
    b"received return-path delivered-to envelope-to x-envelope-to x-envelope-from x-original-to x-received "
    b"received-spf authentication-results authentication-results-original arc-seal arc-message-signature "
    b"arc-authentication-results status x-status x-uid x-uidl x-keywords content-length lines "
    b"x-mozilla-status x-mozilla-status2 x-antispam x-antivirus".split()
)
_TRACE_PREFIXES = (b"x-spam", b"x-virus", b"x-gm-", b"x-gmail-", b"x-ms-exchange-", b"x-forefront-", b"x-cm-", b"x-qq-")


@dataclass(frozen=True, slots=True)
class Seen:
    """A mail that lies in a folder, as far as the ledger knows it."""

    mail_id: int
    state: MailState


def content_hash(raw: bytes) -> str:
    """What the sender wrote, as a hash: headers without the lines of servers on the way, and the body."""
    text = raw.replace(b"\r\n", b"\n")
    header, separator, body = (b"", b"\n", text[1:]) if text.startswith(b"\n") else text.partition(b"\n\n")
    digest = hashlib.sha256()
    keep = True
    for line in header.split(b"\n"):
        if not line.startswith((b" ", b"\t")):
            name = line.partition(b":")[0].strip().lower()
            keep = name not in _TRACE and not name.startswith(_TRACE_PREFIXES)
        if keep:
            digest.update(line + b"\n")
    digest.update(separator + body.rstrip(b"\n"))
    return digest.hexdigest()


def arrived(
    session: Session,
    account: str,
    folder: str,
    uidvalidity: int,
    uid: int,
    *,
    raw: bytes,
    sha256: str,
    received_at: datetime | None = None,
) -> int:
    """
    Note a mail found in a folder, whose bytes are kept as *sha256*: its id, that of the same mail if it is known.

    *received_at* (aware) is when it came into the mailbox; deadlines count from there.
    """
    digest = content_hash(raw)
    mail_id = _mail(session, account, digest, sha256=sha256, size=len(raw), received_at=received_at)
    _place(session, mail_id, account, folder, uidvalidity, uid)
    return mail_id


def arrived_without_body(
    session: Session,
    account: str,
    folder: str,
    uidvalidity: int,
    uid: int,
    *,
    header: bytes,
    sha256: str,
    size: int,
    received_at: datetime | None = None,
) -> int:
    """Note a mail of *size* bytes that is not fetched whole; only its *header* is, kept as *sha256*."""
    digest = content_hash(header + f"\r\n\r\n{size} bytes".encode())
    mail_id = _mail(session, account, digest, sha256=sha256, size=size, received_at=received_at, whole=False)
    _place(session, mail_id, account, folder, uidvalidity, uid)
    return mail_id


def arrived_as_file(session: Session, *, raw: bytes, sha256: str) -> int:
    """Note a mail that came as an .eml file: its id, that of the same mail if it came as a file before."""
    return _mail(session, FILES, content_hash(raw), sha256=sha256, size=len(raw), received_at=None)


def seen(session: Session, account: str, folder: str, uidvalidity: int, uids: Sequence[int]) -> dict[int, Seen]:
    """Those of *uids* that are noted in this folder, settled or not."""
    found: dict[int, Seen] = {}
    query = select(MailPlace.uid, Mail.id, Mail.state).join(Mail, MailPlace.mail_id == Mail.id)
    query = query.where(MailPlace.account == account, MailPlace.folder == folder, MailPlace.uidvalidity == uidvalidity)
    for first in range(0, len(uids), _AT_ONCE):
        rows = session.execute(query.where(MailPlace.uid.in_(uids[first : first + _AT_ONCE])))
        found |= {uid: Seen(mail_id, MailState(state)) for uid, mail_id, state in rows}
    return found


def unsettled(session: Session, account: str) -> list[int]:
    """Mails of this mailbox that are kept and wait to be processed, oldest first."""
    return list(
        session.scalars(select(Mail.id).where(Mail.account == account, Mail.state == MailState.NEW).order_by(Mail.id))
    )


def backlog(session: Session, account: str) -> int:
    """How many mails of this mailbox wait to be processed."""
    query = select(func.count()).select_from(Mail).where(Mail.account == account, Mail.state == MailState.NEW)
    return session.scalar(query) or 0


def open_attempt(session: Session, mail_id: int) -> Mail | None:
    """
    Count one more attempt at a mail, and hand it out; None when nothing is to be done.

    Commit before reading the mail: one that kills the process must have been counted.
    After the last attempt that was not seen to end, the mail goes into quarantine.
    """
    mail = session.get_one(Mail, mail_id, with_for_update=True)
    if mail.state != MailState.NEW:
        return None
    if mail.attempts >= ATTEMPTS:
        quarantine(mail, "attempts")
        return None
    mail.attempts += 1
    return mail


def close_attempt(session: Session, mail_id: int, error: str, *, counts: bool = True) -> MailState:
    """
    Note why an attempt failed: the state the mail is left in.

    An attempt that failed for want of the database or the disk does not count
    (*counts* false): a healthy mail must not pay for it.
    """
    mail = session.get_one(Mail, mail_id, with_for_update=True)
    if mail.state == MailState.NEW:
        mail.error = plain(error, 2000)
        if not counts:
            mail.attempts = max(0, mail.attempts - 1)
        elif mail.attempts >= ATTEMPTS:
            quarantine(mail, "attempts")
    return MailState(mail.state)


def quarantine(mail: Mail, reason: str) -> None:
    """Put *mail* aside for a person to look at."""
    mail.state, mail.reason, mail.settled_at = MailState.QUARANTINED, reason, datetime.now(UTC)


def _mail(
    session: Session,
    account: str,
    digest: str,
    *,
    sha256: str,
    size: int,
    received_at: datetime | None,
    whole: bool = True,
) -> int:
    query = select(Mail.id).where(Mail.account == account, Mail.content_hash == digest)
    if (mail_id := session.scalar(query)) is not None:
        return mail_id
    now = datetime.now(UTC)
    mail = Mail(
        account=account,
        content_hash=digest,
        sha256=sha256,
        size=size,
        whole=whole,
        # A clock ahead of ours must not move a deadline.
        received_at=min(received_at or now, now),
        state=MailState.NEW,
    )
    try:
        with session.begin_nested():
            session.add(mail)
    except IntegrityError:  # another fetcher was a moment faster
        return session.scalars(query).one()
    return mail.id


def _place(session: Session, mail_id: int, account: str, folder: str, uidvalidity: int, uid: int) -> None:
    query = select(MailPlace.mail_id).where(
        MailPlace.account == account,
        MailPlace.folder == folder,
        MailPlace.uidvalidity == uidvalidity,
        MailPlace.uid == uid,
    )
    if session.scalar(query) is not None:
        return
    place = MailPlace(
        mail_id=mail_id, account=account, folder=folder, uidvalidity=uidvalidity, uid=uid, seen_at=datetime.now(UTC)
    )
    try:
        with session.begin_nested():
            session.add(place)
    except IntegrityError:  # another fetcher noted it
        return
