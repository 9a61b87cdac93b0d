"""An accepted visit may be taken back by the desk: it is moved to another day, or left out of a new plan."""

from __future__ import annotations

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Permit the step."""
    op.execute("insert into visit_transition (from_state, to_state) values ('accepted', 'unplanned')")


def downgrade() -> None:
    """Refuse it again."""
    op.execute("delete from visit_transition where from_state = 'accepted' and to_state = 'unplanned'")
