"""Promises know whom the customer asked for by name; faults have a norm of parts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

NORMED = ("problem_template", "work_order")


def upgrade() -> None:
    """Nobody was promised by name before, and no norm was told."""
    op.add_column(
        "promise",
        sa.Column(
            "named_technician_id",
            sa.Uuid(),
            sa.ForeignKey("technician.id", name=op.f("fk_promise_named_technician_id")),
            nullable=True,
        ),
    )
    for table in NORMED:
        op.add_column(table, sa.Column("parts_norm_minor", sa.Integer(), nullable=True))


def downgrade() -> None:
    """The visit still needs the technician."""
    for table in NORMED:
        op.drop_column(table, "parts_norm_minor")
    op.drop_column("promise", "named_technician_id")
