"""Generated problems of the benchmarks: days of service work, and VRPTW instances of three kinds."""

import random
from datetime import date
from math import hypot

from optimizer import Break, Matrix, Problem, Technician, Visit, Window
from optimizer.readers.solomon import Customer, Instance, problem_of

HOUR = 3600
KINDS = ("C", "R", "RC")
"""Sites in clusters, scattered, and half of each."""
SIDE = 1_000
"""Side of the square of a VRPTW instance, in tenths."""
Point = tuple[int, int]


def field_day(seed: int, visits: int, technicians: int, *, lunch: bool = True) -> Problem:
    """
    A day of service work in a square of 20 km: homes and sites uniform, 30 km/h, detour 1.3.

    Shifts 8-17, with a lunch break unless told otherwise, durations 20-75 min, two-hour windows from 8 to 16;
    of three skills a technician holds two, and half of the visits need one.
    """
    rng = random.Random(seed)
    points = [(rng.uniform(0, 20_000), rng.uniform(0, 20_000)) for _ in range(visits + technicians)]
    metres = [[int(1.3 * ((a - c) ** 2 + (b - d) ** 2) ** 0.5) for c, d in points] for a, b in points]
    seconds = [[cell * 36 // 300 for cell in row] for row in metres]
    skills = ("gas", "cooling", "electric")
    shift = Window(8 * HOUR, 17 * HOUR)
    breaks = (Break(11 * HOUR, 13 * HOUR, HOUR // 2),) if lunch else ()
    crew = tuple(
        Technician(
            f"t{i}", f"Technician {i}", visits + i, visits + i, shift, breaks=breaks,
            skills=dict.fromkeys(rng.sample(skills, 2), 1),
        )
        for i in range(technicians)
    )  # fmt: skip
    work = []
    for i in range(visits):
        opens = rng.choice(range(8, 15)) * HOUR
        needs = {rng.choice(skills): 1} if rng.random() < 0.5 else {}
        minutes = rng.randrange(20, 76)
        work.append(Visit(f"v{i}", i, 60 * minutes, (Window(opens, opens + 2 * HOUR),), skills=needs))
    return Problem(date(2026, 3, 2), crew, tuple(work), Matrix(seconds, metres))


def vrptw(kind: str, seed: int, customers: int) -> Problem:
    """A VRPTW day of our own: short routes from the middle of a square, half as many vans as customers."""
    rng = random.Random(f"{kind} {seed} {customers}")
    middle, horizon, service = (SIDE // 2, SIDE // 2), 2_300, 100
    rows = [Customer(0, *middle, 0, 0, horizon, 0)]
    for number, (x, y) in enumerate(_places(kind, rng, customers), 1):
        away = int(hypot(x - middle[0], y - middle[1])) + 1
        centre = rng.randrange(away, horizon - away - service)
        half = rng.choice((50, 150, 400))
        ready, due = max(0, centre - half), min(centre + half, horizon - away - service)
        rows.append(Customer(number, x, y, rng.randrange(1, 31), ready, due, service))
    return problem_of(Instance(f"{kind}-{customers}-s{seed}", customers // 2 + 1, 200, tuple(rows)))


def _places(kind: str, rng: random.Random, count: int) -> list[Point]:
    """Sites of a kind."""
    scattered = {"C": 0, "R": count, "RC": count // 2}[kind]
    found = [(rng.randrange(SIDE), rng.randrange(SIDE)) for _ in range(scattered)]
    hearts = [(rng.randrange(SIDE), rng.randrange(SIDE)) for _ in range(max(1, count // 10))]
    while len(found) < count:
        x, y = rng.choice(hearts)
        near = int(rng.gauss(x, SIDE / 25)), int(rng.gauss(y, SIDE / 25))
        if all(0 <= part < SIDE for part in near):
            found.append(near)
    return found
