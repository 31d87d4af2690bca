"""A pool of warm, limited child processes in which anything from outside is parsed."""

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from workbooks.filled import FilledForm
from workbooks.form import FormDefinition
from workbooks.guard import inspect
from workbooks.parsing import compound, wire
from workbooks.parsing.children import Child, Stopped, Watch
from workbooks.refusal import DEFAULT_LIMITS, Limits, Refused, damaged

__all__ = ["ChildError", "Sandbox", "Stopped"]

_CEILING_MB = 2048  # no child gets more, whatever a call asks for
_STARTS_TRIED = 3
_LONG_SECONDS = 20.0  # a call that may take longer leaves a child for those that may not
_LOCKED_SECONDS = 10.0  # for an old or encrypted file: a password takes a second to try, and several are tried

_DETAILS = {
    "time": ("，读取时间过长", ": reading it took too long"),
    "memory": ("，读取时占用内存过多", ": reading it took too much memory"),
    "died": ("", ""),
}


class ChildError(RuntimeError):
    """Our own code failed in a child process; the text is its traceback."""


class Sandbox:
    """
    Warm child processes, each serving one call at a time; safe to share between threads.

    A child that exceeds its limits or dies takes only its own call with it: it is replaced
    in the background, and after *recycle_after* calls it is replaced anyway. Calls that may
    take long are done side by side only as far as one child stays for the others. On systems
    without resource limits only the time limit holds.
    """

    def __init__(
        self,
        workers: int = 2,
        definitions: Mapping[str, FormDefinition] | None = None,
        memory_mb: int = 768,
        seconds: float = 2.0,
        recycle_after: int = 200,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._limits = limits
        self._memory_mb, self._seconds, self._recycle_after = memory_mb, seconds, recycle_after
        self._workers = workers
        self._long = threading.BoundedSemaphore(max(1, workers - 1))
        self._setup = self._setup_for(definitions or {})
        self._changed = threading.Condition()
        self._idle: list[Child] = []
        self._children: set[Child] = set()
        self._starting: list[threading.Thread] = []
        self._failure: str | None = None
        self._closed = False
        self._watch = Watch()
        self._finalizer = weakref.finalize(self, _end, self._children, self._watch)
        for _ in range(workers):
            self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all children; calls still running or waiting raise RuntimeError."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            starting = list(self._starting)
        self._finalizer()
        for thread in starting:
            thread.join()

    def redefine(self, definitions: Mapping[str, FormDefinition]) -> None:
        """
        Read with these *definitions* from now on.

        Calls that run already end as they began; those that come wait for new children.
        """
        with self._changed:
            if self._closed:
                return
            self._setup = self._setup_for(definitions)
            leaving = list(self._idle)
            self._idle.clear()
            for child in self._children:
                child.retired = child.succeeded = True
        for child in leaving:
            self._dismiss(child)
        for _ in range(self._workers):
            self._start()

    def _setup_for(self, definitions: Mapping[str, FormDefinition]) -> bytes:
        # A form's own workbook is for whoever hands it out; a reader needs to know only that there is one.
        plain = {form_id: replace(d, own_look=b"") if d.own_look else d for form_id, d in definitions.items()}
        return wire.dumps({"definitions": plain, "limits": self._limits, "ceiling": _CEILING_MB << 20})

    def read(self, content: bytes, *, password: str = "") -> FilledForm:
        """
        What a person put into the fields of a workbook, read in a child; *password* opens an encrypted one.

        Raises:
            Refused: The file was not let in or cannot be read; also when reading it
                exceeded a limit or killed the child.
            ChildError: The reader itself failed; a bug.
        """
        if len(content) > self._limits.upload:
            inspect(content, self._limits)  # raises: so large a file is not even handed on
        seconds = max(self._seconds, _LOCKED_SECONDS) if content.startswith(compound.MAGIC) else self._seconds
        try:
            form: FilledForm = self._call(None, (content,), {"password": password}, seconds, self._memory_mb)
        except Stopped as stopped:
            raise damaged(content, *_DETAILS[stopped.reason]) from stopped
        return form

    def read_many(self, contents: Iterable[bytes], *, password: str = "") -> Iterator[FilledForm | Refused]:
        """Each of *contents* read, or refused, in order, with all children busy and few files in memory."""

        def outcome(content: bytes) -> FilledForm | Refused:
            try:
                return self.read(content, password=password)
            except Refused as refused:
                return refused

        waiting: deque[Future[FilledForm | Refused]] = deque()
        threads = ThreadPoolExecutor(self._workers, thread_name_prefix="read")
        try:
            for content in contents:
                waiting.append(threads.submit(outcome, content))
                if len(waiting) > 2 * self._workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            threads.shutdown(cancel_futures=True)

    def run(
        self,
        function: Callable[..., Any],
        *arguments: Any,
        seconds: float | None = None,
        memory_mb: int | None = None,
        **keywords: Any,
    ) -> Any:
        """
        The result of a module-level *function*, computed in a child.

        Results are plain values and this package's own dataclasses.

        Raises:
            Stopped: The call exceeded *seconds* or *memory_mb*, or its process died.
            ChildError: *function* raised an exception that is not one of this package's;
                those are raised here as they are.
        """
        seconds = self._seconds if seconds is None else seconds
        with self._long if seconds > _LONG_SECONDS else nullcontext():
            return self._call(function, arguments, keywords, seconds, memory_mb or self._memory_mb)

    def _call(
        self, function: Callable[..., Any] | None, arguments: Any, keywords: Any, seconds: float, memory_mb: int
    ) -> Any:
        request = wire.dumps((function, arguments, keywords, memory_mb << 20))
        child = self._borrow()
        try:
            outcome, value, peak = child.ask(request, seconds, self._watch)
        except BaseException as error:
            child.kill()
            if isinstance(error, Stopped) and self._closed:
                # It was our doing, not that of the file.
                raise RuntimeError("the sandbox was closed") from error
            raise
        else:
            # What has been large once stays fragmented: the next file would find less room.
            child.worn = child.served >= self._recycle_after or outcome == "memory" or peak > memory_mb << 19
        finally:
            self._give_back(child)
        if outcome == "done":
            return value
        if outcome == "raised" and isinstance(value, Exception):
            raise value
        if outcome == "memory":
            raise Stopped("memory")
        raise ChildError(value)

    def _borrow(self) -> Child:
        with self._changed:
            while self._closed or not self._idle:
                if self._closed:
                    raise RuntimeError("the sandbox is closed")
                if self._failure is not None:
                    failure, self._failure = self._failure, None
                    self._start()  # the next call may have more luck
                    if not self._children:
                        raise RuntimeError(f"child processes do not start: {failure}")
                self._changed.wait()
            return self._idle.pop()

    def _give_back(self, child: Child) -> None:
        """Put *child* back to work; a worn one serves on until its successor has started."""
        with self._changed:
            gone = child.dead or child.retired or self._closed
            if not gone:
                self._idle.append(child)
                self._changed.notify()
            succeeded = child.succeeded
            child.succeeded = child.succeeded or child.dead or child.worn
            start = child.succeeded and not succeeded and not self._closed
        if start:
            self._start(instead_of=child)
        if gone:
            self._dismiss(child)

    def _start(self, instead_of: Child | None = None) -> None:
        thread = threading.Thread(target=self._boot, args=(instead_of,), name="sandbox-start", daemon=True)
        with self._changed:
            self._starting = [other for other in self._starting if other.is_alive()] + [thread]
            thread.start()

    def _boot(self, instead_of: Child | None) -> None:
        """Start a child, then put it to work; where none starts, those who wait are told."""
        failure = ""
        for attempt in range(_STARTS_TRIED):
            time.sleep(0.1 * attempt)
            try:
                child = Child()
            except OSError as error:
                failure = str(error)
                continue
            with self._changed:
                self._children.add(child)
                closed = self._closed
            if closed:
                self._dismiss(child)
                return
            failure = child.start(self._setup, self._watch)
            if not failure:
                self._enlist(child, instead_of)
                return
            self._dismiss(child)
            if self._closed:
                return
        with self._changed:
            self._failure = failure
            self._changed.notify_all()

    def _enlist(self, child: Child, instead_of: Child | None) -> None:
        """Put the new *child* to work, and the one it follows out of it."""
        with self._changed:
            self._failure = None
            leaving = [child] if self._closed else []
            if child.retired:  # the definitions have changed while it started
                leaving.append(child)
            elif not self._closed:
                self._idle.append(child)
            if instead_of is not None:
                instead_of.retired = True
                if instead_of in self._idle:
                    self._idle.remove(instead_of)
                    leaving.append(instead_of)
            self._changed.notify_all()
        for one in leaving:
            self._dismiss(one)

    def _dismiss(self, child: Child) -> None:
        child.end()
        with self._changed:
            self._children.discard(child)


def _end(children: set[Child], watch: Watch) -> None:
    for child in list(children):
        child.kill()
    for child in list(children):
        child.end()
    watch.close()
