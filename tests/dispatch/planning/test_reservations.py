"""What a reservation earns in planning: priority over walk-ins, and the technician who was named (R-306)."""

from __future__ import annotations

import random
from typing import Any

import pytest

from dispatch.contracts.house_rules import change_house_rules
from dispatch.customers.model import Customer
from dispatch.planning.problem import Built
from dispatch.promises.model import CustomerMark
from dispatch.work_orders.model import Visit
from optimizer.engines.base import Budget
from optimizer.solve import solve
from tests.builders import a_contract, a_principal, a_promise, a_visit, at
from tests.planning_world import Town

ME = a_principal()
NEAR, FAR = (60.17, 24.94), (60.21, 25.02)


def rival(town: Town, place: tuple[float, float] = NEAR, *, is_reservation: bool, **fields: Any) -> Visit:
    """An hour's visit told to begin between nine and half past: one technician can serve one of them."""
    visit = town.visit(*place, duration_minutes=60, **fields)
    told = {"window_start": at(9), "window_end": at(9.5), "is_reservation": is_reservation}
    a_promise(town.session, visit, **told)
    return visit


def served(built: Built, seconds: float = 0.1) -> dict[str, str]:
    """Visit to technician, as the engine plans the day."""
    plan = solve(built.problem, Budget(seconds=seconds), seed=1).plan
    return {stop.visit_id: route.technician_id for route in plan.routes for stop in route.stops}


def late(town: Town, visit: Visit) -> None:
    """Mark the customer of a visit."""
    row: dict[str, Any] = {"kind": "late", "minutes_late": 30, "reason": "", "recorded_at": at(8)}
    town.session.add(CustomerMark(customer_id=visit.work_order.customer_id, visit_id=visit.id, **row))
    town.session.flush()


def test_of_two_promises_that_exclude_each_other_the_reservation_is_kept(town: Town) -> None:
    """R-306: although the walk-in lies on the doorstep."""
    town.technician((8, 16), break_minutes=0)
    reserved, walk_in = rival(town, FAR, is_reservation=True), rival(town, NEAR, is_reservation=False)
    assert set(served(town.built())) == {str(reserved.id)}
    assert {job.id: job.priority for job in town.built().problem.visits} == {
        str(reserved.id): 4,
        str(walk_in.id): 3,
    }


@pytest.mark.parametrize("why", ["a mark", "a mark at an earlier visit", "the house", "the contract"])
def test_the_privilege_is_lost_with_a_mark_and_can_be_switched_off(town: Town, why: str) -> None:
    """R-302, R-305, R-306."""
    town.technician((8, 16), break_minutes=0)
    reserved, walk_in = rival(town, FAR, is_reservation=True), rival(town, NEAR, is_reservation=False)
    order = reserved.work_order
    if why == "a mark":
        late(town, reserved)
    elif why == "a mark at an earlier visit":
        late(town, a_visit(town.session, order=order, state="no_access", planned_start=at(9, days=-1)))
    elif why == "the house":
        change_house_rules(town.session, by=ME, changes={"reservation_priority": False})
    else:
        own = {"reservation_priority": False}
        customer = town.session.get_one(Customer, order.customer_id)
        order.contract_id = a_contract(town.session, customer=customer, house_rules=own).id
    town.session.flush()
    assert set(served(town.built())) == {str(walk_in.id)}


def test_a_contract_may_keep_what_the_house_switched_off(town: Town) -> None:
    """R-306."""
    town.technician((8, 16), break_minutes=0)
    reserved = rival(town, FAR, is_reservation=True)
    rival(town, NEAR, is_reservation=False)
    change_house_rules(town.session, by=ME, changes={"reservation_priority": False})
    order = reserved.work_order
    own, customer = {"reservation_priority": True}, town.session.get_one(Customer, order.customer_id)
    order.contract_id = a_contract(town.session, customer=customer, house_rules=own).id
    town.session.flush()
    assert set(served(town.built())) == {str(reserved.id)}


def test_nothing_rises_to_an_emergency_by_being_reserved(town: Town) -> None:
    """R-306."""
    town.technician()
    for priority in (4, 5):
        rival(town, is_reservation=True, priority=priority)
    assert sorted(job.priority for job in town.built().problem.visits) == [4, 5]


@pytest.mark.parametrize("seed", range(12))
def test_whoever_is_served_has_the_highest_claim(town: Town, seed: int) -> None:
    """R-306: generated rivals for one hour of one technician; the claim is reckoned anew here."""
    chance = random.Random(seed)
    town.technician((8, 16), break_minutes=0)
    claims: dict[str, int] = {}
    for _ in range(5):
        is_reserved, is_late = chance.random() < 0.5, chance.random() < 0.3
        priority, place = chance.randint(1, 5), chance.choice((NEAR, FAR))
        visit = rival(town, place, is_reservation=is_reserved, priority=priority)
        if is_late:
            late(town, visit)
        is_kept = is_reserved and not is_late
        claims[str(visit.id)] = priority + 1 if is_kept and priority < 4 else priority
    [winner] = served(town.built())
    assert claims[winner] == max(claims.values())


def test_a_reservation_gets_the_technician_it_named(town: Town) -> None:
    """R-306: although somebody else is nearer and free."""
    town.technician((8, 16), break_minutes=0, home_latitude=NEAR[0], home_longitude=NEAR[1])
    named = town.technician((8, 16), break_minutes=0, home_latitude=FAR[0], home_longitude=FAR[1])
    visit = rival(town, is_reservation=True, required_technician_id=named.id)
    assert served(town.built()) == {str(visit.id): str(named.id)}
