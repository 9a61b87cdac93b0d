"""What is counted against what should be there, and how much of a part a place should have (R-511)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch import clock, db, text
from dispatch.access.rules import Principal
from dispatch.parts import rules, units
from dispatch.parts.model import Part, PartTransfer, StockCount, StockMovement, StoreStock, VanStock
from dispatch.parts.moving import move_at, named
from dispatch.parts.rules import VAN, Place


def count(
    session: Session,
    *,
    by: Principal,
    place: Place,
    part: Part,
    counted: int,
    reason: str | None = None,
    serials: Sequence[str] | None = None,
    at: datetime | None = None,
) -> StockCount:
    """
    Note a count; a difference becomes a movement with its reason and whoever counted.

    With ``serials``, of a part whose pieces are told apart, exactly these were here. ``at`` is when it was
    counted: what has moved since then is neither missing nor found, and a newer count stands.
    """
    moment = at or clock.now()
    found = None if serials is None else {text.line(one, "serial", longest=text.CODE) for one in serials}
    if found is not None and (not part.is_serialised or len(found) != counted):
        raise rules.SerialNeeded(f"{counted} pieces of {part.sku} with {len(found)} serial numbers")
    stock = _row(session, place, part)
    out, since = _handed_out(session, place, part, moment), _moved_since(session, place, part, moment)
    # What was handed over has left, though nobody has confirmed it yet.
    expected = stock.quantity - sum(out.values()) - sum(since.values())
    why = text.optional_line(reason, "reason", longest=500)
    if rules.checked_count(counted) != expected and why is None:
        raise rules.CountUnexplained(f"{expected} expected, {counted} counted", expected=expected)
    row = StockCount(
        id=db.new_id(),
        **named(place),
        part_id=part.id,
        expected=expected,
        counted=counted,
        reason=why,
        counted_by=by.user_id,
        counted_at=moment,
    )
    session.add(row)
    db.flush(session)
    if _counted_again(session, row):
        return row
    if counted != expected:
        move_at(
            session,
            by=by,
            place=place,
            part_id=part.id,
            change=counted - expected,
            reason="counted",
            source=f"count:{row.id}",
            note=why,
            moved_at=moment,
        )
    if found is not None:
        handed = {serial for serial in out if serial is not None}
        come = {serial for serial, change in since.items() if serial is not None and change > 0}
        gone = {serial for serial, change in since.items() if serial is not None and change < 0}
        units.settle(session, part=part, place=place, serials=sorted((found | handed | come) - gone))
    return row


def _counted_again(session: Session, row: StockCount) -> bool:
    later = select(StockCount.id).where(
        StockCount.technician_id.is_not_distinct_from(row.technician_id),
        StockCount.territory_id.is_not_distinct_from(row.territory_id),
        StockCount.part_id == row.part_id,
        StockCount.counted_at > row.counted_at,
    )
    return session.scalars(later.limit(1)).one_or_none() is not None


def _moved_since(session: Session, place: Place, part: Part, moment: datetime) -> Counter[str | None]:
    """Return what a place's stock has changed by since a moment, by serial number."""
    at_place = [getattr(StockMovement, column) == value for column, value in named(place).items()]
    statement = (
        select(StockMovement.serial, func.sum(StockMovement.change))
        .where(*at_place, StockMovement.part_id == part.id, StockMovement.moved_at > moment)
        .group_by(StockMovement.serial)
    )
    return Counter({serial: int(change) for serial, change in session.execute(statement)})


def _handed_out(session: Session, place: Place, part: Part, moment: datetime) -> Counter[str | None]:
    """Return what a place had handed over by a moment and nobody had confirmed by then, by serial number."""
    giver = (
        PartTransfer.giver_id == place.id
        if place.kind == VAN
        else and_(PartTransfer.giver_id.is_(None), PartTransfer.territory_id == place.id)
    )
    statement = select(PartTransfer.serial, PartTransfer.quantity).where(
        giver,
        PartTransfer.part_id == part.id,
        PartTransfer.handed_at <= moment,
        or_(PartTransfer.state == rules.HANDED, PartTransfer.ended_at > moment),
    )
    found: Counter[str | None] = Counter()
    for serial, quantity in session.execute(statement):
        found[serial] += quantity
    return found


def set_level(
    session: Session, *, by: Principal, place: Place, part: Part, minimum: int, target: int
) -> VanStock | StoreStock:
    """Say how much of a part a place should have: below the minimum it is refilled up to the target."""
    rules.checked_level(minimum, target)
    stock = _row(session, place, part)
    stock.minimum, stock.target = minimum, target
    db.flush(session)
    return stock


def _row(session: Session, place: Place, part: Part) -> VanStock | StoreStock:
    """Return what a place holds of a part, locked until the transaction ends; made if missing."""
    stock: type[VanStock | StoreStock] = VanStock if place.kind == VAN else StoreStock
    values = {"part_id": part.id, **named(place)}
    session.execute(insert(stock).values(**values, quantity=0, version=1).on_conflict_do_nothing())
    found = select(stock).filter_by(**values).with_for_update()
    row: Any = session.scalars(found, execution_options={"populate_existing": True}).one()
    return row  # type: ignore[no-any-return]
