"""A territory: a named area with a time zone, bounded by a polygon."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from dispatch.db import Base, Identified, Versioned


class Territory(Identified, Versioned, Base):
    """An area planned as one; its days begin at its own local midnight."""

    __tablename__ = "territory"

    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    timezone: Mapped[str]
    boundary: Mapped[list[Any]]
    """Ring of ``[latitude, longitude]`` pairs, not closed, WGS 84."""
    is_active: Mapped[bool] = mapped_column(default=True)
