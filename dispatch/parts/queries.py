"""The catalogue, and what each van carries."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import ColumnElement, Row, and_, column, or_, select, table, true
from sqlalchemy.orm import Session

from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal, Role
from dispatch.errors import NotFound
from dispatch.paging import USUAL, Page, cut
from dispatch.parts import rules
from dispatch.parts.model import (
    Part,
    PartOrder,
    PartTransfer,
    StockCount,
    StockMovement,
    StoreStock,
    VanStock,
)
from dispatch.parts.rules import ASKED, HANDED, OPEN, STORE, VAN, Place

KEEPERS = table("technician", column("id"), column("territory_id"))
"""The one column of a neighbour that scoping needs; parts and technicians do not import each other."""


def find_part(session: Session, principal: Principal, part_id: uuid.UUID) -> Part:
    """Return a part; the catalogue is the same for the whole company."""
    found = session.get(Part, part_id)
    if found is None:
        raise NotFound("there is no such part")
    return found


def list_parts(
    session: Session, principal: Principal, *, cursor: str | None = None, limit: int = USUAL
) -> Page[Part]:
    """Return the catalogue, newest part first."""
    return cut(session, select(Part), Part.id, cursor=cursor, limit=limit)


def part_named(session: Session, sku: str) -> Part:
    """Return a part by its number, or refuse it by name."""
    return parts_named(session, [sku])[sku]


def parts_named(session: Session, skus: Iterable[str]) -> dict[str, Part]:
    """Return parts by number; refuse the first that is not in the catalogue."""
    wanted = set(skus)
    found = {part.sku: part for part in session.scalars(select(Part).where(Part.sku.in_(wanted)))}
    missing = sorted(sku[:64] for sku in wanted - set(found))
    if missing:
        raise rules.PartUnknown(f"unknown parts: {', '.join(missing)}", parts=missing)
    return found


def listed_minor(session: Session, wanted: Mapping[str, int]) -> int:
    """Return the list price of quantities by part number, in minor units before tax."""
    known = parts_named(session, wanted)
    return sum(known[sku].price_minor * quantity for sku, quantity in wanted.items())


def _keepers(principal: Principal) -> ColumnElement[bool]:
    if principal.role is Role.TECHNICIAN:
        return VanStock.technician_id == principal.technician_id
    if principal.territory_ids is None:
        return true()
    seen = select(KEEPERS.c.id).where(in_scope(principal, KEEPERS.c.territory_id))
    return VanStock.technician_id.in_(seen)


def van_stock(session: Session, principal: Principal, technician_id: uuid.UUID) -> Sequence[Row[Part, int]]:
    """Return what a van should hold: parts and quantities, by part number."""
    statement = (
        select(Part, VanStock.quantity)
        .join(VanStock, VanStock.part_id == Part.id)
        .where(VanStock.technician_id == technician_id, _keepers(principal))
        .order_by(Part.sku)
    )
    return session.execute(statement).all()


def vans_below_zero(session: Session, principal: Principal) -> Sequence[Row[VanStock, Part]]:
    """Return stocks that were used beyond what was booked, to be explained by their keeper (R-511)."""
    statement = (
        select(VanStock, Part)
        .join(Part, Part.id == VanStock.part_id)
        .where(VanStock.quantity < 0, _keepers(principal))
        .order_by(VanStock.technician_id, Part.sku)
    )
    return session.execute(statement).all()


def movements(
    session: Session, principal: Principal, technician_id: uuid.UUID, *, limit: int = 200
) -> Sequence[StockMovement]:
    """Return a van's latest movements, newest first."""
    keeper = select(VanStock.technician_id).where(
        VanStock.technician_id == technician_id, _keepers(principal)
    )
    statement = select(StockMovement).where(StockMovement.technician_id.in_(keeper))
    return session.scalars(statement.order_by(StockMovement.moved_at.desc()).limit(limit)).all()


def find_keeper(
    session: Session, principal: Principal, technician_id: uuid.UUID, *, territory_id: uuid.UUID | None = None
) -> uuid.UUID:
    """Return the id of a technician in a territory that the person may see; colleagues know each other."""
    statement = select(KEEPERS.c.id).where(
        KEEPERS.c.id == technician_id,
        in_scope(principal, KEEPERS.c.territory_id),
        true() if territory_id is None else KEEPERS.c.territory_id == territory_id,
    )
    found: uuid.UUID | None = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound("there is no such technician")
    return found


def store_stock(session: Session, territory_id: uuid.UUID) -> Sequence[Row[Part, int]]:
    """Return what a territory's store should hold: parts and quantities, by part number."""
    statement = (
        select(Part, StoreStock.quantity)
        .join(StoreStock, StoreStock.part_id == Part.id)
        .where(StoreStock.territory_id == territory_id)
        .order_by(Part.sku)
    )
    return session.execute(statement).all()


