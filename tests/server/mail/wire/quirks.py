"""A proxy that makes any IMAP server behave like a difficult provider, and cuts connections."""

import contextlib
import re
import socket
import threading
from dataclasses import dataclass

from tests.server.mail.wire.ports import free_port

_UNSAFE = b"NO SELECT Unsafe Login. Please contact kefu@188.com for help"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """
    *needs_id*: no folder is opened before an ID, as at 163.com. *hides*: capabilities that
    are not shown. *drop_after* bytes from the server the connection is cut, once per
    connection; *drop_on* cuts it when the client says that word (or those), before (or with
    *drop_late* after) the server has heard it. *refuses* answers NO to that word. Cuts
    happen *times* times.
    """

    needs_id: bool = False
    hides: tuple[str, ...] = ()
    drop_after: int = 0
    drop_on: str = ""
    drop_late: bool = False
    refuses: str = ""
    times: int = 1


class QuirkProxy:
    """Listens on `port` for as long as the `with` block runs."""

    def __init__(self, upstream: int, quirks: Quirks) -> None:
        self.port = free_port()
        self.commands: list[str] = []  # what clients said, without tags, in order
        self._upstream = upstream
        self._quirks = quirks
        self._cuts_left = quirks.times
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> "QuirkProxy":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for open_socket in self._sockets:
            _cut(open_socket)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._upstream))
                self._sockets += [client, server]
                muted, answered = threading.Event(), threading.Event()
                for run in (self._to_server, self._to_client):
                    threading.Thread(target=run, args=(client, server, muted, answered), daemon=True).start()

    def _to_server(
        self, client: socket.socket, server: socket.socket, muted: threading.Event, answered: threading.Event
    ) -> None:
        told_id = False
        with contextlib.suppress(OSError), client.makefile("rb") as lines:
            for line in lines:
                tag, _, rest = line.strip().partition(b" ")
                self.commands.append(rest.decode("utf-8", "replace"))
                words = rest.upper().split()
                command = b" %b " % b" ".join(words)
                if words[:1] == [b"ID"]:
                    told_id = True
                if self._quirks.needs_id and words[:1] in ([b"SELECT"], [b"EXAMINE"]) and not told_id:
                    client.sendall(tag + b" " + _UNSAFE + b"\r\n")
                    continue
                if self._quirks.refuses and b" %b " % self._quirks.refuses.encode() in command:
                    client.sendall(tag + b" NO [OVERQUOTA] no room\r\n")
                    continue
                cut = self._quirks.drop_on != "" and self._cuts_left > 0
                cut = cut and b" %b " % self._quirks.drop_on.encode() in command
                if cut:
                    self._cuts_left -= 1
                    muted.set()
                if not cut or self._quirks.drop_late:
                    server.sendall(line)
                if cut:
                    answered.wait(2 if self._quirks.drop_late else 0)  # it has done it, nobody hears of it
                    break
        _cut(client)
        _cut(server)

    def _to_client(
        self, client: socket.socket, server: socket.socket, muted: threading.Event, answered: threading.Event
    ) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while chunk := server.recv(4096):
                if muted.is_set():
                    answered.set()
                    continue
                for word in self._quirks.hides:
                    chunk = re.sub(rb"(?i) " + word.encode() + rb"(?=[ \]\r])", b"", chunk)
                if self._quirks.drop_after and self._cuts_left > 0:
                    chunk = chunk[: self._quirks.drop_after - passed]
                passed += len(chunk)
                client.sendall(chunk)
                if self._quirks.drop_after and self._cuts_left > 0 and passed >= self._quirks.drop_after:
                    self._cuts_left -= 1
                    break
        _cut(client)
        _cut(server)


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
