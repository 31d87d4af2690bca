"""Refreshed workbooks that wait an hour for whoever handed them in to fetch them."""

import hashlib
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path

from server.access.visibility import Viewer
from server.site import Site

FOLDER = "handed-back"
_SECONDS = 3600
_TOKEN = re.compile(r"[0-9a-f]{32}")


def keep(site: Site, viewer: Viewer, content: bytes) -> str:
    """Keep *content* for *viewer*; the token it is fetched with. What nobody fetched in time is deleted."""
    folder = _folder(site, viewer)
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.parent.glob("*/*"):
        with suppress(FileNotFoundError):  # another request was quicker
            if file.stat().st_mtime < time.time() - _SECONDS:
                file.unlink()
    token = secrets.token_hex(16)
    (folder / token).write_bytes(content)
    return token


def fetch(site: Site, viewer: Viewer, token: str) -> bytes | None:
    """What was kept for *viewer* under *token*; None when it is gone or was kept for somebody else."""
    if _TOKEN.fullmatch(token) is None:
        return None
    try:
        return (_folder(site, viewer) / token).read_bytes()
    except FileNotFoundError:
        return None


def _folder(site: Site, viewer: Viewer) -> Path:
    return site.settings.home / FOLDER / hashlib.sha256(viewer.username.encode()).hexdigest()[:32]
