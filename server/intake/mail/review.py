"""The review queue: workbooks whose sender nobody has proven, until a person says which station they are from."""

from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from server.access.visibility import Viewer
from server.intake.mail import answering, outgoing, settling
from server.intake.mail.arrival import MailOutcome, outcome_of
from server.intake.mail.models import Mail, MailState, MailWorkbook
from server.intake.mail.senders import station_sender
from server.intake.mail.trust import Trust
from server.intake.receive import ReadWorkbook, read_workbook, settle_within
from server.intake.stations import require_station
from server.records import audit
from server.records.audit import Event
from server.records.listing import NotFound
from server.records.writing import Writer
from server.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldWorkbook:
    """A workbook that waits; *claimed* is the station it says it is from, or its sender's address stands for."""

    position: int
    filename: str
    sha256: str
    form_id: str | None
    claimed: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldMail:
    """A mail that waits for a person, with the workbooks that wait in it."""

    mail: Mail
    workbooks: tuple[HeldWorkbook, ...]


def held(session: Session, viewer: Viewer) -> list[HeldMail]:
    """The queue as *viewer* sees it, oldest first: nothing for people bound to a station."""
    if viewer.station_bound:
        return []
    mails = session.scalars(select(Mail).where(Mail.state == MailState.REVIEW).order_by(Mail.received_at, Mail.id))
    return [_view(session, mail) for mail in mails]


def held_mail(session: Session, viewer: Viewer, mail_id: int) -> HeldMail:
    """
    One mail of the queue.

    Raises:
        NotFound: It does not wait, or not for *viewer*.
    """
    return _view(session, _waiting(session, viewer, mail_id, lock=False))


def release(site: Site, mail_id: int, *, station: str, by: Viewer, answer: bool = True) -> MailOutcome:
    """
    Store what is held in a mail as coming from *station*, which *by* vouches for, and answer its sender.

    Deadlines count to when the mail came, not to when somebody found time for it.

    Raises:
        NotFound: It does not wait, or not for *by*.
        UnknownStation: There is no such station for *by*.
    """
    require_station(site, station, by)
    with site.session(read_only=True) as session:
        _waiting(session, by, mail_id, lock=False)
        rows = session.scalars(_held(mail_id)).all()
    books = {row.position: _read(site, row) for row in rows}
    with site.session() as session:
        writer = Writer(session, site.audit_key, site.zone)
        mail = _waiting(session, by, mail_id, lock=True)
        sender = station_sender(site.master(session), station, mail.from_address, mail.from_name)
        items = [(book, sender) for book in books.values()]
        receipts = settle_within(site, session, writer, items, channel=settling.CHANNEL, sent_at=mail.received_at)
        for row, receipt in zip(session.scalars(_held(mail_id)).all(), receipts, strict=True):
            row.submission_id, row.station, row.trust = receipt.submission_id, station, Trust.PERSON
        settling.end(mail, MailState.DONE, "")
        if len(receipts) == len(session.scalars(_all(mail_id)).all()):
            mail.station, mail.trust = station, Trust.PERSON
        elif mail.station != station:
            mail.station = None  # workbooks of several stations: people who see them all see the mail
        reply_id = None
        if answer and receipts and not mail.automatic:
            kind = answering.kind_of(receipts)
            reply_id = outgoing.queue(
                session, site.settings.mail, mail, kind, to_address=mail.from_address, receipts=receipts
            )
        writer.note(_event("mail-released", mail, by, station, [receipt.submission_id for receipt in receipts]))
        writer.finish()
    return outcome_of(site, mail_id, settling.Settled(receipts=tuple(receipts), reply_id=reply_id))


def refuse(site: Site, mail_id: int, *, by: Viewer) -> MailOutcome:
    """
    Store nothing of what is held in a mail. Its sender is not told: it may be anybody.

    Raises:
        NotFound: It does not wait, or not for *by*.
    """
    with site.session() as session:
        audit.lock(session)
        mail = _waiting(session, by, mail_id, lock=True)
        stored = session.scalar(
            select(MailWorkbook.position)
            .where(MailWorkbook.mail_id == mail_id, MailWorkbook.submission_id.is_not(None))
            .limit(1)
        )
        settling.end(mail, MailState.IGNORED if stored is None else MailState.DONE, "refused")
        audit.append(session, site.audit_key, [_event("mail-refused", mail, by, None, [])])
    return outcome_of(site, mail_id)


def _waiting(session: Session, viewer: Viewer, mail_id: int, *, lock: bool) -> Mail:
    query = select(Mail).where(Mail.id == mail_id, Mail.state == MailState.REVIEW)
    mail = session.scalar(query.with_for_update() if lock else query)
    if mail is None or viewer.station_bound:
        raise NotFound(str(mail_id))
    return mail


def _all(mail_id: int) -> Select[int]:
    return select(MailWorkbook.position).where(MailWorkbook.mail_id == mail_id)


def _held(mail_id: int) -> Select[MailWorkbook]:
    query = select(MailWorkbook).where(MailWorkbook.mail_id == mail_id, MailWorkbook.submission_id.is_(None))
    return query.order_by(MailWorkbook.position)


def _read(site: Site, row: MailWorkbook) -> ReadWorkbook:
    return read_workbook(site, site.originals.read(row.sha256), filename=row.filename)


def _view(session: Session, mail: Mail) -> HeldMail:
    return HeldMail(
        mail=mail,
        workbooks=tuple(
            HeldWorkbook(
                position=row.position,
                filename=row.filename,
                sha256=row.sha256,
                form_id=row.form_id,
                claimed=row.station,
                reason=row.reason,
            )
            for row in session.scalars(_held(mail.id))
        ),
    )


def _event(action: str, mail: Mail, by: Viewer, station: str | None, submissions: list[str]) -> Event:
    details = {"sha256": mail.sha256, "from": mail.from_address, "station": station, "submissions": submissions}
    return Event(actor=by.username, action=action, subject=f"mail:{mail.id}", details=details)
