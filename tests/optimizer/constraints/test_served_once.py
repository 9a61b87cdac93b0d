"""Served once: SERVED_ONCE."""

from dataclasses import replace

from optimizer import Plan, Unserved
from tests.optimizer.world import a_day, a_plan, codes, served_by, solved

DAY = a_day()
PLAN = a_plan(DAY, ada="v1 v2", ben="v3 v4")


def test_a_full_plan_has_no_violation() -> None:
    assert codes(DAY, PLAN) == set()


def test_checker_finds_a_forgotten_visit() -> None:
    assert codes(DAY, Plan(PLAN.routes[:1])) == {"SERVED_ONCE"}


def test_checker_finds_a_visit_served_and_unserved() -> None:
    assert codes(DAY, replace(PLAN, unserved=(Unserved("v1", "CAPACITY"),))) == {"SERVED_ONCE"}


def test_checker_finds_two_routes_of_one_technician_and_strangers() -> None:
    assert "SERVED_ONCE" in codes(DAY, replace(PLAN, routes=(*PLAN.routes, PLAN.routes[0])))
    stranger = replace(PLAN.routes[0], technician_id="carl")
    assert "SERVED_ONCE" in codes(DAY, replace(PLAN, routes=(stranger, PLAN.routes[1])))
    assert "SERVED_ONCE" in codes(DAY, replace(PLAN, unserved=(Unserved("v9", "CAPACITY"),)))


def test_engine_serves_every_visit_once() -> None:
    assert sorted(served_by(solved(DAY))) == ["v1", "v2", "v3", "v4"]


def test_with_a_visit_taken_away_the_old_plan_names_a_stranger() -> None:
    assert codes(replace(DAY, visits=DAY.visits[:3]), PLAN) == {"SERVED_ONCE"}
