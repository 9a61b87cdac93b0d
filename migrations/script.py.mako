"""${message}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say what the new code needs."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Say how to go back."""
    ${downgrades if downgrades else "pass"}
