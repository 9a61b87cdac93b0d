"""Generated problems of the benchmarks: days of service work, and VRPTW instances of three kinds."""

import random
from collections.abc import Sequence
from datetime import date
from math import hypot

import numpy as np

from optimizer import Break, Matrix, Problem, Technician, Visit, Window, matrix_of
from optimizer.readers.solomon import Customer, Instance, problem_of

HOUR = 3600
DAY = date(2026, 3, 2)
KINDS = ("C", "R", "RC")
"""Sites in clusters, scattered, and half of each."""
SIDE = 1_000
"""Side of the square of a VRPTW instance, in tenths."""
VISITS_EACH = 8
"""Visits for each technician of a generated day."""
SKILLS = ("gas", "cooling", "electric")
SHIFT = Window(8 * HOUR, 17 * HOUR)
FIRST_HOURS = range(8, 15)
"""Hours at which a two-hour window may open."""
AREA_METRES = 20_000
DETOUR = 1.3
Point = tuple[int, int]
Places = Sequence[tuple[float, float]]


def field_day(seed: int, visits: int, technicians: int, *, lunch: bool = True) -> Problem:
    """
    A day of service work in a square of 20 km: homes and sites uniform, 30 km/h, detour 1.3.

    Shifts 8-17, with a lunch break unless told otherwise, durations 20-75 min, two-hour windows from 8 to 16;
    of three skills a technician holds two, and half of the visits need one.
    """
    rng = random.Random(seed)
    points = [(rng.uniform(0, AREA_METRES), rng.uniform(0, AREA_METRES)) for _ in range(visits + technicians)]
    return day_of_service(rng, straight_roads(points), visits, technicians, lunch=lunch)


def day_of_service(
    rng: random.Random,
    roads: Matrix,
    visits: int,
    technicians: int,
    *,
    lunch: bool,
    hours: Sequence[int] = (),
) -> Problem:
    """
    A day on any roads: the first places are the visits', those behind them the homes.

    ``hours`` are the hours at which the visits' windows open, where they are not drawn.
    """
    breaks = (Break(11 * HOUR, 13 * HOUR, HOUR // 2),) if lunch else ()
    crew = tuple(
        Technician(
            f"t{i}", f"Technician {i}", visits + i, visits + i, SHIFT, breaks=breaks,
            skills=dict.fromkeys(rng.sample(SKILLS, 2), 1),
        )
        for i in range(technicians)
    )  # fmt: skip
    work = []
    for i in range(visits):
        opens = (hours[i] if hours else rng.choice(FIRST_HOURS)) * HOUR
        needs = {rng.choice(SKILLS): 1} if rng.random() < 0.5 else {}
        minutes = rng.randrange(20, 76)
        work.append(Visit(f"v{i}", i, 60 * minutes, (Window(opens, opens + 2 * HOUR),), skills=needs))
    return Problem(DAY, crew, tuple(work), roads)


def straight_roads(points: Places) -> Matrix:
    """Straight lines with a detour at 30 km/h, points in metres."""
    x, y = np.array(points).reshape(-1, 2).T
    seconds, metres = (np.empty((len(x), len(x)), dtype=np.int32) for _ in range(2))
    for row in range(len(x)):
        metres[row] = DETOUR * np.sqrt((x[row] - x) ** 2 + (y[row] - y) ** 2)
        seconds[row] = metres[row] * 36 // 300
    return matrix_of(seconds, metres)


def technician_day(instance: Instance, seed: int) -> Problem:
    """
    A day of service work on the geometry of a VRPTW file, stretched to 20 km: its customers are the sites.

    Homes lie anywhere between them, skills and durations are drawn as on a generated day; a window opens at
    the hour at which the customer's own lies in the day, or at any hour if that is as wide as the day.
    """
    rng = random.Random(f"technicians {instance.name.lower()} {seed}")
    depot, *customers = instance.customers
    west, south = min(c.x for c in customers), min(c.y for c in customers)
    across = max(max(c.x for c in customers) - west, max(c.y for c in customers) - south, 1)
    scale = AREA_METRES / across
    sites = [((c.x - west) * scale, (c.y - south) * scale) for c in customers]
    technicians = max(1, len(customers) // (VISITS_EACH - 1))  # windows of a file lie closer together
    homes = [(rng.uniform(0, AREA_METRES), rng.uniform(0, AREA_METRES)) for _ in range(technicians)]
    hours = [_hour(rng, customer, depot) for customer in customers]
    roads = straight_roads(sites + homes)
    return day_of_service(rng, roads, len(customers), technicians, lunch=False, hours=hours)


def _hour(rng: random.Random, customer: Customer, depot: Customer) -> int:
    """Hour at which the window of a customer opens, its own horizon laid over the hours of the day."""
    horizon = max(1, depot.due - depot.ready)
    if customer.due - customer.ready > 0.6 * horizon:
        return rng.choice(FIRST_HOURS)
    middle = (customer.ready + customer.due) / 2 - depot.ready
    return FIRST_HOURS[min(len(FIRST_HOURS) - 1, max(0, int(len(FIRST_HOURS) * middle / horizon)))]


def vrptw(kind: str, seed: int, customers: int) -> Problem:
    """A VRPTW day of our own: short routes from the middle of a square, half as many vans as customers."""
    return problem_of(vrptw_instance(kind, seed, customers))


def vrptw_instance(kind: str, seed: int, customers: int) -> Instance:
    """The figures of such a day."""
    rng = random.Random(f"{kind} {seed} {customers}")
    middle, horizon, service = (SIDE // 2, SIDE // 2), 2_300, 100
    rows = [Customer(0, *middle, 0, 0, horizon, 0)]
    for number, (x, y) in enumerate(_places(kind, rng, customers), 1):
        away = int(hypot(x - middle[0], y - middle[1])) + 1
        centre = rng.randrange(away, horizon - away - service)
        half = rng.choice((50, 150, 400))
        ready, due = max(0, centre - half), min(centre + half, horizon - away - service)
        rows.append(Customer(number, x, y, rng.randrange(1, 31), ready, due, service))
    return Instance(f"{kind}-{customers}-s{seed}", customers // 2 + 1, 200, tuple(rows))


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
