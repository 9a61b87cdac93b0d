"""Windows held for a caller, and what each territory keeps free for emergencies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of holds; keep fifteen per cent of each day for emergencies (R-308)."""
    op.create_table(
        "slot_hold",
        sa.Column("territory_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("window_end", sa.DateTime(timezone=True), nullable=False),
        sa.Column("skills", postgresql.JSONB(), nullable=False),
        sa.Column("certificates", postgresql.JSONB(), nullable=False),
        sa.Column("parts", postgresql.JSONB(), nullable=False),
        sa.Column("excluded_technicians", postgresql.JSONB(), nullable=False),
        sa.Column("required_technician_id", sa.Uuid(), nullable=True),
        sa.Column("duration_minutes", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("expected_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cost_minor", sa.Integer(), nullable=False),
        sa.Column("held_by", sa.Uuid(), nullable=True),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("window_end > window_start", name=op.f("ck_slot_hold_window")),
        sa.CheckConstraint("duration_minutes between 1 and 1440", name=op.f("ck_slot_hold_duration")),
        sa.ForeignKeyConstraint(["territory_id"], ["territory.id"], name=op.f("fk_slot_hold_territory_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_slot_hold_site_id")),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technician.id"], name=op.f("fk_slot_hold_technician_id")
        ),
        sa.ForeignKeyConstraint(
            ["required_technician_id"], ["technician.id"], name=op.f("fk_slot_hold_required_technician_id")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_slot_hold_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slot_hold")),
    )
    op.create_index(
        "ix_slot_hold_open",
        "slot_hold",
        ["territory_id", "day", "expires_at"],
        postgresql_where=sa.text("released_at is null and visit_id is null"),
    )
    op.add_column(
        "territory",
        sa.Column("emergency_reserve_percent", sa.Integer(), nullable=False, server_default="15"),
    )
    op.alter_column("territory", "emergency_reserve_percent", server_default=None)
    op.create_check_constraint(
        op.f("ck_territory_emergency_reserve"), "territory", "emergency_reserve_percent between 0 and 50"
    )


def downgrade() -> None:
    """Forget holds and reserves."""
    op.drop_column("territory", "emergency_reserve_percent")
    op.drop_table("slot_hold")
