"""Replies that are due, and what became of them."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from server.intake.mail import outgoing
from server.intake.mail.models import Mail, MailState, Reply
from server.intake.mail.outgoing import ReplyKind
from server.site import Site


def queue(site: Site, count: int = 1, *, first: int = 1) -> None:
    """Let *count* replies be due, each to somebody else, counted from *first*."""
    with site.session() as session:
        for n in range(first, first + count):
            now = datetime.now(UTC)
            mail = Mail(
                account="forms",
                content_hash=f"{n}",
                sha256="0" * 64,
                size=1,
                whole=True,
                received_at=now,
                state=MailState.DONE,
                message_id=f"<{n}@station.cn>",
                subject="visit",
            )
            session.add(mail)
            session.flush()
            outgoing.queue(session, site.settings.mail, mail, ReplyKind.NO_WORKBOOK, to_address=f"a{n}@station.cn")


def replies(site: Site) -> list[Reply]:
    with site.session(read_only=True) as session:
        return list(session.scalars(select(Reply).order_by(Reply.id)))


def states(site: Site) -> list[str]:
    return [reply.state for reply in replies(site)]


def let_time_pass(site: Site) -> None:
    """Every pause and every lease is over."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    with site.session() as session:
        session.execute(update(Reply).where(Reply.next_try_at.is_not(None)).values(next_try_at=past))
        session.execute(update(Reply).where(Reply.lease_until.is_not(None)).values(lease_until=past))
