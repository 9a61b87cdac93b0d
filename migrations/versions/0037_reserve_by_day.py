"""What a day keeps for emergencies may differ by weekday and date."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Every day as before."""
    column = sa.Column("emergency_reserve_days", JSONB(), nullable=False, server_default="{}")
    op.add_column("territory", column)
    op.alter_column("territory", "emergency_reserve_days", server_default=None)


def downgrade() -> None:
    """All days alike."""
    op.drop_column("territory", "emergency_reserve_days")
