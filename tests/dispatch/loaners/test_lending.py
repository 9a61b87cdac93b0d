"""Loaners from the missed limit to the day they are back, or charged (R-402)."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock
from dispatch.billing.commands import issue, settle
from dispatch.billing.model import Settlement
from dispatch.customers.model import Asset
from dispatch.loaners import lending
from dispatch.loaners.commands import add_unit, change_unit
from dispatch.loaners.model import RUNNING, Loan, LoanerUnit
from dispatch.loaners.rules import LoanExists, LoanNotPossible, LoanOver, UnitBusy
from dispatch.money import Money
from dispatch.planning.candidates import NOT_BEGUN
from dispatch.planning.placing import place_visit
from dispatch.promises import clocks
from dispatch.territories.model import Territory
from dispatch.work_orders.commands import cancel_order
from dispatch.work_orders.model import Visit, WorkOrder
from tests.builders import (
    a_contract,
    a_customer,
    a_principal,
    at,
    serial,
)
from tests.dispatch.conftest import MovableClock
from tests.dispatch.loaners.loan_world import a_repair, a_unit, finish, order_of, overdue
from tests.money_world import a_tariff
from tests.planning_world import Town, runs_of, violations


def test_a_missed_resolution_reserves_a_unit_and_opens_its_delivery(
    session: Session, place: Territory, now: MovableClock
) -> None:
    """R-402: twelve hours are over, so a loaner comes, planned like any visit and paid by the house."""
    contract = a_contract(session, customer=a_customer(session), resolution_minutes=720)
    order = a_repair(session, place, contract_id=contract.id, resolution_due_at=at(19))
    unit = a_unit(session, place)
    now.set(at(19.1))
    clocks.escalate(session, place.id)
    clocks.escalate(session, place.id)
    [run] = runs_of(session, "loaners.lend")
    loan = lending.lend_for_breach(session, order.id)
    assert run.payload["work_order_id"] == str(order.id)
    assert loan is not None
    assert (loan.state, loan.unit_id, unit.state) == ("reserved", unit.id, "reserved")
    delivery = order_of(session, loan.delivery_order_id)
    assert (delivery.site_id, delivery.kind, delivery.contract_id) == (order.site_id, "delivery", None)
    assert delivery.goodwill_reason
    assert [visit.state for visit in delivery.visits] == ["unplanned"]
    assert lending.lend_for_breach(session, order.id) is None


def test_a_contract_without_loaners_brings_none(session: Session, place: Territory) -> None:
    contract = a_contract(session, customer=a_customer(session), house_rules={"loaner": False})
    order = a_repair(session, place, contract_id=contract.id)
    a_unit(session, place)
    assert lending.lend_for_breach(session, order.id) is None


def test_the_whole_way_of_a_unit(session: Session, place: Territory, now: MovableClock) -> None:
    order, unit = a_repair(session, place), a_unit(session, place)
    loan = lending.lend(session, by=None, order=order)
    with pytest.raises(LoanExists):
        lending.lend(session, by=None, order=order)
    with pytest.raises(UnitBusy):
        change_unit(
            session, by=a_principal(), unit=unit, changes={"is_retired": True}, company_currency="EUR"
        )
    finish(session, order_of(session, loan.delivery_order_id))
    assert (loan.state, unit.state, loan.delivered_at) == ("out", "out", clock.now())
    finish(session, order)
    assert loan.state == "returning"
    assert loan.due_back_at == clock.now() + timedelta(days=14)
    finish(session, order_of(session, loan.pickup_order_id))
    assert (loan.state, unit.state, loan.ended_at) == ("returned", "available", clock.now())
    with pytest.raises(LoanOver):
        lending.give_back(session, loan=loan)


def test_a_repair_before_the_delivery_calls_the_delivery_off(session: Session, place: Territory) -> None:
    order, unit = a_repair(session, place), a_unit(session, place)
    loan = lending.lend(session, by=None, order=order)
    finish(session, order)
    delivery = order_of(session, loan.delivery_order_id)
    assert (loan.state, unit.state) == ("cancelled", "available")
    assert [visit.state for visit in delivery.visits] == ["cancelled"]


def test_an_unsolved_visit_leaves_the_unit_where_it_is(session: Session, place: Territory) -> None:
    order = a_repair(session, place)
    a_unit(session, place)
    loan = lending.lend(session, by=None, order=order)
    finish(session, order_of(session, loan.delivery_order_id))
    finish(session, order, is_solved=False)
    assert (loan.state, loan.pickup_order_id) == ("out", None)


def test_without_a_free_unit_the_loan_waits_for_the_next_one(session: Session, place: Territory) -> None:
    first, second = a_repair(session, place), a_repair(session, place)
    unit = a_unit(session, place)
    a_unit(session, place, product_kind="lift")
    had = lending.lend(session, by=None, order=first)
    waits = lending.lend(session, by=None, order=second)
    assert (waits.state, waits.unit_id, waits.delivery_order_id) == ("wanted", None, None)
    finish(session, first)
    assert (had.state, waits.state, waits.unit_id, unit.state) == (
        "cancelled",
        "reserved",
        unit.id,
        "reserved",
    )
    assert order_of(session, waits.delivery_order_id).site_id == second.site_id


@pytest.mark.parametrize("change", ["no asset", "finished", "a loan's own order"])
def test_orders_that_no_loaner_helps_are_refused(session: Session, place: Territory, change: str) -> None:
    order = a_repair(session, place)
    a_unit(session, place)
    if change == "no asset":
        order.asset_id = None
    elif change == "finished":
        order.state = "closed"
    else:
        loan = lending.lend(session, by=None, order=order)
        order = order_of(session, loan.delivery_order_id)
    session.flush()
    with pytest.raises(LoanNotPossible):
        lending.lend(session, by=None, order=order)


def test_a_unit_that_is_not_back_is_reminded_of_then_charged_once(
    session: Session, place: Territory, now: MovableClock
) -> None:
    a_tariff(session)
    order, unit = a_repair(session, place), a_unit(session, place)
    loan = lending.lend(session, by=None, order=order)
    finish(session, order_of(session, loan.delivery_order_id))
    finish(session, order)
    pickup = order_of(session, loan.pickup_order_id)
    assert loan.due_back_at is not None
    now.set(loan.due_back_at - timedelta(days=4))
    assert lending.chase(session) == []
    assert [run for run in runs_of(session, "messages.write") if "LoanerOverdue" in run.key] == []
    for days in (2, 1):
        now.set(loan.due_back_at - timedelta(days=days))
        assert lending.chase(session) == []
    assert len([run for run in runs_of(session, "messages.write") if "LoanerOverdue" in run.key]) == 1
    now.set(loan.due_back_at + timedelta(minutes=1))
    assert lending.chase(session) == [loan]
    assert lending.chase(session) == []
    assert (loan.state, unit.state) == ("lost", "lost")
    assert [visit.state for visit in pickup.visits] == ["cancelled"]
    settlement = session.get_one(Settlement, loan.settlement_id)
    [line] = settlement.lines
    assert (line.net_minor, line.payer, settlement.state) == (50_000, "customer", "approved")
    [invoice] = issue(session, settlement_id=settlement.id)
    assert (invoice.net_minor, invoice.gross_minor) == (50_000, 62_000)


def test_a_delivery_that_is_called_off_frees_the_unit_for_the_next_order(
    session: Session, place: Territory
) -> None:
    first, second = a_repair(session, place), a_repair(session, place)
    unit = a_unit(session, place)
    loan = lending.lend(session, by=None, order=first)
    waits = lending.lend(session, by=None, order=second)
    delivery = order_of(session, loan.delivery_order_id)
    cancel_order(session, by=None, order=delivery, reason="not wanted")
    lending.follow_visit(session, delivery.visits[0].id)
    assert (loan.state, waits.state, waits.unit_id, unit.state) == (
        "cancelled",
        "reserved",
        unit.id,
        "reserved",
    )


def test_a_pickup_that_is_called_off_is_opened_anew(session: Session, place: Territory) -> None:
    order = a_repair(session, place)
    a_unit(session, place)
    loan = lending.lend(session, by=None, order=order)
    finish(session, order_of(session, loan.delivery_order_id))
    finish(session, order)
    pickup = order_of(session, loan.pickup_order_id)
    cancel_order(session, by=None, order=pickup, reason="nobody at home")
    lending.follow_visit(session, pickup.visits[0].id)
    assert loan.state == "returning"
    assert loan.pickup_order_id != pickup.id


@pytest.mark.parametrize("how", ["entered", "brought back into use", "at the daily look"])
def test_a_unit_that_becomes_free_goes_to_who_waits(session: Session, place: Territory, how: str) -> None:
    order = a_repair(session, place)
    unit = a_unit(session, place, state="retired")
    loan = lending.lend(session, by=None, order=order)
    assert loan.state == "wanted"
    if how == "entered":
        words = {"product_kind": "boiler", "model": "B", "serial": serial("N"), "charge": Money(1, "EUR")}
        add_unit(session, by=a_principal(), territory=place, company_currency="EUR", **words)  # type: ignore[arg-type]
    elif how == "brought back into use":
        change_unit(
            session, by=a_principal(), unit=unit, changes={"is_retired": False}, company_currency="EUR"
        )
    else:
        unit.state = "available"
        session.flush()
        lending.chase(session)
    assert loan.state == "reserved"


def test_a_unit_that_was_fetched_is_not_charged_however_late_that_is_noted(
    session: Session, place: Territory, now: MovableClock
) -> None:
    a_tariff(session)
    loan = overdue(session, place, now)
    visit = order_of(session, loan.pickup_order_id).visits[0]
    visit.state, visit.finished_at, visit.is_solved = "done", clock.now(), True
    session.flush()
    assert lending.chase(session) == []
    assert (loan.state, loan.settlement_id) == ("returned", None)


def test_one_loan_that_cannot_be_charged_keeps_no_other_from_it(
    session: Session, place: Territory, now: MovableClock
) -> None:
    a_tariff(session)
    odd = overdue(session, place, now, currency="USD")
    now.set(at(8))
    good = overdue(session, place, now)
    assert lending.chase(session) == [good]
    assert (odd.state, good.state) == ("returning", "lost")


def test_a_charge_leaves_the_work_of_the_order_to_be_settled_as_it_is(
    session: Session, place: Territory, now: MovableClock
) -> None:
    """The loaner's price is neither estimate nor invoice of the repair."""
    a_tariff(session)
    loan = overdue(session, place, now)
    order = order_of(session, loan.work_order_id)
    before = order.state
    lending.chase(session)
    charge = session.get_one(Settlement, loan.settlement_id)
    assert issue(session, settlement_id=charge.id)
    assert order.state == before
    for visit in order.visits:
        visit.state, visit.started_at = "verified", at(9)
    order.estimate_labour_minor = 100_000
    session.flush()
    work = settle(session, work_order_id=order.id)
    assert work is not None
    assert (work.revision, work.is_charge, work.review_reason) == (2, False, None)


