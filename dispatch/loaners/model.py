"""Units that are lent, and the loans (R-402)."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.db import Base, Identified, Versioned

RUNNING = ("wanted", "reserved", "out", "returning")
_RUNNING = "state in ('wanted', 'reserved', 'out', 'returning')"


class LoanerUnit(Identified, Versioned, Base):
    """A unit that stands in for a customer's own."""

    __tablename__ = "loaner_unit"
    __table_args__ = (
        CheckConstraint("state in ('available', 'reserved', 'out', 'lost', 'retired')", name="state"),
        CheckConstraint("charge_minor >= 0", name="charge"),
    )

    territory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("territory.id"), index=True)
    product_kind: Mapped[str]
    model: Mapped[str]
    serial: Mapped[str] = mapped_column(unique=True)
    charge_minor: Mapped[int]
    """What a customer pays who does not give it back, before tax."""
    currency: Mapped[str]
    state: Mapped[str] = mapped_column(default="available")


class Loan(Identified, Versioned, Base):
    """
    A unit lent for a repair.

    ``wanted`` while none is free, ``reserved`` until it is delivered, ``out`` until the original is repaired,
    ``returning`` until it is fetched.
    """

    __tablename__ = "loan"
    __table_args__ = (
        CheckConstraint(
            "state in ('wanted', 'reserved', 'out', 'returning', 'returned', 'lost', 'cancelled')",
            name="state",
        ),
        Index("uq_loan_running", "work_order_id", unique=True, postgresql_where=text(_RUNNING)),
        Index("uq_loan_unit", "unit_id", unique=True, postgresql_where=text(_RUNNING)),
    )

    work_order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("work_order.id"))
    """The repair that takes too long."""
    unit_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("loaner_unit.id"))
    state: Mapped[str]
    delivery_order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("work_order.id"))
    pickup_order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("work_order.id"))
    wanted_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    due_back_at: Mapped[datetime | None]
    """After it the unit is charged (``house_rules.loaner_return_days``)."""
    ended_at: Mapped[datetime | None]
    settlement_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("settlement.id"))
    """The charge of a unit that never came back."""
