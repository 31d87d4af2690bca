"""Copies that wait to be sent: each on the disk with its Idempotency-Key before the first try, until it is answered."""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from server.desk.settings import write_private


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """One copy of a workbook on its way to *server*; *key* is the same at every try."""

    key: str
    filename: str
    server: str
    sha256: str
    made_at: str
    path: Path

    def content(self) -> bytes:
        return self.path.with_suffix(".bin").read_bytes()


class Queue:
    """The copies in one folder, oldest first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "unsent"
        self._aside = folder / "turned-down"

    def add(self, content: bytes, filename: str, server: str) -> Unsent:
        """
        Keep a copy; it is on the disk when this returns.

        The same bytes under the same name that wait already are the same sending.
        """
        sha256 = hashlib.sha256(content).hexdigest()
        for item in self.items():
            if (item.sha256, item.filename, item.server) == (sha256, filename, server):
                return item
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        now = datetime.now(UTC)
        key = secrets.token_hex(16)
        path = self._folder / f"{now:%Y%m%dT%H%M%S%f}-{key[:8]}.json"
        item = Unsent(
            key=key, filename=filename, server=server, sha256=sha256,
            made_at=now.isoformat(timespec="seconds"), path=path,
        )  # fmt: skip
        write_private(path.with_suffix(".bin"), content)  # first: an entry without its copy would be none
        entry = {name: getattr(item, name) for name in ("key", "filename", "server", "sha256", "made_at")}
        write_private(path, json.dumps(entry, ensure_ascii=False).encode())
        return item

    def items(self) -> list[Unsent]:
        """What waits, oldest first; what cannot be read is left where it is."""
        found = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                entry = json.loads(path.read_bytes())
                item = Unsent(**{name: str(entry[name]) for name in _FIELDS}, path=path)
            except (OSError, ValueError, KeyError, TypeError):
                continue
            if path.with_suffix(".bin").is_file():
                found.append(item)
        return found

    def answered(self, item: Unsent) -> None:
        """The server has it: nothing needs to be kept here."""
        item.path.unlink(missing_ok=True)
        item.path.with_suffix(".bin").unlink(missing_ok=True)

    def turned_down(self, item: Unsent) -> Path:
        """The server will never take it as it is: out of the way, but kept; where."""
        self._aside.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept = self._aside / f"{item.path.stem}.bin"
        item.path.with_suffix(".bin").replace(kept)
        item.path.replace(kept.with_suffix(".json"))
        return kept


_FIELDS = ("key", "filename", "server", "sha256", "made_at")
