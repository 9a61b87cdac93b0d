"""A checklist about safety is answered before work begins."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the mark; checklists of before are answered before the end of work, as ever."""
    mark = sa.Column("is_before_work", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("checklist", mark)
    op.alter_column("checklist", "is_before_work", server_default=None)


def downgrade() -> None:
    """Forget it."""
    op.drop_column("checklist", "is_before_work")
