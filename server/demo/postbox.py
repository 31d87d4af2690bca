"""A mail server for the demo, on this machine only: it takes every reply and keeps it as a file."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

_LONGEST_LINE = 2000
_LARGEST = 40 << 20


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    folder: Path


class _Session(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client needs that sends one mail after another."""

    timeout = 60
    server: _Server

    def handle(self) -> None:
        self._say("220 demo ready")
        while line := self.rfile.readline(_LONGEST_LINE):
            verb = line.split(b":")[0].strip().upper().split(b" ")[0]
            if verb == b"DATA":
                self._say("354 go ahead")
                content = self._content()
                if content is None:
                    return
                self._keep(content)
            elif verb == b"QUIT":
                self._say("221 goodbye")
                return
            elif verb in (b"EHLO", b"HELO", b"MAIL", b"RCPT", b"RSET", b"NOOP"):
                self._say("250 demo")
            else:
                self._say("502 not here")

    def _content(self) -> bytes | None:
        """The mail up to the lone dot; None when the client hangs up, or never stops."""
        lines: list[bytes] = []
        size = 0
        while (line := self.rfile.readline(_LONGEST_LINE)) and size <= _LARGEST:
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)
            size += len(line)
        return None

    def _keep(self, content: bytes) -> None:
        for number in count(1):
            try:
                with (self.server.folder / f"reply-{number}.eml").open("xb") as file:
                    file.write(content)
            except FileExistsError:
                continue
            break
        self._say("250 kept")

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())


@contextmanager
def postbox(folder: Path) -> Iterator[int]:
    """The port of a mail server on the loopback that puts what it takes into *folder* while the block runs."""
    folder.mkdir(parents=True, exist_ok=True)
    with _Server(("127.0.0.1", 0), _Session) as server:
        server.folder = folder
        thread = threading.Thread(target=server.serve_forever, name="postbox", daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join(5)
