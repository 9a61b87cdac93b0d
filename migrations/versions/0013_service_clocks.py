"""Business calendars of contracts, pauses of their clocks, steps of escalation, and chasers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables; contracts so far run around the clock and wait for the customer alone (R-401)."""
    op.create_table(
        "service_calendar",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hours", postgresql.JSONB(), nullable=False),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("subdivision", sa.Text(), nullable=True),
        sa.Column("days_worked", postgresql.JSONB(), nullable=False),
        sa.Column("days_off", postgresql.JSONB(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_calendar")),
        sa.UniqueConstraint("code", name=op.f("uq_service_calendar_code")),
    )
    op.add_column("contract", sa.Column("calendar_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_contract_calendar_id"), "contract", "service_calendar", ["calendar_id"], ["id"]
    )
    op.add_column(
        "contract",
        sa.Column("pauses_for", postgresql.JSONB(), nullable=False, server_default='["customer"]'),
    )
    op.alter_column("contract", "pauses_for", server_default=None)
    op.create_table(
        "service_pause",
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("shifted_seconds", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("ended_at >= started_at", name=op.f("ck_service_pause_order")),
        sa.ForeignKeyConstraint(
            ["work_order_id"], ["work_order.id"], name=op.f("fk_service_pause_work_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_pause")),
    )
    op.create_index(
        "ix_service_pause_open",
        "service_pause",
        ["work_order_id"],
        unique=True,
        postgresql_where=sa.text("ended_at is null"),
    )
    op.create_table(
        "service_step",
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("reached_at", MOMENT, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind in ('response', 'resolution')", name=op.f("ck_service_step_kind")),
        sa.ForeignKeyConstraint(
            ["work_order_id"], ["work_order.id"], name=op.f("fk_service_step_work_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_step")),
        sa.UniqueConstraint(
            "work_order_id", "kind", "percent", name=op.f("uq_service_step_work_order_id_kind_percent")
        ),
    )
    op.add_column("repair_call", sa.Column("answered_at", MOMENT, nullable=True))
    op.create_table(
        "chaser",
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("is_escalated", sa.Boolean(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_chaser_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chaser")),
        sa.UniqueConstraint("work_order_id", "ordinal", name=op.f("uq_chaser_work_order_id_ordinal")),
    )


def downgrade() -> None:
    """Forget calendars, pauses, steps and chasers."""
    op.drop_table("chaser")
    op.drop_column("repair_call", "answered_at")
    op.drop_table("service_step")
    op.drop_table("service_pause")
    op.drop_column("contract", "pauses_for")
    op.drop_column("contract", "calendar_id")
    op.drop_table("service_calendar")
