"""Parts, what each van carries, and every movement of it (R-511)."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.db import Base, Identified, Versioned


class Part(Identified, Versioned, Base):
    """A part that can be fitted, with its list price in minor units."""

    __tablename__ = "part"
    __table_args__ = (CheckConstraint("price_minor >= 0", name="price"),)

    sku: Mapped[str] = mapped_column(unique=True)
    name_en: Mapped[str]
    name_zh: Mapped[str]
    price_minor: Mapped[int]
    currency: Mapped[str]
    is_approved: Mapped[bool] = mapped_column(default=True)
    """R-507: original or approved; anything else needs a reason and an approver."""


class VanStock(Versioned, Base):
    """
    What a technician's van should hold; may turn negative when the phone reports more than booked.

    The technician is its one keeper (R-511).
    """

    __tablename__ = "van_stock"

    technician_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("technician.id"), primary_key=True)
    part_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("part.id"), primary_key=True)
    quantity: Mapped[int] = mapped_column(default=0)


class StockMovement(Identified, Base):
    """One change of a van's stock, never edited."""

    __tablename__ = "stock_movement"
    __table_args__ = (
        Index("ix_stock_movement_technician_id_moved_at", "technician_id", "moved_at"),
        CheckConstraint("change <> 0", name="change"),
    )

    technician_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("technician.id"))
    part_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("part.id"))
    change: Mapped[int]
    reason: Mapped[str]
    """``fitted``, ``returned``, ``loaded``, ``counted``."""
    source: Mapped[str] = mapped_column(unique=True)
    """Business key of the cause, so that a repeated cause moves nothing twice."""
    lot: Mapped[str | None]
    serial: Mapped[str | None]
    moved_at: Mapped[datetime]
