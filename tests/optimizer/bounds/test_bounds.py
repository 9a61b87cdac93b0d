"""A bound is never above the cheapest plan, whenever the proof ends and whatever the day is like."""

from dataclasses import fields
from itertools import count

import pytest

from optimizer import Budget, Lock, Plan, Problem, Visit, check, solve
from optimizer.bounds import MOST_VISITS, Bound, bound
from optimizer.bounds.scope import TREATED, scope_of
from optimizer.validate import errors_in
from tests.optimizer.brute_force import cents, cheapest_plan
from tests.optimizer.random_days import random_day
from tests.optimizer.rich_days import KINDS, rich_day
from tests.optimizer.route_days import route_day
from tests.optimizer.world import a_day, a_technician, a_visit, line_matrix


def looks(problem: Problem, most: float, start: Plan | None = None) -> Bound:
    """A proof that ends after so many looks at the clock, the same on every machine."""
    return bound(problem, seconds=most, start=start, clock=map(float, count()).__next__)


@pytest.mark.parametrize("seed", range(97))
def test_the_bound_of_a_tiny_day_is_never_above_its_cheapest_plan(seed: int) -> None:
    problem = random_day(seed, visits=6 + seed % 2, technicians=2)
    optimum = cents(problem, cheapest_plan(problem))
    found = looks(problem, 2_000)
    assert found.cents is not None
    assert found.cents <= optimum
    if not found.relaxed:
        assert found.cents == optimum


@pytest.mark.parametrize("seed", range(60))
def test_the_bound_holds_whatever_the_rules_and_prices_of_a_route(seed: int) -> None:
    problem = route_day(seed, visits=6)
    assert errors_in(problem) == []
    optimum = cents(problem, cheapest_plan(problem))
    found = looks(problem, 2_000)
    assert found.cents is not None
    assert found.cents <= optimum
    if not found.relaxed:
        assert found.cents == optimum


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(8))
def test_the_bound_holds_for_days_on_which_everything_depends_on_everything(seed: int, kind: str) -> None:
    problem = rich_day(seed, kind=kind, visits=9, technicians=3)
    assert errors_in(problem) == []
    found = looks(problem, 800)
    assert found.cents is not None
    assert found.cents <= cents(problem, solve(problem, Budget(solutions=10), engine="routing").plan)


@pytest.mark.parametrize("seed", range(200, 206))
def test_a_proof_that_is_broken_off_is_true_all_the_same(seed: int) -> None:
    problem = random_day(seed, visits=7, technicians=2)
    best = cheapest_plan(problem)
    for most in (1, 3, 5, 8, 12, 20):
        for start in (None, best):
            found = looks(problem, most, start)
            assert found.cents is None or found.cents <= cents(problem, best)


@pytest.mark.parametrize("seed", range(6))
def test_no_plan_of_an_engine_costs_less_than_the_bound(seed: int) -> None:
    problem = random_day(seed, visits=14, technicians=4)
    found = looks(problem, 400)
    plans = [
        solve(problem, Budget(solutions=400), engine="ruin").plan,
        solve(problem, Budget(solutions=5), engine="routing").plan,
    ]
    if found.better is not None:
        assert check(problem, found.better) == []
        plans.append(found.better)
    assert found.cents is not None
    assert found.cents <= min(cents(problem, plan) for plan in plans)


def test_a_plan_that_can_be_bettered_is_bettered_and_the_best_one_is_proved_optimal() -> None:
    problem = a_day()
    best = cheapest_plan(problem)
    found = looks(problem, 100, best)
    assert found.better is None
    assert found.cents == cents(problem, best)
    poor = solve(problem.with_locks([Lock("v1", "ada"), Lock("v2", "ben")]), Budget(solutions=50)).plan
    found = looks(problem, 100, poor)
    assert found.better is not None
    assert check(problem, found.better) == []
    assert found.told(cents(problem, found.better)) == "proved optimal"


def test_a_plan_comes_with_its_proof_when_that_is_asked_for() -> None:
    problem = random_day(4, visits=12, technicians=3)
    plain = solve(problem, Budget(solutions=1), engine="ruin")
    assert plain.bound is None
    assert "proof" not in plain.stats
    found = solve(problem, Budget(solutions=1), engine="ruin", prove_seconds=30)
    assert found.bound is not None
    assert found.bound <= found.cost <= plain.cost
    assert check(problem, found.plan) == []
    assert all(left.reason for left in found.plan.unserved)
    assert str(found.stats["proof"]).startswith("proved ")


def test_a_day_without_anybody_costs_what_is_left_out() -> None:
    problem = a_day(technicians=())
    assert looks(problem, 10).cents == cents(problem, Plan())


def test_a_day_without_visits_costs_nothing() -> None:
    problem = Problem(a_day().day, (a_technician(),), (), line_matrix())
    assert looks(problem, 10).cents == 0


def test_there_is_no_bound_without_time() -> None:
    found = looks(random_day(1, visits=20, technicians=4), 0)
    assert found.cents is None
    assert found.gap(100) is None
    assert found.told(100) == "no bound: not enough time"


def test_there_is_no_bound_for_a_day_too_large() -> None:
    visits = tuple(a_visit(1, id=f"v{number}") for number in range(MOST_VISITS + 1))
    assert looks(a_day(*visits), 10).told(1) == "no bound: more than 124 visits"


def test_a_field_of_which_nobody_has_said_what_it_does_means_no_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = {name: words for name, words in TREATED[Visit].items() if name != "parts"}
    monkeypatch.setitem(TREATED, Visit, known)
    assert looks(a_day(), 100).cents is not None
    found = looks(a_day(a_visit(1, parts={"pump": 1})), 100)
    assert found.told(1) == "no bound: it does not know what visit.parts does"


def test_every_field_of_a_problem_is_named_to_the_bound() -> None:
    """Add a line to ``TREATED``: SEEN if the bound has it, words if it forbids or adds to the price."""
    unnamed = {
        f"{kind.__name__}.{spec.name}"
        for kind, names in TREATED.items()
        for spec in fields(kind)
        if spec.init and spec.name not in names
    }
    assert unnamed == set()


def test_places_in_a_route_ahead_are_out_of_sight_and_those_begun_are_facts() -> None:
    ahead, begun = Lock("v1", "ada", sequence=0), Lock("v1", "ada", start=29_400, sequence=0)
    assert scope_of(a_day(locks=(ahead,))).relaxed == ("places in a route",)
    assert scope_of(a_day(locks=(begun,))).relaxed == ()


@pytest.mark.parametrize(
    ("cents_proved", "price", "words"),
    [
        (100, 100, "proved optimal"),
        (120, 100, "proved optimal"),
        (99_999, 100_000, "proved within 0.01 %"),
        (98_765, 100_000, "proved within 1.24 %"),
        (-50, 100, "proved within 150.00 %"),
    ],
)
def test_what_is_proved_is_told_rounded_so_that_it_never_says_too_much(
    cents_proved: int, price: int, words: str
) -> None:
    assert Bound(cents_proved).told(price) == words


def test_more_parts_than_are_counted_leave_the_bound_true() -> None:
    needs = [{name: 1} for name in "abcdef" for _ in range(2)]
    visits = [a_visit(1 + at % 4, id=f"v{at}", parts=parts, duration=60) for at, parts in enumerate(needs)]
    problem = a_day(*visits, technicians=(a_technician(stock=dict.fromkeys("abcdef", 1)),))
    found = looks(problem, 200)
    assert found.relaxed == ("part e", "part f")
    assert found.cents is not None
    assert found.cents <= solve(problem, Budget(solutions=500)).cost
