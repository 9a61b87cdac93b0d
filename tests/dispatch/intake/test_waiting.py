"""Whoever waits for an answer is a reminder: before the limit is over, once it is, and not once answered."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import outbox
from dispatch.calls.answering import answer
from dispatch.calls.commands import cancel
from dispatch.contracts.house_rules import change_house_rules
from dispatch.customers.contacts import add_contact
from dispatch.customers.model import Customer
from dispatch.customers.rules import Person
from dispatch.intake import handling, machines, waiting
from dispatch.intake.answering import place_of
from dispatch.intake.model import Inquiry
from dispatch.intake.receiving import Arrival, receive
from dispatch.outbox import JobRun
from dispatch.promises import reminding
from dispatch.promises.model import OfficeReminder
from dispatch.territories.model import Territory
from tests.builders import a_call, a_customer, a_principal, a_site, a_template, a_territory, an_asset, at
from tests.dispatch.conftest import MovableClock
from tests.planning_world import register_kinds

ME = a_principal()
PHONE = "+358401234567"
FIRST, SECOND = ("answer", 1, "call_taker"), ("answer", 2, "supervisor")


@pytest.fixture
def place(session: Session, now: MovableClock) -> Iterator[Territory]:
    """A territory where the customer with the number lives, and another; jobs are known."""
    register_kinds()
    here = a_territory(session)
    a_site(session, customer=a_customer(session, phone=PHONE), territory=here)
    a_territory(session)
    yield here
    outbox.register((), {})


def came(
    session: Session, channel: str, requested_at: datetime, *, phone: str | None = PHONE, number: str = "1"
) -> Inquiry:
    """Something that came in."""
    arrival = Arrival(channel=channel, source="s", external_id=number, requested_at=requested_at, phone=phone)
    return receive(session, arrival)[0]


def told(session: Session, place: Territory) -> list[tuple[str, int, str]]:
    """Kind, level and role of what is new now."""
    return [(each.kind, each.level, each.role) for each in waiting.remind(session, place.id, {})]


def still(session: Session, place: Territory) -> list[int]:
    """Levels of what is open."""
    return sorted(each.level for each in reminding.open_reminders(session, place.id))


@pytest.mark.parametrize(
    ("asked", "limit"),
    [
        (("phone", 0), timedelta(seconds=15)),
        (("counter", 0), timedelta(minutes=5)),
        (("web", 0), timedelta(hours=1)),
        (("email", 0), timedelta(hours=1)),
        (("message", 0), timedelta(hours=1)),
        (("web", 5), timedelta(hours=24)),
    ],
)
def test_a_call_taker_hears_at_half_of_the_limit_and_a_supervisor_when_it_is_over(
    session: Session, place: Territory, now: MovableClock, asked: tuple[str, int], limit: timedelta
) -> None:
    """R-102: each once; the test day is a Monday, five days later nobody works."""
    channel, days = asked
    begun = at(8, days=days)
    now.set(begun)
    found = came(session, channel, begun)
    now.set(begun + limit / 2 - timedelta(microseconds=1))
    assert told(session, place) == []
    now.set(begun + limit / 2)
    assert told(session, place) == [FIRST]
    now.set(begun + limit - timedelta(microseconds=1))
    assert told(session, place) == []
    now.set(begun + limit)
    assert told(session, place) == [SECOND]
    assert (told(session, place), still(session, place)) == ([], [1, 2])
    [first, second] = reminding.open_reminders(session, place.id)
    assert {first.subject, second.subject} == {f"{found.id}:{place.id}"}
    assert {first.due_at, second.due_at} == {begun + limit / 2, begun + limit}


def test_shares_and_limits_are_the_houses(session: Session, place: Territory, now: MovableClock) -> None:
    """R-102: four fifths of half an hour; a house may want no reminders."""
    changes = {"answer_online_minutes": 30, "answer_reminder_percent": 80}
    change_house_rules(session, by=ME, changes=changes)
    came(session, "email", at(8))
    now.set(at(8) + timedelta(minutes=23, seconds=59))
    assert told(session, place) == []
    now.set(at(8) + timedelta(minutes=24))
    assert told(session, place) == [FIRST]
    change_house_rules(session, by=ME, changes={"reminders": False})
    now.set(at(10))
    assert (told(session, place), still(session, place)) == ([], [])


def test_an_answer_ends_it_at_once_however_it_is_given(
    session: Session, place: Territory, now: MovableClock
) -> None:
    """R-102: picked up, dismissed with a reason, answered in writing, called off; not with the next round."""
    rang = machines.ring(session, source="pbx", ring_id="r", rang_at=at(8), phone=PHONE)
    form, mail = came(session, "web", at(8)), came(session, "email", at(8), number="2")
    written = [a_call(session, channel="message", requested_at=at(8), territory_id=place.id) for _ in "ab"]
    now.set(at(10))
    assert told(session, place) == [FIRST, SECOND] * 5
    machines.ring(session, source="pbx", ring_id="r", rang_at=at(8), phone=PHONE, answered_at=at(10))
    assert len(still(session, place)) == 8
    handling.dismiss(session, by=ME, inquiry=form, reason="not ours")
    handling.dismiss(session, by=ME, inquiry=mail, reason="spam")
    assert len(still(session, place)) == 4
    answer(session, by=ME, call=written[0])
    assert len(still(session, place)) == 2
    cancel(session, by=ME, call=written[1])
    assert written[1].answered_at == at(10)
    assert still(session, place) == []
    assert (told(session, place), rang.answered_at) == ([], at(10))


@pytest.mark.parametrize(("channel", "open_after"), [("email", [1]), ("phone", [])])
def test_a_call_made_of_an_inquiry_is_no_second_reminder(
    session: Session, place: Territory, now: MovableClock, channel: str, open_after: list[int]
) -> None:
    """R-102: what came in writing is still to be answered; who rang was there."""
    found = came(session, channel, at(8))
    now.set(at(8) + (timedelta(minutes=40) if channel == "email" else timedelta(seconds=10)))
    assert told(session, place) == [FIRST]
    site = a_site(session, customer=a_customer(session), territory=place)
    call = handling.register_inquiry(
        session,
        by=ME,
        inquiry=found,
        template_code=a_template(session).code,
        customer_id=site.customer_id,
        site_id=site.id,
        asset_id=an_asset(session, site=site).id,
    )
    assert still(session, place) == open_after
    assert (told(session, place), still(session, place)) == ([], open_after)
    now.set(at(9))
    assert told(session, place) == ([SECOND] if open_after else [])
    if open_after:
        answer(session, by=ME, call=call)
    assert still(session, place) == []


@pytest.mark.parametrize("speaks", [True, False])
def test_whoever_speaks_for_a_customer_waits_where_the_customer_is(
    session: Session, place: Territory, speaks: bool
) -> None:
    """R-102, R-103: known by the contact's number as by the own one, as long as the contact is in use."""
    customer = session.scalars(select(Customer).where(Customer.phone == PHONE)).one()
    person = Person(name="Li", role="caretaker", phone="+358501112222")
    add_contact(session, by=None, customer=customer, person=person).is_active = speaks
    session.flush()
    found = came(session, "message", at(8), phone=person.phone)
    assert place_of(session, found) == (place.id if speaks else None)


