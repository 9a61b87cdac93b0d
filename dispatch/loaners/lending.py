"""
A loaner from the missed limit to the day it is back (R-402).

A unit is reserved by one order alone; where none is free the loan is wanted, and the next unit that comes
back goes to it. Bringing and fetching are visits like others, planned with the day and paid by the house.
"""

from __future__ import annotations

import uuid
from datetime import timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, outbox
from dispatch.access.rules import Principal
from dispatch.billing import charging, crediting
from dispatch.contracts.house_rules import HouseRules, rules_under
from dispatch.customers.model import Asset, Site
from dispatch.errors import DispatchError
from dispatch.events import LoanerLent, LoanerOverdue
from dispatch.loaners import rules
from dispatch.loaners.model import RUNNING, Loan, LoanerUnit
from dispatch.work_orders import commands as work_orders
from dispatch.work_orders.crews import led
from dispatch.work_orders.lifecycle import (
    FINISHED_ORDERS,
    ON_DUTY_STATES,
    OrderState,
    VisitState,
)
from dispatch.work_orders.model import Visit, WorkOrder
from dispatch.work_orders.opening import has_open_visit, locked_order
from dispatch.work_orders.rules import Estimate, FaultClass, Needs, OrderKind

log = structlog.get_logger(__name__)

PRIORITY = 4
REMINDED = timedelta(days=3)
"""So long before a unit is charged its customer is reminded."""


def lend(session: Session, *, by: Principal | None, order: WorkOrder) -> Loan:
    """
    Reserve a unit for an order's equipment and open its delivery; wanted where none is free.

    Whoever lends by hand has the customer on the line and promises the delivery; otherwise it finds its own
    place.
    """
    held = locked_order(session, order.id)
    if running_loan(session, held.id) is not None:
        raise rules.LoanExists(f"order {held.number} has a loaner")
    if held.asset_id is None or held.goodwill_reason is not None:
        raise rules.LoanNotPossible(f"order {held.number} is about no equipment")
    if OrderState(held.state) in FINISHED_ORDERS or is_solved(held):
        raise rules.LoanNotPossible(f"order {held.number} is {held.state}")
    loan = Loan(work_order_id=held.id, state="wanted", wanted_at=clock.now())
    session.add(loan)
    session.flush()
    _reserve(session, loan, held, is_by_hand=by is not None)
    return loan


def lend_for_breach(session: Session, order_id: uuid.UUID) -> Loan | None:
    """R-402: lend where the limit of resolution was missed; None where the house does not, or need not."""
    order = locked_order(session, order_id)
    if not rules_of(session, order).loaner or running_loan(session, order.id) is not None:
        return None
    try:
        return lend(session, by=None, order=order)
    except rules.LoanNotPossible:
        return None


