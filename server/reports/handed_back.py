"""Refreshed workbooks that wait an hour for whoever handed them in to fetch them."""

import hashlib
import math
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path

from server.access.visibility import Viewer
from server.site import Site

FOLDER = "handed-back"
MOST = 10  # of one person; the oldest goes first
_SECONDS = 3600
_TOKEN = re.compile(r"[0-9a-f]{32}")


def keep(site: Site, viewer: Viewer, content: bytes) -> str:
    """Keep *content* for *viewer*; the token it is fetched with. What nobody fetched in time is deleted."""
    folder = _folder(site, viewer)
    folder.mkdir(parents=True, exist_ok=True)
    waiting = sorted(folder.iterdir(), key=_age)
    for file in {*waiting[MOST - 1 :], *(file for file in folder.parent.glob("*/*") if _age(file) > _SECONDS)}:
        file.unlink(missing_ok=True)
    token = secrets.token_hex(16)
    (folder / token).write_bytes(content)
    return token


def fetch(site: Site, viewer: Viewer, token: str) -> bytes | None:
    """What was kept for *viewer* under *token*; None when it is gone or was kept for somebody else."""
    if _TOKEN.fullmatch(token) is None:
        return None
    file = _folder(site, viewer) / token
    with suppress(FileNotFoundError):
        return file.read_bytes() if _age(file) <= _SECONDS else None
    return None


def _age(file: Path) -> float:
    """Seconds since *file* was written; for ever when another request has just deleted it."""
    try:
        return time.time() - file.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def _folder(site: Site, viewer: Viewer) -> Path:
    return site.settings.home / FOLDER / hashlib.sha256(viewer.username.encode()).hexdigest()[:32]
