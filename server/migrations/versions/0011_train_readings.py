"""Odometer readings of settled cases, kept by train and year."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The rollups are made anew, and these with them."""
    op.create_table(
        "train_readings",
        sa.Column("vehicle", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("station", sa.Text(), nullable=False),
        sa.Column("readings", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("vehicle", "year", "station", name="pk_train_readings"),
        sqlite_with_rowid=False,
    )
