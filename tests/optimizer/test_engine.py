"""The routing engine and its seam: cost equal to the checker's, repeatable, never worse than its start."""

import gc
import subprocess
import sys
import time
import weakref
from dataclasses import replace
from typing import Any

import pytest
from ortools.constraint_solver.pywrapcp import RoutingModel

from optimizer import Budget, Plan, Problem, Progress, Result, Violation, check, cost
from optimizer import solve as solve_with
from optimizer.engines import base
from optimizer.engines.base import BUILT_IN, engine, engine_names, require
from optimizer.engines.routing import RoutingEngine
from optimizer.errors import EngineFault, EngineLacks, UnknownEngine
from optimizer.insertion import fill
from optimizer.plan import Unserved
from tests.optimizer.random_days import random_day
from tests.optimizer.world import a_day, a_plan, a_technician, a_visit, codes, served_by

BIG = random_day(3, visits=40, technicians=6)


def solve(problem: Problem, budget: Budget, *, engine: str = "routing", **options: Any) -> Result:
    """Plan with the reference engine."""
    return solve_with(problem, budget, engine=engine, **options)


def test_one_tour_of_the_line_costs_what_the_hand_says() -> None:
    # 40 km at 30 cents and 80 minutes at 30.00 an hour, for any order along the line out and back.
    result = solve(a_day(), Budget(solutions=40))
    assert dict(result.cost_by_term) == {
        "unserved": 0,
        "lateness": 0,
        "overtime": 0,
        "stability": 0,
        "preference": 0,
        "fairness": 0,
        "travel": 1_200 + 4_000,
    }
    assert result.cost == 5_200
    assert result.stats["model_cost"] == 5_200


@pytest.mark.parametrize("seed", range(40))
def test_the_model_of_the_engine_prices_a_plan_as_the_checker_does(seed: int) -> None:
    problem = random_day(seed, visits=10)
    result = solve(problem, Budget(solutions=25))
    assert check(problem, result.plan) == []
    assert dict(result.cost_by_term) == cost(problem, result.plan)
    # The last filling of holes can only make the plan cheaper; each route's overtime is rounded to the cent.
    assert result.cost <= result.stats["model_cost"] + len(problem.technicians)


def test_the_same_seed_and_number_of_solutions_give_the_same_plan() -> None:
    first, second = (solve(BIG, Budget(solutions=60), seed=7) for _ in range(2))
    assert first.plan == second.plan
    assert first.cost_by_term == second.cost_by_term


def test_the_engine_improves_on_insertion() -> None:
    assert solve(BIG, Budget(solutions=60)).cost < sum(cost(BIG, fill(BIG, {})).values())


@pytest.mark.parametrize("seed", [2, 5])
def test_the_solver_accepts_its_starting_plan_on_a_full_size_day_with_breaks(seed: int) -> None:
    problem = random_day(seed, visits=150, technicians=18)
    result = solve(problem, Budget(seconds=60, solutions=4))
    assert "model_cost" in result.stats
    assert result.cost < sum(cost(problem, fill(problem, {})).values())


@pytest.mark.parametrize("seed", range(6))
def test_the_result_is_never_dearer_than_a_valid_start(seed: int) -> None:
    problem = random_day(seed, visits=20, technicians=4)
    start = solve(problem, Budget(solutions=60), seed=1).plan
    again = solve(problem, Budget(solutions=1), start=start)
    assert again.cost <= sum(cost(problem, start).values())


def test_a_start_that_no_longer_holds_is_mended() -> None:
    day = a_day()
    start = a_plan(day, ada="v1 v2", ben="v3 v4")
    changed = replace(
        day, visits=(*day.visits[1:], a_visit(1, id="v9", excluded_technicians=frozenset({"ada"})))
    )
    result = solve(changed, Budget(solutions=5), start=start)
    assert check(changed, result.plan) == []
    assert sorted(served_by(result.plan)) == ["v2", "v3", "v4", "v9"]


def test_a_published_visit_keeps_its_technician_when_the_change_costs_more() -> None:
    visits = tuple(a_visit(place, previous_technician="ben") for place in (1, 2, 3, 4))
    result = solve(a_day(*visits), Budget(solutions=40))
    assert set(served_by(result.plan).values()) == {"ben"}
    assert result.cost_by_term["stability"] == 0
    gone = a_day(*visits, technicians=(a_technician("ada"),))
    assert solve(gone, Budget(solutions=40)).cost_by_term["stability"] == 4 * 2_000


def test_a_dearer_visit_wins_the_last_place() -> None:
    ada = a_technician("ada", shift=replace(a_technician().shift, end=a_technician().shift.start + 3_000))
    day = a_day(a_visit(1, priority=2), a_visit(1, id="urgent", priority=4), technicians=(ada,))
    assert sorted(served_by(solve(day, Budget(solutions=20)).plan)) == ["urgent"]
    mandatory = a_day(
        a_visit(1, priority=1, optional=False), a_visit(1, id="urgent", priority=5), technicians=(ada,)
    )
    assert sorted(served_by(solve(mandatory, Budget(solutions=20)).plan)) == ["v1"]


def test_seconds_are_kept() -> None:
    began = time.monotonic()
    result = solve(BIG, Budget(seconds=1.0))
    assert time.monotonic() - began < 10
    assert check(BIG, result.plan) == []


def test_cancelling_returns_the_best_plan_so_far() -> None:
    asked = 0

    def cancel() -> bool:
        nonlocal asked
        asked += 1
        return asked > 2_000

    began = time.monotonic()
    result = solve(BIG, Budget(seconds=60), cancel=cancel)
    assert time.monotonic() - began < 20
    assert asked > 2_000
    assert check(BIG, result.plan) == []


