"""Seeded days whose routes are tied to one another in one way each."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

from optimizer import Matrix, Problem, Technician, Visit, Window
from optimizer.policy import Policy
from optimizer.problem import After, Depot
from optimizer.units import DAY as NEXT
from tests.optimizer.world import DAY, HOUR, MINUTE, at

TIED_AMONG = 7
"""Of so many visits some are tied."""
Changes = dict[str, object]


def side_day(kind: str, seed: int, *, visits: int = 7, people: int = 3) -> Problem:
    """A day on which what the kind says ties some routes to others."""
    rng = random.Random(f"{kind}/{seed}")
    crew = tuple(_technician(rng, number) for number in range(people))
    work = [_visit(rng, people, number) for number in range(visits)]
    of_crew, of_visits = TIES[kind]
    plain = of_crew(Problem(DAY, crew, (), _roads(rng, 1 + people + visits)))
    for first in range(0, visits - TIED_AMONG + 1, TIED_AMONG):
        changes = of_visits(rng, [f"v{first + n}" for n in range(TIED_AMONG)], work[first].location)
        for number, change in changes.items():
            work[first + number] = replace(work[first + number], **change)  # type: ignore[arg-type]
    return replace(plain, visits=tuple(work))


def _roads(rng: random.Random, size: int) -> Matrix:
    points = [(rng.randrange(30), rng.randrange(30)) for _ in range(size)]
    seconds = [[90 * (abs(a[0] - b[0]) + abs(a[1] - b[1])) for b in points] for a in points]
    return Matrix(seconds, [[10 * cell for cell in row] for row in seconds])  # type: ignore[arg-type]


def _technician(rng: random.Random, number: int) -> Technician:
    begin = at("7:00") + 30 * MINUTE * rng.randrange(4)
    return Technician(
        f"t{number}",
        f"Technician {number}",
        1 + number,
        1 + number,
        Window(begin, begin + 6 * HOUR),
        skills={"gas": number % 3},
        stock={"pump": 1},
    )


def _visit(rng: random.Random, people: int, number: int) -> Visit:
    opens = at("8:00") + HOUR * rng.randrange(5)
    windows = (Window(opens, opens + 3 * HOUR),) if rng.random() < 0.5 else ()
    return Visit(f"v{number}", 1 + people + number, rng.randrange(30, 80) * MINUTE, windows)


def _as_it_is(problem: Problem) -> Problem:
    return problem


def _next_days(problem: Problem) -> Problem:
    """All shifts once more on the next day, but for somebody who works one day only."""
    days = tuple(
        replace(
            technician,
            id=f"{technician.id}.{number}",
            person=technician.id,
            shift=Window(technician.shift.start + number * NEXT, technician.shift.end + number * NEXT),
        )
        for technician in problem.technicians
        for number in range(2)
    )
    return replace(problem, technicians=days[:-2] if len(days) > 4 else days)


def _at_once(problem: Problem) -> Problem:
    """Everybody has two shifts at the same hours, which the rows of teams must not rely on."""
    crew = tuple(
        replace(technician, id=f"{technician.id}.{part}", person=technician.id)
        for technician in problem.technicians[:2]
        for part in range(2)
    )
    return replace(problem, technicians=crew)


def _fair(problem: Problem) -> Problem:
    """Work weighs ever more, for some on top of what they have worked before."""
    days = _next_days(problem)
    crew = tuple(replace(t, worked=10 * HOUR if t.who == "t0" else 0) for t in days.technicians)
    return replace(days, technicians=crew, policy=Policy(fairness_cents=77))


def _without_pumps(problem: Problem) -> Problem:
    """Vans carry none, and the shelf holds fewer than the visits want."""
    crew = tuple(replace(technician, stock={}) for technician in problem.technicians)
    shelf = Depot("d0", 0, 5 * MINUTE, {"pump": 2 * max(1, len(crew) // 3)})
    return replace(problem, technicians=crew, depots=(shelf,))


def _team(rng: random.Random, names: Sequence[str], place: int) -> dict[int, Changes]:
    """Two members at one place whenever they like, who hold a skill that not all have."""
    both: Changes = {"location": place, "windows": (), "team": names[0]}
    both["team_skills"] = {"gas": rng.randrange(1, 3)}
    return {0: both, 1: both}


def _pair(_: random.Random, names: Sequence[str], place: int) -> dict[int, Changes]:
    both: Changes = {"location": place, "windows": (), "team": names[0]}
    return {0: both, 1: both}


def _skilled_team(_: random.Random, names: Sequence[str], place: int) -> dict[int, Changes]:
    """A team that is best without the only one who holds what it needs."""
    both: Changes = {"location": place, "windows": (), "team": names[0], "team_skills": {"gas": 2}}
    both["preferred_technicians"] = frozenset({"t0", "t1"})
    return {0: both, 1: both}


def _waiting(rng: random.Random, names: Sequence[str], _: int) -> dict[int, Changes]:
    wait = After(names[0], rng.choice([0, 20, 90]) * MINUTE)
    return {1: {"after": (wait,), "windows": ()}, 2: {"after": (After(names[1]),)}}


def _a_day_later(_: random.Random, names: Sequence[str], __: int) -> dict[int, Changes]:
    """The choice of shift is the choice of day."""
    return {0: {"windows": ()}, 1: {"after": (After(names[0], next_day=True),), "windows": ()}}


def _of_one_hand(_: random.Random, names: Sequence[str], __: int) -> dict[int, Changes]:
    return {number: {"same_technician": names[0]} for number in range(3)}


def _with_pumps(rng: random.Random, _: Sequence[str], __: int) -> dict[int, Changes]:
    return {number: {"parts": {"pump": 1}, "windows": ()} for number in rng.sample(range(TIED_AMONG), 4)}


def _at_any_time(_: random.Random, names: Sequence[str], __: int) -> dict[int, Changes]:
    return {number: {"windows": ()} for number in range(len(names))}


OfVisits = Callable[[random.Random, Sequence[str], int], dict[int, Changes]]
TIES: dict[str, tuple[Callable[[Problem], Problem], OfVisits]] = {
    "teams": (_as_it_is, _team),
    "team skills": (_as_it_is, _skilled_team),
    "shifts at once": (_at_once, _pair),
    "precedence": (_as_it_is, _waiting),
    "next day": (_next_days, _a_day_later),
    "one hand": (_as_it_is, _of_one_hand),
    "shared van": (_next_days, _with_pumps),
    "fairness": (_fair, _at_any_time),
    "depots": (_without_pumps, _with_pumps),
}
KINDS: Sequence[str] = tuple(TIES)
