"""The core tables' history (Alembic); the tables of forms follow their definitions (records.form_tables)."""

from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def current(connection: Connection) -> str | None:
    """The revision the database is at; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def newest() -> str:
    """The revision this Aftersheet needs."""
    with as_file(files(__name__)) as folder:
        head = ScriptDirectory(str(folder)).get_current_head()
    assert head is not None  # the first revision is part of the package
    return head


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Bring the database to *revision*, in the transaction of *connection*."""
    with as_file(files(__name__)) as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
