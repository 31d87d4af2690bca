"""One installation at work: its settings, database, forms, originals and reading processes."""

import gc
import hmac
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from server import forms, migrations
from server.access.visibility import Viewer
from server.database import connect, sign_file
from server.records import audit, form_tables, kept_revisions
from server.records.audit import Event
from server.records.forwarding import bring_forward
from server.records.master import MasterImport, import_tables, load_master, master_version
from server.records.originals import Originals
from server.settings import Settings, SettingsError, load_settings, with_secret_key
from workbooks.form import FormDefinition
from workbooks.library import DefinitionError, library
from workbooks.master import TABLES, Master
from workbooks.master_workbook import read_tables, write_master
from workbooks.refusal import Limits, damaged
from workbooks.sandbox import Sandbox, Stopped

MASTER_COPY = "master.xlsx"  # what the offline check reads
log = structlog.get_logger()
# Objects made until the garbage collector looks for cycles again, and how seldom it looks at the old ones: rows of a
# report are in none, and looking at them took a third of its time.
_COLLECTED_AFTER = (100_000, 20, 50)
_MIGRATION_LOCK = 0x41467374  # key of PostgreSQL's advisory lock while tables are changed


class Site:
    """
    Everything a request, a command or a job works with.

    `session` is one transaction that may write: on SQLite only one runs at a time, so
    pages that only read take `session(read_only=True)`. Threads share one Site.
    """

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        base: Mapping[str, FormDefinition],
        definitions: Mapping[str, FormDefinition],
        sandbox: Sandbox | None,
    ) -> None:
        self.settings = settings
        self.engine = engine
        self._base, self._definitions = base, definitions
        self._forms_stamp = forms.stamp(settings.home)
        self._forms_lock = threading.Lock()
        self.zone = ZoneInfo(settings.zone)
        self.originals = Originals(settings.home / "originals")
        self.audit_key = self.derived_key("audit")
        self.seal_key = self.derived_key("seal")
        self._writing = sessionmaker(engine, expire_on_commit=False)
        options = {"read_only": True, "postgresql_readonly": True}
        self._reading = sessionmaker(engine.execution_options(**options), expire_on_commit=False)
        self._lock = threading.Lock()
        self._sandbox = sandbox
        self._borrowed = sandbox is not None
        self._master: dict[bool, tuple[int, Master]] = {}

    @classmethod
    def open(
        cls,
        settings: Settings | None = None,
        *,
        definitions: Mapping[str, FormDefinition] | None = None,
        sandbox: Sandbox | None = None,
    ) -> Self:
        """
        The installation that *settings* (default: `load_settings`) describe, its tables up to date.

        The process then collects garbage in cycles less often.

        *definitions* default to the forms that come with Aftersheet; those installed in the
        data folder join them. A *sandbox* handed in is used and left open; without one the
        site starts its own when it first needs it.

        Raises:
            SettingsError: It cannot start; the text names the key and what to do.
        """
        gc.set_threshold(*_COLLECTED_AFTER)
        settings = settings or load_settings()
        try:
            settings.home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"AFTERSHEET_HOME: {settings.home} cannot be used: {error.strerror}") from error
        settings = with_secret_key(settings)
        base = library() if definitions is None else definitions
        try:
            definitions = {**base, **forms.installed(settings.home)}
        except DefinitionError as error:
            raise SettingsError(f"an installed form cannot be used:\n{error}") from error
        engine = connect(settings.database)
        try:
            _bring_up_to_date(engine, settings, definitions)
        except OperationalError as error:
            engine.dispose()
            raise SettingsError(f"AFTERSHEET_DATABASE_URL: the database cannot be reached: {error.orig}") from error
        except SettingsError:
            engine.dispose()
            raise
        if sandbox is not None and len(definitions) > len(base):
            sandbox.redefine(definitions)
        return cls(settings, engine, base, definitions, sandbox)

    @property
    def definitions(self) -> Mapping[str, FormDefinition]:
        """
        The forms there are by form_id, installed ones as they are now.

        What another process installs is seen by the next caller; a form that somebody has
        broken by hand since leaves the forms as they were.
        """
        stamp = forms.stamp(self.settings.home)
        if stamp != self._forms_stamp:
            with self._forms_lock:
                if stamp != self._forms_stamp:
                    self._take_up_forms(stamp)
        return self._definitions

    def _take_up_forms(self, stamp: int) -> None:
        self._forms_stamp = stamp
        try:
            self._definitions = {**self._base, **forms.installed(self.settings.home)}
        except DefinitionError as error:
            log.error("installed forms cannot be read", error=str(error))
            return
        if self._sandbox is not None:
            self._sandbox.redefine(self._definitions)

    def session(self, *, read_only: bool = False) -> AbstractContextManager[Session]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        return self._transaction(read_only)

    @contextmanager
    def _transaction(self, read_only: bool) -> Iterator[Session]:
        with (self._reading if read_only else self._writing)() as session, session.begin():
            yield session

    @property
    def sandbox(self) -> Sandbox:
        """The child processes in which workbooks are read; started with the first one."""
        with self._lock:
            if self._sandbox is None:
                limits = Limits(upload=self.settings.max_upload_mb << 20)
                self._sandbox = Sandbox(self.settings.workers, self.definitions, limits=limits)
            return self._sandbox

    def master(self, session: Session, *, retired: bool = False) -> Master:
        """The master data in force, cached until it changes; with *retired* rows too, to show old records."""
        version = master_version(session)
        cached = self._master.get(retired)
        if cached is None or cached[0] != version:
            cached = (version, load_master(session, retired=retired))
            self._master[retired] = cached
        return cached[1]

    def import_master(self, content: bytes, *, by: Viewer) -> MasterImport:
        """
        Take over the master workbook *content*, and keep a copy for the offline check.

        With any finding nothing is changed: all of them are in the result.

        Raises:
            Refused: It is not a workbook that may be opened.
        """
        try:
            reading = self.sandbox.run(read_tables, content, seconds=30.0)
        except Stopped as stopped:
            raise damaged(content) from stopped
        with self.session() as session:
            result = import_tables(session, reading, by=by, audit_key=self.audit_key)
            if not result.findings:
                self.write_master_copy(session)
        return result

    def write_master_copy(self, session: Session) -> Path:
        """Write the master data as a workbook into the data folder."""
        path = self.settings.home / MASTER_COPY
        temporary = path.with_suffix(".new")
        temporary.write_bytes(write_master(load_master(session), self.settings.language, TABLES))
        temporary.replace(path)
        return path

    def note(self, session: Session, by: Viewer, action: str, subject: str, **details: Any) -> None:
        """Seal into the audit chain what *by* did, in the transaction in which it happens."""
        event = Event(actor=by.username, action=action, subject=subject, details=details)
        audit.append(session, self.audit_key, [event])

    def now(self) -> datetime:
        """The time now, in the site's zone."""
        return datetime.now(UTC).astimezone(self.zone)

    def derived_key(self, purpose: str) -> bytes:
        """A key for one *purpose*, made from the secret key."""
        return _derived_key(self.settings, purpose)

    def close(self) -> None:
        """End the child processes and the database connections."""
        with self._lock:
            if self._sandbox is not None and not self._borrowed:
                self._sandbox.close()
            self._sandbox = None
        self.engine.dispose()


