"""The office is reminded of what waits: once each, then the person above, never of what is settled."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import outbox
from dispatch.contracts.house_rules import change_house_rules
from dispatch.promises import alarming, clocks, reminding
from dispatch.promises.chasing import record_chaser
from dispatch.promises.model import OfficeReminder, PromiseAlarm
from dispatch.territories.model import Territory
from dispatch.work_orders import asking_office
from dispatch.work_orders.model import ServicePause, Visit, WorkOrder
from tests.builders import (
    a_contract,
    a_customer,
    a_principal,
    a_promise,
    a_site,
    a_territory,
    a_visit,
    an_order,
    at,
)
from tests.dispatch.conftest import MovableClock
from tests.planning_world import register_kinds

ME = a_principal()


@pytest.fixture
def place(session: Session, now: MovableClock) -> Iterator[Territory]:
    """A territory, with jobs known."""
    register_kinds()
    yield a_territory(session)
    outbox.register((), {})


def an_order_here(session: Session, place: Territory, **fields: Any) -> WorkOrder:
    """An order in the territory."""
    site = a_site(session, customer=a_customer(session), territory=place)
    return an_order(session, site=site, **fields)


def a_broken_promise(session: Session, visit: Visit, **fields: Any) -> PromiseAlarm:
    """A promise that broke at eight, after which nobody has asked yet."""
    promise = a_promise(session, visit)
    alarm = PromiseAlarm(
        promise_id=promise.id,
        visit_id=visit.id,
        territory_id=visit.work_order.territory_id,
        day=promise.window_start.date(),
        reason="delay",
        seen_at=at(7),
        expected_arrival=promise.window_end,
        **{"ended_at": at(8), "outcome": "broken", **fields},
    )
    session.add(alarm)
    session.flush()
    return alarm


def told(session: Session, place: Territory) -> list[tuple[str, int, str, uuid.UUID | None]]:
    """Kind, level, role and person of what is new now."""
    found = reminding.remind(session, place.id)
    return [(each.kind, each.level, each.role, each.user_id) for each in found]


def still(session: Session, place: Territory) -> list[int]:
    """Levels of what is open."""
    return [each.level for each in reminding.open_reminders(session, place.id)]


def test_a_follow_up_reminds_who_took_the_alarm_then_the_supervisor_once_each(
    session: Session, place: Territory, now: MovableClock
) -> None:
    """R-802."""
    visit = a_visit(session, order=an_order_here(session, place))
    alarm = a_broken_promise(session, visit, acknowledged_at=at(7.5), acknowledged_by=ME.user_id)
    now.set(at(8, days=1) - timedelta(minutes=1))
    assert told(session, place) == []
    now.set(at(8, days=1))
    assert told(session, place) == [("follow_up", 1, "dispatcher", ME.user_id)]
    assert told(session, place) == []
    now.set(at(8, days=2))
    assert told(session, place) == [("follow_up", 2, "supervisor", None)]
    assert (told(session, place), still(session, place)) == ([], [1, 2])
    alarming.follow_up(session, by=ME, alarm=alarm, note="they were content")
    assert (told(session, place), still(session, place)) == ([], [])


def test_a_promise_in_danger_alerts_the_supervisor_at_once_then_an_administrator(
    session: Session, place: Territory, now: MovableClock
) -> None:
    """R-503: with the customer's message, not after the break; who takes it in hand ends it."""
    visit = a_visit(session, order=an_order_here(session, place))
    alarm = a_broken_promise(session, visit, outcome=None, ended_at=None)
    assert told(session, place) == []
    alarm.told_at = at(8)
    assert told(session, place) == [("alarm", 1, "supervisor", None)]
    assert told(session, place) == []
    now.set(at(8.5))
    assert told(session, place) == [("alarm", 2, "admin", None)]
    alarming.acknowledge(session, by=ME, alarm=alarm)
    assert (told(session, place), still(session, place)) == ([], [])


@pytest.mark.parametrize("field", ["recovered_at", "ended_at"])
def test_a_danger_that_is_over_alerts_nobody(
    session: Session, place: Territory, now: MovableClock, field: str
) -> None:
    """R-503."""
    visit = a_visit(session, order=an_order_here(session, place))
    alarm = a_broken_promise(session, visit, outcome=None, ended_at=None, told_at=at(8))
    assert [each[0] for each in told(session, place)] == ["alarm"]
    setattr(alarm, field, at(8.1))
    assert (told(session, place), still(session, place)) == ([], [])


def test_what_was_followed_up_before_reminds_nobody(
    session: Session, place: Territory, now: MovableClock
) -> None:
    """R-802."""
    visit = a_visit(session, order=an_order_here(session, place))
    alarm = a_broken_promise(session, visit)
    alarming.follow_up(session, by=ME, alarm=alarm, note="done")
    now.set(at(8, days=9))
    assert told(session, place) == []


@pytest.mark.parametrize("outcome", ["kept", "replaced", "cancelled"])
def test_a_promise_that_did_not_break_needs_no_reminder(
    session: Session, place: Territory, now: MovableClock, outcome: str
) -> None:
    """R-802."""
    a_broken_promise(session, a_visit(session, order=an_order_here(session, place)), outcome=outcome)
    now.set(at(8, days=9))
    assert told(session, place) == []


