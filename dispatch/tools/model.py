"""Tools with their keeper, and every change of it (R-511)."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.db import Base, Identified, Versioned


class Tool(Identified, Versioned, Base):
    """A tool of a territory; its keeper is a technician, or the store."""

    __tablename__ = "tool"

    territory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("territory.id"), index=True)
    serial: Mapped[str] = mapped_column(unique=True)
    name_en: Mapped[str]
    name_zh: Mapped[str]
    calibrated_until: Mapped[date | None]
    """Last day on which it may be used; None for what needs no calibration."""
    keeper_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("technician.id"), index=True)
    """None is the store."""
    is_retired: Mapped[bool] = mapped_column(default=False)


class ToolHandover(Identified, Base):
    """
    A tool on its way to another keeper: ``handed`` over, then ``accepted`` or ``declined``.

    Until it is accepted the giver keeps it.
    """

    __tablename__ = "tool_handover"
    __table_args__ = (
        CheckConstraint("state in ('handed', 'accepted', 'declined')", name="state"),
        CheckConstraint("giver_id is distinct from taker_id", name="ends"),
        Index("uq_tool_handover_open", "tool_id", unique=True, postgresql_where=text("state = 'handed'")),
        Index("ix_tool_handover_tool_id", "tool_id"),
    )

    tool_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tool.id"))
    giver_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("technician.id"))
    taker_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("technician.id"))
    state: Mapped[str]
    note: Mapped[str | None]
    handed_by: Mapped[uuid.UUID]
    handed_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
