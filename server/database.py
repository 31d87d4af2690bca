"""The database: one engine for SQLite and PostgreSQL, with the guarantees the records rely on."""

import os
import sqlite3
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, DateTime, Dialect, Engine, MetaData, Table, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from server.settings import SettingsError

APPLICATION_ID = 0x41467374  # "AFst" in the header of our SQLite files
USER_VERSION = 1  # raised when an older Aftersheet must not touch the file any more
BUSY_SECONDS = 10

# SQLite's locks and shared memory do not work there: databases broke within minutes on each of these.
_NETWORK = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "virtiofs",
    "afs",
    "ceph",
    "glusterfs",
    "lustre",
    "vboxsf",
    "prl_fs",
}
_NETWORK_FUSE = {"fuse.sshfs", "fuse.grpcfuse", "fuse.osxfs", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs", "fakeowner"}

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Parent of every core table; the tables of forms are not models (records.form_tables)."""

    metadata = MetaData(naming_convention=_NAMES)


def table_of(model: type[Base]) -> Table:
    """The table behind *model*, for statements that need no objects: they are several times faster."""
    table = model.__table__
    assert isinstance(table, Table)
    return table


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware in Python, UTC in the database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"an instant needs its time zone: {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def connect(url: str) -> Engine:
    """
    The engine for *url*.

    On SQLite a transaction takes the write lock when it begins, so that what it read
    still holds when it writes; with the execution option `read_only` it does not, and
    may not write. PostgreSQL gets the same promise from row locks in the callers.

    Raises:
        SettingsError: The URL is not usable, or its SQLite file lies on a network file
            system or belongs to another program.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            return _sqlite(parsed)
        # Without statements prepared by psycopg: after a few times their plan is one for any keys, which reads all
        # of history for some.
        return create_engine(parsed, pool_pre_ping=True, pool_size=10, connect_args={"prepare_threshold": None})
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise SettingsError(
            f"AFTERSHEET_DATABASE_URL: {error}; write sqlite:///path or postgresql://user@host/name"
        ) from error


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise SettingsError(
            "AFTERSHEET_DATABASE_URL: an SQLite database needs a file, for example sqlite:////var/lib/aftersheet.db"
        )
    path = Path(url.database).absolute()
    refuse_network_folder(path.parent)
    _refuse_foreign_file(path)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare_connection(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # pysqlite's own BEGIN comes too late; _begin says it
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # NORMAL may lose the last commits at a power cut, and a receipt has been handed out by then.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    cursor.close()


def _begin(connection: Connection) -> None:
    read_only = connection.get_execution_options().get("read_only")
    if read_only:
        connection.exec_driver_sql("PRAGMA query_only=ON")
        connection.exec_driver_sql("BEGIN")
    else:
        connection.exec_driver_sql("PRAGMA query_only=OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def sign_file(connection: Connection) -> None:
    """Write into a new SQLite file whose it is; nothing on PostgreSQL."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")
        connection.exec_driver_sql(f"PRAGMA user_version={USER_VERSION}")


def _refuse_foreign_file(path: Path) -> None:
    if not path.is_file() or path.stat().st_size == 0:
        return
    with path.open("rb") as file:
        header = file.read(100)
    if not header.startswith(b"SQLite format 3\0"):
        raise SettingsError(f"{path}: not an SQLite database; name another file or move it away")
    application, version = int.from_bytes(header[68:72], "big"), int.from_bytes(header[60:64], "big")
    if application not in (0, APPLICATION_ID):
        raise SettingsError(f"{path}: the database of another program; name another file")
    if application and version > USER_VERSION:
        raise SettingsError(f"{path}: made by a newer Aftersheet (schema {version}); install that version or newer")


def refuse_network_folder(folder: Path) -> None:
    """
    Raises:
        SettingsError: *folder* lies on a network file system, where SQLite loses data.
    """
    kind = file_system(folder)
    if kind in _NETWORK or kind in _NETWORK_FUSE:
        raise SettingsError(
            f"AFTERSHEET_HOME: {folder} lies on a network file system ({kind}), where SQLite loses data; "
            "use a local disk, or PostgreSQL (AFTERSHEET_DATABASE_URL)"
        )


def file_system(folder: Path) -> str:
    """The kind of file system *folder* lies on ("ext4", "nfs4"); "" where the system does not say."""
    if sys.platform == "win32":
        return _windows_drive(folder)
    mounts = Path("/proc/self/mountinfo")
    if not mounts.is_file():
        return ""
    return mounted_at(os.path.realpath(folder), mounts.read_text(encoding="utf-8", errors="replace"))


def mounted_at(path: str, mountinfo: str) -> str:
    """The file system type of the innermost mount of *mountinfo* (proc(5)) that holds *path*."""
    best, kind = "", ""
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        point = left.split(" ")[4].replace("\\040", " ")
        # A later line over the same point hides the earlier one.
        if (path == point or path.startswith(point.rstrip("/") + "/")) and len(point) >= len(best):
            best, kind = point, right.split(" ")[0]
    return kind


def _windows_drive(folder: Path) -> str:
    if sys.platform == "win32":
        import ctypes

        drive = folder.absolute().anchor
        remote = 4  # DRIVE_REMOTE of GetDriveTypeW
        if drive.startswith("\\\\") or ctypes.windll.kernel32.GetDriveTypeW(drive) == remote:
            return "smbfs"
    return ""