def test_a_question_reminds_before_it_is_due_and_the_supervisor_when_it_is(
    session: Session, place: Territory, now: MovableClock
) -> None:
    """R-403: "I must check" makes it due within the hour, and the person who said so is reminded."""
    visit = a_visit(session, order=an_order_here(session, place))
    row = asking_office.ask(session, by=None, visit=visit, question="Which valve?")
    asking_office.say_checking(session, by=ME, row=row)
    now.set(row.due_at - timedelta(minutes=31))
    assert told(session, place) == []
    now.set(row.due_at - timedelta(minutes=30))
    assert told(session, place) == [("question", 1, "dispatcher", ME.user_id)]
    now.set(row.due_at)
    assert told(session, place) == [("question", 2, "supervisor", None)]
    asking_office.answer(session, by=ME, row=row, words="The left one.")
    assert (told(session, place), still(session, place)) == ([], [])


def test_an_answer_in_time_reminds_nobody(session: Session, place: Territory, now: MovableClock) -> None:
    """R-403."""
    visit = a_visit(session, order=an_order_here(session, place))
    row = asking_office.ask(session, by=None, visit=visit, question="Which valve?")
    asking_office.answer(session, by=ME, row=row, words="The left one.")
    now.set(at(8, days=3))
    assert told(session, place) == []


def told_the_dispatcher(session: Session, place: Territory, now: MovableClock) -> Visit:
    """A visit of an order that was to be answered within an hour, half of which is over."""
    contract = a_contract(session, customer=a_customer(session))
    fields = {"contract_id": contract.id, "requested_at": at(8), "response_due_at": at(9)}
    order = an_order_here(session, place, **fields)
    visit = a_visit(session, order=order)
    session.refresh(order)
    now.set(at(8.5))
    clocks.escalate(session, place.id)
    assert told(session, place) == [("service_step", 1, "dispatcher", None)]
    return visit


def test_an_escalated_order_reminds_at_each_step_and_ends_when_its_limit_is_met(
    session: Session, place: Territory, now: MovableClock
) -> None:
    """R-401: after half of the hour the dispatcher, after the whole an administrator with nobody above."""
    visit = told_the_dispatcher(session, place, now)
    now.set(at(9))
    clocks.escalate(session, place.id)
    assert told(session, place) == [("service_step", 1, "admin", None)]
    assert len(still(session, place)) == 1
    now.set(at(9.5))
    assert told(session, place) == []
    visit.arrived_at = now.moment
    session.flush()
    assert (told(session, place), still(session, place)) == ([], [])


def test_steps_at_the_same_per_cent_remind_each_their_own_person(
    session: Session, place: Territory, now: MovableClock
) -> None:
    """R-401: the house tells sooner from now on: the supervisor's step is where the dispatcher's was."""
    told_the_dispatcher(session, place, now)
    sooner = {"escalation_dispatcher_percent": 30, "escalation_supervisor_percent": 50}
    change_house_rules(session, by=ME, changes=sooner)
    clocks.escalate(session, place.id)
    assert told(session, place) == [("service_step", 1, "supervisor", None)]
    assert len(still(session, place)) == 1


def test_once_a_house_escalates_nothing_the_steps_before_remind_nobody(
    session: Session, place: Territory, now: MovableClock
) -> None:
    """R-401: but of what was missed the administrator is told."""
    told_the_dispatcher(session, place, now)
    change_house_rules(session, by=ME, changes={"escalation": False})
    now.set(at(9) - timedelta(seconds=1))
    assert (told(session, place), still(session, place)) == ([], [])
    now.set(at(9))
    clocks.escalate(session, place.id)
    assert told(session, place) == [("service_step", 1, "admin", None)]


def test_a_step_that_nothing_comes_of_is_the_person_aboves(
    session: Session, place: Territory, now: MovableClock
) -> None:
    """R-402: half an hour after the dispatcher the supervisor; nobody while the order waits with a reason."""
    contract = a_contract(session, customer=a_customer(session))
    fields = {"contract_id": contract.id, "requested_at": at(0), "resolution_due_at": at(12)}
    order = an_order_here(session, place, **fields)
    a_visit(session, order=order)
    session.refresh(order)
    clocks.escalate(session, place.id)
    assert told(session, place) == [("service_step", 1, "dispatcher", None)]
    now.set(at(8.5))
    assert told(session, place) == [("service_step", 2, "supervisor", None)]
    session.add(ServicePause(work_order_id=order.id, reason="customer", started_at=now.moment))
    session.flush()
    assert (told(session, place), still(session, place)) == ([], [])


def test_reminders_are_a_setting_of_house_and_contract(
    session: Session, place: Territory, now: MovableClock
) -> None:
    """R-802: switched off by the contract; other hours by the house."""
    quiet = a_contract(session, customer=a_customer(session), house_rules={"reminders": False})
    a_broken_promise(session, a_visit(session, order=an_order_here(session, place, contract_id=quiet.id)))
    change_house_rules(session, by=ME, changes={"follow_up_hours": 2})
    a_broken_promise(session, a_visit(session, order=an_order_here(session, place)))
    now.set(at(10))
    assert told(session, place) == [("follow_up", 1, "dispatcher", None)]


