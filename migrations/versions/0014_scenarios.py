"""Scenarios of days, their plans, and what territories let planning publish by itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

STATES = "state in ('draft', 'proposed', 'published', 'superseded', 'rejected'{})"


def upgrade() -> None:
    """Create scenarios; no territory publishes by itself so far."""
    op.create_table(
        "scenario",
        sa.Column("territory_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("assumptions", postgresql.JSONB(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("plan_id", sa.Uuid(), nullable=True),
        sa.Column("outcome", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["territory_id"], ["territory.id"], name=op.f("fk_scenario_territory_id")),
        sa.ForeignKeyConstraint(["plan_id"], ["day_plan.id"], name=op.f("fk_scenario_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scenario")),
    )
    op.create_index("ix_scenario_territory_id_day", "scenario", ["territory_id", "day"])
    op.drop_constraint(op.f("ck_day_plan_state"), "day_plan")
    op.create_check_constraint(op.f("ck_day_plan_state"), "day_plan", STATES.format(", 'what_if'"))
    op.add_column(
        "territory", sa.Column("auto_publish", postgresql.JSONB(), nullable=False, server_default="{}")
    )
    op.alter_column("territory", "auto_publish", server_default=None)
    op.add_column(
        "territory", sa.Column("planning_policy", sa.Text(), nullable=False, server_default="standard")
    )
    op.alter_column("territory", "planning_policy", server_default=None)
    op.add_column("territory", sa.Column("freeze_minutes", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("territory", "freeze_minutes", server_default=None)
    op.create_check_constraint(op.f("ck_territory_freeze"), "territory", "freeze_minutes between 0 and 480")


def downgrade() -> None:
    """Forget scenarios and their plans."""
    op.drop_constraint(op.f("ck_territory_freeze"), "territory")
    for column in ("freeze_minutes", "planning_policy", "auto_publish"):
        op.drop_column("territory", column)
    op.drop_table("scenario")
    op.execute("delete from day_plan where state = 'what_if'")
    op.drop_constraint(op.f("ck_day_plan_state"), "day_plan")
    op.create_check_constraint(op.f("ck_day_plan_state"), "day_plan", STATES.format(""))
