"""Tiny days have exact answers, and these behave as answers must when the day becomes easier."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from optimizer import Budget, Lock, Matrix, Plan, Policy, Problem, Window, check, solve
from optimizer.exact import MOST_VISITS, cheapest_orders
from optimizer.schedule import Sequences, retimed
from tests.optimizer.brute_force import cents, cheapest_plan
from tests.optimizer.random_days import random_day
from tests.optimizer.route_model import MOST_STOPS, best_order
from tests.optimizer.world import HOUR, a_day, a_technician, a_visit


def tiny_day(seed: int, visits: int = 7) -> Problem:
    """A random day without places in routes ahead, which the exact models do not keep."""
    day = random_day(seed, visits=visits, technicians=2)
    return day.with_locks(lock for lock in day.locks if lock.sequence is None or lock.is_begun)


def cheapest_sequences(problem: Problem) -> Sequences | None:
    """Visits of each technician in the cheapest plan of all; None as for ``cheapest_orders``."""
    chosen = cheapest_orders(problem)
    if chosen is None:
        return None
    visits = [visit for visit in problem.visits if not problem.is_begun(visit.id)]
    sequences: Sequences = {t.id: begun for t in problem.technicians if (begun := problem.begun_by(t.id))}
    for who, order in chosen:
        name = problem.technicians[who].id
        sequences[name] = (*sequences.get(name, ()), *(visits[node] for node in order))
    return sequences


def optimum(problem: Problem) -> int:
    """Price of the cheapest plan, which must be valid."""
    sequences = cheapest_sequences(problem)
    assert sequences is not None
    plan = retimed(problem, sequences)
    assert check(problem, plan) == []
    return cents(problem, plan)


@pytest.mark.parametrize("seed", range(60))
def test_the_exact_answer_is_that_of_trying_everything(seed: int) -> None:
    problem = tiny_day(seed)
    assert optimum(problem) == cents(problem, cheapest_plan(problem))


@pytest.mark.parametrize("seed", range(300, 320))
def test_the_engine_finds_the_cheapest_plan_of_a_tiny_day_and_knows_it(seed: int) -> None:
    problem = tiny_day(seed, visits=8)
    result = solve(problem, Budget(solutions=1), seed=seed, engine="ruin")
    assert result.cost == result.bound == cents(problem, cheapest_plan(problem))
    assert check(problem, result.plan) == []


def require_cheapest_orders(problem: Problem, plan: Plan, seed: int) -> int:
    """Require that no route of a plan is cheaper in another order; return how many there are."""
    judged = 0
    for route in plan.routes:
        technician = problem.technician(route.technician_id)
        visits = [visit for stop in route.stops if (visit := problem.visit(stop.visit_id))]
        ahead = [visit for visit in visits if not problem.is_begun(visit.id)]
        if technician is None or not ahead:
            continue
        begun = problem.begun_by(technician.id)
        random.Random(seed).shuffle(ahead)
        order = best_order(problem, technician, (*begun, *ahead), seconds=20)
        assert order is not None
        alone = retimed(problem, {technician.id: order})
        assert cents(problem, alone) == cents(problem, retimed(problem, {technician.id: tuple(visits)}))
        judged += 1
    return judged


@pytest.mark.parametrize("seed", range(30))
def test_the_model_of_one_route_finds_the_cheapest_order(seed: int) -> None:
    problem = tiny_day(seed)
    plan = cheapest_plan(problem)
    ahead = [any(not problem.is_begun(stop.visit_id) for stop in route.stops) for route in plan.routes]
    assert require_cheapest_orders(problem, plan, seed) == ahead.count(True) > 0


def test_the_engine_drives_every_route_in_its_cheapest_order() -> None:
    """On days too large to look at all plans."""
    judged = 0
    for seed in range(6):
        problem = tiny_day(seed, visits=18)
        plan = solve(problem, Budget(solutions=3_000), seed=seed, engine="ruin").plan
        judged += require_cheapest_orders(problem, plan, seed)
    assert judged > 8


def test_days_beyond_the_models_have_no_exact_answer() -> None:
    many = a_day(*(a_visit(1, id=f"v{number}") for number in range(MOST_STOPS + 1)))
    assert len(many.visits) > MOST_VISITS
    assert cheapest_orders(many) is None
    assert best_order(many, many.technicians[0], many.visits, seconds=1) is None
    placed = a_day(locks=(Lock("v1", "ada", sequence=1),))
    assert cheapest_orders(placed) is None
    assert best_order(placed, placed.technicians[0], placed.visits, seconds=1) is None


def test_visits_that_cannot_be_driven_have_no_best_order() -> None:
    tight = a_day(*(a_visit(place, duration=5 * HOUR) for place in (1, 2)))
    assert best_order(tight, tight.technicians[0], tight.visits, seconds=5) is None


def metric_day(seed: int) -> Problem:
    """A tiny day on which no detour is ever quicker or cheaper than the straight way."""
    day = tiny_day(seed)
    rng = random.Random(seed)
    points = [(rng.randrange(30), rng.randrange(30)) for _ in day.matrix.seconds]
    minutes = [[abs(a - c) + abs(b - d) for c, d in points] for a, b in points]
    roads = Matrix(
        tuple(tuple(60 * cell for cell in row) for row in minutes),
        tuple(tuple(1_000 * cell for cell in row) for row in minutes),
    )
    return replace(day, matrix=roads, policy=Policy(travel_cents_per_hour=3_600))


def with_a_colleague(day: Problem, rng: random.Random) -> Problem:
    """One more technician."""
    other = rng.choice(day.technicians)
    return replace(day, technicians=(*day.technicians, replace(other, id="new", name="New")))


def with_a_wider_window(day: Problem, rng: random.Random) -> Problem:
    """One window opens an hour earlier and closes an hour later."""
    windowed = [visit for visit in day.visits if visit.windows]
    if not windowed:
        return day
    chosen = rng.choice(windowed)
    first, *others = chosen.windows
    wider = replace(chosen, windows=(Window(first.start - HOUR, first.end + HOUR), *others))
    return replace(day, visits=tuple(wider if visit is chosen else visit for visit in day.visits))


def without_a_visit(day: Problem, rng: random.Random) -> Problem:
    """One visit less, and the price of leaving it out as well."""
    gone = rng.choice([visit for visit in day.visits if not day.is_begun(visit.id)])
    fewer = replace(day, visits=tuple(visit for visit in day.visits if visit is not gone))
    return fewer.with_locks(lock for lock in day.locks if lock.visit_id != gone.id)


@pytest.mark.parametrize("easier", [with_a_colleague, with_a_wider_window, without_a_visit])
@pytest.mark.parametrize("seed", range(20))
def test_an_easier_day_is_never_dearer(
    easier: Callable[[Problem, random.Random], Problem], seed: int
) -> None:
    day = metric_day(seed)
    assert optimum(easier(day, random.Random(seed))) <= optimum(day)


@pytest.mark.parametrize("seed", range(20))
def test_other_names_and_another_order_change_nothing(seed: int) -> None:
    day, rng = tiny_day(seed), random.Random(seed)
    new = {t.id: f"x{at}" for at, t in enumerate(rng.sample(day.technicians, len(day.technicians)))}
    name = {v.id: f"y{at}" for at, v in enumerate(rng.sample(day.visits, len(day.visits)))}
    visits = [
        replace(
            visit,
            id=name[visit.id],
            excluded_technicians=frozenset(new[other] for other in visit.excluded_technicians),
            required_technician=new.get(visit.required_technician or ""),
            previous_technician=new.get(visit.previous_technician or ""),
        )
        for visit in day.visits
    ]
    renamed = replace(
        day,
        technicians=tuple(sorted((replace(t, id=new[t.id]) for t in day.technicians), key=lambda t: t.id)),
        visits=tuple(sorted(visits, key=lambda visit: visit.id)),
        locks=tuple(
            replace(lock, visit_id=name[lock.visit_id], technician_id=new.get(lock.technician_id or ""))
            for lock in day.locks
        ),
    )
    assert optimum(renamed) == optimum(day)


def test_a_technician_who_is_not_needed_costs_nothing() -> None:
    day = a_day(a_visit(1), technicians=(a_technician(),))
    more = replace(day, technicians=(*day.technicians, a_technician("ben", start=4, end=4)))
    assert optimum(more) == optimum(day)
