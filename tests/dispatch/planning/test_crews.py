"""Visits that take several people: offered, booked, planned, moved and published as one (R-203, R-501)."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from dispatch import travel
from dispatch.planning import problem
from dispatch.planning.commands import accept_rows, book, hold, lock_visit, offer, publish
from dispatch.planning.explaining import explanation
from dispatch.planning.model import Booking, DayPlan
from dispatch.planning.rules import CrewNotWhole, SlotGone, VisitNotPlannable
from dispatch.planning.wanting import Wanted
from dispatch.promises.model import Promise
from dispatch.technicians.model import Technician
from dispatch.work_orders import crews
from dispatch.work_orders.commands import cancel_order, cancel_visit, change_needs, open_order, take_step
from dispatch.work_orders.lifecycle import Actor, VisitState
from dispatch.work_orders.model import Visit
from dispatch.work_orders.refusals import LeaderDecides, RecordLocked
from dispatch.work_orders.rules import Estimate, Needs
from optimizer import solve
from optimizer.engines.base import Budget
from optimizer.plan import Plan
from optimizer.problem import Window
from optimizer.validate import errors_in
from tests import builders as b
from tests.builders import at
from tests.dispatch.conftest import MovableClock
from tests.planning_world import Town, feed_of, runs_of, violations

DESK = b.a_principal()


def a_crew(town: Town, size: int = 2, **fields: object) -> Visit:
    """The visit of a crew's leader, with its members."""
    leader = town.visit(crew_size=size, **fields)
    crews.man(town.session, leader)
    return leader


def meeting(town: Town, leader: Visit, plan: DayPlan | None = None) -> dict[object, object]:
    """Technicians of a crew as planned, each with the start."""
    plan = plan or town.in_force()
    assert plan is not None
    ids = {one.id for one in leader.crew}
    return {stop.technician_id: stop.start for stop in plan.stops if stop.visit_id in ids}


def booked(town: Town, leader: Visit, start: float, end: float) -> None:
    book(town.session, by=None, visit=leader, start=at(start), end=at(end), channel="phone")


def test_an_order_for_two_gets_a_visit_for_each(town: Town) -> None:
    """R-203: the leader's visit holds what is needed, the other one goes along."""
    site = b.a_site(town.session, territory=town.territory)
    order = open_order(
        town.session,
        by=None,
        site=site,
        fault_class="product",
        kind="simple_repair",
        fault_code="HEAVY",
        priority=3,
        requested_at=at(7),
        needs=Needs(duration_minutes=90, certificates=("F-GAS",), crew_size=2),
        estimate=Estimate(labour_minor=1, parts_minor=0, travel_minor=0, currency="EUR"),
    )
    leader, member = order.visits
    assert (leader.seat, leader.leader_id, leader.certificates) == (0, None, ["F-GAS"])
    assert (member.seat, member.leader_id, member.certificates) == (1, leader.id, [])
    assert (member.attempt, member.duration_minutes) == (leader.attempt, 90)


def test_a_crew_is_booked_to_begin_together_on_two_routes(town: Town) -> None:
    """R-501, R-309: one promise, two people at one moment."""
    first, second = town.technician(), town.technician()
    leader = a_crew(town)
    booked(town, leader, 10, 12)
    together = meeting(town, leader)
    assert set(together) == {first.id, second.id}
    assert len(set(together.values())) == 1
    (moment,) = set(together.values())
    assert at(10) <= moment <= at(12)
    assert {one.state for one in leader.crew} == {"planned"}
    assert {(one.window_start, one.window_end) for one in leader.crew} == {(at(10), at(12))}
    told = town.session.scalars(select(Promise)).all()
    assert [promise.visit_id for promise in told] == [leader.id]
    plan = town.in_force()
    assert plan is not None
    assert violations(town, plan) == []


def test_a_crew_that_nobody_completes_is_refused_with_the_reason(town: Town) -> None:
    town.technician()
    leader = a_crew(town)
    with pytest.raises(SlotGone) as refused:
        booked(town, leader, 10, 12)
    assert {reason["code"] for reason in refused.value.detail["reasons"]} == {"CREW"}
    assert offer(town.session, leader, days=1).windows == ()
    assert {one.state for one in leader.crew} == {"unplanned"}


def test_a_crew_holds_its_skills_together(town: Town) -> None:
    """R-501: one knows gas, the other electricity; nobody needs both, the leader has the papers."""
    b.a_skill(town.session, code="gas"), b.a_skill(town.session, code="power")
    gas = town.technician(skills={"gas": 2})
    town.technician(), town.technician()
    power = town.technician(skills={"power": 1}, certificates={"F-GAS": date(2030, 1, 1)})
    leader = a_crew(town, skills={"gas": 2, "power": 1}, certificates=["F-GAS"])
    booked(town, leader, 10, 12)
    assert set(meeting(town, leader)) == {gas.id, power.id}
    assert leader.technician_id == power.id
    plan = town.in_force()
    assert plan is not None
    assert violations(town, plan) == []
    publish(town.session, by=DESK, plan=plan, expected_version=town.head().version)
    assert {one.state for one in leader.crew} == {"published"}


