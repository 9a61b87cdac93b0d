"""The booking oracle against enumeration, and what it must refuse."""

import time
from dataclasses import replace

import pytest

from optimizer import (
    Lock,
    Offer,
    Plan,
    Problem,
    Technician,
    Visit,
    Window,
    check,
    cost,
    insert,
    quote,
    refusals,
)
from optimizer.constraints import blocked
from optimizer.constraints.parts import on_van
from optimizer.errors import InfeasibleRoute, OfferGone
from optimizer.insertion import fill
from optimizer.schedule import retimed
from optimizer.timing import timetable
from tests.optimizer.random_days import random_day
from tests.optimizer.world import HOUR, a_day, a_plan, a_technician, a_visit, at, codes, window

WINDOWS = tuple(Window(at("8:00") + i * HOUR, at("8:00") + (i + 2) * HOUR) for i in range(8))
NEW = Visit("new", 3, 1800)


def enumerated(problem: Problem, plan: Plan, visit: Visit, windows: tuple[Window, ...]) -> dict[Window, int]:
    """Cheapest extra cost per window by driving every route with the visit at every place."""
    best: dict[Window, int] = {}
    before = sum(cost(problem, plan).values())
    for asked in windows:
        narrowed = replace(visit, windows=(asked,))
        wider = problem.with_visit(narrowed)
        for technician in problem.technicians:
            for sequence in _insertions(problem, plan, technician, visit=narrowed):
                try:
                    route = timetable(wider, technician, sequence)
                except InfeasibleRoute:
                    continue
                others = tuple(r for r in plan.routes if r.technician_id != technician.id)
                full = Plan((*others, route), plan.unserved)
                if check(wider, full):
                    continue
                extra = sum(cost(wider, full).values()) - before
                best[asked] = min(best.get(asked, extra), extra)
    return best


def _insertions(
    problem: Problem, plan: Plan, technician: Technician, *, visit: Visit
) -> list[tuple[Visit, ...]]:
    """Every sequence of a technician with one more visit."""
    route = plan.route_of(technician.id)
    found = [problem.visit(stop.visit_id) for stop in route.stops] if route else []
    visits = [v for v in found if v is not None]
    return [(*visits[:i], visit, *visits[i:]) for i in range(len(visits) + 1)]


@pytest.mark.parametrize("seed", range(25))
def test_best_insertion_equals_enumeration(seed: int) -> None:
    problem = random_day(seed, visits=8, technicians=2)
    plan = fill(problem, {})
    wanted = random_day(seed + 1_000, visits=8, technicians=2).visits[0]
    visit = replace(wanted, id="new", location=3, windows=())
    offers = quote(problem, plan, visit, WINDOWS)
    assert {offer.window: offer.extra_cost for offer in offers} == enumerated(problem, plan, visit, WINDOWS)
    for offer in offers:
        taken = insert(problem, plan, offer, visit)
        wider = problem.with_visit(replace(visit, windows=(offer.window,)))
        assert check(wider, taken) == []
        stop = taken.route_of(offer.technician_id).stops[offer.position]  # type: ignore[union-attr]
        assert (stop.visit_id, stop.arrival, stop.start) == ("new", offer.arrival, offer.start)
        assert sum(cost(wider, taken).values()) - sum(cost(problem, plan).values()) == offer.extra_cost


@pytest.mark.parametrize("seed", range(10))
def test_slack_is_exactly_how_much_later_the_service_could_begin(seed: int) -> None:
    problem = random_day(seed, visits=8, technicians=2, begun=False)
    plan = fill(problem, {})
    offers = quote(problem, plan, NEW, WINDOWS, each_technician=True)
    assert offers
    for offer in offers:
        technician = problem.technician(offer.technician_id)
        assert technician is not None
        last = offer.start + offer.slack
        assert last <= offer.window.end
        assert _can_begin_at(problem, plan, technician, offer=offer, start=last)
        if last < offer.window.end and not technician.breaks:
            assert not _can_begin_at(problem, plan, technician, offer=offer, start=last + 1)


def _can_begin_at(problem: Problem, plan: Plan, technician: Technician, *, offer: Offer, start: int) -> bool:
    """Whether the route holds with the new visit pinned to one moment at the offered place."""
    pinned = replace(NEW, windows=(Window(start, start),))
    sequence = _insertions(problem, plan, technician, visit=pinned)[offer.position]
    try:
        timetable(problem.with_visit(pinned), technician, sequence)
    except InfeasibleRoute:
        return False
    return True


def test_offers_come_cheapest_first_and_are_the_same_every_time() -> None:
    day = a_day()
    plan = a_plan(day, ada="v1 v2", ben="v3 v4")
    offers = quote(day, plan, NEW, WINDOWS, each_technician=True)
    assert offers == sorted(offers, key=lambda o: (o.extra_cost, o.start))
    assert offers == quote(day, plan, NEW, WINDOWS, each_technician=True)
    assert {offer.technician_id for offer in offers} == {"ada", "ben"}


