"""Days beyond one process: a split, and its parts while they are planned."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create both tables."""
    op.create_table(
        "plan_split",
        sa.Column("territory_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("places", sa.LargeBinary(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("state in ('open', 'joined', 'void')", name=op.f("ck_plan_split_state")),
        sa.ForeignKeyConstraint(["territory_id"], ["territory.id"], name=op.f("fk_plan_split_territory_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["day_plan.id"], name=op.f("fk_plan_split_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_split")),
    )
    op.create_index("ix_plan_split_territory_id_day", "plan_split", ["territory_id", "day"])
    op.create_table(
        "plan_split_part",
        sa.Column("split_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("orders", postgresql.JSONB(), nullable=True),
        sa.Column("stats", postgresql.JSONB(), nullable=True),
        sa.ForeignKeyConstraint(
            ["split_id"], ["plan_split.id"], name=op.f("fk_plan_split_part_split_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("split_id", "number", name=op.f("pk_plan_split_part")),
    )


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("plan_split_part")
    op.drop_table("plan_split")
