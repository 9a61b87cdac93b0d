"""How soon somebody is there for a customer who asks (R-102)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from dispatch import outbox
from dispatch.calls.answering import AnswerState, answer
from dispatch.calls.model import RepairCall
from dispatch.calls.rules import CallAnswered, answer_limit
from dispatch.contracts.commands import create_calendar
from dispatch.contracts.house_rules import HouseRules, change_house_rules
from dispatch.intake import handling, machines
from dispatch.intake.answering import answer_clocks
from dispatch.intake.model import Inquiry
from dispatch.intake.receiving import Arrival, receive
from tests.builders import DAY, a_call, a_customer, a_principal, a_site, a_territory, an_asset, at
from tests.dispatch.conftest import MovableClock
from tests.planning_world import register_kinds


def call_by(session: Session, channel: str, hour: float = 8.0, days: int = 0) -> RepairCall:
    """A call on a channel, of an hour of the test day or a later one."""
    site = a_site(session)
    call = a_call(session, site=site, asset=an_asset(session, site=site))
    call.channel, call.requested_at = channel, at(hour, days=days)
    call.received_at, call.answered_at = at(hour, days=days), None
    session.flush()
    return call


def state_of(session: Session, call: RepairCall, days: int = 0) -> AnswerState:
    """How a call's answer stands."""
    [found] = answer_clocks(session, call.territory_id, DAY + timedelta(days=days)).items
    return found.state


@pytest.mark.parametrize(
    ("channel", "working", "off"),
    [
        ("phone", timedelta(seconds=15), timedelta(seconds=15)),
        ("counter", timedelta(minutes=5), timedelta(minutes=5)),
        ("web", timedelta(hours=1), timedelta(hours=24)),
        ("email", timedelta(hours=1), timedelta(hours=24)),
        ("letter", None, None),
    ],
)
def test_each_channel_has_its_limit(channel: str, working: timedelta | None, off: timedelta | None) -> None:
    """R-102."""
    assert answer_limit(channel, HouseRules(), is_working_day=True) == working
    assert answer_limit(channel, HouseRules(), is_working_day=False) == off


def test_a_house_has_limits_of_its_own(session: Session, now: MovableClock) -> None:
    """R-102: five rings, two minutes at the counter, 15 minutes in writing, two hours on a day off."""
    changes = {
        "answer_phone_seconds": 25,
        "answer_counter_minutes": 2,
        "answer_online_minutes": 15,
        "answer_day_off_hours": 2,
    }
    change_house_rules(session, by=a_principal(), changes=changes)
    first = call_by(session, "phone")
    first.answered_at = first.requested_at + timedelta(seconds=25)
    others = [call_by(session, "counter"), call_by(session, "email"), call_by(session, "web", days=5)]
    for call in others:
        call.territory_id = first.territory_id
    session.flush()
    now.set(at(8.3))
    today = answer_clocks(session, first.territory_id, DAY).items
    off = answer_clocks(session, first.territory_id, DAY + timedelta(days=5)).items
    found = {one.channel: (one.due_at - one.requested_at, one.state) for one in (*today, *off)}
    assert found == {
        "phone": (timedelta(seconds=25), AnswerState.KEPT),
        "counter": (timedelta(minutes=2), AnswerState.UNKNOWN),
        "email": (timedelta(minutes=15), AnswerState.MISSED),
        "web": (timedelta(hours=2), AnswerState.RUNNING),
    }


@pytest.mark.parametrize(
    ("seconds", "state"), [(15, AnswerState.KEPT), (16, AnswerState.MISSED), (None, AnswerState.UNKNOWN)]
)
def test_a_telephone_is_picked_up_within_three_rings(
    session: Session, now: MovableClock, seconds: int | None, state: AnswerState
) -> None:
    call = call_by(session, "phone")
    if seconds is not None:
        call.answered_at = call.requested_at + timedelta(seconds=seconds)
        session.flush()
    assert now.moment == at(8)
    assert state_of(session, call) is state


