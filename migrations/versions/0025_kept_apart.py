"""Pieces are found by serial number; differences of days before the account existed are nobody's debt."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

SETTLED = """
    insert into keeper_entry (id, technician_id, hand_in_id, kind, method, currency, amount_minor, reason,
                              booked_by, booked_at, source)
    select gen_random_uuid(), technician_id, null, 'settled', method, currency,
           earlier - case when earlier > 0 then least(greatest(settled, 0), earlier)
                          else greatest(least(settled, 0), earlier) end,
           'closed before the account existed', null, now(),
           'before_account:' || technician_id || ':' || method || ':' || currency
    from (
        select technician_id, method, currency,
               coalesce(sum(amount_minor) filter (where kind = 'settled'), 0) as settled,
               coalesce(sum(amount_minor) filter (
                   where kind = 'difference'
                     and not exists (
                         select from hand_in_receipt where hand_in_receipt.hand_in_id = entry.hand_in_id
                     )
               ), 0) as earlier
        from keeper_entry as entry
        group by technician_id, method, currency
    ) as sums
    where (earlier > 0 and settled < earlier) or (earlier < 0 and settled > earlier)
"""
"""What was closed has no receipt of a cashier; what finance settled since counts for the oldest first."""


def upgrade() -> None:
    """Settle what the account took over from days that were closed before it existed, and no more."""
    op.create_index(
        "ix_stock_movement_part_id_serial",
        "stock_movement",
        ["part_id", "serial"],
        postgresql_where=sa.text("serial is not null"),
    )
    op.execute(SETTLED)


def downgrade() -> None:
    """Take the settlements back."""
    op.execute("alter table keeper_entry disable trigger refuse_change")
    op.execute("delete from keeper_entry where source like 'before_account:%'")
    op.execute("alter table keeper_entry enable trigger refuse_change")
    op.drop_index("ix_stock_movement_part_id_serial", "stock_movement")
