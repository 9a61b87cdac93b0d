"""Promises to which nobody comes, and how alarms end when nobody came (R-503, R-802)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from dispatch.events import Event, PromiseInDanger
from dispatch.messages import commands as messages
from dispatch.messages.model import Message
from dispatch.planning import repairing, spreads
from dispatch.planning.commands import book, publish
from dispatch.planning.model import DayPlan
from dispatch.promises import alarming
from dispatch.promises.alarming import Sight
from dispatch.promises.commands import promise
from dispatch.promises.model import PromiseAlarm
from dispatch.promises.rules import AlarmPolicy
from dispatch.settings import Settings
from dispatch.technicians.model import Technician
from dispatch.work_orders.commands import cancel_visit
from dispatch.work_orders.lifecycle import Actor, VisitState
from dispatch.work_orders.model import ReviewCase, Visit
from dispatch.work_orders.steps import take_step
from tests.builders import DAY, a_promise, an_absence, at
from tests.dispatch.conftest import MovableClock
from tests.dispatch.planning.watch_world import (
    alarms,
    customer_of,
    look,
    note,
    on_the_way,
    promised,
    publish_day,
)
from tests.planning_world import Town, runs_of


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """Nothing was measured before."""
    spreads.forget()


@pytest.fixture
def visit(town: Town) -> Visit:
    """A visit promised for 12 to 14 of somebody who has another one from 8 on."""
    town.territory.emergency_reserve_percent = 0
    town.technician((8, 16), break_minutes=0)
    return promised(town, 12)


@pytest.mark.parametrize(("since", "until"), [(6, 20), (10, 20), (11.9, 14.5)], ids=["day", "ten", "then"])
def test_who_is_ill_comes_to_nobody(
    town: Town, now: MovableClock, recorded: list[Event], since: float, until: float
) -> None:
    """R-503, R-802: however safe the route looked; nobody knows when somebody else comes."""
    town.territory.emergency_reserve_percent = 0
    who = town.technician((8, 16), break_minutes=0, overtime_minutes=60)
    visit = promised(town, 12)
    publish_day(town)
    assert look(town) == []
    an_absence(town.session, who, starts_at=at(since), ends_at=at(until))
    now.set(at(9))
    assert look(town) == []
    now.set(at(9.2))
    [alarm] = look(town)
    assert (alarm.visit_id, alarm.reason, alarm.expected_arrival) == (visit.id, "technician_ill", None)
    assert sum(isinstance(event, PromiseInDanger) for event in recorded) == 1


def test_who_falls_ill_on_the_way_does_not_arrive(town: Town, now: MovableClock) -> None:
    """R-503."""
    who = town.technician((8, 16), break_minutes=0)
    visit = promised(town, 12)
    on_the_way(town, visit, at(12.9))
    now.set(at(13))
    assert look(town) == []
    an_absence(town.session, who, starts_at=at(13), ends_at=at(20))
    assert look(town) == []
    now.set(at(13.2))
    assert [(alarm.reason, alarm.expected_arrival) for alarm in look(town)] == [("technician_ill", None)]


def test_a_promised_visit_that_a_plan_leaves_out_is_not_forgotten(
    town: Town, visit: Visit, now: MovableClock, recorded: list[Event]
) -> None:
    """R-503, R-802: a case at once, and the customer is told of a call with the plan's reason."""
    plan = publish_day(town)
    publish_without(town, visit, reason="emergency")
    assert visit.state == "unplanned"
    [case] = town.session.scalars(select(ReviewCase))
    assert (case.visit_id, case.kind, case.decided_at) == (visit.id, "left_out", None)
    assert (case.detail["reason"], plan.state) == ("emergency", "superseded")
    assert look(town) == []
    now.set(at(8.2))
    [alarm] = look(town)
    assert (alarm.visit_id, alarm.expected_arrival, alarm.reason) == (visit.id, None, "emergency")
    assert sum(isinstance(event, PromiseInDanger) for event in recorded) == 1


