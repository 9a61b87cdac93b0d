"""A day cut into parts: nothing is lost, work matches hours, and what the parts plan is a plan of the day."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.days import field_day
from optimizer import Budget, Lock, Plan, Problem, check, cost, solve
from optimizer.decompose import Part, borders, cut, joined, owners, plan_of, problem_of, replaced
from optimizer.geometry import spots
from optimizer.work import After
from tests.optimizer.random_days import random_day

DAY = field_day(3, 240, 30)


def planned(problem: Problem, plan: Plan | None = None, *, solutions: int = 60) -> Plan:
    """A day or part planned in a few iterations."""
    return solve(problem, Budget(solutions=solutions), seed=1, start=plan).plan


def hours(problem: Problem, part: Part) -> float:
    """Hours of service to be done for each technician of a part."""
    visits = [problem.visit(name) for name in part.visits]
    return sum(v.duration for v in visits if v is not None) / 3600 / len(part.technicians)


def split(parts: list[Part]) -> tuple[list[str], list[str]]:
    """All technicians and all visits of parts."""
    return [t for part in parts for t in part.technicians], [v for part in parts for v in part.visits]


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("most", [40, 60, 100])
def test_parts_share_everything_out_evenly_and_once(most: int, turn: int) -> None:
    parts = cut(DAY, most, turn=turn)
    crew, work = split(parts)
    assert sorted(crew) == sorted(t.id for t in DAY.technicians)
    assert sorted(work) == sorted(v.id for v in DAY.visits)
    assert max(len(part.visits) for part in parts) <= 1.2 * most
    loads = [hours(DAY, part) for part in parts]
    assert max(loads) <= 1.3 * min(loads)


def test_a_part_lies_together() -> None:
    plane = spots(DAY)
    whole = np.std(plane[:240], axis=0).sum()
    for part in cut(DAY, 60):
        own = [v.location for v in problem_of(DAY, part).visits]
        assert np.std(plane[own], axis=0).sum() < 0.75 * whole


def test_the_plane_keeps_near_what_is_near_by_road() -> None:
    plane = spots(DAY)
    roads = np.array(DAY.matrix.seconds, dtype=np.float64)
    gaps = np.sqrt(((plane[:, None] - plane[None, :]) ** 2).sum(axis=2))
    assert float(np.abs(gaps - roads).max()) < 0.05 * roads.max()


def test_a_day_that_is_small_enough_stays_whole() -> None:
    [part] = cut(DAY, 240)
    assert len(part.visits) == 240
    assert problem_of(DAY, part) == DAY


def test_plans_of_parts_join_to_a_valid_plan_of_the_day() -> None:
    parts = cut(DAY, 80)
    plan = joined(DAY, [planned(problem_of(DAY, part)) for part in parts])
    assert check(DAY, plan) == []
    assert len(plan.routes) > 20


def test_crossing_parts_and_borders_make_a_joined_plan_better_and_never_worse() -> None:
    parts = cut(DAY, 80)
    plan = joined(DAY, [planned(problem_of(DAY, part)) for part in parts])
    prices = [sum(cost(DAY, plan).values())]
    for turn in (1, 2):
        for part in borders(DAY, plan, parts, most_visits=80, share=0.5, turn=turn):
            better = planned(problem_of(DAY, part), plan_of(plan, part), solutions=300)
            plan = replaced(DAY, plan, part, better)
            assert check(DAY, plan) == []
            prices.append(sum(cost(DAY, plan).values()))
    assert prices == sorted(prices, reverse=True)
    assert prices[-1] < prices[0]


def test_borders_touch_only_some_technicians_and_everything_left_out() -> None:
    parts = cut(DAY, 80)
    plan = planned(DAY, solutions=1)
    strips = borders(DAY, plan, parts, most_visits=80)
    crew, work = split(strips)
    assert 0 < len(crew) <= 9
    assert {left.visit_id for left in plan.unserved} <= set(work)
    assert borders(DAY, plan, cut(DAY, 240), most_visits=80) == []


@pytest.mark.parametrize("turn", range(3))
def test_routes_of_a_plan_stay_whole(turn: int) -> None:
    plan = planned(DAY, solutions=5)
    for part in cut(DAY, 60, plan=plan, turn=turn):
        crew = set(part.technicians)
        for route in plan_of(plan, part).routes:
            assert {stop.visit_id for stop in route.stops} <= set(part.visits)
        assert {owners(DAY, plan)[name] for name in part.visits if name in owners(DAY, plan)} <= crew


def test_locked_and_required_visits_go_with_their_technician() -> None:
    first, second = DAY.visits[:2]
    held = replace(
        DAY,
        locks=(Lock(first.id, "t7"),),
        visits=(first, replace(second, required_technician="t8"), *DAY.visits[2:]),
    )
    for part in cut(held, 40):
        assert ("t7" in part.technicians) == (first.id in part.visits)
        assert ("t8" in part.technicians) == (second.id in part.visits)
        assert {lock.visit_id for lock in problem_of(held, part).locks} <= set(part.visits)


def test_what_is_tied_together_stays_in_one_part() -> None:
    """A team, visits in turn, visits for one hand, and the two shifts of one person."""
    plane = spots(DAY)
    far = sorted(DAY.visits, key=lambda v: float(plane[v.location][0]))
    changes = {
        far[0].id: replace(far[0], team="lift"),
        far[-1].id: replace(far[-1], team="lift"),
        far[1].id: replace(far[1], same_technician="one hand"),
        far[-2].id: replace(far[-2], same_technician="one hand"),
        far[-3].id: replace(far[-3], after=(After(far[2].id), After("gone"))),
    }
    crew = tuple(replace(t, person="Ada") if t.id in {"t0", "t9"} else t for t in DAY.technicians)
    tied = replace(DAY, visits=tuple(changes.get(v.id, v) for v in DAY.visits), technicians=crew)
    held = replace(tied, locks=(Lock(far[0].id, "t3"), Lock(far[1].id, "Ada")))
    for problem, turn in ((tied, 0), (held, 0), (tied, 2), (held, 3)):
        parts = cut(problem, 60, turn=turn)
        assert len(parts) >= 3
        for part in parts:
            for one, other in ((0, -1), (1, -2), (2, -3)):
                assert (far[one].id in part.visits) == (far[other].id in part.visits)
            assert ("t0" in part.technicians) == ("t9" in part.technicians)
        assert sorted(split(parts)[1]) == sorted(v.id for v in DAY.visits)
    [part] = [part for part in cut(held, 60) if "t3" in part.technicians]
    assert far[-1].id in part.visits
    [part] = [part for part in cut(held, 60) if "t0" in part.technicians]
    assert far[-2].id in part.visits


def test_a_visit_goes_where_somebody_can_serve_it() -> None:
    """Only one technician has the skill; all visits that need it lie in her part."""
    rare = {v.id for v in DAY.visits[:12]}
    visits = tuple(replace(v, skills={"lift": 1}) if v.id in rare else v for v in DAY.visits)
    crew = tuple(replace(t, skills={**t.skills, "lift": 1}) if t.id == "t4" else t for t in DAY.technicians)
    parts = cut(replace(DAY, visits=visits, technicians=crew), 60)
    [part] = [part for part in parts if "t4" in part.technicians]
    assert rare <= set(part.visits)


def test_named_territories_are_cut_along_their_names() -> None:
    names = ("north", "south", "west")
    named = replace(
        DAY,
        visits=tuple(replace(v, territory=names[at % 3]) for at, v in enumerate(DAY.visits)),
        technicians=tuple(
            replace(t, territories=frozenset({names[at % 3]})) for at, t in enumerate(DAY.technicians)
        ),
    )
    parts = cut(named, 80)
    assert [{named.visit(v).territory for v in part.visits} for part in parts] == [{n} for n in names]  # type: ignore[union-attr]
    both = replace(named.technicians[0], territories=frozenset({"north", "south"}))
    mixed = cut(replace(named, technicians=(both, *named.technicians[1:])), 160)
    assert sorted(len(part.visits) for part in mixed) == [80, 160]


@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(0, 5))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_no_random_day_loses_a_visit(seed: int, most: int, turn: int) -> None:
    problem = random_day(seed)
    crew, work = split(cut(problem, most, turn=turn))
    assert len(set(crew)) == len(crew)
    assert sorted(work) == sorted(v.id for v in problem.visits)
