"""Stated times against a day lived second by second: drives, breaks, set-up, windows, fetches, teams."""

import random
from dataclasses import replace
from datetime import date

from optimizer import Break, Lock, Matrix, Plan, Problem, Route, Technician, Visit, Window, check
from optimizer.errors import InfeasibleRoute
from optimizer.features import is_tied
from optimizer.insertion import fill
from optimizer.planned import as_planned
from optimizer.problem import After, Depot, Traffic
from optimizer.schedule import retimed
from optimizer.timing import slacks, timetable
from tests.optimizer.by_hand import (
    Lived,
    best_lives,
    drive,
    due_breaks,
    first_start,
    live,
    opening_of,
    placements,
    stops_with_fetch,
)
from tests.optimizer.rich_days import KINDS, rich_day
from tests.optimizer.together_by_hand import live_together
from tests.optimizer.world import DAY

MINUTE, HOUR = 60, 3600
PLACES = 6


def a_route(seed: int) -> tuple[Problem, tuple[Visit, ...]]:
    """One technician, up to four visits in an order, and every rule that decides about times."""
    rng = random.Random(seed)
    scale = rng.choice([1, 60])  # a world of seconds, where all is tight, or of minutes, where hours change
    matrix = [
        [0 if a == b else scale * rng.randrange(1, 25) + rng.randrange(3) for b in range(PLACES)]
        for a in range(PLACES)
    ]
    begin = 8 * HOUR - 20 * scale
    visits = tuple(_visit(rng, number, scale, begin) for number in range(rng.randrange(1, 5)))
    breaks = []
    for _ in range(rng.choice([0, 1, 1, 2])):
        first = begin + scale * rng.randrange(90)
        breaks.append(Break(first, first + scale * rng.choice([0, 10, 40]), scale * rng.randrange(1, 20)))
    shift = Window(begin, begin + scale * rng.randrange(60, 260))
    ada = Technician(
        "ada",
        "Ada",
        0,
        rng.choice([0, 5]),
        shift,
        overtime=rng.choice([0, 15 * scale]),
        breaks=tuple(breaks),
        stock={"pump": rng.randrange(3)},
        earliest_departure=begin + 9 * scale if rng.random() < 0.2 else None,
    )
    depots = tuple(
        Depot(f"d{n}", rng.randrange(PLACES), scale * rng.randrange(5), {"pump": rng.randrange(4)})
        for n in range(rng.randrange(3))
    )
    problem = Problem(DAY, (ada,), visits, Matrix(matrix, matrix), depots=depots)  # type: ignore[arg-type]
    if scale > 1 and rng.random() < 0.7:
        problem = replace(problem, traffic=a_traffic(rng))
    locks = []
    if rng.random() < 0.2:
        locks.append(Lock("v0", "ada", begin + 3 * scale, sequence=0))
    if len(visits) > 2 and rng.random() < 0.2:
        moment = begin + scale * rng.randrange(120)
        locks.append(
            rng.choice([Lock("v2", start=moment), Lock("v2", range=Window(moment, moment + 40 * scale))])
        )
    return problem.with_locks(locks), visits


def a_traffic(rng: random.Random) -> Traffic:
    """Hours of very different speed in two zones."""
    factors = tuple(
        tuple(tuple(rng.choice([37, 100, 100, 143, 250]) for _ in range(2)) for _ in range(2))
        for _ in range(24)
    )
    return Traffic(tuple(rng.randrange(2) for _ in range(PLACES)), factors)


def _visit(rng: random.Random, number: int, scale: int, begin: int) -> Visit:
    windows = []
    for _ in range(rng.choice([0, 0, 1, 1, 2])):
        opens = begin + scale * rng.randrange(150)
        windows.append(Window(opens, opens + scale * rng.randrange(60)))
    length = scale * rng.randrange(1, 20)
    return Visit(
        f"v{number}",
        rng.randrange(PLACES),
        length,
        tuple(windows),
        window_end=rng.choice(["start", "arrival", "finish"]),
        durations={"ada": length + scale} if rng.random() < 0.3 else {},
        setup=rng.choice([0, 3 * scale]),
        parts={"pump": rng.randrange(3)} if rng.random() < 0.4 else {},
    )


