"""The token a feed link was made with, and where on a share a run has put its workbook."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("feed_links") as links:
        links.add_column(sa.Column("token_id", sa.Text(), nullable=True))
        links.create_foreign_key("fk_feed_links_token_id", "tokens", ["token_id"], ["id"])
    with op.batch_alter_table("workbook_runs") as runs:
        runs.add_column(sa.Column("delivered_to", sa.Text(), nullable=False, server_default=""))
