"""Work orders begin, get further visits, wait, and are called off."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, db, events, outbox, text
from dispatch.access.rules import Principal
from dispatch.checklists import commands as checklists
from dispatch.contracts.hours import due_times
from dispatch.contracts.model import Contract
from dispatch.contracts.queries import hours_of
from dispatch.customers.model import Site
from dispatch.territories.queries import zone_of
from dispatch.work_orders import crews, pausing, refusals
from dispatch.work_orders.announcing import announce_visit
from dispatch.work_orders.lifecycle import (
    FINISHED_ORDERS,
    NOT_SET_OUT,
    OPEN_STATES,
    Actor,
    OrderState,
    VisitState,
)
from dispatch.work_orders.model import Visit, WorkOrder
from dispatch.work_orders.needing import check_needs
from dispatch.work_orders.remaining import rest_of
from dispatch.work_orders.rules import CREW, EMERGENCY, Estimate, FaultClass, Needs, OrderKind, Repeat
from dispatch.work_orders.steps import carry_order_state, take_step

S = VisitState
WAITING_REASONS = frozenset({"part", "customer"})


def open_order(
    session: Session,
    *,
    by: Principal | None,
    site: Site,
    fault_class: str,
    kind: str,
    fault_code: str,
    priority: int,
    requested_at: datetime,
    needs: Needs,
    estimate: Estimate,
    asset_id: uuid.UUID | None = None,
    call_id: uuid.UUID | None = None,
    customer_reference: str | None = None,
    contract: Contract | None = None,
    labour_norm_minutes: int = 0,
    parts_norm_minor: int | None = None,
    repeat: Repeat | None = None,
    goodwill_reason: str | None = None,
) -> WorkOrder:
    """
    Open a work order with its first visit (chain step 3).

    Due times run from the request (R-401, R-402). An emergency reaches the plan when its window is booked.
    """
    hours = hours_of(session, contract, zone_of(session, site.territory_id))
    due = due_times(clock.aware(requested_at), contract, hours)
    order = WorkOrder(
        call_id=call_id,
        customer_reference=customer_reference,
        customer_id=site.customer_id,
        site_id=site.id,
        asset_id=asset_id,
        territory_id=site.territory_id,
        contract_id=contract.id if contract else None,
        state=OrderState.OPEN.value,
        fault_class=text.choice(fault_class, "fault_class", [word.value for word in FaultClass]),
        kind=text.choice(kind, "kind", [word.value for word in OrderKind]),
        fault_code=text.code(fault_code, "fault_code"),
        priority=text.whole(priority, "priority", 1, EMERGENCY),
        requested_at=clock.aware(requested_at),
        opened_at=clock.now(),
        response_due_at=due.response_due_at,
        resolution_due_at=due.resolution_due_at,
        **_repeating(repeat or Repeat()),
        **_told(estimate),
        labour_norm_minutes=labour_norm_minutes,
        parts_norm_minor=parts_norm_minor,
        goodwill_reason=goodwill_reason,
    )
    session.add(order)
    db.flush(session)
    _add_visit(session, order, needs, attempt=1)
    outbox.record(session, events.WorkOrderOpened(work_order_id=str(order.id)))
    return order


def _repeating(again: Repeat) -> dict[str, Any]:
    """R-508: how the order repeats another, as it keeps it."""
    return {
        "repeat_of_id": again.repeat_of_id,
        "excluded_technicians": [str(technician) for technician in again.excluded_technicians],
        "refused_part_lots": list(again.refused_part_lots),
        "overrule_reason": again.overrule_reason,
    }


def _told(estimate: Estimate) -> dict[str, Any]:
    """R-204: the price as the order keeps it."""
    return {
        "estimate_labour_minor": estimate.labour_minor,
        "estimate_parts_minor": estimate.parts_minor,
        "estimate_travel_minor": estimate.travel_minor,
        "currency": estimate.currency,
    }


def _add_visit(session: Session, order: WorkOrder, needs: Needs, *, attempt: int) -> Visit:
    visit = Visit(
        work_order=order,
        attempt=attempt,
        state=S.UNPLANNED.value,
        skills=dict(needs.skills),
        certificates=list(needs.certificates),
        parts=dict(needs.parts),
        crew_size=text.whole(needs.crew_size, "crew_size", *CREW),
        duration_minutes=text.whole(needs.duration_minutes, "duration_minutes", 1, 1440),
        required_technician_id=needs.required_technician_id,
        checklists=checklists.pinned(session, needs.checklists),
    )
    session.add(visit)
    carry_order_state(session, order)
    db.flush(session)
    crews.man(session, visit)
    return visit


def follow_up(session: Session, *, by: Principal | None, visit: Visit, needs: Needs | None = None) -> Visit:
    """
    Add the order's next visit after one that met a closed door or did not solve the fault.

    Without other needs it asks for what is left: behind a closed door that is all of it, else the parts that
    are not fitted and were found missing, the questions without an answer and the minutes that were told.
    """
    crews.require_leader(visit)
    order = locked_order(session, visit.work_order_id)
    if OrderState(order.state) in FINISHED_ORDERS - {OrderState.CLOSED}:
        raise refusals.OrderFinished(f"order {order.number} is {order.state}")
    failed = S(visit.state) is S.NO_ACCESS
    unsolved = S(visit.state) in {S.DONE, S.VERIFIED, S.CLOSED} and visit.is_solved is False
    if not failed and not unsolved:
        raise refusals.FollowUpNotNeeded(f"visit {visit.number} is {visit.state}")
    if has_open_visit(order):
        raise refusals.FollowUpExists(f"order {order.number} has an open visit")
    same = Needs(
        duration_minutes=visit.duration_minutes,
        skills=visit.skills,
        certificates=tuple(visit.certificates),
        parts=visit.parts,
        crew_size=visit.crew_size,
        required_technician_id=visit.required_technician_id,
        checklists=tuple(pin["code"] for pin in visit.checklists),
    )
    if needs is not None:
        check_needs(session, needs)
    latest = max(other.attempt for other in order.visits)
    left = same if failed else rest_of(session, visit, technician_id=visit.required_technician_id)
    return _add_visit(session, order, needs or left, attempt=latest + 1)


def has_open_visit(order: WorkOrder) -> bool:
    """Tell whether somebody is still to come, or there; who only goes along does not count."""
    return any(S(visit.state) in OPEN_STATES for visit in crews.led(order))


def change_needs(
    session: Session,
    *,
    by: Principal | None,
    visit: Visit,
    needs: Needs,
    expected_version: int | None = None,
) -> Visit:
    """Correct what a visit needs before anybody set out (R-203)."""
    crews.require_leader(visit)
    visit.expect_version(expected_version)
    for one in crews.live_crew(visit):
        if S(one.state) not in NOT_SET_OUT:
            raise refusals.RecordLocked(f"visit {one.number} is {one.state}")
    check_needs(session, needs)
    visit.skills, visit.certificates = dict(needs.skills), list(needs.certificates)
    visit.parts = dict(needs.parts)
    visit.crew_size = text.whole(needs.crew_size, "crew_size", *CREW)
    visit.duration_minutes = text.whole(needs.duration_minutes, "duration_minutes", 1, 1440)
    visit.required_technician_id = needs.required_technician_id
    db.flush(session)
    crews.man(session, visit, by=by)
    return visit


def change_priority(
    session: Session,
    *,
    by: Principal | None,
    order: WorkOrder,
    priority: int,
    expected_version: int | None = None,
) -> WorkOrder:
    """Judge an order more or less urgent; one that becomes an emergency is announced to planning."""
    order.expect_version(expected_version)
    raised = text.whole(priority, "priority", 1, EMERGENCY)
    is_new_emergency = raised == EMERGENCY and order.priority != EMERGENCY
    order.priority = raised
    db.flush(session)
    for visit in order.visits:
        announce_visit(session, visit)
        if is_new_emergency and visit.leader_id is None and S(visit.state) in OPEN_STATES:
            outbox.record(session, events.EmergencyRaised(visit_id=str(visit.id)))
    return order


def change_reference(
    session: Session,
    *,
    by: Principal | None,
    order: WorkOrder,
    reference: str | None,
    expected_version: int | None = None,
) -> WorkOrder:
    """Write down the customer's own order number, which often comes later (R-103); issued papers stay."""
    order.expect_version(expected_version)
    order.customer_reference = text.optional_line(reference, "reference", longest=text.CODE)
    db.flush(session)
    for visit in order.visits:
        announce_visit(session, visit)
    return order


