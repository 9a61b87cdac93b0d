"""
Parts from hand to hand: asked for, handed over, confirmed by whoever takes them (R-511).

Until the taker confirms, the giver keeps them; then both ends move in one transaction. Each step may come
twice, and the taker's word may come before the giver's.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, db, text
from dispatch.access.rules import Principal, Role
from dispatch.parts import rules
from dispatch.parts.model import Part, PartTransfer
from dispatch.parts.moving import move_at
from dispatch.parts.queries import find_keeper
from dispatch.parts.rules import ASKED, CONFIRMED, DECLINED, HANDED, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to go from where to where; an end without a technician is the territory's store."""

    territory_id: uuid.UUID
    part: Part
    quantity: int
    giver_id: uuid.UUID | None
    taker_id: uuid.UUID | None
    lot: str | None = None
    serial: str | None = None
    note: str | None = None


def ask(session: Session, *, by: Principal, wish: Wish, transfer_id: uuid.UUID | None = None) -> PartTransfer:
    """Ask for parts; a technician is one of the two ends. The same id again is the same transfer."""
    known = session.get(PartTransfer, transfer_id) if transfer_id else None
    if known is not None:
        return _same(known, wish)
    if wish.giver_id == wish.taker_id:
        raise rules.TransferEndsInvalid("giver and taker are the same")
    for end in (wish.giver_id, wish.taker_id):
        if end is not None:
            find_keeper(session, by, end, territory_id=wish.territory_id)
    if by.role is Role.TECHNICIAN and by.technician_id not in {wish.giver_id, wish.taker_id}:
        raise rules.NotYourEnd("a technician asks for the own van alone")
    if wish.part.is_serialised and wish.quantity != 1:
        raise rules.SerialNeeded("each piece is asked for by itself", sku=wish.part.sku)
    row = PartTransfer(
        id=transfer_id or db.new_id(),
        territory_id=wish.territory_id,
        part_id=wish.part.id,
        quantity=rules.checked_quantity(wish.quantity),
        giver_id=wish.giver_id,
        taker_id=wish.taker_id,
        lot=text.optional_line(wish.lot, "lot", longest=text.CODE),
        serial=text.optional_line(wish.serial, "serial", longest=text.CODE),
        note=text.optional_line(wish.note, "note", longest=500),
        state=ASKED,
        asked_by=by.user_id,
        asked_at=clock.now(),
    )
    session.add(row)
    db.flush(session)
    return row


def hand_over(
    session: Session,
    *,
    by: Principal,
    transfer: PartTransfer,
    serial: str | None = None,
    at: datetime | None = None,
) -> PartTransfer:
    """The giver says that the parts were given, and which piece; the taker has still to confirm."""
    row = _locked(session, transfer)
    _check_end(by, row.giver_id)
    if row.state == DECLINED:
        raise rules.TransferOver("the transfer was declined")
    if serial is not None and row.state != CONFIRMED:
        row.serial = text.line(serial, "serial", longest=text.CODE)
    if row.handed_at is None:
        row.handed_at = at or clock.now()
    if row.state == ASKED:
        row.state = HANDED
    db.flush(session)
    return row


def confirm(
    session: Session,
    *,
    by: Principal,
    transfer: PartTransfer,
    serial: str | None = None,
    at: datetime | None = None,
) -> PartTransfer:
    """The taker has the parts: from now on they are the taker's, and nobody else's."""
    row = _locked(session, transfer)
    _check_end(by, row.taker_id)
    if row.state == DECLINED:
        raise rules.TransferOver("the transfer was declined")
    if row.state == CONFIRMED:
        return row
    if serial is not None:
        row.serial = text.line(serial, "serial", longest=text.CODE)
    row.state, row.ended_at = CONFIRMED, at or clock.now()
    move_both(session, by=by, transfer=row)
    db.flush(session)
    return row


def decline(session: Session, *, by: Principal, transfer: PartTransfer, reason: str) -> PartTransfer:
    """Either end, or the desk, calls a transfer off that is not confirmed; the giver keeps the parts."""
    row = _locked(session, transfer)
    if by.role is Role.TECHNICIAN and by.technician_id not in {row.giver_id, row.taker_id}:
        raise rules.NotYourEnd("only giver and taker call a transfer off")
    if row.state == DECLINED:
        return row
    if row.state == CONFIRMED:
        raise rules.TransferOver("the transfer was confirmed")
    row.state, row.ended_at = DECLINED, clock.now()
    row.note = text.line(reason, "reason", longest=500)
    db.flush(session)
    return row


def take(session: Session, *, by: Principal, wish: Wish, at: datetime | None = None) -> PartTransfer:
    """Write a transfer down that has just happened, with both ends present: what was picked, for example."""
    now = at or clock.now()
    row = PartTransfer(
        id=db.new_id(),
        territory_id=wish.territory_id,
        part_id=wish.part.id,
        quantity=rules.checked_quantity(wish.quantity),
        giver_id=wish.giver_id,
        taker_id=wish.taker_id,
        serial=wish.serial,
        note=wish.note,
        state=CONFIRMED,
        asked_by=by.user_id,
        asked_at=now,
        handed_at=now,
        ended_at=now,
    )
    session.add(row)
    db.flush(session)
    move_both(session, by=by, transfer=row)
    return row


def move_both(session: Session, *, by: Principal, transfer: PartTransfer) -> None:
    """Move both ends, in one order for everybody, so that two transfers never wait for each other."""
    giver = Place.end(transfer.giver_id, transfer.territory_id)
    taker = Place.end(transfer.taker_id, transfer.territory_id)
    ends = [(giver, -transfer.quantity, taker), (taker, transfer.quantity, giver)]
    for place, change, other in sorted(ends):
        move_at(
            session,
            by=by,
            place=place,
            other=other,
            part_id=transfer.part_id,
            change=change,
            reason="transferred",
            source=f"transfer:{transfer.id}:{'out' if change < 0 else 'in'}",
            lot=transfer.lot,
            serial=transfer.serial,
            moved_at=transfer.ended_at,
        )


def _same(known: PartTransfer, wish: Wish) -> PartTransfer:
    given = (wish.territory_id, wish.part.id, wish.quantity, wish.giver_id, wish.taker_id)
    if (known.territory_id, known.part_id, known.quantity, known.giver_id, known.taker_id) != given:
        raise rules.TransferDiffers("this id belongs to another transfer")
    return known


def _locked(session: Session, transfer: PartTransfer) -> PartTransfer:
    statement = select(PartTransfer).where(PartTransfer.id == transfer.id).with_for_update()
    return session.scalars(statement, execution_options={"populate_existing": True}).one()


def _speaks_for(by: Principal, technician_id: uuid.UUID | None) -> bool:
    """Technicians speak for their van, the desk for the store."""
    if by.role is Role.TECHNICIAN:
        return technician_id is not None and by.technician_id == technician_id
    return technician_id is None


def _check_end(by: Principal, technician_id: uuid.UUID | None) -> None:
    if not _speaks_for(by, technician_id):
        raise rules.NotYourEnd("somebody else is this end of the transfer")
