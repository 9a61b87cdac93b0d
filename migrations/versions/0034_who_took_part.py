"""Who helped at a visit that was never theirs, as the desk says; awaited files are found at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add helpers, findings that are taken back, and an index of the files that are waited for."""
    op.add_column("finding", sa.Column("voided_by", sa.Uuid(), nullable=True))
    op.add_column("visit", sa.Column("rest_minutes", sa.Integer(), nullable=True))
    op.add_column("visit", sa.Column("missing_parts", JSONB(), nullable=False, server_default="{}"))
    op.alter_column("visit", "missing_parts", server_default=None)
    op.create_index(
        "ix_declared_file_missing",
        "declared_file",
        ["visit_id"],
        postgresql_where=sa.text("attachment_id is null and given_up_at is null"),
    )
    op.create_table(
        "visit_helper",
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("attached_by", sa.Uuid(), nullable=False),
        sa.Column("attached_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_visit_helper_visit_id")),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technician.id"], name=op.f("fk_visit_helper_technician_id")
        ),
        sa.PrimaryKeyConstraint("visit_id", "technician_id", name=op.f("pk_visit_helper")),
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_table("visit_helper")
    op.drop_column("visit", "missing_parts")
    op.drop_column("visit", "rest_minutes")
    op.drop_column("finding", "voided_by")
    op.drop_index("ix_declared_file_missing", "declared_file")
