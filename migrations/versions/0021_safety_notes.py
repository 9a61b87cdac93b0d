"""What whoever goes to a site must mind."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add notes of safety, empty for all sites."""
    op.add_column("site", sa.Column("safety_notes", sa.Text(), nullable=False, server_default=""))
    op.alter_column("site", "safety_notes", server_default=None)


def downgrade() -> None:
    """Forget them."""
    op.drop_column("site", "safety_notes")
