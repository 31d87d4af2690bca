"""A thread that looks again and again at what is due, until it is asked to end."""

import threading
from abc import ABC, abstractmethod

STOP_SECONDS = 5.0  # a thread gets to end by itself; being cut off later does no harm


class Rounds(ABC):
    """Does what is due in a thread of its own; `wake` spares people the wait for its next look."""

    def __init__(self, name: str) -> None:
        self._stopped = threading.Event()
        self._awake = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        self._awake.set()

    def stop(self) -> None:
        """Ask it to end; `join` waits for that."""
        self._stopped.set()
        self._awake.set()

    def join(self) -> None:
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._awake.clear()
            self._round()

    @abstractmethod
    def _round(self) -> None:
        """Do what is due and wait for the next look; nothing that fails may be raised."""