@pytest.mark.parametrize("seed", range(8))
def test_generated_questions_remind_once_at_each_level_and_only_while_open(
    session: Session, place: Territory, now: MovableClock, seed: int
) -> None:
    """R-403: a round every ten minutes; what must have been written is reckoned from the answers."""
    chance = random.Random(seed)
    visit = a_visit(session, order=an_order_here(session, place))
    rows = [asking_office.ask(session, by=None, visit=visit, question=f"Q{n}?") for n in range(6)]
    answers = {row.id: row.due_at + timedelta(minutes=chance.randint(-60, 60)) for row in rows}
    begin = rows[0].due_at - timedelta(minutes=70)
    expected: set[tuple[str, int]] = set()
    for minutes in range(0, 150, 10):
        now.set(begin + timedelta(minutes=minutes))
        for row in rows:
            if row.answered_at is None and now.moment >= answers[row.id]:
                asking_office.answer(session, by=ME, row=row, words="Yes.")
            if row.answered_at is None:
                ahead = row.due_at - now.moment
                expected |= {(str(row.id), 1)} if ahead <= timedelta(minutes=30) else set()
                expected |= {(str(row.id), 2)} if ahead <= timedelta(0) else set()
        reminding.remind(session, place.id)
        open_ = {reminder.subject for reminder in reminding.open_reminders(session, place.id)}
        assert open_ <= {str(row.id) for row in rows if row.answered_at is None}
    written = session.scalars(select(OfficeReminder)).all()
    assert sorted((each.subject, each.level) for each in written) == sorted(expected)


def test_the_second_chaser_reaches_the_supervisor_at_once_and_ends_with_what_comes_of_it(
    session: Session, place: Territory, now: MovableClock
) -> None:
    """R-105."""
    order = an_order_here(session, place)
    visit = a_visit(session, order=order)
    now.set(at(8))
    record_chaser(session, by=ME, order=order, channel="phone")
    assert told(session, place) == []
    now.set(at(9))
    record_chaser(session, by=ME, order=order, channel="phone")
    assert told(session, place) == [("chaser", 1, "supervisor", None)]
    assert told(session, place) == []
    now.set(at(10))
    assert told(session, place) == []
    record_chaser(session, by=ME, order=order, channel="phone")
    assert told(session, place) == [("chaser", 1, "supervisor", None)]
    assert len(still(session, place)) == 1
    a_promise(session, visit, promised_at=at(10.25))
    assert (told(session, place), still(session, place)) == ([], [])


@pytest.mark.parametrize(
    ("order_state", "set_out", "level"),
    [
        ("scheduled", None, [1]),
        ("in_progress", 7.5, [1]),  # there before the customer asked, and gone for a part
        ("in_progress", 8.5, []),
        ("done", 8.5, []),
        ("done", None, []),
        ("cancelled", None, []),
    ],
)
def test_a_chaser_is_answered_by_who_sets_out_or_by_the_end_of_the_work(
    session: Session, place: Territory, order_state: str, set_out: float | None, level: list[int]
) -> None:
    """R-105."""
    order = an_order_here(session, place)
    visit = a_visit(session, order=order)
    for _ in range(2):
        record_chaser(session, by=ME, order=order, channel="phone")
    order.state, visit.travelling_at = order_state, at(set_out) if set_out else None
    session.flush()
    assert told(session, place) == [("chaser", each, "supervisor", None) for each in level]
    assert told(session, place) == []


def test_a_house_without_reminders_hears_of_chasers_in_the_list_alone(
    session: Session, place: Territory, now: MovableClock
) -> None:
    """R-105."""
    change_house_rules(session, by=ME, changes={"reminders": False})
    order = an_order_here(session, place)
    for _ in range(2):
        record_chaser(session, by=ME, order=order, channel="phone")
    assert told(session, place) == []


def test_a_contract_says_how_soon_a_question_from_the_field_is_answered(
    session: Session, place: Territory, now: MovableClock
) -> None:
    """R-403: two hours, and ten minutes after "I must check"; others have the day and the hour."""
    customer = a_customer(session)
    own = {"field_answer_hours": 2, "field_checked_minutes": 10}
    contract = a_contract(session, customer=customer, house_rules=own)
    found = []
    for fields in ({"contract_id": contract.id}, {}):
        visit = a_visit(session, order=an_order_here(session, place, **fields))
        now.set(at(8))
        row = asking_office.ask(session, by=None, visit=visit, question="Which valve?")
        due = [row.due_at - at(8)]
        now.set(at(8.5))
        asking_office.say_checking(session, by=ME, row=row)
        found.append((*due, row.due_at - at(8.5)))
    assert found == [
        (timedelta(hours=2), timedelta(minutes=10)),
        (timedelta(hours=24), timedelta(hours=1)),
    ]
