"""What the owner of a registered workbook should know of a run that was delivered."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("workbook_runs") as runs:
        runs.add_column(sa.Column("note_zh", sa.Text(), nullable=False, server_default=""))
        runs.add_column(sa.Column("note_en", sa.Text(), nullable=False, server_default=""))
