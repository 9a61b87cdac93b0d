"""What a technician owes at the end of a day, and the hand-ins that exist."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal, Role
from dispatch.billing.model import Payment
from dispatch.errors import NotFound
from dispatch.hand_ins.model import HandIn
from dispatch.paging import USUAL, Page, cut
from dispatch.parts.model import Part, VanStock
from dispatch.technicians.model import Technician
from dispatch.territories.model import Territory
from dispatch.work_orders.lifecycle import FINISHED_STATES, ON_DUTY_STATES, VisitState
from dispatch.work_orders.model import Visit


@dataclass(frozen=True, slots=True)
class Expected:
    """Sheets by number, money by method in minor units, van stock by part number."""

    sheets: Sequence[str]
    money_minor: Mapping[str, int]
    stock: Mapping[str, int]
    under_way: Sequence[str] = ()
    """Sheets of visits of the day that have begun and are not finished."""
    currencies: frozenset[str] = frozenset()
    """Currencies of the money collected."""


def expected(session: Session, technician: Technician, day: date) -> Expected:
    """Return what the technician should hand in for a day."""
    zone = session.get_one(Territory, technician.territory_id).timezone
    start, end = clock.day_bounds(day, zone)
    attended = [*FINISHED_STATES, VisitState.NO_ACCESS]
    moment = func.coalesce(Visit.finished_at, Visit.arrived_at, Visit.planned_start)
    visits = session.scalars(
        select(Visit)
        .where(
            Visit.technician_id == technician.id,
            Visit.state.in_([*attended, *ON_DUTY_STATES]),
            moment >= start,
            moment < end,
        )
        .order_by(Visit.serial)
    ).all()
    money = session.execute(
        select(Payment.method, Payment.currency, func.sum(Payment.amount_minor))
        .where(
            Payment.collected_by_technician_id == technician.id,
            Payment.received_at >= start,
            Payment.received_at < end,
        )
        .group_by(Payment.method, Payment.currency)
    ).all()
    stock = session.execute(
        select(Part.sku, VanStock.quantity)
        .join(Part, Part.id == VanStock.part_id)
        .where(VanStock.technician_id == technician.id)
    )
    return Expected(
        [visit.number for visit in visits if visit.state in attended],
        {method: int(total) for method, _, total in money},
        {sku: quantity for sku, quantity in stock},  # noqa: C416 - rows are not pairs for the type checker
        [visit.number for visit in visits if visit.state not in attended],
        frozenset(currency for _, currency, _ in money),
    )


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
