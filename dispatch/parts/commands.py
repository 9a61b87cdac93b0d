"""The catalogue of parts, deliveries, and what leaves or comes back to a van (R-507, R-511)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, db, text
from dispatch.access.rules import Principal
from dispatch.money import Money
from dispatch.parts import rules
from dispatch.parts.model import Part, PartOrder
from dispatch.parts.moving import Moved, move_at
from dispatch.parts.rules import Place

__all__ = [
    "Moved",
    "cancel_order",
    "create_part",
    "load_van",
    "move",
    "order_parts",
    "receive",
    "receive_order",
    "scrap",
    "update_part",
]

CHANGEABLE = frozenset({"name_en", "name_zh", "price", "is_approved", "is_serialised", "has_core"})


def create_part(
    session: Session,
    *,
    by: Principal | None,
    sku: str,
    name_en: str,
    name_zh: str,
    price: Money,
    company_currency: str,
    is_approved: bool = True,
    is_serialised: bool = False,
    has_core: bool = False,
) -> Part:
    """Add a part to the catalogue; R-507: one that is not approved needs a reason whenever it is fitted."""
    short = text.code(sku, "sku")
    if session.scalar(select(Part.id).where(Part.sku == short)):
        raise rules.PartNumberTaken(f"part {short} exists")
    listed = rules.checked_price(price, company_currency)
    part = Part(
        sku=short,
        name_en=text.line(name_en, "name_en"),
        name_zh=text.line(name_zh, "name_zh"),
        price_minor=listed.minor,
        currency=listed.currency,
        is_approved=is_approved,
        is_serialised=is_serialised,
        core_since=clock.now() if has_core else None,
    )
    session.add(part)
    db.flush(session)
    return part


def update_part(
    session: Session,
    *,
    by: Principal | None,
    part: Part,
    changes: Mapping[str, Any],
    expected_version: int | None = None,
) -> Part:
    """Correct a part; its price counts for settlements made from now on."""
    part.expect_version(expected_version)
    text.only_known(changes, CHANGEABLE)
    for name in ("name_en", "name_zh"):
        if name in changes:
            setattr(part, name, text.line(changes[name], name))
    if "price" in changes:
        part.price_minor = rules.checked_price(changes["price"], part.currency).minor
    if "is_approved" in changes:
        part.is_approved = bool(changes["is_approved"])
    if "is_serialised" in changes:
        part.is_serialised = bool(changes["is_serialised"])
    if "has_core" in changes and changes["has_core"] != part.has_core:
        part.core_since = clock.now() if changes["has_core"] else None
    db.flush(session)
    return part


def load_van(
    session: Session,
    *,
    by: Principal | None,
    technician_id: uuid.UUID,
    part: Part,
    quantity: int,
    source: str,
    lot: str | None = None,
    serial: str | None = None,
) -> Moved:
    """Put parts on a technician's van; ``source`` names the delivery, so that it counts once."""
    return move(
        session,
        by=by,
        technician_id=technician_id,
        part_id=part.id,
        change=rules.checked_quantity(quantity),
        reason="loaded",
        source=f"load:{text.line(source, 'source')}",
        lot=lot,
        serial=serial,
    )


def receive(
    session: Session,
    *,
    by: Principal | None,
    territory_id: uuid.UUID,
    part: Part,
    quantity: int,
    source: str,
    lot: str | None = None,
    serial: str | None = None,
) -> Moved:
    """Put a supplier's delivery on the shelf of a territory; ``source`` names it, so that it counts once."""
    return move_at(
        session,
        by=by,
        place=Place(rules.STORE, territory_id),
        part_id=part.id,
        change=rules.checked_quantity(quantity),
        reason="loaded",
        source=f"receive:{territory_id}:{part.id}:{serial or ''}:{text.line(source, 'source')}",
        lot=lot,
        serial=serial,
    )


def order_parts(
    session: Session, *, by: Principal, territory_id: uuid.UUID, part: Part, quantity: int
) -> PartOrder:
    """Note that pieces were ordered from a supplier for a store."""
    row = PartOrder(
        id=db.new_id(),
        territory_id=territory_id,
        part_id=part.id,
        quantity=rules.checked_quantity(quantity),
        state="ordered",
        ordered_by=by.user_id,
        ordered_at=clock.now(),
    )
    session.add(row)
    db.flush(session)
    return row


def receive_order(
    session: Session,
    *,
    by: Principal,
    order: PartOrder,
    quantity: int,
    source: str,
    lot: str | None = None,
    serial: str | None = None,
) -> Moved:
    """Put what came of an order on the shelf; the order ends when all of it is there."""
    row = _locked(session, order)
    part = session.get_one(Part, row.part_id)
    if row.state == "cancelled":
        raise rules.PartOrderOver("the order was cancelled")
    moved = receive(
        session,
        by=by,
        territory_id=row.territory_id,
        part=part,
        quantity=quantity,
        source=f"{row.id} {source}",
        lot=lot,
        serial=serial,
    )
    if not moved.is_repeated:
        row.received += quantity
        if row.received >= row.quantity and row.state == "ordered":
            row.state, row.ended_at = "received", clock.now()
        db.flush(session)
    return moved


def cancel_order(session: Session, *, by: Principal, order: PartOrder) -> PartOrder:
    """Note that the rest of an order will not come."""
    row = _locked(session, order)
    if row.state == "received":
        raise rules.PartOrderOver("the order was received")
    if row.state == "ordered":
        row.state, row.ended_at = "cancelled", clock.now()
        db.flush(session)
    return row


def _locked(session: Session, order: PartOrder) -> PartOrder:
    statement = select(PartOrder).where(PartOrder.id == order.id).with_for_update()
    return session.scalars(statement, execution_options={"populate_existing": True}).one()


def scrap(
    session: Session,
    *,
    by: Principal | None,
    place: Place,
    part: Part,
    quantity: int,
    reason: str,
    lot: str | None = None,
    serial: str | None = None,
) -> Moved:
    """Take pieces out of use for good; the reason stays with the movement."""
    return move_at(
        session,
        by=by,
        place=place,
        part_id=part.id,
        change=-rules.checked_quantity(quantity),
        reason="scrapped",
        source=f"scrap:{db.new_id()}",
        lot=lot,
        serial=serial,
        note=text.line(reason, "reason", longest=500),
    )


def move(
    session: Session,
    *,
    by: Principal | None,
    technician_id: uuid.UUID,
    part_id: uuid.UUID,
    change: int,
    reason: str,
    source: str,
    lot: str | None = None,
    serial: str | None = None,
    moved_at: datetime | None = None,
    undoes: str | None = None,
) -> Moved:
    """Change a van's stock once per ``source``, whatever comes twice; ``undoes`` names a fitting (R-511)."""
    return move_at(
        session,
        by=by,
        place=Place(rules.VAN, technician_id),
        part_id=part_id,
        change=change,
        reason=reason,
        source=source,
        lot=lot,
        serial=serial,
        moved_at=moved_at,
        undoes=undoes,
    )
