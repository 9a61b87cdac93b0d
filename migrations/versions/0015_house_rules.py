"""Rules of the house, marks of customers, loaner units, and what the house pays for itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
EMPTY = (("contract", "house_rules", "{}"), ("site", "peak_months", "[]"), ("site", "peak_hours", "[]"))
SCHEDULES = """
    insert into schedule (
        name, kind, timezone, minute_of_day, day_offset, catch_up_days, payload, is_active, every_minutes
    )
    values ('clocked-messages', 'messages.clocked', 'UTC', 0, 0, 0, '{}', true, 15),
           ('chase-loaners', 'loaners.chase', 'UTC', 360, 0, 1, '{}', true, null)
"""


def upgrade() -> None:
    """Every rule as in the rule book; nobody is marked, no unit is lent."""
    op.create_table(
        "house_rules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("values", postgresql.JSONB(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_house_rules")),
    )
    for table, column, value in EMPTY:
        op.add_column(table, sa.Column(column, postgresql.JSONB(), nullable=False, server_default=value))
        op.alter_column(table, column, server_default=None)
    op.add_column("work_order", sa.Column("goodwill_reason", sa.Text(), nullable=True))
    op.add_column("promise_alarm", sa.Column("followed_up_at", MOMENT, nullable=True))
    op.add_column("promise_alarm", sa.Column("followed_up_by", sa.Uuid(), nullable=True))
    op.add_column("promise_alarm", sa.Column("follow_up_note", sa.Text(), nullable=False, server_default=""))
    op.alter_column("promise_alarm", "follow_up_note", server_default=None)
    _marks()
    _loaners()
    op.execute(SCHEDULES)


def _marks() -> None:
    op.create_table(
        "customer_mark",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("minutes_late", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reason_by", sa.Uuid(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind in ('no_show', 'late')", name=op.f("ck_customer_mark_kind")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_customer_mark_customer_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_customer_mark_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_mark")),
        sa.UniqueConstraint("visit_id", "kind", name=op.f("uq_customer_mark_visit_id_kind")),
    )
    op.create_index(op.f("ix_customer_mark_customer_id"), "customer_mark", ["customer_id"])


def _loaners() -> None:
    op.create_table(
        "loaner_unit",
        sa.Column("territory_id", sa.Uuid(), nullable=False),
        sa.Column("product_kind", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("serial", sa.Text(), nullable=False),
        sa.Column("charge_minor", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state in ('available', 'reserved', 'out', 'lost', 'retired')", name=op.f("ck_loaner_unit_state")
        ),
        sa.CheckConstraint("charge_minor >= 0", name=op.f("ck_loaner_unit_charge")),
        sa.ForeignKeyConstraint(["territory_id"], ["territory.id"], name=op.f("fk_loaner_unit_territory_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loaner_unit")),
        sa.UniqueConstraint("serial", name=op.f("uq_loaner_unit_serial")),
    )
    op.create_index(op.f("ix_loaner_unit_territory_id"), "loaner_unit", ["territory_id"])
    op.create_table(
        "loan",
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("delivery_order_id", sa.Uuid(), nullable=True),
        sa.Column("pickup_order_id", sa.Uuid(), nullable=True),
        sa.Column("wanted_at", MOMENT, nullable=False),
        sa.Column("delivered_at", MOMENT, nullable=True),
        sa.Column("due_back_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("settlement_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state in ('wanted', 'reserved', 'out', 'returning', 'returned', 'lost', 'cancelled')",
            name=op.f("ck_loan_state"),
        ),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_loan_work_order_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["loaner_unit.id"], name=op.f("fk_loan_unit_id")),
        sa.ForeignKeyConstraint(
            ["delivery_order_id"], ["work_order.id"], name=op.f("fk_loan_delivery_order_id")
        ),
        sa.ForeignKeyConstraint(["pickup_order_id"], ["work_order.id"], name=op.f("fk_loan_pickup_order_id")),
        sa.ForeignKeyConstraint(["settlement_id"], ["settlement.id"], name=op.f("fk_loan_settlement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_loan")),
    )
    running = sa.text("state in ('wanted', 'reserved', 'out', 'returning')")
    op.create_index("uq_loan_running", "loan", ["work_order_id"], unique=True, postgresql_where=running)
    op.create_index("uq_loan_unit", "loan", ["unit_id"], unique=True, postgresql_where=running)


def downgrade() -> None:
    """Forget all of it."""
    op.execute("delete from schedule where name in ('clocked-messages', 'chase-loaners')")
    op.drop_table("loan")
    op.drop_table("loaner_unit")
    op.drop_table("customer_mark")
    for column in ("follow_up_note", "followed_up_by", "followed_up_at"):
        op.drop_column("promise_alarm", column)
    op.drop_column("work_order", "goodwill_reason")
    for table, column, _ in EMPTY:
        op.drop_column(table, column)
    op.drop_table("house_rules")