def test_cancelling_at_once_still_gives_a_valid_plan() -> None:
    result = solve(BIG, Budget(seconds=60), cancel=lambda: True)
    assert check(BIG, result.plan) == []


def test_progress_tells_ever_cheaper_plans() -> None:
    seen: list[Progress] = []
    solve(BIG, Budget(solutions=60), on_progress=seen.append)
    assert len(seen) > 1
    assert seen[0].cost >= seen[-1].cost
    assert [p.solutions for p in seen] == sorted(p.solutions for p in seen)


@pytest.mark.parametrize(("name", "solutions"), [("ruin", 2_000), ("routing", 60)])
def test_a_target_ends_the_search_at_the_first_plan_that_is_good_enough(name: str, solutions: int) -> None:
    seen: list[Progress] = []
    whole = solve(BIG, Budget(solutions=solutions), engine=name, on_progress=seen.append)
    assert (seen[-1].cost, seen[-1].unserved) == (whole.cost, len(whole.plan.unserved))
    target = seen[len(seen) // 2].cost
    assert seen[0].cost > target > whole.cost
    found = solve(BIG, Budget(solutions=solutions, target=target), engine=name)
    assert whole.cost < found.cost <= target
    assert check(BIG, found.plan) == []
    spent, all_spent = int(found.stats["solutions"]), int(whole.stats["solutions"])
    assert spent < all_spent
    first = solve(BIG, Budget(solutions=solutions, target=seen[0].cost), engine=name)
    assert int(first.stats["solutions"]) <= seen[0].solutions
    missed = solve(BIG, Budget(solutions=solutions, target=0), engine=name)
    assert missed.plan == whole.plan


def test_a_target_alone_is_no_budget() -> None:
    with pytest.raises(ValueError, match="never be reached"):
        Budget(target=1)


@pytest.mark.parametrize(("seconds", "solutions"), [(None, None), (0, None), (-1, None), (None, 0)])
def test_a_budget_has_an_end(seconds: float | None, solutions: int | None) -> None:
    with pytest.raises(ValueError, match="budget"):
        Budget(seconds=seconds, solutions=solutions)


class Careless(RoutingEngine):
    """An engine that knows no skills and says so."""

    def capabilities(self) -> frozenset[str]:
        """All but one."""
        return super().capabilities() - {"SKILL"}


def test_a_constraint_the_engine_lacks_is_refused_never_ignored() -> None:
    require(Careless(), a_day(), name="careless")
    with pytest.raises(EngineLacks, match="SKILL"):
        require(Careless(), a_day(a_visit(1, skills={"gas": 1})), name="careless")


class Cheating(RoutingEngine):
    """An engine whose plans are empty and whose prices are invented."""

    plan = Plan()
    terms: dict[str, int] = {}  # noqa: RUF012

    def solve(self, problem: Problem, **_: object) -> Result:  # type: ignore[override]
        """Pretend."""
        return Result(self.plan, self.terms)


@pytest.fixture
def cheating(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine of another distribution."""
    monkeypatch.setitem(BUILT_IN, "cheating", f"{__name__}:Cheating")
    monkeypatch.setitem(sys.modules, __name__, sys.modules[Cheating.__module__])


@pytest.mark.usefixtures("cheating")
def test_an_engine_that_breaks_a_rule_or_misstates_its_price_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(EngineFault, match="SERVED_ONCE"):
        solve(a_day(a_visit(1)), Budget(solutions=1), engine="cheating")
    monkeypatch.setattr(Cheating, "plan", Plan((), (Unserved("v1", ""),)))
    with pytest.raises(EngineFault, match="states"):
        solve(a_day(a_visit(1)), Budget(solutions=1), engine="cheating")


class Point:
    """An entry point of another distribution."""

    name = "elsewhere"

    def load(self) -> type[RoutingEngine]:
        """The engine class."""
        return Careless


def test_engines_of_other_distributions_are_found_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_offered", lambda: [Point()])
    assert engine_names() == ["elsewhere", "routing", "ruin"]
    assert isinstance(engine("elsewhere"), Careless)


def test_an_unknown_engine_is_named() -> None:
    with pytest.raises(UnknownEngine, match="nonsense"):
        engine("nonsense")


def test_importing_the_package_loads_no_solver() -> None:
    script = "import optimizer, sys; print(sorted({'ortools', 'numba'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_checker_prices_and_judges_a_plan_by_hand() -> None:
    day = a_day(a_visit(1), a_visit(2, priority=5), technicians=(a_technician("ada"),))
    plan = a_plan(day, ada="v1")
    found = {name: cents for name, cents in cost(day, plan).items() if cents}
    assert found == {"unserved": 600_000, "travel": 2 * (150 + 500)}
    assert codes(day, plan) == set()
    assert check(day, Plan())[0] == Violation(
        "SERVED_ONCE", "v1", "visit v1 is neither on a route nor among the unserved"
    )


def test_a_search_leaves_nothing_of_its_model_behind() -> None:
    """What C++ holds no collector sees, and a planning worker lives for days."""
    made: list[weakref.ref[Any]] = []

    def heard(_: Progress) -> None:
        made.extend(weakref.ref(one) for one in gc.get_objects() if isinstance(one, RoutingModel))

    solve(BIG, Budget(solutions=5), on_progress=heard)
    assert made
    gc.collect()
    assert [one for one in made if one() is not None] == []