def test_calls_that_were_typed_in_while_the_customer_was_there_remind_nobody(
    session: Session, place: Territory, now: MovableClock
) -> None:
    """R-102: nor what was judged, or has no limit."""
    fields = {"requested_at": at(8), "territory_id": place.id}
    for channel, state in (
        ("phone", "registered"),
        ("counter", "registered"),
        ("letter", "registered"),
        ("web", "assessed"),
        ("web", "closed_remotely"),
        ("web", "cancelled"),
    ):
        a_call(session, channel=channel, state=state, **fields)
    came(session, "letter", at(8))
    now.set(at(8, days=2))
    assert told(session, place) == []


def test_where_nobody_can_tell_the_place_every_territory_is_reminded(
    session: Session, place: Territory, now: MovableClock
) -> None:
    """R-102: what is known to be of one territory is not the other's; an answer ends all of it."""
    other = a_territory(session)
    came(session, "web", at(8))
    now.set(at(8.5))
    assert (told(session, place), told(session, other)) == ([FIRST], [])
    nowhere = came(session, "web", at(8), phone="+358409999999", number="2")
    assert (told(session, place), told(session, other)) == ([FIRST], [FIRST])
    handling.dismiss(session, by=ME, inquiry=nowhere, reason="not ours")
    assert (still(session, place), still(session, other)) == ([1], [])