@pytest.mark.parametrize("seed", range(8))
def test_any_sequence_keeps_every_unit_in_one_place(session: Session, place: Territory, seed: int) -> None:
    """Generated: whatever happens in whatever order, no unit is lent twice, no wanted loan forgotten."""
    chance = random.Random(seed)
    orders = [a_repair(session, place) for _ in range(5)]
    units = [a_unit(session, place) for _ in range(2)]
    for _ in range(40):
        loans = session.scalars(select(Loan).where(Loan.state.in_(RUNNING))).all()
        choices: list[Any] = [("lend", order) for order in orders if not _has(session, order)]
        choices += [("solve", order) for order in orders if _open(order)]
        choices += [
            ("solve", order_of(session, order_id))
            for loan in loans
            for order_id in (loan.delivery_order_id, loan.pickup_order_id)
            if order_id is not None and _open(order_of(session, order_id))
        ]
        choices += [("return", loan) for loan in loans if loan.state in {"out", "returning"}]
        if not choices:
            break
        what, thing = chance.choice(choices)
        if what == "lend":
            lending.lend(session, by=None, order=thing) if _open(thing) else None
            if not _open(thing):
                orders.remove(thing)
        elif what == "solve":
            finish(session, thing)
        else:
            lending.give_back(session, loan=thing)
        _check(session, units)


