"""An alarm of a promise to which nobody comes has no expected arrival."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let the expected arrival be unknown."""
    op.alter_column(
        "promise_alarm", "expected_arrival", existing_type=sa.DateTime(timezone=True), nullable=True
    )


def downgrade() -> None:
    """Expect whoever nobody comes to at the end of the window."""
    op.execute(
        "update promise_alarm set expected_arrival = promise.window_end from promise "
        "where promise.id = promise_alarm.promise_id and promise_alarm.expected_arrival is null"
    )
    op.alter_column(
        "promise_alarm", "expected_arrival", existing_type=sa.DateTime(timezone=True), nullable=False
    )
