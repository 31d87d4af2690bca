"""One mailbox over IMAP: what lies in its folder, the bytes of a mail, and where a mail goes afterwards."""

import email.utils
import imaplib
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.utils import encode_folder

from server.intake.mail.connection import TIMEOUT, MailServerError, Refused, Step, at, decoded, tls
from server.intake.mail.oauth import sign_in_secret
from server.mail_settings import MailboxSettings

LONGEST_IDLE = 9 * 60.0  # seconds; routers on the way forget silent connections after ten minutes and more
_SLICE = 1.0  # seconds between two looks at whether we are to stop
_AT_ONCE = 100  # mails per command; lines of some servers end at 8 kB
_HEADER = 256 * 1024  # bytes of a too large mail that are fetched

_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_UID = re.compile(rb"UID (\d+)")
_DATE = re.compile(rb'INTERNALDATE "[^"]*"')
_LITERAL = re.compile(rb"BODY\[[^\]]*\](?:<\d+>)? \{(\d+)\}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the server says of a mail before it is fetched; *received_at* is aware, None where it does not say."""

    uid: int
    size: int
    received_at: datetime | None


class Mailbox:
    """
    A mailbox we are signed in to.

    Nothing here reads or trusts a flag to decide what is new: people and telephones set
    them too. Every method raises MailServerError when the connection is lost, and
    Refused when the server declines but can be talked to.
    """

    def __init__(self, settings: MailboxSettings, box: BaseMailBox, capabilities: frozenset[str]) -> None:
        self._settings = settings
        self._box = box
        self._folders: dict[str, str] = {}
        self.capabilities = capabilities

    @classmethod
    def open(cls, settings: MailboxSettings, home: Path, *, reached: Callable[[Step], None] = lambda _: None) -> Self:
        """
        Connect and sign in; *reached* is told of each step that was taken.

        Raises:
            MailServerError: A step failed.
        """
        secret = sign_in_secret(settings, home, reached)
        with at(Step.CONNECT):
            box = _connect(settings)
        reached(Step.CONNECT)
        try:
            with at(Step.LOGIN):
                # imap-tools would select the inbox at once, and 163.com refuses that before it has seen an ID.
                if settings.auth != "password":
                    box.xoauth2(settings.user, secret, initial_folder=None)
                elif (settings.user + secret).isascii():
                    box.login(settings.user, secret, initial_folder=None)
                else:
                    box.login_utf8(settings.user, secret, initial_folder=None)
            reached(Step.LOGIN)
            with at(Step.ID):
                capabilities = _introduce(box.client, settings.user)
            reached(Step.ID)
        except MailServerError:
            _hang_up(box)
            raise
        return cls(settings, box, capabilities)

    def select(self) -> int:
        """
        Open the folder mail arrives in, anew: its UIDVALIDITY.

        Some servers show what came meanwhile only to those who open the folder again.
        """
        with at(Step.FOLDER):
            self._box.folder.set(self._settings.folder)
            _, values = self._box.client.response("UIDVALIDITY")
        if not values or not values[0]:
            raise MailServerError(Step.FOLDER, "the server gives no UIDVALIDITY")
        return int(values[0])

    def recent(self, since: date, *also: str) -> list[int]:
        """The UIDs of the mails that came on *since* or later, ascending; *also* are more search keys."""
        _, day, month, year, *_ = email.utils.format_datetime(datetime(since.year, since.month, since.day)).split()  # noqa: DTZ001
        answer = self._uid("SEARCH", "SINCE", f"{day}-{month}-{year}", *also)
        return sorted({int(uid) for line in answer if line for uid in line.split()})

    def envelopes(self, uids: Sequence[int]) -> Iterator[Envelope]:
        """What the server says of these mails; those that are gone are left out."""
        for chosen in _sets(uids):
            try:
                answer = self._uid("FETCH", chosen, "(UID RFC822.SIZE INTERNALDATE)")
            except Refused:  # QQ has refused longer lists of items than this
                answer = self._uid("FETCH", chosen, "(UID RFC822.SIZE)")
            for line in answer:
                uid, size = (_UID.search(line), _SIZE.search(line)) if isinstance(line, bytes) else (None, None)
                if uid and size:
                    yield Envelope(int(uid[1]), int(size[1]), _received_at(line))

    def raw(self, uid: int) -> bytes | None:
        """All bytes of a mail, which stays unread for people; None when it is gone."""
        return self._body(uid, "BODY.PEEK[]")

    def header(self, uid: int) -> bytes | None:
        """The header of a mail, cut where it is endless; None when it is gone."""
        try:
            return self._body(uid, f"BODY.PEEK[HEADER]<0.{_HEADER}>")
        except Refused:
            return self._body(uid, "BODY.PEEK[HEADER]")

    def put_away(self, uids: Sequence[int], folder: str) -> None:
        """
        Move mails to *folder*, which is made if need be, as well as the server can.

        One that can neither move nor expunge single mails keeps them; they are marked read.
        """
        for chosen in _sets(uids):
            if "MOVE" in self.capabilities:
                self._uid("MOVE", chosen, self._folder(folder))
            elif "UIDPLUS" in self.capabilities:
                self._uid("COPY", chosen, self._folder(folder))
                self._uid("STORE", chosen, "+FLAGS.SILENT", r"(\Deleted)")
                self._uid("EXPUNGE", chosen)
            else:
                self._uid("STORE", chosen, "+FLAGS.SILENT", r"(\Seen)")

    def still_to_put_away(self, settled: Mapping[int, str], since: date) -> dict[int, str]:
        """
        Those of *settled* (UID: folder) that `put_away` has not been through with.

        A mail that was copied but not expunged when we were cut off is expunged here.
        """
        if not settled or "MOVE" in self.capabilities:
            return dict(settled)
        done = "DELETED" if "UIDPLUS" in self.capabilities else "SEEN"
        half_way = [uid for uid in self.recent(since, done) if uid in settled]
        if half_way and done == "DELETED":
            for chosen in _sets(half_way):
                self._uid("EXPUNGE", chosen)
        return {uid: folder for uid, folder in settled.items() if uid not in half_way}

    @property
    def can_idle(self) -> bool:
        return "IDLE" in self.capabilities

    @property
    def can_move(self) -> bool:
        return not self.capabilities.isdisjoint({"MOVE", "UIDPLUS"})

    def wait(self, seconds: float, stopped: threading.Event) -> None:
        """Wait until the server says that something happened, *stopped* is set or *seconds* are over."""
        end = time.monotonic() + min(seconds, LONGEST_IDLE)
        with at(Step.WORK):
            self._box.idle.start()  # type: ignore[no-untyped-call]
            while not stopped.is_set() and (left := end - time.monotonic()) > 0:
                begun = time.monotonic()
                said = self._box.idle.poll(min(left, _SLICE))
                # An early return with nothing said is the end of the connection; the next command will tell.
                if said or time.monotonic() - begun < min(left, _SLICE) / 2:
                    break
            self._box.idle.stop()  # type: ignore[no-untyped-call]

    def folder_exists(self, folder: str) -> bool:
        with at(Step.FOLDER):
            return bool(self._box.folder.exists(folder))

    def folder_names(self) -> list[str]:
        with at(Step.FOLDER):
            return [folder.name for folder in self._box.folder.list()]

    def close(self) -> None:
        """Sign out, if the server still listens."""
        _hang_up(self._box)

    def _folder(self, name: str) -> Any:
        """The folder as a command takes it, made where it is missing; on some servers all live below INBOX."""
        if name not in self._folders:
            with at(Step.FOLDER):
                self._folders[name] = self._found_or_made(name)
        return encode_folder(self._folders[name])

    def _found_or_made(self, name: str) -> str:
        manager = self._box.folder
        roots = manager.list("", "")
        below = f"INBOX{roots[0].delim if roots else '/'}{name}"
        for candidate in (name, below):
            if manager.exists(candidate):
                return candidate
        try:
            with at(Step.FOLDER):
                manager.create(name)
            made = name
        except Refused:
            manager.create(below)
            made = below
        self._box.folder.subscribe(made, True)  # so that people's programs show it
        return made

    def _body(self, uid: int, item: str) -> bytes | None:
        for part in self._uid("FETCH", str(uid), f"({item})"):
            # Other mails' flags may come in between; they have no body.
            if isinstance(part, tuple) and (length := _LITERAL.search(part[0])):
                if len(part[1]) != int(length[1]):
                    raise MailServerError(Step.WORK, "the connection was lost within a mail")
                return bytes(part[1])
        return None

    def _uid(self, command: str, *arguments: Any) -> list[Any]:
        with at(Step.WORK):
            kind, answer = self._box.client.uid(command, *arguments)
            if kind != "OK":
                said = " ".join(decoded(part) for part in answer if part)
                raise Refused(Step.WORK, f"{command}: {kind} {said}")
            return list(answer)


def _connect(settings: MailboxSettings) -> BaseMailBox:
    match settings.security:
        case "tls":
            return MailBox(settings.host, settings.port, timeout=TIMEOUT, ssl_context=tls())
        case "starttls":
            return MailBoxStartTls(settings.host, settings.port, timeout=TIMEOUT, ssl_context=tls())
        case "none":
            return MailBoxUnencrypted(settings.host, settings.port, timeout=TIMEOUT)


def _introduce(client: imaplib.IMAP4, user: str) -> frozenset[str]:
    """Say who we are to a server that wants to know; what it can do, which many tell in full only after the login."""
    before = set(client.capabilities)
    kind, answer = client.capability()
    after = {word for line in answer for word in decoded(line).upper().split()} if kind == "OK" else set()
    if "ID" in before | after:
        known = {"name": "Aftersheet", "version": version("aftersheet"), "vendor": "Aftersheet", "support-email": user}
        client.xatom("ID", f"({' '.join(f'{_quoted(key)} {_quoted(value)}' for key, value in known.items())})")
    return frozenset(before | after)


def _hang_up(box: BaseMailBox) -> None:
    """Leave, without waiting for a server that may be gone."""
    try:
        box.client.sock.settimeout(2)
        box.logout()
    except Exception:  # noqa: BLE001  (whatever is wrong with a connection that we give up does not matter any more)
        with suppress(OSError):
            box.client.shutdown()


def _quoted(text: str) -> str:
    return '"' + "".join(c for c in text if c.isascii() and c.isprintable() and c not in '"\\') + '"'


def _sets(uids: Sequence[int]) -> Iterator[str]:
    for first in range(0, len(uids), _AT_ONCE):
        yield ",".join(map(str, uids[first : first + _AT_ONCE]))


def _received_at(line: bytes) -> datetime | None:
    found = _DATE.search(line)
    local = imaplib.Internaldate2tuple(found[0]) if found else None
    return datetime.fromtimestamp(time.mktime(local), UTC) if local else None
