"""Crews on the day itself: somebody is late, ill or gone; proposals, prices and reasons know it (R-501)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dispatch import travel
from dispatch.planning import problem
from dispatch.planning.commands import accept_rows, lock_visit, publish
from dispatch.planning.explaining import explanation
from dispatch.planning.model import DayPlan
from dispatch.planning.rules import CrewNotWhole, VisitNotPlannable
from dispatch.technicians.model import Technician
from dispatch.work_orders.commands import cancel_visit, change_needs, take_step
from dispatch.work_orders.lifecycle import Actor, VisitState
from dispatch.work_orders.model import Visit
from dispatch.work_orders.refusals import LeaderDecides, RecordLocked
from dispatch.work_orders.rules import Needs
from optimizer import solve
from optimizer.engines.base import Budget
from optimizer.plan import Plan
from optimizer.problem import Window
from optimizer.validate import errors_in
from tests import builders as b
from tests.builders import at
from tests.dispatch.conftest import MovableClock
from tests.dispatch.planning.crew_world import DESK, a_crew, booked, meeting
from tests.planning_world import Town


def published_crew(town: Town, size: int = 2, **fields: object) -> Visit:
    """A crew that is booked for ten and published."""
    leader = a_crew(town, size, **fields)
    booked(town, leader, 10, 12)
    plan = town.in_force()
    assert plan is not None
    publish(town.session, by=DESK, plan=plan, expected_version=town.head().version)
    return leader


def sets_out(town: Town, visit: Visit) -> None:
    """The visit's technician is on the way."""
    who = town.session.get_one(Technician, visit.technician_id)
    take_step(town.session, visit=visit, target=VisitState.TRAVELLING, actor=Actor.ASSIGNEE, by=b.of(who))


def planned(town: Town, plan: DayPlan | None = None) -> Plan:
    """What the engine makes of the day as it stands."""
    built = town.built(plan)
    assert errors_in(built.problem) == []
    return solve(built.problem, Budget(solutions=400), seed=1).plan


def test_who_takes_the_leaders_place_brings_what_those_on_the_way_have_not(
    town: Town, now: MovableClock
) -> None:
    """R-501: the member drives already, the leader falls ill; not everybody can stand in."""
    b.a_skill(town.session, code="gas")
    ill, able = town.technician(skills={"gas": 3}), town.technician(skills={"gas": 2})
    helper, other = town.technician(), town.technician()
    leader = a_crew(town, skills={"gas": 2})
    leader.required_technician_id = ill.id
    lock_visit(town.session, by=None, visit=leader.crew[1], technician_id=helper.id, start=None)
    booked(town, leader, 10, 12)
    plan = town.in_force()
    assert plan is not None
    publish(town.session, by=DESK, plan=plan, expected_version=town.head().version)
    now.moment = at(9.5)
    sets_out(town, leader.crew[1])
    leader.required_technician_id = None
    b.an_absence(town.session, ill, starts_at=at(9), ends_at=at(16))
    found = planned(town)
    (route,) = [r for r in found.routes if any(s.visit_id == str(leader.id) for s in r.stops)]
    assert route.technician_id == str(able.id)
    (stop,) = [s for s in route.stops if s.visit_id == str(leader.id)]
    assert stop.start <= town.day.seconds(at(10.5))  # as near to the other as can be
    begun = (helper, leader.crew[1], at(9.5))
    wrong = town.plan_of([(other, leader, at(10.25)), begun], town.head(), state="proposed")
    with pytest.raises(CrewNotWhole, match="has nobody for gas"):
        publish(town.session, by=DESK, plan=wrong, expected_version=town.head().version)


def test_a_crew_whose_moment_has_passed_keeps_the_day_publishable(town: Town, now: MovableClock) -> None:
    """Phones without contact are no reason why nothing else can be booked and published."""
    town.territory.emergency_reserve_percent = 0
    for _ in range(3):
        town.technician(break_minutes=0)
    leader = published_crew(town)
    now.moment = at(10.25)
    other = town.visit()
    booked(town, other, 13, 15)
    plan = town.in_force()
    assert plan is not None
    assert len(set(meeting(town, leader).values())) == 1
    publish(town.session, by=DESK, plan=plan, expected_version=town.head().version)
    assert other.state == "published"


