"""Who is asked about a part that is not approved says so, or refuses it (R-507)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add whom a case waits for, and what became of a part's approval; earlier ones were not asked about."""
    op.add_column("review_case", sa.Column("assigned_to", sa.Uuid(), nullable=True))
    op.add_column("part_use", sa.Column("approval", sa.Text(), nullable=True))
    op.create_check_constraint(
        "approval", "part_use", "approval is null or approval in ('asked', 'confirmed', 'refused')"
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_constraint("approval", "part_use", type_="check")
    op.drop_column("part_use", "approval")
    op.drop_column("review_case", "assigned_to")
