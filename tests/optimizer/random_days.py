"""Seeded days of every kind for the generated tests: small, tight and full of rules."""

import random
from datetime import timedelta
from itertools import pairwise

from optimizer import Break, Certificate, Lock, Matrix, Policy, Problem, Technician, Visit, Window
from optimizer.planned import as_planned
from tests.optimizer.world import DAY, HOUR, MINUTE, at


def random_day(seed: int, *, visits: int = 12, technicians: int = 3, begun: bool = True) -> Problem:
    """A day with asymmetric travel and every rule in use somewhere."""
    rng = random.Random(seed)
    places = visits + technicians + 1
    points = [(rng.randrange(40), rng.randrange(40)) for _ in range(places)]
    seconds = [
        [
            0 if a == b else 60 * (abs(p[0] - q[0]) + abs(p[1] - q[1])) + rng.randrange(90)
            for b, q in enumerate(points)
        ]
        for a, p in enumerate(points)
    ]
    metres = [[cell * rng.randrange(8, 14) for cell in row] for row in seconds]
    crew = tuple(_technician(rng, i) for i in range(technicians))
    work = tuple(_visit(rng, i, place=technicians + 1 + i, crew=crew) for i in range(visits))
    policy = Policy(overtime_cents_per_minute=rng.choice([60, 100]))
    problem = Problem(DAY, crew, work, Matrix(seconds, metres), policy=policy)
    return as_planned(problem.with_locks(_locks(rng, problem, begun=begun)))


def _technician(rng: random.Random, number: int) -> Technician:
    """Somebody with a home, perhaps breaks, overtime, skills, papers, parts and territories."""
    begin = at("7:00") + 30 * MINUTE * rng.randrange(5)
    breaks = []
    if rng.random() < 0.6:
        breaks.append(Break(at("11:00"), at("13:00"), rng.choice([20, 30, 45]) * MINUTE))
    if rng.random() < 0.3:
        breaks.append(Break(at("14:30"), at("15:30"), 15 * MINUTE))
    return Technician(
        f"t{number}",
        f"Technician {number}",
        number + 1,
        rng.choice([0, number + 1]),
        Window(begin, begin + rng.randrange(5, 10) * HOUR),
        overtime=rng.choice([0, 0, HOUR]),
        breaks=tuple(breaks),
        skills={"gas": rng.randrange(3), "cooling": rng.randrange(3)},
        certificates=(Certificate("F-gas", DAY - timedelta(300), DAY + timedelta(rng.choice([-2, 40]))),),
        stock={"pump": rng.randrange(3), "filter": rng.randrange(4)},
        territories=frozenset(rng.choice([(), ("north",), ("north", "south")])),
        earliest_departure=begin + HOUR if rng.random() < 0.2 else None,
    )


def _visit(rng: random.Random, number: int, *, place: int, crew: tuple[Technician, ...]) -> Visit:
    """Work with up to two windows and now and then a rule of each kind."""
    windows: list[Window] = []
    for _ in range(rng.choice([0, 1, 1, 1, 2])):
        opens = at("8:00") + 30 * MINUTE * rng.randrange(15)
        windows.append(Window(opens, opens + rng.choice([1, 2, 2, 4]) * HOUR))
    names = [technician.id for technician in crew]
    return Visit(
        f"v{number}",
        place,
        rng.randrange(10, 80) * MINUTE,
        tuple(windows),
        skills={rng.choice(["gas", "cooling"]): rng.randrange(1, 3)} if rng.random() < 0.3 else {},
        certificates=frozenset({"F-gas"} if rng.random() < 0.1 else ()),
        parts={rng.choice(["pump", "filter"]): rng.randrange(1, 3)} if rng.random() < 0.3 else {},
        territory=rng.choice([None, None, "north", "south"]),
        priority=rng.randrange(1, 6),
        optional=rng.random() < 0.9,
        excluded_technicians=frozenset({rng.choice(names)} if rng.random() < 0.15 else ()),
        required_technician=rng.choice(names) if rng.random() < 0.07 else None,
        previous_technician=rng.choice(names) if rng.random() < 0.3 else None,
    )


def _locks(rng: random.Random, problem: Problem, *, begun: bool) -> list[Lock]:
    """Up to two stops begun by one technician, and locks of the other kinds on some visits."""
    locks: list[Lock] = []
    free = list(problem.visits)
    rng.shuffle(free)
    worker = problem.technicians[0]
    if begun and rng.random() < 0.5:
        now = worker.shift.start + rng.randrange(-10, 20) * MINUTE
        for sequence in range(rng.choice([1, 2])):
            visit = free.pop()
            locks.append(Lock(visit.id, worker.id, now, sequence=sequence))
            now += visit.duration + rng.randrange(2, 30) * MINUTE
    for kind in ("technician", "start", "range", "sequence"):
        if rng.random() > 0.25:
            continue
        visit = free.pop()
        locks.append(
            {
                "technician": Lock(visit.id, rng.choice(problem.technicians).id),
                "start": Lock(visit.id, start=at("10:00") + rng.randrange(300) * MINUTE),
                "range": Lock(visit.id, range=Window(at("9:00"), at("12:00"))),
                "sequence": _first_place(
                    visit, rng.choice(problem.technicians[1:] or problem.technicians), locks
                ),
            }[kind]
        )
    return locks


def _first_place(visit: Visit, technician: Technician, locks: list[Lock]) -> Lock:
    """A lock to the place behind what a technician has begun."""
    begun = sum(lock.is_begun and lock.technician_id == technician.id for lock in locks)
    return Lock(visit.id, technician.id, sequence=begun)


def is_increasing(moments: list[int]) -> bool:
    """Whether moments never go back."""
    return all(a <= b for a, b in pairwise(moments))
