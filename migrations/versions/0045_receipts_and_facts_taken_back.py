"""Receipts that phones gave before they had contact have numbers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them; before this no phone gave such a receipt."""
    op.add_column("payment", sa.Column("provisional_number", sa.Text(), nullable=True))
    op.create_index("ix_payment_provisional_number", "payment", ["provisional_number"])


def downgrade() -> None:
    """Forget them."""
    op.drop_index("ix_payment_provisional_number", "payment")
    op.drop_column("payment", "provisional_number")
