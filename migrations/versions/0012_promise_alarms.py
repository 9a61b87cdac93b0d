"""Promises in danger, what customers say and get, and jobs that recur within a day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables; watch the promises of the day every five minutes (R-503, R-802)."""
    op.create_table(
        "promise_alarm",
        sa.Column("promise_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("territory_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("expected_arrival", MOMENT, nullable=False),
        sa.Column("told_at", MOMENT, nullable=True),
        sa.Column("recovered_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("acknowledged_at", MOMENT, nullable=True),
        sa.Column("acknowledged_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "outcome in ('kept', 'broken', 'replaced', 'cancelled')", name=op.f("ck_promise_alarm_outcome")
        ),
        sa.ForeignKeyConstraint(["promise_id"], ["promise.id"], name=op.f("fk_promise_alarm_promise_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_promise_alarm_visit_id")),
        sa.ForeignKeyConstraint(
            ["territory_id"], ["territory.id"], name=op.f("fk_promise_alarm_territory_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promise_alarm")),
        sa.UniqueConstraint("promise_id", name=op.f("uq_promise_alarm_promise_id")),
    )
    op.create_index("ix_promise_alarm_day", "promise_alarm", ["territory_id", "day"])
    op.create_table(
        "compensation",
        sa.Column("promise_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_compensation_amount")),
        sa.CheckConstraint("state in ('proposed', 'granted', 'refused')", name=op.f("ck_compensation_state")),
        sa.ForeignKeyConstraint(["promise_id"], ["promise.id"], name=op.f("fk_compensation_promise_id")),
        sa.ForeignKeyConstraint(
            ["work_order_id"], ["work_order.id"], name=op.f("fk_compensation_work_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_compensation")),
        sa.UniqueConstraint("promise_id", "rule", name=op.f("uq_compensation_promise_id_rule")),
    )
    op.create_index(op.f("ix_compensation_work_order_id"), "compensation", ["work_order_id"])
    op.create_table(
        "customer_answer",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("promise_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "kind in ('confirmed', 'moved', 'cancelled')", name=op.f("ck_customer_answer_kind")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_customer_answer_visit_id")),
        sa.ForeignKeyConstraint(["promise_id"], ["promise.id"], name=op.f("fk_customer_answer_promise_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_answer")),
        sa.UniqueConstraint("promise_id", "kind", name=op.f("uq_customer_answer_promise_id_kind")),
    )
    op.create_index(op.f("ix_customer_answer_visit_id"), "customer_answer", ["visit_id"])
    op.add_column("schedule", sa.Column("every_minutes", sa.Integer(), nullable=True))
    op.execute(
        """
        insert into schedule (
            name, kind, timezone, minute_of_day, day_offset, catch_up_days, payload, is_active, every_minutes
        )
        values ('watch-promises', 'planning.watch_promises', 'UTC', 0, 0, 0, '{}', true, 5)
        """
    )


def downgrade() -> None:
    """Watch no more, and forget what was seen and given."""
    op.execute("delete from schedule where name = 'watch-promises'")
    op.drop_column("schedule", "every_minutes")
    op.drop_table("customer_answer")
    op.drop_table("compensation")
    op.drop_table("promise_alarm")
