"""
Crews in plans: who goes along with a leader meets them at one moment, each on a route of their own (R-501).

A new plan moves a whole crew; where routes are kept as they are, each member keeps technician and moment.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from dispatch import clock
from dispatch.planning.candidates import BEGUN, NOT_BEGUN, Facts
from dispatch.planning.days import Day
from dispatch.planning.model import DayPlan, PlanLock, PlanStop, Routes
from dispatch.planning.rules import CrewNotWhole, VisitNotPlannable
from dispatch.technicians.model import Technician as Person
from dispatch.technicians.queries import OnDuty
from dispatch.work_orders.crews import live_crew, require_leader
from dispatch.work_orders.model import Visit
from optimizer.errors import InfeasibleRoute
from optimizer.meeting import Crew
from optimizer.oracle import Refusal
from optimizer.problem import Problem, Window
from optimizer.problem import Visit as Job
from optimizer.schedule import scheduled

MEMBER = "+"
"""Between the name of what a crew is wanted for and the number of a seat, where there is no visit yet."""
ALONE = "{} has no room at a moment at which the rest of the crew has"


def tied(
    rows: Sequence[Facts],
    jobs: Sequence[Job],
    duties: Mapping[uuid.UUID, OnDuty],
    day: Day,
    *,
    priced: bool,
) -> list[Job]:
    """
    Return the visits of a day, those of a crew tied to each other; its skills are the crew's.

    If ``priced``, whoever follows a crew that has set out costs the more the later they come.
    """
    crews: dict[uuid.UUID, list[Visit]] = {}
    for visit, _, _ in rows:
        if visit.crew_size > 1:
            crews.setdefault(visit.leader_id or visit.id, []).append(visit)
    for crew in crews.values():
        crew.sort(key=lambda one: one.seat)
    begun = {lead: [one for one in crew if one.state in BEGUN] for lead, crew in crews.items()}
    found = []
    for (visit, _, _), job in zip(rows, jobs, strict=True):
        lead = visit.leader_id or visit.id
        if lead not in crews:
            found.append(job)
        elif begun[lead] and visit.state in NOT_BEGUN:
            following = _following(visit, job, crews[lead], begun[lead], duties)
            found.append(_meeting(visit, following, begun[lead], day, priced=priced))
        elif not begun[lead]:
            found.append(as_team(job, str(lead)))
        else:
            found.append(job)
    return found


def _following(
    visit: Visit,
    job: Job,
    crew: Sequence[Visit],
    begun: Sequence[Visit],
    duties: Mapping[uuid.UUID, OnDuty],
) -> Job:
    """
    Return a visit of a crew of which somebody has set out.

    The first who is still to be sent brings the skills that those have not; somebody who is there already is
    nobody more.
    """
    there = [one.technician_id for one in begun if one.technician_id is not None]
    held = [skill for who in there if who in duties for skill in duties[who].technician.skills]
    first = next(one for one in crew if one.state in NOT_BEGUN)
    wanted = crew[0].skills if crew[0].leader_id is None else {}
    rest = {
        code: int(level)
        for code, level in wanted.items()
        if not any(skill.skill_code == code and skill.level >= int(level) for skill in held)
    }
    return replace(
        job,
        skills=rest if visit is first else {},
        excluded_technicians=job.excluded_technicians | {str(who) for who in there},
    )


def _meeting(visit: Visit, job: Job, begun: Sequence[Visit], day: Day, *, priced: bool) -> Job:
    """Return a visit of a crew that has set out: not before they were to meet, and soon after."""
    meet = next((one.planned_start for one in (*begun, visit) if one.planned_start is not None), None)
    if meet is None:
        return job
    at = max(0, day.seconds(meet), day.seconds(clock.now()))
    return replace(job, windows=_from(job.windows, at), respond_by=at if priced else job.respond_by)


def as_team(job: Job, name: str) -> Job:
    """Return a visit as one of a team that is planned together."""
    return replace(job, team=name, team_skills=job.skills, skills={})


def kept_together(problem: Problem, plan: Routes | None, day: Day) -> Problem:
    """
    Return the problem of routes that are kept: crews meet as they are planned to, tied by nothing else.

    Their members' technicians are required, and their windows are the moment at which they meet now.
    """
    stops = {str(stop.visit_id): stop for stop in plan.stops} if plan else {}
    moments = _moments(problem, stops, day)
    visits = []
    for job in problem.visits:
        if job.team is None or problem.is_begun(job.id):
            visits.append(job)
            continue
        free = replace(job, team=None, team_skills={})
        if job.id in moments:
            at, who = moments[job.id], str(stops[job.id].technician_id)
            free = replace(free, windows=(Window(at, at),), required_technician=who)
        visits.append(free)
    return problem.changed(visits=tuple(visits))


def told(problem: Problem, rows: Sequence[Facts]) -> dict[str, Window | None]:
    """Return the windows that customers of crews were told, by visit; None for who goes along."""
    found: dict[str, Window | None] = {}
    for visit, _, _ in rows:
        job = problem.visit(str(visit.id)) if visit.crew_size > 1 else None
        if job is not None and job.windows:
            found[job.id] = job.windows[0] if visit.leader_id is None else None
    return found


def at_their_moments(problem: Problem, stored: Mapping[str, PlanStop], day: Day) -> Problem:
    """Return the problem in which crews begin when a stored plan lets them, to time its routes one by one."""
    moments = _moments(problem, stored, day)
    if not moments:
        return problem
    exact = {name: (Window(at, at),) for name, at in moments.items()}
    visits = (replace(job, windows=exact.get(job.id, job.windows)) for job in problem.visits)
    return problem.changed(visits=tuple(visits))


def _moments(problem: Problem, stored: Mapping[str, PlanStop], day: Day) -> dict[str, int]:
    """
    Return when each planned visit of a crew begins: as stored, or all of it later where somebody is late.

    Routes are timed together; where they cannot be, everybody begins when the plan said.
    """
    planned = {
        visit.id: day.seconds(stored[visit.id].start)
        for visit in problem.visits
        if visit.team is not None and visit.id in stored and not problem.is_begun(visit.id)
    }
    if not planned:
        return {}
    known = {job.id: job for job in problem.visits}
    for first in (_exactly, _from):  # as planned, or else as soon as everybody can
        windows = {name: first(known[name].windows, start) for name, start in planned.items()}
        visits = (replace(job, windows=windows.get(job.id, job.windows)) for job in problem.visits)
        moved = problem.changed(visits=tuple(visits))
        orders = _sequences(moved, stored)
        theirs = {who: o for who, o in orders.items() if any(job.id in planned for job in o)}
        try:
            routes = scheduled(moved, theirs)
        except InfeasibleRoute:
            continue
        starts = {stop.visit_id: stop.start for route in routes for stop in route.stops}
        return {name: starts.get(name, start) for name, start in planned.items()}
    return planned


def _exactly(windows: Sequence[Window], start: int) -> tuple[Window, ...]:
    """The moment alone, if the windows still have it."""
    return (Window(start, start),) if any(w.start <= start <= w.end for w in windows) else tuple(windows)


def _from(windows: Sequence[Window], start: int) -> tuple[Window, ...]:
    """What is left of windows from a moment on; that moment alone where nothing is."""
    left = tuple(Window(max(window.start, start), window.end) for window in windows if window.end >= start)
    return left or (Window(start, start),)


def _sequences(problem: Problem, stored: Mapping[str, PlanStop]) -> dict[str, tuple[Job, ...]]:
    """Visits of each route, what has begun first."""
    found: dict[str, tuple[Job, ...]] = {}
    for technician in problem.technicians:
        begun = problem.begun_by(technician.id)
        mine = sorted(
            (stop.position, name) for name, stop in stored.items() if str(stop.technician_id) == technician.id
        )
        later = [visit for _, name in mine if (visit := problem.visit(name)) is not None]
        if route := (*begun, *(visit for visit in later if not problem.is_begun(visit.id))):
            found[technician.id] = route
    return found


def seats_of(job: Job, size: int) -> list[Job]:
    """Return the visits of a crew that has none yet; the leader's needs papers and parts."""
    member = replace(job, skills={}, certificates=frozenset(), parts={}, required_technician=None)
    return [job, *(replace(member, id=f"{job.id}{MEMBER}{seat}") for seat in range(1, size))]


