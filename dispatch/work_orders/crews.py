"""
Visits that need several people: the leader's visit, and one for each member who goes along (R-203, R-501).

The leader's visit carries the promise, the record and the signature; the others carry their technician's own
times. Members begin when their leader begins, and end with it where they have not begun.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from dispatch import clock, db
from dispatch.access.rules import Principal
from dispatch.technicians.model import Technician
from dispatch.work_orders import refusals
from dispatch.work_orders.announcing import announce_visit
from dispatch.work_orders.lifecycle import FINISHED_STATES, NOT_SET_OUT, Actor, VisitState
from dispatch.work_orders.model import Visit, WorkOrder
from dispatch.work_orders.steps import take_step

S = VisitState
PATIENCE = timedelta(hours=12)
"""So long after the leader has finished a member's phone may still tell that its technician was there."""
NOT_NEEDED = "the crew's work is done"
SMALLER = "the crew has become smaller"


def man(session: Session, leader: Visit, *, by: Principal | None = None) -> None:
    """Give a visit as many members as its crew asks for, and take back those that are too many."""
    members = live_members(leader)
    for member in members:
        member.crew_size, member.duration_minutes = leader.crew_size, leader.duration_minutes
    for spare in members[leader.crew_size - 1 :]:
        take_step(session, visit=spare, target=S.CANCELLED, actor=Actor.CREW, by=by, reason=SMALLER)
    seat = max((one.seat for one in leader.work_order.visits if one.attempt == leader.attempt), default=0)
    for number in range(leader.crew_size - 1 - len(members)):
        session.add(_member(leader, seat + 1 + number))
    db.flush(session)
    announce_visit(session, leader)


def _member(leader: Visit, seat: int) -> Visit:
    return Visit(
        work_order=leader.work_order,
        attempt=leader.attempt,
        seat=seat,
        leader_id=leader.id,
        state=S.UNPLANNED.value,
        skills={},
        certificates=[],
        parts={},
        crew_size=leader.crew_size,
        duration_minutes=leader.duration_minutes,
        checklists=[],
        window_start=leader.window_start,
        window_end=leader.window_end,
    )


def led(order: WorkOrder) -> list[Visit]:
    """Return the visits of an order that customers know of: who goes alone, and the leaders of crews."""
    return [visit for visit in order.visits if visit.leader_id is None]


def live_members(leader: Visit) -> list[Visit]:
    """Return the visits of those who go along with a leader, without any that was called off, by seat."""
    return [one for one in leader.crew if one.leader_id == leader.id and one.state != S.CANCELLED]


def live_crew(leader: Visit) -> list[Visit]:
    """Return a leader's visit and those of everybody who goes along, by seat."""
    return [leader, *live_members(leader)]


def require_leader(visit: Visit) -> None:
    """Refuse a member's visit where only the leader's can be asked."""
    if visit.leader_id is not None:
        leader = next(one for one in visit.crew if one.id == visit.leader_id)
        raise refusals.LeaderDecides(
            f"visit {visit.number} goes along with {leader.number}", leader_id=str(leader.id)
        )


def names_of(session: Session, visits: Collection[Visit]) -> dict[uuid.UUID, Sequence[str]]:
    """Return by visit the names of those who go along with its technician, the leader first."""
    crews = _crews_of(session, [visit for visit in visits if visit.crew_size > 1])
    wanted = {one.technician_id for crew in crews.values() for one in crew if one.technician_id}
    known = select(Technician.id, Technician.name).where(Technician.id.in_(wanted))
    names = {row.id: row.name for row in session.execute(known)} if wanted else {}
    return {
        visit_id: tuple(
            names[one.technician_id]
            for one in crew
            if one.id != visit_id and one.state != S.CANCELLED and one.technician_id in names
        )
        for visit_id, crew in crews.items()
    }


def _crews_of(session: Session, visits: Sequence[Visit]) -> dict[uuid.UUID, list[Visit]]:
    """Return the crews of visits by visit, read together."""
    if not visits:
        return {}
    leads = {visit.leader_id or visit.id for visit in visits}
    statement = select(Visit).where(or_(Visit.id.in_(leads), Visit.leader_id.in_(leads)))
    everybody = session.scalars(statement.order_by(Visit.seat)).all()
    return {
        visit.id: [one for one in everybody if (visit.leader_id or visit.id) in {one.id, one.leader_id}]
        for visit in visits
    }


def idle_crews(session: Session) -> Sequence[uuid.UUID]:
    """Return the leaders who have finished long ago while members of their crew never set out."""
    member = aliased(Visit)
    statement = (
        select(Visit.id)
        .where(Visit.state.in_((*FINISHED_STATES, S.NO_ACCESS)))
        .where(func.coalesce(Visit.finished_at, Visit.planned_end) < clock.now() - PATIENCE)
        .where(select(member.id).where(member.leader_id == Visit.id, member.state.in_(NOT_SET_OUT)).exists())
        .order_by(Visit.id)
    )
    return session.scalars(statement).all()


def release_idle(session: Session, leader_id: uuid.UUID) -> int:
    """
    Call off a crew's members who never set out, long after their leader has finished; return how many.

    Until then the order is not settled: a member's phone may have been without contact.
    """
    statement = (
        select(Visit)
        .where(Visit.leader_id == leader_id, Visit.state.in_(NOT_SET_OUT))
        .order_by(Visit.id)
        .with_for_update()
    )
    idle = session.scalars(statement, execution_options={"populate_existing": True}).all()
    for visit in idle:
        take_step(session, visit=visit, target=S.CANCELLED, actor=Actor.CREW, by=None, reason=NOT_NEEDED)
    return len(idle)
