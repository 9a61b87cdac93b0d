"""Times along a route: by hand, and against a second-by-second search of everything a technician could do."""

import random
from functools import cache
from itertools import pairwise

import pytest

from optimizer import Break, BreakTaken, Lock, Matrix, Problem, Technician, Visit, Window
from optimizer.drives import Entry, breaks_ahead, cross, cross_back, latest_ready, opening, service_start
from optimizer.errors import InfeasibleRoute
from optimizer.timing import slacks, timetable
from optimizer.units import NEVER, clock, span
from tests.optimizer.world import DAY, a_day, a_plan, a_technician, a_visit, at, window

NOON_OR_THREE = (Entry(720, 780, 780), Entry(900, 960, 960))


@pytest.mark.parametrize(
    ("arrival", "start"), [(0, 720), (720, 720), (780, 780), (781, 900), (960, 960), (961, NEVER)]
)
def test_service_starts_in_the_first_window_that_is_still_open(arrival: int, start: int) -> None:
    assert service_start(arrival, NOON_OR_THREE) == start


@pytest.mark.parametrize(
    ("deadline", "start"), [(719, -NEVER), (720, 720), (800, 780), (900, 900), (2000, 960)]
)
def test_latest_start_lies_in_the_last_window_that_has_opened(deadline: int, start: int) -> None:
    assert latest_ready(deadline, NOON_OR_THREE) == start


def test_no_window_means_any_time() -> None:
    assert service_start(17, ()) == 17
    assert latest_ready(17, ()) == 17


@pytest.mark.parametrize(
    ("ready", "travel", "over"),
    [(0, 10, 130), (50, 10, 130), (95, 10, 135), (110, 10, 150), (111, 10, NEVER), (90, 10, 130)],
)
def test_a_drive_is_interrupted_by_a_break_that_falls_due(ready: int, travel: int, over: int) -> None:
    # The break begins between 100 and 110 and lasts 30.
    assert cross(ready, travel, (Break(100, 110, 30),)) == over


def test_crossing_backwards_is_the_inverse_of_crossing() -> None:
    breaks = (Break(100, 110, 30), Break(150, 200, 5))
    for travel in (0, 7, 60):
        for deadline in range(0, 400, 3):
            latest = cross_back(deadline, travel, breaks)
            if latest > -NEVER:
                assert cross(latest, travel, breaks) <= deadline
            following = max(latest + 1, 0)
            assert cross(following, travel, breaks) > deadline


def test_technician_leaves_home_just_in_time_for_the_first_window() -> None:
    route = a_plan(a_day(a_visit(2, windows=(window("10:00", "11:00"),))), ada="v2").routes[0]
    assert route.departure == at("9:40")
    assert (route.stops[0].arrival, route.stops[0].start) == (at("10:00"), at("10:00"))


def test_a_break_at_home_lets_the_departure_wait() -> None:
    ada = a_technician("ada", breaks=(Break(at("9:00"), at("12:00"), 1800),))
    day = a_day(a_visit(2, windows=(window("10:00", "11:00"),)), technicians=(ada,))
    route = a_plan(day, ada="v2").routes[0]
    assert route.departure == at("9:40")
    assert route.return_time == at("10:50")
    assert route.breaks in {
        (BreakTaken(at("9:00"), at("9:30")),),
        (BreakTaken(at("10:50"), at("11:20")),),
    }


def test_slack_is_what_the_tightest_later_stop_leaves() -> None:
    day = a_day(a_visit(1), a_visit(2, windows=(window("9:00", "9:15"),)), technicians=(a_technician("ada"),))
    route = a_plan(day, ada="v1 v2").routes[0]
    # v1 8:10-8:40, v2 reached 8:50, waits for 9:00, may begin as late as 9:15: v1 may slip 25 minutes.
    assert slacks(day, route) == (25 * 60, 15 * 60)


def test_a_begun_stop_keeps_its_recorded_time_and_the_rest_follows_it() -> None:
    ada = a_technician("ada", earliest_departure=at("9:00"))
    day = a_day(a_visit(1), a_visit(2), technicians=(ada,))
    day = day.with_locks([Lock("v1", "ada", at("8:05"), sequence=0)])
    route = a_plan(day, ada="v1 v2").routes[0]
    assert [(s.arrival, s.start) for s in route.stops] == [
        (at("8:05"), at("8:05")),
        (at("9:10"), at("9:10")),
    ]
    assert slacks(day, route)[0] == 0


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"shift": window("8:00", "8:49")}, "SHIFT"),
        ({"breaks": (Break(at("8:15"), at("8:20"), 60),)}, "BREAK"),
        ({"earliest_departure": at("8:01")}, "ARRIVAL_WINDOW"),
    ],
)
def test_an_infeasible_route_names_the_rule(changes: dict[str, object], rule: str) -> None:
    ada = a_technician("ada", **changes)
    day = a_day(a_visit(1, windows=(window("8:10", "8:10"),)), technicians=(ada,))
    with pytest.raises(InfeasibleRoute) as missed:
        timetable(day, ada, day.visits)
    assert missed.value.rule == rule


