"""Working ahead: one thread prepares what another is about to take."""

import threading
from collections.abc import Iterable, Iterator
from queue import Empty, Full, Queue
from typing import TypeVar

T = TypeVar("T")
_LOOK_AGAIN = 0.1  # seconds until a thread that waits for room sees that nobody wants more


def ahead(items: Iterable[T], size: int) -> Iterator[T]:
    """
    *items* in their order, worked off in a thread of their own, at most *size* of them ahead.

    What *items* raises is raised here, after everything that came before it. Whoever stops
    taking early stops the thread too, after the item it is at.
    """
    waiting: Queue[T] = Queue(size)
    failure: list[BaseException] = []
    finished, unwanted = threading.Event(), threading.Event()

    def work() -> None:
        try:
            for item in items:
                while not unwanted.is_set():
                    try:
                        waiting.put(item, timeout=_LOOK_AGAIN)
                        break
                    except Full:
                        continue
                if unwanted.is_set():
                    return
        except BaseException as error:  # noqa: BLE001  (raised in the thread that takes the items)
            failure.append(error)
        finally:
            finished.set()

    thread = threading.Thread(target=work, name="ahead", daemon=True)
    thread.start()
    try:
        while not (finished.is_set() and waiting.empty()):
            try:
                item = waiting.get(timeout=_LOOK_AGAIN)
            except Empty:
                continue
            yield item
        if failure:
            raise failure[0]
    finally:
        unwanted.set()
        thread.join()
