"""The daily log: recomputable from events, indicators as numerator and denominator (R-701, R-704)."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatch.db import Base, Identified


class DailyLog(Identified, Base):
    """One day of a technician, a territory or the company."""

    __tablename__ = "daily_log"
    __table_args__ = (
        UniqueConstraint("day", "scope", "scope_id"),
        CheckConstraint("scope in ('technician', 'territory', 'company')", name="scope"),
    )

    day: Mapped[date]
    scope: Mapped[str]
    scope_id: Mapped[str]
    """Id of the technician or territory; ``company`` for the whole."""
    facts: Mapped[dict[str, Any]]
    """What the day held: visits, sheets, money, technician's earnings, answers by channel."""
    facts_sha256: Mapped[str]
    written_at: Mapped[datetime]

    indicators: Mapped[list[Indicator]] = relationship(
        cascade="all, delete-orphan", order_by="Indicator.name", lazy="selectin"
    )


class Indicator(Base):
    """A figure as numerator and denominator; undefined, not infinite, when the denominator is zero."""

    __tablename__ = "indicator"

    daily_log_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("daily_log.id", ondelete="CASCADE"), primary_key=True
    )
    name: Mapped[str] = mapped_column(primary_key=True)
    numerator: Mapped[Decimal] = mapped_column(Numeric(18, 3))
    denominator: Mapped[Decimal] = mapped_column(Numeric(18, 3))

    @property
    def value(self) -> Decimal | None:
        """The quotient to four decimals, or None when it is undefined (R-704)."""
        return round(self.numerator / self.denominator, 4) if self.denominator else None
