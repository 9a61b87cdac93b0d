"""Days of a few visits are planned as cheaply as can be, whatever makes that hard."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from optimizer import Budget, Lock, Matrix, Problem, Window, check, solve
from optimizer.engines.ruin import looking
from optimizer.every_plan import EveryPlan, Looked
from optimizer.insertion import mended
from optimizer.planned import as_planned
from optimizer.problem import After
from optimizer.units import DAY as NEXT
from tests.optimizer.brute_force import cheapest_of_all, places_kept
from tests.optimizer.rich_days import KINDS, rich_day
from tests.optimizer.world import HOUR, a_day, a_technician, a_visit, at, window

FEW = Budget(solutions=50)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("visits", "technicians"), [(5, 1), (4, 2), (5, 2)])
def test_days_of_all_rules_are_planned_as_well_as_by_trying_everything(
    kind: str, visits: int, technicians: int
) -> None:
    """Whatever the day holds; a visit locked to a place in a route is served, though that costs more."""
    worse = {}
    for seed in range(100, 100 + (2 if technicians * visits > 8 else 6)):
        problem = rich_day(seed, kind=kind, visits=visits, technicians=technicians)
        result = solve(problem, FEW, seed=seed, engine="ruin")
        day = as_planned(problem)
        least = cheapest_of_all(day, serving=places_kept(day, result.plan))
        if least is not None and result.cost > least:
            worse[seed] = result.cost - least
    assert worse == {}


def one_way_streets() -> Problem:
    """Two visits that one drive can serve in one order alone, and neither of them by itself."""
    day = a_day(a_visit(1, respond_by=at("15:00")), a_visit(2), technicians=(a_technician("ada"),))
    seconds = [list(row) for row in day.matrix.seconds]
    seconds[0][2] = seconds[1][0] = 24 * HOUR
    return replace(day, matrix=Matrix(seconds, day.matrix.metres))  # type: ignore[arg-type]


def first_of_tomorrow() -> Problem:
    """A visit locked to the first place of a route, waiting for one that another had better serve."""
    early = a_technician("ben", start=4, end=4)
    late = a_technician("ada", shift=Window(window("12:00", "16:00").start, NEXT + 4 * HOUR))
    day = a_day(a_visit(1), a_visit(2, after=(After("v1", next_day=True),)), technicians=(late, early))
    return day.with_locks([Lock("v2", "ada", sequence=0)])


TINY = pytest.mark.parametrize(
    "day", [one_way_streets(), first_of_tomorrow()], ids=["rich", "left to routing"]
)


def test_visits_that_fit_together_alone_are_planned() -> None:
    assert_cheapest(one_way_streets())


def test_visits_that_fit_together_alone_are_kept_of_a_plan() -> None:
    day = one_way_streets()
    together = {"ada": tuple(day.visits)}
    assert mended(day, together) == together
    assert mended(day, {"ada": together["ada"][:1]}) == {}


def test_a_tiny_day_left_to_the_reference_engine_is_planned_at_its_cheapest() -> None:
    assert_cheapest(first_of_tomorrow())


@TINY
def test_a_look_cut_short_is_taken_again_when_the_search_leaves_time(
    day: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "LOOKED_SHARE", 0)
    assert_cheapest(day, replace(FEW, seconds=60))


@TINY
def test_a_look_given_up_is_taken_again_from_what_the_search_has_found(
    day: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Days 3703 and 4036 of the campaign have too many plans below a first plan's price alone."""
    looks: list[int] = []
    usual = EveryPlan.on

    def on(self: EveryPlan, known: int, cancel: Callable[[], bool]) -> Looked:
        looks.append(known)
        return Looked(None, is_whole=False) if len(looks) == 1 else usual(self, known, cancel)

    monkeypatch.setattr(EveryPlan, "on", on)
    assert_cheapest(day)
    assert len(looks) >= 2


@TINY
def test_no_look_is_taken_once_planning_is_called_off(day: Problem) -> None:
    result = solve(day, FEW, seed=1, engine="ruin", cancel=lambda: True)
    assert check(as_planned(day), result.plan) == []


def test_progress_tells_what_the_last_look_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "LOOKED_SHARE", 0)
    told: list[int | None] = []
    result = solve(
        first_of_tomorrow(),
        replace(FEW, seconds=60),
        engine="ruin",
        on_progress=lambda progress: told.append(progress.cost),
    )
    assert told[-1] == result.cost
    assert result.stats["instead_of"] == "ruin"


def assert_cheapest(problem: Problem, budget: Budget = FEW) -> None:
    """The engine's plan is valid and costs no more than the cheapest."""
    result = solve(problem, budget, seed=1, engine="ruin")
    assert check(as_planned(problem), result.plan) == []
    least = cheapest_of_all(as_planned(problem))
    assert least is not None
    assert result.cost <= least
