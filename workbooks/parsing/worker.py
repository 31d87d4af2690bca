"""The child process in which files from outside are parsed: takes one request after the other on its standard input."""

import gc
import os
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from workbooks.parsing import wire
from workbooks.reader import read

_ANY_LENGTH = 1 << 40
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)

Reply = tuple[str, Any, int]
"""What became of a request ("done", "raised", "failed" or "memory"), its result, and the peak memory in bytes."""


def main() -> None:
    """Serve until the parent closes the pipe."""
    requests, replies = _take_pipes()
    setup = wire.loads_trusted(wire.receive(requests, _ANY_LENGTH))
    _limit(setup["ceiling"])
    reading = (setup["definitions"], setup["limits"])
    gc.collect()
    gc.freeze()
    wire.send(replies, b"ready")
    _silence()
    while message := wire.receive(requests, _ANY_LENGTH):
        function, arguments, keywords, memory = wire.loads_trusted(message)
        del message
        _limit(memory)
        reply = _answer(
            read if function is None else function, arguments, keywords, reading if function is None else ()
        )
        wire.send(replies, reply)
        del function, arguments, keywords, reply


def peak_memory() -> int:
    """The largest resident size of this process so far, in bytes; 0 where the system does not say."""
    if sys.platform == "win32":
        return 0
    if sys.platform == "linux":
        # ru_maxrss begins with what the parent had at the fork: a large server would count as a large child.
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        if (peak := _PEAK.search(status)) is not None:
            return int(peak[1]) << 10
    import resource

    # Linux counts in kilobytes, macOS in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _answer(function: Callable[..., Any], arguments: Any, keywords: Any, more: tuple[Any, ...]) -> bytes:
    try:
        return wire.dumps(("done", function(*arguments, *more, **keywords), peak_memory()))
    except MemoryError:
        return wire.dumps(("memory", None, peak_memory()))
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent is told
        if type(error).__module__.startswith("workbooks."):
            return wire.dumps(("raised", error, peak_memory()))
        return wire.dumps(("failed", traceback.format_exc(), peak_memory()))


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes to the parent, out of reach of anything that reads standard input or prints."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    return requests, replies


def _silence() -> None:
    """Once started, nothing is said on standard error: nobody reads it, and a full pipe would block."""
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 2)
    os.close(nothing)


def _limit(memory: int) -> None:
    """Address space of at most *memory* bytes, and no core dump; where the system knows no such limits, none."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if hard == resource.RLIM_INFINITY:
        hard = memory
    resource.setrlimit(resource.RLIMIT_AS, (min(memory, hard), hard))


if __name__ == "__main__":
    main()
