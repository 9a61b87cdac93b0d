"""The demo's report tells each loaner: which, why, how it is brought and fetched; none is a fault."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from dispatch import outbox
from dispatch.loaners import lending
from dispatch.loaners.model import Loan, LoanerUnit
from dispatch.promises import clocks
from dispatch.simulation.day import generate_day
from dispatch.simulation.judging import loaners
from dispatch.simulation.loan_report import loan_lines, loans_told
from dispatch.territories.model import Territory
from dispatch.work_orders.model import Visit, WorkOrder
from tests.builders import (
    DAY,
    ZONE,
    a_contract,
    a_customer,
    a_promise,
    a_site,
    a_territory,
    a_visit,
    an_asset,
    an_order,
    at,
)
from tests.dispatch.conftest import MovableClock
from tests.planning_world import register_kinds

WHY = "limit of resolution 03-02 08:00 missed"
GENERATED = generate_day(1, DAY, calls=6, technicians=2)


@pytest.fixture
def missed(session: Session, now: MovableClock) -> Iterator[WorkOrder]:
    """An order of yesterday evening whose twelve hours are over, with a unit in the store."""
    register_kinds()
    place = a_territory(session)
    customer = a_customer(session)
    site = a_site(session, customer=customer, territory=place)
    contract = a_contract(session, customer=customer)
    limits = {"requested_at": at(-4), "resolution_due_at": at(8), "contract_id": contract.id}
    order = an_order(session, site=site, asset=an_asset(session, site=site), **limits)
    a_visit(session, order=order)
    session.refresh(order)
    stored(session, place)
    now.set(at(8) + timedelta(minutes=1))
    clocks.escalate(session, place.id)
    yield order
    outbox.register((), {})


def stored(session: Session, place: Territory) -> None:
    """A boiler to lend."""
    terms = {"charge_minor": 100, "currency": "EUR", "state": "available"}
    session.add(
        LoanerUnit(territory_id=place.id, product_kind="boiler", model="B", serial="L-boiler-1", **terms)
    )
    session.flush()


def lent(session: Session, order: WorkOrder) -> tuple[Loan, Visit]:
    """The loan of the breach, and the visit that brings the unit."""
    loan = lending.lend_for_breach(session, order.id)
    assert loan is not None
    assert loan.delivery_order_id is not None
    return loan, session.get_one(WorkOrder, loan.delivery_order_id).visits[0]


def test_a_loaner_by_the_rule_is_told_with_both_its_ways(session: Session, missed: WorkOrder) -> None:
    """R-402: reserved when the limit was missed, brought in its window, to be fetched tomorrow."""
    loan, brings = lent(session, missed)
    a_promise(session, brings, window_start=at(9), window_end=at(11), promised_at=at(8.02))
    brings.arrived_at, brings.finished_at, brings.state, brings.is_solved = at(10), at(10.5), "done", True
    lending.follow_visit(session, brings.id)
    repair = missed.visits[0]
    repair.finished_at, repair.state, repair.is_solved = at(15), "done", True
    lending.follow_visit(session, repair.id)
    assert loan.pickup_order_id is not None
    fetches = session.get_one(WorkOrder, loan.pickup_order_id).visits[0]
    ahead = {"window_start": at(9, days=1), "window_end": at(11, days=1), "promised_at": at(15)}
    a_promise(session, fetches, **ahead)
    [row] = loans_told(session, DAY, ZONE)
    assert (row["unit"], row["state"], row["said"]) == ("L-boiler-1", "returning", "03-02 08:01")
    assert row["why"] == WHY
    assert (row["delivery"]["outcome"], row["delivery"]["arrived_at"]) == ("kept", at(10).isoformat())
    assert (row["pickup"]["outcome"], row["pickup"]["arrived_at"]) == ("ahead", None)
    assert list(loan_lines([row])) == [
        f"L-boiler-1 for {missed.number}: returning; wanted 03-02 08:01, {WHY}",
        f"  brought {brings.number}  03-02 09:00 to 11:00  kept",
        f"  fetched {fetches.number}  03-03 09:00 to 11:00  ahead",
    ]


def test_what_has_no_window_or_no_unit_says_so(session: Session, missed: WorkOrder) -> None:
    """R-402: of two orders the second waits for a unit; nobody missed its limit, a person wants it."""
    _, brings = lent(session, missed)
    site = a_site(session, territory=session.get_one(Territory, missed.territory_id))
    other = an_order(session, site=site, asset=an_asset(session, site=site))
    a_visit(session, order=other)
    lending.lend(session, by=None, order=other)
    assert list(loan_lines(loans_told(session, DAY, ZONE))) == [
        f"L-boiler-1 for {missed.number}: reserved; wanted 03-02 08:01, {WHY}",
        f"  brought {brings.number}  no window yet",
        f"no unit free for {other.number}: wanted; wanted 03-02 08:01, lent by hand",
    ]
    assert list(loan_lines([])) == ["None was needed."]


def test_a_missed_limit_without_a_loaner_is_a_fault_of_the_day(session: Session, missed: WorkOrder) -> None:
    """R-402."""
    assert list(loaners(session, GENERATED)) == ["1 of 1 missed limits of resolution brought no loaner"]
    lent(session, missed)
    assert list(loaners(session, GENERATED)) == []


def test_a_day_on_which_no_limit_is_missed_shows_no_loaner(session: Session, now: MovableClock) -> None:
    """R-402: the demo is to show one."""
    assert list(loaners(session, GENERATED)) == ["no limit of resolution was missed"]