def test_a_crew_waits_for_whoever_is_busy(town: Town) -> None:
    """The window leaves room for one moment at which both are free."""
    town.territory.emergency_reserve_percent = 0
    first, second = town.technician(break_minutes=0), town.technician(break_minutes=0)
    for who, start in ((first, 8), (second, 9)):
        visit = town.visit(required_technician_id=who.id, duration_minutes=60)
        book(town.session, by=None, visit=visit, start=at(start), end=at(start + 0.25), channel="phone")
    leader = a_crew(town, duration_minutes=30)
    booked(town, leader, 8, 12)
    (moment,) = set(meeting(town, leader).values())
    assert at(10) <= moment <= at(10.5)
    plan = town.in_force()
    assert plan is not None
    assert violations(town, plan) == []


def test_others_are_booked_around_a_crew_without_moving_it(town: Town) -> None:
    town.territory.emergency_reserve_percent = 0
    town.technician(), town.technician()
    leader = a_crew(town)
    booked(town, leader, 10, 12)
    before = meeting(town, leader)
    for visit in town.visits(8, duration_minutes=45):
        found = offer(town.session, visit, days=1).windows
        if not found:
            continue
        book(town.session, by=None, visit=visit, start=found[0].start, end=found[0].end, channel="phone")
        plan = town.in_force()
        assert plan is not None
        assert violations(town, plan) == []
    assert meeting(town, leader) == before


def test_a_crew_moves_to_another_window_and_day_as_a_whole(town: Town) -> None:
    for days in (0, 1):
        town.technician(days=days, number=f"A{days}"), town.technician(days=days, number=f"B{days}")
    leader = a_crew(town)
    booked(town, leader, 10, 12)
    booked(town, leader, 14, 15)
    assert all(at(14) <= start <= at(15) for start in meeting(town, leader).values())
    plan = town.in_force()
    assert plan is not None
    publish(town.session, by=DESK, plan=plan, expected_version=town.head().version)
    morrow = at(10, days=1)
    book(
        town.session,
        by=None,
        visit=leader,
        start=morrow,
        end=morrow + timedelta(hours=2),
        channel="phone",
    )
    assert meeting(town, leader) == {}
    tomorrow = town.in_force(on=morrow.date())
    assert tomorrow is not None
    assert len(meeting(town, leader, tomorrow)) == 2
    assert town.session.scalars(select(Booking)).all() == []
    assert {one.state for one in leader.crew} == {"planned"}


def test_a_held_window_keeps_room_for_a_whole_crew(town: Town) -> None:
    town.technician(break_minutes=0), town.technician(break_minutes=0)
    wanted = Wanted(
        b.a_site(town.session, territory=town.territory), Needs(duration_minutes=60, crew_size=2), 3
    )
    kept = hold(town.session, by=None, wanted=wanted, start=at(10), end=at(10.5), minutes=5)
    assert kept.crew_size == 2
    other = town.visit(duration_minutes=60)
    with pytest.raises(SlotGone):
        book(town.session, by=None, visit=other, start=at(10), end=at(10.5), channel="phone")
    leader = b.a_visit(
        town.session, order=b.an_order(town.session, site=wanted.site), crew_size=2, duration_minutes=60
    )
    crews.man(town.session, leader)
    book(
        town.session,
        by=None,
        visit=leader,
        start=at(10),
        end=at(10.5),
        channel="phone",
        hold_id=kept.id,
    )
    assert len(meeting(town, leader)) == 2


def test_publishing_refuses_a_crew_in_part_late_or_without_a_skill(town: Town) -> None:
    """R-501: whoever wrote the plan, nobody is sent to stand alone before what takes two."""
    b.a_skill(town.session, code="gas")
    first, second = town.technician(), town.technician()
    leader = a_crew(town)
    member = leader.crew[1]
    for stops, why in (
        ([(first, leader, 10.0)], "needs 2 technicians"),
        ([(first, leader, 10.0), (second, member, 10.5)], "does not begin together"),
        ([(first, leader, 9.0), (second, member, 9.0)], "has nobody for gas"),
    ):
        leader.skills = {"gas": 1} if "gas" in why else {}
        plan = town.draft(stops)
        with pytest.raises(CrewNotWhole, match=why):
            publish(town.session, by=DESK, plan=plan, expected_version=town.head().version)


def test_members_are_asked_through_their_leader(town: Town) -> None:
    town.technician(), town.technician()
    leader = a_crew(town)
    member = leader.crew[1]
    for ask in (
        lambda: booked(town, member, 10, 12),
        lambda: offer(town.session, member),
        lambda: lock_visit(town.session, by=None, visit=member, technician_id=None, start=at(10)),
        lambda: change_needs(town.session, by=None, visit=member, needs=Needs(duration_minutes=10)),
    ):
        with pytest.raises(LeaderDecides) as refused:
            ask()
        assert refused.value.detail["leader_id"] == str(leader.id)


