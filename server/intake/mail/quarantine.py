"""Mails that could not be processed: seen, downloaded, tried again or put away by a person."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from server.access.visibility import Viewer
from server.intake.mail import settling
from server.intake.mail.arrival import MailOutcome, process
from server.intake.mail.models import Mail, MailState
from server.records import audit
from server.records.audit import Event
from server.records.listing import NotFound
from server.site import Site


def quarantined(session: Session, viewer: Viewer) -> list[Mail]:
    """
    What waits there, oldest first: only administrators see it, for nobody knows whose it is.

    Their *reason* is "attempts" when three attempts failed, else the limit they exceed. Sender
    and subject are empty when not even the header could be read.
    """
    if not viewer.admin:
        return []
    query = select(Mail).where(Mail.state == MailState.QUARANTINED).order_by(Mail.received_at, Mail.id)
    return list(session.scalars(query))


def raw(site: Site, mail_id: int, viewer: Viewer) -> bytes:
    """
    The bytes of a quarantined mail (its header, when it was too large).

    Raises:
        NotFound: It is not in quarantine, or not for *viewer*.
    """
    with site.session(read_only=True) as session:
        sha256 = _of(session, mail_id, viewer).sha256
    return site.originals.read(sha256)


def retry(site: Site, mail_id: int, *, by: Viewer) -> MailOutcome:
    """
    Try a quarantined mail again, with all its attempts given back.

    Raises:
        NotFound: It is not in quarantine, or not for *by*.
    """
    with site.session() as session:
        audit.lock(session)
        mail = _of(session, mail_id, by, lock=True)
        mail.state, mail.reason, mail.error, mail.attempts, mail.settled_at = MailState.NEW, "", "", 0, None
        audit.append(session, site.audit_key, [_event("mail-retried", mail, by)])
    return process(site, mail_id)


def discard(site: Site, mail_id: int, *, by: Viewer) -> None:
    """
    Put a quarantined mail away for good; its bytes stay.

    Raises:
        NotFound: It is not in quarantine, or not for *by*.
    """
    with site.session() as session:
        audit.lock(session)
        mail = _of(session, mail_id, by, lock=True)
        settling.end(mail, MailState.IGNORED, "discarded")
        audit.append(session, site.audit_key, [_event("mail-discarded", mail, by)])


def _of(session: Session, mail_id: int, viewer: Viewer, *, lock: bool = False) -> Mail:
    query = select(Mail).where(Mail.id == mail_id, Mail.state == MailState.QUARANTINED)
    mail = session.scalar(query.with_for_update() if lock else query)
    if mail is None or not viewer.admin:
        raise NotFound(str(mail_id))
    return mail


def _event(action: str, mail: Mail, by: Viewer) -> Event:
    return Event(actor=by.username, action=action, subject=f"mail:{mail.id}", details={"sha256": mail.sha256})