def _has(session: Session, order: WorkOrder) -> bool:
    return lending.running_loan(session, order.id) is not None


def _open(order: WorkOrder) -> bool:
    return any(visit.state in NOT_BEGUN for visit in order.visits)


def _check(session: Session, units: list[LoanerUnit]) -> None:
    session.flush()
    running = session.scalars(select(Loan).where(Loan.state.in_(RUNNING))).all()
    held = [loan.unit_id for loan in running if loan.unit_id is not None]
    assert len(held) == len(set(held))
    places = {"reserved": "reserved", "out": "out", "returning": "out"}
    for unit in units:
        loan = next((loan for loan in running if loan.unit_id == unit.id), None)
        assert unit.state == (places[loan.state] if loan else "available")
    if any(unit.state == "available" for unit in units):
        assert [loan for loan in running if loan.state == "wanted"] == []
    wanted = [loan for loan in running if loan.state == "wanted"]
    assert all(loan.delivery_order_id is None for loan in wanted)
    kinds = session.scalars(
        select(Asset.product_kind)
        .join(WorkOrder)
        .where(WorkOrder.id.in_([loan.work_order_id for loan in running]))
    )
    assert set(kinds) <= {"boiler"}
    assert session.scalars(select(Visit).where(Visit.state == "published")).all() == []


