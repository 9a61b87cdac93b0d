"""Locks to the first places of a route: the fast engine plans behind them, and states what the day costs."""

import random
from dataclasses import replace

import pytest

from optimizer import Break, Budget, Lock, Problem, check, cost, solve
from optimizer.leading import leading, led
from optimizer.planned import as_planned
from optimizer.problem import After
from tests.optimizer.rich_days import KINDS, rich_day
from tests.optimizer.world import HOUR, MINUTE, a_day, a_technician, a_visit, at, window

FIRST = (Lock("v3", "ben", sequence=0), Lock("v1", "ben", sequence=1))


def pinned(seed: int) -> Problem:
    """A generated day on which one technician's first two visits are decided, whoever may serve them."""
    problem = rich_day(seed, kind=KINDS[seed % 2], visits=14, technicians=4)
    rng = random.Random(f"pins {seed}")
    technician = rng.choice(problem.technicians)
    held = {lock.visit_id for lock in problem.locks}
    free = [
        v.id for v in problem.visits if v.id not in held and v.team is None and not v.after and not v.parts
    ]
    begun = len(problem.begun_by(technician.id))
    kept = [lock for lock in problem.locks if lock.sequence is None or lock.is_begun]
    pins = [Lock(name, technician.id, sequence=begun + at) for at, name in enumerate(rng.sample(free, 2))]
    return as_planned(problem.with_locks([*kept, *pins]))


def test_the_fast_engine_keeps_the_first_places_itself() -> None:
    day = a_day().with_locks(FIRST)
    result = solve(day, Budget(solutions=100), engine="ruin")
    assert result.stats["engine"] == "ruin"
    assert [stop.visit_id for stop in result.plan.route_of("ben").stops][:2] == ["v3", "v1"]
    assert check(day, result.plan) == []
    assert result.stats["model_cost"] == result.cost


@pytest.mark.parametrize("seed", range(40))
def test_generated_days_with_first_places_are_valid_and_priced_to_the_cent(seed: int) -> None:
    problem = pinned(seed)
    result = solve(problem, Budget(solutions=200), seed=seed, engine="ruin")
    assert check(problem, result.plan) == []
    if result.stats["engine"] == "ruin":
        assert {f"model_{name}": cents for name, cents in cost(problem, result.plan).items()} == {
            name: value
            for name, value in result.stats.items()
            if name.startswith("model_") and name != "model_cost"
        }


def test_the_fast_engine_answers_most_of_these_days() -> None:
    days = [pinned(seed) for seed in range(40)]
    assert sum(led(day) is not None for day in days) >= 20


def test_a_break_that_falls_between_the_first_visits_is_taken_once() -> None:
    rest = Break(at("9:00"), at("11:00"), 30 * MINUTE)
    crew = (a_technician("ben", breaks=(rest,)), a_technician("ada"))
    visits = [a_visit(place, duration=HOUR) for place in (1, 2, 3, 4)]
    day = a_day(*visits, technicians=crew).with_locks(FIRST)
    result = solve(day, Budget(solutions=100), engine="ruin")
    assert result.stats["engine"] == "ruin"
    assert len(result.plan.route_of("ben").breaks) == 1
    assert result.stats["model_cost"] == result.cost


@pytest.mark.parametrize(
    "day",
    [
        a_day().with_locks([Lock("v3", "ben", sequence=1)]),
        a_day().with_locks([Lock("v3", sequence=0)]),
        a_day(a_visit(3, after=(After("v1"),)), a_visit(1)).with_locks([Lock("v3", "ben", sequence=0)]),
        a_day(a_visit(3, parts={"pump": 1})).with_locks([Lock("v3", "ben", sequence=0)]),
    ],
    ids=["gap", "nobody", "waiting", "part lacking"],
)
def test_what_cannot_be_taken_for_begun_is_not(day: Problem) -> None:
    assert led(day) is None


def test_places_lead_only_behind_what_has_begun() -> None:
    begun = Lock("v2", "ben", at("8:20"), sequence=0)
    day = a_day().with_locks([begun, Lock("v3", "ben", sequence=1), Lock("v1", "ben", sequence=3)])
    ben = day.technicians[1]
    assert [visit.id for visit in leading(day, ben)] == ["v3"]


def test_a_locked_place_counts_from_the_shift_it_names() -> None:
    shifts = (
        a_technician("early", person="ada", shift=window("6:00", "12:00")),
        a_technician("late", person="ada", shift=window("13:00", "18:00")),
    )
    day = replace(a_day(technicians=shifts), locks=(Lock("v1", "ada", sequence=0),))
    assert led(day) is None
    assert led(day.with_locks([Lock("v1", "late", sequence=0)])) is not None
