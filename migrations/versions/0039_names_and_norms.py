"""Promises know whom the customer asked for by name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody was promised by name before."""
    op.add_column(
        "promise",
        sa.Column(
            "named_technician_id",
            sa.Uuid(),
            sa.ForeignKey("technician.id", name=op.f("fk_promise_named_technician_id")),
            nullable=True,
        ),
    )


def downgrade() -> None:
    """The visit still needs the technician."""
    op.drop_column("promise", "named_technician_id")