def test_breaks_that_a_late_day_makes_impossible_are_given_up() -> None:
    lunch, tea = Break(at("11:00"), at("13:00"), 1800), Break(at("13:00"), at("13:10"), 900)
    assert breaks_ahead((tea, lunch), at("8:00")) == (lunch, tea)
    assert breaks_ahead((tea, lunch), at("12:40")) == (lunch, tea)
    assert breaks_ahead((tea, lunch), at("12:41")) == (lunch,)
    assert breaks_ahead((tea, lunch), at("13:05")) == (tea,)
    assert breaks_ahead((tea, lunch), at("13:11")) == ()


def test_clock_and_span_read_well() -> None:
    assert [clock(t) for t in (at("8:05"), 91_800, 30, -60)] == ["8:05", "25:30", "0:00:30", "-0:01"]
    assert [span(t) for t in (45, 1_200, 7_500)] == ["45 s", "20 min", "2 h 05 min"]


def tiny_route(seed: int) -> Problem:
    """One technician and up to three visits in a world of seconds."""
    rng = random.Random(seed)
    size = 4
    seconds = [[0 if a == b else rng.randrange(1, 6) for b in range(size)] for a in range(size)]
    visits = []
    for place in range(1, 1 + rng.randrange(1, 4)):
        windows = []
        for _ in range(rng.randrange(3)):
            opens = rng.randrange(25)
            windows.append(Window(opens, opens + rng.randrange(8)))
        visits.append(Visit(f"v{place}", place, rng.randrange(1, 6), tuple(windows)))
    breaks = []
    for _ in range(rng.randrange(3)):
        earliest = rng.randrange(25)
        breaks.append(Break(earliest, earliest + rng.randrange(8), rng.randrange(1, 5)))
    ada = Technician("ada", "Ada", 0, 0, Window(2, 30), overtime=rng.choice([0, 5]), breaks=tuple(breaks))
    return Problem(DAY, (ada,), tuple(visits), Matrix(seconds, seconds))


def earliest_return(problem: Problem) -> int | None:
    """
    Earliest return over everything the technician could do, second by second.

    At each moment: idle, drive for a second, begin the next break, or begin the service when there. Breaks
    are taken in order of time; those left over are taken at home.
    """
    ada = problem.technicians[0]
    breaks = list(opening(problem, ada).breaks)
    legs = [problem.matrix.seconds[a][b] for a, b in _ways(problem)]
    limit = ada.shift.end + ada.overtime

    @cache
    def rest(now: int, taken: int) -> bool:
        if taken == len(breaks):
            return True
        pause = breaks[taken]
        begin = max(now, pause.earliest)
        return begin <= pause.latest and rest(begin + pause.duration, taken + 1)

    @cache
    def best(now: int, stop: int, left: int, taken: int) -> int:
        if now > limit:
            return NEVER
        if stop == len(problem.visits) and left == 0:
            return now if rest(now, taken) else best(now + 1, stop, left, taken)
        options = [best(now + 1, stop, left, taken)]
        if left:
            options.append(best(now + 1, stop, left - 1, taken))
        if taken < len(breaks) and breaks[taken].earliest <= now <= breaks[taken].latest:
            options.append(best(now + breaks[taken].duration, stop, left, taken + 1))
        if left == 0 and stop < len(problem.visits):
            visit = problem.visits[stop]
            if not visit.windows or any(w.start <= now <= w.end for w in visit.windows):
                options.append(best(now + visit.duration, stop + 1, legs[stop + 1], taken))
        return min(options)

    found = best(ada.shift.start, 0, legs[0], 0)
    return None if found >= NEVER else found


def _ways(problem: Problem) -> list[tuple[int, int]]:
    """Ways of the route through all visits in their order."""
    places = [0, *(visit.location for visit in problem.visits), 0]
    return list(pairwise(places))


def test_timing_agrees_with_an_exhaustive_search_on_a_thousand_routes() -> None:
    feasible = 0
    for seed in range(1_000):
        problem = tiny_route(seed)
        ada = problem.technicians[0]
        try:
            found: int | None = timetable(problem, ada, problem.visits).return_time
        except InfeasibleRoute:
            found = None
        assert found == earliest_return(problem), f"seed {seed}"
        feasible += found is not None
    assert 300 < feasible < 900
