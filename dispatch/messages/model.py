"""One table of messages; the key makes each of them unique, the text is final when the row is written."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.db import Base, Identified


class Message(Identified, Base):
    """A message in its final form and how its delivery went."""

    __tablename__ = "message"
    __table_args__ = (
        CheckConstraint(
            "state in ('queued', 'sending', 'sent', 'unknown', 'failed', 'suppressed')", name="state"
        ),
        Index("ix_message_state", "state"),
    )

    key: Mapped[str] = mapped_column(unique=True)
    """Template and what it is about; a repeated cause writes nothing twice."""
    customer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("customer.id"), index=True)
    technician_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("technician.id"))
    work_order_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("work_order.id"), index=True)
    template: Mapped[str]
    language: Mapped[str]
    channel: Mapped[str]
    address: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str]
    state: Mapped[str] = mapped_column(default="queued")
    written_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    attempted_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    provider_reference: Mapped[str | None]
    error: Mapped[str | None]
