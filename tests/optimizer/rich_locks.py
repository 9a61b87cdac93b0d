"""Locks of all kinds on a generated day: begun stops, technician, time, interval and place in a route."""

import random
from collections.abc import Iterator

from optimizer import Lock, Problem, Visit, Window

MINUTE, HOUR = 60, 3600


def locks_of(rng: random.Random, problem: Problem, *, is_wild: bool) -> tuple[Lock, ...]:
    """Locks on some visits of a day; wild ones fit nothing."""
    if not problem.technicians:
        return ()
    free = [visit for visit in problem.visits if visit.team is None]
    rng.shuffle(free)
    begun = list(_begun(rng, problem, free)) if rng.random() < 0.4 else []
    return (*begun, *_ahead(rng, problem, free, begun, is_wild=is_wild))


def _begun(rng: random.Random, problem: Problem, free: list[Visit]) -> Iterator[Lock]:
    """One or two stops that a technician has begun, one after the other."""
    worker = min(problem.technicians, key=lambda technician: technician.shift.start)
    now = max(0, worker.shift.start + rng.randrange(-10, 20) * MINUTE)
    for sequence in range(min(len(free), rng.choice([1, 2]))):
        visit = free.pop()
        yield Lock(visit.id, worker.id, now, sequence=sequence)
        now += worker.time_for(visit) + rng.randrange(2, 30) * MINUTE


def _ahead(
    rng: random.Random, problem: Problem, free: list[Visit], begun: list[Lock], *, is_wild: bool
) -> Iterator[Lock]:
    """Decisions about stops that nobody has begun."""
    for kind in ("technician", "start", "both", "range", "sequence"):
        if rng.random() > 0.2 or not free:
            continue
        visit, technician = free.pop(), rng.choice(problem.technicians)
        moment = technician.shift.start + rng.randrange(60, 240) * MINUTE
        if visit.windows and not is_wild:
            moment = visit.windows[0].start + 10 * MINUTE
        if kind == "technician":
            yield Lock(visit.id, technician.id)
        elif kind == "start":
            yield Lock(visit.id, start=moment)
        elif kind == "both":
            yield Lock(visit.id, technician.id, start=moment)
        elif kind == "range":
            yield Lock(visit.id, range=Window(moment, moment + 2 * HOUR))
        else:
            place = sum(lock.technician_id == technician.id for lock in begun)
            yield Lock(visit.id, technician.id, sequence=place)
