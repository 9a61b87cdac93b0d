"""Two phones of one crew: each tells its own times, one the record."""

from __future__ import annotations

import uuid

from sqlalchemy import select

from dispatch import db
from dispatch.sync import protocol
from dispatch.work_orders import crews
from dispatch.work_orders.model import Visit
from tests.dispatch.sync.field import Field
from tests.dispatch.sync.test_pull import held


def a_crew(field: Field, other: Field) -> tuple[uuid.UUID, uuid.UUID]:
    """A visit of the first, with a member for the other."""
    visit_id = field.visit(crew_size=2)
    with db.transaction() as session:
        crews.man(session, session.get_one(Visit, visit_id))
        member_id = session.scalars(select(Visit.id).where(Visit.leader_id == visit_id)).one()
    other.reassign(member_id)
    return visit_id, member_id


def test_pull_clause_14_each_of_a_crew_holds_a_visit_and_the_others_names(field: Field) -> None:
    """R-501: who goes along is told to everybody of the crew, again when it changes."""
    other = field.colleague()
    lead, member = a_crew(field, other)
    mine, theirs = held(field)[str(lead)], held(other)[str(member)]
    assert (mine["leader_id"], mine["crew"]) == (None, ["Bea"])
    assert (theirs["leader_id"], theirs["crew"]) == (str(lead), ["Ada"])
    cursor = field.pull().cursor
    third = field.colleague()
    with db.transaction() as session:
        session.get_one(crews.Technician, third.technician_id).name = "Cid"
    third.reassign(member)
    (change,) = field.pull(cursor).changes
    assert (change["id"], change["body"]["crew"]) == (str(lead), ["Cid"])
    assert str(member) not in held(other)


def test_a_member_finishes_with_own_times_alone(field: Field) -> None:
    """The member's phone sends steps; findings and signature come from the leader's."""
    other = field.colleague()
    lead, member = a_crew(field, other)
    steps = (protocol.TRAVEL, protocol.ARRIVE, protocol.START, protocol.FINISH)
    told = other.push(
        *[other.op(kind, member) for kind in steps[:-1]],
        other.op(protocol.FINISH, member, is_solved=True, rating=5),
    )
    assert {one["result"] for one in told} == {protocol.APPLIED}
    assert field.ask("select is_solved, rating from visit where id = :id", id=member) == [(None, None)]
    assert (field.state(member), field.state(lead)) == ("verified", "published")
    assert {one["result"] for one in field.push(*field.whole_visit(lead))} == {protocol.APPLIED}
    assert field.state(lead) == "verified"


def test_a_member_declines_a_seat_and_the_others_go_on_knowing_it(field: Field) -> None:
    other = field.colleague()
    lead, member = a_crew(field, other)
    (told,) = other.push(other.op(protocol.DECLINE, member, reason="ill"))
    assert told["result"] == protocol.APPLIED
    assert (field.state(member), field.state(lead)) == ("unplanned", "published")
    assert held(field)[str(lead)]["crew"] == []
    assert str(member) not in held(other)
