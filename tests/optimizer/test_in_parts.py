"""A day beyond one search: planned in parts it is valid, repeatable, and never dearer than its start."""

import time
from dataclasses import replace
from importlib import import_module

import pytest

from benchmarks.days import HOUR, field_day
from optimizer import (
    Budget,
    Plan,
    Problem,
    Progress,
    Technician,
    Visit,
    Window,
    check,
    cost,
    matrix_of,
    solve,
)
from optimizer.decompose import cut
from optimizer.engines.base import engine
from optimizer.in_parts import LEAST_SECONDS, Workshop, laid, polished, solve_in_parts
from optimizer.insertion import sequences_of

DAY = field_day(5, 300, 38)
SHOP = Workshop(engine("ruin"), seed=1)


def price(plan: Plan) -> int:
    """Whole price of a plan."""
    return sum(cost(DAY, plan).values())


def test_a_day_planned_in_parts_is_valid_and_the_same_each_time() -> None:
    first, again = (solve_in_parts(SHOP, DAY, Budget(solutions=400), most_visits=100) for _ in range(2))
    assert check(DAY, first.plan) == []
    assert first.plan == again.plan
    assert first.cost_by_term == cost(DAY, first.plan)
    assert first.stats["parts"] == 3


def test_parts_never_make_a_start_dearer() -> None:
    start = solve(DAY, Budget(solutions=400), seed=1).plan
    result = solve_in_parts(SHOP, DAY, Budget(solutions=60), start=start, most_visits=100)
    assert result.cost <= price(start)
    assert check(DAY, result.plan) == []


def test_polishing_borders_never_makes_a_plan_dearer() -> None:
    parts = cut(DAY, 100)
    plan = solve_in_parts(SHOP, DAY, Budget(solutions=30), most_visits=100).plan
    better = polished(SHOP, DAY, plan, parts, budget=Budget(solutions=600), most_visits=100)
    assert check(DAY, better) == []
    assert price(better) < price(plan)


def test_borders_that_get_no_time_are_left_as_they_are() -> None:
    parts = cut(DAY, 100)
    plan = solve_in_parts(SHOP, DAY, Budget(solutions=30), most_visits=100).plan
    assert polished(SHOP, DAY, plan, parts, budget=Budget(seconds=LEAST_SECONDS / 2), most_visits=100) is plan


def test_the_time_of_a_budget_is_kept_over_all_parts() -> None:
    began = time.monotonic()
    result = solve_in_parts(SHOP, DAY, Budget(seconds=1.0), most_visits=100)
    assert time.monotonic() - began < 3.0
    assert check(DAY, result.plan) == []


def test_a_cancelled_day_in_parts_is_still_a_plan() -> None:
    shop = Workshop(SHOP.engine, seed=1, cancel=lambda: True)
    result = solve_in_parts(shop, DAY, Budget(seconds=60), most_visits=100)
    assert check(DAY, result.plan) == []
    assert sum(len(route.stops) for route in result.plan.routes) + len(result.plan.unserved) == 300


def test_solve_plans_in_parts_what_is_too_large_for_one_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("optimizer.solve"), "PART_VISITS", 100)
    told: list[Progress] = []
    result = solve(DAY, Budget(solutions=50), seed=1, on_progress=told.append, whole_visits=200)
    assert result.stats["parts"] == 3
    assert [progress.cost >= result.cost for progress in told] == [True]
    assert all(left.reason for left in result.plan.unserved)


def test_a_day_in_parts_that_is_good_enough_is_not_planned_any_further() -> None:
    """The target is one of the whole day, not of a part."""
    told: list[Progress] = []
    shop = Workshop(SHOP.engine, seed=1, on_progress=told.append)
    budget = Budget(solutions=200)
    whole = solve_in_parts(shop, DAY, budget, most_visits=100)
    joined_cost = told[-1].cost
    assert whole.cost < joined_cost
    first = solve_in_parts(SHOP, DAY, replace(budget, target=joined_cost), most_visits=100)
    assert first.cost == joined_cost
    between = solve_in_parts(SHOP, DAY, replace(budget, target=joined_cost - 1), most_visits=100)
    assert whole.cost <= between.cost < joined_cost
    assert told[-1].unserved == len(first.plan.unserved)


def test_laying_orders_leaves_out_what_the_day_no_longer_allows() -> None:
    plan = solve(DAY, Budget(solutions=20), seed=1).plan
    orders = sequences_of(DAY, plan)
    assert laid(DAY, orders).routes == plan.routes
    gone = plan.routes[0].stops[0].visit_id
    fewer = DAY.with_locks(())
    other = next(v for v in fewer.visits if v.id == gone)
    without = laid(fewer, {**orders, "t0": (other, *orders.get("t0", ()))})
    assert check(fewer, without) == []


def test_a_route_that_holds_as_a_whole_is_laid_as_it_is() -> None:
    """The way home from the second stop would be too long, from the third it is not."""
    minutes = [[0, 10, 10, 10], [10, 0, 10, 10], [60, 10, 0, 10], [10, 10, 10, 0]]
    roads = matrix_of([[60 * cell for cell in row] for row in minutes])
    ada = Technician("ada", "Ada", 0, 0, Window(8 * HOUR, 10 * HOUR))
    visits = Visit("long", 1, 40 * 60), Visit("far", 2, 600), Visit("near", 3, 600)
    day = Problem(DAY.day, (ada,), visits, roads)
    [route] = laid(day, {"ada": visits}).routes
    assert [stop.visit_id for stop in route.stops] == ["long", "far", "near"]
    [route] = laid(day, {"ada": visits[:2]}).routes
    assert [stop.visit_id for stop in route.stops] == ["long"]
