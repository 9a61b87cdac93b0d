"""Parts, what each van carries, and every movement of it (R-511)."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from dispatch.db import Base, Identified, Versioned


class Part(Identified, Versioned, Base):
    """A part that can be fitted, with its list price in minor units."""

    __tablename__ = "part"
    __table_args__ = (CheckConstraint("price_minor >= 0", name="price"),)

    sku: Mapped[str] = mapped_column(unique=True)
    name_en: Mapped[str]
    name_zh: Mapped[str]
    price_minor: Mapped[int]
    currency: Mapped[str]
    is_approved: Mapped[bool] = mapped_column(default=True)
    """R-507: original or approved; anything else needs a reason and an approver."""
    is_serialised: Mapped[bool] = mapped_column(default=False)
    """Each piece has a serial number of its own."""
    core_since: Mapped[datetime | None]
    """Since when the supplier wants an old part back for each that is fitted."""

    @property
    def has_core(self) -> bool:
        """Whether an old part is expected back for each that is fitted."""
        return self.core_since is not None


class VanStock(Versioned, Base):
    """
    What a technician's van should hold; may turn negative when the phone reports more than booked.

    The technician is its one keeper (R-511).
    """

    __tablename__ = "van_stock"

    technician_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("technician.id"), primary_key=True)
    part_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("part.id"), primary_key=True)
    quantity: Mapped[int] = mapped_column(default=0)
    minimum: Mapped[int] = mapped_column(default=0)
    """Below it a refill is proposed, up to ``target``."""
    target: Mapped[int] = mapped_column(default=0)


class StoreStock(Versioned, Base):
    """What the shelf of a territory should hold; the company keeps it (R-511)."""

    __tablename__ = "store_stock"

    territory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("territory.id"), primary_key=True)
    part_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("part.id"), primary_key=True)
    quantity: Mapped[int] = mapped_column(default=0)
    minimum: Mapped[int] = mapped_column(default=0)
    """Below it a refill is proposed, up to ``target``."""
    target: Mapped[int] = mapped_column(default=0)


_OTHER_END = (
    "case when other_technician_id is not null then 'van' when other_territory_id is not null then 'store'"
    " when reason = 'loaded' then 'supplier' when reason = 'counted' then 'count'"
    " when reason = 'scrapped' then 'scrap' else 'customer' end"
)


class StockMovement(Identified, Base):
    """
    One change of what a van or a store holds, never edited; a transfer writes one for each of its two ends.

    The place whose stock changes is named by ``technician_id`` or ``territory_id``.
    """

    __tablename__ = "stock_movement"
    __table_args__ = (
        Index("ix_stock_movement_technician_id_moved_at", "technician_id", "moved_at"),
        Index("ix_stock_movement_territory_id_moved_at", "territory_id", "moved_at"),
        Index(
            "ix_stock_movement_part_id_serial",
            "part_id",
            "serial",
            postgresql_where=text("serial is not null"),
        ),
        CheckConstraint("change <> 0", name="change"),
        CheckConstraint("(technician_id is null) <> (territory_id is null)", name="place"),
    )

    technician_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("technician.id"))
    territory_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("territory.id"))
    part_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("part.id"))
    change: Mapped[int]
    reason: Mapped[str]
    """``fitted``, ``returned``, ``loaded``, ``counted``, ``transferred``, ``scrapped``."""
    source: Mapped[str] = mapped_column(unique=True)
    """Business key of the cause, so that a repeated cause moves nothing twice."""
    lot: Mapped[str | None]
    serial: Mapped[str | None]
    moved_at: Mapped[datetime]
    other_technician_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("technician.id"))
    other_territory_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("territory.id"))
    other_end: Mapped[str] = mapped_column(Computed(_OTHER_END, persisted=True))
    """Where it came from or went: ``supplier``, ``store``, ``van``, ``customer``, ``scrap``, ``count``."""
    note: Mapped[str | None]
    recorded_by: Mapped[uuid.UUID | None]


class PartTransfer(Identified, Versioned, Base):
    """
    Pieces of one part on their way between store and vans of a territory.

    ``asked``, then ``handed`` over by the giver, then ``confirmed`` by the taker: until then the giver keeps
    them (R-511). ``declined`` ends it without any movement. A van is named by its technician.
    """

    __tablename__ = "part_transfer"
    __table_args__ = (
        CheckConstraint("state in ('asked', 'handed', 'confirmed', 'declined')", name="state"),
        CheckConstraint("giver_id is distinct from taker_id", name="ends"),
        CheckConstraint("quantity > 0", name="quantity"),
        Index("ix_part_transfer_open", "territory_id", postgresql_where=text("state in ('asked', 'handed')")),
    )

    territory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("territory.id"))
    part_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("part.id"))
    quantity: Mapped[int]
    lot: Mapped[str | None]
    serial: Mapped[str | None]
    giver_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("technician.id"))
    """None is the store."""
    taker_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("technician.id"))
    """None is the store."""
    state: Mapped[str]
    note: Mapped[str | None]
    asked_by: Mapped[uuid.UUID | None]
    asked_at: Mapped[datetime]
    handed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class StockCount(Identified, Base):
    """
    What somebody counted at a place against what should be there; a difference becomes a movement.

    ``open``: what differs on a van waits for the second signature (R-603); ``even``: nothing differs;
    ``overtaken``: a newer count stands.
    """

    __tablename__ = "stock_count"
    __table_args__ = (
        CheckConstraint("state in ('even', 'open', 'booked', 'refused', 'overtaken')", name="state"),
        CheckConstraint("(state = 'refused') = (refusal is not null)", name="refusal"),
        CheckConstraint("state <> 'open' or technician_id is not null", name="open"),
        CheckConstraint("counted >= 0", name="counted"),
        CheckConstraint("(technician_id is null) <> (territory_id is null)", name="place"),
        CheckConstraint("counted = expected or reason is not null", name="reason"),
        Index("ix_stock_count_technician_id_counted_at", "technician_id", "counted_at"),
        Index(
            "uq_stock_count_open",
            "technician_id",
            "part_id",
            unique=True,
            postgresql_where=text("state = 'open'"),
        ),
    )

    technician_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("technician.id"))
    territory_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("territory.id"))
    part_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("part.id"))
    expected: Mapped[int]
    counted: Mapped[int]
    serials: Mapped[list[Any] | None]
    """Exactly the pieces that were there, where they are told apart."""
    reason: Mapped[str | None]
    state: Mapped[str]
    counted_by: Mapped[uuid.UUID]
    is_keepers: Mapped[bool]
    """Whether the van's keeper counted, so that the office signs; else the keeper does."""
    counted_at: Mapped[datetime]
    decided_by: Mapped[uuid.UUID | None]
    """Who signed or refused; nobody where nothing had to be signed."""
    decided_at: Mapped[datetime | None]
    refusal: Mapped[str | None]
    """Why it was refused."""


