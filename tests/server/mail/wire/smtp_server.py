"""An SMTP server that keeps what it takes and, when told to, refuses or hangs up."""

import threading
import time
from email import message_from_bytes
from email.message import Message
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.server.mail.wire.ports import free_port

DROP_AFTER_DATA = "drop after data"  # it has the mail, but nobody hears of it
DROP_BEFORE_DATA = "drop before data"


class SmtpServer:
    """
    Runs while the `with` block does; `answers` are given, in turn, before everything is taken.

    An answer is what is said to RCPT ("rcpt 550 …"), to DATA ("450 …"), or one of the DROP_ words.
    """

    def __init__(self, *answers: str, login: tuple[str, str] | None = None, only_from: str = "") -> None:
        self.port = free_port()
        self.answers = list(answers)
        self.taken: list[tuple[str, list[str], bytes]] = []  # envelope sender, recipients, content
        self._only_from = only_from
        self._needs_login = login is not None
        self._lock = threading.Lock()
        options: dict[str, Any] = {}
        if login is not None:
            options = {
                "auth_require_tls": False,
                "authenticator": lambda *a: AuthResult(success=_said(a[-1]) == login, handled=False),
            }
        self._controller = Controller(
            self, hostname="127.0.0.1", port=self.port, data_size_limit=40 << 20, decode_data=False, **options
        )

    def __enter__(self) -> "SmtpServer":
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop(no_assert=True)

    @property
    def messages(self) -> list[Message]:
        return [message_from_bytes(content) for _, _, content in self.taken]

    def wait_for(self, count: int, seconds: float = 60) -> None:
        """Return when *count* mails have been taken."""
        deadline = time.monotonic() + seconds
        while len(self.taken) < count:
            assert time.monotonic() < deadline, f"{len(self.taken)} of {count} mails after {seconds} s"
            time.sleep(0.02)

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._needs_login and not session.authenticated:
            return "530 5.7.0 authentication required"
        if self._only_from and address != self._only_from:
            return "553 mail from must equal authorized user"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answers and self.answers[0].startswith("rcpt "):
            return self.answers.pop(0).removeprefix("rcpt ")
        if self.answers and self.answers[0] == DROP_BEFORE_DATA:
            self.answers.pop(0)
            server.transport.abort()
            return "421 gone"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        with self._lock:
            answer = self.answers.pop(0) if self.answers else "250 taken"
        if answer.startswith(("4", "5")):
            return answer
        self.taken.append((envelope.mail_from or "", list(envelope.rcpt_tos), envelope.content or b""))
        if answer == DROP_AFTER_DATA:
            server.transport.abort()
        return answer


def _said(data: Any) -> tuple[str, str]:
    assert isinstance(data, LoginPassword)
    return data.login.decode(), data.password.decode()
