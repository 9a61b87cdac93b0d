"""The promise ledger and day plans."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = (
    "promise",
    "day_plan",
    "plan_head",
    "plan_stop",
    "plan_unserved",
    "plan_lock",
    "booking",
)


def upgrade() -> None:
    """Create the tables in the order of their references."""
    op.execute("create extension if not exists btree_gist")
    _create_promise()
    _create_day_plan()
    _create_plan_head()
    _create_plan_stop()
    _create_plan_unserved()
    _create_plan_lock()
    _create_booking()


def downgrade() -> None:
    """Drop them in reverse."""
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_promise() -> None:
    op.create_table(
        "promise",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("promised_by", sa.Uuid(), nullable=True),
        sa.Column("promised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("slot_cost_minor", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("is_reservation", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("window_end > window_start", name=op.f("ck_promise_window")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_promise_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promise")),
        sa.UniqueConstraint("visit_id", "ordinal", name=op.f("uq_promise_visit_id_ordinal")),
    )


def _create_day_plan() -> None:
    op.create_table(
        "day_plan",
        sa.Column("territory_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=True),
        sa.Column("engine", sa.Text(), nullable=True),
        sa.Column("cost_by_term", postgresql.JSONB(), nullable=False),
        sa.Column("stats", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state in ('draft', 'proposed', 'published', 'superseded', 'rejected')",
            name=op.f("ck_day_plan_state"),
        ),
        sa.ForeignKeyConstraint(["territory_id"], ["territory.id"], name=op.f("fk_day_plan_territory_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_day_plan")),
    )
    op.create_index("ix_day_plan_territory_id_day", "day_plan", ["territory_id", "day"], unique=False)


def _create_plan_head() -> None:
    op.create_table(
        "plan_head",
        sa.Column("territory_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("working_plan_id", sa.Uuid(), nullable=True),
        sa.Column("published_plan_id", sa.Uuid(), nullable=True),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["published_plan_id"], ["day_plan.id"], name=op.f("fk_plan_head_published_plan_id")
        ),
        sa.ForeignKeyConstraint(["territory_id"], ["territory.id"], name=op.f("fk_plan_head_territory_id")),
        sa.ForeignKeyConstraint(
            ["working_plan_id"], ["day_plan.id"], name=op.f("fk_plan_head_working_plan_id")
        ),
        sa.PrimaryKeyConstraint("territory_id", "day", name=op.f("pk_plan_head")),
    )


def _create_plan_stop() -> None:
    op.create_table(
        "plan_stop",
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("arrival", sa.DateTime(timezone=True), nullable=False),
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("travel_seconds", sa.Integer(), nullable=False),
        sa.Column("travel_metres", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["day_plan.id"], name=op.f("fk_plan_stop_plan_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technician.id"], name=op.f("fk_plan_stop_technician_id")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_plan_stop_visit_id")),
        sa.PrimaryKeyConstraint("plan_id", "visit_id", name=op.f("pk_plan_stop")),
        sa.UniqueConstraint(
            "plan_id", "technician_id", "position", name=op.f("uq_plan_stop_plan_id_technician_id_position")
        ),
    )


def _create_plan_unserved() -> None:
    op.create_table(
        "plan_unserved",
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["day_plan.id"], name=op.f("fk_plan_unserved_plan_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_plan_unserved_visit_id")),
        sa.PrimaryKeyConstraint("plan_id", "visit_id", name=op.f("pk_plan_unserved")),
    )


def _create_plan_lock() -> None:
    op.create_table(
        "plan_lock",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("locked_by", sa.Uuid(), nullable=True),
        sa.Column("locked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "technician_id is not null or start is not null", name=op.f("ck_plan_lock_something")
        ),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technician.id"], name=op.f("fk_plan_lock_technician_id")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_plan_lock_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_lock")),
        sa.UniqueConstraint("visit_id", name=op.f("uq_plan_lock_visit_id")),
    )


def _create_booking() -> None:
    op.create_table(
        "booking",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("plan_id", sa.Uuid(), nullable=False),
        sa.Column("during", postgresql.TSTZRANGE(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("technician_id"), "="),
            (sa.column("during"), "&&"),
            deferrable=True,
            initially="DEFERRED",
            using="gist",
            name="ex_booking_technician",
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["day_plan.id"], name=op.f("fk_booking_plan_id")),
        sa.ForeignKeyConstraint(["technician_id"], ["technician.id"], name=op.f("fk_booking_technician_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_booking_visit_id")),
        sa.PrimaryKeyConstraint("visit_id", name=op.f("pk_booking")),
    )
    op.create_index("ix_booking_plan_id", "booking", ["plan_id"], unique=False)