def test_an_offer_by_hand() -> None:
    # Ben passes place 3 on his way to 4: no detour, so nothing extra; he begins at 8:30 and has until 10:00.
    day = a_day(a_visit(4), technicians=(a_technician("ada"), a_technician("ben")))
    plan = a_plan(day, ben="v4")
    offers = quote(day, plan, NEW, (window("8:00", "10:00"),), each_technician=True)
    assert offers[0] == Offer(window("8:00", "10:00"), 0, "ben", 0, at("8:30"), at("8:30"), 5_400)
    assert offers[1].technician_id == "ada"
    assert offers[1].extra_cost == 2 * (15 * 30 + 1_500)


def test_a_window_that_would_break_a_later_promise_is_not_offered() -> None:
    ada = a_technician("ada")
    day = a_day(a_visit(1, windows=(window("8:10", "8:15"),)), technicians=(ada,))
    plan = a_plan(day, ada="v1")
    early = quote(day, plan, NEW, (window("8:00", "8:30"),))
    assert early == []
    assert [r.code for r in refusals(day, plan, NEW, (window("8:00", "8:30"),))] == ["CAPACITY"]
    assert [r.code for r in refusals(day, plan, NEW, (window("7:00", "8:29"),))] == ["ARRIVAL_WINDOW"]


def test_refusals_name_the_first_rule_for_each_technician() -> None:
    ada = a_technician("ada", skills={"gas": 1})
    day = a_day(a_visit(1), technicians=(ada, a_technician("ben"), a_technician("carl", skills={"gas": 1})))
    visit = replace(NEW, skills={"gas": 1}, excluded_technicians=frozenset({"ada"}))
    found = refusals(day, a_plan(day, ada="v1"), visit, WINDOWS)
    assert {refusal.technician_id: refusal.code for refusal in found} == {
        "ada": "EXCLUDED_TECHNICIAN",
        "ben": "SKILL",
    }
    assert {o.technician_id for o in quote(day, a_plan(day, ada="v1"), visit, WINDOWS)} == {"carl"}


def test_parts_used_by_other_stops_close_a_van() -> None:
    ada = a_technician("ada", stock={"pump": 1})
    day = a_day(a_visit(1, parts={"pump": 1}), technicians=(ada,))
    visit = replace(NEW, parts={"pump": 1})
    assert quote(day, a_plan(day, ada="v1"), visit, WINDOWS) == []
    assert [r.code for r in refusals(day, a_plan(day, ada="v1"), visit, WINDOWS)] == ["PARTS"]
    assert on_van(day, ada) == {"pump": 1}


def test_a_visit_already_planned_is_quoted_as_if_it_were_new() -> None:
    day = a_day(a_visit(1), a_visit(4), technicians=(a_technician("ada"),))
    plan = a_plan(day, ada="v1 v4")
    visit = day.visits[1]
    offer = quote(day, plan, visit, (window("12:00", "14:00"),))[0]
    assert offer.extra_cost == cost(day, plan)["travel"] - 2 * (5 * 30 + 500)
    moved = insert(day, plan, offer, visit)
    assert codes(day.with_visit(replace(visit, windows=(offer.window,))), moved) == set()
    assert len(moved.routes[0].stops) == 2


def test_an_offer_that_no_longer_fits_is_refused() -> None:
    day = a_day(a_visit(1), technicians=(a_technician("ada", shift=window("8:00", "9:40")),))
    empty = retimed(day, {})
    offer = quote(day, empty, NEW, (window("8:00", "9:00"),))[0]
    full = a_plan(day, ada="v1")
    with pytest.raises(OfferGone):
        insert(day, full, offer, NEW)


def test_nothing_is_inserted_before_a_begun_or_placed_stop() -> None:
    day = a_day(a_visit(1), technicians=(a_technician("ada"),))
    day = day.with_locks([Lock("v1", "ada", at("10:00"), sequence=0)])
    offers = quote(day, a_plan(day, ada="v1"), NEW, WINDOWS)
    assert {offer.position for offer in offers} == {1}
    assert min(offer.start for offer in offers) == at("10:50")


def test_blocked_pairs_never_get_an_offer() -> None:
    for seed in range(5):
        problem = random_day(seed)
        plan = fill(problem, {})
        visit = replace(problem.visits[5], id="new")
        problem = problem.with_locks(k for k in problem.locks if k.visit_id != "new")
        for offer in quote(problem, plan, visit, WINDOWS, each_technician=True):
            technician = problem.technician(offer.technician_id)
            assert technician is not None
            assert not blocked(problem, technician, replace(visit, windows=(offer.window,)))


def test_a_quote_for_fifteen_technicians_with_ten_stops_each_takes_milliseconds() -> None:
    crew = tuple(a_technician(f"t{i:02d}") for i in range(15))
    work = tuple(
        Visit(f"v{i:03d}", 1 + i % 3, 20 * 60, (Window(at("8:00"), at("16:00")),)) for i in range(150)
    )
    day = a_day(*work, technicians=crew)
    plan = retimed(day, {t.id: work[10 * i : 10 * i + 10] for i, t in enumerate(crew)})
    assert {len(route.stops) for route in plan.routes} == {10}
    taken = []
    for _ in range(5):
        began = time.process_time()
        quote(day, plan, NEW, WINDOWS)
        taken.append(time.process_time() - began)
    assert min(taken) < 0.03