def looks(session: Session) -> list[tuple[str, float]]:
    """The looks that were asked for, and so many seconds after what is now they are due."""
    rows = session.execute(select(JobRun).where(JobRun.kind == waiting.KIND).order_by(JobRun.ready_at))
    return [
        (run.key.rpartition(":")[2], round((run.ready_at - run.created_at).total_seconds(), 1))
        for (run,) in rows
    ]


def test_a_telephone_is_looked_at_in_time_not_at_the_next_minute(
    session: Session, place: Territory, now: MovableClock
) -> None:
    """R-102: after half of three rings, and after three; told again nothing is asked for twice."""
    rang = {"source": "pbx", "ring_id": "r", "rang_at": at(8), "phone": PHONE}
    machines.ring(session, **rang)
    assert looks(session) == [("soon", 8.5), ("missed", 16.0)]
    machines.ring(session, **rang, hung_up_at=at(8) + timedelta(seconds=9))
    came(session, "web", at(8))
    machines.ring(session, **{**rang, "ring_id": "q"}, answered_at=at(8))
    assert len(looks(session)) == 2
    machines.at_desk(session, by=ME, channel="counter", reference="c", requested_at=at(8))
    assert looks(session)[2:] == [("soon", 151.0), ("missed", 301.0)]


@pytest.mark.parametrize("seed", range(6))
def test_generated_inquiries_remind_once_at_each_level_and_only_while_they_wait(
    session: Session, place: Territory, now: MovableClock, seed: int
) -> None:
    """R-102: a round every minute; what must have been written is reckoned from the answers."""
    chance = random.Random(seed)
    limits = {"counter": 5, "web": 60, "email": 60}
    rows: dict[str, tuple[Inquiry, float, float]] = {}
    now.set(at(9))
    for number in range(8):
        channel = chance.choice(sorted(limits))
        found = came(session, channel, at(8) + timedelta(minutes=chance.randint(0, 59)), number=str(number))
        begun = (found.requested_at - at(8)).total_seconds() / 60
        rows[f"{found.id}:{place.id}"] = found, begun, begun + chance.uniform(0, 1.5) * limits[channel]
    expected: set[tuple[str, int]] = set()
    for minute in range(60, 200):
        now.set(at(8) + timedelta(minutes=minute))
        for subject, (found, begun, answered) in rows.items():
            if found.state == "new" and minute >= answered:
                handling.dismiss(session, by=ME, inquiry=found, reason="answered")
            if found.state == "new":
                limit = limits[found.channel]
                expected |= {(subject, 1)} if minute >= begun + limit / 2 else set()
                expected |= {(subject, 2)} if minute >= begun + limit else set()
        waiting.remind(session, place.id, {})
        open_ = {each.subject for each in reminding.open_reminders(session, place.id)}
        assert open_ <= {subject for subject, (found, _, _) in rows.items() if found.state == "new"}
    written = session.scalars(select(OfficeReminder)).all()
    assert sorted((each.subject, each.level) for each in written) == sorted(expected)
