"""What a voucher tells was paid from collected money is booked on the technician's account (R-603)."""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

KIND = "ck_keeper_entry_kind"


def upgrade() -> None:
    """Know a fourth kind of booking."""
    op.drop_constraint(KIND, "keeper_entry")
    op.create_check_constraint(
        op.f(KIND), "keeper_entry", "kind in ('handed_in', 'voucher', 'difference', 'settled')"
    )


def downgrade() -> None:
    """Count what vouchers told as handed in; the sums of the account stay."""
    op.execute("alter table keeper_entry disable trigger refuse_change")
    op.execute("update keeper_entry set kind = 'handed_in' where kind = 'voucher'")
    op.execute("alter table keeper_entry enable trigger refuse_change")
    op.drop_constraint(KIND, "keeper_entry")
    op.create_check_constraint(op.f(KIND), "keeper_entry", "kind in ('handed_in', 'difference', 'settled')")
