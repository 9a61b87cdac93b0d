"""A run says how far it is, and can be called off while it runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both; runs from before have neither."""
    op.add_column("job_run", sa.Column("progress", postgresql.JSONB(), nullable=True))
    op.add_column("job_run", sa.Column("called_off_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Forget them."""
    op.drop_column("job_run", "called_off_at")
    op.drop_column("job_run", "progress")
