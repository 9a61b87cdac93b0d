"""Settlement, invoices, payments, hand-ins, messages, daily log, sync."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = (
    "tariff",
    "settlement",
    "settlement_line",
    "number_series",
    "invoice",
    "payment",
    "allocation",
    "hand_in",
    "message",
    "daily_log",
    "indicator",
    "sync_operation",
    "sync_device_epoch",
    "sync_rejection",
)


def upgrade() -> None:
    """Create the tables in the order of their references."""
    _create_tariff()
    _create_settlement()
    _create_settlement_line()
    _create_number_series()
    _create_invoice()
    _create_payment()
    _create_allocation()
    _create_hand_in()
    _create_message()
    _create_daily_log()
    _create_indicator()
    _create_sync_operation()
    _create_sync_device_epoch()
    _create_sync_rejection()


def downgrade() -> None:
    """Drop them in reverse."""
    for table in reversed(TABLES):
        op.drop_table(table)


def _create_tariff() -> None:
    op.create_table(
        "tariff",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("labour_per_hour_minor", sa.Integer(), nullable=False),
        sa.Column("minimum_minutes", sa.Integer(), nullable=False),
        sa.Column("increment_minutes", sa.Integer(), nullable=False),
        sa.Column("travel_fee_minor", sa.Integer(), nullable=False),
        sa.Column("tax_rate", sa.Numeric(precision=5, scale=4), nullable=False),
        sa.Column("payment_days", sa.Integer(), nullable=False),
        sa.Column("warranty_days", sa.Integer(), nullable=False),
        sa.Column("estimate_tolerance_percent", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "labour_per_hour_minor >= 0 and travel_fee_minor >= 0", name=op.f("ck_tariff_prices")
        ),
        sa.CheckConstraint("increment_minutes between 1 and 240", name=op.f("ck_tariff_increment")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_tariff")),
        sa.UniqueConstraint("valid_from", name=op.f("uq_tariff_valid_from")),
    )


def _create_settlement() -> None:
    op.create_table(
        "settlement",
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("rule_version", sa.Text(), nullable=False),
        sa.Column("input_sha256", sa.Text(), nullable=False),
        sa.Column("review_reason", sa.Text(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state in ('approved', 'review', 'invoiced', 'no_charge', 'void')",
            name=op.f("ck_settlement_state"),
        ),
        sa.ForeignKeyConstraint(
            ["work_order_id"], ["work_order.id"], name=op.f("fk_settlement_work_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement")),
        sa.UniqueConstraint("work_order_id", "revision", name=op.f("uq_settlement_work_order_id_revision")),
    )


def _create_settlement_line() -> None:
    op.create_table(
        "settlement_line",
        sa.Column("settlement_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("description_zh", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=12, scale=3), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("unit_price_minor", sa.Integer(), nullable=False),
        sa.Column("net_minor", sa.Integer(), nullable=False),
        sa.Column("tax_rate", sa.Numeric(precision=5, scale=4), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("source_key", sa.Text(), nullable=False),
        sa.Column("explanation", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind in ('labour', 'travel', 'part')", name=op.f("ck_settlement_line_kind")),
        sa.CheckConstraint(
            "payer in ('customer', 'maker', 'contract', 'goodwill')", name=op.f("ck_settlement_line_payer")
        ),
        sa.ForeignKeyConstraint(
            ["settlement_id"],
            ["settlement.id"],
            name=op.f("fk_settlement_line_settlement_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement_line")),
        sa.UniqueConstraint(
            "settlement_id", "position", name=op.f("uq_settlement_line_settlement_id_position")
        ),
        sa.UniqueConstraint("source_key", name=op.f("uq_settlement_line_source_key")),
    )


def _create_number_series() -> None:
    op.create_table(
        "number_series",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("next_number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_number_series")),
    )


def _create_invoice() -> None:
    op.create_table(
        "invoice",
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("settlement_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("net_minor", sa.Integer(), nullable=False),
        sa.Column("tax_minor", sa.Integer(), nullable=False),
        sa.Column("gross_minor", sa.Integer(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("snapshot", postgresql.JSONB(), nullable=False),
        sa.Column("snapshot_sha256", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_invoice_customer_id")),
        sa.ForeignKeyConstraint(["series"], ["number_series.code"], name=op.f("fk_invoice_series")),
        sa.ForeignKeyConstraint(["settlement_id"], ["settlement.id"], name=op.f("fk_invoice_settlement_id")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_invoice_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("number", name=op.f("uq_invoice_number")),
        sa.UniqueConstraint("series", "ordinal", name=op.f("uq_invoice_series_ordinal")),
        sa.UniqueConstraint("settlement_id", "payer", name=op.f("uq_invoice_settlement_id_payer")),
    )
    op.create_index("ix_invoice_customer_id", "invoice", ["customer_id"], unique=False)
    op.create_index(op.f("ix_invoice_work_order_id"), "invoice", ["work_order_id"], unique=False)


def _create_payment() -> None:
    op.create_table(
        "payment",
        sa.Column("work_order_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.Integer(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("receipt_number", sa.Text(), nullable=False),
        sa.Column("collected_by_technician_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("op_id", sa.Uuid(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("method in ('cash', 'card', 'qr', 'transfer')", name=op.f("ck_payment_method")),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payment_amount")),
        sa.ForeignKeyConstraint(
            ["collected_by_technician_id"],
            ["technician.id"],
            name=op.f("fk_payment_collected_by_technician_id"),
        ),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_payment_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_payment_idempotency_key")),
        sa.UniqueConstraint("op_id", name=op.f("uq_payment_op_id")),
        sa.UniqueConstraint("receipt_number", name=op.f("uq_payment_receipt_number")),
    )
    op.create_index(op.f("ix_payment_work_order_id"), "payment", ["work_order_id"], unique=False)


def _create_allocation() -> None:
    op.create_table(
        "allocation",
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_allocation_amount")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_allocation_invoice_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_allocation_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation")),
        sa.UniqueConstraint("payment_id", "invoice_id", name=op.f("uq_allocation_payment_id_invoice_id")),
    )
    op.create_index(op.f("ix_allocation_invoice_id"), "allocation", ["invoice_id"], unique=False)


def _create_hand_in() -> None:
    op.create_table(
        "hand_in",
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("handed_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_by", sa.Uuid(), nullable=True),
        sa.Column("sheets_expected", postgresql.JSONB(), nullable=False),
        sa.Column("sheets_missing", postgresql.JSONB(), nullable=False),
        sa.Column("money", postgresql.JSONB(), nullable=False),
        sa.Column("stock", postgresql.JSONB(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("op_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["technician_id"], ["technician.id"], name=op.f("fk_hand_in_technician_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand_in")),
        sa.UniqueConstraint("op_id", name=op.f("uq_hand_in_op_id")),
        sa.UniqueConstraint("technician_id", "day", name=op.f("uq_hand_in_technician_id_day")),
    )


def _create_message() -> None:
    op.create_table(
        "message",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("technician_id", sa.Uuid(), nullable=True),
        sa.Column("work_order_id", sa.Uuid(), nullable=True),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("provider_reference", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state in ('queued', 'sending', 'sent', 'unknown', 'failed', 'suppressed')",
            name=op.f("ck_message_state"),
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["customer.id"], name=op.f("fk_message_customer_id")),
        sa.ForeignKeyConstraint(["technician_id"], ["technician.id"], name=op.f("fk_message_technician_id")),
        sa.ForeignKeyConstraint(["work_order_id"], ["work_order.id"], name=op.f("fk_message_work_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("key", name=op.f("uq_message_key")),
    )
    op.create_index(op.f("ix_message_customer_id"), "message", ["customer_id"], unique=False)
    op.create_index("ix_message_state", "message", ["state"], unique=False)
    op.create_index(op.f("ix_message_work_order_id"), "message", ["work_order_id"], unique=False)


def _create_daily_log() -> None:
    op.create_table(
        "daily_log",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("scope_id", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(), nullable=False),
        sa.Column("facts_sha256", sa.Text(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "scope in ('technician', 'territory', 'company')", name=op.f("ck_daily_log_scope")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_daily_log")),
        sa.UniqueConstraint("day", "scope", "scope_id", name=op.f("uq_daily_log_day_scope_scope_id")),
    )


def _create_indicator() -> None:
    op.create_table(
        "indicator",
        sa.Column("daily_log_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("numerator", sa.Numeric(precision=18, scale=3), nullable=False),
        sa.Column("denominator", sa.Numeric(precision=18, scale=3), nullable=False),
        sa.ForeignKeyConstraint(
            ["daily_log_id"], ["daily_log.id"], name=op.f("fk_indicator_daily_log_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("daily_log_id", "name", name=op.f("pk_indicator")),
    )


def _create_sync_operation() -> None:
    op.create_table(
        "sync_operation",
        sa.Column("op_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("install_epoch", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("schema", sa.Integer(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=True),
        sa.Column("body", postgresql.JSONB(), nullable=False),
        sa.Column("body_sha256", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.Column("occurred_at_device", sa.DateTime(timezone=True), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clock_quality", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state in ('applied', 'applied_conflict', 'rejected', 'held')",
            name=op.f("ck_sync_operation_state"),
        ),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_sync_operation_device_id")),
        sa.PrimaryKeyConstraint("op_id", name=op.f("pk_sync_operation")),
        sa.UniqueConstraint(
            "device_id", "install_epoch", "seq", name=op.f("uq_sync_operation_device_id_install_epoch_seq")
        ),
    )
    op.create_index("ix_sync_operation_visit_id", "sync_operation", ["visit_id"], unique=False)


def _create_sync_device_epoch() -> None:
    op.create_table(
        "sync_device_epoch",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("install_epoch", sa.Text(), nullable=False),
        sa.Column("acked_seq", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_sync_device_epoch_device_id")),
        sa.PrimaryKeyConstraint("device_id", "install_epoch", name=op.f("pk_sync_device_epoch")),
    )


def _create_sync_rejection() -> None:
    op.create_table(
        "sync_rejection",
        sa.Column("op_id", sa.Uuid(), nullable=False),
        sa.Column("technician_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("rejected_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["op_id"], ["sync_operation.op_id"], name=op.f("fk_sync_rejection_op_id")),
        sa.ForeignKeyConstraint(
            ["technician_id"], ["technician.id"], name=op.f("fk_sync_rejection_technician_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_rejection")),
        sa.UniqueConstraint("op_id", name=op.f("uq_sync_rejection_op_id")),
    )
    op.create_index(
        op.f("ix_sync_rejection_technician_id"), "sync_rejection", ["technician_id"], unique=False
    )
