"""A customer has several contacts; calls name one of them, and the customer's own order number."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

REFERRED = ("repair_call", "work_order")


def upgrade() -> None:
    """Nobody but the customer was known before."""
    op.create_table(
        "customer_contact",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("gets_messages", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("phone is not null or email is not null", name=op.f("ck_customer_contact_reach")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customer.id"], name=op.f("fk_customer_contact_customer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_contact")),
    )
    op.create_index(op.f("ix_customer_contact_customer_id"), "customer_contact", ["customer_id"])
    op.create_index("ix_customer_contact_phone", "customer_contact", ["phone"])
    for table in REFERRED:
        op.add_column(table, sa.Column("customer_reference", sa.Text(), nullable=True))
    op.add_column("repair_call", sa.Column("contact_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_repair_call_contact_id"), "repair_call", "customer_contact", ["contact_id"], ["id"]
    )


def downgrade() -> None:
    """Everybody speaks for the customer again."""
    op.drop_constraint(op.f("fk_repair_call_contact_id"), "repair_call")
    op.drop_column("repair_call", "contact_id")
    for table in REFERRED:
        op.drop_column(table, "customer_reference")
    op.drop_table("customer_contact")
