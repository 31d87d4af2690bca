"""Handing one mail to the SMTP server, and whose fault it is when that fails."""

import re
import smtplib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from server.intake.mail.connection import TIMEOUT, MailServerError, Step, at, decoded, tls
from server.intake.mail.oauth import sign_in_secret
from server.intake.mail.plain import plain
from server.mail_settings import SmtpSettings

# Seconds a server may think about a mail (RFC 5321, 4.5.3.2.6): who hangs up earlier sends it twice.
LONGEST_SCAN = 600.0

_LINE_END = re.compile(rb"\r?\n")
_TOO_LARGE = 552
_CLOSING = 421


class NotSent(Exception):
    """A mail was not taken; *said* are the server's words."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


class Later(NotSent):
    """The server does not take it now (4xx)."""


class Never(NotSent):
    """The server will not take this mail, or knows no such recipient (5xx)."""


class Unanswered(NotSent):
    """It was handed over and then the connection was lost: it may have been taken."""


class Relay:
    """
    A connection to the SMTP server, signed in to.

    Raises MailServerError where the trouble is not one mail's but everybody's: no
    connection, no login, an address of ours it does not let us use.
    """

    def __init__(self, settings: SmtpSettings, home: Path, *, reached: Callable[[Step], None] = lambda _: None) -> None:
        self._settings = settings
        secret = sign_in_secret(settings, home, reached) if settings.user else ""
        with at(Step.CONNECT):
            self._smtp = _connect(settings)
        reached(Step.CONNECT)
        try:
            self._sign_in(secret, reached)
        except MailServerError:
            self.close()
            raise
        self.usable = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, to_address: str, content: bytes, *, before_data: Callable[[], None] = lambda: None) -> None:
        """
        Hand *content* over; returns when the server has taken responsibility for it.

        *before_data* runs when the recipient is accepted and nothing is handed over yet.

        Raises:
            NotSent: Later, Never or Unanswered.
            MailServerError: Not this mail's fault; it can be sent when that is mended.
        """
        self.usable = False  # until the server is ready for the next one
        with at(Step.WORK):
            self.try_sender(content)
            self._judge(*self._smtp.rcpt(_ascii(to_address)))
            assert self._smtp.sock is not None
            self._smtp.sock.settimeout(LONGEST_SCAN)
        before_data()
        try:
            code, said = self._smtp.data(_LINE_END.sub(b"\r\n", content))
        except smtplib.SMTPDataError as error:  # it did not even want to see it
            code, said = error.smtp_code, _bytes(error.smtp_error)
        except OSError as error:
            raise Unanswered(plain(f"connection lost after the mail was handed over: {error}", 500)) from error
        self._judge(code, said)
        self._smtp.sock.settimeout(TIMEOUT)
        self.usable = True

    def try_sender(self, content: bytes = b"") -> None:
        """
        Name the envelope's sender.

        Nobody, where the server lets us: then a failure notice cannot come back and start
        a loop. A server that one has to sign in to wants to read the account's own address.
        """
        options = [f"SIZE={len(content)}"] if content and self._smtp.has_extn("size") else []
        if not content.isascii() and self._smtp.has_extn("8bitmime"):
            options.append("BODY=8BITMIME")
        with at(Step.SENDER):
            code, said = self._smtp.mail(self._settings.from_address if self._settings.user else "", options)
        if code == _TOO_LARGE or 400 <= code < 500:
            self._judge(code, said)
        if code != 250:
            raise MailServerError(Step.SENDER, plain(f"{code} {decoded(said)}", 500))

    def close(self) -> None:
        """Say goodbye, if the server still listens."""
        try:
            if self._smtp.sock is not None:
                self._smtp.sock.settimeout(2)
            self._smtp.quit()
        except OSError:  # that of smtplib are OSErrors too
            self._smtp.close()

    def _judge(self, code: int, said: bytes) -> None:
        if 200 <= code < 300:
            return
        words = plain(f"{code} {decoded(said)}", 500)
        if code != _CLOSING:
            with suppress(OSError):
                self.usable = self._smtp.rset()[0] == 250
        raise Never(words) if code >= 500 else Later(words)

    def _sign_in(self, secret: str, reached: Callable[[Step], None]) -> None:
        if self._settings.security == "starttls":
            with at(Step.TLS):
                self._smtp.starttls(context=tls())
            reached(Step.TLS)
        with at(Step.CONNECT):
            self._smtp.ehlo_or_helo_if_needed()
        if self._settings.user:
            with at(Step.LOGIN):
                if self._settings.auth == "password":
                    self._smtp.login(self._settings.user, secret)
                else:
                    self._smtp.auth("XOAUTH2", _Xoauth2(self._settings.user, secret))
            reached(Step.LOGIN)


class _Xoauth2:
    """The token; asked a second time, the server has refused it and wants an empty line before it says so."""

    def __init__(self, user: str, token: str) -> None:
        self._answer = f"user={user}\1auth=Bearer {token}\1\1"

    def __call__(self, challenge: bytes | None = None) -> str:
        answer, self._answer = self._answer, ""
        return answer


def _connect(settings: SmtpSettings) -> smtplib.SMTP:
    # Its own guess at our name may wait for a name server that is not there.
    ours = settings.from_address.rpartition("@")[2]
    if settings.security == "tls":
        return smtplib.SMTP_SSL(settings.host, settings.port, ours, timeout=TIMEOUT, context=tls())
    return smtplib.SMTP(settings.host, settings.port, ours, timeout=TIMEOUT)


def _ascii(address: str) -> str:
    local, _, domain = address.rpartition("@")
    try:
        return f"{local.encode('ascii').decode()}@{domain.encode('idna').decode()}"
    except UnicodeError as error:
        raise Never(f"{address}: not an address that a mail server takes") from error


def _bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode()
