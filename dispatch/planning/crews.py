"""
Crews in plans: who goes along with a leader meets them at one moment, each on a route of their own (R-501).

A new plan moves a whole crew; where routes are kept as they are, each member keeps technician and moment.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from dispatch.planning.candidates import BEGUN, NOT_BEGUN, Facts
from dispatch.planning.days import Day
from dispatch.planning.model import DayPlan, PlanStop
from dispatch.planning.rules import CrewNotWhole, VisitNotPlannable
from dispatch.technicians.model import Technician as Person
from dispatch.work_orders.crews import live_members, require_leader
from dispatch.work_orders.model import Visit
from optimizer.meeting import Crew
from optimizer.oracle import Refusal
from optimizer.problem import Problem, Window
from optimizer.problem import Visit as Job

MEMBER = "+"
"""Between the name of what a crew is wanted for and the number of a seat, where there is no visit yet."""
ALONE = "{} has no room at a moment at which the rest of the crew has"


def tied(rows: Sequence[Facts], jobs: Sequence[Job]) -> list[Job]:
    """Return the visits of a day, those of a crew tied to each other; its skills are the crew's."""
    return [
        as_team(job, str(row[0].leader_id or row[0].id)) if row[0].crew_size > 1 else job
        for row, job in zip(rows, jobs, strict=True)
    ]


def as_team(job: Job, name: str) -> Job:
    """Return a visit as one of a team that is planned together."""
    return replace(job, team=name, team_skills=job.skills, skills={})


def kept_together(
    rows: Sequence[Facts], jobs: Sequence[Job], plan: DayPlan | None, day: Day, now: int
) -> list[Job]:
    """Return the visits of routes that are kept: crews meet when and as they are planned to."""
    stops = {stop.visit_id: stop for stop in plan.stops} if plan else {}
    found = []
    for row, job in zip(rows, jobs, strict=True):
        visit, stop = row[0], stops.get(row[0].id)
        if visit.crew_size == 1 or visit.state in BEGUN:
            found.append(job)
        elif stop is None:
            found.append(replace(job, skills={}))
        else:
            who, start = str(stop.technician_id), day.seconds(stop.start)
            kept = replace(job, skills={}, required_technician=who)
            found.append(replace(kept, windows=(Window(start, start),)) if start >= now else kept)
    return found


def at_their_moments(problem: Problem, stored: Mapping[str, PlanStop], day: Day, *, now: int) -> Problem:
    """Return the problem in which crews begin when a stored plan says, to time its routes one by one."""
    fixed = {
        visit.id: start
        for visit in problem.visits
        if visit.team is not None and visit.id in stored and not problem.is_begun(visit.id)
        if (start := day.seconds(stored[visit.id].start)) >= now
    }
    if not fixed:
        return problem
    visits = (
        replace(visit, windows=(Window(fixed[visit.id], fixed[visit.id]),)) if visit.id in fixed else visit
        for visit in problem.visits
    )
    return problem.changed(visits=tuple(visits))


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
    for one in (visit, *live_members(visit)):
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
        crew = [leader, *live_members(leader)]
        if any(one.state not in NOT_BEGUN for one in crew):
            continue  # somebody is there already; the others follow when they can
        there = [stops[one.id] for one in crew if one.id in stops]
        if fault := _fault(session, leader, crew, there):
            raise CrewNotWhole(f"the crew of visit {leader.number} {fault}", visit_id=str(leader.id))


def _fault(session: Session, leader: Visit, crew: Sequence[Visit], there: Sequence[PlanStop]) -> str | None:
    """Say what is wrong with a crew of which somebody is sent."""
    if len(there) < len(crew):
        return f"needs {len(crew)} technicians, {len(there)} are sent"
    if len({stop.start for stop in there}) > 1:
        return "does not begin together"
    names = {stop.technician_id for stop in there}
    if len(names) < len(there):
        return "would send somebody twice"
    statement = select(Person).where(Person.id.in_(names)).options(selectinload(Person.skills))
    held: dict[str, int] = {}
    for person in session.scalars(statement):
        for skill in person.skills:
            held[skill.skill_code] = max(skill.level, held.get(skill.skill_code, 0))
    lacking = sorted(code for code, level in leader.skills.items() if held.get(code, 0) < int(level))
    return f"has nobody for {', '.join(lacking)}" if lacking else None
