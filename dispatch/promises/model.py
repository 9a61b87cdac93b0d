"""A promise: a window told to a customer, never changed (R-309); and a hold: a window kept for a caller."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
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
        Index("ix_promise_window_start", "window_start"),
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
    named_technician_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("technician.id"))
    """R-306: whom the customer asked for by name and was promised."""


class PromiseAlarm(Identified, Base):
    """A promise that was seen in danger, and what became of it (R-503); one for each promise."""

    __tablename__ = "promise_alarm"
    __table_args__ = (
        UniqueConstraint("promise_id"),
        CheckConstraint("outcome in ('kept', 'broken', 'replaced', 'cancelled')", name="outcome"),
        Index("ix_promise_alarm_day", "territory_id", "day"),
    )

    promise_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("promise.id"))
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"))
    territory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("territory.id"))
    day: Mapped[date]
    reason: Mapped[str]
    """``delay``, ``technician_ill``, ``emergency``, …: told to the customer in words."""
    seen_at: Mapped[datetime]
    """First sight, or the first one after a recovery."""
    expected_arrival: Mapped[datetime | None]
    """None when nobody comes as the day is planned."""
    told_at: Mapped[datetime | None]
    """When the customer's message was asked for; nobody is told twice."""
    recovered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[uuid.UUID | None]
    followed_up_at: Mapped[datetime | None]
    """When somebody asked the customer how it was, after the promise broke (R-802)."""
    followed_up_by: Mapped[uuid.UUID | None]
    follow_up_note: Mapped[str] = mapped_column(default="")


class CustomerAnswer(Identified, Base):
    """What a customer said by the link about a promise; each kind once for each promise."""

    __tablename__ = "customer_answer"
    __table_args__ = (
        UniqueConstraint("promise_id", "kind"),
        CheckConstraint("kind in ('confirmed', 'moved', 'cancelled')", name="kind"),
    )

    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    promise_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("promise.id"))
    kind: Mapped[str]
    note: Mapped[str]
    recorded_at: Mapped[datetime]


class CustomerMark(Identified, Base):
    """A customer was away or late (R-305, R-504); each kind once for a visit."""

    __tablename__ = "customer_mark"
    __table_args__ = (
        UniqueConstraint("visit_id", "kind"),
        CheckConstraint("kind in ('no_show', 'late')", name="kind"),
    )

    customer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("customer.id"), index=True)
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"))
    kind: Mapped[str]
    minutes_late: Mapped[int | None]
    reason: Mapped[str]
    """What the customer says about it; empty until somebody has asked."""
    reason_by: Mapped[uuid.UUID | None]
    recorded_by: Mapped[uuid.UUID | None]
    recorded_at: Mapped[datetime]


class Chaser(Identified, Base):
    """A customer asked when somebody comes; somebody takes it in hand and answers (R-105)."""

    __tablename__ = "chaser"
    __table_args__ = (UniqueConstraint("work_order_id", "ordinal"),)

    work_order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("work_order.id"))
    ordinal: Mapped[int]
    channel: Mapped[str]
    note: Mapped[str]
    is_escalated: Mapped[bool]
    """From the second one on it is the supervisor's."""
    recorded_by: Mapped[uuid.UUID | None]
    recorded_at: Mapped[datetime]
    taken_by: Mapped[uuid.UUID | None]
    taken_at: Mapped[datetime | None]
    answered_by: Mapped[uuid.UUID | None]
    answered_at: Mapped[datetime | None]
    told: Mapped[str] = mapped_column(default="")
    """What the customer was told."""
    promise_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("promise.id"))
    """The newest window that the customer was promised between asking and the answer."""


class ServiceStep(Identified, Base):
    """A step of escalation that a service clock has reached; each once (R-401, R-402)."""

    __tablename__ = "service_step"
    __table_args__ = (
        UniqueConstraint("work_order_id", "kind", "role"),
        CheckConstraint("kind in ('response', 'resolution')", name="kind"),
    )

    work_order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("work_order.id"))
    kind: Mapped[str]
    percent: Mapped[int]
    role: Mapped[str]
    due_at: Mapped[datetime]
    reached_at: Mapped[datetime]


class OfficeReminder(Identified, Base):
    """
    Somebody in the office is reminded of what waits for them, once at each level, until it is settled.

    Level 1 is whoever is responsible, level 2 the person above.
    """

    __tablename__ = "office_reminder"
    __table_args__ = (
        UniqueConstraint("kind", "subject", "level"),
        CheckConstraint("level in (1, 2)", name="level"),
        Index(
            "ix_office_reminder_open",
            "territory_id",
            "reminded_at",
            postgresql_where=text("ended_at is null"),
        ),
    )

    territory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("territory.id"))
    kind: Mapped[str]
    """``reminding.KINDS``."""
    subject: Mapped[str]
    """What it is about: an id, and what tells several of it apart."""
    level: Mapped[int]
    role: Mapped[str]
    user_id: Mapped[uuid.UUID | None]
    """The person who has taken it in hand; None where it is anybody's of the role."""
    due_at: Mapped[datetime]
    reminded_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class Compensation(Identified, Base):
    """What a customer gets for a broken promise, by rule (R-802); beyond the authority somebody decides."""

    __tablename__ = "compensation"
    __table_args__ = (
        UniqueConstraint("promise_id", "rule"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("state in ('proposed', 'granted', 'refused')", name="state"),
    )

    promise_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("promise.id"))
    work_order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("work_order.id"), index=True)
    rule: Mapped[str]
    amount_minor: Mapped[int]
    currency: Mapped[str]
    state: Mapped[str]
    created_at: Mapped[datetime]
    decided_by: Mapped[uuid.UUID | None]
    decided_at: Mapped[datetime | None]


class SlotHold(Identified, Base):
    """
    A window kept for one caller for some minutes while the call goes on (decision 18).

    It takes room in the day like a visit would, until it is used, given back or past ``expires_at``.
    """

    __tablename__ = "slot_hold"
    __table_args__ = (
        CheckConstraint("window_end > window_start", name="window"),
        CheckConstraint("duration_minutes between 1 and 1440", name="duration"),
        CheckConstraint("crew_size between 1 and 4", name="crew_size"),
        Index(
            "ix_slot_hold_open",
            "territory_id",
            "day",
            "expires_at",
            postgresql_where=text("released_at is null and visit_id is null"),
        ),
    )

    territory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("territory.id"))
    day: Mapped[date]
    site_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("site.id"))
    window_start: Mapped[datetime]
    window_end: Mapped[datetime]
    skills: Mapped[dict[str, Any]] = mapped_column(default=dict)
    certificates: Mapped[list[Any]] = mapped_column(default=list)
    parts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    excluded_technicians: Mapped[list[Any]] = mapped_column(default=list)
    required_technician_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("technician.id"))
    duration_minutes: Mapped[int]
    crew_size: Mapped[int] = mapped_column(default=1)
    priority: Mapped[int]
    technician_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("technician.id"))
    """Who would come as the day stood; planning may send another."""
    expected_start: Mapped[datetime]
    cost_minor: Mapped[int]
    """Price of the window to the plan when it was held."""
    held_by: Mapped[uuid.UUID | None]
    held_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    released_at: Mapped[datetime | None]
    visit_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("visit.id"))
    """The visit that was promised the window."""
