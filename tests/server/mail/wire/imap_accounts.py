"""Mailboxes on the servers the tests run, filled and looked at as any mail program would."""

import imaplib
import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from imap_tools.imap_utf7 import utf7_encode

from server.mail_settings import MailboxSettings
from tests.server.mail.wire.ports import free_port, wait_for_port

_users = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapAccount:
    """One empty mailbox."""

    port: int
    user: str
    password: str
    name: str = field(default_factory=lambda: f"mailbox{next(_users)}")

    def settings(self, **changes: Any) -> MailboxSettings:
        """How our program is told of it."""
        known = {
            "name": self.name,
            "host": "127.0.0.1",
            "port": self.port,
            "security": "none",
            "user": self.user,
            "password": self.password,
            "authserv_id": "mx.company.cn",
            "poll_seconds": 5,
        }
        return MailboxSettings.model_validate(known | changes)

    @contextmanager
    def client(self) -> Iterator[imaplib.IMAP4]:
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=30)
        client.login(self.user, self.password)
        try:
            yield client
        finally:
            client.logout()

    def put(self, *raws: bytes, folder: str = "INBOX", days_ago: float = 0) -> None:
        """Lay mails into a folder, unread, as if they had come so long ago."""
        came = imaplib.Time2Internaldate(time.time() - days_ago * 86400)
        with self.client() as client:
            for raw in raws:
                kind, said = client.append(_quoted(folder), "", came, raw)
                assert kind == "OK", said

    def mails(self, folder: str = "INBOX") -> list[bytes]:
        """The bytes of the mails in a folder; none when there is no such folder."""
        with self.client() as client:
            if client.select(_quoted(folder), readonly=True)[0] != "OK":
                return []
            uids = client.uid("SEARCH", "ALL")[1][0].split()
            return [client.uid("FETCH", uid.decode(), "(BODY.PEEK[])")[1][0][1] for uid in uids]

    def flags(self, folder: str = "INBOX") -> list[str]:
        """The flags of the mails in a folder."""
        with self.client() as client:
            client.select(_quoted(folder), readonly=True)
            lines = client.fetch("1:*", "(FLAGS)")[1]
            return [line.decode() for line in lines if line]

    def flag(self, *flags: str) -> None:
        """Set flags on all mails of the inbox, as a person's program does."""
        with self.client() as client:
            client.select("INBOX")
            client.store("1:*", "+FLAGS", f"({' '.join(flags)})")

    def clear(self) -> None:
        """Delete all mails and all other folders."""
        with self.client() as client:
            for line in client.list()[1]:
                name = line.decode().rpartition(' "/" ')[2] if line else ""
                if name.strip('"').upper() not in ("INBOX", ""):
                    client.delete(name)
            if client.select("INBOX")[1][0] not in (b"0", None):
                client.store("1:*", "+FLAGS", r"(\Deleted)")
                client.expunge()


@dataclass(slots=True)
class Pymap:
    """An IMAP server from pip, in memory, with one user."""

    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            "from pymap.main import main; main()",
            "--host",
            "127.0.0.1",
            "--port",
            str(self.port),
        ]
        command += ["--no-tls", "--no-service", "admin", "dict", "--demo-user", "forms", "--demo-password", "secret"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for_port(self.port)

    def stop(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def account(self) -> ImapAccount:
        account = ImapAccount(port=self.port, user="forms", password="secret")
        account.clear()
        return account


def _quoted(folder: str) -> str:
    return f'"{utf7_encode(folder).decode()}"'
