"""Handover in mid-visit: one technician's part ends, a colleague gets the rest and the earliest place."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.access.rules import Principal, Role
from dispatch.outbox import JobRun
from dispatch.planning.commands import publish
from dispatch.planning.placing import place_visit
from dispatch.technicians.model import Technician
from dispatch.work_orders import refusals
from dispatch.work_orders.commands import Rest, hand_over, take_step
from dispatch.work_orders.handing_over import works_before
from dispatch.work_orders.lifecycle import Actor, VisitState
from dispatch.work_orders.model import Visit
from tests import builders as b
from tests.builders import at
from tests.dispatch.conftest import MovableClock
from tests.planning_world import Town, a_published_day, violations

DESK = b.a_principal(Role.DISPATCHER)
REST = Rest("Pump is out, the new one must be aligned.", 45)


def as_technician(who: Technician) -> Principal:
    """The technician at the phone."""
    return Principal(uuid.uuid4(), Role.TECHNICIAN, frozenset({who.territory_id}), who.id, None)


def at_work(town: Town, now: MovableClock) -> tuple[Technician, Technician, Visit]:
    """A technician who has worked for half an hour on the first of two visits, and a colleague."""
    near, far, (visit, _) = a_published_day(town, 9, 13, minutes=90)
    for hour, state in ((9, VisitState.TRAVELLING), (9.25, VisitState.ON_SITE), (9.5, VisitState.WORKING)):
        now.moment = at(hour)
        take_step(town.session, visit=visit, target=state, actor=Actor.ASSIGNEE, by=as_technician(near))
    now.moment = at(10)
    return near, far, visit


def test_the_rest_goes_to_another_visit_and_the_time_stays_with_who_worked(
    town: Town, now: MovableClock
) -> None:
    near, _, visit = at_work(town, now)
    fitted, left = b.a_part(town.session), b.a_part(town.session)
    visit.parts = {fitted.sku: 1, left.sku: 2}
    b.part_use(town.session, visit, fitted)
    b.findings(town.session, visit, fault="Bearing worn")
    following = hand_over(town.session, by=as_technician(near), visit=visit, rest=REST)
    assert (visit.state, visit.is_solved) == ("verified", False)
    assert (visit.started_at, visit.finished_at) == (at(9.5), at(10))
    assert (following.attempt, following.duration_minutes, following.parts) == (2, 45, {left.sku: 2})
    told = works_before(town.session, [following])[following.id]
    assert [(one["technician"], one["note"]) for one in told] == [(near.name, REST.note)]
    assert told[0]["findings"][0]["fault"] == "Bearing worn"
    assert told[0]["parts"] == [{"sku": fitted.sku, "quantity": 1, "direction": "in"}]
    asked = town.session.scalars(select(JobRun).where(JobRun.kind == "planning.place_visit")).one()
    assert asked.payload["visit_id"] == str(following.id)


def test_the_colleague_gets_the_earliest_place_and_hears_of_it(town: Town, now: MovableClock) -> None:
    _, far, visit = at_work(town, now)
    rest = Rest(REST.note, REST.minutes, far.id)
    following = hand_over(town.session, by=DESK, visit=visit, rest=rest, expected_version=visit.version)
    start = place_visit(town.session, following.id, earliest=True)
    assert start is not None
    assert at(10) - timedelta(hours=2) < start <= at(12)
    plan = town.in_force()
    assert plan is not None
    assert violations(town, plan) == []
    assert {stop.technician_id for stop in plan.stops if stop.visit_id == following.id} == {far.id}
    publish(town.session, by=DESK, plan=plan, expected_version=town.head().version)
    assert (following.state, following.technician_id) == ("published", far.id)
    assert place_visit(town.session, following.id, earliest=True) is None


def test_where_nobody_has_room_the_visit_waits_without_a_promise(town: Town, now: MovableClock) -> None:
    _, far, visit = at_work(town, now)
    following = hand_over(town.session, by=DESK, visit=visit, rest=Rest("Stuck.", 1440, far.id))
    assert place_visit(town.session, following.id, earliest=True) is None
    assert (following.state, following.window_start) == ("unplanned", None)


@pytest.mark.parametrize("state", ["published", "on_site", "done", "verified", "cancelled"])
def test_work_that_is_not_under_way_is_not_handed_over(session: Session, state: str) -> None:
    visit = b.a_visit(session, state=state)
    with pytest.raises(refusals.HandoverImpossible):
        hand_over(session, by=DESK, visit=visit, rest=REST)


def test_bad_handovers_are_refused_and_change_nothing(town: Town, now: MovableClock) -> None:
    near, far, visit = at_work(town, now)
    with pytest.raises(refusals.NotYourVisit):
        hand_over(town.session, by=as_technician(far), visit=visit, rest=REST)
    with pytest.raises(refusals.TechnicianInactive):
        hand_over(town.session, by=DESK, visit=visit, rest=Rest("To myself.", 30, near.id))
    with pytest.raises(refusals.ReasonMissing):
        hand_over(town.session, by=DESK, visit=visit, rest=Rest(" ", 30))
    assert (visit.state, len(visit.work_order.visits)) == ("working", 1)