def asked_for(jobs: Sequence[Job]) -> Crew:
    """Return visits as the crew that the oracle is asked about; the first is the leader's."""
    lead = jobs[0]
    return Crew((replace(lead, skills={}), *jobs[1:]), lead.skills)


def nobody_along(problem: Problem, refused: Collection[Refusal]) -> list[Refusal]:
    """Return why a crew does not meet: the reasons against its leaders, and of others that they are alone."""
    known = {refusal.technician_id: refusal for refusal in refused if refusal.code != "CAPACITY"}
    return [
        known.get(technician.id) or Refusal(technician.id, "CREW", ALONE.format(technician.name))
        for technician in problem.technicians
    ]


def require_plannable(visit: Visit) -> None:
    """Refuse a visit that has begun or is over, for itself or for somebody of its crew."""
    require_leader(visit)
    for one in live_crew(visit):
        if one.state not in NOT_BEGUN:
            raise VisitNotPlannable(f"visit {one.number} is {one.state}")


def require_whole(session: Session, plan: DayPlan, visits: Mapping[uuid.UUID, Visit]) -> None:
    """Refuse a plan that sends a crew in part, at different moments, or without a skill (R-501)."""
    stops = {stop.visit_id: stop for stop in plan.stops}
    leaders = {
        lead.id: lead
        for visit in visits.values()
        if visit.crew_size > 1 and visit.state in NOT_BEGUN
        for lead in visit.crew[:1]
    }
    for leader in leaders.values():
        crew = live_crew(leader)
        there = [(stops[one.id].technician_id, stops[one.id].start) for one in crew if one.id in stops]
        if all(one.state in NOT_BEGUN for one in crew):
            fault = _apart(crew, there)
        else:  # somebody is on the way: the others follow when they can, with what is still lacking
            there += [
                (one.technician_id, clock.now())
                for one in crew
                if one.id not in stops and one.state in BEGUN and one.technician_id is not None
            ]
            fault = None
        fault = fault or _lacking(session, leader, [who for who, _ in there])
        if there and fault:
            raise CrewNotWhole(f"the crew of visit {leader.number} {fault}", visit_id=str(leader.id))


