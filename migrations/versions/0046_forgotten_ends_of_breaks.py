"""A break lasts as long as it was told; an end that was forgotten is not told by the next break (R-509)."""

from __future__ import annotations

from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Where the next break closed one that was never ended, it was over after two hours at the latest."""
    op.execute(
        "update break_taken b set ended_at = b.started_at + interval '2 hours'"
        " where b.ended_at > b.started_at + interval '2 hours'"
        " and exists (select from break_taken n"
        " where n.technician_id = b.technician_id and n.started_at = b.ended_at)"
    )


def downgrade() -> None:
    """What was cut counts as it did before."""
