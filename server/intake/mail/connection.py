"""What can go wrong between us and a mail server: at which step, in the server's own words."""

import imaplib
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from imap_tools.errors import ImapToolsError, UnexpectedCommandStatusError

from server.intake.mail.plain import plain

TIMEOUT = 60.0  # seconds without a byte from the server; a hung server must not hang us


class Step(StrEnum):
    """How far we came; each needs those before it."""

    SECRET = "secret"  # noqa: S105  (the password's file was read)
    TOKEN = "token"  # noqa: S105  (the cloud's sign-in service gave one)
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    LOGIN = "login"
    ID = "id"
    FOLDER = "folder"  # opened, or made
    WORK = "work"  # signed in and at it
    SENDER = "sender"  # the SMTP server takes mail from our address


class MailServerError(Exception):
    """A mail server, or the way to it, failed us at *step*; *said* are its words."""

    def __init__(self, step: Step, said: str) -> None:
        super().__init__(f"{step}: {said}")
        self.step = step
        self.said = said


class Refused(MailServerError):
    """The server said no to one command; the connection is as good as before."""


@contextmanager
def at(step: Step) -> Iterator[None]:
    """
    What the libraries raise inside the block, as a MailServerError at *step*.

    A name that is unknown or a certificate that is wrong is told as such at any step.
    """
    try:
        yield
    except MailServerError:
        raise
    except (OSError, imaplib.IMAP4.error, ImapToolsError, EOFError) as error:
        kind = Refused if _is_refusal(error) else MailServerError
        raise kind(_really_at(error, step), words(error)) from error


def words(error: Exception) -> str:
    """What the server said, in one line; where it said nothing, what happened."""
    if isinstance(error, UnexpectedCommandStatusError):
        return plain(" ".join(decoded(part) for part in error.command_result[1] if part) or str(error), 500)
    if isinstance(error, smtplib.SMTPResponseException):
        return plain(f"{error.smtp_code} {decoded(error.smtp_error)}", 500)
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT:.0f} seconds"
    told = error.args[0] if len(error.args) == 1 else str(error)
    return plain(decoded(told), 500) or type(error).__name__


def decoded(said: object) -> str:
    """A server's words as text; Chinese providers sometimes speak GBK."""
    if not isinstance(said, bytes):
        return str(said)
    try:
        return said.decode("utf-8")
    except UnicodeDecodeError:
        return said.decode("gb18030", "replace")


def tls() -> ssl.SSLContext:
    """Certificates are checked against the system's list; SSL_CERT_FILE adds that of a house."""
    return ssl.create_default_context()


def _is_refusal(error: Exception) -> bool:
    if isinstance(error, imaplib.IMAP4.error):
        return not isinstance(error, imaplib.IMAP4.abort)
    return isinstance(error, UnexpectedCommandStatusError)


def _really_at(error: Exception, step: Step) -> Step:
    if isinstance(error, socket.gaierror):
        return Step.DNS
    return Step.TLS if isinstance(error, ssl.SSLError) else step
