"""Registered workbooks, their runs, and letters that answer no mail."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("replies") as replies:
        replies.alter_column("mail_id", existing_type=sa.Integer(), nullable=True)
    _create_workbooks()
    _create_runs()
    op.create_table(
        "workbook_letters",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("reply_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["workbook_runs.id"], name="fk_workbook_letters_run_id"),
        sa.ForeignKeyConstraint(["reply_id"], ["replies.id"], name="fk_workbook_letters_reply_id"),
        sa.PrimaryKeyConstraint("run_id", "address", name="pk_workbook_letters"),
    )
    op.create_index("ix_workbook_letters_reply_id", "workbook_letters", ["reply_id"])


def _create_workbooks() -> None:
    op.create_table(
        "registered_workbooks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("content_sha256", sa.Text(), nullable=True),
        sa.Column("share", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("selection", sa.JSON(), nullable=False),
        sa.Column("bindings", sa.JSON(), nullable=False),
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("at", sa.Text(), nullable=False),
        sa.Column("in_place", sa.Boolean(), nullable=False),
        sa.Column("recipients", sa.JSON(), nullable=False),
        sa.Column("keep", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("paused_zh", sa.Text(), nullable=False),
        sa.Column("paused_en", sa.Text(), nullable=False),
        sa.Column("scheduled_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("watermark", sa.BigInteger(), nullable=False),
        sa.Column("trouble_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name="fk_registered_workbooks_owner_id"),
        sa.PrimaryKeyConstraint("id", name="pk_registered_workbooks"),
    )
    op.create_index("ix_registered_workbooks_owner_id", "registered_workbooks", ["owner_id"])


def _create_runs() -> None:
    op.create_table(
        "workbook_runs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workbook_id", sa.Integer(), nullable=False),
        sa.Column("occurrence", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("broken_off", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("base_sha256", sa.Text(), nullable=True),
        sa.Column("result_sha256", sa.Text(), nullable=True),
        sa.Column("result_name", sa.Text(), nullable=False),
        sa.Column("result_kept", sa.Boolean(), nullable=False),
        sa.Column("in_place_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason_zh", sa.Text(), nullable=False),
        sa.Column("reason_en", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["workbook_id"], ["registered_workbooks.id"], name="fk_workbook_runs_workbook_id"),
        sa.PrimaryKeyConstraint("id", name="pk_workbook_runs"),
        sa.UniqueConstraint("workbook_id", "occurrence", name="uq_workbook_runs_workbook_id_occurrence"),
    )
    op.create_index("ix_workbook_runs_state_next_try_at", "workbook_runs", ["state", "next_try_at"])
