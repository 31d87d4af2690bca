"""Getting mails from their server, past those that it does not hand out."""

from collections import Counter
from dataclasses import dataclass

from server.intake.mail.connection import MailServerError
from server.intake.mail.mailbox import Envelope, Mailbox

TRIES = 3


@dataclass(frozen=True, slots=True)
class Download:
    """A mail's bytes; without *whole* those of its header only."""

    envelope: Envelope
    raw: bytes
    whole: bool


class Downloads:
    """
    Downloads from one mailbox, round after round.

    A server may fail over one mail, or a virus scanner on the way cut the connection each
    time it passes. After `TRIES` such mails give way: their header is all that is fetched.
    """

    def __init__(self) -> None:
        self._failures: Counter[tuple[int, int]] = Counter()

    def get(self, mailbox: Mailbox, uidvalidity: int, envelope: Envelope, limit: int) -> Download | None:
        """
        The mail of *envelope*, of one larger than *limit* bytes the header; None when it is gone.

        Raises:
            MailServerError: The connection was lost over it.
            Refused: The server declines to hand it out.
        """
        if envelope.size > limit:
            return _header(mailbox, envelope)
        mail = (uidvalidity, envelope.uid)
        # The header first shows that it is the mail and not the line: a server that is down fails here.
        header = _header(mailbox, envelope) if self._failures[mail] else None
        if self._failures[mail] >= TRIES:
            return header
        try:
            raw = mailbox.raw(envelope.uid)
        except MailServerError:
            self._failures[mail] += 1
            raise
        del self._failures[mail]
        return Download(envelope, raw, whole=True) if raw is not None else None


def _header(mailbox: Mailbox, envelope: Envelope) -> Download | None:
    raw = mailbox.header(envelope.uid)
    return Download(envelope, raw, whole=False) if raw is not None else None
