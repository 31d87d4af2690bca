"""One round over a mailbox: keep what is new, process it in order, put it away; safe to be cut off anywhere."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import structlog

from server.intake.mail import health, ledger
from server.intake.mail.arrival import MailOutcome, process, process_in_order
from server.intake.mail.connection import MailServerError, Refused
from server.intake.mail.downloads import Download, Downloads
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
    downloads: Downloads | None = None,
    stopped: Callable[[], bool] = lambda: False,
    replied: Callable[[], None] = lambda: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FetchSummary:
    """
    Fetch, process and put away what lies in a mailbox; its health is noted either way.

    Without *mailbox* a connection is made for this round; whoever makes many rounds hands
    in the same *downloads*. *replied* is called when a reply was queued, *progress* with
    how many mails were looked at and how many there are. Several fetchers may do this at once.

    Raises:
        MailServerError: The mailbox cannot be reached, or was lost on the way; nothing else is.
    """
    round_ = _Round(site, settings, downloads or Downloads(), stopped, replied, progress)
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
        self,
        site: Site,
        settings: MailboxSettings,
        downloads: Downloads,
        stopped: Callable[[], bool],
        replied: Callable[[], None],
        progress: Callable[[int, int], None],
    ) -> None:
        self._site = site
        self._settings = settings
        self._downloads = downloads
        self._stopped = stopped
        self._replied = replied
        self._progress = progress
        self._limit = site.settings.mail.max_message_mb << 20
        self._done = self._total = 0
        self.summary = FetchSummary(account=settings.account)

    def run(self, mailbox: Mailbox) -> None:
        account, folder = self._settings.account, self._settings.folder
        with self._site.session(read_only=True) as session:
            unsettled = ledger.unsettled(session, account)
            since = self._since(health.last_success(session, account))
        self._total = len(unsettled)
        for mail_id in unsettled:  # kept by a round that was cut off, or tried in vain; one by one
            if self._stopped():
                return
            self._count(process(self._site, mail_id))
        uidvalidity = mailbox.select()
        present = mailbox.recent(since)
        with self._site.session(read_only=True) as session:
            seen = ledger.seen(session, account, folder, uidvalidity, present)
        self._put_away_old(mailbox, seen, since)
        new = [uid for uid in present if uid not in seen]
        self._total += len(new)
        for group in _groups(mailbox.envelopes(new), self._limit):
            if self._stopped():
                return
            self._take_in(mailbox, uidvalidity, group)

    def _since(self, last_success: datetime | None) -> date:
        """
        From which day on mails are looked for.

        After a long pause of ours that is so many days before it: what came meanwhile is not too old. One day
        more, because the server's days may have begun before ours.
        """
        now = datetime.now(UTC)
        return (min(last_success or now, now) - timedelta(days=self._settings.window_days + 1)).date()

    def _take_in(self, mailbox: Mailbox, uidvalidity: int, group: Sequence[Envelope]) -> None:
        """Keep the bytes, note them in the ledger, process them in order, and only then touch the mailbox."""
        fetched, lost = self._download(mailbox, uidvalidity, group)
        digests = self._site.originals.keep_many(download.raw for download in fetched)
        noted: dict[int, int] = {}
        with self._site.session() as session:
            where = (session, self._settings.account, self._settings.folder, uidvalidity)
            for download, digest in zip(fetched, digests, strict=True):
                raw, uid, at = download.raw, download.envelope.uid, download.envelope.received_at
                if download.whole:
                    noted[uid] = ledger.arrived(*where, uid, raw=raw, sha256=digest, received_at=at)
                else:
                    size = download.envelope.size
                    noted[uid] = ledger.arrived_without_body(
                        *where, uid, header=raw, sha256=digest, size=size, received_at=at
                    )
        self.summary.new += len(noted)
        states: dict[int, MailState] = {}
        for outcome in process_in_order(self._site, noted.values()):
            states[outcome.mail_id] = self._count(outcome)
            if self._stopped():
                break
        if lost is not None:
            raise lost
        settled = {uid: states[mail_id] for uid, mail_id in noted.items() if _is_settled(states.get(mail_id))}
        self._put_away(mailbox, {uid: self._folder(state) for uid, state in settled.items()})

    def _download(
        self, mailbox: Mailbox, uidvalidity: int, group: Sequence[Envelope]
    ) -> tuple[list[Download], MailServerError | None]:
        """The mails that are there and are handed out, up to the one over which the connection was lost."""
        fetched: list[Download] = []
        for envelope in group:
            try:
                download = self._downloads.get(mailbox, uidvalidity, envelope, self._limit)
            except Refused as refused:  # one that the server itself cannot read must not stop the others
                self._note_refusal(f"mail {envelope.uid}: {refused.said}")
            except MailServerError as error:
                return fetched, MailServerError(error.step, f"mail {envelope.uid}: {error.said}")
            else:
                fetched += [download] if download is not None else []
        return fetched, None

    def _count(self, outcome: MailOutcome) -> MailState:
        self.summary.states[outcome.state] = self.summary.states.get(outcome.state, 0) + 1
        self._done += 1
        self._progress(self._done, self._total)
        if outcome.reply_id is not None:
            self.summary.replies += 1
            self._replied()
        return outcome.state

    def _put_away_old(self, mailbox: Mailbox, seen: dict[int, Seen], since: date) -> None:
        """Put away what is settled and still lies there: we were cut off before, or the server is slow to tell."""
        settled = {uid: self._folder(mail.state) for uid, mail in seen.items() if mail.state != MailState.NEW}
        self._put_away(mailbox, mailbox.still_to_put_away(settled, since))

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


def _is_settled(state: MailState | None) -> bool:
    return state not in (None, MailState.NEW)


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