def _reserve(session: Session, loan: Loan, order: WorkOrder, *, is_by_hand: bool = False) -> None:
    """Give a wanted loan the next free unit of the kind, if there is one, and open its delivery."""
    kind = session.scalars(select(Asset.product_kind).where(Asset.id == order.asset_id)).one()
    free = (
        select(LoanerUnit)
        .where(LoanerUnit.territory_id == order.territory_id, LoanerUnit.product_kind == kind)
        .where(LoanerUnit.state == "available")
        .order_by(LoanerUnit.serial)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    unit = session.scalars(free, execution_options={"populate_existing": True}).one_or_none()
    if unit is None:
        return
    unit.state = "reserved"
    loan.unit_id, loan.state = unit.id, "reserved"
    delivery = _opened(session, order, rules.DELIVERY)
    loan.delivery_order_id = delivery.id
    if not is_by_hand:
        _ask_for_place(session, delivery, turn="opened")
    session.flush()
    outbox.record(session, LoanerLent(loan_id=str(loan.id)))


def _open_pickup(session: Session, repair: WorkOrder) -> WorkOrder:
    opened = _opened(session, repair, rules.PICKUP)
    _ask_for_place(session, opened, turn="opened")
    return opened


def _ask_for_place(session: Session, order: WorkOrder, *, turn: str) -> None:
    """Who waits for a unit gets the earliest window; fetching one takes the window that is best to plan."""
    choice = "earliest" if order.fault_code == rules.DELIVERY else "best"
    for visit in led(order):
        if visit.state == VisitState.UNPLANNED and visit.window_start is None:
            payload = {"visit_id": str(visit.id), "choice": choice}
            outbox.request(session, "planning.place_visit", key=f"{visit.id}:{turn}", payload=payload)


def _opened(session: Session, order: WorkOrder, code: str) -> WorkOrder:
    """Open the order that brings or fetches a unit, at the place of the repair."""
    return work_orders.open_order(
        session,
        by=None,
        site=session.get_one(Site, order.site_id),
        fault_class=FaultClass.SERVICE.value,
        kind=OrderKind.DELIVERY.value,
        fault_code=code,
        priority=PRIORITY,
        requested_at=clock.now(),
        needs=Needs(duration_minutes=rules.MINUTES),
        estimate=Estimate(labour_minor=0, parts_minor=0, travel_minor=0, currency=order.currency),
        goodwill_reason=rules.WHY,
    )


def follow_visit(session: Session, visit_id: uuid.UUID) -> Loan | None:
    """Let a loan follow a visit: brought, repaired, fetched, called off; None where there is no loan."""
    visit = session.get_one(Visit, visit_id)
    order = locked_order(session, visit.work_order_id)
    statement = select(Loan).where(
        Loan.state.in_(RUNNING),
        (Loan.work_order_id == order.id)
        | (Loan.delivery_order_id == order.id)
        | (Loan.pickup_order_id == order.id),
    )
    loan = session.scalars(statement.with_for_update()).one_or_none()
    if loan is None:
        return None
    if loan.delivery_order_id == order.id:
        _follow_delivery(session, loan, order)
    elif loan.pickup_order_id == order.id:
        if is_done(order):
            give_back(session, loan=loan)
        elif OrderState(order.state) is OrderState.CANCELLED:
            repair = session.get_one(WorkOrder, loan.work_order_id)
            loan.pickup_order_id = _open_pickup(session, repair).id
    elif is_solved(order) or OrderState(order.state) is OrderState.CANCELLED:
        _no_longer_needed(session, loan, order)
    session.flush()
    return loan


def _follow_delivery(session: Session, loan: Loan, order: WorkOrder) -> None:
    if loan.state != "reserved":
        return
    if is_done(order):
        _delivered(session, loan, order)
    elif OrderState(order.state) is OrderState.CANCELLED:
        loan.state, loan.ended_at = "cancelled", clock.now()
        _free(session, loan)


def _delivered(session: Session, loan: Loan, order: WorkOrder) -> None:
    loan.state, loan.delivered_at = "out", clock.now()
    _unit(session, loan).state = "out"
    repair = session.get_one(WorkOrder, loan.work_order_id)
    if is_solved(repair) or OrderState(repair.state) in FINISHED_ORDERS:
        _no_longer_needed(session, loan, repair)


def _no_longer_needed(session: Session, loan: Loan, repair: WorkOrder) -> None:
    """Fetch a unit that is with the customer; one that is not yet there stays at home."""
    if loan.state in {"wanted", "reserved"}:
        if loan.delivery_order_id is not None:
            delivery = session.get_one(WorkOrder, loan.delivery_order_id)
            if has_open_visit(delivery):
                work_orders.cancel_order(session, by=None, order=delivery, reason="the original is repaired")
        loan.state, loan.ended_at = "cancelled", clock.now()
        _free(session, loan)
    elif loan.state == "out":
        days = rules_of(session, repair).loaner_return_days
        loan.state, loan.due_back_at = "returning", clock.now() + timedelta(days=days)
        loan.pickup_order_id = _open_pickup(session, repair).id


def give_back(session: Session, *, loan: Loan) -> Loan:
    """
    Note that a unit is back, however it came; the next order that waits for one gets it.

    Of one that was charged as lost the charge is taken back, within the time that the house gives.
    """
    session.refresh(loan, with_for_update=True)
    if loan.state not in {"out", "returning", "lost"}:
        raise rules.LoanOver(f"the loan is {loan.state}")
    if loan.state == "lost":
        _take_back_charge(session, loan)
        is_ours = _unit(session, loan).state == "lost"  # not entered anew and lent again meanwhile
        loan.state, loan.ended_at = "returned", clock.now()
    else:
        loan.state, loan.ended_at, is_ours = "returned", clock.now(), True
    _call_off_pickup(session, loan)
    if is_ours:
        _free(session, loan)
    session.flush()
    return loan


def _take_back_charge(session: Session, loan: Loan) -> None:
    """Credit or withdraw what was charged for a unit that came back after all."""
    if loan.settlement_id is None or loan.ended_at is None:
        return
    days = rules_of(session, session.get_one(WorkOrder, loan.work_order_id)).loaner_credit_days
    if days and clock.now() > loan.ended_at + timedelta(days=days):
        return
    crediting.take_back(session, settlement_id=loan.settlement_id, reason=rules.CAME_BACK)


def _free(session: Session, loan: Loan) -> None:
    """Make a loan's unit available, and give it to the oldest order that waits for one."""
    session.flush()
    if loan.unit_id is None:
        return
    _unit(session, loan).state = "available"
    session.flush()
    serve_waiting(session)


def serve_waiting(session: Session) -> None:
    """Give units that are free to the orders that wait for one, the oldest first."""
    waiting = (
        select(Loan, WorkOrder)
        .join(WorkOrder, WorkOrder.id == Loan.work_order_id)
        .where(Loan.state == "wanted")
        .order_by(Loan.wanted_at, Loan.id)
        .with_for_update(of=Loan, skip_locked=True)
    )
    for loan, order in session.execute(waiting).all():
        _reserve(session, loan, order)


def place_waiting(session: Session) -> None:
    """Look once a day for windows for units to be brought or fetched that nobody had room for."""
    today = clock.now().date().isoformat()
    ways = select(WorkOrder).where(
        WorkOrder.id.in_(select(Loan.delivery_order_id).where(Loan.state == "reserved"))
        | WorkOrder.id.in_(select(Loan.pickup_order_id).where(Loan.state == "returning"))
    )
    for order in session.scalars(ways.order_by(WorkOrder.id)):
        _ask_for_place(session, order, turn=today)


def chase(session: Session) -> list[Loan]:
    """Remind of loaners that are soon charged, and charge those that are not back; return the charged."""
    now = clock.now()
    place_waiting(session)
    statement = select(Loan).where(Loan.state == "returning").order_by(Loan.id).with_for_update()
    charged = []
    for loan in session.scalars(statement):
        if loan.due_back_at is None or now < loan.due_back_at - REMINDED:
            continue
        if _comes_back(session, loan):
            continue
        if now < loan.due_back_at:
            outbox.record(session, LoanerOverdue(loan_id=str(loan.id)))
            continue
        try:
            with session.begin_nested():
                _charge(session, loan)
        except DispatchError as refusal:
            log.warning("loaner_not_charged", loan_id=str(loan.id), code=refusal.code)
            continue
        charged.append(loan)
    serve_waiting(session)
    session.flush()
    return charged


def _comes_back(session: Session, loan: Loan) -> bool:
    """Whether a unit was fetched, or somebody is on the way to fetch it."""
    if loan.pickup_order_id is None:
        return False
    pickup = locked_order(session, loan.pickup_order_id)
    if is_done(pickup):
        give_back(session, loan=loan)
        return True
    return any(VisitState(visit.state) in ON_DUTY_STATES for visit in pickup.visits)


def _charge(session: Session, loan: Loan) -> None:
    """Bill a unit that never came back, once."""
    unit, repair = _unit(session, loan), session.get_one(WorkOrder, loan.work_order_id)
    _call_off_pickup(session, loan)
    loan.state, loan.ended_at = "lost", clock.now()
    unit.state = "lost"
    if unit.charge_minor:
        charge = charging.charge(
            session,
            order=repair,
            source=f"loan:{loan.id}",
            description_en=f"Loaner not given back: {unit.model}, {unit.serial}",
            description_zh=f"备用机未归还：{unit.model}，{unit.serial}",
            net_minor=unit.charge_minor,
            currency=unit.currency,
            explanation="R-402: not back in time",
        )
        loan.settlement_id = charge.id


def _call_off_pickup(session: Session, loan: Loan) -> None:
    if loan.pickup_order_id is None:
        return
    pickup = session.get_one(WorkOrder, loan.pickup_order_id)
    if has_open_visit(pickup):
        work_orders.cancel_order(session, by=None, order=pickup, reason="the loaner is not fetched any more")


def running_loan(session: Session, order_id: uuid.UUID) -> Loan | None:
    """Return the loan of an order that has not ended."""
    statement = select(Loan).where(Loan.work_order_id == order_id, Loan.state.in_(RUNNING))
    return session.scalars(statement).one_or_none()


def _unit(session: Session, loan: Loan) -> LoanerUnit:
    statement = select(LoanerUnit).where(LoanerUnit.id == loan.unit_id).with_for_update()
    return session.scalars(statement, execution_options={"populate_existing": True}).one()


def rules_of(session: Session, order: WorkOrder) -> HouseRules:
    """Return the rules of the house that count for an order."""
    return rules_under(session, order.contract_id)


def is_solved(order: WorkOrder) -> bool:
    """Tell whether a visit solved the fault."""
    return any(visit.is_solved and visit.finished_at is not None for visit in led(order))


def is_done(order: WorkOrder) -> bool:
    """Tell whether something was brought or fetched: a visit was finished and not left unsolved."""
    return any(visit.finished_at is not None and visit.is_solved is not False for visit in led(order))
