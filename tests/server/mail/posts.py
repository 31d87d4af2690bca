"""Mails with visit forms as stations send them, and the way they take once they are fetched."""

import itertools
from collections.abc import Sequence
from typing import Any

from server.access import seals
from server.access.visibility import Viewer
from server.intake.mail import ledger, outgoing
from server.intake.mail.arrival import MailOutcome, process
from server.intake.mail.models import Mail, Reply
from server.intake.mail.outgoing import QueuedReply
from server.site import Site
from tests.server.company import MASTER, VISIT
from tests.server.mail.letters import attached, letter
from tests.server.visits import VALUES
from workbooks.template import build_template

STATION = "cz@station.cn"
_uids = itertools.count(1)


def visit(
    *,
    station: str | None = None,
    seal: str | None = None,
    instance: str = "instance-1",
    number: str | None = None,
    revision: int | None = None,
    **changes: Any,
) -> bytes:
    """A visit workbook with good answers and *changes*."""
    return build_template(
        VISIT,
        master=MASTER,
        instance_id=instance,
        station=station,
        seal=seal,
        number=number,
        revision=revision,
        values={**VALUES, **changes},
    )


def issued(site: Site, station: str = "CZ") -> tuple[str, str]:
    """A seal for a visit template of *station*: issue id and text."""
    with site.session() as session:
        return seals.issue(
            session, site.seal_key, form_id="visit", version=VISIT.version, station=station, by=Viewer.operator()
        )


def sealed(site: Site, station: str = "CZ", **keywords: Any) -> bytes:
    """A filled visit workbook whose template was issued to *station*."""
    return visit(station=station, seal=issued(site, station)[1], **keywords)


def genuine(address: str = STATION) -> str:
    """What the boundary of the mailbox "forms" stamps when DMARC passed."""
    domain = address.rpartition("@")[2]
    return f"mx.company.cn; spf=pass smtp.mailfrom={domain}; dmarc=pass (p=none dis=none) header.from={domain}"


def post(
    *books: bytes,
    sender: str = STATION,
    message_id: str = "<1@station.cn>",
    results: Sequence[str] = (),
    more: Sequence[str] = (),
    subject: str = "visit",
    pieces: Sequence[bytes] = (),
) -> bytes:
    """
    A mail with *books* attached, and *pieces* of other kinds.

    *results* are Authentication-Results, topmost first, *more* are further headers.
    """
    headers = [
        *(f"Authentication-Results: {result}" for result in results),
        f"From: =?utf-8?B?5bi45bee56uZ?= <{sender}>",
        "To: forms@company.cn",
        f"Subject: {subject}",
        "Date: Sat, 21 Nov 2026 10:00:00 +0800",
        f"Message-ID: {message_id}",
        "MIME-Version: 1.0",
        *more,
    ]
    attachments = [attached(f"visit{number}.xlsx", book) for number, book in enumerate(books, 1)]
    return letter(*attachments, *pieces, headers=[header.encode() for header in headers])


def arrive(site: Site, raw: bytes, *, account: str = "forms", uidvalidity: int = 1, uid: int | None = None) -> int:
    """Keep and note a fetched mail, as the fetcher does before anything is looked at."""
    sha256 = site.originals.keep(raw)
    with site.session() as session:
        return ledger.arrived(session, account, "INBOX", uidvalidity, uid or next(_uids), raw=raw, sha256=sha256)


def take(site: Site, raw: bytes, **keywords: Any) -> MailOutcome:
    """Fetch and process a mail."""
    return process(site, arrive(site, raw, **keywords))


def mail_of(site: Site, mail_id: int) -> Mail:
    with site.session(read_only=True) as session:
        return session.get_one(Mail, mail_id)


def reply_to(site: Site, outcome: MailOutcome) -> QueuedReply:
    """The reply that was queued for a mail."""
    assert outcome.reply_id is not None
    with site.session(read_only=True) as session:
        return outgoing.load(session, outcome.reply_id)


def replies(site: Site) -> list[Reply]:
    with site.session(read_only=True) as session:
        return list(session.query(Reply).order_by(Reply.id))
