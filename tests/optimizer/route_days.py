"""Random days with everything that one route can have, and without ties between routes."""

import random
from dataclasses import replace

from optimizer import Problem, Technician, Visit
from optimizer.crew import Depot
from optimizer.traffic import Traffic
from optimizer.work import ARRIVAL, FINISH, START
from tests.optimizer.random_days import random_day
from tests.optimizer.world import HOUR, MINUTE


def route_day(seed: int, *, visits: int = 7, technicians: int = 2) -> Problem:
    """A random day with further rules and prices."""
    rng = random.Random(f"route {seed}")
    day = random_day(seed, visits=visits, technicians=technicians)
    work = [_visit(rng, visit, day) for visit in day.visits]
    size = len(day.matrix.seconds)
    policy = replace(day.policy, fairness_cents=rng.choice([0, 0, 40]))
    stock = {"pump": rng.randrange(3), "filter": rng.randrange(3)}
    depots = (Depot("store", 0, 5 * MINUTE, stock),) if rng.random() < 0.4 else ()
    factors = tuple(
        tuple(tuple(rng.choice([80, 100, 100, 140]) for _ in range(2)) for _ in range(2)) for _ in range(24)
    )
    zones = tuple(rng.randrange(2) for _ in range(size))
    return replace(
        day,
        technicians=tuple(_technician(rng, technician) for technician in day.technicians),
        visits=tuple(work),
        policy=policy,
        depots=depots,
        traffic=Traffic(zones, factors) if rng.random() < 0.4 else None,
    )


def _technician(rng: random.Random, technician: Technician) -> Technician:
    return replace(
        technician,
        longest_way=40 * MINUTE if rng.random() < 0.2 else None,
        worked=rng.randrange(30) * HOUR,
    )


def _visit(rng: random.Random, visit: Visit, day: Problem) -> Visit:
    """Further wishes of one visit."""
    name = rng.choice(day.technicians).id
    return replace(
        visit,
        window_end=rng.choice([START, START, ARRIVAL, FINISH]),
        durations={name: visit.duration + rng.randrange(-8, 20) * MINUTE} if rng.random() < 0.3 else {},
        setup=rng.choice([0, 0, 5, 10]) * MINUTE,
        location=rng.choice([visit.location, visit.location, visit.location, day.visits[0].location]),
        courtesy=rng.random() < 0.1,
        respond_by=rng.randrange(9, 15) * HOUR if rng.random() < 0.2 else None,
        resolve_by=rng.randrange(9, 16) * HOUR if rng.random() < 0.2 else None,
        preferred_technicians=frozenset({name} if rng.random() < 0.3 else ()),
        announced=rng.randrange(9, 15) * HOUR if rng.random() < 0.2 else None,
    )
