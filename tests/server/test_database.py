"""The database: its guarantees, its migrations, and the installations it refuses."""

import sqlite3
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from server import database, migrations
from server.access.people import begin_sign_in, find_user, viewer_of_sign_in
from server.database import Base, mounted_at
from server.records.models import Counter
from server.settings import Settings, SettingsError
from server.site import Site

MOUNTS = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime - ext4 /dev/vda rw
40 27 0:50 / /mnt/share rw,relatime - nfs4 files:/share rw
41 27 0:51 / /mnt/with\\040space rw,relatime - cifs //files/x rw
42 27 0:52 / /mnt/share/local rw,relatime - xfs /dev/vdb rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/site", "ext4"),
        ("/mnt/share", "nfs4"),
        ("/mnt/share/site", "nfs4"),
        ("/mnt/shared", "ext4"),
        ("/mnt/with space/site", "cifs"),
        ("/mnt/share/local/site", "xfs"),
    ],
)
def test_innermost_mount_decides(path: str, kind: str):
    """A local disk mounted below a network share is local."""
    assert mounted_at(path, MOUNTS) == kind


def test_network_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """SQLite on a network file system loses data; the start is refused and PostgreSQL is named."""
    monkeypatch.setattr(database, "file_system", lambda folder: "nfs4")

    with pytest.raises(SettingsError, match=r"nfs4.*PostgreSQL"):
        Site.open(Settings(home=tmp_path))


def test_foreign_database_is_refused(tmp_path: Path):
    """Another program's SQLite file is left alone."""
    with sqlite3.connect(tmp_path / "aftersheet.db") as other:
        other.execute("PRAGMA application_id=1234")
        other.execute("CREATE TABLE theirs (x)")
    other.close()

    with pytest.raises(SettingsError, match="another program"):
        Site.open(Settings(home=tmp_path))


def test_file_that_is_no_database_is_refused(tmp_path: Path):
    """A text file in the database's place is named."""
    (tmp_path / "aftersheet.db").write_text("hello")

    with pytest.raises(SettingsError, match="not an SQLite database"):
        Site.open(Settings(home=tmp_path))


def test_newer_database_is_refused(tmp_path: Path):
    """An older Aftersheet must not write into a newer one's file."""
    Site.open(Settings(home=tmp_path), definitions={}).close()
    with sqlite3.connect(tmp_path / "aftersheet.db") as newer:
        newer.execute("PRAGMA user_version=99")
    newer.close()

    with pytest.raises(SettingsError, match="newer"):
        Site.open(Settings(home=tmp_path), definitions={})


@pytest.mark.parametrize("url", ["nonsense", "oracle://x/y", "sqlite://", "postgresql://nobody@127.0.0.1:1/none"])
def test_unusable_url_names_the_variable(tmp_path: Path, url: str):
    """A wrong, unknown or unreachable database stops the start with the variable's name."""
    with pytest.raises(SettingsError, match="AFTERSHEET_DATABASE_URL"):
        Site.open(Settings(home=tmp_path, database_url=url), definitions={})


def test_sqlite_waits_for_the_disk(tmp_path: Path):
    """Every commit is on the disk before it counts, and foreign keys hold."""
    site = Site.open(Settings(home=tmp_path), definitions={})
    with site.session() as session:
        pragmas = {
            name: session.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "application_id")
        }
    site.close()

    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "application_id": database.APPLICATION_ID,
    }


def test_migrated_tables_are_the_models(site: Site):
    """The migrations lead to exactly the tables the models describe, on both databases."""
    with site.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_name": lambda name, kind, parents: not (kind == "table" and name.startswith("form_")),
                "compare_server_default": False,
            },
        )
        differences = compare_metadata(context, Base.metadata)
        current = migrations.current(connection)

    assert differences == []
    assert current == migrations.newest()


def test_read_only_session_cannot_write(site: Site):
    """A page that reads cannot change anything by mistake."""

    def write(*, read_only: bool) -> None:
        with site.session(read_only=read_only) as session:
            session.add(Counter(name="x", value=1))

    with pytest.raises(DBAPIError):
        write(read_only=True)

    write(read_only=False)


def test_error_rolls_everything_back(site: Site):
    """A block that raises leaves nothing behind."""

    def write_twice() -> None:
        with site.session() as session:
            for value in (1, 2):
                session.execute(insert(Counter), {"name": "x", "value": value})

    with pytest.raises(IntegrityError):
        write_twice()

    with site.session(read_only=True) as session:
        assert session.get(Counter, "x") is None


def test_writers_do_not_lose_each_others_changes(site: Site):
    """Read, add one, write, from four threads at once: every one counts."""
    with site.session() as session:
        session.add(Counter(name="x", value=0))

    def count() -> None:
        for _ in range(10):
            with site.session() as session:
                counter = session.scalars(select(Counter).where(Counter.name == "x").with_for_update()).one()
                counter.value += 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with site.session(read_only=True) as session:
        assert session.get_one(Counter, "x").value == 40


def test_upgrade_keeps_a_copy_of_the_old_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Before an existing SQLite file is changed, it is copied as it was."""
    Site.open(Settings(home=tmp_path), definitions={}).close()
    monkeypatch.setattr(migrations, "newest", lambda: "9999")
    monkeypatch.setattr(migrations, "upgrade", lambda connection: connection.execute(text("DROP TABLE counters")))

    Site.open(Settings(home=tmp_path), definitions={}).close()

    with sqlite3.connect(tmp_path / "backups" / "before-9999.db") as copy:
        tables = {name for (name,) in copy.execute("SELECT name FROM sqlite_master")}
    copy.close()
    assert "counters" in tables


def test_people_and_tokens_pass_through_the_upgrade_to_sign_ins(tmp_path: Path):
    """Whoever could sign in before still can, and their programs' tokens hold."""
    engine = database.connect(f"sqlite:///{tmp_path / 'aftersheet.db'}")
    with engine.begin() as connection:
        migrations.upgrade(connection, "0002")
        database.sign_file(connection)
        connection.execute(
            text(
                "INSERT INTO users VALUES (1, 'chen', 'Chen', 'hash', '[\"admin\"]', NULL, NULL, 'zh', NULL, 1, "
                "'nonce', '2026-01-01', NULL)"
            )
        )
        connection.execute(
            text("INSERT INTO tokens VALUES ('t', 1, 'Excel', 'hash', '[]', '2026-01-01', '2026-07-01', NULL, NULL)")
        )
    engine.dispose()
    site = Site.open(Settings(home=tmp_path), definitions={})
    with site.session() as session:
        chen = find_user(session, "chen")
        tokens = session.scalar(text("SELECT count(*) FROM tokens JOIN users ON users.id = user_id"))
        assert chen is not None
        sign_in = begin_sign_in(session, chen)
        known = viewer_of_sign_in(session, sign_in)
    site.close()

    assert known == chen
    assert tokens == 1
