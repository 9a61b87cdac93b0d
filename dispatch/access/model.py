"""Who may do what, proven by tokens that are only kept as hashes (reliability S6 to S8)."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from dispatch.db import Base, Identified, Versioned


class User(Identified, Versioned, Base):
    """A person who signs in; one role, a set of territories."""

    __tablename__ = "app_user"
    __table_args__ = (
        CheckConstraint(
            "role in ('admin', 'dispatcher', 'call_taker', 'supervisor', 'technician', 'finance')",
            name="role",
        ),
        CheckConstraint("(role = 'technician') = (technician_id is not null)", name="technician"),
    )

    username: Mapped[str] = mapped_column(unique=True)
    """Lower case."""
    display_name: Mapped[str]
    password_hash: Mapped[str]
    role: Mapped[str]
    language: Mapped[str] = mapped_column(default="en")
    technician_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("technician.id"))
    otp_secret: Mapped[str | None]
    otp_last_step: Mapped[int | None] = mapped_column(BigInteger)
    """Time step of the last accepted code, so that a code works once."""
    is_active: Mapped[bool] = mapped_column(default=True)
    failed_logins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    created_at: Mapped[datetime]

    territories: Mapped[list[UserTerritory]] = relationship(cascade="all, delete-orphan", lazy="selectin")


class UserTerritory(Base):
    """A territory that a user may see; no row at all for an admin means every territory."""

    __tablename__ = "user_territory"

    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("app_user.id", ondelete="CASCADE"), primary_key=True
    )
    territory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("territory.id"), primary_key=True)


class Device(Identified, Versioned, Base):
    """A technician's phone, bound to a P-256 key that never leaves it."""

    __tablename__ = "device"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"), index=True)
    technician_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("technician.id"))
    label: Mapped[str]
    public_key: Mapped[str]
    """PEM, SubjectPublicKeyInfo."""
    registered_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Token(Identified, Base):
    """An access or refresh token, as the SHA-256 of its text; times are the database's."""

    __tablename__ = "token"
    __table_args__ = (
        CheckConstraint("kind in ('access', 'refresh')", name="kind"),
        Index("ix_token_family_id", "family_id"),
    )

    token_sha256: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    family_id: Mapped[uuid.UUID]
    generation: Mapped[int]
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"), index=True)
    device_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("device.id"))
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    family_expires_at: Mapped[datetime]
    first_used_at: Mapped[datetime | None]
    succeeded_at: Mapped[datetime | None]
    """When a refresh token was exchanged; the same exchange is repeated until the successor is used."""
    revoked_at: Mapped[datetime | None]


class AuditEntry(Base):
    """Who did what and when; rows are only added."""

    __tablename__ = "audit_entry"

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    at: Mapped[datetime]
    user_id: Mapped[uuid.UUID | None]
    action: Mapped[str]
    subject: Mapped[str | None]
    outcome: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    sha256: Mapped[str | None]
    """Of what the entry says (``audit.digest_of``); None of those from before it was kept."""


class IdempotencyRecord(Identified, Base):
    """The answer to a creation, kept so that a repeated request gets the same one."""

    __tablename__ = "idempotency_record"
    __table_args__ = (UniqueConstraint("user_id", "key"),)

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"))
    key: Mapped[str]
    route: Mapped[str]
    request_sha256: Mapped[str]
    status: Mapped[int | None]
    body: Mapped[str | None]
    headers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
