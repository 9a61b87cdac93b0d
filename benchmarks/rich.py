"""
Rich days: what a generated day carries beyond skills and one window, one entry for each rule.

``speed`` measures iterations with all of them at once and with none; a rule that the engine learns later is
added here, and nowhere else in the benchmarks.
"""

import random
from collections.abc import Callable
from dataclasses import replace

from benchmarks.days import HOUR, SHIFT
from optimizer import Break, Problem, Technician, Visit, Window

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


RULES: dict[str, Enrich] = {
    "breaks": breaks,
    "overtime": overtime,
    "two windows": two_windows,
    "parts": parts,
}


def enriched(problem: Problem, seed: int, rules: tuple[str, ...] = tuple(RULES)) -> Problem:
    """The day under more rules, drawn by seed."""
    for rule in rules:
        problem = RULES[rule](problem, random.Random(f"{rule} {seed}"))
    return problem


def _crew(problem: Problem) -> list[tuple[int, Technician]]:
    return list(enumerate(problem.technicians))


def _again(visit: Visit, rng: random.Random) -> Visit:
    """The visit with a second window on the other side of the first."""
    first = visit.windows[0]
    if first.start >= SHIFT.start + 3 * HOUR:
        start = rng.randrange(SHIFT.start, first.start - 2 * HOUR + 1, HOUR)
    else:
        start = rng.randrange(first.end + HOUR, 15 * HOUR + 1, HOUR)
    other = Window(start, start + HOUR)
    return replace(visit, windows=tuple(sorted((first, other), key=lambda window: window.start)))