def test_who_is_planned_again_has_no_case_and_no_danger(town: Town, visit: Visit, now: MovableClock) -> None:
    """R-503: in time, before anybody was told."""
    publish_day(town)
    publish_without(town, visit, reason="absence")
    look(town)
    who = town.session.scalars(select(Technician)).one()
    town.plan_of([(who, visit, at(12))], town.head(), state="proposed")
    proposal = town.session.scalars(select(DayPlan).where(DayPlan.state == "proposed")).one()
    publish(town.session, by=None, plan=proposal, expected_version=town.head().version)
    [case] = town.session.scalars(select(ReviewCase))
    assert (case.decision, visit.needs_review) == ("planned again", False)
    now.set(at(8.2))
    assert look(town) == []
    assert [alarm.recovered_at for alarm in alarms(town)] == [at(8.2)]


def test_who_is_called_and_told_another_time_reads_the_real_reason(town: Town, visit: Visit) -> None:
    """R-309, R-802: not that the customer asked for it; the case is settled by it."""
    publish_day(town)
    publish_without(town, visit, reason="absence")
    new = book(town.session, by=None, visit=visit, start=at(14), end=at(16), channel="phone")
    [case] = town.session.scalars(select(ReviewCase))
    assert (new.ordinal, new.reason, case.decision) == (2, "technician_ill", "promised anew")


@pytest.mark.parametrize("reason", ["part", "customer"])
def test_what_waits_was_told_so(town: Town, visit: Visit, now: MovableClock, reason: str) -> None:
    """R-801: a message of its own; neither a case nor an alarm."""
    publish_day(town)
    visit.work_order.waiting_reason = reason
    publish_without(town, visit, reason="optimise")
    now.set(at(13.9))
    look(town)
    assert alarms(town) == []
    assert list(town.session.scalars(select(ReviewCase))) == []


def test_on_a_day_that_nobody_has_published_what_is_on_no_plan_is_told_when_it_is_near(
    town: Town, now: MovableClock
) -> None:
    """R-503."""
    town.technician((8, 16), break_minutes=0)
    visit = town.visit(60.2, 24.99)
    a_promise(town.session, visit, window_start=at(12), window_end=at(14))
    now.set(at(10.9))
    assert look(town) == []
    assert alarms(town) == []
    now.set(at(11))
    look(town)
    assert [(alarm.visit_id, alarm.expected_arrival) for alarm in alarms(town)] == [(visit.id, None)]


def test_what_an_emergency_makes_late_is_told_with_that_reason(town: Town, now: MovableClock) -> None:
    """R-802: an emergency that was reported after the promise, and goes before it."""
    town.territory.emergency_reserve_percent = 0
    who = town.technician((8, 18), break_minutes=0)
    visit = promised(town, 8)
    now.set(at(8.1))
    urgent = town.visit(60.2, 24.99, priority=5, duration_minutes=180)
    urgent.work_order.opened_at = at(8.1)
    proposal = town.plan_of([(who, urgent, at(8.2)), (who, visit, at(11.2))], town.head(), state="proposed")
    town.head().working_plan_id = proposal.id
    town.session.flush()
    look(town)
    assert {alarm.visit_id: alarm.reason for alarm in alarms(town)} == {visit.id: "emergency"}


def test_what_a_technician_hands_back_has_nobody(town: Town, visit: Visit, now: MovableClock) -> None:
    """R-503: it stands on the published route, and its technician will not come."""
    publish_day(town)
    assert visit.technician_id is not None
    look(town)
    assert alarms(town) == []
    take_step(
        town.session,
        visit=visit,
        target=VisitState.UNPLANNED,
        actor=Actor.DISPATCHER,
        by=None,
        reason="no tools",
    )
    look(town)
    assert [(alarm.visit_id, alarm.expected_arrival) for alarm in alarms(town)] == [(visit.id, None)]


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        ({"delay"}, "delay"),
        ({"technician_ill", "delay"}, "absence"),
        ({"emergency"}, "emergency"),
        ({"replanned"}, "delay"),
    ],
    ids=["delay", "ill", "emergency", "other"],
)
def test_the_new_plan_is_asked_for_with_the_reason_seen(town: Town, seen: set[str], reason: str) -> None:
    """R-802: so that whoever is told another time by it reads the same reason."""
    repairing.repair_danger(town.session, town.territory.id, DAY, seen, seconds=1)
    [run] = runs_of(town.session, "planning.optimise_day")
    assert run.payload["reason"] == reason


