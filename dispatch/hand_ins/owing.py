"""What technicians owe: attended visits and collected money that no hand-in holds yet (R-603)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, load_only

from dispatch import clock
from dispatch.billing.model import Payment
from dispatch.hand_ins.model import HandIn, HandInPayment
from dispatch.technicians.model import Technician
from dispatch.territories.queries import zone_of
from dispatch.work_orders.lifecycle import FINISHED_STATES, VisitState
from dispatch.work_orders.model import Visit

ATTENDED = (*FINISHED_STATES, VisitState.NO_ACCESS)
MOMENT = func.coalesce(Visit.finished_at, Visit.arrived_at, Visit.planned_start)
"""The moment that puts a visit into a day."""
COLUMNS = (Visit.serial, Visit.technician_id, Visit.finished_at, Visit.arrived_at, Visit.planned_start)
Key = tuple[uuid.UUID, date]


@dataclass(slots=True)
class Owed:
    """What one technician has not handed in of one day; a supplement if the day itself is handed in."""

    technician_id: uuid.UUID
    day: date
    is_supplement: bool
    sheets: list[str] = field(default_factory=list)
    money_minor: dict[str, int] = field(default_factory=dict)


def owed_in(
    session: Session,
    territory_id: uuid.UUID,
    first: date,
    last: date,
    technician_id: uuid.UUID | None = None,
) -> list[Owed]:
    """Return what the technicians of a territory owe of the days from first to last, the oldest first."""
    zone = zone_of(session, territory_id)
    start, end = clock.local_midnight(first, zone), clock.day_bounds(last, zone)[1]
    who = [Technician.territory_id == territory_id]
    if technician_id is not None:
        who.append(Technician.id == technician_id)
    handed = _handed(session, who, first, last)
    listed = {(key[0], sheet) for key, records in handed.items() for one in records for sheet in one}
    found: dict[Key, Owed] = {}

    def of(keeper: uuid.UUID, moment: datetime) -> Owed:
        key = keeper, clock.business_day(moment, zone)
        return found.setdefault(key, Owed(*key, is_supplement=key in handed))

    for visit, moment in _attended(session, who, start, end):
        if visit.technician_id is not None and (visit.technician_id, visit.number) not in listed:
            of(visit.technician_id, moment).sheets.append(visit.number)
    for payment in unlinked(session, who, start, end):
        if payment.collected_by_technician_id is not None:
            money = of(payment.collected_by_technician_id, payment.received_at).money_minor
            money[payment.method] = money.get(payment.method, 0) + payment.amount_minor
    return [found[key] for key in sorted(found, key=lambda key: (key[1], key[0]))]


def _handed(
    session: Session, who: Sequence[ColumnElement[bool]], first: date, last: date
) -> dict[Key, list[Sequence[str]]]:
    """The sheets of every hand-in; a visit's day may be corrected later, so days around count as well."""
    around = timedelta(days=7)
    statement = (
        select(HandIn.technician_id, HandIn.day, HandIn.sheets_expected)
        .join(Technician, Technician.id == HandIn.technician_id)
        .where(*who, HandIn.day >= first - around, HandIn.day <= last + around)
    )
    found: dict[Key, list[Sequence[str]]] = {}
    for keeper, day, sheets in session.execute(statement):
        found.setdefault((keeper, day), []).append(sheets)
    return found


def _attended(
    session: Session, who: Sequence[ColumnElement[bool]], start: datetime, end: datetime
) -> Iterator[tuple[Visit, datetime]]:
    statement = (
        select(Visit)
        .options(load_only(*COLUMNS))
        .join(Technician, Technician.id == Visit.technician_id)
        .where(*who, Visit.state.in_(ATTENDED), start <= MOMENT, end > MOMENT)
        .order_by(Visit.serial)
    )
    for visit in session.scalars(statement):
        moment = visit.finished_at or visit.arrived_at or visit.planned_start
        if moment is not None:
            yield visit, moment


def unlinked(
    session: Session, who: Sequence[ColumnElement[bool]], start: datetime, end: datetime
) -> Sequence[Payment]:
    """Return payments collected from start to end that belong to no hand-in."""
    taken = select(HandInPayment.payment_id).where(HandInPayment.payment_id == Payment.id).exists()
    statement = (
        select(Payment)
        .join(Technician, Technician.id == Payment.collected_by_technician_id)
        .where(*who, Payment.received_at >= start, Payment.received_at < end, ~taken)
        .order_by(Payment.received_at, Payment.id)
    )
    return session.scalars(statement).all()
