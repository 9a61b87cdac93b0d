"""
What customers get for broken promises (R-802).

It is given by rule within the rule's authority, and beyond it somebody decides (R-605). Amounts are rules of
the house and of a contract, in minor units.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from dispatch import clock, outbox, text
from dispatch.access.rules import Principal
from dispatch.contracts.house_rules import HouseRules, rules_of_contracts, rules_under
from dispatch.events import CompensationGranted
from dispatch.promises.model import Compensation, Promise
from dispatch.promises.rules import COMPENSATION_STATES, CompensationDecided
from dispatch.work_orders.finding import find_of_order
from dispatch.work_orders.lifecycle import FINISHED_ORDERS, OrderState
from dispatch.work_orders.model import Visit, WorkOrder

DECISIONS = ("granted", "refused")
LATE_ARRIVAL = "late_arrival"
"""The rule by which a customer gets something for a promise that breaks."""
MISSING_PART = "missing_part"
"""The rule by which a customer gets something for waiting for a part."""


def for_late_arrival(session: Session, promise: Promise, order: WorkOrder) -> Compensation | None:
    """R-802: give or propose what the rules say for a promise that will break; None where that is nothing."""
    rules = rules_under(session, order.contract_id)
    return _give(session, promise, order, LATE_ARRIVAL, rules.late_compensation_minor, rules)


def for_missing_parts(session: Session, territory_id: uuid.UUID) -> list[Compensation]:
    """
    R-802: give or propose what the rules say for orders that have waited too long for a part.

    Once for each wait and each promise; who was never promised a window was promised nothing, and whose order
    is done or called off waits no more.
    """
    waiting = select(WorkOrder).where(
        WorkOrder.territory_id == territory_id,
        WorkOrder.waiting_reason == "part",
        WorkOrder.state.not_in([OrderState.DONE, *FINISHED_ORDERS]),
    )
    orders = session.scalars(waiting.order_by(WorkOrder.id)).all()
    rules = rules_of_contracts(session, {order.contract_id for order in orders})
    found = []
    for order in orders:
        of_order = rules[order.contract_id]
        promise = _owed_for_part(session, order, of_order)
        if promise is None:
            continue
        amount = of_order.missing_part_compensation_minor
        given = _give(session, promise, order, MISSING_PART, amount, of_order)
        if given is None:
            continue
        if given.state == "granted":
            outbox.record(session, CompensationGranted(compensation_id=str(given.id)))
        found.append(given)
    return found


def foretold_for_part(session: Session, order: WorkOrder) -> tuple[int, int] | None:
    """
    R-802: return days and amount by which waiting for a part will be made good, where it is by rule.

    None where it is given at once, which is told then, and where it was given for the same promise before.
    """
    rules = rules_under(session, order.contract_id)
    amount, promise = rules.missing_part_compensation_minor, _last_promise(session, order)
    if not 0 < amount <= rules.compensation_authority_minor or promise is None:
        return None
    if not rules.missing_part_days or _is_made_good(session, order, promise):
        return None
    return rules.missing_part_days, amount


def _owed_for_part(session: Session, order: WorkOrder, rules: HouseRules) -> Promise | None:
    """Return the promise for which an order's wait is to be made good now."""
    since, days = order.waiting_since, timedelta(days=rules.missing_part_days)
    if since is None or not rules.missing_part_compensation_minor or clock.now() - since < days:
        return None
    promise = _last_promise(session, order)
    return promise if promise is not None and not _is_made_good(session, order, promise) else None


def _is_made_good(session: Session, order: WorkOrder, promise: Promise) -> bool:
    """Whether something was given or refused for this promise, or for this wait."""
    known = select(Compensation.id).where(
        Compensation.work_order_id == order.id,
        Compensation.rule == MISSING_PART,
        or_(Compensation.promise_id == promise.id, Compensation.created_at >= order.waiting_since),
    )
    return session.scalars(known.limit(1)).first() is not None


def _last_promise(session: Session, order: WorkOrder) -> Promise | None:
    statement = (
        select(Promise)
        .join(Visit, Visit.id == Promise.visit_id)
        .where(Visit.work_order_id == order.id)
        .order_by(Promise.promised_at.desc(), Promise.ordinal.desc())
    )
    return session.scalars(statement.limit(1)).first()


def _give(  # noqa: PLR0917 - for what, by which rule, and how much
    session: Session, promise: Promise, order: WorkOrder, rule: str, amount: int, rules: HouseRules
) -> Compensation | None:
    """R-605: write a compensation: granted within the rule's authority, proposed beyond it."""
    if not amount:
        return None
    found = Compensation(
        promise_id=promise.id,
        work_order_id=order.id,
        rule=rule,
        amount_minor=amount,
        currency=order.currency,
        state="granted" if amount <= rules.compensation_authority_minor else "proposed",
        created_at=clock.now(),
    )
    session.add(found)
    session.flush()
    return found


def decide(session: Session, *, by: Principal, found: Compensation, decision: str) -> Compensation:
    """Grant or refuse a proposed compensation, once; the customer hears of what is granted."""
    session.refresh(found, with_for_update=True)
    if found.state != "proposed":
        raise CompensationDecided(f"the compensation is {found.state}", by=str(found.decided_by or "rule"))
    found.state = text.choice(decision, "decision", DECISIONS)
    found.decided_by, found.decided_at = by.user_id, clock.now()
    session.flush()
    if found.state == "granted":
        outbox.record(session, CompensationGranted(compensation_id=str(found.id)))
    return found


def find_compensation(session: Session, principal: Principal, compensation_id: uuid.UUID) -> Compensation:
    """Return a compensation for an order within the person's scope."""
    return find_of_order(session, principal, Compensation, compensation_id, "compensation")


def compensations_of(
    session: Session, territory_id: uuid.UUID, state: str | None = None
) -> Sequence[Compensation]:
    """Return the compensations of a territory's orders, those that wait for a decision first."""
    statement = (
        select(Compensation)
        .join(WorkOrder, WorkOrder.id == Compensation.work_order_id)
        .where(WorkOrder.territory_id == territory_id)
    )
    if state is not None:
        statement = statement.where(Compensation.state == text.choice(state, "state", COMPENSATION_STATES))
    waiting = (Compensation.state != "proposed", Compensation.created_at.desc(), Compensation.id)
    return session.scalars(statement.order_by(*waiting)).all()
