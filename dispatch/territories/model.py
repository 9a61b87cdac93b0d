"""A territory: a named area with a time zone, bounded by a polygon."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.db import Base, Identified, Versioned


class Territory(Identified, Versioned, Base):
    """An area planned as one; its days begin at its own local midnight."""

    __tablename__ = "territory"
    __table_args__ = (
        CheckConstraint("emergency_reserve_percent between 0 and 50", name="emergency_reserve"),
        CheckConstraint("freeze_minutes between 0 and 480", name="freeze"),
    )

    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    timezone: Mapped[str]
    boundary: Mapped[list[Any]]
    """Ring of ``[latitude, longitude]`` pairs, not closed, WGS 84."""
    emergency_reserve_percent: Mapped[int] = mapped_column(default=15)
    """R-308: share of what is left of a day that only emergencies are offered."""
    emergency_reserve_days: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Percentages of single dates and of weekdays instead (``rules.Reserve``)."""
    auto_publish: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What planning may publish by itself (``planning.rules.AutoPublish``); empty: nothing."""
    planning_policy: Mapped[str] = mapped_column(default="standard")
    """Prices by which days are planned: a policy that comes with the engine."""
    freeze_minutes: Mapped[int] = mapped_column(default=0)
    """Published stops that begin within so many minutes keep technician and time in a new plan."""
    is_active: Mapped[bool] = mapped_column(default=True)
