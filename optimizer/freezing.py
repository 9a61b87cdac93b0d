"""Freezing: what begins soon stays as it was published, while the rest of the day is planned anew."""

from dataclasses import replace

from optimizer.plan import Plan, Stop
from optimizer.problem import Lock, Problem, Window
from optimizer.units import Seconds


def frozen(problem: Problem, plan: Plan, until: Seconds, *, tolerance: Seconds = 0) -> Problem:
    """
    Lock every stop of a plan that begins before a moment to its technician and its time.

    Locks that exist already keep what they say; they are only made firmer. Stops that have begun are facts
    and stay as they are.

    Parameters
    ----------
    problem
        The day as it is now.
    plan
        What was published.
    until
        Stops that begin at this moment or later stay free.
    tolerance
        How far a frozen stop may still move; 0: not at all.
    """
    locks = {lock.visit_id: lock for lock in problem.locks}
    for technician, visit, stop in plan.choices(problem):
        if stop.start < until:
            locks[visit.id] = _firmer(locks.get(visit.id, Lock(visit.id)), technician.id, stop, tolerance)
    return problem.with_locks(locks.values())


def _firmer(lock: Lock, technician_id: str, stop: Stop, tolerance: Seconds) -> Lock:
    """A lock that also holds technician and time, where it does not say otherwise."""
    held = lock if lock.technician_id is not None else replace(lock, technician_id=technician_id)
    if held.start is not None or held.range is not None:
        return held
    if not tolerance:
        return replace(held, start=stop.start)
    return replace(held, range=Window(max(0, stop.start - tolerance), stop.start + tolerance))
