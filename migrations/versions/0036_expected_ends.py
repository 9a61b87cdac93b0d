"""A technician says how long work under way will still take."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

COLUMNS = ("expected_end_at", "expected_told_at")


def upgrade() -> None:
    """Add the expected end, and when it was told."""
    for name in COLUMNS:
        op.add_column("visit", sa.Column(name, sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Forget it."""
    for name in COLUMNS:
        op.drop_column("visit", name)
