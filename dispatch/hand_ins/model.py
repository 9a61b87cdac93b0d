"""A day handed in, how the cashier counted it, and the keeper's account (R-603)."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.db import Base, Identified, Versioned


class HandIn(Identified, Versioned, Base):
    """
    One technician's day as the technician handed it in: sheets complete or explained, money counted.

    What came after that is a supplement of the same day, with the next number.
    """

    __tablename__ = "hand_in"
    __table_args__ = (
        UniqueConstraint("technician_id", "day", "supplement"),
        CheckConstraint("state in ('handed_in', 'received', 'disputed', 'closed')", name="state"),
    )

    technician_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("technician.id"))
    day: Mapped[date]
    supplement: Mapped[int] = mapped_column(default=0)
    """0 for the day itself, then 1, 2, …"""
    state: Mapped[str] = mapped_column(default="handed_in")
    """``received``: counted by the cashier, not yet agreed to; ``closed``: booked."""
    handed_in_at: Mapped[datetime]
    received_by: Mapped[uuid.UUID | None]
    closed_at: Mapped[datetime | None]
    sheets_expected: Mapped[list[Any]]
    sheets_missing: Mapped[list[Any]]
    """``{"sheet", "reason"}`` each; every missing sheet is explained."""
    vouchers: Mapped[list[Any]] = mapped_column(default=list)
    """``{"number", "kind", "amount_minor"}`` each: receipts for parts bought, parking and the like."""
    money: Mapped[list[Any]]
    """
    ``{"method", "currency", "expected_minor", "counted_minor", "difference_minor", "vouchers_minor"}`` per
    method; vouchers have lowered ``expected_minor`` by ``vouchers_minor``, which is absent in early ones.
    """
    stock: Mapped[list[Any]] = mapped_column(default=list)
    """``{"sku", "expected", "counted", "difference"}`` for counted parts."""
    van_uncounted: Mapped[list[Any]] = mapped_column(default=list)
    """Numbers of the parts that the van should hold and that nobody counted on this day."""
    van_reason: Mapped[str] = mapped_column(default="")
    """Why the van was not counted."""
    note: Mapped[str] = mapped_column(default="")
    signed_by_name: Mapped[str | None]
    signature_path: Mapped[str | None]
    shown_sha256: Mapped[str | None]
    """What the technician signed (docs/reference/sync.md); None from phones that do not sign."""
    op_id: Mapped[uuid.UUID | None] = mapped_column(unique=True)


class HandInPayment(Base):
    """A payment belongs to one hand-in, so that it is expected once."""

    __tablename__ = "hand_in_payment"

    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payment.id"), primary_key=True)
    hand_in_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("hand_in.id"), index=True)


class HandInReceipt(Identified, Base):
    """The cashier's count of a hand-in, never changed."""

    __tablename__ = "hand_in_receipt"

    hand_in_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("hand_in.id"), unique=True)
    received_by: Mapped[uuid.UUID]
    received_at: Mapped[datetime]
    money: Mapped[list[Any]]
    """As the hand-in's, with ``handed_minor`` (the technician's count) and ``reason``."""
    stock: Mapped[list[Any]]
    """As the hand-in's, with ``handed`` (the technician's count or null) and ``reason``."""
    missing: Mapped[list[Any]]
    """``{"number", "reason"}`` of sheets and vouchers the cashier did not find."""
    note: Mapped[str]
    signed_by_name: Mapped[str]
    signature_path: Mapped[str | None]
    shown: Mapped[str]
    shown_sha256: Mapped[str]
    """What both sign: the count in its canonical form."""


class HandInWord(Identified, Base):
    """What was said about the cashier's count: accepted, disputed, decided; never changed."""

    __tablename__ = "hand_in_word"
    __table_args__ = (
        UniqueConstraint("hand_in_id", "kind"),
        CheckConstraint("kind in ('accepted', 'disputed', 'decided')", name="kind"),
        CheckConstraint("(kind = 'decided') = (stands is not null)", name="decision"),
    )

    hand_in_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("hand_in.id"))
    kind: Mapped[str]
    said_by: Mapped[uuid.UUID | None]
    said_at: Mapped[datetime]
    stands: Mapped[str | None]
    """Whose count stands by decision: ``cashier`` or ``technician``."""
    reason: Mapped[str] = mapped_column(default="")
    signed_by_name: Mapped[str | None]
    signature_path: Mapped[str | None]
    op_id: Mapped[uuid.UUID | None] = mapped_column(unique=True)


class KeeperEntry(Identified, Base):
    """
    One booking on a technician's money account, never changed.

    Money collected is in custody until it is ``handed_in``, or a ``voucher`` tells what it was paid for;
    what lacks then is a ``difference`` that the keeper owes (negative: too much was there) until it is
    ``settled``.
    """

    __tablename__ = "keeper_entry"
    __table_args__ = (
        CheckConstraint("kind in ('handed_in', 'voucher', 'difference', 'settled')", name="kind"),
        CheckConstraint("amount_minor <> 0", name="amount"),
        Index("ix_keeper_entry_technician_id", "technician_id", "id"),
    )

    technician_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("technician.id"))
    hand_in_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("hand_in.id"))
    kind: Mapped[str]
    method: Mapped[str]
    currency: Mapped[str]
    amount_minor: Mapped[int]
    reason: Mapped[str] = mapped_column(default="")
    booked_by: Mapped[uuid.UUID | None]
    booked_at: Mapped[datetime]
    source: Mapped[str] = mapped_column(unique=True)
    """Business key of the cause, so that it is booked once."""
