"""
Workbooks on disk that the server writes into: replaced whole or not at all, what they held before kept.

The earlier versions of a workbook lie in the data folder, under versions/, in a folder of
their own per path; the newest `versions_kept` of them stay.
"""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from server.access.visibility import Viewer
from server.files import hold, sync_folder
from server.site import Site
from workbooks.form import Text
from workbooks.ooxml.tables import PushError
from workbooks.owner_files import owner

FOLDER = "versions"
_INDEX = "versions.json"


class UnknownVersion(LookupError):
    """There is no kept version of that number, or none at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """
    What a workbook held until *kept_at* (UTC), when *by* replaced it for *reason*.

    *number* counts up from 1 for each workbook and is never used again.
    """

    number: int
    kept_at: datetime
    by: str
    reason: str
    sha256: str
    size: int


def fingerprint(path: Path) -> str:
    """The sha256 of the file's contents."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def refuse_unwritable(path: Path) -> None:
    """
    Raises:
        PushError: The workbook at *path* cannot be replaced now: somebody has it open, it
            is a link, or it may not be written.
    """
    if path.is_symlink():
        target = path.resolve()
        raise PushError(
            Text(
                f"{path} 是指向 {target} 的链接。请直接刷新那个文件。",
                f"{path} is a link to {target}. Refresh that file itself.",
            )
        )
    if not path.is_file():
        raise PushError(Text(f"没有文件 {path}。", f"There is no file {path}."))
    if found := owner(path):
        zh = f"“{found.person}”" if found.person else "有人"
        raise PushError(
            Text(
                f"{zh}正打开着 {path.name}，现在刷新会互相覆盖。请等关闭后再刷新；"
                f"若确实无人打开，请删除遗留的文件 {found.file}。",
                f"{found.person or 'Somebody'} has {path.name} open; refreshing now would overwrite one or the other. "
                f"Wait until it is closed; if nobody has it open, delete the leftover file {found.file}.",
            )
        )
    if not path.stat().st_mode & 0o222 or not os.access(path, os.W_OK):
        raise PushError(
            Text(
                f"{path} 是只读的。请先取消只读，或给服务器写入的权限。",
                f"{path} is read-only. Take that off, or let the server write it.",
            )
        )


def replace(site: Site, path: Path, new: bytes | Path, *, by: Viewer, reason: str, expected: str = "") -> Version:
    """
    Put *new* (contents, or a file that has them) in the place of the workbook at *path*; what it held is kept.

    The change is atomic and on the disk when this returns; mode, owner and extended
    attributes stay. *expected* is the `fingerprint` of what *new* was made from.

    Raises:
        PushError: It cannot be replaced now, or is no longer what was *expected*; nothing
            was changed.
    """
    path = path.absolute()
    folder = _folder(site, path)
    folder.mkdir(parents=True, exist_ok=True)
    with hold(folder / "lock"):
        refuse_unwritable(path)
        with _laid_beside(path, new) as ready:
            before = _state(path)
            version = _keep(folder, path, by=by, reason=reason)
            if (expected and version.sha256 != expected) or _state(path) != before:
                _drop(folder, version)
                raise PushError(
                    Text(
                        f"{path.name} 在刷新期间被别人改过，没有写入。请再刷新一次。",
                        f"{path.name} was changed by somebody else meanwhile; nothing was written. Refresh it again.",
                    )
                )
            try:
                ready.replace(path)
            except OSError as error:
                _drop(folder, version)
                raise _unwritable(path, error) from error
            sync_folder(path.parent)
        _forget_old(folder, site.settings.versions_kept)
    return version


def versions(site: Site, path: Path) -> list[Version]:
    """What is kept of the workbook at *path*, newest first."""
    return _read(_folder(site, path.absolute()))


def content(site: Site, path: Path, number: int) -> Path:
    """
    The file that holds version *number* of the workbook at *path*.

    Raises:
        UnknownVersion: There is none of that number.
    """
    folder = _folder(site, path.absolute())
    if all(version.number != number for version in _read(folder)):
        raise UnknownVersion(number)
    return folder / _name(number, path)