def test_what_came_in_writing_runs_until_somebody_answers(session: Session, now: MovableClock) -> None:
    call = call_by(session, "web")
    now.set(at(9))
    assert state_of(session, call) is AnswerState.RUNNING
    now.set(at(9.01))
    assert state_of(session, call) is AnswerState.MISSED
    answer(session, by=None, call=call)
    assert state_of(session, call) is AnswerState.MISSED
    with pytest.raises(CallAnswered):
        answer(session, by=None, call=call)


def test_on_a_day_off_there_is_a_day_for_it(session: Session, now: MovableClock) -> None:
    """The test day is a Monday; the Saturday is five days later, or whatever the office calendar says."""
    call = call_by(session, "web", days=5)
    now.set(at(20, days=5))
    assert state_of(session, call, days=5) is AnswerState.RUNNING
    create_calendar(
        session,
        by=None,
        code="OFFICE",
        name="Office",
        hours=[{"weekday": day, "opens": 480, "closes": 960} for day in range(1, 7)],
    )
    assert state_of(session, call, days=5) is AnswerState.MISSED


def test_the_share_counts_what_is_decided(session: Session, now: MovableClock) -> None:
    first = call_by(session, "phone")
    first.answered_at = first.requested_at + timedelta(seconds=5)
    for channel in ("phone", "web", "letter"):
        call_by(session, channel).territory_id = first.territory_id
    session.flush()
    now.set(at(8.5))
    found = answer_clocks(session, first.territory_id, DAY)
    assert (found.kept, found.decided, len(found.items)) == (1, 1, 3)


def test_whoever_never_became_a_call_is_measured_as_well(session: Session, now: MovableClock) -> None:
    """R-102: a caller who gave up, a form that waits, one that was dismissed, one of which a call came."""
    territory, me = a_territory(session), a_principal()
    register_kinds()
    now.set(at(8.5))

    def came(channel: str, number: str) -> Inquiry:
        arrival = Arrival(channel=channel, source="s", external_id=number, requested_at=at(8), phone="1")
        found, _ = receive(session, arrival)
        found.territory_id = territory.id
        session.flush()
        return found

    reached = a_customer(session, phone="+358401234567")
    a_site(session, customer=reached, territory=territory)
    rang = {"source": "s", "rang_at": at(8), "hung_up_at": at(8.01)}
    gone = machines.ring(session, ring_id="r", phone="+358401234567", **rang)
    machines.ring(session, ring_id="x", phone="+358409999999", **rang)
    twice = came("alarm", "t")
    twice.state, twice.handled_at = "dismissed", at(8)
    waits, dismissed = came("web", "w"), came("web", "d")
    handling.dismiss(session, by=me, inquiry=dismissed, reason="not ours")
    called = came("email", "e")
    call = call_by(session, "email")
    call.territory_id, called.call_id, called.state = territory.id, call.id, "registered"
    session.flush()
    found = answer_clocks(session, territory.id, DAY)
    assert {one.inquiry_id or one.call_id: one.state for one in found.items} == {
        gone.id: AnswerState.MISSED,
        waits.id: AnswerState.RUNNING,
        dismissed.id: AnswerState.KEPT,
        call.id: AnswerState.RUNNING,
    }
    assert (found.kept, found.decided) == (1, 2)
    now.set(at(9.1))
    assert answer_clocks(session, territory.id, DAY).decided == 4
    outbox.register((), {})


def test_as_a_day_ended_what_nobody_answered_is_judged_as_it_stood_then(
    session: Session, now: MovableClock
) -> None:
    """R-102, R-701: by then one was missed and one still ran, whenever it is looked at."""
    early, late = call_by(session, "web", 22.0), call_by(session, "web", 23.5)
    late.territory_id = early.territory_id
    session.flush()
    for moment in (at(24), at(30), at(24, days=9)):
        now.set(moment)
        found = answer_clocks(session, early.territory_id, DAY, seen_at=at(24))
        assert [one.state for one in found.items] == [AnswerState.MISSED, AnswerState.RUNNING]
        assert (found.kept, found.decided) == (0, 1)
