"""
What is counted against what should be there, and how much of a part a place should have (R-511).

What a count of a van finds missing or too much is booked to its keeper once two people have signed: the
keeper and somebody of the office, whichever of them counted (R-603). A store has no keeper but the company.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from dispatch import clock, db, text
from dispatch.access.rules import Principal, Role
from dispatch.parts import rules, units
from dispatch.parts.model import Part, PartTransfer, PartUnit, StockCount, StockMovement, StoreStock, VanStock
from dispatch.parts.moving import move_at, named
from dispatch.parts.rules import BOOKED, EVEN, OPEN, OVERTAKEN, REFUSED, VAN, Place


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
    Note a count; a difference needs its reason, and on a van a second signature before it is booked (R-603).

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
        serials=None if found is None else sorted(found),
        reason=why,
        state=OVERTAKEN,
        counted_by=by.user_id,
        is_keepers=place.kind == VAN and by.technician_id == place.id,
        counted_at=moment,
    )
    if not _counted_again(session, row):
        overtake(session, place=place, part=part, until=moment)
        is_even = counted == expected and (found is None or _told_apart(session, row, place, part) == found)
        row.state = EVEN if is_even else OPEN if place.kind == VAN else BOOKED
    session.add(row)
    db.flush(session)
    if row.state == BOOKED:
        _book(session, by=by, row=row, place=place, part=part)
    return row


def sign(session: Session, *, by: Principal, row: StockCount) -> StockCount:
    """
    Sign somebody else's count: what it found is the keeper's from now on (R-603).

    What another count has booked since this one was told is not booked again.
    """
    place, part = _held(session, row)
    _check_second(by, row)
    _book(session, by=by, row=row, place=place, part=part)
    return _decided(session, by, row, BOOKED)


def refuse(session: Session, *, by: Principal, row: StockCount, reason: str) -> StockCount:
    """Say why a count is not right: nothing is booked, and whoever counted may take it back the same way."""
    _held(session, row)
    if by.user_id != row.counted_by:
        _check_second(by, row)
    row.refusal = text.line(reason, "reason", longest=500)
    return _decided(session, by, row, REFUSED)


def overtake(session: Session, *, place: Place, part: Part, until: datetime) -> None:
    """Let a newer count stand: an older one that waits for its second signature is not booked any more."""
    older = (
        *_at(StockCount, place),
        StockCount.part_id == part.id,
        StockCount.state == OPEN,
        StockCount.counted_at <= until,
    )
    if session.scalars(select(StockCount.id).where(*older)).first() is None:
        return
    _row(session, place, part)
    surpassed = update(StockCount).where(*older).values(state=OVERTAKEN)
    session.execute(surpassed, execution_options={"synchronize_session": "fetch"})


def booked_since(session: Session, place: Place, part_id: uuid.UUID, record_id: uuid.UUID) -> int:
    """Return what counts have changed of a part at a place since a record was written, whichever it is."""
    statement = select(func.coalesce(func.sum(StockMovement.change), 0)).where(
        *_at(StockMovement, place),
        StockMovement.part_id == part_id,
        StockMovement.reason == "counted",
        StockMovement.id > record_id,
    )
    return int(session.scalars(statement).one())


def _held(session: Session, row: StockCount) -> tuple[Place, Part]:
    """Lock what a count is about and then the count, which must still wait."""
    if row.technician_id is None:
        raise rules.CountOver("a store's count is booked when it is told", state=row.state)
    place, part = Place(VAN, row.technician_id), session.get_one(Part, row.part_id)
    _row(session, place, part)
    session.refresh(row, with_for_update=True)
    if row.state != OPEN:
        raise rules.CountOver(f"the count is {row.state}", state=row.state)
    return place, part


def _check_second(by: Principal, row: StockCount) -> None:
    """One of the two is the keeper, the other somebody of the office; never twice the same person."""
    is_keeper = by.technician_id is not None and by.technician_id == row.technician_id
    is_office = by.role is not Role.TECHNICIAN
    if by.user_id == row.counted_by or not (is_office if row.is_keepers else is_keeper):
        raise rules.NotYourSignature("the keeper signs, and somebody of the office")


def _decided(session: Session, by: Principal, row: StockCount, state: str) -> StockCount:
    row.state, row.decided_by, row.decided_at = state, by.user_id, clock.now()
    db.flush(session)
    return row


def _book(session: Session, *, by: Principal, row: StockCount, place: Place, part: Part) -> None:
    change = row.counted - row.expected - booked_since(session, place, part.id, row.id)
    if change:
        move_at(
            session,
            by=by,
            place=place,
            part_id=part.id,
            change=change,
            reason="counted",
            source=f"count:{row.id}",
            note=row.reason,
            moved_at=row.counted_at,
        )
    if row.serials is not None:
        units.settle(session, part=part, place=place, serials=_present(session, row, place, part))


def _present(session: Session, row: StockCount, place: Place, part: Part) -> list[str]:
    """Return the pieces that are at a place by its count: those of then, come and gone since."""
    out = _handed_out(session, place, part, row.counted_at)
    come, gone = _passed(_moved_since(session, place, part, row.counted_at))
    handed = {serial for serial in out if serial is not None}
    return sorted(({*(row.serials or ())} | handed | come) - gone)


def _told_apart(session: Session, row: StockCount, place: Place, part: Part) -> set[str]:
    """Return the pieces that should have been there when it was counted, by their serial numbers."""
    here = PartUnit.technician_id if place.kind == VAN else PartUnit.territory_id
    now = set(session.scalars(select(PartUnit.serial).where(PartUnit.part_id == part.id, here == place.id)))
    out = _handed_out(session, place, part, row.counted_at)
    come, gone = _passed(_moved_since(session, place, part, row.counted_at))
    return (now | gone) - come - {serial for serial in out if serial is not None}


def _passed(since: Counter[str | None]) -> tuple[set[str], set[str]]:
    """Return the serial numbers that came to a place and those that left it."""
    named_ones = {serial: change for serial, change in since.items() if serial is not None}
    return {one for one, by in named_ones.items() if by > 0}, {
        one for one, by in named_ones.items() if by < 0
    }


def _counted_again(session: Session, row: StockCount) -> bool:
    later = select(StockCount.id).where(
        StockCount.technician_id.is_not_distinct_from(row.technician_id),
        StockCount.territory_id.is_not_distinct_from(row.territory_id),
        StockCount.part_id == row.part_id,
        StockCount.state != REFUSED,
        StockCount.counted_at > row.counted_at,
    )
    return session.scalars(later.limit(1)).one_or_none() is not None


def _at(model: type[StockCount | StockMovement], place: Place) -> list[ColumnElement[bool]]:
    return [getattr(model, column) == value for column, value in named(place).items()]


def _moved_since(session: Session, place: Place, part: Part, moment: datetime) -> Counter[str | None]:
    """Return what a place's stock has changed by since a moment, by serial number."""
    statement = (
        select(StockMovement.serial, func.sum(StockMovement.change))
        .where(*_at(StockMovement, place), StockMovement.part_id == part.id, StockMovement.moved_at > moment)
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
