"""How Alembic runs here: on the connection the caller hands over, in the caller's transaction."""

from alembic import context

import server.access.models
import server.intake.mail.models
import server.records.master_tables
import server.records.models
import server.reports.registered.models
import server.statistics.rollup_tables  # noqa: F401  (these imports register the models)
from server.database import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite changes a table by copying it
    # The tables of forms belong to their definitions.
    include_name=lambda name, kind, _parents: not (kind == "table" and str(name).startswith("form_")),
)
with context.begin_transaction():
    context.run_migrations()
