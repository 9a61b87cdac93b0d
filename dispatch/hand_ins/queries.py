"""What a technician owes at the end of a day, and the hand-ins that exist."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal, Role
from dispatch.errors import NotFound
from dispatch.hand_ins import owing, rules
from dispatch.hand_ins.model import HandIn, HandInReceipt, HandInWord
from dispatch.paging import USUAL, Page, cut
from dispatch.parts.model import Part, StockCount, VanStock
from dispatch.parts.rules import REFUSED
from dispatch.technicians.model import Technician
from dispatch.territories.queries import zone_of
from dispatch.work_orders.lifecycle import ON_DUTY_STATES
from dispatch.work_orders.model import Visit


@dataclass(frozen=True, slots=True)
class Expected:
    """
    Sheets by number, money by method in minor units, van stock by part number.

    Of a day that is handed in, it is what came later.
    """

    sheets: Sequence[str]
    money_minor: Mapping[str, int]
    stock: Mapping[str, int]
    under_way: Sequence[str] = ()
    """Sheets of visits of the day that have begun and are not finished."""
    currencies: frozenset[str] = frozenset()
    """Currencies of the money collected."""
    payment_ids: Sequence[uuid.UUID] = ()


def expected(session: Session, technician: Technician, day: date) -> Expected:
    """Return what the technician should hand in for a day."""
    start, end = clock.day_bounds(day, zone_of(session, technician.territory_id))
    owed = owing.owed_in(session, technician.territory_id, day, day, technician.id)
    payments = owing.unlinked(session, [Technician.id == technician.id], start, end)
    under_way = session.scalars(
        select(Visit)
        .where(
            Visit.technician_id == technician.id,
            Visit.state.in_(ON_DUTY_STATES),
            start <= owing.MOMENT,
            end > owing.MOMENT,
        )
        .order_by(Visit.serial)
    )
    return Expected(
        owed[0].sheets if owed else [],
        owed[0].money_minor if owed else {},
        van_of(session, technician.id),
        [visit.number for visit in under_way],
        frozenset(payment.currency for payment in payments),
        [payment.id for payment in payments],
    )


def van_of(session: Session, technician_id: uuid.UUID) -> dict[str, int]:
    """Return the pieces a van should hold by part number."""
    stock = session.execute(
        select(Part.sku, VanStock.quantity)
        .join(Part, Part.id == VanStock.part_id)
        .where(VanStock.technician_id == technician_id)
    )
    return {sku: quantity for sku, quantity in stock}  # noqa: C416 - rows are no pairs for the type checker


def parts_counted(session: Session, technician_id: uuid.UUID, since: datetime) -> set[str]:
    """Return the numbers of the parts that were counted on a van since a moment, refused counts apart."""
    statement = (
        select(Part.sku)
        .join(StockCount, StockCount.part_id == Part.id)
        .where(StockCount.technician_id == technician_id, StockCount.counted_at >= since)
        .where(StockCount.state != REFUSED)
    )
    return set(session.scalars(statement))


def uncounted_vans(session: Session, territory_id: uuid.UUID) -> list[HandIn]:
    """Return the last hand-in of technicians whose van was neither counted, then or since, nor explained."""
    zone = zone_of(session, territory_id)
    statement = (
        select(HandIn, HandInReceipt.stock)
        .ext(distinct_on(HandIn.technician_id))
        .join(Technician, Technician.id == HandIn.technician_id)
        .outerjoin(HandInReceipt, HandInReceipt.hand_in_id == HandIn.id)
        .where(Technician.territory_id == territory_id, HandIn.supplement == 0)
        .order_by(HandIn.technician_id, HandIn.day.desc())
    )
    return [
        record
        for record, stock in session.execute(statement)
        if record.van_uncounted
        and not record.van_reason
        and set(record.van_uncounted)
        - {row["sku"] for row in stock or () if row["is_recounted"]}
        - parts_counted(session, record.technician_id, clock.day_bounds(record.day, zone)[0])
    ]


def owed_by(session: Session, technician: Technician) -> Sequence[owing.Owed]:
    """Return what a technician has not handed in, however long ago."""
    today = clock.business_day(clock.now(), zone_of(session, technician.territory_id))
    return owing.owed_in(session, technician.territory_id, None, today, technician.id)


def owed_within(session: Session, territory_id: uuid.UUID) -> Sequence[owing.Owed]:
    """Return what the technicians of a territory have not handed in, however long ago."""
    today = clock.business_day(clock.now(), zone_of(session, territory_id))
    return owing.owed_in(session, territory_id, None, today)


def vouchers_of(session: Session, technician_id: uuid.UUID) -> list[Mapping[str, object]]:
    """Return the vouchers that a technician has handed in, without those that the cashier did not find."""
    statement = (
        select(HandIn.vouchers, HandInReceipt.missing)
        .outerjoin(HandInReceipt, HandInReceipt.hand_in_id == HandIn.id)
        .where(HandIn.technician_id == technician_id, HandIn.vouchers != [])
    )
    return [
        row
        for vouchers, missing in session.execute(statement)
        for row in vouchers
        if row["number"] not in {lost["number"] for lost in missing or ()}
    ]


@dataclass(frozen=True, slots=True)
class Shown:
    """A hand-in with the cashier's count and what was said about it."""

    hand_in: HandIn
    receipt: HandInReceipt | None
    words: Sequence[HandInWord]


