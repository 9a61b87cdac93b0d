"""What a booking changes in the drafts of days: its own day's, and those that the visit leaves."""

from __future__ import annotations

import uuid
from dataclasses import replace

from sqlalchemy import delete
from sqlalchemy.orm import Session

from dispatch import travel
from dispatch.access.rules import Principal
from dispatch.planning import heads, plan_rows, problem
from dispatch.planning.candidates import ANNOUNCED
from dispatch.planning.days import Day
from dispatch.planning.model import Booking, DayPlan, PlanHead, PlanUnserved
from dispatch.planning.problem import Built
from dispatch.work_orders import commands as work_orders
from dispatch.work_orders.crews import live_crew
from dispatch.work_orders.lifecycle import Actor, VisitState
from dispatch.work_orders.model import Visit
from optimizer.plan import Plan


def draft_of(session: Session, head: PlanHead, built: Built, current: DayPlan | None) -> DayPlan:
    """Return the day's draft; a fresh one copies the plan in force and why it leaves visits out."""
    if current is not None and current.state == "draft":
        return current
    if current is not None:
        built = problem.build(session, built.day, travel.times(), plan=current)
    plan = plan_rows.to_plan(built, current)
    draft = plan_rows.store(session, built, plan, state="draft", base_version=head.version, reason="booking")
    if current is not None:
        draft.unserved = [
            PlanUnserved(
                visit_id=left.visit_id, reason=left.reason, sentence=left.sentence, action=left.action
            )
            for left in current.unserved
            if str(left.visit_id) in built.visits
        ]
    head.working_plan_id = draft.id
    return draft


def note_place(session: Session, by: Principal | None, visit: Visit, day: Day, plan: Plan) -> None:
    """Note technician and times with a visit that no technician has heard of yet."""
    if visit.state not in {VisitState.UNPLANNED, VisitState.PLANNED}:
        return
    route, stop = next(
        (route, stop) for route in plan.routes for stop in route.stops if stop.visit_id == str(visit.id)
    )
    work_orders.place(
        session,
        by=by,
        visit=visit,
        technician_id=uuid.UUID(route.technician_id),
        planned_start=day.moment(stop.start),
        planned_end=day.moment(stop.end),
        actor=Actor.DISPATCHER,
    )


def leave_other_days(session: Session, *, by: Principal | None, visit: Visit, day: Day) -> None:
    """
    Take a visit that moves to another day off the plans of all other days; their heads are locked already.

    A published or accepted visit goes back to the pool, and its technician's phone forgets it.
    """
    crew = live_crew(visit)
    names = frozenset(str(one.id) for one in crew)
    former_days = {on for one in crew for on in heads.days_with(session, day.territory_id, one.id)}
    for on in sorted(former_days - {day.day}):
        head = heads.locked(session, day.territory_id, on)
        former = replace(day, day=on)
        current = heads.in_force(session, head)
        built = problem.build(session, former, travel.times(), plan=current)
        before = plan_rows.to_plan(built, current)
        draft = draft_of(session, head, built, current)
        after = plan_rows.to_plan(built, draft, without=names)
        plan_rows.replace_routes(session, draft, built, before=before, after=after)
        session.execute(delete(Booking).where(Booking.visit_id.in_([one.id for one in crew])))
        heads.touch(head)
        for one in crew:
            if one.state in ANNOUNCED:
                work_orders.release(session, by=by, visit=one, reason="moved to another day")
