"""The measurement of offers takes what the product would put first, and tidies as often."""

from dataclasses import replace

import pytest

from benchmarks.days import field_day
from benchmarks.offer_quality import WINDOWS, best_offer, taken, tidied_every
from dispatch.planning.rules import OfferPolicy
from optimizer.booking import open_oracle
from optimizer.check import check
from optimizer.plan import Plan

CROWDED = OfferPolicy(full_slot_minor=1_000_000)


@pytest.mark.parametrize(("visits", "calls"), [(30, 1), (300, 1), (960, 1), (1_920, 2), (4_800, 5)])
def test_half_a_minute_is_so_many_calls_of_a_desks_day(visits: int, calls: int) -> None:
    assert tidied_every(visits) == calls


def test_every_call_is_promised_a_window_that_the_day_keeps() -> None:
    day = field_day(1, 8, 3)
    problem, plan, turned_away = taken(day, tidy_every=3)
    assert turned_away + len(problem.visits) == len(day.visits)
    assert {visit.windows[0] for visit in problem.visits} <= set(WINDOWS)
    assert check(problem, plan) == []


def test_the_first_offer_is_not_the_cheapest_where_slots_are_full() -> None:
    """R-303: the order of offers looks at the load as well."""
    day = field_day(2, 8, 2)
    problem, plan, _ = taken(replace(day, visits=day.visits[:-1]))
    desk, last = open_oracle(problem, plan), day.visits[-1]
    cheapest = min(desk.quote(replace(last, windows=()), WINDOWS), key=lambda offer: offer.extra_cost)
    chosen = best_offer(open_oracle(problem, plan), last, CROWDED)
    assert chosen is not None
    busy = [
        sum(
            max(0, min(stop.end, offer.window.end) - max(stop.arrival - stop.travel, offer.window.start))
            for route in plan.routes
            for stop in route.stops
        )
        for offer in (chosen, cheapest)
    ]
    assert busy[0] < busy[1]
    assert chosen.extra_cost >= cheapest.extra_cost


def test_a_day_without_anybody_turns_every_call_away() -> None:
    day = field_day(1, 3, 2)
    assert taken(replace(day, technicians=()))[1:] == (Plan(()), 3)
