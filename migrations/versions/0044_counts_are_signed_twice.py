"""What a count of a van finds is booked to its keeper when two people have signed (R-603)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

TABLE = "stock_count"
COLUMNS = ("state", "is_keepers", "serials", "decided_by", "decided_at", "refusal")


def upgrade() -> None:
    """What was counted before was booked when it was told."""
    op.add_column(TABLE, sa.Column("state", sa.Text(), nullable=True))
    op.add_column(TABLE, sa.Column("is_keepers", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.alter_column(TABLE, "is_keepers", server_default=None)
    op.add_column(TABLE, sa.Column("serials", postgresql.JSONB(), nullable=True))
    op.add_column(TABLE, sa.Column("decided_by", sa.Uuid(), nullable=True))
    op.add_column(TABLE, sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(TABLE, sa.Column("refusal", sa.Text(), nullable=True))
    op.execute("update stock_count set state = case when counted = expected then 'even' else 'booked' end")
    op.alter_column(TABLE, "state", nullable=False)
    op.create_check_constraint("state", TABLE, "state in ('even', 'open', 'booked', 'refused', 'overtaken')")
    op.create_check_constraint("refusal", TABLE, "(state = 'refused') = (refusal is not null)")
    op.create_check_constraint("open", TABLE, "state <> 'open' or technician_id is not null")
    op.create_index(
        "uq_stock_count_open",
        TABLE,
        ["technician_id", "part_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )


def downgrade() -> None:
    """What waits for a second signature stays a count that moved nothing."""
    op.drop_index("uq_stock_count_open", TABLE)
    for name in ("open", "refusal", "state"):
        op.drop_constraint(name, TABLE, type_="check")
    op.execute("delete from office_reminder where kind = 'open_count'")
    for name in COLUMNS:
        op.drop_column(TABLE, name)
