"""Rollups: the figures of settled cases, added up by month."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_SUMS = {
    "case_months": (
        "failures", "closed", "close_days", "unanswered", "responded", "response", "arrived", "arrival", "repaired",
        "repair", "planned", "overdue", "judged", "fixed", "decided", "repeated", "watched", "returned", "duplicates",
        "in_warranty", "out_of_warranty",
    ),
    "case_modes": ("failures", "counted", "repeated"),
    "case_backlogs": ("open", "over_90_days"),
}  # fmt: skip
_PLACE = ("station", "customer", "vehicle_type", "system")
_KEYS = {
    "case_months": (*_PLACE, "severity"),
    "case_modes": (*_PLACE, "part", "failure_mode"),
    "case_backlogs": (*_PLACE, "stage", "age"),
}


def upgrade() -> None:
    op.create_table(
        "case_standings",
        sa.Column("record_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("entered", sa.Integer(), nullable=False),
        sa.Column("settled", sa.Integer(), nullable=False),
        sa.Column("repeated", sa.Boolean(), nullable=False),
        sa.Column("followed", sa.Boolean(), nullable=False),
        sa.Column("duplicate", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["record_id"], ["records.id"], name="fk_case_standings_record_id"),
        sa.PrimaryKeyConstraint("record_id", name="pk_case_standings"),
    )
    op.create_index("ix_case_standings_settled_entered", "case_standings", ["settled", "entered"])
    for name, keys in _KEYS.items():
        columns = [
            sa.Column(key, sa.Integer() if key == "age" else sa.Text(), autoincrement=False, nullable=False)
            for key in keys
        ]
        op.create_table(
            name,
            sa.Column("month", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column("settled", sa.Integer(), autoincrement=False, nullable=False),
            *columns,
            *(sa.Column(sum_, sa.BigInteger(), nullable=False) for sum_ in _SUMS[name]),
            sa.PrimaryKeyConstraint("month", "settled", *keys, name=f"pk_{name}"),
        )
    op.create_table(
        "rollup_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("made_for", sa.Text(), nullable=False),
        sa.Column("records_to", sa.Integer(), nullable=False),
        sa.Column("records_end", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("folded", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rollup_state"),
    )
