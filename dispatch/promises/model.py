"""A promise: a window told to a customer; a row that is never changed (R-309)."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.db import Base, Identified


class Promise(Identified, Base):
    """
    One window, told once. A new promise is a new row with the next ``ordinal``.

    The database refuses updates and deletes of these rows.
    """

    __tablename__ = "promise"
    __table_args__ = (
        UniqueConstraint("visit_id", "ordinal"),
        CheckConstraint("window_end > window_start", name="window"),
    )

    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"))
    ordinal: Mapped[int]
    window_start: Mapped[datetime]
    window_end: Mapped[datetime]
    promised_by: Mapped[uuid.UUID | None]
    promised_at: Mapped[datetime]
    channel: Mapped[str]
    slot_cost_minor: Mapped[int]
    """Price of the window to the plan at the moment of promising, in minor units: the slot score."""
    reason: Mapped[str]
    """``first``, ``customer_moved``, ``technician_ill``, ``emergency``, …"""
    is_reservation: Mapped[bool]
    """R-301: made at least 24 h ahead."""
