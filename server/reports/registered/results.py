"""Refreshed workbooks, kept as files by sha256 until later versions push them out."""

import hashlib
from contextlib import suppress
from pathlib import Path

from server.records.originals import OriginalDamaged, Originals

FOLDER = "refreshed"


class Results:
    """Like the originals, except that what nobody keeps any longer is removed."""

    def __init__(self, home: Path) -> None:
        self._kept = Originals(home / FOLDER)

    def keep(self, content: bytes) -> str:
        """Store *content* durably; its sha256."""
        return self._kept.keep(content)

    def read(self, digest: str | None) -> bytes | None:
        """The bytes kept under *digest*; None when they are gone or damaged, and have to be made anew."""
        with suppress(KeyError, OriginalDamaged):
            return self._kept.read(digest or "")
        return None

    def remove(self, digest: str) -> None:
        with suppress(FileNotFoundError, KeyError):
            self._kept.path(digest).unlink()


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
