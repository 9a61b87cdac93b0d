"""Calls, work orders and visits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = (
    "problem_template",
    "repair_call",
    "work_order",
    "visit",
    "visit_transition",
    "visit_event",
)


def upgrade() -> None:
    """Create the tables in the order of their references."""
    _create_problem_template()
    _create_repair_call()
    _create_work_order()
    _create_visit()
    _create_visit_transition()
    _create_visit_event()


def downgrade() -> None:
    """Drop them in reverse."""
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_problem_template() -> None:
    op.create_table(
        "problem_template",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("product_kind", sa.Text(), nullable=False),
        sa.Column("fault_class", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("fault_code", sa.Text(), nullable=False),
        sa.Column("skills", postgresql.JSONB(), nullable=False),
        sa.Column("certificates", postgresql.JSONB(), nullable=False),
        sa.Column("parts", postgresql.JSONB(), nullable=False),
        sa.Column("duration_minutes", sa.Integer(), nullable=False),
        sa.Column("crew_size", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("labour_norm_minutes", sa.Integer(), nullable=False),
        sa.Column("guidance_en", sa.Text(), nullable=True),
        sa.Column("guidance_zh", sa.Text(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_problem_template")),
    )


def _create_repair_call() -> None:
    op.create_table(
        "repair_call",
        sa.Column("serial", sa.Integer(), sa.Identity(always=False, start=100), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=True),
        sa.Column("territory_id", sa.Uuid(), nullable=False),
        sa.Column("template_code", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("demand", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("taken_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state in ('registered', 'assessed', 'closed_remotely', 'cancelled')",
            name=op.f("ck_repair_call_state"),
        ),
        sa.CheckConstraint("received_at >= requested_at", name=op.f("ck_repair_call_received")),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_repair_call_asset_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_repair_call_customer_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_repair_call_site_id")),
        sa.ForeignKeyConstraint(
            ["template_code"], ["problem_template.code"], name=op.f("fk_repair_call_template_code")
        ),
        sa.ForeignKeyConstraint(["territory_id"], ["territory.id"], name=op.f("fk_repair_call_territory_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repair_call")),
        sa.UniqueConstraint("serial", name=op.f("uq_repair_call_serial")),
    )
    op.create_index(op.f("ix_repair_call_asset_id"), "repair_call", ["asset_id"], unique=False)
    op.create_index(op.f("ix_repair_call_customer_id"), "repair_call", ["customer_id"], unique=False)
    op.create_index(op.f("ix_repair_call_territory_id"), "repair_call", ["territory_id"], unique=False)


def _create_work_order() -> None:
    op.create_table(
        "work_order",
        sa.Column("serial", sa.Integer(), sa.Identity(always=False, start=1000), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=True),
        sa.Column("territory_id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fault_class", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("fault_code", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("response_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolution_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("repeat_of_id", sa.Uuid(), nullable=True),
        sa.Column("excluded_technicians", postgresql.JSONB(), nullable=False),
        sa.Column("refused_part_lots", postgresql.JSONB(), nullable=False),
        sa.Column("overrule_reason", sa.Text(), nullable=True),
        sa.Column("estimate_labour_minor", sa.Integer(), nullable=False),
        sa.Column("estimate_parts_minor", sa.Integer(), nullable=False),
        sa.Column("estimate_travel_minor", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("labour_norm_minutes", sa.Integer(), nullable=False),
        sa.Column("waiting_reason", sa.Text(), nullable=True),
        sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("priority between 1 and 5", name=op.f("ck_work_order_priority")),
        sa.ForeignKeyConstraint(["asset_id"], ["asset.id"], name=op.f("fk_work_order_asset_id")),
        sa.ForeignKeyConstraint(["call_id"], ["repair_call.id"], name=op.f("fk_work_order_call_id")),
        sa.ForeignKeyConstraint(["contract_id"], ["contract.id"], name=op.f("fk_work_order_contract_id")),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_work_order_customer_id")),
        sa.ForeignKeyConstraint(["repeat_of_id"], ["work_order.id"], name=op.f("fk_work_order_repeat_of_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_work_order_site_id")),
        sa.ForeignKeyConstraint(["territory_id"], ["territory.id"], name=op.f("fk_work_order_territory_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_order")),
        sa.UniqueConstraint("serial", name=op.f("uq_work_order_serial")),
    )
    op.create_index("ix_work_order_asset_id_opened_at", "work_order", ["asset_id", "opened_at"], unique=False)
    op.create_index(op.f("ix_work_order_call_id"), "work_order", ["call_id"], unique=False)
    op.create_index(op.f("ix_work_order_customer_id"), "work_order", ["customer_id"], unique=False)
    op.create_index(op.f("ix_work_order_territory_id"), "work_order", ["territory_id"], unique=False)


def _create_visit() -> None:
    op.create_table(
        "visit",
        sa.Column("serial", sa.Integer(), sa.Identity(always=False, start=5000), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("skills", postgresql.JSONB(), nullable=False),
        sa.Column("certificates", postgresql.JSONB(), nullable=False),
        sa.Column("parts", postgresql.JSONB(), nullable=False),
        sa.Column("crew_size", sa.Integer(), nullable=False),
        sa.Column("duration_minutes", sa.Integer(), nullable=False),
        sa.Column("required_technician_id", sa.Uuid(), nullable=True),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("planned_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("planned_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("window_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("needs_review", sa.Boolean(), nullable=False),
        sa.Column("billing_hold", sa.Boolean(), nullable=False),
        sa.Column("travelling_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_seconds", sa.Integer(), nullable=False),
        sa.Column("is_solved", sa.Boolean(), nullable=True),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("crew_size between 1 and 4", name=op.f("ck_visit_crew_size")),
        sa.CheckConstraint("duration_minutes between 1 and 1440", name=op.f("ck_visit_duration")),
        sa.ForeignKeyConstraint(
            ["required_technician_id"], ["technician.id"], name=op.f("fk_visit_required_technician_id")
        ),
        sa.ForeignKeyConstraint(["technician_id"], ["technician.id"], name=op.f("fk_visit_technician_id")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_visit_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
        sa.UniqueConstraint("serial", name=op.f("uq_visit_serial")),
        sa.UniqueConstraint("work_order_id", "attempt", name=op.f("uq_visit_work_order_id_attempt")),
    )
    op.create_index("ix_visit_state", "visit", ["state"], unique=False)
    op.create_index(
        "ix_visit_technician_id_planned_start", "visit", ["technician_id", "planned_start"], unique=False
    )


def _create_visit_transition() -> None:
    op.create_table(
        "visit_transition",
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("from_state", "to_state", name=op.f("pk_visit_transition")),
    )


def _create_visit_event() -> None:
    op.create_table(
        "visit_event",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=False),
        sa.Column("to_state", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("device_id", sa.Uuid(), nullable=True),
        sa.Column("op_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_visit_event_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_event")),
    )
    op.create_index(
        "ix_visit_event_visit_id_recorded_at", "visit_event", ["visit_id", "recorded_at"], unique=False
    )
