"""Original bytes, kept for ever under their sha256: nothing is ever overwritten or lost."""

import hashlib
import os
import secrets
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from server.files import sync_folder

_WRITERS = 8


class OriginalDamaged(Exception):
    """The kept file does not have the bytes its name promises; restore it from a backup."""


class Originals:
    """
    A folder of files named by content: `ab/cdef…` for the sha256 abcdef….

    What `keep` has returned for survives a power cut: file and folder are on the disk.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._new = folder / "new"
        self._new.mkdir(parents=True, exist_ok=True)
        if not (folder / "ff").is_dir():
            for number in range(256):
                (folder / f"{number:02x}").mkdir(exist_ok=True)
            sync_folder(folder)

    def keep(self, content: bytes) -> str:
        """Store *content* durably; its sha256."""
        return self.keep_many([content])[0]

    def keep_many(self, contents: Iterable[bytes]) -> list[str]:
        """Store all *contents* durably before returning; their sha256 in the same order."""
        digests: list[str] = []
        new: dict[Path, bytes] = {}
        folders: set[Path] = set()
        for content in contents:
            digest = hashlib.sha256(content).hexdigest()
            digests.append(digest)
            path = self.path(digest)
            if not path.exists():
                new[path] = content
            # Also for a file that was there: whoever moved it may have died before this.
            folders.add(path.parent)
        if len(digests) < 2:
            for path, content in new.items():
                self._write(path, content)
            for folder in folders:
                sync_folder(folder)
        else:
            # The disk takes many waiting writers at once for little more than the price of one.
            with ThreadPoolExecutor(_WRITERS, thread_name_prefix="originals") as writers:
                list(writers.map(self._write, new.keys(), new.values()))
                list(writers.map(sync_folder, folders))
        return digests

    def read(self, digest: str) -> bytes:
        """
        The bytes kept under *digest*.

        Raises:
            KeyError: Nothing is.
            OriginalDamaged: The bytes on the disk are not those that were kept.
        """
        try:
            content = self.path(digest).read_bytes()
        except FileNotFoundError as error:
            raise KeyError(digest) from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise OriginalDamaged(str(self.path(digest)))
        return content

    def __contains__(self, digest: str) -> bool:
        return self.path(digest).is_file()

    def path(self, digest: str) -> Path:
        """
        Where the bytes with this sha256 lie.

        Raises:
            KeyError: *digest* is not a sha256 in hex.
        """
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise KeyError(digest)
        return self._folder / digest[:2] / digest[2:]

    def _write(self, path: Path, content: bytes) -> None:
        temporary = self._new / secrets.token_hex(16)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
