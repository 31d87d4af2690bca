"""Files from outside are parsed in children that may die; nothing else may."""

import operator
import os
import pickle
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from types import MappingProxyType

import pytest

from tests.archives import SHEET, book, sheet
from tests.hostile import ALL, ODD, READ, Hostile, good
from tests.workbooks.visit import FORMS, draw
from workbooks.filled import Cell, FilledForm
from workbooks.finding_codes import FindingCode
from workbooks.findings import Finding
from workbooks.form import Text
from workbooks.parsing import wire
from workbooks.parsing.worker import peak_memory
from workbooks.reader import read
from workbooks.refusal import Refused, refuse
from workbooks.sandbox import ChildError, Sandbox, Stopped

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows limits time only")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(workers=2, definitions=FORMS) as pool:
        yield pool


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_a_hostile_file_ends_in_a_finding_and_the_next_is_read(sandbox: Sandbox, kind: Hostile):
    """Within two seconds, and whatever became of the child."""
    content = kind.content()
    started = time.monotonic()
    try:
        form = sandbox.read(content)
        outcome = ODD if form.findings and not form.cells else READ
    except Refused as refused:
        outcome = refused.finding.slug
    seconds = time.monotonic() - started

    assert outcome == (kind.outcome if kind.outcome != ODD else READ)
    assert seconds < 2.5  # the limit, and the time to notice
    assert sandbox.read(good()).cells["order"].value == "W001"


@posix
def test_no_child_has_grown_beyond_its_limit(sandbox: Sandbox):
    """After every hostile file: 768 MB is the limit, a tenth is what they needed."""
    assert max(sandbox.run(peak_memory) for _ in range(4)) < 300 << 20


@posix
def test_a_large_parent_does_not_make_its_children_large():
    """What the parent holds when it starts a child is not the child's."""
    ballast = b"x" * (400 << 20)
    with Sandbox(workers=1, definitions=FORMS) as pool:
        peak = pool.run(peak_memory)

    assert len(ballast) > peak


def test_a_form_reads_the_same_as_in_this_process(sandbox: Sandbox):
    """What crosses the pipe arrives whole."""
    content = draw({"B3": "甲", "B4": (date(2026, 3, 5), "yyyy-mm-dd"), "B5": 1.5, "A13": "S1"})

    assert sandbox.read(content) == read(content, FORMS)


def test_many_files_come_back_in_order(sandbox: Sandbox):
    """Each as a form or as its refusal; the iterable is not read far ahead."""
    taken = 0

    def contents() -> Iterator[bytes]:
        nonlocal taken
        for number in range(30):
            taken += 1
            yield b"" if number % 7 == 3 else draw({"B3": f"customer {number}"})

    results = sandbox.read_many(contents())
    first = next(results)
    ahead = taken
    rest = [r.finding.slug if isinstance(r, Refused) else r.cells["customer"].value for r in results]

    assert not isinstance(first, Refused)
    assert first.cells["customer"].value == "customer 0"
    assert ahead < 8
    assert rest == ["empty-file" if n % 7 == 3 else f"customer {n}" for n in range(1, 30)]


def test_a_file_too_large_is_not_handed_on(sandbox: Sandbox):
    """It is refused before it is copied."""
    with pytest.raises(Refused) as caught:
        sandbox.read(bytes(21 << 20))

    assert caught.value.finding.code is FindingCode.TOO_LARGE


def test_a_call_over_its_time_is_stopped(sandbox: Sandbox):
    """Its process goes, the pool stays."""
    started = time.monotonic()
    with pytest.raises(Stopped) as caught:
        sandbox.run(time.sleep, 30, seconds=0.2)

    assert caught.value.reason == "time"
    assert time.monotonic() - started < 2
    assert sandbox.read(good()).cells


