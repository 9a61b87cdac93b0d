"""An inquiry: somebody wants something, and nobody has made a call of it yet (R-101)."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.db import Base, Identified, Versioned


class IntakeSource(Identified, Versioned, Base):
    """A machine that may report by a key of its own: a telephone system, a device that raises alarms."""

    __tablename__ = "intake_source"
    __table_args__ = (CheckConstraint("kind in ('telephony', 'alarm')", name="kind"),)

    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    key_sha256: Mapped[str] = mapped_column(unique=True)
    template_code: Mapped[str | None] = mapped_column(ForeignKey("problem_template.code"))
    """What an alarm of known equipment is registered as; without one a person registers it."""
    is_active: Mapped[bool] = mapped_column(default=True)
    created_by: Mapped[uuid.UUID]


class Inquiry(Identified, Versioned, Base):
    """What came in, as it came; the same thing twice from one source is one row."""

    __tablename__ = "inquiry"
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        CheckConstraint("state in ('new', 'registered', 'dismissed')", name="state"),
        CheckConstraint("received_at >= requested_at", name="received"),
        Index("ix_inquiry_state", "state", "requested_at"),
    )

    serial: Mapped[int] = mapped_column(Identity(start=1), unique=True)
    channel: Mapped[str]
    source: Mapped[str]
    """``web_form``, ``mailbox``, ``desk``, or the code of a machine."""
    external_id: Mapped[str]
    """The sender's own number of it."""
    territory_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("territory.id"), index=True)
    """Where it seems to be; None: anybody may take it."""
    state: Mapped[str] = mapped_column(default="new")
    requested_at: Mapped[datetime]
    """When the customer asked; for a telephone when it began to ring."""
    received_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    name: Mapped[str]
    phone: Mapped[str | None]
    email: Mapped[str | None]
    address: Mapped[str]
    language: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str]
    asset_serial: Mapped[str | None]
    call_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("repair_call.id"), index=True)
    handled_by: Mapped[uuid.UUID | None]
    handled_at: Mapped[datetime | None]
    note: Mapped[str]
    """Why it was dismissed."""

    @property
    def number(self) -> str:
        """The number that the sender is told."""
        return f"IN-{self.serial:06d}"


class InquiryFile(Identified, Base):
    """A picture or document that came with an inquiry; it goes with the order that becomes of it."""

    __tablename__ = "inquiry_file"
    __table_args__ = (UniqueConstraint("inquiry_id", "sha256"),)

    inquiry_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("inquiry.id"))
    sha256: Mapped[str]
    media_type: Mapped[str]
    size_bytes: Mapped[int]
    stored_name: Mapped[str] = mapped_column(unique=True)
    stored_sha256: Mapped[str | None]
    """Of the bytes as they lie on disk; None of those from before it was kept."""
    received_at: Mapped[datetime]
