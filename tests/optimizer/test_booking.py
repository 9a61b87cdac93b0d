"""The compiled booking oracle against plain Python, the timetable and the checker, and what both refuse."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from optimizer import Lock, Offer, Plan, Problem, Visit, Window, check, cost
from optimizer.booking import Effort, PlainOracle, Quoting, SiteTravel, open_oracle
from optimizer.engines.ruin.booking import SPARES, CompiledOracle
from optimizer.errors import OfferGone, UnknownSubject
from optimizer.insertion import fill
from optimizer.problem import Matrix
from optimizer.schedule import retimed
from optimizer.taking_out import without
from tests.optimizer.random_days import random_day
from tests.optimizer.world import HOUR, a_day, a_plan, a_technician, a_visit, at, window

WINDOWS = tuple(Window(at("8:00") + i * HOUR // 2, at("8:00") + (i + 3) * HOUR // 2) for i in range(16))
NEW = Visit("new", 3, 1800)


def covered_days(seeds: range) -> Iterator[tuple[Problem, Plan]]:
    """Random days with a plan, those left out that only plain Python covers."""
    for seed in seeds:
        problem = random_day(seed)
        if all(lock.sequence is None or lock.is_begun for lock in problem.locks):
            yield problem, fill(problem, {})


def asked_on(problem: Problem) -> list[Visit]:
    """A visit of the problem, planned or not, and two that it does not hold."""
    own = [visit for visit in problem.visits[4:7] if not problem.is_begun(visit.id)][:1]
    return [*own, replace(problem.visits[3], id="new"), replace(problem.visits[8], id="other", duration=5400)]


def total(problem: Problem, plan: Plan) -> int:
    """Cost of a plan in cents."""
    return sum(cost(problem, plan).values())


def test_both_oracles_make_the_same_offers_on_200_days() -> None:
    days = offers = 0
    for problem, plan in covered_days(range(300)):
        fast, plain = open_oracle(problem, plan), PlainOracle(problem, plan)
        assert isinstance(fast, CompiledOracle)
        for visit in asked_on(problem):
            for each in (False, True):
                found = fast.quote(visit, WINDOWS, each_technician=each)
                assert found == plain.quote(visit, WINDOWS, each_technician=each)
                offers += len(found)
        days += 1
    assert days >= 200
    assert offers > 10_000


def test_a_committed_offer_makes_a_valid_plan_that_costs_exactly_the_offer_more() -> None:
    taken = 0
    for problem, plan in covered_days(range(120)):
        start = open_oracle(problem, plan)
        faults = {(fault.code, fault.subject) for fault in check(problem, plan)}
        for visit in asked_on(problem):
            others = replace(problem, visits=tuple(v for v in problem.visits if v.id != visit.id))
            before = total(others, without(problem, plan, visit))
            for offer in start.quote(visit, WINDOWS[::5]):
                desk = open_oracle(problem, plan)
                after = desk.commit(offer)
                assert total(desk.problem, after) - before == offer.extra_cost
                assert {(fault.code, fault.subject) for fault in check(desk.problem, after)} <= faults
                route = after.route_of(offer.technician_id)
                assert route is not None
                stop = route.stops[offer.position]
                assert (stop.visit_id, stop.arrival, stop.start) == (visit.id, offer.arrival, offer.start)
                taken += 1
    assert taken > 400


def test_one_oracle_takes_visit_after_visit_as_plain_python_does() -> None:
    """More of them than there are spare nodes, so that the arrays are built again in between."""
    problem = random_day(11, visits=30, technicians=8)
    plan = fill(problem, {})
    desks: tuple[Quoting, Quoting] = (open_oracle(problem, plan), PlainOracle(problem, plan))
    taken = 0
    for number in range(3 * SPARES):
        visit = replace(problem.visits[number], id=f"new{number}", duration=600, skills={}, parts={})
        fast, plain = (desk.quote(visit, WINDOWS) for desk in desks)
        assert fast == plain
        if fast:
            assert desks[0].commit(fast[0]) == desks[1].commit(plain[0])
            taken += 1
    assert taken > 2 * SPARES
    assert not check(desks[0].problem, desks[0].plan)


def test_a_new_address_needs_one_row_and_one_column() -> None:
    known = offers = 0
    for problem, plan in covered_days(range(60)):
        seconds, metres = problem.matrix.seconds, problem.matrix.metres
        far = len(seconds) - 1
        if any(visit.location == far and problem.is_begun(visit.id) for visit in problem.visits):
            continue
        whole = replace(problem, visits=tuple(v for v in problem.visits if v.location != far))
        rest = without(problem, plan, problem.visits[-1])
        small = Matrix(*([row[:far] for row in rows[:far]] for rows in (seconds, metres)))
        site = SiteTravel(
            [row[far] for row in seconds[:far]], [row[far] for row in metres[:far]],
            seconds[far][:far], metres[far][:far],
        )  # fmt: skip
        visit = replace(problem.visits[-1], id="new")
        desk, full = open_oracle(replace(whole, matrix=small), rest), open_oracle(whole, rest)
        away = replace(visit, location=-1)
        found = desk.quote(away, WINDOWS, site=site)
        assert found == full.quote(visit, WINDOWS)
        assert found == PlainOracle(replace(whole, matrix=small), rest).quote(away, WINDOWS, site=site)
        assert desk.refusals(away, WINDOWS, site=site) == full.refusals(visit, WINDOWS)
        if found:
            assert desk.commit(found[0], site=site) == full.commit(full.quote(visit, WINDOWS)[0])
            again = replace(visit, id="again")
            assert desk.quote(replace(again, location=far), WINDOWS) == full.quote(again, WINDOWS)
            known += 1
        offers += len(found)
    assert known > 20
    assert offers > 200


def test_a_visit_that_costs_overtime_in_one_window_only_is_priced_for_each() -> None:
    ada = a_technician("ada", overtime=2 * HOUR)
    day = a_day(a_visit(1), technicians=(ada,))
    desk = open_oracle(day, a_plan(day, ada="v1"))
    early, late = window("9:00", "10:00"), window("15:30", "16:00")
    offers = {offer.window: offer.extra_cost for offer in desk.quote(NEW, (late, early))}
    travel = 2 * 2 * (5 * 30 + 500)
    # Begun at 15:30, over at 16:00, home at 16:30: half an hour at 100 cents a minute.
    assert offers == {early: travel, late: travel + 3_000}


def test_a_route_that_no_longer_holds_takes_nothing_and_says_so() -> None:
    day = a_day(a_visit(1), technicians=(a_technician("ada"), a_technician("ben")))
    plan = a_plan(day, ada="v1")
    shorter = replace(
        day, technicians=(a_technician("ada", shift=window("8:00", "8:30")), day.technicians[1])
    )
    desk = open_oracle(shorter, plan)
    assert {offer.technician_id for offer in desk.quote(NEW, WINDOWS, each_technician=True)} == {"ben"}
    assert [(r.technician_id, r.code) for r in desk.refusals(NEW, WINDOWS)] == [("ada", "INFEASIBLE_ROUTE")]


def test_an_overdrawn_van_still_takes_visits_that_need_no_part() -> None:
    ada = a_technician("ada", stock={"pump": 1})
    day = a_day(a_visit(1, parts={"pump": 2}), a_visit(2), technicians=(ada,))
    plan = retimed(day, {"ada": day.visits[:1]})
    desk = open_oracle(day, plan)
    assert desk.quote(NEW, WINDOWS)
    assert desk.quote(replace(NEW, parts={"pump": 1}), WINDOWS) == []


def test_a_part_that_one_other_visit_wants_is_counted() -> None:
    ada = a_technician("ada", stock={"pump": 2})
    day = a_day(a_visit(1, parts={"pump": 1}), technicians=(ada,))
    desk = open_oracle(day, a_plan(day, ada="v1"))
    assert desk.quote(replace(NEW, parts={"pump": 1}), WINDOWS)
    assert desk.quote(replace(NEW, parts={"pump": 2}), WINDOWS) == []
    assert [r.code for r in desk.refusals(replace(NEW, parts={"pump": 2}), WINDOWS)] == ["PARTS"]


def test_a_copy_is_changed_by_itself() -> None:
    problem, plan = next(covered_days(range(7, 60)))
    visit, other = (replace(problem.visits[3], id=name, skills={}, parts={}) for name in ("new", "other"))
    for desk in (open_oracle(problem, plan), PlainOracle(problem, plan)):
        before = desk.quote(other, WINDOWS)
        twin = desk.copy()
        offer = twin.quote(visit, WINDOWS)[0]
        expected = desk.taken(offer)
        assert (desk.plan, desk.problem) == (plan, problem)
        assert twin.commit(offer) == expected
        assert desk.quote(other, WINDOWS) == before
        assert twin.quote(other, WINDOWS) == open_oracle(twin.problem, twin.plan).quote(other, WINDOWS)


def test_an_offer_made_on_another_plan_is_refused() -> None:
    day = a_day(a_visit(1), technicians=(a_technician("ada", shift=window("8:00", "9:40")),))
    desk = open_oracle(day, retimed(day, {}))
    first = desk.quote(NEW, (window("8:00", "9:00"),))[0]
    second = desk.quote(replace(NEW, id="second"), (window("8:00", "9:00"),))[0]
    desk.commit(first)
    before = desk.plan
    with pytest.raises(OfferGone):
        desk.commit(second)
    assert desk.plan == before
    with pytest.raises(OfferGone, match="names no visit"):
        desk.commit(Offer(first.window, 0, "ada", 0, 0, 0, 0))


def test_a_lock_on_a_place_in_a_route_is_left_to_plain_python() -> None:
    day = a_day().with_locks([Lock("v1", sequence=0)])
    assert isinstance(open_oracle(day, a_plan(day, ada="v1 v2")), PlainOracle)


def test_without_numba_plain_python_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("optimizer.booking.find_spec", lambda _name: None)
    day = a_day(a_visit(1))
    desk = open_oracle(day, a_plan(day, ada="v1"))
    assert isinstance(desk, PlainOracle)
    offers = desk.quote(NEW, WINDOWS)
    assert desk.reopen(NEW, WINDOWS[0]) is None
    assert len(desk.commit(offers[0]).routes) in {1, 2}


def test_a_visit_beyond_plain_routes_is_left_to_plain_python() -> None:
    """The end of its windows bounds the end of service, which the loops do not know."""
    day = a_day(a_visit(1), a_visit(2))
    plan = a_plan(day, ada="v1")
    visit = replace(NEW, window_end="finish")
    desk = open_oracle(day, plan)
    assert isinstance(desk, CompiledOracle)
    offers = desk.quote(visit, WINDOWS)
    assert offers == PlainOracle(day, plan).quote(visit, WINDOWS)
    made = desk.reopen(visit, WINDOWS[0], effort=Effort(rounds=50))
    assert made is not None
    assert check(replace(day, visits=(*day.visits, visit)), desk.taken(made)) == []
    desk.commit(offers[0])
    later = replace(NEW, id="later")
    assert desk.quote(later, WINDOWS) == PlainOracle(desk.problem, desk.plan).quote(later, WINDOWS)
    assert desk.quote(later, WINDOWS)


def test_days_without_anybody_or_without_windows_have_no_offers() -> None:
    nobody = a_day(a_visit(1), technicians=())
    assert open_oracle(nobody, Plan()).quote(NEW, WINDOWS) == []
    day = a_day(a_visit(1))
    assert open_oracle(day, a_plan(day, ada="v1")).quote(NEW, ()) == []


def test_a_plan_of_another_day_is_refused() -> None:
    day, other = a_day(a_visit(1)), a_day(a_visit(2))
    with pytest.raises(UnknownSubject):
        open_oracle(other, a_plan(day, ada="v1"))


def test_threads_may_share_an_oracle() -> None:
    problem, plan = next(covered_days(range(7, 60)))
    desk = open_oracle(problem, plan)
    assert isinstance(desk, CompiledOracle)
    visits = [replace(visit, id=f"new {visit.id}") for visit in problem.visits]
    alone = [desk.quote(visit, WINDOWS) for visit in visits]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            for _ in range(20):
                assert list(pool.map(lambda visit: desk.quote(visit, WINDOWS), visits)) == alone
    finally:
        sys.setswitchinterval(interval)


def test_memory_is_told() -> None:
    problem, plan = next(covered_days(range(7, 60)))
    tables = len(problem.matrix.seconds) ** 2
    assert PlainOracle(problem, plan).nbytes == 80 * tables
    assert open_oracle(problem, plan).nbytes > 80 * tables
