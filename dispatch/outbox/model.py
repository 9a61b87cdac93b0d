"""The rows behind the outbox: runs of jobs, recurring jobs and the moved clock of a demo."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.db import Base, Identified


class JobRun(Identified, Base):
    """One job to be done once; ``key`` is its business key."""

    __tablename__ = "job_run"
    __table_args__ = (
        CheckConstraint("state in ('ready', 'running', 'done', 'parked', 'cancelled')", name="state"),
        Index("ix_job_run_state_ready_at", "state", "ready_at"),
    )

    kind: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    queue: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(default="ready")
    attempt: Mapped[int] = mapped_column(default=0)
    ready_at: Mapped[datetime] = mapped_column(server_default=func.now())
    """Not before this moment, database time."""
    lease_token: Mapped[uuid.UUID | None]
    lease_until: Mapped[datetime | None]
    input_hash: Mapped[str | None]
    rule_version: Mapped[str | None]
    result: Mapped[dict[str, Any] | None]
    result_hash: Mapped[str | None]
    error: Mapped[str | None]
    progress: Mapped[dict[str, Any] | None]
    """How far its owner is, as told last."""
    called_off_at: Mapped[datetime | None]
    """When somebody asked its owner to stop; one that nobody owns is cancelled at once."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]


class Schedule(Base):
    """A recurring job: due each day at a local time, one run per business day; or every few minutes."""

    __tablename__ = "schedule"

    name: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    timezone: Mapped[str]
    minute_of_day: Mapped[int]
    """Local minute after which the day's run is due."""
    day_offset: Mapped[int] = mapped_column(default=0)
    """Which day the run is about: -1 is yesterday, +1 tomorrow."""
    every_minutes: Mapped[int | None]
    """One run for each part of the day of so many minutes instead; those that were missed stay missed."""
    weekday: Mapped[int | None]
    """Only on this ISO weekday; none means every day."""
    catch_up_days: Mapped[int] = mapped_column(default=7)
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    last_day: Mapped[str | None]
    """Newest business day for which a run was written, ISO."""
    is_active: Mapped[bool] = mapped_column(default=True)


class SimulatedClock(Base):
    """The moved clock of a demo; every process reads it through ``clock.now()`` (decision 17)."""

    __tablename__ = "simulated_clock"

    only: Mapped[bool] = mapped_column(primary_key=True, default=True)
    moment: Mapped[datetime]
