"""Who can be sent, with what right, and when."""

from __future__ import annotations

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatch.db import Base, Identified, Versioned


class Skill(Base):
    """A named ability; technicians hold it at a level from 1 to 5."""

    __tablename__ = "skill"

    code: Mapped[str] = mapped_column(primary_key=True)
    name_en: Mapped[str]
    name_zh: Mapped[str]


class Technician(Identified, Versioned, Base):
    """A person who visits sites."""

    __tablename__ = "technician"
    __table_args__ = (CheckConstraint("overtime_minutes between 0 and 480", name="overtime"),)

    number: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    territory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("territory.id"), index=True)
    home_latitude: Mapped[float]
    home_longitude: Mapped[float]
    language: Mapped[str] = mapped_column(default="en")
    overtime_minutes: Mapped[int] = mapped_column(default=60)
    """Minutes that planning may add to a shift; each costs its price in the plan."""
    is_active: Mapped[bool] = mapped_column(default=True)
    has_van: Mapped[bool] = mapped_column(default=True)
    """False while the van is in the workshop, or there is none."""

    skills: Mapped[list[TechnicianSkill]] = relationship(lazy="selectin", cascade="all, delete-orphan")
    certificates: Mapped[list[Certificate]] = relationship(lazy="selectin", cascade="all, delete-orphan")


class TechnicianSkill(Base):
    """A skill held by a technician."""

    __tablename__ = "technician_skill"
    __table_args__ = (CheckConstraint("level between 1 and 5", name="level"),)

    technician_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("technician.id"), primary_key=True)
    skill_code: Mapped[str] = mapped_column(ForeignKey("skill.code"), primary_key=True)
    level: Mapped[int] = mapped_column(default=1)


class Certificate(Identified, Base):
    """A right with an expiry day (R-501)."""

    __tablename__ = "certificate"
    __table_args__ = (
        UniqueConstraint("technician_id", "code", "valid_from"),
        CheckConstraint("valid_until >= valid_from", name="validity"),
    )

    technician_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("technician.id"), index=True)
    code: Mapped[str]
    number: Mapped[str]
    valid_from: Mapped[date]
    valid_until: Mapped[date]


class Shift(Identified, Versioned, Base):
    """One stretch of duty, with one floating break (R-409)."""

    __tablename__ = "shift"
    __table_args__ = (
        Index("ix_shift_technician_id_starts_at", "technician_id", "starts_at"),
        CheckConstraint("ends_at > starts_at", name="order"),
        CheckConstraint("ends_at <= starts_at + interval '24 hours'", name="length"),
    )

    technician_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("technician.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    break_minutes: Mapped[int] = mapped_column(default=0)
    break_earliest: Mapped[datetime | None]
    break_latest: Mapped[datetime | None]


class Absence(Identified, Versioned, Base):
    """A stretch in which a technician cannot be planned."""

    __tablename__ = "absence"
    __table_args__ = (
        Index("ix_absence_technician_id_starts_at", "technician_id", "starts_at"),
        CheckConstraint("ends_at > starts_at", name="order"),
    )

    technician_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("technician.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    reason: Mapped[str]


class BreakTaken(Identified, Base):
    """A break as the technician took it; what the plan allows is in the shift."""

    __tablename__ = "break_taken"
    __table_args__ = (
        CheckConstraint("ended_at >= started_at", name="order"),
        Index("ix_break_taken_technician_id_started_at", "technician_id", "started_at"),
    )

    technician_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("technician.id"))
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    op_id: Mapped[uuid.UUID | None] = mapped_column(unique=True)