def test_a_member_pinned_to_a_technician_gets_that_technician(town: Town) -> None:
    people = [town.technician() for _ in range(4)]
    leader = a_crew(town, 3)
    wanted = people[3]
    lock_visit(town.session, by=None, visit=leader.crew[2], technician_id=wanted.id, start=None)
    booked(town, leader, 10, 12)
    assert leader.crew[2].technician_id == wanted.id
    assert len(meeting(town, leader)) == 3


def test_a_crew_becomes_larger_and_smaller(town: Town) -> None:
    """R-203: the needs of a visit are corrected before anybody set out."""
    for _ in range(3):
        town.technician()
    leader = a_crew(town)
    booked(town, leader, 10, 12)
    plan = town.in_force()
    assert plan is not None
    publish(town.session, by=DESK, plan=plan, expected_version=town.head().version)
    change_needs(town.session, by=DESK, visit=leader, needs=Needs(duration_minutes=60, crew_size=3))
    assert [one.state for one in leader.crew] == ["published", "published", "unplanned"]
    assert leader.crew[2].window_start == at(10)
    change_needs(town.session, by=DESK, visit=leader, needs=Needs(duration_minutes=60, crew_size=1))
    assert [one.state for one in leader.crew] == ["published", "cancelled", "cancelled"]
    gone = town.session.get_one(Technician, leader.crew[1].technician_id)
    assert feed_of(town.session, gone)[-1] == (str(leader.crew[1].id), "evict")


def test_a_cancelled_order_takes_the_whole_crew_off(town: Town) -> None:
    town.technician(), town.technician()
    leader = a_crew(town)
    booked(town, leader, 10, 12)
    cancel_order(town.session, by=None, order=leader.work_order, reason="not needed")
    assert {one.state for one in leader.crew} == {"cancelled"}
    assert len(runs_of(town.session, "loaners.follow")) == 1
    with pytest.raises(VisitNotPlannable):
        offer(town.session, leader)


def test_a_proposed_crew_is_taken_over_as_a_whole(town: Town) -> None:
    """Journey (e): whoever accepts one row accepts those of the crew."""
    first, second = town.technician(break_minutes=0), town.technician(break_minutes=0)
    leader = a_crew(town)
    booked(town, leader, 10, 12)
    other = town.visit()
    book(town.session, by=None, visit=other, start=at(8), end=at(9), channel="phone")
    head = town.head()
    rows = [(first, leader, at(11)), (second, leader.crew[1], at(11))]
    proposal = town.plan_of(rows, head, state="proposed")
    accept_rows(
        town.session,
        by=DESK,
        plan=proposal,
        visit_ids=[leader.crew[1].id],
        expected_version=head.version,
    )
    assert meeting(town, leader) == {first.id: at(11), second.id: at(11)}
    assert {one.state for one in (*leader.crew, other)} == {"published"}


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


@pytest.mark.parametrize("seed", range(3))
def test_generated_days_with_crews_hold_every_rule(town: Town, seed: int) -> None:
    """R-501: whatever is booked, moved and cancelled, the checker finds crews whole and at one moment."""
    chance = random.Random(seed)
    town.territory.emergency_reserve_percent = 0
    codes = ("gas", "power")
    for code in codes:
        b.a_skill(town.session, code=code)
    for _ in range(5):
        town.technician(
            skills={code: chance.randint(1, 3) for code in codes if chance.random() < 0.6},
            home_latitude=60.12 + 0.1 * chance.random(),
            home_longitude=24.85 + 0.18 * chance.random(),
        )
    leaders, served = [], 0
    for _ in range(10):
        size = chance.choice((1, 1, 2, 2, 3))
        visit = a_crew(
            town,
            size,
            latitude=60.12 + 0.1 * chance.random(),
            longitude=24.85 + 0.18 * chance.random(),
            duration_minutes=chance.choice((30, 60, 90)),
            skills={code: chance.randint(1, 2) for code in codes if chance.random() < 0.3},
        )
        leaders.append(visit)
        found = offer(town.session, visit, days=1).windows
        if found:
            chosen = chance.choice(found)
            book(town.session, by=None, visit=visit, start=chosen.start, end=chosen.end, channel="phone")
            served += size > 1
        moved = chance.choice(leaders)
        again = offer(town.session, moved, days=1).windows if moved.state == "planned" else ()
        if again and chance.random() < 0.4:
            chosen = chance.choice(again)
            book(town.session, by=None, visit=moved, start=chosen.start, end=chosen.end, channel="phone")
        plan = town.in_force()
        assert plan is None or violations(town, plan) == []
    assert served >= 2
    plan = town.in_force()
    assert plan is not None
    publish(town.session, by=DESK, plan=plan, expected_version=town.head().version)
    for leader in leaders:
        together = meeting(town, leader)
        assert len(together) in {0, leader.crew_size}
        assert len(set(together.values())) <= 1
