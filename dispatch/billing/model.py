"""Settlement, document and payment are three things, never one table (money §0)."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatch.contracts.rules import WARRANTY_DAYS
from dispatch.db import Base, Identified, Versioned


class Tariff(Base):
    """Prices of labour and travel from a day on; a settlement names the tariff it used."""

    __tablename__ = "tariff"
    __table_args__ = (
        CheckConstraint("labour_per_hour_minor >= 0 and travel_fee_minor >= 0", name="prices"),
        CheckConstraint("increment_minutes between 1 and 240", name="increment"),
    )

    code: Mapped[str] = mapped_column(primary_key=True)
    valid_from: Mapped[date] = mapped_column(unique=True)
    currency: Mapped[str]
    labour_per_hour_minor: Mapped[int]
    minimum_minutes: Mapped[int] = mapped_column(default=30)
    increment_minutes: Mapped[int] = mapped_column(default=15)
    travel_fee_minor: Mapped[int]
    """One fee a visit, whoever and however many travel."""
    tax_rate: Mapped[Decimal] = mapped_column(Numeric(5, 4))
    payment_days: Mapped[int] = mapped_column(default=14)
    warranty_days: Mapped[int] = mapped_column(default=WARRANTY_DAYS)
    """R-404: own warranty from the acceptance day."""
    estimate_tolerance_percent: Mapped[int] = mapped_column(default=10)
    """R-204: more than this beyond the estimate needs the customer's approval."""


CHARGES = "loan:"
"""How the source of a charge beside the work begins."""

CREDITS = "credit:"
"""How the series of credit notes begins."""


class Settlement(Identified, Versioned, Base):
    """What a work order costs and who pays it; one per order and revision (decision 3)."""

    __tablename__ = "settlement"
    __table_args__ = (
        UniqueConstraint("work_order_id", "revision"),
        CheckConstraint("state in ('approved', 'review', 'invoiced', 'no_charge', 'void')", name="state"),
    )

    work_order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("work_order.id"))
    revision: Mapped[int] = mapped_column(default=1)
    state: Mapped[str]
    currency: Mapped[str]
    rule_version: Mapped[str]
    input_sha256: Mapped[str]
    """Hash of the facts settled; the same facts give the same lines."""
    review_reason: Mapped[str | None]
    """R-204: beyond the estimate without approval, or far above the norm."""
    settled_at: Mapped[datetime]

    lines: Mapped[list[SettlementLine]] = relationship(
        order_by="SettlementLine.position", cascade="all, delete-orphan", lazy="selectin"
    )

    @property
    def is_charge(self) -> bool:
        """Whether it bills something lent or lost, beside the work of the order."""
        return bool(self.lines) and all(line.source_key.startswith(CHARGES) for line in self.lines)


class SettlementLine(Identified, Base):
    """One charge with its payer (R-601)."""

    __tablename__ = "settlement_line"
    __table_args__ = (
        UniqueConstraint("settlement_id", "position"),
        UniqueConstraint("source_key"),
        CheckConstraint("payer in ('customer', 'maker', 'contract', 'goodwill')", name="payer"),
        CheckConstraint("kind in ('labour', 'travel', 'part')", name="kind"),
    )

    settlement_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("settlement.id", ondelete="CASCADE"))
    position: Mapped[int]
    kind: Mapped[str]
    description: Mapped[str]
    description_zh: Mapped[str]
    quantity: Mapped[Decimal] = mapped_column(Numeric(12, 3))
    unit: Mapped[str]
    unit_price_minor: Mapped[int]
    net_minor: Mapped[int]
    tax_rate: Mapped[Decimal] = mapped_column(Numeric(5, 4))
    payer: Mapped[str]
    source_key: Mapped[str]
    """The fact that is billed, with the settlement's revision; billed once."""
    explanation: Mapped[str]
    """Why this payer pays and how the quantity came about."""


class NumberSeries(Base):
    """The next number of a series; raised inside the issuing transaction, so without gaps (R-602)."""

    __tablename__ = "number_series"

    code: Mapped[str] = mapped_column(primary_key=True)
    next_number: Mapped[int] = mapped_column(default=1)


class Invoice(Identified, Base):
    """An issued invoice; the database refuses to change or delete it (R-602)."""

    __tablename__ = "invoice"
    __table_args__ = (
        UniqueConstraint("series", "ordinal"),
        UniqueConstraint("settlement_id", "payer"),
        Index("ix_invoice_customer_id", "customer_id"),
    )

    series: Mapped[str] = mapped_column(ForeignKey("number_series.code"))
    ordinal: Mapped[int]
    number: Mapped[str] = mapped_column(unique=True)
    settlement_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("settlement.id"))
    work_order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("work_order.id"), index=True)
    customer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("customer.id"))
    payer: Mapped[str]
    currency: Mapped[str]
    net_minor: Mapped[int]
    tax_minor: Mapped[int]
    gross_minor: Mapped[int]
    issued_on: Mapped[date]
    due_on: Mapped[date]
    issued_at: Mapped[datetime]
    language: Mapped[str]
    snapshot: Mapped[dict[str, Any]]
    """Everything that is printed, frozen."""
    snapshot_sha256: Mapped[str]


class CreditNote(Identified, Base):
    """A whole invoice taken back (R-602); the database refuses to change or delete it."""

    __tablename__ = "credit_note"
    __table_args__ = (
        UniqueConstraint("series", "ordinal"),
        UniqueConstraint("invoice_id"),
        Index("ix_credit_note_customer_id", "customer_id"),
    )

    series: Mapped[str] = mapped_column(ForeignKey("number_series.code"))
    ordinal: Mapped[int]
    number: Mapped[str] = mapped_column(unique=True)
    invoice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("invoice.id"))
    work_order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("work_order.id"), index=True)
    customer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("customer.id"))
    reason: Mapped[str]
    currency: Mapped[str]
    net_minor: Mapped[int]
    tax_minor: Mapped[int]
    gross_minor: Mapped[int]
    """What the customer does not owe any more; above zero, as the invoice's."""
    issued_on: Mapped[date]
    issued_at: Mapped[datetime]
    language: Mapped[str]
    snapshot: Mapped[dict[str, Any]]
    """Everything that is printed, frozen."""
    snapshot_sha256: Mapped[str]


class Payment(Identified, Base):
    """Money received; never refused for the state of a visit, never edited."""

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("method in ('cash', 'card', 'qr', 'transfer')", name="method"),
    )

    work_order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("work_order.id"), index=True)
    method: Mapped[str]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    reference: Mapped[str | None]
    receipt_number: Mapped[str] = mapped_column(unique=True)
    """Given by the server (decision 13)."""
    provisional_number: Mapped[str | None] = mapped_column(index=True)
    """Of the receipt that a phone gave before it had contact."""
    collected_by_technician_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("technician.id"))
    recorded_by: Mapped[uuid.UUID | None]
    received_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    op_id: Mapped[uuid.UUID | None] = mapped_column(unique=True)
    idempotency_key: Mapped[str | None] = mapped_column(unique=True)


class Allocation(Identified, Base):
    """Part of a payment used for an invoice."""

    __tablename__ = "allocation"
    __table_args__ = (
        UniqueConstraint("payment_id", "invoice_id"),
        CheckConstraint("amount_minor > 0", name="amount"),
    )

    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payment.id"))
    invoice_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("invoice.id"), index=True)
    amount_minor: Mapped[int]
