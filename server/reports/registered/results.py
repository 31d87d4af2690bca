"""Refreshed workbooks, kept as files of their runs until later versions push them out."""

import hashlib
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from server.files import sync_folder

FOLDER = "refreshed"
_NAME = re.compile(r"(\d+)-([0-9a-f]{64})")


class Results:
    """
    What the runs of one registration have made: `refreshed/<registration>/<run>-<sha256>`.

    No file belongs to two runs, so that one run's file is never removed with another's.
    """

    def __init__(self, home: Path, workbook_id: int) -> None:
        self._folder = home / FOLDER / str(workbook_id)

    def keep(self, run_id: int, content: bytes) -> str:
        """Store what the run *run_id* has made, durably; its sha256."""
        digest = digest_of(content)
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = self._folder / f"{secrets.token_hex(8)}.new"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._folder / f"{run_id}-{digest}")
        sync_folder(self._folder)
        sync_folder(self._folder.parent)
        return digest

    def read(self, run_id: int, digest: str | None) -> bytes | None:
        """The bytes kept of a run; None when they are gone or damaged, and have to be made anew."""
        with suppress(FileNotFoundError):
            content = (self._folder / f"{run_id}-{digest}").read_bytes()
            return content if digest_of(content) == digest else None
        return None

    def keep_only(self, kept: Mapping[int, str | None], *, newest: int) -> None:
        """
        Remove the files that are not in *kept*: by run, its sha256, or None for whatever it has made so far.

        A run later than *newest* has begun meanwhile and is let be.
        """
        with suppress(FileNotFoundError):
            for file in list(self._folder.iterdir()):
                found = _NAME.fullmatch(file.name)
                if found is None or (run_id := int(found[1])) > newest:
                    continue
                if run_id not in kept or kept[run_id] not in (None, found[2]):
                    file.unlink(missing_ok=True)


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
