"""Asking about visits without which the route they are on cannot be driven moves nothing, nor fails."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from optimizer import Matrix, Offer, Plan, Problem, Route
from optimizer.booking import PlainOracle, Quoting, open_oracle
from optimizer.errors import InfeasibleRoute, OfferGone
from optimizer.taking_out import without
from tests.optimizer.world import HOUR, MINUTE, a_day, a_plan, a_technician, a_visit, line_matrix, window

WINDOWS = [window("8:00", "16:00"), window("8:00", "8:30"), window("12:00", "13:00")]
OPENED: tuple[Callable[[Problem, Plan], Quoting], ...] = (open_oracle, PlainOracle)


def the_way_by() -> Problem:
    """From the depot to place 2 it takes five hours, by place 1 twenty minutes."""
    roads = line_matrix()
    seconds = [list(row) for row in roads.seconds]
    seconds[0][2] = 5 * HOUR
    short = a_technician("ada", shift=window("8:00", "11:00"))
    return a_day(technicians=(short, a_technician("ben")), matrix=Matrix(seconds, roads.metres))


def the_set_up_spared() -> Problem:
    """Whoever comes from the first visit is spared the set-up of the second, which takes 20 minutes."""
    first = a_visit(1, duration=MINUTE)
    second = replace(a_visit(1), id="v2", setup=20 * MINUTE)
    short = a_technician("ada", shift=window("8:00", "8:55"))
    return a_day(first, second, technicians=(short, a_technician("ben")))


@pytest.mark.parametrize("day", [the_way_by, the_set_up_spared])
@pytest.mark.parametrize("opened", OPENED)
def test_a_visit_that_its_route_needs_is_offered_nowhere_else(
    day: Callable[[], Problem], opened: Callable[[Problem, Plan], Quoting]
) -> None:
    problem = day()
    plan = a_plan(problem, ada="v1 v2")
    first = problem.visits[0]
    with pytest.raises(InfeasibleRoute):
        without(problem, plan, first)
    desk = opened(problem, plan)
    for each in (False, True):
        assert desk.quote(first, WINDOWS, each_technician=each) == []
    refused = desk.refusals(first, WINDOWS)
    assert {(refusal.technician_id, refusal.code) for refusal in refused} == {
        ("ada", "INFEASIBLE_ROUTE"),
        ("ben", "INFEASIBLE_ROUTE"),
    }
    assert desk.reopen(first, WINDOWS[0]) is None
    with pytest.raises(OfferGone):
        desk.commit(Offer(WINDOWS[0], 0, "ben", 0, 0, 0, 0, first))
    assert desk.plan == plan
    assert desk.quote(replace(first, id="new"), WINDOWS) != []


@pytest.mark.parametrize("day", [the_way_by, the_set_up_spared])
def test_after_the_question_the_route_is_asked_about_as_before(day: Callable[[], Problem]) -> None:
    """The arrays are put back."""
    problem = day()
    desk = open_oracle(problem, plan := a_plan(problem, ada="v1 v2"))
    new = replace(problem.visits[1], id="new")
    before = desk.quote(new, WINDOWS, each_technician=True)
    desk.quote(problem.visits[0], WINDOWS)
    assert desk.quote(new, WINDOWS, each_technician=True) == before
    assert before == PlainOracle(problem, plan).quote(new, WINDOWS, each_technician=True)


def test_a_route_that_could_not_be_driven_anyway_lets_its_visits_go() -> None:
    """Ada has fallen ill at nine; only without v4 is she home in time."""
    whole = a_day()
    plan = a_plan(whole, ada="v1 v4", ben="v2")
    problem = replace(
        whole, technicians=(a_technician("ada", shift=window("8:00", "9:00")), a_technician("ben"))
    )
    for visit_id, is_open in (("v4", True), ("v1", False)):
        visit = problem.visit(visit_id)
        assert visit is not None
        rest = without(problem, plan, visit)
        assert [stop.visit_id for stop in _route(rest, "ada").stops] == ["v1" if is_open else "v4"]
        fast, plain = (desk(problem, plan) for desk in OPENED)
        found = fast.quote(visit, WINDOWS, each_technician=True)
        assert found == plain.quote(visit, WINDOWS, each_technician=True)
        assert "ben" in {offer.technician_id for offer in found}
        # what remains with ada stands where it stood, and is for the planner to see to
        after = fast.commit(next(offer for offer in found if offer.technician_id == "ben"))
        assert visit_id in {stop.visit_id for stop in _route(after, "ben").stops}
        assert fast.quote(replace(visit, id="next"), WINDOWS) == open_oracle(fast.problem, after).quote(
            replace(visit, id="next"), WINDOWS
        )


def _route(plan: Plan, technician: str) -> Route:
    found = plan.route_of(technician)
    assert found is not None
    return found
