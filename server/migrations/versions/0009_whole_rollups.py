"""Rollups anew: ordered by month, and added up over all that has settled."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
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
_NUMBERS = ("month", "settled", "age")


def upgrade() -> None:
    """They hold nothing that is not made anew from the kept revisions: the old ones may go."""
    op.execute("DELETE FROM rollup_state")
    op.execute("DELETE FROM case_standings")
    with op.batch_alter_table("case_standings") as standings:
        standings.add_column(sa.Column("open", sa.Boolean(), nullable=False))
    opened = sa.text("open")
    op.create_index("ix_case_standings_open", "case_standings", ["open"], sqlite_where=opened, postgresql_where=opened)
    for name in _KEYS:
        op.drop_table(name)
        _create(name, name, "settled")
        _create(f"whole_{name}", name)


def _create(table: str, name: str, *more: str) -> None:
    keys = ("month", *_KEYS[name], *more)
    op.create_table(
        table,
        *(
            sa.Column(key, sa.Integer() if key in _NUMBERS else sa.Text(), autoincrement=False, nullable=False)
            for key in keys
        ),
        *(sa.Column(sum_, sa.BigInteger(), nullable=False) for sum_ in _SUMS[name]),
        sa.PrimaryKeyConstraint(*keys, name=f"pk_{table}"),
        sqlite_with_rowid=False,
    )