@posix
def test_a_call_over_its_memory_is_stopped(sandbox: Sandbox):
    """Each call has its own limit."""
    with pytest.raises(Stopped) as caught:
        sandbox.run(operator.mul, b"x", 1 << 30)

    assert caught.value.reason == "memory"
    assert len(sandbox.run(operator.mul, b"x", 300 << 20, memory_mb=1_500, seconds=20)) == 300 << 20


@posix
@pytest.mark.parametrize(("code", "reason"), [(os.abort, "memory"), (os._exit, "died")])
def test_a_dead_child_is_one_lost_call(sandbox: Sandbox, code: object, reason: str):
    """Failed allocations in native code end the process with SIGABRT."""
    with pytest.raises(Stopped) as caught:
        sandbox.run(code, *((3,) if code is os._exit else ()))  # type: ignore[arg-type]

    assert caught.value.reason == reason
    assert sandbox.read(good()).cells


def test_reading_that_takes_too_long_is_a_finding():
    """The sender is told, with a code by which the administrator finds the file."""
    rows = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(1, 100_000))
    with Sandbox(workers=1, seconds=0.03) as slow, pytest.raises(Refused) as caught:
        slow.read(book({SHEET: sheet(rows)}))

    assert caught.value.finding.code is FindingCode.DAMAGED
    assert "too long" in caught.value.finding.what("en")
    assert len(caught.value.finding.context["support"]) == 8


def test_our_own_exceptions_come_back_as_they_are(sandbox: Sandbox):
    """A caller catches what the function documents."""
    with pytest.raises(Refused):
        sandbox.run(read, b"")


def test_a_bug_comes_back_with_its_traceback(sandbox: Sandbox):
    """It is ours, not the sender's."""
    with pytest.raises(ChildError, match="ZeroDivisionError"):
        sandbox.run(operator.truediv, 1, 0)


def test_several_threads_share_the_pool(sandbox: Sandbox):
    """A web server's threads read at the same time; more of them than children wait."""
    contents = [draw({"B3": f"c{number}"}) for number in range(24)]
    with ThreadPoolExecutor(8) as threads:
        forms = list(threads.map(sandbox.read, contents))

    assert [form.cells["customer"].value for form in forms] == [f"c{number}" for number in range(24)]


def test_children_are_replaced_after_their_share():
    """Nothing a file has left behind stays for long; no call waits for the successor."""
    with Sandbox(workers=1, recycle_after=3) as pool:
        seen = {pool.run(os.getpid) for _ in range(3)}
        deadline = time.monotonic() + 20
        while len(seen) < 2 and time.monotonic() < deadline:
            seen.add(pool.run(os.getpid))

    assert len(seen) == 2


@posix
def test_closing_leaves_no_process():
    """Neither running nor as a zombie; and calls afterwards say so."""
    pool = Sandbox(workers=2)
    with ThreadPoolExecutor(2) as threads:
        both_busy = threads.submit(pool.run, time.sleep, 1)
        processes = {pool.run(os.getpid)}
        both_busy.result()
    processes |= {pool.run(os.getpid) for _ in range(2)}
    pool.close()

    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
    with pytest.raises(RuntimeError, match="closed"):
        pool.read(good())


def test_closing_ends_those_who_wait():
    """A stopping server does not hang on a queue, and does not call a file damaged."""
    pool = Sandbox(workers=1)
    outcomes: list[str] = []

    def call() -> None:
        try:
            pool.run(time.sleep, 20, seconds=30)
        except (Stopped, RuntimeError) as error:
            outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.7)
    pool.close()
    for thread in threads:
        thread.join(10)

    assert sorted(outcomes) == ["RuntimeError"] * 3


def test_a_child_knows_no_secrets(monkeypatch: pytest.MonkeyPatch):
    """Whoever takes one over finds neither keys nor the database's password."""
    monkeypatch.setenv("AFTERSHEET_SECRET_KEY", "hush")
    with Sandbox(workers=1) as pool:
        assert pool.run(os.getenv, "AFTERSHEET_SECRET_KEY") is None
        assert pool.run(os.getenv, "PATH") == os.environ["PATH"]


