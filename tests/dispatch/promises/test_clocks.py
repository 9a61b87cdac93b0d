"""Service clocks: running, standing still, met and missed, foreseen and escalated (R-401, R-402)."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch.contracts import commands as contracts
from dispatch.contracts.house_rules import change_house_rules
from dispatch.contracts.model import ServiceCalendar
from dispatch.outbox.model import JobRun
from dispatch.promises import clocks
from dispatch.promises.clocks import ClockState, Coming, ServiceClock
from dispatch.work_orders import commands as work_orders
from dispatch.work_orders.model import ServicePause, Visit, WorkOrder
from tests.builders import a_contract, a_customer, a_principal, a_site, a_visit, an_order, at
from tests.dispatch.conftest import MovableClock
from tests.planning_world import register_kinds

DAY_HOURS = [{"weekday": day, "opens": 8 * 60, "closes": 16 * 60} for day in range(1, 6)]


@pytest.fixture(autouse=True)
def known() -> None:
    """Jobs as in production."""
    register_kinds()


def calendar(session: Session, **values: Any) -> ServiceCalendar:
    """Eight hours on weekdays, no holidays."""
    return contracts.create_calendar(
        session, by=None, code="WEEK", name="Weekdays", hours=DAY_HOURS, **values
    )


def order_under(session: Session, **terms: Any) -> WorkOrder:
    """An order of a Monday at eight under a contract: an hour to respond, ten to solve."""
    customer = a_customer(session)
    site = a_site(session, customer=customer)
    contract = a_contract(session, customer=customer, **{"resolution_minutes": 600, **terms})
    order = an_order(session, site=site, contract_id=contract.id)
    order.requested_at = at(8)
    order.response_due_at, order.resolution_due_at = at(9), at(18)
    session.flush()
    return order


def by_kind(session: Session, order: WorkOrder) -> dict[str, ServiceClock]:
    """Both clocks of an order."""
    session.expire(order, ["visits"])
    return {one.kind: one for one in clocks.clocks_of(session, order)}


def visit_of(session: Session, order: WorkOrder, **values: Any) -> Visit:
    """A visit of the order."""
    return a_visit(session, order=order, **values)


def test_limits_run_and_are_missed(session: Session, now: MovableClock) -> None:
    order = order_under(session)
    now.set(at(8.5))
    found = by_kind(session, order)
    assert (found["response"].state, found["response"].used) == (ClockState.RUNNING, 0.5)
    now.set(at(9.5))
    found = by_kind(session, order)
    assert (found["response"].state, found["response"].used) == (ClockState.MISSED, 1.5)
    assert found["resolution"].state is ClockState.RUNNING


@pytest.mark.parametrize(("hour", "state"), [(8.9, ClockState.MET), (9.1, ClockState.MISSED)])
def test_the_first_arrival_meets_the_response(
    session: Session, now: MovableClock, hour: float, state: ClockState
) -> None:
    order = order_under(session)
    visit_of(session, order, arrived_at=at(hour), state="working")
    now.set(at(12))
    assert by_kind(session, order)["response"].state is state


def test_only_a_visit_that_solved_the_fault_meets_the_resolution(session: Session, now: MovableClock) -> None:
    order = order_under(session)
    visit = visit_of(session, order, finished_at=at(11), state="done", is_solved=False)
    now.set(at(12))
    assert by_kind(session, order)["resolution"].state is ClockState.RUNNING
    visit.is_solved = True
    session.flush()
    assert by_kind(session, order)["resolution"].state is ClockState.MET


def test_what_is_planned_too_late_is_foreseen(session: Session, now: MovableClock) -> None:
    order = order_under(session)
    visit = visit_of(session, order, planned_start=at(8.8), planned_end=at(18.5), state="planned")
    found = by_kind(session, order)
    assert (found["response"].will_miss, found["resolution"].will_miss) == (False, True)
    assert found["resolution"].predicted_at == visit.planned_end
    assert now.moment == at(8)


def test_the_forecast_counts_and_not_what_was_planned(session: Session, now: MovableClock) -> None:
    """R-401: a van that is late, or a technician who is ill."""
    order = order_under(session)
    visit = visit_of(session, order, planned_start=at(8.5), planned_end=at(9.5), state="published")
    late = {visit.id: Coming(at(9.1), at(18.1))}
    found = {one.kind: one for one in clocks.clocks_of(session, order, late)}
    assert [(one.predicted_at, one.will_miss) for one in found.values()] == [
        (at(9.1), True),
        (at(18.1), True),
    ]
    nobody = {visit.id: Coming(None, None)}
    found = {one.kind: one for one in clocks.clocks_of(session, order, nobody)}
    assert [(one.predicted_at, one.will_miss) for one in found.values()] == [(None, False), (None, False)]
    now.set(at(8.6))
    found = {one.kind: one for one in clocks.clocks_of(session, order, nobody)}
    assert (found["response"].will_miss, found["resolution"].will_miss) == (True, False)


@pytest.mark.parametrize(
    ("hour", "missed"),
    [(8.5, []), (8.6, ["response"]), (16.4, ["response"]), (16.6, ["response", "resolution"])],
)
def test_what_is_on_no_plan_is_missed_when_nobody_can_be_there_in_time(
    session: Session, now: MovableClock, hour: float, missed: list[str]
) -> None:
    """R-401: half an hour to come, and an hour of work for the solution."""
    order = order_under(session)
    visit_of(session, order, duration_minutes=60)
    now.set(at(hour))
    assert [name for name, one in by_kind(session, order).items() if one.will_miss] == missed


def test_an_order_that_stands_still_is_not_foreseen_to_be_missed(session: Session, now: MovableClock) -> None:
    order = order_under(session)
    work_orders.wait_for(session, by=None, order=order, reason="customer")
    now.set(at(8.9))
    assert [one.will_miss for one in by_kind(session, order).values()] == [False, False]


def test_work_under_way_is_over_after_its_length_and_never_before_now(
    session: Session, now: MovableClock
) -> None:
    """R-402: whatever was planned for it."""
    order = order_under(session)
    visit_of(
        session,
        order,
        planned_start=at(8),
        planned_end=at(9),
        duration_minutes=60,
        state="working",
        arrived_at=at(17.2),
        started_at=at(17.25),
    )
    now.set(at(17.3))
    resolution = by_kind(session, order)["resolution"]
    assert (resolution.predicted_at, resolution.will_miss) == (at(18.25), True)
    now.set(at(18.5))
    assert by_kind(session, order)["resolution"].predicted_at == at(18.5)


def test_what_is_said_of_work_under_way_is_what_its_limit_goes_by(
    session: Session, now: MovableClock
) -> None:
    """R-402, R-503: the technician at work says "another five hours", then "done in ten minutes"."""
    order = order_under(session)
    visit = visit_of(session, order, state="working", duration_minutes=60)
    visit.arrived_at = visit.started_at = at(13)
    now.set(at(13.25))
    assert by_kind(session, order)["resolution"].predicted_at == at(14)
    visit.expected_end_at = at(18.25)
    session.flush()
    found = by_kind(session, order)["resolution"]
    assert (found.predicted_at, found.will_miss) == (at(18.25), True)
    visit.expected_end_at = at(13.5)
    session.flush()
    now.set(at(13.75))
    found = by_kind(session, order)["resolution"]
    assert (found.predicted_at, found.will_miss) == (at(13.75), False)


def test_a_breach_in_sight_starts_the_next_step_but_never_the_last(
    session: Session, now: MovableClock
) -> None:
    """R-401: once, and the next one as soon as its time has come."""
    order = order_under(session)
    visit_of(session, order, planned_start=at(9.5), planned_end=at(10), state="published")
    found: list[list[int]] = []
    for hour in (8.1, 8.2, 8.55, 8.85, 9.1):
        now.set(at(hour))
        noted = clocks.escalate(session, order.territory_id)
        found.append([step.percent for step in noted if step.kind == "response"])
    assert found == [[50], [], [80], [], [100]]


def test_waiting_for_the_customer_moves_what_had_not_passed(session: Session, now: MovableClock) -> None:
    """R-402: two hours of waiting are two hours more."""
    order = order_under(session)
    now.set(at(10))  # the response is missed already
    work_orders.wait_for(session, by=None, order=order, reason="customer")
    found = by_kind(session, order)
    assert found["resolution"].state is ClockState.PAUSED
    now.set(at(12))
    work_orders.stop_waiting(session, by=None, order=order)
    assert (order.response_due_at, order.resolution_due_at) == (at(9), at(20))
    [pause] = session.scalars(select(ServicePause))
    assert (pause.reason, pause.shifted_seconds) == ("customer", 7200)


def test_what_is_used_of_a_limit_leaves_pauses_out(session: Session, now: MovableClock) -> None:
    """R-402: one of twelve hours, however long somebody waits afterwards; no step is reached."""
    order = order_under(session, resolution_minutes=720)
    order.response_due_at, order.resolution_due_at = None, at(20)
    session.flush()
    now.set(at(9))
    work_orders.wait_for(session, by=None, order=order, reason="customer")
    now.set(at(8, days=1))
    assert by_kind(session, order)["resolution"].used == pytest.approx(1 / 12, abs=1e-4)
    work_orders.stop_waiting(session, by=None, order=order)
    assert by_kind(session, order)["resolution"].used == pytest.approx(1 / 12, abs=1e-4)
    assert clocks.escalate(session, order.territory_id) == []
    now.set(at(10, days=1))
    assert by_kind(session, order)["resolution"].used == pytest.approx(3 / 12, abs=1e-4)
    now.set(at(19, days=1))
    assert by_kind(session, order)["resolution"].used == 1
    now.set(at(22, days=1))
    assert by_kind(session, order)["resolution"].used == pytest.approx(15 / 12, abs=1e-4)


def test_a_pause_after_the_end_of_a_limit_moves_nothing_and_counts_nothing(
    session: Session, now: MovableClock
) -> None:
    order = order_under(session)
    now.set(at(10))
    assert by_kind(session, order)["response"].used == 2
    work_orders.wait_for(session, by=None, order=order, reason="customer")
    now.set(at(12))
    assert by_kind(session, order)["response"].used == 2
    work_orders.stop_waiting(session, by=None, order=order)
    now.set(at(13))
    assert by_kind(session, order)["response"].used == 3


def test_who_arrived_before_the_pause_has_used_the_limit_as_it_was_told(
    session: Session, now: MovableClock
) -> None:
    order = order_under(session)
    order.response_due_at = at(12)
    visit_of(session, order, arrived_at=at(9), state="working")
    session.flush()
    now.set(at(10))
    work_orders.wait_for(session, by=None, order=order, reason="customer")
    now.set(at(11))
    work_orders.stop_waiting(session, by=None, order=order)
    assert (order.response_due_at, order.resolution_due_at) == (at(12), at(19))
    found = by_kind(session, order)
    assert (found["response"].used, found["resolution"].used) == (0.25, 0.2)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("in_hours", [False, True], ids=["around the clock", "in working hours"])
def test_generated_pauses_leave_what_ran(
    session: Session, now: MovableClock, seed: int, *, in_hours: bool
) -> None:
    """R-402: hour by hour a limit runs or stands still; what ran of it is counted by hand."""
    chance = random.Random(seed)
    order = order_under(session, calendar_id=calendar(session).id if in_hours else None)
    order.resolution_due_at = at(8, days=2) if in_hours else at(0, days=1)
    session.flush()
    ran, waits = 0, False
    for hour in range(60):
        moment = at(8) + timedelta(hours=hour)
        now.set(moment)
        if ran < 15 and chance.random() < 0.3:
            waits = not waits
            if waits:
                work_orders.wait_for(session, by=None, order=order, reason="customer")
            else:
                work_orders.stop_waiting(session, by=None, order=order)
        assert by_kind(session, order)["resolution"].used == pytest.approx(ran / 16, abs=1e-4), moment
        is_open = not in_hours or 8 <= moment.hour + 2 < 16
        ran += is_open and not waits


def test_waiting_for_a_part_moves_nothing_unless_agreed(session: Session, now: MovableClock) -> None:
    order = order_under(session)
    agreed = order_under(session, pauses_for=["part"])
    for each in (order, agreed):
        work_orders.wait_for(session, by=None, order=each, reason="part")
    now.set(at(11))
    for each in (order, agreed):
        work_orders.stop_waiting(session, by=None, order=each)
    assert (order.resolution_due_at, agreed.resolution_due_at) == (at(18), at(21))


def test_from_one_reason_to_the_other_each_pause_counts_once(session: Session, now: MovableClock) -> None:
    order = order_under(session, pauses_for=["part", "customer"])
    work_orders.wait_for(session, by=None, order=order, reason="part")
    now.set(at(9))
    work_orders.wait_for(session, by=None, order=order, reason="customer")
    now.set(at(10))
    work_orders.wait_for(session, by=None, order=order, reason="customer")
    work_orders.stop_waiting(session, by=None, order=order)
    assert order.resolution_due_at == at(20)
    reasons = session.scalars(select(ServicePause.reason).order_by(ServicePause.started_at)).all()
    assert reasons == ["part", "customer"]


def test_a_pause_over_a_night_moves_a_limit_by_working_time(session: Session, now: MovableClock) -> None:
    order = order_under(session, calendar_id=calendar(session).id)
    order.resolution_due_at = at(15)
    now.set(at(14))
    work_orders.wait_for(session, by=None, order=order, reason="customer")
    now.set(at(9, days=1))
    work_orders.stop_waiting(session, by=None, order=order)
    assert order.resolution_due_at is not None
    assert order.resolution_due_at - at(9, days=1) == timedelta(hours=1)


def test_each_step_of_escalation_is_noted_once(session: Session, now: MovableClock) -> None:
    order = order_under(session)
    now.set(at(8.4))
    assert clocks.escalate(session, order.territory_id) == []
    now.set(at(8.9))
    noted = clocks.escalate(session, order.territory_id)
    assert [(step.kind, step.percent, step.role) for step in noted] == [
        ("response", 50, "dispatcher"),
        ("response", 80, "supervisor"),
    ]
    assert clocks.escalate(session, order.territory_id) == []
    now.set(at(14))
    noted = clocks.escalate(session, order.territory_id)
    assert [(step.kind, step.percent) for step in noted] == [("response", 100), ("resolution", 50)]
    assert len(clocks.steps_of(session, order.territory_id)) == 4


def test_when_somebody_is_told_is_a_rule_of_the_house_and_of_a_contract(
    session: Session, now: MovableClock
) -> None:
    """R-401: the company tells at 20 and 40 per cent, a contract the dispatcher at 30; nobody hears twice."""
    usual, agreed = (
        order_under(session),
        order_under(session, house_rules={"escalation_dispatcher_percent": 30}),
    )
    rules = {"escalation_dispatcher_percent": 20, "escalation_supervisor_percent": 40}
    change_house_rules(session, by=a_principal(), changes=rules)

    def told(order: WorkOrder) -> list[tuple[int, str]]:
        noted = clocks.escalate(session, order.territory_id)
        return [(step.percent, step.role) for step in noted if step.kind == "response"]

    now.set(at(8.25))
    assert (told(usual), told(agreed)) == ([(20, "dispatcher")], [])
    change_house_rules(session, by=a_principal(), changes={"escalation_dispatcher_percent": 22})
    now.set(at(8.45))
    assert told(usual) == [(40, "supervisor")]
    assert told(agreed) == [(30, "dispatcher"), (40, "supervisor")]


def test_a_house_that_escalates_nothing_still_hears_of_what_was_missed(
    session: Session, now: MovableClock
) -> None:
    """R-402: the administrator does; what a missed resolution starts (a loaner) does not depend on it."""
    order = order_under(session)
    change_house_rules(session, by=a_principal(), changes={"escalation": False})
    now.set(at(8.9))
    assert clocks.escalate(session, order.territory_id) == []
    now.set(at(23))
    noted = clocks.escalate(session, order.territory_id)
    assert {(step.kind, step.percent, step.role) for step in noted} == {
        ("response", 100, "admin"),
        ("resolution", 100, "admin"),
    }
    [run] = session.scalars(select(JobRun).where(JobRun.kind == "loaners.lend"))
    assert run.payload["work_order_id"] == str(order.id)


def test_a_clock_that_stands_still_escalates_nothing(session: Session, now: MovableClock) -> None:
    order = order_under(session)
    work_orders.wait_for(session, by=None, order=order, reason="customer")
    now.set(at(17))
    assert clocks.escalate(session, order.territory_id) == []
