"""Loaner units and loans as the office may see them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.access.queries import in_scope
from dispatch.access.rules import Principal
from dispatch.errors import NotFound
from dispatch.loaners.model import RUNNING, Loan, LoanerUnit
from dispatch.work_orders.finding import find_of_order
from dispatch.work_orders.model import WorkOrder


def find_unit(session: Session, principal: Principal, unit_id: uuid.UUID) -> LoanerUnit:
    """Return a unit of a territory the person may see."""
    statement = select(LoanerUnit).where(
        LoanerUnit.id == unit_id, in_scope(principal, LoanerUnit.territory_id)
    )
    found = session.scalars(statement).one_or_none()
    if found is None:
        raise NotFound("there is no such loaner unit")
    return found


def units_of(session: Session, territory_id: uuid.UUID) -> Sequence[LoanerUnit]:
    """Return the units of a territory by kind and serial."""
    statement = select(LoanerUnit).where(LoanerUnit.territory_id == territory_id)
    return session.scalars(statement.order_by(LoanerUnit.product_kind, LoanerUnit.serial)).all()


def find_loan(session: Session, principal: Principal, loan_id: uuid.UUID) -> Loan:
    """Return a loan for an order that the person may see."""
    return find_of_order(session, principal, Loan, loan_id, "loan")


def running_loans(session: Session, territory_id: uuid.UUID) -> Sequence[Loan]:
    """Return the loans of a territory that have not ended, the oldest first."""
    statement = (
        select(Loan)
        .join(WorkOrder, WorkOrder.id == Loan.work_order_id)
        .where(WorkOrder.territory_id == territory_id, Loan.state.in_(RUNNING))
        .order_by(Loan.wanted_at, Loan.id)
    )
    return session.scalars(statement).all()


def loans_of(session: Session, order_id: uuid.UUID) -> Sequence[Loan]:
    """Return every loan for an order, the oldest first."""
    statement = select(Loan).where(Loan.work_order_id == order_id)
    return session.scalars(statement.order_by(Loan.wanted_at, Loan.id)).all()
