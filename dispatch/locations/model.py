"""Positions on duty, when they were switched off, and who was told what they are used for (R-903)."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.db import Base, Identified


class Position(Identified, Base):
    """Where a technician was at a moment on duty; coarse after some days, gone after some weeks."""

    __tablename__ = "position"
    __table_args__ = (
        UniqueConstraint("technician_id", "at"),
        CheckConstraint("latitude between -90 and 90 and longitude between -180 and 180", name="globe"),
        Index("ix_position_at", "at"),
    )

    technician_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("technician.id"))
    at: Mapped[datetime]
    latitude: Mapped[float]
    longitude: Mapped[float]
    accuracy_metres: Mapped[int | None]
    is_coarse: Mapped[bool] = mapped_column(default=False)


class LocationOff(Identified, Base):
    """A stretch for which a technician switched positions off; nothing fills the gap."""

    __tablename__ = "location_off"
    __table_args__ = (
        CheckConstraint("on_at >= off_at", name="order"),
        Index("ix_location_off_technician_id_off_at", "technician_id", "off_at"),
    )

    technician_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("technician.id"))
    off_at: Mapped[datetime]
    on_at: Mapped[datetime | None]
    reason: Mapped[str]


class LocationNotice(Identified, Base):
    """A technician was told that positions may be used for the appraisal; never changed."""

    __tablename__ = "location_notice"

    technician_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("technician.id"), unique=True)
    told_at: Mapped[datetime]
    told_by: Mapped[uuid.UUID | None]
