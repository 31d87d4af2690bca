"""The log: one JSON object per line, with request and submission ids, never with what people wrote."""

import sys
import traceback
from pathlib import Path
from types import TracebackType

import structlog
from structlog.typing import EventDict, WrappedLogger


def configure(file: Path | None = None) -> None:
    """Log to standard error from now on, or to the end of *file*."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            without_values,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=lambda *_: _Lines(file),
        cache_logger_on_first_use=False,
    )


class _Lines:
    """Writes lines to a file, or to what standard error is at that moment: services and tests exchange it."""

    def __init__(self, file: Path | None) -> None:
        self._file = file

    def msg(self, line: str) -> None:
        if self._file is not None:
            with self._file.open("a", encoding="utf-8") as log:
                log.write(line + "\n")
            return
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    debug = info = warning = error = critical = msg


def without_values(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """
    Write an exception as types and code lines only.

    Its message is left out, because that of a database error holds the parameters, which
    are people's answers.
    """
    error = event.pop("exc_info", None)
    if error is True:  # the one that is being handled
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["exception"] = [_told(link) for link in _chain(error)]
    return event


def _chain(error: BaseException) -> list[BaseException]:
    found = [error]
    while (cause := found[-1].__cause__ or found[-1].__context__) is not None and cause not in found:
        found.append(cause)
    return found


def _told(error: BaseException) -> dict[str, object]:
    return {"type": f"{type(error).__module__}.{type(error).__qualname__}", "frames": _frames(error.__traceback__)}


def _frames(trace: TracebackType | None) -> list[str]:
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]
