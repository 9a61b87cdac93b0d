"""A part's approver is asked (R-507); hand-ins tell what of a van was not counted (R-603)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them; about earlier parts nobody was asked, and earlier days are not counted any more."""
    op.add_column("review_case", sa.Column("assigned_to", sa.Uuid(), nullable=True))
    op.add_column("part_use", sa.Column("approval", sa.Text(), nullable=True))
    op.create_check_constraint(
        "approval", "part_use", "approval is null or approval in ('asked', 'confirmed', 'refused')"
    )
    uncounted = sa.Column("van_uncounted", postgresql.JSONB(), nullable=False, server_default="[]")
    op.add_column("hand_in", uncounted)
    op.add_column("hand_in", sa.Column("van_reason", sa.Text(), nullable=False, server_default=""))
    for column in ("van_uncounted", "van_reason"):
        op.alter_column("hand_in", column, server_default=None)
    op.create_index("ix_stock_count_technician_id_counted_at", "stock_count", ["technician_id", "counted_at"])


def downgrade() -> None:
    """Forget them."""
    op.drop_index("ix_stock_count_technician_id_counted_at", "stock_count")
    op.execute("delete from office_reminder where kind = 'van_count'")
    op.drop_column("hand_in", "van_reason")
    op.drop_column("hand_in", "van_uncounted")
    op.drop_constraint("approval", "part_use", type_="check")
    op.drop_column("part_use", "approval")
    op.drop_column("review_case", "assigned_to")