def shown(session: Session, records: Iterable[HandIn]) -> list[Shown]:
    """Return hand-ins with both sides."""
    wanted = list(records)
    ids = [record.id for record in wanted]
    receipts = session.scalars(select(HandInReceipt).where(HandInReceipt.hand_in_id.in_(ids)))
    counted = {receipt.hand_in_id: receipt for receipt in receipts}
    said: dict[uuid.UUID, list[HandInWord]] = {}
    words = select(HandInWord).where(HandInWord.hand_in_id.in_(ids)).order_by(HandInWord.id)
    for word in session.scalars(words):
        said.setdefault(word.hand_in_id, []).append(word)
    return [Shown(record, counted.get(record.id), said.get(record.id, ())) for record in wanted]


def receipt_of(session: Session, hand_in: HandIn) -> HandInReceipt | None:
    """Return the cashier's count of a hand-in."""
    return session.scalars(select(HandInReceipt).filter_by(hand_in_id=hand_in.id)).one_or_none()


def find_hand_in(session: Session, principal: Principal, hand_in_id: uuid.UUID) -> HandIn:
    """Return a hand-in; technicians see their own."""
    statement = (
        select(HandIn)
        .join(Technician, Technician.id == HandIn.technician_id)
        .where(HandIn.id == hand_in_id, in_scope(principal, Technician.territory_id))
    )
    if principal.role is Role.TECHNICIAN:
        statement = statement.where(HandIn.technician_id == principal.technician_id)
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound("no such hand-in")
    return found


def hand_ins(
    session: Session,
    principal: Principal,
    *,
    day: date | None = None,
    cursor: str | None = None,
    limit: int = USUAL,
) -> Page[HandIn]:
    """Return hand-ins within the person's scope, newest first."""
    statement = (
        select(HandIn)
        .join(Technician, Technician.id == HandIn.technician_id)
        .where(in_scope(principal, Technician.territory_id))
    )
    if day is not None:
        statement = statement.where(HandIn.day == day)
    if principal.role is Role.TECHNICIAN:
        statement = statement.where(HandIn.technician_id == principal.technician_id)
    return cut(session, statement, HandIn.id, cursor=cursor, limit=limit)


def accepted_word(session: Session, hand_in: HandIn) -> HandInWord | None:
    """Return the technician's signature under the cashier's count."""
    statement = select(HandInWord).where(
        HandInWord.hand_in_id == hand_in.id, HandInWord.kind == rules.ACCEPTED
    )
    return session.scalars(statement.order_by(HandInWord.said_at.desc()).limit(1)).first()
