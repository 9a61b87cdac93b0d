"""
Rich days: what a generated day carries beyond skills and one window, one entry for each rule.

``speed`` measures iterations for each set of ``SETS``; a rule that the engine learns later is added here, and
nowhere else in the benchmarks.
"""

import random
from collections.abc import Callable
from dataclasses import replace

from benchmarks.days import HOUR, SHIFT
from optimizer import Break, Problem, Technician, Visit, Window
from optimizer.crew import Depot
from optimizer.traffic import Traffic
from optimizer.work import ARRIVAL, FINISH, START, After

Enrich = Callable[[Problem, random.Random], Problem]
PARTS = ("valve", "pump", "fuse", "board")


def breaks(problem: Problem, rng: random.Random) -> Problem:
    """Half an hour around noon for everybody, a quarter of an hour in the afternoon for every third."""
    lunch, tea = Break(11 * HOUR, 13 * HOUR, HOUR // 2), Break(14 * HOUR, 16 * HOUR, HOUR // 4)
    crew = (replace(who, breaks=(lunch, tea) if at % 3 == 0 else (lunch,)) for at, who in _crew(problem))
    return replace(problem, technicians=tuple(crew))


def overtime(problem: Problem, rng: random.Random) -> Problem:
    """An hour beyond the shift for every second technician."""
    crew = (replace(who, overtime=HOUR * (at % 2)) for at, who in _crew(problem))
    return replace(problem, technicians=tuple(crew))


def two_windows(problem: Problem, rng: random.Random) -> Problem:
    """A second window of an hour, before or after the first, for every third visit."""
    return replace(
        problem,
        visits=tuple(_again(visit, rng) if rng.random() < 1 / 3 else visit for visit in problem.visits),
    )


def parts(problem: Problem, rng: random.Random) -> Problem:
    """Two parts for every visit out of four kinds, and vans that carry about what a day needs."""
    work = tuple(
        replace(visit, parts={part: rng.randrange(1, 3) for part in rng.sample(PARTS, 2)})
        for visit in problem.visits
    )
    each = max(1, len(work) // max(1, len(problem.technicians)))
    crew = (replace(who, stock=dict.fromkeys(PARTS, each + 4)) for _, who in _crew(problem))
    return replace(problem, visits=work, technicians=tuple(crew))


def set_up(problem: Problem, rng: random.Random) -> Problem:
    """Five minutes of parking and access at every second site."""
    return _each(problem, lambda at, visit: replace(visit, setup=300 * (at % 2)))


def window_ends(problem: Problem, rng: random.Random) -> Problem:
    """The end of a window bounds the arrival, the start or the end of service, by turns."""
    ends = (START, ARRIVAL, START, FINISH)

    def turned(at: int, visit: Visit) -> Visit:
        end = ends[at % 4]
        is_short = any(window.end - window.start < visit.duration for window in visit.windows)
        return visit if end == FINISH and is_short else replace(visit, window_end=end)

    return _each(problem, turned)


def own_durations(problem: Problem, rng: random.Random) -> Problem:
    """Every fourth technician takes a fifth longer for every third visit."""
    slow = [who.id for at, who in _crew(problem) if at % 4 == 0]

    def slowed(at: int, visit: Visit) -> Visit:
        return (
            replace(visit, durations=dict.fromkeys(slow, visit.duration * 6 // 5)) if at % 3 == 0 else visit
        )

    return _each(problem, slowed)


def lateness(problem: Problem, rng: random.Random) -> Problem:
    """Every fifth visit has a limit of response within its window, and one of resolution an hour later."""

    def limited(at: int, visit: Visit) -> Visit:
        limit = visit.windows[0].start + HOUR // 2
        return replace(visit, respond_by=limit, resolve_by=limit + 2 * HOUR) if at % 5 == 0 else visit

    return _each(problem, limited)


def announced_times(problem: Problem, rng: random.Random) -> Problem:
    """Every fourth customer was told a time."""

    def told(at: int, visit: Visit) -> Visit:
        return replace(visit, announced=visit.windows[0].start + HOUR) if at % 4 == 0 else visit

    return _each(problem, told)


def preferences(problem: Problem, rng: random.Random) -> Problem:
    """Every sixth customer prefers two technicians."""
    names = [who.id for _, who in _crew(problem)]

    def preferring(at: int, visit: Visit) -> Visit:
        liked = frozenset(rng.sample(names, min(2, len(names))))
        return replace(visit, preferred_technicians=liked) if at % 6 == 0 else visit

    return _each(problem, preferring)


def fairness(problem: Problem, rng: random.Random) -> Problem:
    """Working hours cost by their square."""
    return replace(problem, policy=replace(problem.policy, fairness_cents=60))


def travel_by_hour(problem: Problem, rng: random.Random) -> Problem:
    """Two zones; drives between them take half as long again at eight and at sixteen, others a fifth."""
    zones = tuple(rng.randrange(2) for _ in range(len(problem.matrix.seconds)))
    even, busy = ((100, 100), (100, 100)), ((120, 150), (150, 120))
    factors = tuple(busy if hour in {8, 16} else even for hour in range(24))
    return replace(problem, traffic=Traffic(zones, factors))


def fetching(problem: Problem, rng: random.Random) -> Problem:
    """A depot with some of every part, where every van lacks one kind."""
    depot = Depot("depot", 0, 600, dict.fromkeys(PARTS, len(problem.visits)))
    crew = (replace(who, stock={**who.stock, PARTS[at % 4]: 0}) for at, who in _crew(problem))
    return replace(problem, technicians=tuple(crew), depots=(depot,))


def teams(problem: Problem, rng: random.Random) -> Problem:
    """One visit in twenty needs a second technician: its successor in the list goes along."""
    work = list(problem.visits)
    for at in range(0, len(work) - 1, 20):
        lead = replace(work[at], team=f"team {at}", skills={})
        mate = {"location": lead.location, "windows": lead.windows, "window_end": lead.window_end}
        work[at : at + 2] = [lead, replace(work[at + 1], **mate, team=lead.team, skills={})]  # type: ignore[arg-type]
    return replace(problem, visits=tuple(work))


def precedence(problem: Problem, rng: random.Random) -> Problem:
    """One visit in twenty begins an hour or more after another one has ended."""
    work = list(problem.visits)
    for at in range(5, len(work) - 1, 20):
        first, second = sorted(work[at : at + 2], key=lambda visit: visit.windows[0].start)
        later = replace(second, windows=(Window(first.windows[0].start, 16 * HOUR),))
        work[at : at + 2] = [first, replace(later, after=(After(first.id, HOUR),))]
    return replace(problem, visits=tuple(work))


def same_technician(problem: Problem, rng: random.Random) -> Problem:
    """Two visits in twenty go to one technician, whoever that is."""
    work = list(problem.visits)
    for at in range(10, len(work) - 1, 20):
        work[at : at + 2] = [
            replace(visit, same_technician=f"pair {at}", skills={}) for visit in work[at : at + 2]
        ]
    return replace(problem, visits=tuple(work))


RULES: dict[str, Enrich] = {
    "breaks": breaks,
    "overtime": overtime,
    "two windows": two_windows,
    "parts": parts,
    "set-up": set_up,
    "window ends": window_ends,
    "own durations": own_durations,
    "lateness": lateness,
    "announced times": announced_times,
    "preferences": preferences,
    "fairness": fairness,
    "travel by hour": travel_by_hour,
    "fetching parts": fetching,
    "teams": teams,
    "precedence": precedence,
    "same technician": same_technician,
}
SETS: dict[str, tuple[str, ...]] = {
    "plain": (),
    "rich": ("breaks", "overtime", "two windows", "parts"),
    "richer": tuple(RULES)[:12],
    "everything": tuple(RULES),
}
"""What ``speed`` measures: each set is on top of skills and one window."""
QUOTED: dict[str, tuple[str, ...]] = {
    "rich": SETS["rich"],
    "one route": tuple(name for name in tuple(RULES)[:12] if name not in {"fairness", "travel by hour"}),
    "by the hour": tuple(RULES)[:12],
}
"""On which days visits are quoted beside plain ones: with all rules that one route decides by itself."""


def enriched(problem: Problem, seed: int, rules: tuple[str, ...] = tuple(RULES)) -> Problem:
    """The day under more rules, drawn by seed."""
    for rule in rules:
        problem = RULES[rule](problem, random.Random(f"{rule} {seed}"))
    return problem


def _crew(problem: Problem) -> list[tuple[int, Technician]]:
    return list(enumerate(problem.technicians))


def _each(problem: Problem, changed: Callable[[int, Visit], Visit]) -> Problem:
    """The day with every visit changed by its number."""
    return replace(problem, visits=tuple(changed(at, visit) for at, visit in enumerate(problem.visits)))


def _again(visit: Visit, rng: random.Random) -> Visit:
    """The visit with a second window on the other side of the first."""
    first = visit.windows[0]
    if first.start >= SHIFT.start + 3 * HOUR:
        start = rng.randrange(SHIFT.start, first.start - 2 * HOUR + 1, HOUR)
    else:
        start = rng.randrange(first.end + HOUR, 15 * HOUR + 1, HOUR)
    other = Window(start, start + HOUR)
    return replace(visit, windows=tuple(sorted((first, other), key=lambda window: window.start)))
