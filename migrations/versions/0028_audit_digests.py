"""A damaged entry of the trail of access is known: each has the digest of what it says."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add digests; entries from before have none."""
    op.add_column("audit_entry", sa.Column("sha256", sa.Text(), nullable=True))


def downgrade() -> None:
    """Forget them."""
    op.drop_column("audit_entry", "sha256")
