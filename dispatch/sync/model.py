"""What phones sent and what was decided; receipts are kept for ever (reliability §2)."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.db import Base, Identified


class Operation(Base):
    """One operation of a phone with its decision; the receipt is stored as text, byte for byte."""

    __tablename__ = "sync_operation"
    __table_args__ = (
        UniqueConstraint("device_id", "install_epoch", "seq"),
        CheckConstraint("state in ('applied', 'applied_conflict', 'rejected', 'held')", name="state"),
        Index("ix_sync_operation_visit_id", "visit_id"),
    )

    op_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("device.id"))
    install_epoch: Mapped[str]
    seq: Mapped[int]
    type: Mapped[str]
    schema: Mapped[int]
    visit_id: Mapped[uuid.UUID | None]
    body: Mapped[dict[str, Any]]
    """The whole operation as received; a rejected one is kept too."""
    body_sha256: Mapped[str]
    state: Mapped[str]
    receipt: Mapped[str]
    occurred_at_device: Mapped[datetime]
    occurred_at: Mapped[datetime]
    clock_quality: Mapped[str]
    """``mono``, ``offset`` or ``unverified``."""
    received_at: Mapped[datetime]


class DeviceEpoch(Base):
    """How far the operations of one installation have been decided without a gap."""

    __tablename__ = "sync_device_epoch"

    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("device.id"), primary_key=True)
    install_epoch: Mapped[str] = mapped_column(primary_key=True)
    acked_seq: Mapped[int] = mapped_column(default=0)


class Rejection(Identified, Base):
    """A refused operation, visible to technician and dispatcher until somebody decides; never dropped."""

    __tablename__ = "sync_rejection"

    op_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sync_operation.op_id"), unique=True)
    technician_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("technician.id"), index=True)
    code: Mapped[str]
    reason: Mapped[str]
    rejected_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[uuid.UUID | None]


class Upload(Identified, Base):
    """Bytes of an announced file on their way here (tus); what arrived lies in a file of its own."""

    __tablename__ = "sync_upload"
    __table_args__ = (
        UniqueConstraint("declared_file_id"),
        CheckConstraint("received between 0 and length", name="received"),
        Index("ix_sync_upload_expires_at", "expires_at"),
    )

    declared_file_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("declared_file.id"))
    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("device.id"))
    length: Mapped[int]
    received: Mapped[int] = mapped_column(default=0)
    """Bytes that lie on the disk for certain; tus calls it the offset."""
    stored_name: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    failure: Mapped[str | None]
    """Code of the refusal of the whole file, such as a damaged picture."""


class Quarantined(Identified, Base):
    """Unsent work of a revoked phone: sealed, without effect until a dispatcher admits it (§2.7)."""

    __tablename__ = "sync_quarantine"
    __table_args__ = (
        UniqueConstraint("device_id", "sha256"),
        CheckConstraint("decision in ('admitted', 'dismissed', 'expired')", name="decision"),
        CheckConstraint("(decision is null) = (decided_at is null)", name="decided"),
    )

    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("device.id"))
    technician_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("technician.id"), index=True)
    sha256: Mapped[str]
    """Of its operations."""
    operations: Mapped[int]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    """None once it was dismissed or expired."""
    received_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[uuid.UUID | None]
    decision: Mapped[str | None]
    reason: Mapped[str | None]
