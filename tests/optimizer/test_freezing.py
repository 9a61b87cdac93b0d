"""What begins soon stays as published; the rest of the day is free."""

from dataclasses import replace

import pytest

from optimizer import Budget, Lock, Window, check, solve
from optimizer.freezing import frozen
from tests.optimizer.random_days import random_day
from tests.optimizer.world import a_day, a_plan, a_visit, at


def test_stops_before_the_moment_keep_technician_and_start() -> None:
    problem = a_day()
    plan = a_plan(problem, ada="v1 v2", ben="v4 v3")
    first = {route.technician_id: route.stops[0] for route in plan.routes}
    until = max(stop.start for stop in first.values()) + 1
    locks = {lock.visit_id: lock for lock in frozen(problem, plan, until).locks}
    assert locks == {
        "v1": Lock("v1", "ada", start=first["ada"].start),
        "v4": Lock("v4", "ben", start=first["ben"].start),
    }


def test_a_tolerance_lets_a_frozen_stop_move_a_little() -> None:
    problem = a_day()
    plan = a_plan(problem, ada="v1")
    start = plan.routes[0].stops[0].start
    [lock] = frozen(problem, plan, start + 1, tolerance=900).locks
    assert (lock.technician_id, lock.start, lock.range) == ("ada", None, Window(start - 900, start + 900))


def test_locks_that_exist_keep_what_they_say() -> None:
    problem = a_day().with_locks([Lock("v1", range=Window(at("8:00"), at("12:00"))), Lock("v2", "ada")])
    plan = a_plan(problem, ada="v1 v2")
    locks = {lock.visit_id: lock for lock in frozen(problem, plan, at("20:00")).locks}
    assert locks["v1"] == Lock("v1", "ada", range=Window(at("8:00"), at("12:00")))
    assert locks["v2"] == Lock("v2", "ada", start=plan.routes[0].stops[1].start)


def test_what_begins_at_the_moment_stays_free() -> None:
    problem = a_day()
    plan = a_plan(problem, ada="v1")
    assert frozen(problem, plan, plan.routes[0].stops[0].start).locks == ()


@pytest.mark.parametrize("seed", range(8))
def test_a_frozen_morning_survives_an_emergency(seed: int) -> None:
    problem = random_day(seed, visits=10)
    published = solve(problem, Budget(solutions=200), seed=seed).plan
    until = at("11:00")
    kept = {
        stop.visit_id: (technician.id, stop.start)
        for technician, _, stop in published.choices(problem)
        if stop.start < until
    }
    emergency = a_visit(1, id="emergency", priority=5)
    changed = frozen(problem, published, until).with_visit(replace(emergency, duration=600))
    found = solve(changed, Budget(solutions=200), seed=seed).plan
    assert not check(changed, found)
    after = {stop.visit_id: (technician.id, stop.start) for technician, _, stop in found.choices(changed)}
    assert {visit: after.get(visit) for visit in kept} == kept
