"""Threads that keep at it: one per mailbox, one for replies; none of them ever ends on an error."""

import threading
import time
from collections.abc import Callable

import structlog

from server.intake.mail import health
from server.intake.mail.connection import MailServerError
from server.intake.mail.downloads import Downloads
from server.intake.mail.fetching import fetch_once
from server.intake.mail.mailbox import Mailbox
from server.intake.mail.sending import Compose, SendSummary, send_due
from server.mail_settings import MailboxSettings
from server.rounds import STOP_SECONDS, Rounds
from server.site import Site

_log = structlog.get_logger()
LONGEST_BACK_OFF = 300.0  # seconds; the alarm comes after 15 minutes, so several tries fit in before
IDLE_PAUSE = 600.0  # seconds during which a mailbox is only polled, after IDLE went wrong there
SEND_SECONDS = 5.0  # between looks at the queue, which another process may have filled


class Watcher:
    """
    Watches one mailbox: polls it every so often, and earlier when the server says that something came.

    Whatever goes wrong, the connection is given up and made anew after a pause that
    grows; IDLE is only a hint, a poll is never left out because of it.
    """

    def __init__(self, site: Site, settings: MailboxSettings, *, replied: Callable[[], None] = lambda: None) -> None:
        self._site = site
        self._settings = settings
        self._replied = replied
        self._stopped = threading.Event()
        self._mailbox: Mailbox | None = None
        self._downloads = Downloads()
        self._failures = 0
        self._idle_from = 0.0  # time.monotonic() from which IDLE may be used
        self._thread = threading.Thread(target=self._run, name=f"mail {settings.account}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end; `join` waits for that."""
        self._stopped.set()

    def join(self) -> None:
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._poll()
            except MailServerError as error:
                self._give_up(str(error), None)
            except Exception as error:  # noqa: BLE001  (told in the log and, if the database lets us, on the page)
                self._give_up(type(error).__name__, error)
            else:
                self._failures = 0
                self._wait()
        self._close()

    def _poll(self) -> None:
        if self._mailbox is None:
            self._mailbox = self._open()
        fetch_once(
            self._site,
            self._settings,
            mailbox=self._mailbox,
            downloads=self._downloads,
            stopped=self._stopped.is_set,
            replied=self._replied,
        )

    def _open(self) -> Mailbox:
        try:
            return Mailbox.open(self._settings, self._site.settings.home)
        except MailServerError as error:
            self._note(str(error))
            raise

    def _wait(self) -> None:
        seconds = float(self._settings.poll_seconds)
        mailbox = self._mailbox
        if mailbox is None or not (self._settings.idle and mailbox.can_idle and time.monotonic() >= self._idle_from):
            self._stopped.wait(seconds)
            return
        try:
            mailbox.wait(seconds, self._stopped)
        except Exception as error:  # noqa: BLE001  (a hint went wrong; the poll that follows at once does not need it)
            _log.info("idle failed", account=self._settings.account, exc_info=error)
            self._idle_from = time.monotonic() + IDLE_PAUSE
            self._close()

    def _give_up(self, told: str, error: Exception | None) -> None:
        self._failures += 1
        self._close()
        _log.warning(
            "mailbox failed", account=self._settings.account, failures=self._failures, said=told, exc_info=error
        )
        if error is not None:
            self._note(told)
        self._stopped.wait(min(self._settings.poll_seconds * 2.0 ** min(self._failures - 1, 10), LONGEST_BACK_OFF))

    def _note(self, told: str) -> None:
        try:
            with self._site.session() as session:
                health.failed(session, self._settings.account, told)
        except Exception as error:  # noqa: BLE001  (the database is what is in trouble; the log has it)
            _log.warning("mailbox health not noted", account=self._settings.account, exc_info=error)

    def _close(self) -> None:
        if self._mailbox is not None:
            self._mailbox.close()
            self._mailbox = None


class Sender(Rounds):
    """Sends replies as soon as they are due."""

    def __init__(self, site: Site, compose: Compose) -> None:
        super().__init__("mail replies")
        self._site = site
        self._compose = compose
        self._failures = 0

    def _round(self) -> None:
        try:
            summary = send_due(self._site, self._compose, stopped=self._stopped.is_set)
        except Exception as error:  # noqa: BLE001  (told in the log; the replies stay queued)
            _log.warning("replies not sent", exc_info=error)
            self._back_off()
        else:
            self._pause_after(summary)

    def _pause_after(self, summary: SendSummary) -> None:
        if summary.trouble is None:
            self._failures = 0
            self._awake.wait(SEND_SECONDS)
            return
        _log.warning("mail server for replies failed", said=str(summary.trouble), failures=self._failures + 1)
        self._back_off()

    def _back_off(self) -> None:
        self._failures += 1
        self._stopped.wait(min(SEND_SECONDS * 2.0 ** min(self._failures, 10), LONGEST_BACK_OFF))