def movements_at(session: Session, place: Place, *, limit: int = 200) -> Sequence[Row[StockMovement, str]]:
    """Return the latest movements of a place with the part's number, newest first."""
    owner = {VAN: StockMovement.technician_id, STORE: StockMovement.territory_id}[place.kind]
    statement = (
        select(StockMovement, Part.sku)
        .join(Part, Part.id == StockMovement.part_id)
        .where(owner == place.id)
        .order_by(StockMovement.moved_at.desc(), StockMovement.id.desc())
    )
    return session.execute(statement.limit(limit)).all()


def find_transfer(session: Session, principal: Principal, transfer_id: uuid.UUID) -> PartTransfer:
    """Return a transfer of the person's territories; a technician's own ones."""
    statement = select(PartTransfer).where(PartTransfer.id == transfer_id, _ends(principal))
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound("there is no such transfer")
    return found


def open_transfers(
    session: Session, principal: Principal, territory_id: uuid.UUID
) -> Sequence[Row[PartTransfer, Part]]:
    """Return transfers that nobody has confirmed or declined with their part, the oldest first."""
    statement = (
        select(PartTransfer, Part)
        .join(Part, Part.id == PartTransfer.part_id)
        .where(PartTransfer.territory_id == territory_id, PartTransfer.state.in_([ASKED, HANDED]))
        .where(_ends(principal))
    )
    return session.execute(statement.order_by(PartTransfer.asked_at, PartTransfer.id)).all()


def _ends(principal: Principal) -> ColumnElement[bool]:
    scope = in_scope(principal, PartTransfer.territory_id)
    if principal.role is Role.TECHNICIAN:
        mine = principal.technician_id
        return and_(scope, or_(PartTransfer.giver_id == mine, PartTransfer.taker_id == mine))
    return scope


def counts_at(session: Session, place: Place, *, limit: int = 200) -> Sequence[Row[StockCount, str]]:
    """Return the latest counts of a place with the part's number, newest first."""
    owner = {VAN: StockCount.technician_id, STORE: StockCount.territory_id}[place.kind]
    statement = (
        select(StockCount, Part.sku)
        .join(Part, Part.id == StockCount.part_id)
        .where(owner == place.id)
        .order_by(StockCount.counted_at.desc(), StockCount.id.desc())
    )
    return session.execute(statement.limit(limit)).all()


def find_count(session: Session, principal: Principal, count_id: uuid.UUID) -> StockCount:
    """Return a count of a van or store in the person's territories; technicians see those of their van."""
    statement = select(StockCount).where(StockCount.id == count_id, _counted_within(principal))
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound("there is no such count")
    return found


def open_counts(
    session: Session, territory_id: uuid.UUID, technician_id: uuid.UUID | None = None
) -> Sequence[Row[StockCount, str]]:
    """
    Return counts of a territory's vans that wait for their second signature with the part's number.

    The oldest first; with a technician those of that van alone.
    """
    crew = select(KEEPERS.c.id).where(KEEPERS.c.territory_id == territory_id)
    statement = (
        select(StockCount, Part.sku)
        .join(Part, Part.id == StockCount.part_id)
        .where(StockCount.state == OPEN, StockCount.technician_id.in_(crew))
        .order_by(StockCount.counted_at, StockCount.id)
    )
    if technician_id is not None:
        statement = statement.where(StockCount.technician_id == technician_id)
    return session.execute(statement).all()


def _counted_within(principal: Principal) -> ColumnElement[bool]:
    if principal.role is Role.TECHNICIAN:
        return StockCount.technician_id == principal.technician_id
    if principal.territory_ids is None:
        return true()
    seen = select(KEEPERS.c.id).where(in_scope(principal, KEEPERS.c.territory_id))
    return or_(StockCount.technician_id.in_(seen), StockCount.territory_id.in_(principal.territory_ids))


def open_orders(session: Session, territory_id: uuid.UUID) -> Sequence[Row[PartOrder, str]]:
    """Return what a store still expects from suppliers with the part's number, the oldest first."""
    statement = (
        select(PartOrder, Part.sku)
        .join(Part, Part.id == PartOrder.part_id)
        .where(PartOrder.territory_id == territory_id, PartOrder.state == "ordered")
        .order_by(PartOrder.ordered_at, PartOrder.id)
    )
    return session.execute(statement).all()


def find_order(session: Session, principal: Principal, order_id: uuid.UUID) -> PartOrder:
    """Return an order from a supplier for a store of the person's territories."""
    statement = select(PartOrder).where(PartOrder.id == order_id, in_scope(principal, PartOrder.territory_id))
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound("there is no such order")
    return found
