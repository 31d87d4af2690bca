"""A limit to all that is done over the network for one errand, however little at a time the other side sends."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

_OPENED = ("connect_tcp.complete", "start_tls.complete")


class TimeLimit:
    """
    Ends the connections of an errand when its time is over.

    Timeouts of a library hold for one reading or writing each: who sends a byte now and then
    keeps it waiting for ever. Give *extensions* with every request of httpx.
    """

    def __init__(self) -> None:
        self.over = False
        self._connections: list[Any] = []

    @property
    def extensions(self) -> dict[str, Any]:
        """Lets httpcore tell of each connection it opens (its documented `trace`)."""
        return {"trace": self._opened}

    def end(self) -> None:
        """Shut every connection, those to come as well; whoever waits for one gets an error of the network."""
        self.over = True
        for connection in self._connections:
            if (found := connection.get_extra_info("socket")) is not None:
                with suppress(OSError):
                    # As a plain socket: that of TLS would take its state away from under the thread that reads.
                    socket.socket.shutdown(found, socket.SHUT_RDWR)

    def _opened(self, event: str, told: Mapping[str, Any]) -> None:
        if event.endswith(_OPENED):
            self._connections.append(told["return_value"])
            if self.over:
                self.end()


@contextmanager
def time_limit(seconds: float) -> Iterator[TimeLimit]:
    """A limit of *seconds* for what is done in the block."""
    limit = TimeLimit()
    timer = threading.Timer(seconds, limit.end)
    timer.daemon = True
    timer.start()
    try:
        yield limit
    finally:
        timer.cancel()
