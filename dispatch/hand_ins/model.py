"""What a technician handed in at the end of a day, counted against what was expected (R-603)."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.db import Base, Identified


class HandIn(Identified, Base):
    """One technician's day: sheets complete or explained, money counted against money collected."""

    __tablename__ = "hand_in"
    __table_args__ = (UniqueConstraint("technician_id", "day"),)

    technician_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("technician.id"))
    day: Mapped[date]
    handed_in_at: Mapped[datetime]
    received_by: Mapped[uuid.UUID | None]
    sheets_expected: Mapped[list[Any]]
    sheets_missing: Mapped[list[Any]]
    """``{"sheet", "reason"}`` each; every missing sheet is explained."""
    money: Mapped[list[Any]]
    """``{"method", "currency", "expected_minor", "counted_minor", "difference_minor"}`` per method."""
    stock: Mapped[list[Any]] = mapped_column(default=list)
    """``{"sku", "expected", "counted", "difference"}`` for counted parts."""
    note: Mapped[str] = mapped_column(default="")
    op_id: Mapped[uuid.UUID | None] = mapped_column(unique=True)
