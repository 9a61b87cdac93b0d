"""Closing a technician's day (chain step 10, R-603)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, outbox
from dispatch.access.rules import Principal
from dispatch.events import DayHandedIn
from dispatch.hand_ins import queries, rules
from dispatch.hand_ins.model import HandIn
from dispatch.hand_ins.rules import AlreadyHandedIn, CountInvalid, DayNotBegun, VisitUnderWay
from dispatch.money import exponent
from dispatch.technicians.model import Technician
from dispatch.territories.model import Territory


def hand_in(
    session: Session,
    *,
    by: Principal | None,
    technician: Technician,
    day: date,
    sheets: Sequence[str],
    reasons: Mapping[str, str],
    counted_minor: Mapping[str, int],
    currency: str,
    counted_stock: Mapping[str, int] | None = None,
    note: str = "",
    op_id: uuid.UUID | None = None,
) -> HandIn:
    """
    Record sheets, money and, if counted, van stock of one day.

    ``counted_minor`` maps payment method to minor units. Differences are kept with the technician's name;
    nothing is adjusted silently. A repeated ``op_id`` returns the hand-in that exists.
    """
    existing = session.scalars(
        select(HandIn).where(HandIn.technician_id == technician.id, HandIn.day == day)
    ).one_or_none()
    if existing is not None:
        if op_id is not None and existing.op_id == op_id:
            return existing
        raise AlreadyHandedIn(f"{day.isoformat()} of {technician.number} is handed in")
    due = queries.expected(session, technician, day)
    _check_closable(session, technician, day, due, currency)
    record = HandIn(
        technician_id=technician.id,
        day=day,
        handed_in_at=clock.now(),
        received_by=by.user_id if by else None,
        sheets_expected=list(due.sheets),
        sheets_missing=rules.missing_sheets(due.sheets, sheets, reasons),
        money=rules.count_money(due.money_minor, counted_minor, currency),
        stock=rules.count_stock(due.stock, counted_stock or {}),
        note=note,
        op_id=op_id,
    )
    session.add(record)
    session.flush()
    outbox.record(session, DayHandedIn(hand_in_id=str(record.id)))
    return record


def _check_closable(
    session: Session, technician: Technician, day: date, due: queries.Expected, currency: str
) -> None:
    """Refuse a day that has not begun, visits still under way, and a count in another currency."""
    zone = session.get_one(Territory, technician.territory_id).timezone
    if day > clock.business_day(clock.now(), zone):
        raise DayNotBegun(f"{day.isoformat()} has not begun")
    if due.under_way:
        raise VisitUnderWay(f"{len(due.under_way)} visits are under way", sheets=list(due.under_way))
    exponent(currency)
    if due.currencies - {currency}:
        raise CountInvalid(f"money was collected in {', '.join(sorted(due.currencies))}, not {currency}")
