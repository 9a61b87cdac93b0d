"""Receipts that phones gave have numbers; approvals, consents and files can be taken back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them; before this no phone gave such a receipt, and nothing of the kind was taken back."""
    op.add_column("payment", sa.Column("provisional_number", sa.Text(), nullable=True))
    op.create_index("ix_payment_provisional_number", "payment", ["provisional_number"])
    op.create_table(
        "withdrawal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("op_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("subject in ('approval', 'consent', 'file')", name=op.f("ck_withdrawal_subject")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_withdrawal_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_withdrawal")),
        sa.UniqueConstraint("op_id", name=op.f("uq_withdrawal_op_id")),
    )
    op.create_index("ix_withdrawal_visit_id", "withdrawal", ["visit_id"])
    op.create_index(
        "uq_withdrawal_subject_id",
        "withdrawal",
        ["subject_id"],
        unique=True,
        postgresql_where=sa.text("subject <> 'file'"),
    )
    op.execute(
        "create trigger refuse_change before update or delete on withdrawal"
        " for each row execute function refuse_change()"
    )
    for table in ("declared_file", "checklist_answer"):
        op.add_column(table, sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """What was taken back counts again; the case that tells of it stays."""
    for table in ("checklist_answer", "declared_file"):
        op.drop_column(table, "withdrawn_at")
    op.drop_table("withdrawal")
    op.drop_index("ix_payment_provisional_number", "payment")
    op.drop_column("payment", "provisional_number")