def test_routes_are_timed_as_they_are_lived() -> None:
    seen = dict.fromkeys(("feasible", "infeasible", "fetch", "traffic", "breaks"), 0)
    for seed in range(600):
        problem, visits = a_route(seed)
        ada = problem.technicians[0]
        begun = len(opening_of(problem, ada)[2])
        expected: list[Lived] = []
        for calls in stops_with_fetch(problem, ada, visits[begun:]):
            expected = best_lives(problem, ada, calls)
            if expected:
                break
        try:
            route = timetable(problem, ada, visits)
        except InfeasibleRoute:
            assert not expected, f"seed {seed}: it can be driven"
            seen["infeasible"] += 1
            continue
        assert expected, f"seed {seed}: it cannot be driven"
        assert as_stated(route, begun) in [as_lived(lived) for lived in expected], f"seed {seed}"
        assert_leaves_as_late_as_it_can(problem, route, begun, seed)
        told = {violation.code for violation in check(problem, Plan((route,)))}
        assert told <= ({"PARTS"} if not problem.depots else set()), f"seed {seed}"  # counted, not timed
        seen["feasible"] += 1
        seen["fetch"] += bool(route.fetches)
        seen["traffic"] += problem.traffic is not None
        seen["breaks"] += bool(route.breaks)
    assert min(seen.values()) > 25, seen


def as_stated(route: Route, begun: int) -> tuple[object, ...]:
    """Start and end of every open stop, and the return."""
    open_ = {stop.visit_id for stop in route.stops[begun:]}
    calls = [
        call
        for call in route.calls()
        if getattr(call, "visit_id", None) in open_ or hasattr(call, "depot_id")
    ]
    return tuple((call.start, call.end) for call in calls), route.return_time


def as_lived(lived: Lived) -> tuple[object, ...]:
    """The same of a life."""
    return tuple((spent.start, spent.end) for spent in lived.stops), lived.return_time


def assert_leaves_as_late_as_it_can(problem: Problem, route: Route, begun: int, seed: int) -> None:
    """Leaving home a second later, or at any later moment tried, is too late for the first stop."""
    calls = list(route.calls())
    if begun or not calls:
        return
    technician, first = problem.technicians[0], calls[0]
    target = next(
        [v.location for v in problem.visits if v.id == getattr(first, "visit_id", None)]
        or [d.location for d in problem.depots if d.id == getattr(first, "depot_id", None)]
        for _ in range(1)
    )[0]
    setup = 0
    if hasattr(first, "visit_id") and target != technician.start:
        setup = next(v.setup for v in problem.visits if v.id == first.visit_id)
    rests = [(rest.start, rest.end) for rest in route.breaks if rest.start < first.start]
    moments = {
        route.departure + 1,
        *(end for _, end in rests),
        *range(route.departure + 1, first.start + 1, 97),
    }
    for moment in [m for m in moments if m > route.departure and not any(a < m < b for a, b in rests)]:
        arrived, _ = drive(problem, technician.start, target, now=moment, rests=rests)
        assert arrived > first.start - setup, f"seed {seed}: could leave at {moment}"
    arrived, driven = drive(problem, technician.start, target, now=route.departure, rests=rests)
    assert arrived <= first.start - setup
    assert (arrived, driven) == (first.arrival, first.travel), f"seed {seed}"


def a_company(seed: int) -> tuple[Problem, dict[str, tuple[Visit, ...]]]:
    """Up to four technicians without breaks, their routes, teams of two, and visits that wait for others."""
    rng = random.Random(seed)
    problem, _ = a_route(seed)
    scale = rng.choice([60, 1200])
    begin = 8 * HOUR
    zone = rng.choice([None, "Europe/Helsinki"])
    crew = tuple(
        replace(
            problem.technicians[0],
            id=f"t{n}",
            start=n,
            breaks=(),
            shift=Window(begin, begin + 300 * scale),
            stock={"pump": 99},
        )
        for n in range(rng.randrange(2, 5))
    )
    visits = [_visit(rng, number, scale, begin) for number in range(rng.randrange(3, 8))]
    for team in range(rng.choice([0, 1, 2])):
        for at in (2 * team, 2 * team + 1):
            if at < len(visits):
                visits[at] = replace(visits[at], team=f"team {team}")
    for _ in range(rng.choice([0, 1, 2, 3])):
        first, then = rng.sample(range(len(visits)), 2)
        wait = After(visits[first].id, rng.choice([0, 5, 30]) * scale, next_day=rng.random() < 0.1)
        visits[then] = replace(visits[then], after=(*visits[then].after, wait))
    company = replace(
        problem, technicians=crew, visits=tuple(visits), locks=(), depots=(), day=date(2026, 3, 28), zone=zone
    )
    sequences: dict[str, tuple[Visit, ...]] = {t.id: () for t in crew}
    for visit in rng.sample(visits, len(visits)):
        if rng.random() < 0.9:
            who = rng.choice(
                [t.id for t in crew if all(v.team is None or v.team != visit.team for v in sequences[t.id])]
                or [crew[0].id]
            )
            sequences[who] = (*sequences[who], visit)
    return company, sequences