def require_pin_of_one(session: Session, visit: Visit, technician_id: uuid.UUID | None) -> None:
    """Refuse to pin two of a crew to one technician, who cannot be there twice."""
    if technician_id is None or visit.crew_size == 1:
        return
    others = [one.id for one in visit.crew if one.id != visit.id and one.state in NOT_BEGUN]
    pinned = select(PlanLock.id).where(PlanLock.visit_id.in_(others), PlanLock.technician_id == technician_id)
    if session.scalars(pinned.limit(1)).first() is not None:
        raise VisitNotPlannable(f"another of the crew of visit {visit.number} is pinned to this technician")


def _apart(crew: Sequence[Visit], there: Sequence[tuple[uuid.UUID, datetime]]) -> str | None:
    """Say whether a crew is sent in part, or one after another; None if not."""
    if len(there) < len(crew):
        return f"needs {len(crew)} technicians, {len(there)} are sent"
    return "does not begin together" if len({start for _, start in there}) > 1 else None


def _lacking(session: Session, leader: Visit, sent: Sequence[uuid.UUID]) -> str | None:
    """Say whether a crew has somebody twice, or lacks a skill; None if not."""
    if len(set(sent)) < len(sent):
        return "would have somebody twice"
    statement = select(Person).where(Person.id.in_(sent)).options(selectinload(Person.skills))
    held: dict[str, int] = {}
    for person in session.scalars(statement):
        for skill in person.skills:
            held[skill.skill_code] = max(skill.level, held.get(skill.skill_code, 0))
    lacking = sorted(code for code, level in leader.skills.items() if held.get(code, 0) < int(level))
    return f"has nobody for {', '.join(lacking)}" if lacking else None
