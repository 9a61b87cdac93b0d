"""Messages about a call go to the contact who called about it, those of money to the customer (R-103)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import outbox
from dispatch.calls.model import RepairCall
from dispatch.customers.contacts import add_contact
from dispatch.customers.model import Customer, CustomerContact, Site
from dispatch.customers.rules import Person
from dispatch.messages.addressing import OF_MONEY
from dispatch.messages.commands import write
from dispatch.messages.model import Message
from dispatch.messages.templates import BY_EVENT, TEMPLATES
from dispatch.settings import Settings
from dispatch.work_orders.model import WorkOrder
from tests.builders import a_call
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
    assert set(TEMPLATES) >= OF_MONEY
    assert set(BY_EVENT.values()) >= OF_MONEY
