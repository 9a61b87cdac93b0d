"""The catalogue of parts, and every movement of a van's stock (R-511)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch import clock, db, text
from dispatch.access.rules import Principal
from dispatch.money import Money
from dispatch.parts import rules
from dispatch.parts.model import Part, StockMovement, VanStock

REASONS = frozenset({"fitted", "returned", "loaded", "counted"})
CHANGEABLE = frozenset({"name_en", "name_zh", "price", "is_approved"})


@dataclass(frozen=True, slots=True)
class Moved:
    """What a movement left on the van; ``is_repeated`` when this cause had moved the stock before."""

    quantity: int
    is_repeated: bool

    @property
    def is_short(self) -> bool:
        """More was taken than was booked; the keeper must explain it (R-511)."""
        return self.quantity < 0


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
) -> Moved:
    """
    Change a van's stock once per ``source``, whatever comes twice (R-511).

    The stock may turn negative, since what was fitted was fitted; the answer says so.
    """
    rules.checked_quantity(abs(change))
    movement = (
        insert(StockMovement)
        .values(
            id=db.new_id(),
            technician_id=technician_id,
            part_id=part_id,
            change=change,
            reason=text.choice(reason, "reason", REASONS),
            source=source,
            lot=text.optional_line(lot, "lot", longest=text.CODE),
            serial=text.optional_line(serial, "serial", longest=text.CODE),
            moved_at=moved_at or clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["source"])
        .returning(StockMovement.id)
    )
    if session.scalars(movement).first() is None:
        kept = select(VanStock.quantity).filter_by(technician_id=technician_id, part_id=part_id)
        return Moved(session.scalars(kept).first() or 0, is_repeated=True)
    stock = insert(VanStock).values(technician_id=technician_id, part_id=part_id, quantity=change, version=1)
    raised = stock.on_conflict_do_update(
        index_elements=["technician_id", "part_id"],
        set_={
            "quantity": VanStock.quantity + stock.excluded.quantity,
            "version": VanStock.version + 1,
        },
    ).returning(VanStock)
    now = session.scalars(raised, execution_options={"populate_existing": True}).one()
    return Moved(now.quantity, is_repeated=False)
