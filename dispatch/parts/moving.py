"""Every change of what a place holds: one row of history and one sum, together (R-511)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch import clock, db, text
from dispatch.access.rules import Principal
from dispatch.parts import rules, units
from dispatch.parts.model import Part, StockMovement, StoreStock, VanStock
from dispatch.parts.rules import VAN, Place

REASONS = frozenset({"fitted", "returned", "loaded", "counted", "transferred", "scrapped"})


@dataclass(frozen=True, slots=True)
class Moved:
    """What a movement left at its place; ``is_repeated`` when this cause had moved the stock before."""

    quantity: int
    is_repeated: bool

    @property
    def is_short(self) -> bool:
        """More was taken than was booked; the keeper must explain it (R-511)."""
        return self.quantity < 0


def move_at(
    session: Session,
    *,
    by: Principal | None,
    place: Place,
    part_id: uuid.UUID,
    change: int,
    reason: str,
    source: str,
    other: Place | None = None,
    lot: str | None = None,
    serial: str | None = None,
    note: str | None = None,
    moved_at: datetime | None = None,
    undoes: str | None = None,
) -> Moved:
    """
    Change what a place holds once per ``source``, whatever comes twice; ``other`` is the end besides it.

    The stock may turn negative, since what was fitted was fitted; the answer says so. ``undoes`` is the
    source of the fitting that this takes back.
    """
    rules.checked_quantity(abs(change))
    part = session.get_one(Part, part_id)
    piece = text.optional_line(serial, "serial", longest=text.CODE)
    units.check_serial(part, piece, change, reason)
    movement = (
        insert(StockMovement)
        .values(
            id=db.new_id(),
            **named(place),
            **({f"other_{name}": value for name, value in named(other).items()} if other else {}),
            part_id=part_id,
            change=change,
            reason=text.choice(reason, "reason", REASONS),
            source=source,
            lot=text.optional_line(lot, "lot", longest=text.CODE),
            serial=piece,
            note=note,
            recorded_by=by.user_id if by else None,
            moved_at=moved_at or clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["source"])
        .returning(StockMovement.id)
    )
    if session.scalars(movement).first() is None:
        return Moved(held_at(session, place, part_id), is_repeated=True)
    if part.is_serialised and piece is not None:
        units.follow(
            session,
            part=part,
            serial=piece,
            place=place,
            change=change,
            reason=reason,
            other=other,
            undoes=undoes,
        )
    return Moved(_add(session, place, part_id, change), is_repeated=False)


def held_at(session: Session, place: Place, part_id: uuid.UUID) -> int:
    """Return how many pieces a place should hold."""
    stock = VanStock if place.kind == VAN else StoreStock
    kept = select(stock.quantity).filter_by(part_id=part_id, **named(place))
    return session.scalars(kept).first() or 0


def _add(session: Session, place: Place, part_id: uuid.UUID, change: int) -> int:
    stock: type[VanStock | StoreStock] = VanStock if place.kind == VAN else StoreStock
    where = named(place)
    row = insert(stock).values(part_id=part_id, quantity=change, version=1, **where)
    raised = row.on_conflict_do_update(
        index_elements=[*where, "part_id"],
        set_={"quantity": stock.quantity + row.excluded.quantity, "version": stock.version + 1},
    ).returning(stock)
    now: Any = session.scalars(raised, execution_options={"populate_existing": True}).one()
    return int(now.quantity)


def named(place: Place) -> dict[str, uuid.UUID]:
    """Return the column and id that name a place in the tables of stock."""
    return {"technician_id" if place.kind == VAN else "territory_id": place.id}
