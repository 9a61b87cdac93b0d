"""Promises name whom the customer asked for; faults have a norm of parts; some are helped to pay."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

NORMED = ("problem_template", "work_order")
SCHEDULE = """
    insert into schedule (
        name, kind, timezone, minute_of_day, day_offset, catch_up_days, payload, is_active, every_minutes
    )
    values ('remind-of-help', 'billing.remind_of_help', 'UTC', 0, 0, 0, '{}', true, 15)
"""


def upgrade() -> None:
    """Nobody was promised by name before, and no norm was told; promises are looked for by their day."""
    op.create_index("ix_promise_window_start", "promise", ["window_start"])
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
    op.execute(SCHEDULE)


def downgrade() -> None:
    """The visit still needs the technician."""
    op.drop_index("ix_promise_window_start", table_name="promise")
    op.execute("delete from schedule where name = 'remind-of-help'")
    for table in NORMED:
        op.drop_column(table, "parts_norm_minor")
    op.drop_column("promise", "named_technician_id")