def test_routes_that_wait_for_one_another_are_timed_as_they_are_lived() -> None:
    seen = dict.fromkeys(("feasible", "infeasible", "teams", "waits", "days"), 0)
    for seed in range(600):
        problem, sequences = a_company(seed)
        expected = live_together(problem, sequences)
        try:
            plan = retimed(problem, sequences)
        except InfeasibleRoute:
            assert expected is None, f"seed {seed}: it can be kept"
            seen["infeasible"] += 1
            continue
        stops = {stop.visit_id: (stop.start, stop.end) for route in plan.routes for stop in route.stops}
        assert expected is not None, f"seed {seed}: it cannot be kept"
        assert stops == {name: (spent.start, spent.end) for name, spent in expected.items()}, f"seed {seed}"
        told = {v.code for v in check(problem, plan)}
        assert told <= {"TEAM", "PRECEDENCE"}, f"seed {seed}: {told}"  # somebody of the team may be left out
        if all(visit.id in stops for visit in problem.visits):
            assert told <= {"TEAM"}
        seen["feasible"] += 1
        seen["teams"] += any(visit.team for visit in problem.visits)
        seen["waits"] += any(visit.after and visit.id in stops for visit in problem.visits)
        seen["days"] += any(end > 86_400 for _, end in stops.values())
    assert min(seen.values()) > 25, seen


def test_a_stop_may_be_late_by_its_slack_and_by_no_second_more() -> None:
    judged = 0
    for seed in range(300):
        problem, visits = a_route(seed)
        problem = replace(problem, depots=())
        try:
            route = timetable(problem, problem.technicians[0], visits)
        except InfeasibleRoute:
            continue
        spare = slacks(problem, route)
        for at, visit in enumerate(visits):
            if problem.is_begun(visit.id) or visit.window_end == "arrival":
                continue
            assert kept_with(problem, route, visits, at, spare[at]), f"seed {seed}: {visit.id}"
            assert not kept_with(problem, route, visits, at, spare[at] + 1), f"seed {seed}: {visit.id}"
            judged += 1
    assert judged > 150


def kept_with(problem: Problem, route: Route, visits: tuple[Visit, ...], at: int, late: int) -> bool:
    """Whether the day can still be kept when one stop begins so much later, with the same rests before it."""
    ada, visit, start = problem.technicians[0], visits[at], route.stops[at].start + late
    if first_start(problem, ada, visit, arrived=start, ready=start) != start:
        return False
    ready = opening_of(problem, ada)[1]
    taken = sum(1 for rest in route.breaks if ready <= rest.start < route.stops[at].start)
    rests = tuple(due_breaks(ada, ready)[taken:])
    then = replace(
        ada,
        start=visit.location,
        breaks=rests,
        earliest_departure=None,
        shift=replace(ada.shift, start=start + ada.time_for(visit)),
    )
    if len(due_breaks(then, then.shift.start)) < len(rests):
        return False
    later = replace(problem, technicians=(then,)).with_locks(k for k in problem.locks if not k.is_begun)
    if at + 1 == len(visits):
        limit = ada.shift.end + ada.overtime
        return any(_is_home(later, gaps, limit) for gaps in placements(rests, 2))
    return bool(best_lives(later, then, visits[at + 1 :]))


def _is_home(problem: Problem, gaps: list[list[Break]], limit: int) -> bool:
    """Whether the way home with these rests on it ends in time."""
    lived = live(problem, problem.technicians[0], (), gaps=gaps)
    return lived is not None and lived.return_time <= limit


def test_routes_of_rich_days_are_timed_as_they_are_lived() -> None:
    judged = fetched = 0
    for seed in range(45):
        problem = as_planned(rich_day(seed, kind=KINDS[seed % 3], visits=12, technicians=4))
        plan = fill(problem, {})
        tied = {v.id for v in problem.visits if is_tied(v)} | {
            wait.visit_id for v in problem.visits for wait in v.after
        }
        for route in plan.routes:
            technician = problem.technician(route.technician_id)
            visits = [v for stop in route.stops for v in problem.visits if v.id == stop.visit_id]
            if technician is None or tied & {v.id for v in visits} or len(visits) > 6:
                continue
            begun = len(opening_of(problem, technician)[2])
            ways = stops_with_fetch(problem, technician, visits[begun:])
            expected = next(filter(None, (best_lives(problem, technician, calls) for calls in ways)))
            assert as_stated(route, begun) in [as_lived(lived) for lived in expected], f"seed {seed}"
            judged += 1
            fetched += bool(route.fetches)
    assert judged > 40
    assert fetched > 0
