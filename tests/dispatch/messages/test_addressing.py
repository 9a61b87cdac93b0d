"""Messages about a call go to the contact who called about it, those of money to the customer (R-103)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import outbox
from dispatch.calls.model import RepairCall
from dispatch.customers.contacts import add_contact
from dispatch.customers.model import Customer, CustomerContact, Site
from dispatch.customers.rules import Person
from dispatch.messages.addressing import ALSO_OF_MONEY, OF_MONEY
from dispatch.messages.commands import write
from dispatch.messages.model import Message
from dispatch.messages.templates import BY_EVENT, TEMPLATES
from dispatch.money import Money
from dispatch.promises.compensating import LATE_ARRIVAL
from dispatch.promises.model import Compensation, Promise, PromiseAlarm
from dispatch.settings import Settings
from dispatch.work_orders.model import Visit, WorkOrder
from tests.builders import a_call, at
from tests.dispatch.conftest import MovableClock
from tests.dispatch.messages.causes import CAUSES, a_reader
from tests.planning_world import register_kinds

LI = Person(name="Li", role="caretaker", email="li@example.org")


@pytest.fixture
def house(session: Session, now: MovableClock) -> Iterator[Session]:
    """Jobs known, eight in the morning."""
    register_kinds()
    yield session
    outbox.register((), {})


def caused(house: Session, event: str) -> tuple[CustomerContact, dict[str, str]]:
    """What an event is about, with a contact who called about it."""
    customer = a_reader(house, "en")
    ids = CAUSES[event](house, customer)
    contact = add_contact(house, by=None, customer=customer, person=LI)
    for call in house.scalars(select(RepairCall).where(RepairCall.customer_id == customer.id)).all():
        call.contact_id = contact.id
    for order in house.scalars(select(WorkOrder).where(WorkOrder.customer_id == customer.id)).all():
        order.call_id = a_call(
            house, site=house.get_one(Site, order.site_id), customer_id=customer.id, contact_id=contact.id
        ).id
    house.flush()
    return contact, ids


def message_of(house: Session, event: str, ids: dict[str, str]) -> Message:
    """The message of an event."""
    message_id = write(house, event=event, ids=ids, settings=Settings())
    assert message_id is not None
    return house.get_one(Message, message_id)


@pytest.mark.parametrize("event", CAUSES)
def test_who_called_hears_of_the_work_and_the_customer_of_the_money(house: Session, event: str) -> None:
    """R-103, R-801: by name; the customer's file has the message all the same."""
    contact, ids = caused(house, event)
    message = message_of(house, event, ids)
    is_of_money = message.template in OF_MONEY
    assert message.address == ("ada@example.org" if is_of_money else "li@example.org")
    assert message.body.startswith(f"Dear {'Ada' if is_of_money else 'Li'},")
    assert message.customer_id == contact.customer_id


def messages_of(house: Session, event: str, ids: dict[str, str]) -> dict[str, str]:
    """What was written for an event, by address."""
    assert write(house, event=event, ids=ids, settings=Settings()) is not None
    assert write(house, event=event, ids=ids, settings=Settings()) is None, "once"
    return {message.address: message.body for message in house.scalars(select(Message)).all()}


def test_the_price_of_an_order_is_told_to_whom_called_and_to_the_customer(house: Session) -> None:
    """R-104, R-204: whoever called agreed to it, the customer pays it."""
    _, ids = caused(house, "WorkOrderOpened")
    told = messages_of(house, "WorkOrderOpened", ids)
    assert sorted(told) == ["ada@example.org", "li@example.org"]
    assert told["ada@example.org"].replace("Ada", "Li") == told["li@example.org"]


@pytest.mark.parametrize("is_granted", [True, False])
def test_what_is_granted_for_a_delay_is_told_to_the_customer_alone(house: Session, is_granted: bool) -> None:
    """R-103, R-802: the contact hears of the delay, without what the customer gets for it."""
    _, ids = caused(house, "PromiseInDanger")
    alarm = house.get_one(PromiseAlarm, uuid.UUID(ids["alarm_id"]))
    if is_granted:
        promise = house.get_one(Promise, alarm.promise_id)
        order = house.get_one(Visit, promise.visit_id).work_order
        amount = Money(5_000, order.currency)
        house.add(
            Compensation(
                promise_id=promise.id,
                work_order_id=order.id,
                rule=LATE_ARRIVAL,
                amount_minor=amount.minor,
                currency=amount.currency,
                state="granted",
                created_at=at(8),
            )
        )
        house.flush()
    told = messages_of(house, "PromiseInDanger", ids)
    assert {address: "50.00" in body for address, body in told.items()} == (
        {"li@example.org": False, "ada@example.org": True} if is_granted else {"li@example.org": False}
    )


@pytest.mark.parametrize(
    "change", [{"gets_messages": False}, {"is_active": False}, {"email": None, "phone": "+358501112222"}]
)
def test_a_contact_without_messages_address_or_office_leaves_them_to_the_customer(
    house: Session, change: dict[str, object]
) -> None:
    """R-103."""
    contact, ids = caused(house, "VisitPromised")
    for name, value in change.items():
        setattr(contact, name, value)
    house.flush()
    message = message_of(house, "VisitPromised", ids)
    assert (message.address, "Dear Ada," in message.body) == ("ada@example.org", True)


def test_a_customer_without_an_address_is_reached_by_the_contact(house: Session) -> None:
    """R-103."""
    contact, ids = caused(house, "CallRegistered")
    house.get_one(Customer, contact.customer_id).email = None
    house.flush()
    message = message_of(house, "CallRegistered", ids)
    assert (message.address, message.state) == ("li@example.org", "queued")


def test_what_is_of_money_is_something_that_is_told() -> None:
    """A template that is renamed does not fall out of the list unseen."""
    assert set(TEMPLATES) >= OF_MONEY | ALSO_OF_MONEY
    assert set(BY_EVENT.values()) >= OF_MONEY | ALSO_OF_MONEY
