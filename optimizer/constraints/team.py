"""Team: its visits begin at one moment, each with another technician, all of them or none (R-501)."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from optimizer.plan import Plan, Stop, Violation
from optimizer.problem import Problem, Technician, Visit
from optimizer.units import clock

if TYPE_CHECKING:
    from optimizer.engines.model import DayModel

CODE = "TEAM"
TITLE = "Teams"
ACTION = "free a second technician at that time, or split the work into visits of one"
Member: TypeAlias = tuple[Technician, Visit, Stop]


def used_by(problem: Problem) -> bool:
    """Whether any visits belong together."""
    return any(visit.team is not None for visit in problem.visits)


def teams(problem: Problem) -> dict[str, tuple[Visit, ...]]:
    """Visits of each team, in the order of the problem."""
    found: dict[str, tuple[Visit, ...]] = {}
    for visit in problem.visits:
        if visit.team is not None:
            found[visit.team] = (*found.get(visit.team, ()), visit)
    return found


def open_teams(problem: Problem) -> list[tuple[Visit, ...]]:
    """Teams of which nobody has begun, so that all can still begin together."""
    return [
        members
        for members in teams(problem).values()
        if not any(problem.is_begun(visit.id) for visit in members)
    ]


def lacking(crew: Sequence[Technician], members: Sequence[Visit]) -> list[str]:
    """Skills that nobody of a crew holds at the level which the team as a whole must have."""
    needed: dict[str, int] = {}
    for visit in members:
        for skill, level in visit.team_skills.items():
            needed[skill] = max(level, needed.get(skill, 0))
    return [
        f"{skill} {level}"
        for skill, level in sorted(needed.items())
        if all(technician.skills.get(skill, 0) < level for technician in crew)
    ]


def add(model: "DayModel", problem: Problem) -> None:
    """Let all members begin together, on different people's routes, or leave all of them out."""
    for members in teams(problem).values():
        begun = [visit for visit in members if problem.is_begun(visit.id)]
        if not begun:
            model.meet(members)
        for visit in members if begun else ():
            if not problem.is_begun(visit.id):
                model.join(visit, begun)


def violations(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Yield teams that are served in part, at different times, by one person twice, or without a skill."""
    served = {visit.id: (technician, visit, stop) for technician, visit, stop in plan.assignments(problem)}
    for name, members in teams(problem).items():
        there = [served[visit.id] for visit in members if visit.id in served]
        begun = sum(problem.is_begun(visit.id) for visit in members)
        if not there or begun == len(members):
            continue
        for message in _broken(members, there, is_open=not begun):
            yield Violation(CODE, there[0][1].id, f"team {name} {message}")


def _broken(members: Sequence[Visit], there: Sequence[Member], *, is_open: bool) -> Iterator[str]:
    """Yield what is wrong with a team of which somebody is sent; what has begun cannot be put right."""
    people = [technician.who for technician, _, _ in there]
    if len(set(people)) < len(people):
        yield f"is served by {', '.join(people)}, who cannot be there twice"
    if not is_open:
        return
    if len(there) < len(members):
        yield f"needs {len(members)} technicians, {len(there)} are sent"
    starts = {stop.start for _, _, stop in there}
    if len(starts) > 1:
        yield f"begins at {', '.join(clock(start) for start in sorted(starts))} instead of together"
    if missing := lacking([technician for technician, _, _ in there], members):
        yield f"lacks {', '.join(missing)}"
