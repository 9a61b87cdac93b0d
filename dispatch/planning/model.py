"""Versioned day plans of a territory, and the bookings that the database itself keeps apart."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Protocol

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import TSTZRANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatch.db import Base, Identified, Versioned


class PlanHead(Versioned, Base):
    """
    The one row per territory and day that publishing compares and swaps.

    ``version`` rises with every booking, lock and publication.
    """

    __tablename__ = "plan_head"

    territory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("territory.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(default=0)
    """Number of publications so far."""
    working_plan_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("day_plan.id"))
    published_plan_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("day_plan.id"))
    touched_at: Mapped[datetime]


class DayPlan(Identified, Base):
    """
    A plan of one day: ``draft`` grows by bookings, ``proposed`` comes from the optimiser.

    ``published`` and ``superseded`` plans are never changed; a scenario's ``what_if`` is never published.
    """

    __tablename__ = "day_plan"
    __table_args__ = (
        CheckConstraint(
            "state in ('draft', 'proposed', 'published', 'superseded', 'rejected', 'what_if')", name="state"
        ),
        Index("ix_day_plan_territory_id_day", "territory_id", "day"),
    )

    territory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("territory.id"))
    day: Mapped[date]
    state: Mapped[str]
    base_version: Mapped[int]
    """The head's version that this plan was made from."""
    revision: Mapped[int | None]
    """The publication's number."""
    reason: Mapped[str]
    """``booking``, ``optimise``, ``emergency``, …"""
    seed: Mapped[int | None]
    engine: Mapped[str | None]
    cost_by_term: Mapped[dict[str, Any]] = mapped_column(default=dict)
    stats: Mapped[dict[str, Any]] = mapped_column(default=dict)
    doubts: Mapped[list[Any]] = mapped_column(default=list)
    """``doubting.doubts_of`` when the routes were written: what is kept against a rule."""
    created_at: Mapped[datetime]
    created_by: Mapped[uuid.UUID | None]
    published_at: Mapped[datetime | None]
    published_by: Mapped[uuid.UUID | None]

    stops: Mapped[list[PlanStop]] = relationship(
        cascade="all, delete-orphan", order_by="PlanStop.technician_id, PlanStop.position", lazy="selectin"
    )
    unserved: Mapped[list[PlanUnserved]] = relationship(cascade="all, delete-orphan", lazy="selectin")


class PlanStop(Base):
    """One visit on one technician's route."""

    __tablename__ = "plan_stop"
    __table_args__ = (UniqueConstraint("plan_id", "technician_id", "position"),)

    plan_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("day_plan.id", ondelete="CASCADE"), primary_key=True
    )
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), primary_key=True)
    technician_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("technician.id"))
    position: Mapped[int]
    arrival: Mapped[datetime]
    start: Mapped[datetime]
    """Service begins, inside the promised window."""
    end: Mapped[datetime]
    travel_seconds: Mapped[int]
    travel_metres: Mapped[int]


class Routes(Protocol):
    """A plan, or a part of one: what asks for its stops asks for nothing else."""

    @property
    def stops(self) -> Sequence[PlanStop]:
        """By technician and position."""


class PlanUnserved(Base):
    """A visit that the plan leaves out, always with a reason."""

    __tablename__ = "plan_unserved"

    plan_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("day_plan.id", ondelete="CASCADE"), primary_key=True
    )
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), primary_key=True)
    reason: Mapped[str]
    sentence: Mapped[str]
    action: Mapped[str]


class PlanSplit(Identified, Base):
    """
    A day beyond one process while its parts are planned one by one.

    ``open`` until its parts are ``joined`` to a proposal, or a newer optimisation makes it ``void``.
    """

    __tablename__ = "plan_split"
    __table_args__ = (
        CheckConstraint("state in ('open', 'joined', 'void')", name="state"),
        Index("ix_plan_split_territory_id_day", "territory_id", "day"),
        Index(
            "uq_plan_split_open", "territory_id", "day", unique=True, postgresql_where=text("state = 'open'")
        ),
    )

    territory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("territory.id"))
    day: Mapped[date]
    run_id: Mapped[uuid.UUID | None]
    """The run of the request; later requests have later ids."""
    state: Mapped[str]
    seed: Mapped[int]
    seconds: Mapped[float]
    """For each part, and for the join."""
    reason: Mapped[str]
    places: Mapped[bytes] = mapped_column(LargeBinary)
    """Latitude, longitude and minutes of access of each location, as packed JSON; empty once it is over."""
    plan_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("day_plan.id"))
    created_at: Mapped[datetime]


class PlanSplitPart(Base):
    """One part of a split: what is to be planned, and once it is planned, the orders."""

    __tablename__ = "plan_split_part"

    split_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("plan_split.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
    """Problem without its travel, and the orders to begin from, as packed JSON."""
    orders: Mapped[dict[str, Any] | None]
    """Technician to visits in order."""
    stats: Mapped[dict[str, Any] | None]


class Scenario(Identified, Base):
    """A day as it would be under assumptions; ``plan_id`` once it is planned."""

    __tablename__ = "scenario"
    __table_args__ = (Index("ix_scenario_territory_id_day", "territory_id", "day"),)

    territory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("territory.id"))
    day: Mapped[date]
    title: Mapped[str]
    assumptions: Mapped[dict[str, Any]] = mapped_column(default=dict)
    seed: Mapped[int]
    seconds: Mapped[float]
    run_id: Mapped[uuid.UUID | None]
    plan_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("day_plan.id"))
    outcome: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Figures of the plan, and what became of emergencies that were only assumed."""
    created_at: Mapped[datetime]
    created_by: Mapped[uuid.UUID | None]


class PlanLock(Identified, Base):
    """A dispatcher's pin: a technician, a start time, or both."""

    __tablename__ = "plan_lock"
    __table_args__ = (CheckConstraint("technician_id is not null or start is not null", name="something"),)

    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), unique=True)
    technician_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("technician.id"))
    start: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="")
    locked_by: Mapped[uuid.UUID | None]
    locked_at: Mapped[datetime]


class Booking(Base):
    """
    The planned interval of a published stop; PostgreSQL refuses two that overlap for one technician.

    Only published plans have bookings (decision 8). Checked at commit, so that a publication may swap stops.
    """

    __tablename__ = "booking"
    __table_args__ = (
        ExcludeConstraint(
            ("technician_id", "="),
            ("during", "&&"),
            using="gist",
            name="ex_booking_technician",
            deferrable=True,
            initially="DEFERRED",
        ),
        Index("ix_booking_plan_id", "plan_id"),
    )

    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), primary_key=True)
    technician_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("technician.id"))
    plan_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("day_plan.id"))
    during: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)


class ReadinessGap(Identified, Base):
    """What a visit of a published day still lacks the evening before (R-304); ended when it is mended."""

    __tablename__ = "readiness_gap"
    __table_args__ = (
        UniqueConstraint("visit_id", "day", "code", "subject"),
        Index("ix_readiness_gap_day", "territory_id", "day"),
    )

    territory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("territory.id"))
    day: Mapped[date]
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"))
    technician_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("technician.id"))
    code: Mapped[str]
    """``readying.GAPS``."""
    subject: Mapped[str]
    """Part number or certificate code; empty where there is nothing to name."""
    missing: Mapped[int]
    """Pieces of a part; 1 of anything else."""
    seen_at: Mapped[datetime]
    """First sight, or the first one after it was mended."""
    ended_at: Mapped[datetime | None]