def _bring_up_to_date(engine: Engine, settings: Settings, definitions: Mapping[str, FormDefinition]) -> None:
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # Of several processes that start together, one changes the tables and the others wait.
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        current = migrations.current(connection)
        if current != migrations.newest():
            if current is not None:
                _back_up(connection, settings.home / "backups" / f"before-{migrations.newest()}.db")
            migrations.upgrade(connection)
            sign_file(connection)
        form_tables.ensure(connection, definitions)
        bring_records_forward(connection, settings, definitions)


def bring_records_forward(
    connection: Connection, settings: Settings, definitions: Mapping[str, FormDefinition]
) -> None:
    """Bring what older versions of *definitions* stored to their current one, with an audit entry for each form."""
    counts = bring_forward(connection, definitions)
    kept_revisions.ensure(connection, definitions, migrated=counts)
    events = [
        Event(
            actor="-",
            action="form-migrated",
            subject=form_id,
            details={"to": definitions[form_id].version, "records": count},
        )
        for form_id, count in counts.items()
    ]
    if events:
        with Session(connection) as session:  # in the transaction of *connection*
            audit.append(session, _derived_key(settings, "audit"), events)


def _derived_key(settings: Settings, purpose: str) -> bytes:
    return hmac.digest(settings.secret_key.encode(), purpose.encode(), "sha256")


def _back_up(connection: Connection, path: Path) -> None:
    """Copy the SQLite database as it was before an upgrade; PostgreSQL's administrator has their own backups."""
    source = connection.engine.url.database
    if connection.dialect.name != "sqlite" or source is None:
        return
    path.parent.mkdir(exist_ok=True)
    # A second connection: it reads the last committed state beside our open transaction.
    with sqlite3.connect(source) as original, sqlite3.connect(path) as copy:
        original.backup(copy)
    original.close()
    copy.close()
