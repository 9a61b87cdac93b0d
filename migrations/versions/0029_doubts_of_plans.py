"""A plan says what it does against a rule because of a lock."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add doubts; nobody knows those of plans from before. Programs of then write none: the default stays."""
    op.add_column("day_plan", sa.Column("doubts", JSONB(), nullable=False, server_default="[]"))


def downgrade() -> None:
    """Forget them."""
    op.drop_column("day_plan", "doubts")