def restore(site: Site, path: Path, number: int | None = None, *, by: Viewer) -> Version:
    """
    Bring the workbook at *path* back to version *number*, by default the newest; what it holds now is kept.

    Raises:
        UnknownVersion: There is none of that number, or none at all.
        PushError: The file cannot be replaced now.
    """
    kept = versions(site, path)
    if number is None:
        if not kept:
            raise UnknownVersion(number)
        number = kept[0].number
    replace(site, path, content(site, path, number), by=by, reason=f"restore:{number}")
    with site.session() as session:
        site.note(session, by, "restored", f"workbook:{path.name}", version=number, path=str(path.absolute()))
    return next(version for version in kept if version.number == number)


def _folder(site: Site, path: Path) -> Path:
    key = hashlib.sha256(os.path.normcase(path).encode()).hexdigest()[:32]
    return site.settings.home / FOLDER / key


def _name(number: int, path: Path) -> str:
    return f"{number:06d}{path.suffix.lower()}"


@contextmanager
def _laid_beside(path: Path, new: bytes | Path) -> Iterator[Path]:
    """*new* as a file in the folder of *path*, on the disk, with everything about it but its contents like *path*."""
    temporary = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            if isinstance(new, bytes):
                file.write(new)
            else:
                with new.open("rb") as source:
                    shutil.copyfileobj(source, file, 1 << 20)
            file.flush()
            os.fsync(file.fileno())
        _make_alike(temporary, path)
        yield temporary
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _make_alike(new: Path, old: Path) -> None:
    """Give *new* the owner, mode and attributes of *old*, as far as we may."""
    was, now = old.stat(), new.stat()
    if hasattr(os, "chown") and (was.st_uid, was.st_gid) != (now.st_uid, now.st_gid):
        with suppress(PermissionError):
            os.chown(new, -1, was.st_gid)
        with suppress(PermissionError):
            os.chown(new, was.st_uid, -1)
    shutil.copystat(old, new)
    os.utime(new)


def _state(path: Path) -> tuple[int, int, int]:
    """What differs once somebody has saved the file again."""
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _unwritable(path: Path, error: OSError) -> PushError:
    return PushError(
        Text(
            f"{path} 写不进去（{error.strerror}）。请检查文件夹的写入权限和剩余空间，并确认没有人打开着它。",
            f"{path} cannot be written ({error.strerror}). Check that its folder may be written, has room, "
            "and that nobody has it open.",
        )
    )


def _keep(folder: Path, path: Path, *, by: Viewer, reason: str) -> Version:
    """Copy what *path* holds into *folder* as its newest version."""
    kept = _read(folder)
    number = max((version.number for version in kept), default=0) + 1
    copy = folder / _name(number, path)
    with path.open("rb") as source, copy.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
        target.flush()
        os.fsync(target.fileno())
    version = Version(
        number=number,
        kept_at=datetime.now(UTC),
        by=by.username,
        reason=reason,
        sha256=fingerprint(copy),
        size=copy.stat().st_size,
    )
    _write(folder, path, [version, *kept])
    return version


def _drop(folder: Path, version: Version) -> None:
    """Forget *version*, whose replacement did not happen."""
    _write(folder, None, [kept for kept in _read(folder) if kept.number != version.number])
    _remove_strays(folder)


def _forget_old(folder: Path, count: int) -> None:
    kept = _read(folder)
    if len(kept) > count:
        _write(folder, None, kept[:count])
    _remove_strays(folder)


def _remove_strays(folder: Path) -> None:
    """Delete the files no version speaks of; a crash may have left some."""
    known = {f"{version.number:06d}" for version in _read(folder)}
    for file in folder.glob("[0-9]*"):
        if file.stem not in known:
            file.unlink(missing_ok=True)


def _read(folder: Path) -> list[Version]:
    try:
        index = orjson.loads((folder / _INDEX).read_bytes())
    except FileNotFoundError:
        return []
    return [Version(**{**item, "kept_at": datetime.fromisoformat(item["kept_at"])}) for item in index["versions"]]


def _write(folder: Path, path: Path | None, kept: list[Version]) -> None:
    index = folder / _INDEX
    shown = str(path) if path is not None else orjson.loads(index.read_bytes())["path"]
    temporary = index.with_suffix(".new")
    with temporary.open("wb") as file:
        file.write(orjson.dumps({"path": shown, "versions": kept}, option=orjson.OPT_INDENT_2))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(index)
    sync_folder(folder)