def cancel_order(
    session: Session,
    *,
    by: Principal | None,
    order: WorkOrder,
    reason: str,
    actor: Actor = Actor.DISPATCHER,
    expected_version: int | None = None,
) -> WorkOrder:
    """Call off every visit of an order that is still open."""
    order.expect_version(expected_version)
    still_open = [visit for visit in order.visits if S(visit.state) in OPEN_STATES]
    if not still_open:
        raise refusals.OrderFinished(f"order {order.number} is {order.state}")
    for visit in still_open:
        if S(visit.state) not in OPEN_STATES:  # it followed its crew's leader
            continue
        take_step(session, visit=visit, target=S.CANCELLED, actor=actor, by=by, reason=reason)
    return order


def wait_for(
    session: Session,
    *,
    by: Principal | None,
    order: WorkOrder,
    reason: str,
    expected_version: int | None = None,
) -> WorkOrder:
    """Note that an order waits for a part or for the customer, since when (R-801, decision 15)."""
    order.expect_version(expected_version)
    if OrderState(order.state) in FINISHED_ORDERS:
        raise refusals.OrderFinished(f"order {order.number} is {order.state}")
    waits = text.choice(reason, "reason", WAITING_REASONS)
    if order.waiting_reason != waits:
        pausing.resume(session, order)
        order.waiting_reason, order.waiting_since = waits, clock.now()
        db.flush(session)
        pausing.pause(session, order, waits)
        if waits == "part":
            outbox.record(session, events.WaitingForPart(work_order_id=str(order.id)))
    return order


def stop_waiting(
    session: Session, *, by: Principal | None, order: WorkOrder, expected_version: int | None = None
) -> WorkOrder:
    """Note that what an order waited for is there; planning may use its visits again (R-801)."""
    order.expect_version(expected_version)
    pausing.resume(session, order)
    order.waiting_reason = order.waiting_since = None
    db.flush(session)
    return order


def locked_order(session: Session, order_id: uuid.UUID) -> WorkOrder:
    """Return an order that nobody else can change until the transaction ends."""
    statement = select(WorkOrder).where(WorkOrder.id == order_id).with_for_update()
    return session.scalars(statement, execution_options={"populate_existing": True}).one()
