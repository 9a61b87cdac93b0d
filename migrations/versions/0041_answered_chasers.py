"""Chasers are taken in hand and answered; whoever waits for an answer is looked at every minute."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
SCHEDULE = """
    insert into schedule (
        name, kind, timezone, minute_of_day, day_offset, catch_up_days, payload, is_active, every_minutes
    )
    values ('remind-answers', 'intake.remind', 'UTC', 0, 0, 0, '{}', true, 1)
"""


def upgrade() -> None:
    """Nobody is known to have taken or answered a chaser before."""
    op.add_column("chaser", sa.Column("taken_by", sa.Uuid(), nullable=True))
    op.add_column("chaser", sa.Column("taken_at", MOMENT, nullable=True))
    op.add_column("chaser", sa.Column("answered_by", sa.Uuid(), nullable=True))
    op.add_column("chaser", sa.Column("answered_at", MOMENT, nullable=True))
    op.add_column("chaser", sa.Column("told", sa.Text(), nullable=False, server_default=""))
    op.alter_column("chaser", "told", server_default=None)
    op.add_column("chaser", sa.Column("promise_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_chaser_promise_id"), "chaser", "promise", ["promise_id"], ["id"])
    op.execute(SCHEDULE)


def downgrade() -> None:
    """Chasers are only noted; nobody is reminded of those who wait."""
    op.execute("delete from schedule where name = 'remind-answers'")
    op.execute("delete from office_reminder where kind = 'answer'")
    op.drop_constraint(op.f("fk_chaser_promise_id"), "chaser")
    for name in ("promise_id", "told", "answered_at", "answered_by", "taken_at", "taken_by"):
        op.drop_column("chaser", name)
