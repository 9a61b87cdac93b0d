"""Team: its visits begin at one moment, each with another technician, all of them or none (R-501)."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

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


class Need(NamedTuple):
    """What at least one member of a team must hold: a skill at a level, or the certificates of its lead."""

    skill: str = ""
    level: int = 0
    certificates: tuple[str, ...] = ()

    def is_met_by(self, problem: Problem, technician: Technician) -> bool:
        """Whether somebody holds it, on the day of the shift."""
        has_skill = technician.skills.get(self.skill, 0) >= self.level
        return has_skill and problem.certificates_of(technician).issuperset(self.certificates)

    def __str__(self) -> str:
        return (
            f"a lead certified for {', '.join(self.certificates)}"
            if self.certificates
            else f"{self.skill} {self.level}"
        )


def needs_of(members: Iterable[Visit]) -> list[Need]:
    """What a team as a whole must hold (R-501), in order."""
    levels: dict[str, int] = {}
    papers: set[str] = set()
    for visit in members:
        papers |= visit.lead_certificates
        for skill, level in visit.team_skills.items():
            levels[skill] = max(level, levels.get(skill, 0))
    skills = [Need(skill, level) for skill, level in sorted(levels.items())]
    return [*skills, Need(certificates=tuple(sorted(papers)))] if papers else skills


def lacking(problem: Problem, crew: Sequence[Technician], members: Sequence[Visit]) -> list[str]:
    """What the team as a whole must hold and nobody of a crew does."""
    return [str(need) for need in needs_of(members) if not any(need.is_met_by(problem, t) for t in crew)]


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
        for message in _broken(problem, members, there, is_open=not begun):
            yield Violation(CODE, there[0][1].id, f"team {name} {message}")


def _broken(
    problem: Problem, members: Sequence[Visit], there: Sequence[Member], *, is_open: bool
) -> Iterator[str]:
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
    if missing := lacking(problem, [technician for technician, _, _ in there], members):
        yield f"lacks {', '.join(missing)}"
