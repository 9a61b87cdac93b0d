"""What technicians owe: attended visits and collected money that no hand-in holds yet (R-603)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import BigInteger, ColumnElement, cast, func, select
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
    first: date | None,
    last: date,
    technician_id: uuid.UUID | None = None,
) -> list[Owed]:
    """
    Return what the technicians of a territory owe of the days from first to last, the oldest first.

    Without first there is no limit: money and sheets are owed until they are handed in.
    """
    zone = zone_of(session, territory_id)
    start = None if first is None else clock.local_midnight(first, zone)
    end = clock.day_bounds(last, zone)[1]
    who = [Technician.territory_id == territory_id]
    if technician_id is not None:
        who.append(Technician.id == technician_id)
    found: dict[Key, Owed] = {}

    def of(keeper: uuid.UUID, moment: datetime) -> Owed:
        key = keeper, clock.business_day(moment, zone)
        return found.setdefault(key, Owed(*key, is_supplement=False))

    for visit, moment in _attended(session, who, start, end):
        if visit.technician_id is not None:
            of(visit.technician_id, moment).sheets.append(visit.number)
    for payment in unlinked(session, who, start, end):
        if payment.collected_by_technician_id is not None:
            money = of(payment.collected_by_technician_id, payment.received_at).money_minor
            money[payment.method] = money.get(payment.method, 0) + payment.amount_minor
    for key in _handed(session, found):
        found[key].is_supplement = True
    return [found[key] for key in sorted(found, key=lambda key: (key[1], key[0]))]


def _handed(session: Session, days: Iterable[Key]) -> set[Key]:
    """Which of these days were handed in, whatever came later."""
    wanted = set(days)
    statement = select(HandIn.technician_id, HandIn.day).where(
        HandIn.technician_id.in_({keeper for keeper, _ in wanted}), HandIn.day.in_({day for _, day in wanted})
    )
    return {(keeper, day) for keeper, day in session.execute(statement)} & wanted if wanted else set()


def _attended(
    session: Session, who: Sequence[ColumnElement[bool]], start: datetime | None, end: datetime
) -> Iterator[tuple[Visit, datetime]]:
    """Attended visits whose sheets the technician listed in no hand-in, of whatever day."""
    sheets = (
        select(HandIn.technician_id, func.jsonb_array_elements_text(HandIn.sheets_expected).label("sheet"))
        .join(Technician, Technician.id == HandIn.technician_id)
        .where(*who)
        .subquery()
    )
    number = func.substring(sheets.c.sheet, "^DS-([0-9]+)$")
    listed = select(sheets.c.technician_id, cast(number, BigInteger).label("serial")).subquery()
    is_listed = (listed.c.technician_id == Visit.technician_id) & (listed.c.serial == Visit.serial)
    statement = (
        select(Visit)
        .options(load_only(*COLUMNS))
        .join(Technician, Technician.id == Visit.technician_id)
        .where(*who, Visit.state.in_(ATTENDED), end > MOMENT, ~select(1).where(is_listed).exists())
        .order_by(Visit.serial)
    )
    if start is not None:
        statement = statement.where(start <= MOMENT)
    for visit in session.scalars(statement):
        moment = visit.finished_at or visit.arrived_at or visit.planned_start
        if moment is not None:
            yield visit, moment


def unlinked(
    session: Session, who: Sequence[ColumnElement[bool]], start: datetime | None, end: datetime
) -> Sequence[Payment]:
    """Return payments collected from start to end that belong to no hand-in."""
    taken = select(HandInPayment.payment_id).where(HandInPayment.payment_id == Payment.id).exists()
    statement = (
        select(Payment)
        .join(Technician, Technician.id == Payment.collected_by_technician_id)
        .where(*who, Payment.received_at < end, ~taken)
        .order_by(Payment.received_at, Payment.id)
    )
    if start is not None:
        statement = statement.where(Payment.received_at >= start)
    return session.scalars(statement).all()