class PartOrder(Identified, Versioned, Base):
    """Pieces ordered from a supplier for a store; ``received`` counts those that came."""

    __tablename__ = "part_order"
    __table_args__ = (
        CheckConstraint("state in ('ordered', 'received', 'cancelled')", name="state"),
        CheckConstraint("quantity > 0 and received >= 0", name="quantity"),
        Index("ix_part_order_open", "territory_id", postgresql_where=text("state = 'ordered'")),
    )

    territory_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("territory.id"))
    part_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("part.id"))
    quantity: Mapped[int]
    received: Mapped[int] = mapped_column(default=0)
    state: Mapped[str]
    ordered_by: Mapped[uuid.UUID]
    ordered_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class PartUnit(Base):
    """One piece of a serialised part, in one place: a van, a store, or gone (R-511)."""

    __tablename__ = "part_unit"
    __table_args__ = (
        CheckConstraint("num_nonnulls(technician_id, territory_id, gone_to) = 1", name="place"),
        CheckConstraint("gone_to in ('customer', 'scrap', 'count')", name="gone_to"),
        Index("ix_part_unit_technician_id", "technician_id"),
        Index("ix_part_unit_territory_id", "territory_id"),
    )

    part_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("part.id"), primary_key=True)
    serial: Mapped[str] = mapped_column(primary_key=True)
    technician_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("technician.id"))
    territory_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("territory.id"))
    gone_to: Mapped[str | None]
