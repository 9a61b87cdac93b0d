"""What every engine promises on rich days: never worse than its start, locks untouched, back at once."""

import random
import time
from dataclasses import replace

import pytest

from optimizer import Budget, Lock, Plan, Policy, Problem, Window, check, cost, solve
from optimizer.engines.base import engine as load_engine
from optimizer.engines.base import warm_up
from optimizer.insertion import fill
from optimizer.planned import as_planned
from tests.optimizer.rich_days import KINDS, rich_day
from tests.optimizer.world import a_day

ENGINES = ("ruin", "routing")
AT_ONCE = 0.1
"""Seconds of work after a cancellation."""


def a_rich_day(seed: int, *, visits: int = 14, technicians: int = 5) -> Problem:
    """A day of any kind, long visits cut as they are planned."""
    return as_planned(rich_day(seed, kind=KINDS[seed % 3], visits=visits, technicians=technicians))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", range(6))
def test_a_result_is_never_dearer_than_its_start(seed: int, engine: str) -> None:
    problem = a_rich_day(seed)
    other = "routing" if engine == "ruin" else "ruin"
    for start in (fill(problem, {}), solve(problem, Budget(solutions=150, seconds=2), engine=other).plan):
        assert check(problem, start) == []
        again = solve(problem, Budget(solutions=1), start=start, engine=engine, seed=seed)
        assert again.cost <= sum(cost(problem, start).values())


def locked(problem: Problem, plan: Plan, rng: random.Random) -> Problem:
    """The day with locks of all kinds on a third of what a plan serves, where the plan has it."""
    locks = {lock.visit_id: lock for lock in problem.locks}
    for route in plan.routes:
        for position, stop in enumerate(route.stops):
            if stop.visit_id in locks or rng.random() > 0.35:
                continue
            who, near = route.technician_id, Window(max(0, stop.start - 300), stop.start + 300)
            locks[stop.visit_id] = rng.choice(
                [
                    Lock(stop.visit_id, who),
                    Lock(stop.visit_id, start=stop.start),
                    Lock(stop.visit_id, who, start=stop.start),
                    Lock(stop.visit_id, range=near),
                    Lock(stop.visit_id, who, sequence=position),
                ]
            )
    return problem.with_locks(locks.values())


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", range(6))
def test_locked_stops_are_untouched(seed: int, engine: str) -> None:
    """Whatever else is planned anew: who is locked goes, at the locked time, in the locked place."""
    free = a_rich_day(seed)
    start = fill(free, {})
    problem = locked(free, start, random.Random(seed))
    held = [lock for lock in problem.locks if free.lock(lock.visit_id) is None]
    if not held or check(problem, start):
        pytest.skip("nothing of it can be locked")
    wanted = replace(problem, visits=tuple(replace(v, previous_technician=None) for v in problem.visits))
    plan = solve(wanted, Budget(solutions=200, seconds=3), start=start, engine=engine).plan
    places = {
        stop.visit_id: (route.technician_id, stop.start, position)
        for route in plan.routes
        for position, stop in enumerate(route.stops)
    }
    for lock in held:
        who, moment, position = places[lock.visit_id]
        assert lock.technician_id in {None, who}
        assert lock.start in {None, moment}
        assert lock.sequence in {None, position}
        assert lock.range is None or lock.range.start <= moment <= lock.range.end


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", range(3))
def test_cancelling_returns_the_best_so_far_at_once(seed: int, engine: str) -> None:
    """A tenth of a second of work after the cancellation, on days of 60 visits with every rule."""
    problem = a_rich_day(seed, visits=60, technicians=12)
    warm_up(engine)
    answers: list[float] = []

    def cancel() -> bool:
        if time.monotonic() - began > 1.0:
            answers.append(time.process_time())
        return bool(answers)

    began = time.monotonic()
    result = load_engine(engine).solve(problem, budget=Budget(seconds=60), cancel=cancel)
    worked = time.process_time() - answers[0]
    assert worked <= AT_ONCE
    assert check(problem, result.plan) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_visits_that_are_worth_nothing_are_left_out_with_that_reason(engine: str) -> None:
    free = replace(a_day(), policy=Policy(unserved_cents_by_priority=(0, 0, 0, 0, 0)))
    plan = solve(free, Budget(solutions=50), engine=engine).plan
    assert [left.reason for left in plan.unserved] == ["NOT_WORTH"] * 4
