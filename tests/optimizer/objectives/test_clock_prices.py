"""Prices that go by the clock, by pairs and by shares of work, as the reference engine weighs them."""

from dataclasses import replace

import pytest

from optimizer import Budget, Policy, Problem, Result, Window, check, solve
from optimizer.units import DAY as A_DAY
from tests.optimizer.world import HOUR, a_day, a_technician, a_visit, at, served_by, window

ADA = (a_technician("ada"),)


def planned(problem: Problem) -> Result:
    """The reference engine's result, approved by the checker."""
    result = solve(problem, Budget(solutions=40), engine="routing")
    assert check(problem, result.plan) == []
    return result


def start_of(result: Result, visit_id: str) -> int:
    """Start of service of a visit."""
    return next(s.start for route in result.plan.routes for s in route.stops if s.visit_id == visit_id)


def test_the_visit_with_a_limit_of_response_comes_first() -> None:
    """A late arrival costs by the hour (R-401), so the far visit is served before the near one."""
    day = a_day(a_visit(1), a_visit(4, respond_by=at("8:40")), technicians=ADA)
    result = planned(day)
    assert start_of(result, "v4") == at("8:40")
    assert result.cost_by_term["lateness"] == 0


def test_lateness_costs_step_on_step() -> None:
    """Two hours late: 60.00 an hour for both, 120.00 more for the second (R-402)."""
    day = a_day(a_visit(1, windows=(window("10:00", "11:00"),), resolve_by=at("8:30")), technicians=ADA)
    result = planned(day)
    assert start_of(result, "v1") == at("10:00")
    assert result.cost_by_term["lateness"] == 2 * 6_000 + 12_000
    assert result.stats["model_cost"] == result.cost


def test_an_announced_time_is_kept_where_a_detour_is_cheaper_than_telling() -> None:
    """A customer is told anew only beyond what the policy bears (R-302)."""
    day = a_day(a_visit(1), a_visit(2, announced=at("8:20")), technicians=ADA)
    result = planned(day)
    assert result.cost_by_term["stability"] == 0
    moved = planned(replace(day, visits=(a_visit(1, windows=(window("8:00", "8:10"),)), day.visits[1])))
    assert moved.cost_by_term["stability"] == 1_500
    assert moved.stats["model_cost"] == moved.cost


@pytest.mark.parametrize("preferred", ["ada", "ben"])
def test_a_preferred_technician_goes(preferred: str) -> None:
    result = planned(a_day(a_visit(1, preferred_technicians=frozenset({preferred}))))
    assert served_by(result.plan) == {"v1": preferred}


def test_whoever_is_no_better_than_needed_goes() -> None:
    master, fitter = a_technician("ada", skills={"gas": 4}), a_technician("ben", skills={"gas": 1})
    result = planned(a_day(a_visit(1, skills={"gas": 1}), technicians=(master, fitter)))
    assert served_by(result.plan) == {"v1": "ben"}
    alone = planned(a_day(a_visit(1, skills={"gas": 1}), technicians=(master,)))
    assert alone.cost_by_term["preference"] == 3 * 100
    assert alone.stats["model_cost"] == alone.cost


def test_fairness_shares_work_out_with_what_was_worked_before() -> None:
    fair = Policy(fairness_cents=2_000)
    day = a_day(*(a_visit(1, id=f"v{i}", duration=HOUR) for i in range(4)), policy=fair)
    assert sorted(served_by(planned(day).plan).values()) == ["ada", "ada", "ben", "ben"]
    tired = (a_technician("ada", worked=20 * HOUR), a_technician("ben"))
    assert set(served_by(planned(replace(day, technicians=tired)).plan).values()) == {"ben"}


def test_fairness_counts_all_shifts_of_a_person_together() -> None:
    shifts = (
        a_technician("a-1", person="ada"),
        a_technician("a-2", person="ada", shift=window("32:00", "40:00")),
    )
    day = a_day(
        a_visit(1, duration=HOUR, windows=(window("9:00", "10:00"),)),
        a_visit(1, id="next", duration=HOUR, windows=(window("33:00", "34:00"),)),
        technicians=shifts,
        policy=Policy(fairness_cents=900),
    )
    result = planned(day)
    work = 2 * (HOUR + 1_200)
    assert result.cost_by_term["fairness"] == (900 * work**2 + HOUR**2 // 2) // HOUR**2
    assert abs(int(result.stats["model_cost"]) - result.cost) <= 1


def test_a_courtesy_call_is_made_only_on_the_way() -> None:
    """It is worth 10.00; place 2 lies on the way to place 4, place 4 is 20 minutes beyond place 2."""
    call = replace(a_visit(2, id="call"), courtesy=True)
    assert "call" in served_by(planned(a_day(a_visit(4), call, technicians=ADA)).plan)
    far = replace(call, location=4)
    assert "call" not in served_by(planned(a_day(a_visit(2), far, technicians=ADA)).plan)


@pytest.mark.parametrize("engine", ["ruin", "routing"])
def test_the_limit_of_resolution_chooses_the_day(engine: str) -> None:
    """The second day lies nearer, but is too late for the contract (R-402)."""
    far = a_technician("mon", person="ada", start=4, end=4)
    near = a_technician("tue", person="ada", shift=Window(A_DAY + 8 * HOUR, A_DAY + 16 * HOUR))
    at_leisure = a_day(a_visit(1), technicians=(far, near))
    bound = replace(at_leisure, visits=(a_visit(1, resolve_by=at("16:00")),))
    chosen = [
        served_by(solve(day, Budget(solutions=40), engine=engine).plan)["v1"] for day in (at_leisure, bound)
    ]
    assert chosen == ["tue", "mon"]
