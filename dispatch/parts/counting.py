"""What is counted against what should be there, and how much of a part a place should have (R-511)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch import clock, db, text
from dispatch.access.rules import Principal
from dispatch.parts import rules, units
from dispatch.parts.model import Part, PartTransfer, StockCount, StoreStock, VanStock
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
) -> StockCount:
    """
    Note a count; a difference becomes a movement with its reason and whoever counted.

    With ``serials``, of a part whose pieces are told apart, exactly these are here from now on.
    """
    found = None if serials is None else {text.line(one, "serial", longest=text.CODE) for one in serials}
    if found is not None and (not part.is_serialised or len(found) != counted):
        raise rules.SerialNeeded(f"{counted} pieces of {part.sku} with {len(found)} serial numbers")
    stock = _row(session, place, part)
    out = _handed_out(session, place, part)
    expected = stock.quantity - sum(out.values())  # it has left, though nobody has confirmed it yet
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
        counted_at=clock.now(),
    )
    session.add(row)
    db.flush(session)
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
        )
    if found is not None:
        handed = {serial for serial in out if serial is not None}
        units.settle(session, part=part, place=place, serials=sorted(found | handed))
    return row


def _handed_out(session: Session, place: Place, part: Part) -> Counter[str | None]:
    """Return what a place has handed over and nobody has confirmed, by serial number."""
    giver = (
        PartTransfer.giver_id == place.id
        if place.kind == VAN
        else and_(PartTransfer.giver_id.is_(None), PartTransfer.territory_id == place.id)
    )
    statement = select(PartTransfer.serial, PartTransfer.quantity).where(
        giver, PartTransfer.part_id == part.id, PartTransfer.state == rules.HANDED
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
