"""What vans and store need to be back at their levels: a list that the desk takes over (R-511)."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.access.rules import Principal
from dispatch.parts import commands
from dispatch.parts.model import Part, PartOrder, PartTransfer, StoreStock, VanStock
from dispatch.parts.rules import ASKED, HANDED, RefillOutdated, checked_quantity
from dispatch.parts.transferring import Wish, ask
from dispatch.planning.supplying import shares
from dispatch.technicians.model import Technician
from dispatch.territories.model import Territory


@dataclass(frozen=True, slots=True)
class Refill:
    """Pieces for a van from the store, or for the store (without a technician) from a supplier."""

    technician_id: uuid.UUID | None
    sku: str
    free: int
    """What is there or on its way, less what is promised to others."""
    minimum: int
    target: int
    quantity: int


def refills(session: Session, territory_id: uuid.UUID) -> list[Refill]:
    """
    Return what is proposed: vans below their minimum from what the store has left, then the store itself.

    What is on its way counts as there; what the store set aside for planned visits is left alone.
    """
    on_van, in_store = _on_the_way(session, territory_id)
    in_store.subtract(_set_aside(session, territory_id))
    levels = _levels(session, territory_id)
    found, asked = [], Counter[str]()
    for technician_id, sku, quantity, _, _ in levels:
        if technician_id is None:
            in_store[sku] += quantity
    for technician_id, sku, quantity, minimum, target in levels:
        free = quantity + on_van[technician_id, sku]
        if technician_id is None or free >= minimum:
            continue
        here = min(target - free, max(0, in_store[sku]))
        asked[sku] += target - free - here
        in_store[sku] -= here
        if here:
            found.append(Refill(technician_id, sku, free, minimum, target, here))
    return [*found, *_of_store(session, territory_id, levels, in_store, asked)]


def take_over(
    session: Session, *, by: Principal, territory_id: uuid.UUID, wanted: Iterable[Refill]
) -> tuple[Sequence[PartTransfer], Sequence[PartOrder]]:
    """Ask the store for what vans need, and note what is ordered; nothing beyond what is proposed now."""
    session.execute(select(Territory.id).where(Territory.id == territory_id).with_for_update())
    proposed = {(one.technician_id, one.sku): one.quantity for one in refills(session, territory_id)}
    transfers, orders = [], []
    for one in wanted:
        key, quantity = (one.technician_id, one.sku), checked_quantity(one.quantity)
        proposed[key] = proposed.get(key, 0) - quantity
        if proposed[key] < 0:
            raise RefillOutdated(f"{quantity} of {one.sku[:64]} are not proposed any more", sku=one.sku[:64])
        part = session.scalars(select(Part).where(Part.sku == one.sku)).one()
        if one.technician_id is None:
            orders.append(
                commands.order_parts(session, by=by, territory_id=territory_id, part=part, quantity=quantity)
            )
        else:
            wish = Wish(
                territory_id=territory_id,
                part=part,
                quantity=quantity,
                giver_id=None,
                taker_id=one.technician_id,
            )
            transfers.append(ask(session, by=by, wish=wish))
    return transfers, orders


def _of_store(
    session: Session,
    territory_id: uuid.UUID,
    levels: Sequence[tuple[uuid.UUID | None, str, int, int, int]],
    left: Counter[str],
    asked: Counter[str],
) -> list[Refill]:
    """What the store orders: up to its own target, and what vans need beyond what it has."""
    ordered = Counter[str]()
    statement = (
        select(Part.sku, func.sum(PartOrder.quantity - PartOrder.received))
        .join(Part, Part.id == PartOrder.part_id)
        .where(PartOrder.territory_id == territory_id, PartOrder.state == "ordered")
        .group_by(Part.sku)
    )
    for sku, pieces in session.execute(statement):
        ordered[sku] = max(0, int(pieces))
    own = {sku: (minimum, target) for who, sku, _, minimum, target in levels if who is None}
    found = []
    for sku in sorted({*own, *asked, *(sku for sku, pieces in left.items() if pieces < 0)}):
        minimum, target = own.get(sku, (0, 0))
        free = left[sku] + ordered[sku] - asked[sku]
        if free < minimum:
            found.append(Refill(None, sku, free, minimum, target, max(target, minimum) - free))
    return found


def _levels(session: Session, territory_id: uuid.UUID) -> list[tuple[uuid.UUID | None, str, int, int, int]]:
    """Every stock of the territory: whose van, part, pieces, minimum, target; the store's without a van."""
    crew = select(Technician.id).where(Technician.territory_id == territory_id, Technician.is_active)
    of_vans = (
        select(VanStock.technician_id, Part.sku, VanStock.quantity, VanStock.minimum, VanStock.target)
        .join(Part, Part.id == VanStock.part_id)
        .where(VanStock.technician_id.in_(crew))
        .order_by(VanStock.technician_id, Part.sku)
    )
    of_store = (
        select(Part.sku, StoreStock.quantity, StoreStock.minimum, StoreStock.target)
        .join(Part, Part.id == StoreStock.part_id)
        .where(StoreStock.territory_id == territory_id)
        .order_by(Part.sku)
    )
    return [
        *((row[0], row[1], row[2], row[3], row[4]) for row in session.execute(of_vans)),
        *((None, row[0], row[1], row[2], row[3]) for row in session.execute(of_store)),
    ]


def _on_the_way(
    session: Session, territory_id: uuid.UUID
) -> tuple[Counter[tuple[uuid.UUID | None, str]], Counter[str]]:
    """What open transfers bring to vans, less what they take from them; and the same for the store."""
    statement = (
        select(PartTransfer.giver_id, PartTransfer.taker_id, Part.sku, PartTransfer.quantity)
        .join(Part, Part.id == PartTransfer.part_id)
        .where(PartTransfer.territory_id == territory_id, PartTransfer.state.in_([ASKED, HANDED]))
    )
    vans: Counter[tuple[uuid.UUID | None, str]] = Counter()
    store: Counter[str] = Counter()
    for giver, taker, sku, quantity in session.execute(statement):
        vans[giver, sku] -= quantity
        vans[taker, sku] += quantity
        store[sku] += quantity if taker is None else -quantity if giver is None else 0
    return vans, store


def _set_aside(session: Session, territory_id: uuid.UUID) -> Counter[str]:
    """Pieces of the store that planned visits need, less what their vans asked for; those nowhere as well."""
    needed: Counter[tuple[uuid.UUID | None, str]] = Counter()
    for share in shares(session, territory_id):
        needed[share.technician_id, share.sku] += share.from_store + share.missing
    statement = (
        select(PartTransfer.taker_id, Part.sku, func.sum(PartTransfer.quantity))
        .join(Part, Part.id == PartTransfer.part_id)
        .where(PartTransfer.territory_id == territory_id, PartTransfer.state == ASKED)
        .where(PartTransfer.taker_id.is_not(None))
        .group_by(PartTransfer.taker_id, Part.sku)
    )
    for taker, sku, pieces in session.execute(statement):
        needed[taker, sku] -= int(pieces)
    wanted: Counter[str] = Counter()
    for (_, sku), pieces in needed.items():
        wanted[sku] += max(0, pieces)
    return wanted
