"""One round over a mailbox: keep what is new, process it in order, put it away; safe to be cut off anywhere."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import structlog

from server.intake.mail import health, ledger
from server.intake.mail.arrival import MailOutcome, process, process_in_order
from server.intake.mail.connection import MailServerError, Refused
from server.intake.mail.ledger import Seen
from server.intake.mail.mailbox import Envelope, Mailbox
from server.intake.mail.models import MailState
from server.mail_settings import MailboxSettings
from server.site import Site

_log = structlog.get_logger()
GROUP = 16  # mails that are kept with one wait for the disk, …
GROUP_BYTES = 16 << 20  # … unless they are large


@dataclass(slots=True, kw_only=True)
class FetchSummary:
    """
    What a round did: how many mails were *new*, how all that were looked at stand now, how many were put away.

    *refused* is what the server said where it would not hand out or move a mail.
    """

    account: str
    new: int = 0
    states: dict[MailState, int] = field(default_factory=dict)
    put_away: int = 0
    replies: int = 0
    refused: list[str] = field(default_factory=list)


def fetch_once(
    site: Site,
    settings: MailboxSettings,
    *,
    mailbox: Mailbox | None = None,
    stopped: Callable[[], bool] = lambda: False,
    replied: Callable[[], None] = lambda: None,
) -> FetchSummary:
    """
    Fetch, process and put away what lies in a mailbox; its health is noted either way.

    Without *mailbox* a connection is made for this round. *replied* is called when a
    reply was queued. Several fetchers may do this at once.

    Raises:
        MailServerError: The mailbox cannot be reached, or was lost on the way; nothing else is.
    """
    round_ = _Round(site, settings, stopped, replied)
    try:
        if mailbox is not None:
            round_.run(mailbox)
        else:
            mailbox = Mailbox.open(settings, site.settings.home)
            try:
                round_.run(mailbox)
            finally:
                mailbox.close()
    except MailServerError as error:
        with site.session() as session:
            health.failed(session, settings.account, str(error))
        raise
    with site.session() as session:
        health.polled(session, settings.account, backlog=ledger.backlog(session, settings.account))
    return round_.summary


class _Round:
    def __init__(
        self, site: Site, settings: MailboxSettings, stopped: Callable[[], bool], replied: Callable[[], None]
    ) -> None:
        self._site = site
        self._settings = settings
        self._stopped = stopped
        self._replied = replied
        self._limit = site.settings.mail.max_message_mb << 20
        # The server's days may have begun before ours.
        self._since: date = (datetime.now(UTC) - timedelta(days=settings.window_days + 1)).date()
        self.summary = FetchSummary(account=settings.account)

    def run(self, mailbox: Mailbox) -> None:
        with self._site.session(read_only=True) as session:
            unsettled = ledger.unsettled(session, self._settings.account)
        for mail_id in unsettled:  # kept by a round that was cut off, or tried in vain; one by one
            self._count(process(self._site, mail_id))
        uidvalidity = mailbox.select()
        present = mailbox.recent(self._since)
        with self._site.session(read_only=True) as session:
            seen = ledger.seen(session, self._settings.account, self._settings.folder, uidvalidity)
        self._put_away_old(mailbox, {uid: seen[uid] for uid in present if uid in seen})
        for group in _groups(mailbox.envelopes([uid for uid in present if uid not in seen]), self._limit):
            if self._stopped():
                return
            self._take_in(mailbox, uidvalidity, group)

    def _take_in(self, mailbox: Mailbox, uidvalidity: int, group: Sequence[Envelope]) -> None:
        """Keep the bytes, note them in the ledger, process them in order, and only then touch the mailbox."""
        fetched = [(envelope, raw) for envelope in group if (raw := self._bytes(mailbox, envelope)) is not None]
        digests = self._site.originals.keep_many(raw for _, raw in fetched)
        noted: dict[int, int] = {}
        with self._site.session() as session:
            where = (session, self._settings.account, self._settings.folder, uidvalidity)
            for (envelope, raw), digest in zip(fetched, digests, strict=True):
                at = envelope.received_at
                if envelope.size > self._limit:
                    size = envelope.size
                    mail_id = ledger.arrived_too_large(
                        *where, envelope.uid, header=raw, sha256=digest, size=size, received_at=at
                    )
                else:
                    mail_id = ledger.arrived(*where, envelope.uid, raw=raw, sha256=digest, received_at=at)
                noted[envelope.uid] = mail_id
        self.summary.new += len(noted)
        states = {outcome.mail_id: self._count(outcome) for outcome in process_in_order(self._site, noted.values())}
        settled = {uid: states[mail_id] for uid, mail_id in noted.items() if states[mail_id] != MailState.NEW}
        self._put_away(mailbox, {uid: self._folder(state) for uid, state in settled.items()})

    def _bytes(self, mailbox: Mailbox, envelope: Envelope) -> bytes | None:
        """A mail's bytes, of a too large one its header; None for one that is gone or that the server keeps back."""
        try:
            return mailbox.raw(envelope.uid) if envelope.size <= self._limit else mailbox.header(envelope.uid)
        except Refused as refused:  # one that the server itself cannot read must not stop the others
            self._note_refusal(f"mail {envelope.uid}: {refused.said}")
            return None

    def _count(self, outcome: MailOutcome) -> MailState:
        self.summary.states[outcome.state] = self.summary.states.get(outcome.state, 0) + 1
        if outcome.reply_id is not None:
            self.summary.replies += 1
            self._replied()
        return outcome.state

    def _put_away_old(self, mailbox: Mailbox, seen: dict[int, Seen]) -> None:
        """Put away what is settled and still lies there: we were cut off before, or the server is slow to tell."""
        settled = {uid: self._folder(mail.state) for uid, mail in seen.items() if mail.state != MailState.NEW}
        self._put_away(mailbox, mailbox.still_to_put_away(settled, self._since))

    def _put_away(self, mailbox: Mailbox, folders: dict[int, str]) -> None:
        for folder in sorted(set(folders.values())):
            uids = [uid for uid, chosen in folders.items() if chosen == folder]
            try:
                mailbox.put_away(uids, folder)
            except Refused as refused:  # full, or not ours to write: the mails are stored, which is what counts
                self._note_refusal(refused.said)
            else:
                self.summary.put_away += len(uids)

    def _folder(self, state: MailState) -> str:
        return self._settings.problem_folder if state == MailState.QUARANTINED else self._settings.done_folder

    def _note_refusal(self, said: str) -> None:
        _log.warning("mail server refused", account=self._settings.account, said=said)
        self.summary.refused.append(said)


def _groups(envelopes: Iterator[Envelope], limit: int) -> Iterator[list[Envelope]]:
    """Mails in the order they came, so many at a time that their bytes fit into memory."""
    group: list[Envelope] = []
    size = 0
    for envelope in sorted(envelopes, key=lambda found: found.uid):
        weight = envelope.size if envelope.size <= limit else 0
        if group and (len(group) == GROUP or size + weight > GROUP_BYTES):
            yield group
            group, size = [], 0
        group.append(envelope)
        size += weight
    if group:
        yield group
