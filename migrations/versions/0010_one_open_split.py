"""One open split of a day at a time, and the run that asked for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Keep the newest open split of each day; empty what finished ones no longer need."""
    op.add_column("plan_split", sa.Column("run_id", sa.Uuid(), nullable=True))
    op.execute(
        "update plan_split set state = 'void' where state = 'open' and id not in ("
        "select distinct on (territory_id, day) id from plan_split where state = 'open'"
        " order by territory_id, day, created_at desc, id desc)"
    )
    op.execute(
        "delete from plan_split_part where split_id in (select id from plan_split where state = 'void')"
    )
    op.execute("update plan_split set places = '' where state <> 'open'")
    op.create_index(
        "uq_plan_split_open",
        "plan_split",
        ["territory_id", "day"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )


def downgrade() -> None:
    """Allow several open splits again."""
    op.drop_index("uq_plan_split_open", table_name="plan_split")
    op.drop_column("plan_split", "run_id")
