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
    _add_proposals()


def _add_proposals() -> None:
    """What technicians say of contacts."""
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "contact_proposal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("site_id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("changes", JSONB(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("proposed_at", moment, nullable=False),
        sa.Column("decided_at", moment, nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("op_id", sa.Uuid(), nullable=True),
        *(
            sa.ForeignKeyConstraint(
                [f"{table}_id"], [f"{table}.id"], name=op.f(f"fk_contact_proposal_{table}_id")
            )
            for table in ("visit", "customer", "site", "technician")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_proposal")),
        sa.UniqueConstraint("op_id", name=op.f("uq_contact_proposal_op_id")),
    )
    op.create_index(op.f("ix_contact_proposal_visit_id"), "contact_proposal", ["visit_id"])
    op.create_index(
        "ix_contact_proposal_open",
        "contact_proposal",
        ["site_id"],
        postgresql_where=sa.text("decided_at is null"),
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_table("contact_proposal")
    op.drop_table("visit_helper")
    op.drop_column("visit", "missing_parts")
    op.drop_column("visit", "rest_minutes")
    op.drop_column("finding", "voided_by")
    op.drop_index("ix_declared_file_missing", "declared_file")