@posix
@pytest.mark.parametrize(("python", "says"), [("/nowhere/python", "No such file"), ("/usr/bin/env", "invalid option")])
def test_a_child_that_cannot_start_is_reported(monkeypatch: pytest.MonkeyPatch, python: str, says: str):
    """With what it said, instead of waiting for ever."""
    monkeypatch.setattr(sys, "executable", python)
    with Sandbox(workers=1) as pool:
        for _ in range(2):
            with pytest.raises(RuntimeError, match=says):
                pool.read(good())


def test_messages_keep_every_kind_of_value():
    """Findings carry texts in two languages in read-only mappings."""
    finding = Finding(code=FindingCode.UNSAFE, label=Text("甲", "a"), context={"detail": Text("乙", "b")})
    values = (finding, Cell("S", "A1", Decimal("1.50")), MappingProxyType({"a": {1, 2}}), date(2026, 1, 2), b"x")

    assert wire.loads(wire.dumps(values)) == values
    assert wire.loads_trusted(wire.dumps((finding, len, os.getpid))) == (finding, len, os.getpid)


def test_a_refusal_keeps_its_finding():
    """It is raised again on this side."""
    back = wire.loads(wire.dumps(refuse(FindingCode.ACTIVE_CONTENT, "宏", "macros")))

    assert isinstance(back, Refused)
    assert "macros" in back.finding.what("en")


class Evil:
    def __init__(self, *call: object) -> None:
        self.call = call

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call[0], tuple(self.call[1:])


@pytest.mark.parametrize(
    "message",
    [
        pickle.dumps(Evil(os.system, "true")),
        pickle.dumps(Evil(eval, "1")),
        pickle.dumps(Evil(getattr, date, "today")),
        pickle.dumps(Evil(wire.build, "os:system", ("true",))),
        pickle.dumps(Evil(wire.build, "workbooks.sandbox:Sandbox", ())),
        pickle.dumps(Evil(wire.build, "workbooks.parsing.wire:importlib", ())),
        pickle.dumps(Evil(wire.build, "workbooks.package:Package", (b"",))),
        b"\x80\x04cworkbooks.wire\nbuild\n}\x8c\x01xI1\nsb.",
        b"\x80\x04cworkbooks.findings\nFinding\n}(\x8c\x04whatK\x01ub.",
        pickle.dumps("cut off")[:-2],
        b"",
    ],
)
def test_a_child_that_was_taken_over_cannot_make_us_do_anything(message: bytes):
    """Its answers are data; a call, a foreign type or a change to one of ours is no answer."""
    with pytest.raises(wire.MessageError):
        wire.loads(message)


def test_redefined_sandbox_reads_by_the_new_definitions():
    """What was read as an unknown form is known after; calls that come meanwhile wait for the new children."""
    ((form_id, form),) = FORMS.items()
    content = draw()
    with Sandbox(workers=2, definitions={"other": replace(form, form_id="other")}) as sandbox:
        before = sandbox.read(content)
        sandbox.redefine({form_id: form})
        after = list(sandbox.read_many([content] * 4))

    assert [finding.slug for finding in before.findings] == ["unknown-form"]
    assert [one.findings for one in after if isinstance(one, FilledForm)] == [()] * 4


def test_long_calls_leave_a_child_for_short_ones():
    """Two people with workbooks that take minutes do not keep everybody else's forms from being read."""
    with Sandbox(workers=2, definitions=FORMS) as pool, ThreadPoolExecutor(2) as threads:
        long = [threads.submit(pool.run, time.sleep, 2, seconds=60) for _ in range(2)]
        time.sleep(0.5)
        begun = time.monotonic()
        read_ = pool.run(len, "abc")
        waited = time.monotonic() - begun
        for call in long:
            call.result()

    assert (read_, waited < 1.2) == (3, True)
