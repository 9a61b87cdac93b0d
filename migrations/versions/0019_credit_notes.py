"""Credit notes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Nothing was credited."""
    _credit_notes()


def _credit_notes() -> None:
    op.create_table(
        "credit_note",
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("net_minor", sa.Integer(), nullable=False),
        sa.Column("tax_minor", sa.Integer(), nullable=False),
        sa.Column("gross_minor", sa.Integer(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("snapshot", postgresql.JSONB(), nullable=False),
        sa.Column("snapshot_sha256", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["series"], ["number_series.code"], name=op.f("fk_credit_note_series")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_credit_note_invoice_id")),
        sa.ForeignKeyConstraint(
            ["work_order_id"], ["work_order.id"], name=op.f("fk_credit_note_work_order_id")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_credit_note_customer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_note")),
        sa.UniqueConstraint("number", name=op.f("uq_credit_note_number")),
        sa.UniqueConstraint("series", "ordinal", name=op.f("uq_credit_note_series_ordinal")),
        sa.UniqueConstraint("invoice_id", name=op.f("uq_credit_note_invoice_id")),
    )
    op.create_index("ix_credit_note_customer_id", "credit_note", ["customer_id"])
    op.create_index(op.f("ix_credit_note_work_order_id"), "credit_note", ["work_order_id"])
    op.execute(
        "create trigger refuse_change before update or delete on credit_note"
        " for each row execute function refuse_change()"
    )


def downgrade() -> None:
    """Forget the credit notes."""
    op.drop_table("credit_note")
