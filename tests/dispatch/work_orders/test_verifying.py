"""The gate to settlement, cases, follow-ups and waiting."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from dispatch import events
from dispatch.access.rules import Role
from dispatch.events import Event
from dispatch.parts.rules import PartUnknown
from dispatch.text import NumberOutOfRange
from dispatch.work_orders import refusals
from dispatch.work_orders.commands import (
    cancel_order,
    change_needs,
    change_priority,
    close,
    decide_case,
    follow_up,
    mark_invoiced,
    note_rest,
    open_case,
    stop_waiting,
    verify,
    verify_if_complete,
    wait_for,
)
from dispatch.work_orders.model import Visit
from dispatch.work_orders.rules import Needs
from tests import builders as b
from tests.dispatch.conftest import MovableClock

OFFICE = b.a_principal(Role.DISPATCHER)


@pytest.fixture
def done(session: Session, now: MovableClock) -> Visit:
    """A visit that is done and signed."""
    visit = b.a_visit(session, state="done")
    b.a_report(session, visit)
    return visit


def test_a_complete_record_is_verified_by_rule(session: Session, done: Visit, recorded: list[Event]) -> None:
    assert verify_if_complete(session, visit=done)
    assert done.state == "verified"
    assert recorded == [events.VisitVerified(visit_id=str(done.id), work_order_id=str(done.work_order_id))]


def test_an_open_case_keeps_the_gate_shut_until_somebody_decides(session: Session, done: Visit) -> None:
    case = open_case(
        session, by=None, visit=done, kind="double_attendance", detail={"by": "Ben"}, hold_billing=True
    )
    assert (done.needs_review, done.billing_hold) == (True, True)
    assert not verify_if_complete(session, visit=done)
    with pytest.raises(refusals.BillingHeld):
        verify(session, by=OFFICE, visit=done)
    done.billing_hold = False
    with pytest.raises(refusals.CaseStillOpen):
        verify(session, by=OFFICE, visit=done)
    decide_case(session, by=OFFICE, case=case, decision="Ada was there")
    assert (case.decided_by, done.needs_review, done.billing_hold) == (OFFICE.user_id, False, False)
    with pytest.raises(refusals.CaseDecided):
        decide_case(session, by=OFFICE, case=case, decision="again")
    verify(session, by=OFFICE, visit=done)
    assert done.state == "verified"


def test_two_cases_need_two_decisions(session: Session, done: Visit) -> None:
    first = open_case(session, by=None, visit=done, kind="gap_forced", detail={})
    second = open_case(session, by=None, visit=done, kind="illegal_transition", detail={})
    decide_case(session, by=OFFICE, case=first, decision="fine")
    assert done.needs_review
    decide_case(session, by=OFFICE, case=second, decision="fine")
    assert not done.needs_review


def test_a_record_that_changed_after_signing_is_not_verified(session: Session, now: MovableClock) -> None:
    """R-509."""
    visit = b.a_visit(session, state="done")
    b.a_report(session, visit, is_current=False)
    with pytest.raises(refusals.SignatureMissing):
        verify(session, by=OFFICE, visit=visit)
    assert not verify_if_complete(session, visit=visit)


def test_an_unsolved_visit_gets_its_follow_up_when_it_is_verified(session: Session, done: Visit) -> None:
    done.is_solved = False
    done.skills, done.parts = {"gas": 2}, {"SKU": 1}
    verify(session, by=OFFICE, visit=done)
    order = done.work_order
    again = order.visits[-1]
    assert (again.attempt, again.state, again.skills, again.parts) == (2, "unplanned", {"gas": 2}, {"SKU": 1})
    assert order.state == "open"


def test_an_unsolved_visit_is_followed_by_what_is_left_of_it(session: Session, done: Visit) -> None:
    """Fitted parts are not asked for again; for want of a part the order waits (R-801)."""
    fitted, left, wanted = (b.a_part(session) for _ in range(3))
    b.part_use(session, done, fitted)
    done.is_solved, done.duration_minutes = False, 90
    done.parts = {fitted.sku: 1, left.sku: 2}
    note_rest(session, visit=done, minutes=30, missing_parts={wanted.sku: 1})
    verify(session, by=OFFICE, visit=done)
    again = done.work_order.visits[-1]
    assert (again.duration_minutes, again.parts) == (30, {left.sku: 2, wanted.sku: 1})
    assert done.work_order.waiting_reason == "part"


def test_what_is_left_must_be_possible(session: Session, done: Visit) -> None:
    with pytest.raises(PartUnknown):
        note_rest(session, visit=done, minutes=None, missing_parts={"NONE": 1})
    for minutes in (4, 1441):
        with pytest.raises(NumberOutOfRange):
            note_rest(session, visit=done, minutes=minutes, missing_parts={})


def test_a_closed_door_is_followed_by_another_attempt(session: Session, now: MovableClock) -> None:
    visit = b.a_visit(session, state="no_access")
    again = follow_up(session, by=OFFICE, visit=visit, needs=Needs(duration_minutes=90))
    assert (again.attempt, again.duration_minutes, again.work_order_id) == (2, 90, visit.work_order_id)
    with pytest.raises(refusals.FollowUpExists):
        follow_up(session, by=OFFICE, visit=visit)


@pytest.mark.parametrize("state", ["unplanned", "working", "done", "cancelled"])
def test_a_visit_that_is_open_or_solved_needs_no_follow_up(
    session: Session, now: MovableClock, state: str
) -> None:
    with pytest.raises(refusals.FollowUpNotNeeded):
        follow_up(session, by=OFFICE, visit=b.a_visit(session, state=state))


def test_settlement_closes_and_invoicing_ends_an_order(session: Session, done: Visit) -> None:
    verify(session, by=OFFICE, visit=done)
    close(session, visit=done)
    assert done.work_order.state == "closed"
    mark_invoiced(session, order=done.work_order)
    assert done.work_order.state == "invoiced"
    with pytest.raises(refusals.OrderFinished):
        wait_for(session, by=OFFICE, order=done.work_order, reason="part")


def test_waiting_has_a_reason_and_a_clock_that_starts_once(
    session: Session, now: MovableClock, recorded: list[Event]
) -> None:
    """R-801: the customer hears that a part is waited for."""
    order = b.an_order(session)
    wait_for(session, by=OFFICE, order=order, reason="part")
    now.set(now.moment + timedelta(hours=1))
    wait_for(session, by=OFFICE, order=order, reason="part")
    assert (order.waiting_reason, order.waiting_since) == ("part", b.MORNING)
    assert recorded == [events.WaitingForPart(work_order_id=str(order.id))]
    stop_waiting(session, by=OFFICE, order=order)
    assert (order.waiting_reason, order.waiting_since) == (None, None)


def test_cancelling_an_order_calls_off_what_is_open_only(
    session: Session, now: MovableClock, recorded: list[Event]
) -> None:
    order = b.an_order(session)
    missed = b.a_visit(session, order=order, state="no_access")
    planned = b.a_visit(session, order=order, state="published")
    cancel_order(session, by=OFFICE, order=order, reason="customer gave up")
    assert (missed.state, planned.state) == ("no_access", "cancelled")
    assert recorded == [events.VisitCancelled(visit_id=str(planned.id))]
    with pytest.raises(refusals.OrderFinished):
        cancel_order(session, by=OFFICE, order=order, reason="again")


def test_an_order_that_becomes_an_emergency_is_announced_once(
    session: Session, now: MovableClock, recorded: list[Event]
) -> None:
    visit = b.a_visit(session)
    for priority in (4, 5, 5):
        change_priority(session, by=OFFICE, order=visit.work_order, priority=priority)
    assert recorded == [events.EmergencyRaised(visit_id=str(visit.id))]


def test_needs_change_until_somebody_sets_out(session: Session, now: MovableClock) -> None:
    """R-203."""
    b.a_skill(session, "gas")
    needs = Needs(duration_minutes=45, skills={"gas": 1})
    visit = b.a_visit(session, state="accepted")
    change_needs(session, by=OFFICE, visit=visit, needs=needs)
    assert (visit.duration_minutes, visit.skills) == (45, {"gas": 1})
    with pytest.raises(refusals.RecordLocked):
        change_needs(session, by=OFFICE, visit=b.a_visit(session, state="travelling"), needs=needs)