def test_bringing_and_fetching_get_into_the_plan_by_themselves(town: Town, now: MovableClock) -> None:
    """R-402: nobody books them; the customer is told a window that somebody can keep."""
    session, place = town.session, town.territory
    who = town.technician((8, 18))
    order, unit = a_repair(session, place), a_unit(session, place)
    now.set(at(9))
    loan = lending.lend(session, by=None, order=order)
    brought = place_asked(town, loan.delivery_order_id)
    assert brought.window_start == at(9)
    finish(session, order_of(session, loan.delivery_order_id))
    finish(session, order)
    assert (loan.state, unit.state) == ("returning", "out")
    fetched = place_asked(town, loan.pickup_order_id)
    plan = town.in_force()
    assert plan is not None
    assert {stop.technician_id for stop in plan.stops if stop.visit_id == fetched.id} == {who.id}
    assert violations(town, plan) == []


def place_asked(town: Town, order_id: Any) -> Visit:
    """Let the run that a loan has asked for place its visit; the customer is promised a window."""
    [visit] = order_of(town.session, order_id).visits
    [run] = [
        run
        for run in runs_of(town.session, "planning.place_visit")
        if run.payload["visit_id"] == str(visit.id)
    ]
    start = place_visit(town.session, visit.id, earliest=run.payload["choice"] == "earliest")
    assert start is not None
    assert (visit.state, visit.window_start) == ("planned", start)
    return visit


def test_where_nobody_has_room_it_is_tried_again_the_next_day(
    session: Session, place: Territory, now: MovableClock
) -> None:
    order = a_repair(session, place)
    a_unit(session, place)
    now.set(at(9))
    loan = lending.lend(session, by=None, order=order)
    [visit] = order_of(session, loan.delivery_order_id).visits
    assert place_visit(session, visit.id, earliest=True) is None
    for moment in (at(10), at(11), at(10, days=1)):
        now.set(moment)
        lending.chase(session)
    asked = [run.key.rsplit(":", 1)[1] for run in runs_of(session, "planning.place_visit")]
    assert sorted(asked) == [at(9).date().isoformat(), at(9, days=1).date().isoformat(), "opened"]


def test_who_lends_by_hand_promises_the_delivery(session: Session, place: Territory) -> None:
    order = a_repair(session, place)
    a_unit(session, place)
    loan = lending.lend(session, by=a_principal(), order=order)
    assert loan.delivery_order_id is not None
    assert runs_of(session, "planning.place_visit") == []
