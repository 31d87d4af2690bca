"""Exposure as master data: readings of trains, parts per train, retrofits, and the day a train was retired."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("vehicles", sa.Column("retired_on", sa.Date(), nullable=True))
    op.create_table(
        "exposures",
        sa.Column("vehicle", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("odometer_km", sa.Double(), nullable=True),
        sa.Column("operating_hours", sa.Double(), nullable=True),
        *_entry("exposures"),
    )
    op.create_index("ix_exposures_vehicle", "exposures", ["vehicle"])
    op.create_table(
        "fitted_parts",
        sa.Column("vehicle_type", sa.Text(), nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        *_entry("fitted_parts"),
    )
    op.create_table(
        "retrofits",
        sa.Column("change_no", sa.Text(), nullable=False),
        sa.Column("vehicle", sa.Text(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=False),
        *_entry("retrofits"),
    )
    op.create_index("ix_retrofits_change_no", "retrofits", ["change_no"])


def _entry(table: str) -> tuple[sa.Column[object] | sa.PrimaryKeyConstraint, ...]:
    return (
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=f"pk_{table}"),
    )
