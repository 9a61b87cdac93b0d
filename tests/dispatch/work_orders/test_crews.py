"""A crew at work: one record, everybody's own times, and what becomes of members when the leader is done."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from dispatch import events
from dispatch.access.rules import Role
from dispatch.events import Event
from dispatch.loaners import lending
from dispatch.work_orders import crews, refusals
from dispatch.work_orders.commands import (
    Findings,
    Rest,
    cancel_visit,
    follow_up,
    hand_over,
    record_findings,
    take_step,
    verify_if_complete,
)
from dispatch.work_orders.lifecycle import Actor, VisitState
from dispatch.work_orders.model import Visit
from tests import builders as b
from tests.dispatch.conftest import MovableClock

OFFICE = b.a_principal(Role.DISPATCHER)
S = VisitState


def a_crew(session: Session, *states: str) -> list[Visit]:
    """A leader's visit and its members', each in a state of its own and with a technician."""
    order = b.an_order(session)
    leader = b.a_visit(session, order=order, state=states[0], crew_size=len(states))
    for seat, state in enumerate(states[1:], start=1):
        who = b.a_technician(session, name=f"Member {seat}")
        at_work = {"started_at": b.at(9)} if state == "working" else {}
        b.a_visit(
            session,
            order=order,
            technician=who,
            state=state,
            crew_size=len(states),
            attempt=1,
            seat=seat,
            leader_id=leader.id,
            **at_work,
        )
    return leader.crew


def test_a_member_finishes_without_findings_or_signature(session: Session, recorded: list[Event]) -> None:
    """R-509 asks the leader alone; the member's own times are the record of the other hours."""
    leader, member = a_crew(session, "working", "working")
    by = b.of(session.get_one(b.Technician, member.technician_id))
    take_step(session, visit=member, target=S.DONE, actor=Actor.ASSIGNEE, by=by)
    assert verify_if_complete(session, visit=member)
    assert recorded == [
        events.VisitVerified(visit_id=str(member.id), work_order_id=str(member.work_order_id))
    ]
    lead = b.of(session.get_one(b.Technician, leader.technician_id))
    with pytest.raises(refusals.FindingsMissing):
        take_step(session, visit=leader, target=S.DONE, actor=Actor.ASSIGNEE, by=lead)


@pytest.mark.parametrize(
    ("state", "after"),
    [
        ("unplanned", "cancelled"),
        ("accepted", "cancelled"),
        ("travelling", "no_access"),
        ("on_site", "no_access"),
        ("working", "working"),
    ],
)
def test_a_closed_door_is_everybodys(session: Session, state: str, after: str) -> None:
    leader, member = a_crew(session, "on_site", state)
    by = b.of(session.get_one(b.Technician, leader.technician_id))
    take_step(session, visit=leader, target=S.NO_ACCESS, actor=Actor.ASSIGNEE, by=by, reason="closed")
    assert (leader.state, member.state) == ("no_access", after)


@pytest.mark.parametrize("state", ["unplanned", "published", "travelling", "working"])
def test_a_leader_called_off_takes_everybody_along(session: Session, state: str) -> None:
    leader, member = a_crew(session, "published", state)
    cancel_visit(session, by=OFFICE, visit=leader, reason="customer moved away")
    assert (leader.state, member.state) == ("cancelled", "cancelled")


def test_a_member_called_off_leaves_the_others(session: Session, recorded: list[Event]) -> None:
    leader, member, other = a_crew(session, "travelling", "published", "published")
    cancel_visit(session, by=OFFICE, visit=member, reason="one is enough")
    assert [one.state for one in (leader, member, other)] == ["travelling", "cancelled", "published"]
    assert [type(event) for event in recorded] == [events.SeatGivenUp]


def test_the_order_is_where_its_leader_is(session: Session) -> None:
    leader, _ = a_crew(session, "published", "working")
    by = b.of(session.get_one(b.Technician, leader.technician_id))
    take_step(session, visit=leader, target=S.ACCEPTED, actor=Actor.ASSIGNEE, by=by)
    assert leader.work_order.state == "scheduled"


def test_the_next_attempt_has_a_crew_of_its_own(session: Session) -> None:
    """R-508 and R-305: whatever has to be done again takes as many people."""
    leader, member = a_crew(session, "no_access", "no_access")
    following = follow_up(session, by=OFFICE, visit=leader)
    assert [(one.attempt, one.seat) for one in leader.work_order.visits] == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert following.crew[1].leader_id == following.id
    with pytest.raises(refusals.LeaderDecides):
        follow_up(session, by=OFFICE, visit=member)


def test_a_member_under_way_does_not_keep_the_next_attempt_back(session: Session) -> None:
    leader, member = a_crew(session, "working", "working")
    with pytest.raises(refusals.LeaderDecides):
        hand_over(session, by=OFFICE, visit=member, rest=Rest("tired", 30))
    following = hand_over(session, by=OFFICE, visit=leader, rest=Rest("parts are missing", 30))
    assert (following.attempt, len(following.crew), member.state) == (2, 2, "working")


def test_members_who_never_came_are_given_up_when_their_phones_had_time(
    session: Session, now: MovableClock
) -> None:
    """The order waits half a day for a phone without contact, and is settled then."""
    leader, never, there = a_crew(session, "done", "accepted", "on_site")
    assert leader.finished_at is not None
    now.moment = leader.finished_at + crews.PATIENCE
    assert crews.idle_crews(session) == []
    now.moment += timedelta(seconds=1)
    assert crews.idle_crews(session) == [leader.id]
    assert crews.release_idle(session, leader.id) == 1
    assert crews.idle_crews(session) == []
    assert (never.state, there.state) == ("cancelled", "on_site")


def test_everybody_hears_who_goes_along(session: Session) -> None:
    leader, member = a_crew(session, "published", "published")
    lead = session.get_one(b.Technician, leader.technician_id)
    assert crews.names_of(session, [leader, member]) == {
        leader.id: ("Member 1",),
        member.id: (lead.name,),
    }


def test_what_became_of_it_is_what_the_leader_says(session: Session) -> None:
    """R-704, R-402: a member who is through has neither solved the fault nor delivered the loaner."""
    leader, member = a_crew(session, "working", "working")
    by = b.of(session.get_one(b.Technician, member.technician_id))
    seen = Findings(fault="heavy", cause="size", action="carried", is_solved=True)
    record_findings(session, by=by, visit=member, findings=seen)
    take_step(session, visit=member, target=S.DONE, actor=Actor.ASSIGNEE, by=by)
    order = leader.work_order
    assert member.is_solved is None
    assert (lending.is_done(order), lending.is_solved(order)) == (False, False)
    assert crews.led(order) == [leader]
