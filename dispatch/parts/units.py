"""
Parts that are told apart by their serial number: each is in one place at a time (R-511).

What comes in or changes hands needs its serial. What was fitted was fitted: a fact is kept whatever the books
say, and where pieces and serials differ the place is listed until somebody counts.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Row, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch.parts import rules
from dispatch.parts.model import Part, PartUnit, StockMovement, StoreStock, VanStock
from dispatch.parts.queries import KEEPERS
from dispatch.parts.rules import STORE, VAN, Place

GONE = {"fitted": "customer", "scrapped": "scrap", "counted": "count"}
FACTS = frozenset({"fitted", "returned", "counted"})


@dataclass(frozen=True, slots=True)
class Unexplained:
    """A place that should hold another number of pieces than of serials."""

    technician_id: uuid.UUID | None
    sku: str
    quantity: int
    units: int


def check_serial(part: Part, serial: str | None, change: int, reason: str) -> None:
    """Refuse pieces of a serialised part without a serial; a fact is taken as it is told."""
    if not part.is_serialised or reason in FACTS:
        return
    if serial is None or abs(change) != 1:
        raise rules.SerialNeeded(f"each piece of {part.sku} has a serial number of its own", sku=part.sku)


def follow(
    session: Session,
    *,
    part: Part,
    serial: str,
    place: Place,
    change: int,
    reason: str,
    other: Place | None,
    undoes: str | None = None,
) -> None:
    """
    Note where a unit is after a movement; one that is elsewhere neither changes hands nor comes in.

    Of a transfer's two movements the one at the taker tells it all. ``undoes`` is the source of a fitting
    that is taken back: a unit that was fitted or held elsewhere since stays there.
    """
    if other is not None and change < 0:
        return
    unit = session.scalars(
        select(PartUnit).filter_by(part_id=part.id, serial=serial).with_for_update(),
        execution_options={"populate_existing": True},
    ).one_or_none()
    if undoes is not None and not _is_last_known(session, part, serial, unit, undoes):
        return
    leaves = place if change < 0 else other
    is_there = _is_at(unit, leaves) if leaves else unit is None or unit.gone_to is not None
    if reason not in FACTS and not is_there:
        raise rules.SerialElsewhere(f"{part.sku} {serial} is not there", sku=part.sku, serial=serial)
    values = {
        "technician_id": place.id if change > 0 and place.kind == VAN else None,
        "territory_id": place.id if change > 0 and place.kind == STORE else None,
        "gone_to": None if change > 0 else GONE.get(reason, "customer"),
    }
    row = insert(PartUnit).values(part_id=part.id, serial=serial, **values)
    session.execute(row.on_conflict_do_update(index_elements=["part_id", "serial"], set_=values))


def settle(session: Session, *, part: Part, place: Place, serials: Sequence[str]) -> None:
    """Take a count at its word: these pieces are here, whatever was known, and no others."""
    here = PartUnit.technician_id if place.kind == VAN else PartUnit.territory_id
    gone = update(PartUnit).where(
        PartUnit.part_id == part.id, here == place.id, PartUnit.serial.not_in(serials)
    )
    session.execute(
        gone.values(technician_id=None, territory_id=None, gone_to="count"),
        execution_options={"synchronize_session": "fetch"},
    )
    for serial in sorted(serials):
        follow(session, part=part, serial=serial, place=place, change=1, reason="counted", other=None)


def _is_last_known(session: Session, part: Part, serial: str, unit: PartUnit | None, fitting: str) -> bool:
    """Tell whether a fitting is the last that is known of a unit; fitted twice, it is at the second place."""
    newest = (
        select(StockMovement.source)
        .where(StockMovement.part_id == part.id, StockMovement.serial == serial)
        .where(StockMovement.reason == "fitted")
        .order_by(StockMovement.id.desc())
        .limit(1)
    )
    is_gone = unit is not None and unit.gone_to == GONE["fitted"]
    return is_gone and session.scalars(newest).one_or_none() == fitting


def _is_at(unit: PartUnit | None, place: Place) -> bool:
    if unit is None:
        return False
    return (unit.technician_id if place.kind == VAN else unit.territory_id) == place.id


def units_in(
    session: Session, territory_id: uuid.UUID, *, sku: str | None = None
) -> Sequence[Row[PartUnit, str]]:
    """Return the units in the store and on the vans of a territory with the part's number."""
    statement = (
        select(PartUnit, Part.sku)
        .join(Part, Part.id == PartUnit.part_id)
        .where(or_(PartUnit.territory_id == territory_id, PartUnit.technician_id.in_(_crew(territory_id))))
        .order_by(Part.sku, PartUnit.serial)
    )
    if sku is not None:
        statement = statement.where(Part.sku == sku)
    return session.execute(statement).all()


def history(
    session: Session, territory_id: uuid.UUID, part: Part, serial: str
) -> Sequence[Row[StockMovement, str]]:
    """Return every movement of a unit within a territory, the oldest first."""
    here = or_(
        StockMovement.territory_id == territory_id, StockMovement.technician_id.in_(_crew(territory_id))
    )
    statement = (
        select(StockMovement, Part.sku)
        .join(Part, Part.id == StockMovement.part_id)
        .where(StockMovement.part_id == part.id, StockMovement.serial == serial, here)
        .order_by(StockMovement.moved_at, StockMovement.id)
    )
    return session.execute(statement).all()


def unexplained(session: Session, territory_id: uuid.UUID) -> list[Unexplained]:
    """Return places whose pieces and serials differ, to be counted by their keeper."""
    units = func.count(PartUnit.serial)
    of_vans = (
        select(VanStock.technician_id, Part.sku, VanStock.quantity, units)
        .join(Part, Part.id == VanStock.part_id)
        .outerjoin(PartUnit, _same(PartUnit.technician_id == VanStock.technician_id))
        .where(Part.is_serialised, VanStock.technician_id.in_(_crew(territory_id)))
        .group_by(VanStock.technician_id, Part.sku, VanStock.quantity)
        .having(units != VanStock.quantity)
        .order_by(VanStock.technician_id, Part.sku)
    )
    of_store = (
        select(Part.sku, StoreStock.quantity, units)
        .join(Part, Part.id == StoreStock.part_id)
        .outerjoin(PartUnit, _same(PartUnit.territory_id == StoreStock.territory_id))
        .where(Part.is_serialised, StoreStock.territory_id == territory_id)
        .group_by(Part.sku, StoreStock.quantity)
        .having(units != StoreStock.quantity)
        .order_by(Part.sku)
    )
    return [
        *(Unexplained(row[0], row[1], row[2], row[3]) for row in session.execute(of_vans)),
        *(Unexplained(None, row[0], row[1], row[2]) for row in session.execute(of_store)),
    ]


def _same(is_here: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(PartUnit.part_id == Part.id, is_here)


def _crew(territory_id: uuid.UUID) -> ColumnElement[uuid.UUID]:
    return select(KEEPERS.c.id).where(KEEPERS.c.territory_id == territory_id).scalar_subquery()
