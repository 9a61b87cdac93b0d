"""What a day still lacks, reminders for the office, vans, and approximate positions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
SCHEDULE = """
    insert into schedule (
        name, kind, timezone, minute_of_day, day_offset, catch_up_days, payload, is_active, every_minutes
    )
    values ('check-readiness', 'planning.check_readiness', 'UTC', 0, 0, 0, '{}', true, 15)
"""


def upgrade() -> None:
    """Everybody has a van, every position is exact, nothing is lacking, nobody was reminded."""
    _gaps()
    _reminders()
    op.add_column("technician", sa.Column("has_van", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.alter_column("technician", "has_van", server_default=None)
    op.add_column("site", sa.Column("position_quality", sa.Text(), nullable=False, server_default="exact"))
    op.alter_column("site", "position_quality", server_default=None)
    op.create_check_constraint(
        op.f("ck_site_position_quality"),
        "site",
        "position_quality in ('exact', 'street', 'town', 'territory')",
    )
    op.execute(SCHEDULE)


def _gaps() -> None:
    op.create_table(
        "readiness_gap",
        sa.Column("territory_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["territory_id"], ["territory.id"], name=op.f("fk_readiness_gap_territory_id")
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_readiness_gap_visit_id")),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technician.id"], name=op.f("fk_readiness_gap_technician_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_readiness_gap")),
        sa.UniqueConstraint(
            "visit_id", "day", "code", "subject", name=op.f("uq_readiness_gap_visit_id_day_code_subject")
        ),
    )
    op.create_index("ix_readiness_gap_day", "readiness_gap", ["territory_id", "day"])


def _reminders() -> None:
    op.create_table(
        "office_reminder",
        sa.Column("territory_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("reminded_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("level in (1, 2)", name=op.f("ck_office_reminder_level")),
        sa.ForeignKeyConstraint(
            ["territory_id"], ["territory.id"], name=op.f("fk_office_reminder_territory_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_reminder")),
        sa.UniqueConstraint("kind", "subject", "level", name=op.f("uq_office_reminder_kind_subject_level")),
    )
    op.create_index(
        "ix_office_reminder_open",
        "office_reminder",
        ["territory_id", "reminded_at"],
        postgresql_where=sa.text("ended_at is null"),
    )


def downgrade() -> None:
    """Forget gaps and reminders, who has no van, and which positions are approximate."""
    op.execute("delete from schedule where name = 'check-readiness'")
    op.drop_constraint(op.f("ck_site_position_quality"), "site")
    op.drop_column("site", "position_quality")
    op.drop_column("technician", "has_van")
    op.drop_table("office_reminder")
    op.drop_table("readiness_gap")