def test_a_crews_row_is_taken_over_though_one_hardly_moves(town: Town) -> None:
    """Journey (e): half a minute is no difference to anybody, but a crew begins at one moment."""
    first, second, third = (town.technician(break_minutes=0) for _ in range(3))
    leader = a_crew(town)
    booked(town, leader, 10, 12)
    head, current = town.head(), meeting(town, leader)
    moment = next(iter(current.values())) + timedelta(seconds=30)  # type: ignore[operator]
    staying = leader.crew[1].technician_id
    fresh = next(who for who in (first, second, third) if who.id not in current)
    stays = next(who for who in (first, second, third) if who.id == staying)
    rows = [(fresh, leader, moment), (stays, leader.crew[1], moment)]
    proposal = town.plan_of(rows, head, state="proposed")
    accept_rows(town.session, by=DESK, plan=proposal, visit_ids=[leader.id], expected_version=head.version)
    assert meeting(town, leader) == {fresh.id: moment, stays.id: moment}


def test_two_of_a_crew_are_not_pinned_to_one(town: Town) -> None:
    who = town.technician()
    leader = a_crew(town)
    lock_visit(town.session, by=None, visit=leader, technician_id=who.id, start=None)
    with pytest.raises(VisitNotPlannable):
        lock_visit(town.session, by=None, visit=leader.crew[1], technician_id=who.id, start=None)


def test_a_crew_is_not_made_smaller_in_silence(town: Town, now: MovableClock) -> None:
    """R-203: who goes along is a need like any other, until the leader has set out."""
    town.technician(), town.technician()
    leader = published_crew(town)
    with pytest.raises(LeaderDecides):
        cancel_visit(town.session, by=DESK, visit=leader.crew[1], reason="one is enough")
    now.moment = at(9.5)
    sets_out(town, leader.crew[1])
    with pytest.raises(RecordLocked):
        change_needs(town.session, by=DESK, visit=leader, needs=Needs(duration_minutes=60))
    sets_out(town, leader)
    cancel_visit(town.session, by=DESK, visit=leader.crew[1], reason="one is enough")
    assert [one.state for one in leader.crew] == ["travelling", "cancelled"]


def test_who_else_could_go_is_told_of_a_crew_as_of_a_crew(town: Town) -> None:
    """The skill may be with the other one, and somebody has to be free at that moment."""
    b.a_skill(town.session, code="gas")
    town.technician(skills={"gas": 2}), town.technician(), town.technician()
    leader = a_crew(town, skills={"gas": 1})
    booked(town, leader, 10, 12)
    plan = town.in_force()
    assert plan is not None
    told = explanation(town.session, plan, leader)
    assert [choice.technician_id for choice in told.choices if choice.is_planned] == [leader.technician_id]
    assert "REQUIRED_TECHNICIAN" not in {obstacle.code for obstacle in told.obstacles}


def test_a_windows_price_does_not_count_a_crews_moment_as_a_promise(town: Town) -> None:
    """R-303: the crew's customer was told ten to twelve, whatever the moment that is planned."""
    town.territory.emergency_reserve_percent = 0
    town.technician(break_minutes=0), town.technician(break_minutes=0)
    leader = a_crew(town)
    booked(town, leader, 10, 12)
    built = town.built()
    kept = problem.build(town.session, town.day, travel.times(), plan=town.in_force(), only_routes=True)
    start = town.day.seconds(at(10)), town.day.seconds(at(12))
    assert kept.told == {str(leader.id): Window(*start), str(leader.crew[1].id): None}
    assert built.told == kept.told
    windows = {job.windows for job in kept.problem.visits}
    assert {(one.start, one.end) for (one,) in windows} == {(one.start, one.start) for (one,) in windows}
