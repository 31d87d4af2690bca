"""One LibreOffice for the whole test session, driven over UNO as a person uses it: open, type, save, print."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

_DRIVER = Path(__file__).with_name("uno_driver.py")
_SYSTEM_PYTHON = "/usr/bin/python3"


class OfficeError(Exception):
    """LibreOffice could not do what it was asked; the text is its own."""


class Office:
    """
    A running LibreOffice with at most one document open.

    The methods are those of the driver (tests/uno_driver.py); paths are given as Path.
    """

    def __init__(self, driver: "subprocess.Popen[str]") -> None:
        self._driver = driver

    def __call__(self, command: str, *arguments: Any) -> Any:
        """
        Run one command of the driver.

        Raises:
            OfficeError: LibreOffice refused it or went away.
        """
        assert self._driver.stdin is not None
        assert self._driver.stdout is not None
        plain = [str(argument) if isinstance(argument, Path) else argument for argument in arguments]
        self._driver.stdin.write(json.dumps([command, plain]) + "\n")
        self._driver.stdin.flush()
        line = self._driver.stdout.readline()
        if not line:
            raise OfficeError(f"{command}: LibreOffice went away")
        answer = json.loads(line)
        if "error" in answer:
            raise OfficeError(answer["error"])
        return answer["answer"]

    def fill(self, blank: Path, entries: Iterable[tuple[str, int, str]], *, loose: bool = False) -> None:
        """
        Open *blank* and type (defined name, line, text) *entries* into its unlocked cells.

        *loose* leaves all of them text, as pasting from elsewhere does.
        """
        self("open", blank)
        self("type", [list(entry) for entry in entries], loose)

    def open_copy(self, source: Path, folder: Path) -> None:
        """Open a copy of *source* in *folder*: LibreOffice leaves a lock file beside what it has open."""
        self("open", shutil.copy(source, folder))

    def convert(self, source: Path, target: Path) -> None:
        """Open *source* and save it as *target*, in the format of its suffix."""
        self("open", source)
        self("save", target)


@contextmanager
def running(soffice: str, folder: Path) -> Iterator[Office]:
    """LibreOffice with a profile of its own in *folder*, ended at the end."""
    pipe = f"aftersheet{uuid4().hex}"
    office = subprocess.Popen(
        [
            soffice,
            f"-env:UserInstallation={(folder / 'profile').as_uri()}",
            *("--headless", "--invisible", "--norestore", "--nologo", "--nodefault", "--nofirststartwizard"),
            f"--accept=pipe,name={pipe};urp;StarOffice.ComponentContext",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    driver = subprocess.Popen(
        [_SYSTEM_PYTHON, str(_DRIVER), pipe], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Office(driver)
    finally:
        assert driver.stdin is not None
        driver.stdin.close()
        driver.wait(30)
        if driver.stdout is not None:
            driver.stdout.close()
        _end(office)


def _end(office: "subprocess.Popen[bytes]") -> None:
    # soffice is a script that starts soffice.bin: the whole session of its own is ended.
    if office.poll() is None:
        os.killpg(office.pid, signal.SIGTERM)
    try:
        office.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(office.pid, signal.SIGKILL)
        office.wait(10)


@contextmanager
def running_here(require_program: Callable[..., str], folder: Path) -> Iterator[Office]:
    """`running` with the LibreOffice of this machine; a test is skipped, or in CI fails, where there is none."""
    soffice = require_program("soffice", "libreoffice")
    if subprocess.run([_SYSTEM_PYTHON, "-c", "import uno"], capture_output=True, check=False).returncode:
        require_program("python3-uno")
    with running(soffice, folder) as started:
        yield started
