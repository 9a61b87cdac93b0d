"""Which contract counts for an asset, and which inspections are due."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, Date, Integer, column, false, or_, select, table, true
from sqlalchemy.orm import Session

from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal, Role
from dispatch.contracts.hours import BusinessHours
from dispatch.contracts.model import Contract, ServiceCalendar
from dispatch.contracts.rules import WARRANTY_DAYS
from dispatch.errors import NotFound
from dispatch.paging import USUAL, Page, cut

OFFICE = "OFFICE"
SITES = table("site", column("customer_id"), column("territory_id"))
"""The two columns of a neighbour that scoping needs; contracts and customers do not import each other."""


TARIFFS = table("tariff", column("valid_from", Date), column("warranty_days", Integer))
"""The term of a neighbour above that papers print and settlements count."""


def _visible(principal: Principal) -> ColumnElement[bool]:
    if principal.role is Role.TECHNICIAN:
        return false()
    if principal.territory_ids is None:
        return true()
    return Contract.customer_id.in_(
        select(SITES.c.customer_id).where(in_scope(principal, SITES.c.territory_id))
    )


def calendars(session: Session) -> Sequence[ServiceCalendar]:
    """Return all business calendars by code; every territory may use them."""
    return session.scalars(select(ServiceCalendar).order_by(ServiceCalendar.code)).all()


def find_calendar(session: Session, calendar_id: uuid.UUID) -> ServiceCalendar:
    """Return a business calendar."""
    found = session.get(ServiceCalendar, calendar_id)
    if found is None:
        raise NotFound("there is no such calendar")
    return found


def hours_of(session: Session, contract: Contract | None, zone: str) -> BusinessHours | None:
    """Return the working hours by which a contract's limits run in a time zone; None: around the clock."""
    if contract is None or contract.calendar_id is None:
        return None
    return hours_in(find_calendar(session, contract.calendar_id), zone)


def office_hours(session: Session, zone: str) -> BusinessHours:
    """Return when the office works: by the calendar with the code ``OFFICE``, or on weekdays."""
    found = session.scalars(select(ServiceCalendar).where(ServiceCalendar.code == OFFICE)).one_or_none()
    if found is not None:
        return hours_in(found, zone)
    return BusinessHours(zone, dict.fromkeys(range(1, 6), (0, 1_440)))


def hours_in(calendar: ServiceCalendar, zone: str) -> BusinessHours:
    """Return a calendar's working hours in a time zone."""
    return BusinessHours(
        zone,
        {int(row["weekday"]): (int(row["opens"]), int(row["closes"])) for row in calendar.hours},
        calendar.country,
        calendar.subdivision,
        frozenset(map(date.fromisoformat, calendar.days_worked)),
        frozenset(map(date.fromisoformat, calendar.days_off)),
    )


def find_contract(session: Session, principal: Principal, contract_id: uuid.UUID) -> Contract:
    """Return a contract of a customer the person may see."""
    found = session.scalar(select(Contract).where(Contract.id == contract_id, _visible(principal)))
    if found is None:
        raise NotFound("there is no such contract")
    return found


def list_contracts(
    session: Session,
    principal: Principal,
    *,
    customer_id: uuid.UUID | None = None,
    cursor: str | None = None,
    limit: int = USUAL,
) -> Page[Contract]:
    """Return contracts, newest first."""
    statement = select(Contract).where(_visible(principal))
    if customer_id is not None:
        statement = statement.where(Contract.customer_id == customer_id)
    return cut(session, statement, Contract.id, cursor=cursor, limit=limit)


def for_asset(
    session: Session, customer_id: uuid.UUID, asset_id: uuid.UUID | None, on: date
) -> Contract | None:
    """Return the contract in force: the asset's own before one for all assets, the newest of several."""
    covers = or_(Contract.asset_id.is_(None), Contract.asset_id == asset_id)
    statement = (
        select(Contract)
        .where(Contract.customer_id == customer_id, covers if asset_id else Contract.asset_id.is_(None))
        .where(Contract.valid_from <= on, Contract.valid_until >= on)
        .order_by(Contract.asset_id.is_(None), Contract.valid_from.desc(), Contract.id.desc())
    )
    return session.scalars(statement.limit(1)).first()


def warranty_days_on(session: Session, day: date) -> int:
    """R-404: return how long our own warranty lasts by the tariff in force on a day, else by default."""
    statement = (
        select(TARIFFS.c.warranty_days)
        .where(TARIFFS.c.valid_from <= day)
        .order_by(TARIFFS.c.valid_from.desc())
        .limit(1)
    )
    days: int | None = session.scalars(statement).one_or_none()
    return WARRANTY_DAYS if days is None else days


def inspections_due(session: Session, principal: Principal, by_day: date) -> Sequence[Contract]:
    """R-406: return contracts in force whose inspection is due up to a day, most overdue first."""
    statement = (
        select(Contract)
        .where(Contract.next_inspection_due_on <= by_day, Contract.valid_until >= by_day)
        .where(_visible(principal))
        .order_by(Contract.next_inspection_due_on, Contract.id)
    )
    return session.scalars(statement).all()
