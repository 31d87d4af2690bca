"""A child process for parsing, the pipes to it, and the thread that ends it when it is late."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Literal

from workbooks.parsing import wire

_START_SECONDS = 60.0
_TICK = 0.05  # how exactly time limits are kept, in seconds
_REPLY_AT_MOST = 2 << 30
# What a child may know of this process's surroundings; keys and passwords stay here.
_INHERITED = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "LD_LIBRARY_PATH")


class Stopped(Exception):
    """
    A call that ended without a result because its process had to go.

    *reason* is "time" or "memory" for a limit exceeded, "died" for a crash.
    """

    def __init__(self, reason: Literal["time", "memory", "died"]) -> None:
        super().__init__(reason)
        self.reason = reason


class Child:
    """One child process and the pipes to it."""

    def __init__(self) -> None:
        self.served = 0
        self.dead = self.worn = self.succeeded = self.retired = False
        self._late = False
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "workbooks.parsing.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_surroundings(),
            # Ctrl-C at the terminal is for the parent, which then ends its children.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

    def start(self, setup: bytes, watch: "Watch") -> str:
        """Wait until the process is ready: empty; if it does not become so, what it said last."""
        try:
            with watch.limit(self, _START_SECONDS):
                wire.send(self._requests, setup)
                ready = wire.receive(self._replies, 64) == b"ready"
        except (OSError, wire.MessageError):
            ready = False
        assert self._process.stderr is not None
        with self._process.stderr as said:
            if ready:
                return ""
            self.kill()
            return said.read(4096).decode("utf-8", "replace").strip() or "no message"

    def ask(self, request: bytes, seconds: float, watch: "Watch") -> tuple[str, Any, int]:
        """
        The child's reply to *request*.

        Raises:
            Stopped: There was none; the process is dead, or must not be used any more.
        """
        self.served += 1
        try:
            with watch.limit(self, seconds):
                wire.send(self._requests, request)
                reply = wire.receive(self._replies, _REPLY_AT_MOST)
            outcome, value, peak = wire.loads(reply)
        except (OSError, ValueError, TypeError, wire.MessageError) as error:
            raise Stopped(self._reason()) from error
        return str(outcome), value, int(peak)

    def kill(self, *, late: bool = False) -> None:
        """End the process at once."""
        self.dead = True
        self._late = self._late or late
        self._process.kill()

    def end(self) -> None:
        """Let the process end, and collect it."""
        self.dead = True
        with suppress(OSError):  # what was left to write has no reader any more
            self._requests.close()
        try:
            self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._replies.close()
        assert self._process.stderr is not None
        self._process.stderr.close()

    @property
    def _requests(self) -> BinaryIO:
        assert self._process.stdin is not None
        return self._process.stdin  # type: ignore[return-value]

    @property
    def _replies(self) -> BinaryIO:
        assert self._process.stdout is not None
        return self._process.stdout  # type: ignore[return-value]

    def _reason(self) -> Literal["time", "memory", "died"]:
        if self._late:
            return "time"
        self.kill()
        # Allocation failure ends a Rust library with SIGABRT.
        return "memory" if self._process.wait() == -6 else "died"


class Watch:
    """One thread that kills children which are over their time."""

    def __init__(self) -> None:
        self._due: dict[Child, float] = {}
        self._changed = threading.Condition()
        self._closed = False
        threading.Thread(target=self._keep, name="sandbox-watch", daemon=True).start()

    @contextmanager
    def limit(self, child: Child, seconds: float) -> Iterator[None]:
        """While inside, *child* may take so long and no longer."""
        with self._changed:
            self._due[child] = time.monotonic() + seconds
            if len(self._due) == 1:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                del self._due[child]

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _keep(self) -> None:
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                for child, due in self._due.items():
                    if now > due and not child.dead:
                        child.kill(late=True)
                self._changed.wait(_TICK if self._due else None)


def _surroundings() -> dict[str, str]:
    """The child's environment: it imports what this process imports, and knows no more."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return inherited | {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path), "PYTHONUTF8": "1"}
