"""A technician says how long work under way will still take."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the expected end, and every word of it."""
    moment = sa.DateTime(timezone=True)
    op.add_column("visit", sa.Column("expected_end_at", moment, nullable=True))
    op.create_table(
        "end_told",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("told_at", moment, nullable=False),
        sa.Column("expected_end_at", moment, nullable=False),
        sa.Column("recorded_at", moment, nullable=False),
        sa.Column("op_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_end_told_visit_id")),
        sa.ForeignKeyConstraint(["technician_id"], ["technician.id"], name=op.f("fk_end_told_technician_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_end_told")),
        sa.UniqueConstraint("op_id", name=op.f("uq_end_told_op_id")),
    )
    op.create_index(op.f("ix_end_told_visit_id"), "end_told", ["visit_id"])


def downgrade() -> None:
    """Forget it."""
    op.drop_table("end_told")
    op.drop_column("visit", "expected_end_at")
