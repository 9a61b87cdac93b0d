"""Units to lend, and repairs that take too long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.loaners import lending
from dispatch.loaners.model import Loan, LoanerUnit
from dispatch.planning.candidates import NOT_BEGUN
from dispatch.territories.model import Territory
from dispatch.work_orders.model import WorkOrder
from tests.builders import a_customer, a_site, a_visit, an_asset, an_order, at, serial
from tests.dispatch.conftest import MovableClock


def a_unit(session: Session, place: Territory, **fields: Any) -> LoanerUnit:
    """A boiler that may be lent."""
    defaults: dict[str, Any] = {
        "territory_id": place.id,
        "product_kind": "boiler",
        "model": "B 20",
        "serial": serial("L"),
        "charge_minor": 50_000,
        "currency": "EUR",
        "state": "available",
    }
    unit = LoanerUnit(**{**defaults, **fields})
    session.add(unit)
    session.flush()
    return unit


def a_repair(session: Session, place: Territory, **fields: Any) -> WorkOrder:
    """A boiler that is broken since seven."""
    site = a_site(session, customer=a_customer(session), territory=place)
    asset = an_asset(session, site=site, product_kind="boiler")
    order = an_order(session, site=site, asset=asset, requested_at=at(7), **fields)
    a_visit(session, order=order)
    session.refresh(order)
    return order


def finish(session: Session, order: WorkOrder, *, is_solved: bool = True) -> Loan | None:
    """Finish the open visit of an order, and let its loan follow."""
    visit = next(visit for visit in order.visits if visit.state in NOT_BEGUN)
    visit.state, visit.finished_at, visit.is_solved = "done", clock.now(), is_solved
    session.flush()
    return lending.follow_visit(session, visit.id)


def order_of(session: Session, order_id: Any) -> WorkOrder:
    """An order that must be there."""
    return session.get_one(WorkOrder, order_id)


def overdue(session: Session, place: Territory, now: MovableClock, **unit: Any) -> Loan:
    """A loan that is to be charged now."""
    order = a_repair(session, place)
    a_unit(session, place, **unit)
    loan = lending.lend(session, by=None, order=order)
    finish(session, order_of(session, loan.delivery_order_id))
    finish(session, order)
    assert loan.due_back_at is not None
    now.set(loan.due_back_at + timedelta(minutes=1))
    return loan
