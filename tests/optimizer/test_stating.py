"""The reference engine states its price by term from its own model; the checker agrees to the cent."""

from collections import Counter
from dataclasses import replace

import pytest

from benchmarks.fuzzed_days import day_number, wrong_with
from optimizer import Budget, Problem, check, cost, solve
from optimizer.engines.model import DayModel
from optimizer.engines.routing import RoutingEngine
from optimizer.engines.stating import plan_drawn, terms_of
from optimizer.objectives import OBJECTIVES
from optimizer.planned import as_planned
from tests.optimizer.world import HOUR, a_day, a_technician, a_visit

TERMS = {term.NAME for term in OBJECTIVES}
BUDGET = Budget(seconds=1.0, solutions=20)


def stated_by(problem: Problem) -> tuple[dict[str, int], int]:
    """Terms the model states for its plan, and what OR-Tools counts that no term has stated."""
    result = RoutingEngine().solve(as_planned(problem), budget=BUDGET, seed=1)
    stats = result.stats
    known = {name: int(stats[f"model_{name}"]) for name in TERMS if f"model_{name}" in stats}
    return known, int(stats.get("unstated", 0))


@pytest.mark.slow
def test_each_term_is_stated_to_the_cent_on_days_of_every_kind() -> None:
    """Travel and fairness not where drives depend on the hour or go by a depot; the others always."""
    told: Counter[str] = Counter()
    paid: Counter[str] = Counter()
    for number in range(60):
        problem = as_planned(day_number(number, most_visits=20, most_technicians=5))
        result = RoutingEngine().solve(problem, budget=BUDGET, seed=number)
        stated = {name: result.stats[f"model_{name}"] for name in TERMS if f"model_{name}" in result.stats}
        assert stated == {name: cost(problem, result.plan)[name] for name in stated}
        assert result.stats.get("unstated", 0) == 0
        assert TERMS - stated.keys() <= {"travel", "fairness"}
        told.update(stated.keys())
        paid.update(name for name, cents in stated.items() if cents)
    assert told["unserved"] == 60
    assert told["travel"] > 20
    assert set(paid) == TERMS


def test_what_ortools_counts_is_the_sum_of_what_was_stated() -> None:
    """The terms are read from the solution's own times, and nothing of the objective is left over."""
    day = a_day(
        a_visit(1, respond_by=8 * HOUR, resolve_by=9 * HOUR),
        a_visit(2, preferred_technicians=frozenset({"ben"})),
        a_visit(3, announced=15 * HOUR, previous_technician="ben"),
        technicians=(a_technician(overtime=HOUR, worked=HOUR), a_technician("ben")),
    )
    known, unstated = stated_by(replace(day, policy=replace(day.policy, fairness_cents=60)))
    assert known.keys() == TERMS
    assert unstated == 0


def test_a_price_that_a_term_states_wrongly_is_found() -> None:
    """The checker's own figures are not what the model's are taken from."""
    day = a_day()
    plan = solve(day, Budget(solutions=5), engine="routing").plan
    model = DayModel(day, seed=0)
    for rule in OBJECTIVES:
        model.count_time() if rule is OBJECTIVES[0] else None
        model.term = rule.NAME
        rule.add(model, day)
    assert terms_of(model, plan_drawn(model, plan)) == cost(day, plan)
    model.drives[:] += 60
    assert terms_of(model, plan_drawn(model, plan))["travel"] > cost(day, plan)["travel"]


def test_the_campaign_holds_both_models_against_the_checker() -> None:
    result = solve(a_day(), Budget(solutions=5), engine="routing")
    assert check(a_day(), result.plan) == []
    lying = replace(result, stats={**result.stats, "model_overtime": 7, "unstated": 3})
    assert list(wrong_with(a_day(), lying)) == [
        "overtime: the engine's model counts 7, the checker 0 cents",
        "OR-Tools counts 3 sixtieths of a cent that no term has stated",
    ]
