"""What lies on disk is known again: the digest of stored files, beside that of what was sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

TABLES = ("attachment", "inquiry_file")


def upgrade() -> None:
    """Add digests; files from before have none, since a database cannot read them."""
    for table in TABLES:
        op.add_column(table, sa.Column("stored_sha256", sa.Text(), nullable=True))


def downgrade() -> None:
    """Forget them."""
    for table in TABLES:
        op.drop_column(table, "stored_sha256")
