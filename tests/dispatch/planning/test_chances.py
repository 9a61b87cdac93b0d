"""How likely an arrival is in time: against drawing the same day many times."""

from __future__ import annotations

import random
from statistics import mean

import numpy as np
import pytest

from dispatch.planning.chances import Later, Spread, forecast, lost
from optimizer.plan import Route, Stop
from optimizer.problem import Window

DRAWS = 20_000


def shares_in_time(route: Route, promised: dict[str, Window], spread: Spread, seed: int) -> dict[str, float]:
    """Many days as they may happen, driven stop by stop: how often each arrival is in time."""
    chance = np.random.default_rng(seed)
    now = np.full(DRAWS, float(route.departure))
    found = {}
    for stop in route.stops:
        now += stop.travel * chance.normal(spread.travel_mean, spread.travel_deviation, DRAWS)
        window = promised[stop.visit_id]
        found[stop.visit_id] = float((now <= window.end).mean())
        now = np.maximum(now, window.start)
        now += (stop.end - stop.start) * chance.normal(spread.work_mean, spread.work_deviation, DRAWS)
    return found


def a_route(legs: list[tuple[int, int, int]]) -> tuple[Route, dict[str, Window]]:
    """Stops by (travel, work, seconds that the window opens before or after the planned arrival)."""
    now, stops, promised = 8 * 3600, [], {}
    for number, (travel, work, opening) in enumerate(legs):
        arrival = now + travel
        start = max(arrival, arrival + opening)
        stops.append(Stop(f"V{number}", arrival, start, start + work, travel, travel * 10))
        promised[f"V{number}"] = Window(arrival + opening, arrival + opening + 7200)
        now = start + work
    return Route("T", 8 * 3600, tuple(stops), return_time=now), promised


def generated(number: int) -> list[tuple[int, int, int]]:
    """Drives, repairs and windows of a route nobody thought of."""
    draw = random.Random(number)
    return [
        (draw.randint(60, 2400), draw.randint(900, 6000), draw.randint(-7000, 1800))
        for _ in range(draw.randint(1, 8))
    ]


def test_chances_are_those_of_many_drawn_days() -> None:
    """R-303: of two hundred routes, by twenty thousand drawn days each: in the mean within half a point."""
    apart = []
    for number in range(200):
        route, promised = a_route(generated(number))
        drawn = shares_in_time(route, promised, Spread(), 7)
        told = forecast(route, promised, Spread())
        apart += [abs(told[visit].chance - drawn[visit]) for visit in drawn]
    assert mean(apart) < 0.006
    assert max(apart) < 0.2
    assert sorted(apart)[int(0.98 * len(apart))] < 0.06


def test_waiting_for_a_window_to_open_forgets_how_early_somebody_came() -> None:
    known = Later(1000.0, 0.0).not_before(2000)
    assert (known.mean, known.variance) == (2000, 0)
    hardly = Later(1000.0, 50.0**2).not_before(2000)
    assert hardly.mean == pytest.approx(2000, abs=0.01)
    assert hardly.deviation < 1
    free = Later(9000.0, 50.0**2).not_before(2000)
    assert (free.mean, free.deviation) == (pytest.approx(9000), pytest.approx(50))


def test_what_has_begun_is_a_fact_and_the_rest_starts_from_its_end() -> None:
    route, promised = a_route([(600, 3600, -600), (600, 3600, -600)])
    later = forecast(route, promised, Spread(), begun=frozenset({"V0"}), now=route.stops[0].end)
    assert set(later) == {"V1"}
    assert later["V1"].arrival.variance == pytest.approx((600 * Spread().travel_deviation) ** 2)


def test_work_under_way_ends_at_an_uncertain_moment() -> None:
    """R-503: the longer it may go on, the less certain is what follows."""
    route, promised = a_route([(600, 3600, -600), (600, 3600, -600)])
    words = {"promised": promised, "spread": Spread(), "begun": frozenset({"V0"})}
    end = route.stops[0].end
    over, soon, fresh = (
        forecast(route, now=now, **words)["V1"].arrival.variance  # type: ignore[arg-type]
        for now in (end, end - 60, route.stops[0].start)
    )
    assert over < soon < fresh


def test_an_insertion_costs_others_what_it_takes_from_their_chances() -> None:
    """Displacement: a stop squeezed in before a tight one makes that one less likely."""
    before, promised = a_route([(600, 3600, -600), (600, 3600, -7100)])
    tight = {**promised, "V1": Window(promised["V1"].start, before.stops[1].arrival + 120)}
    had = forecast(before, tight, Spread())
    later = Route("T", before.departure, before.stops[1:], return_time=before.return_time)
    assert lost(had, had) == 0
    assert lost(had, {"V1": forecast(later, tight, Spread())["V1"]}) == 0
    assert had["V1"].chance < 0.7
    pressed = forecast(before, {**tight, "V1": Window(0, before.stops[1].arrival - 600)}, Spread())
    assert lost(had, pressed) == pytest.approx(had["V1"].chance - pressed["V1"].chance)


def test_without_a_promise_a_stop_is_always_in_time() -> None:
    route, _ = a_route([(600, 3600, -600)])
    assert forecast(route, {}, Spread())["V0"].chance == 1
