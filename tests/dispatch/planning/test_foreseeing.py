"""Limits of service against the live day: late vans, ill technicians, what is on no route (R-401, R-402)."""

from __future__ import annotations

import pytest

from dispatch.customers.model import Customer
from dispatch.planning import foreseeing, spreads
from dispatch.planning.commands import publish
from dispatch.promises import clocks
from dispatch.promises.clocks import ServiceClock
from dispatch.work_orders.model import Visit
from tests.builders import a_contract, a_promise, an_absence, at
from tests.dispatch.conftest import MovableClock
from tests.planning_world import Town


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """Nothing was measured before."""
    spreads.forget()


def under_contract(town: Town, hour: float, *, respond: float, resolve: float) -> Visit:
    """A visit promised from an hour on, with limits at these local hours."""
    visit = town.visit(60.2, 24.99, duration_minutes=60)
    a_promise(town.session, visit, window_start=at(hour), window_end=at(hour + 2))
    order = visit.work_order
    customer = town.session.get_one(Customer, order.customer_id)
    contract = a_contract(town.session, customer=customer, resolution_minutes=600)
    order.contract_id, order.requested_at = contract.id, at(8)
    order.response_due_at, order.resolution_due_at = at(respond), at(resolve)
    town.session.flush()
    return visit


def foreseen(town: Town) -> dict[str, ServiceClock]:
    """The clocks of the town by kind; the order's own say the same."""
    of_all = foreseeing.running(town.session, town.territory.id)
    for one in of_all:
        order = town.session.get_one(Visit, next(iter(foreseeing.coming(town.session, town.territory.id))))
        assert one in foreseeing.clocks_of(town.session, order.work_order)
    return {one.kind: one for one in of_all}


def test_a_late_van_moves_what_is_foreseen(town: Town, now: MovableClock) -> None:
    """R-401, R-402: planned in time, forecast too late; the next step is taken at once."""
    who = town.technician((8, 18), break_minutes=0)
    visit = under_contract(town, 9, respond=11, resolve=12)
    plan = town.draft([(who, visit, 9)])
    publish(town.session, by=None, plan=plan, expected_version=town.head().version)
    assert [one.will_miss for one in foreseen(town).values()] == [False, False]
    now.set(at(10.9))  # nobody has set out
    found = foreseen(town)
    assert [one.will_miss for one in found.values()] == [True, True]
    assert found["response"].predicted_at is not None
    assert found["response"].predicted_at > at(11)
    assert visit.planned_start == at(9)
    noted = clocks.escalate(
        town.session, town.territory.id, foreseeing.coming(town.session, town.territory.id)
    )
    assert ("resolution", 80) in {(step.kind, step.percent) for step in noted}


def test_who_is_ill_meets_no_limit(town: Town, now: MovableClock) -> None:
    """R-401: planned in time for somebody who does not come."""
    who = town.technician((8, 18), break_minutes=0)
    visit = under_contract(town, 9, respond=11, resolve=18)
    plan = town.draft([(who, visit, 9)])
    publish(town.session, by=None, plan=plan, expected_version=town.head().version)
    an_absence(town.session, who)
    found = foreseen(town)
    assert [(one.predicted_at, one.will_miss) for one in found.values()] == [(None, False), (None, False)]
    now.set(at(10.6))
    assert foreseen(town)["response"].will_miss


def test_another_day_counts_as_planned(town: Town) -> None:
    """R-401: no forecast is made of days that have not begun."""
    visit = under_contract(town, 33, respond=35, resolve=48)
    visit.planned_start, visit.planned_end, visit.state = at(33.5), at(34.5), "planned"
    town.session.flush()
    found = {one.kind: one for one in foreseeing.running(town.session, town.territory.id)}
    assert (found["response"].predicted_at, found["resolution"].predicted_at) == (at(33.5), at(34.5))
