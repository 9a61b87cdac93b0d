"""Visits that take several people: offered, booked, planned, moved and published as one (R-203, R-501)."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from dispatch.planning.commands import accept_rows, book, hold, lock_visit, offer, publish
from dispatch.planning.model import Booking
from dispatch.planning.rules import CrewNotWhole, SlotGone, VisitNotPlannable
from dispatch.planning.wanting import Wanted
from dispatch.promises.model import Promise
from dispatch.technicians.model import Technician
from dispatch.work_orders import crews
from dispatch.work_orders.commands import cancel_order, change_needs, open_order
from dispatch.work_orders.refusals import LeaderDecides
from dispatch.work_orders.rules import Estimate, Needs
from tests import builders as b
from tests.builders import at
from tests.dispatch.planning.crew_world import DESK, a_crew, booked, meeting
from tests.planning_world import Town, feed_of, runs_of, violations


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
