"""Times that a phone's unverified clock told do not count before somebody has looked; times are amended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

NAMES = "('travelling_at', 'arrived_at', 'started_at', 'finished_at', 'paused_seconds')"


def upgrade() -> None:
    """Add what waits for a look, and every word about a time; what was told before counts as it did."""
    moment = sa.DateTime(timezone=True)
    waiting = sa.Column("unverified", postgresql.JSONB(), nullable=False, server_default="{}")
    op.add_column("visit", waiting)
    op.alter_column("visit", "unverified", server_default=None)
    op.add_column("visit_event", sa.Column("counts_at", moment, nullable=True))
    op.create_table(
        "time_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("change_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("told", postgresql.JSONB(), nullable=True),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("value", postgresql.JSONB(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", moment, nullable=False),
        sa.CheckConstraint("kind in ('confirmed', 'amended')", name=op.f("ck_time_change_kind")),
        sa.CheckConstraint(f"name in {NAMES}", name=op.f("ck_time_change_name")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_time_change_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_time_change")),
    )
    op.create_index(op.f("ix_time_change_visit_id"), "time_change", ["visit_id"])
    op.create_index("ix_time_change_change_id", "time_change", ["change_id"])
    op.execute(
        "create trigger refuse_change before update or delete on time_change"
        " for each row execute function refuse_change()"
    )


def downgrade() -> None:
    """Forget them; what counts stays."""
    op.drop_table("time_change")
    op.drop_column("visit_event", "counts_at")
    op.drop_column("visit", "unverified")