def publish_without(town: Town, visit: Visit, *, reason: str) -> None:
    """Publish a plan of the day that leaves a visit out."""
    plan = town.plan_of([], town.head(), state="proposed")
    plan.reason = reason
    town.session.flush()
    publish(town.session, by=None, plan=plan, expected_version=town.head().version)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("our technician fell ill", "We call you with a new time")),
        ("zh", ("技术员临时生病", "另约时间")),
    ],
)
def test_where_nobody_comes_the_customer_is_told_of_a_call(
    town: Town, visit: Visit, language: str, words: tuple[str, ...]
) -> None:
    """R-802: the reason, and that a new time follows."""
    alarm = told_alarm(town, Sight(visit.id, None, is_breaking=True, reason="technician_ill"))
    body = message_of(town, alarm, visit, language).body
    assert all(each in body for each in words)


def told_alarm(town: Town, sight: Sight) -> PromiseAlarm:
    """An alarm of which the customer is told at once."""
    policy = AlarmPolicy(timedelta(0), timedelta(0))
    [alarm] = alarming.look(town.session, town.territory.id, DAY, [sight], policy)
    return alarm


def message_of(town: Town, alarm: PromiseAlarm, visit: Visit, language: str) -> Message:
    """What the customer reads of an alarm."""
    customer_of(town.session, visit).language = language
    ids = {"alarm_id": str(alarm.id), "visit_id": "", "promise_id": ""}
    found = messages.write(town.session, event="PromiseInDanger", ids=ids, settings=Settings())
    return town.session.get_one(Message, found)


def test_whom_nobody_reached_by_the_end_of_duty_was_promised_in_vain(
    town: Town, visit: Visit, now: MovableClock
) -> None:
    """R-503, R-802: open until the last shift is over, then broken and to be followed up."""
    note(town, visit, breaking=True)
    now.set(at(15.9))
    look(town)
    assert [alarm.outcome for alarm in alarms(town)] == [None]
    now.set(at(16))
    look(town)
    assert [alarm.outcome for alarm in alarms(town)] == ["broken"]
    assert [alarm.visit_id for alarm in alarming.follow_ups(town.session, town.territory.id)] == [visit.id]


def test_alarms_of_past_days_are_closed(town: Town, visit: Visit, now: MovableClock) -> None:
    """R-802: the watch looks at running days only; nothing stays open behind it."""
    note(town, visit, breaking=True)
    now.set(at(9, days=1))
    alarming.close_past(town.session, town.territory.id, before=DAY)
    assert [alarm.outcome for alarm in alarms(town)] == [None]
    alarming.close_past(town.session, town.territory.id, before=DAY + timedelta(days=1))
    assert [(alarm.outcome, alarm.ended_at) for alarm in alarms(town)] == [("broken", at(9, days=1))]


@pytest.mark.parametrize(("hour", "outcome"), [(13.9, "replaced"), (14.1, "broken")])
def test_a_promise_anew_after_the_window_does_not_mend_it(
    town: Town, visit: Visit, now: MovableClock, hour: float, outcome: str
) -> None:
    """R-309, R-802: the follow-up is not lost."""
    note(town, visit, breaking=True)
    now.set(at(hour))
    promise(
        town.session, by=None, visit=visit, window=(at(15), at(17)), channel="phone",
        slot_cost_minor=0, reason="delay",
    )  # fmt: skip
    now.set(at(14.2))
    look(town)
    assert alarms(town)[0].outcome == outcome


@pytest.mark.parametrize(("hour", "outcome"), [(13.9, "cancelled"), (14.1, "broken")])
def test_called_off_after_the_window_is_broken(
    town: Town, visit: Visit, now: MovableClock, hour: float, outcome: str
) -> None:
    """R-802: whoever waited in vain is asked."""
    note(town, visit, breaking=True)
    now.set(at(hour))
    cancel_visit(town.session, by=None, visit=visit, reason="enough")
    note(town, visit, breaking=False)
    assert [alarm.outcome for alarm in alarms(town)] == [outcome]
