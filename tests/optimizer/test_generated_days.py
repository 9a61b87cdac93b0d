"""Days nobody thought of: whatever the engine makes of them, the checker finds nothing."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optimizer import Budget, check, cost, solve
from optimizer.insertion import fill
from optimizer.validate import errors_in
from tests.optimizer.random_days import random_day

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]


@given(st.integers(0, 10**9), st.integers(1, 16), st.integers(1, 4))
@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=QUIET)
def test_plans_of_generated_days_break_no_rule(seed: int, visits: int, technicians: int) -> None:
    problem = random_day(seed, visits=max(visits, 6), technicians=technicians)
    assert errors_in(problem) == []
    result = solve(problem, Budget(solutions=15), seed=seed % 5, engine="routing")
    assert check(problem, result.plan) == []
    assert dict(result.cost_by_term) == cost(problem, result.plan)
    assert result.stats["mended"] == 0
    for left in result.plan.unserved:
        assert left.reason
        assert left.sentence
        assert left.action


@given(st.integers(0, 10**9), st.integers(6, 40), st.integers(1, 8))
@settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=QUIET)
def test_insertion_alone_breaks_no_rule_either(seed: int, visits: int, technicians: int) -> None:
    problem = random_day(seed, visits=visits, technicians=technicians)
    assert check(problem, fill(problem, {})) == []
