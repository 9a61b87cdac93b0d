"""Visits longer than a shift are cut into parts of one technician on several shifts."""

from dataclasses import replace

import pytest

from optimizer import Break, Budget, Lock, Plan, Problem, Technician, check, cost, solve, validate
from optimizer.compare import compare
from optimizer.long_visits import split_long
from optimizer.planned import as_planned
from optimizer.problem import After
from optimizer.work import FINISH
from tests.optimizer.rich_days import rich_day
from tests.optimizer.world import HOUR, MINUTE, a_day, a_technician, a_visit, at, served_by, window


def shifts(name: str, days: int = 3, **changes: object) -> tuple[Technician, ...]:
    """Shifts from 8 to 16 on several days."""
    return tuple(
        a_technician(
            f"{name}-{day}",
            person=name,
            shift=window(f"{8 + 24 * day}:00", f"{16 + 24 * day}:00"),
            **changes,
        )
        for day in range(days)
    )


CREW = (*shifts("ada"), *shifts("ben"))
LONG = a_day(a_visit(1, duration=20 * HOUR), a_visit(3), technicians=CREW)


def test_a_long_visit_becomes_as_few_parts_as_possible() -> None:
    problem, parts = split_long(LONG)
    assert parts == {"v1": ("v1/1", "v1/2", "v1/3")}
    cut = [visit for visit in problem.visits if visit.id.startswith("v1/")]
    assert [visit.duration for visit in cut] == [400 * MINUTE] * 3
    assert sum(visit.duration for visit in cut) == 20 * HOUR
    assert [visit.after for visit in cut] == [(), (After("v1/1"),), (After("v1/2"),)]
    assert len({visit.same_technician for visit in cut}) == 1
    assert as_planned(problem) == problem


@pytest.mark.parametrize("engine", ["routing", "ruin"])
def test_the_parts_go_to_one_technician_one_shift_after_the_other(engine: str) -> None:
    assert validate(LONG) == []
    plan = solve(LONG, Budget(solutions=20), engine=engine).plan
    served = served_by(plan)
    assert check(LONG, plan) == []
    assert set(served) == {"v1/1", "v1/2", "v1/3", "v3"}
    person = served["v1/1"].partition("-")[0]
    assert [served[f"v1/{part}"] for part in (1, 2, 3)] == [f"{person}-{day}" for day in (0, 1, 2)]
    assert sum(cost(LONG, plan).values()) == solve(LONG, Budget(solutions=20), engine=engine).cost


def test_plans_with_parts_are_compared_by_their_parts() -> None:
    plan = solve(LONG, Budget(solutions=5), engine="routing").plan
    found = compare(LONG, Plan(), plan)
    assert {move.visit_id for move in found.moves} == {"v1/1", "v1/2", "v1/3", "v3"}
    assert dict(found.after) == cost(LONG, plan)


def test_breaks_and_ways_are_left_out_of_the_room_for_parts() -> None:
    rests = tuple(
        replace(t, breaks=(Break(t.shift.start + 3 * HOUR, t.shift.start + 5 * HOUR, HOUR),))
        for t in shifts("ada")
    )
    day = a_day(a_visit(1, duration=14 * HOUR), technicians=rests)
    assert split_long(day)[1] == {"v1": ("v1/1", "v1/2", "v1/3")}
    assert len(split_long(replace(day, technicians=shifts("ada")))[1]["v1"]) == 2


def test_windows_limits_and_others_keep_their_meaning() -> None:
    visit = a_visit(
        1,
        duration=12 * HOUR,
        windows=(window("8:00", "40:00"),),
        window_end=FINISH,
        respond_by=at("9:00"),
        resolve_by=at("40:00"),
        parts={"pump": 1},
        durations={"ben": 14 * HOUR},
    )
    crew = (*shifts("ada", stock={"pump": 1}), *shifts("ben"))
    day = a_day(visit, a_visit(2, after=(After("v1"),)), technicians=crew)
    problem, parts = split_long(day)
    first, last, other = problem.visits
    assert parts == {"v1": ("v1/1", "v1/2")}
    assert (first.windows, last.windows) == ((), visit.windows)
    assert (first.respond_by, last.respond_by) == (at("9:00"), None)
    assert (first.resolve_by, last.resolve_by) == (None, at("40:00"))
    assert (first.parts, last.parts) == ({"pump": 1}, {})
    assert (first.durations, last.durations) == ({"ben": 7 * HOUR}, {"ben": 7 * HOUR})
    assert other.after == (After("v1/2"),)


def test_a_lock_to_a_technician_holds_for_all_parts() -> None:
    problem, _ = split_long(LONG.with_locks([Lock("v1", "ben", start=at("8:30"))]))
    assert problem.locks == (
        Lock("v1/1", "ben", start=at("8:30")),
        Lock("v1/2", "ben"),
        Lock("v1/3", "ben"),
    )


@pytest.mark.parametrize(
    "problem",
    [
        replace(LONG, technicians=(a_technician("ada"), a_technician("ben"))),
        replace(LONG, technicians=shifts("ada", 2)),
        replace(LONG, visits=(a_visit(1, duration=20 * HOUR, team="lift"),)),
        LONG.with_locks([Lock("v1", "ada-0", at("8:10"), sequence=0)]),
        replace(LONG, visits=(*LONG.visits, a_visit(2, id="v1/2"))),
        replace(LONG, visits=(a_visit(1, duration=7 * HOUR),)),
    ],
    ids=["one shift each", "too few shifts", "team", "begun", "name taken", "fits"],
)
def test_what_cannot_or_need_not_be_cut_stays_whole(problem: Problem) -> None:
    assert split_long(problem) == (problem, {})


@pytest.mark.parametrize("seed", range(20))
def test_cutting_twice_changes_nothing(seed: int) -> None:
    problem = rich_day(seed, kind="absurd")
    once = as_planned(problem)
    assert as_planned(once) == once
    assert sum(v.duration for v in once.visits) == sum(v.duration for v in problem.visits)
