"""Several people to speak with at one customer (R-103)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from dispatch.access.rules import Role
from dispatch.customers import contacts, queries
from dispatch.customers.contacts import MOST_CONTACTS, add_contact, update_contact
from dispatch.customers.model import Customer
from dispatch.customers.rules import (
    ContactKnown,
    ContactsFull,
    ContactUnreachable,
    EmailInvalid,
    Person,
    PhoneInvalid,
)
from dispatch.errors import NotFound, Stale
from dispatch.events import CustomerFileChanged, Event
from dispatch.text import FieldUnknown, TextInvalid
from tests import builders as b
from tests.dispatch.conftest import MovableClock

OPERATOR = b.a_principal(Role.CALL_TAKER)
LI = Person(name="Li", role="caretaker", phone="+358 50 111 2222", email="li@example.org")


@pytest.fixture
def customer(session: Session, now: MovableClock) -> Customer:
    """A business."""
    return b.a_customer(session, name="Hotel", kind="business", phone="+358501000000")


def test_a_contact_has_name_role_number_and_a_word_about_messages(
    session: Session, customer: Customer
) -> None:
    """R-103."""
    found = add_contact(session, by=OPERATOR, customer=customer, person=LI)
    assert (found.name, found.role, found.phone, found.email) == (
        "Li",
        "caretaker",
        "+358501112222",
        "li@example.org",
    )
    assert (found.gets_messages, found.is_active, found.created_at) == (True, True, b.MORNING)
    silent = Person(name="Wu", phone="+358503334444", gets_messages=False)
    other = add_contact(session, by=OPERATOR, customer=customer, person=silent)
    assert (other.gets_messages, other.role) == (False, "")
    assert list(contacts.contacts_of(session, customer.id)) == [found, other]
    assert list(contacts.contacts_of(session, b.a_customer(session).id)) == []


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"phone": None, "email": None}, ContactUnreachable),
        ({"phone": "no number"}, PhoneInvalid),
        ({"email": "no address"}, EmailInvalid),
        ({"name": " "}, TextInvalid),
        ({"role": "r" * 201}, TextInvalid),
    ],
)
def test_nobody_is_added_whom_nobody_can_reach_or_read(
    session: Session, customer: Customer, fields: dict[str, Any], refusal: type[Exception]
) -> None:
    """R-103."""
    person = Person(**{"name": "Li", "phone": "+358501112222", **fields})
    with pytest.raises(refusal):
        add_contact(session, by=OPERATOR, customer=customer, person=person)
    assert list(contacts.contacts_of(session, customer.id)) == []


def test_one_number_is_one_contact_in_use_of_a_customer(session: Session, customer: Customer) -> None:
    """R-103: a caretaker may speak for two customers, and come back after having left."""
    first = add_contact(session, by=OPERATOR, customer=customer, person=LI)
    again = Person(name="Li again", phone="+358501112222")
    with pytest.raises(ContactKnown) as refused:
        add_contact(session, by=OPERATOR, customer=customer, person=again)
    assert refused.value.detail["contact_id"] == str(first.id)
    add_contact(session, by=OPERATOR, customer=b.a_customer(session), person=again)
    update_contact(session, by=OPERATOR, contact=first, changes={"is_active": False})
    second = add_contact(session, by=OPERATOR, customer=customer, person=again)
    with pytest.raises(ContactKnown):
        update_contact(session, by=OPERATOR, contact=first, changes={"is_active": True})
    assert first.is_active is False
    assert list(contacts.contacts_of(session, customer.id)) == [second, first]


def test_a_contact_is_corrected_by_version_and_phones_hear_of_it(
    session: Session, customer: Customer, recorded: list[Event]
) -> None:
    """R-103: of what they show, and of nothing else."""
    found = add_contact(session, by=OPERATOR, customer=customer, person=LI)
    with pytest.raises(Stale):
        update_contact(session, by=OPERATOR, contact=found, changes={}, expected_version=9)
    with pytest.raises(FieldUnknown):
        update_contact(session, by=OPERATOR, contact=found, changes={"customer_id": customer.id})
    with pytest.raises(ContactUnreachable):
        update_contact(session, by=OPERATOR, contact=found, changes={"phone": None, "email": None})
    assert found.phone == "+358501112222"
    update_contact(session, by=OPERATOR, contact=found, changes={"gets_messages": False})
    assert [event for event in recorded if isinstance(event, CustomerFileChanged)] == []
    update_contact(session, by=OPERATOR, contact=found, changes={"phone": "+358509999999"})
    [event] = [event for event in recorded if isinstance(event, CustomerFileChanged)]
    assert (event.customer_id, event.thing_id) == (str(customer.id), str(found.id))


def test_a_customer_has_no_end_of_contacts_but_one(session: Session, customer: Customer) -> None:
    """Nothing grows without an end."""
    for number in range(MOST_CONTACTS):
        person = Person(name="Li", phone=f"+35850{number:07d}")
        last = add_contact(session, by=OPERATOR, customer=customer, person=person)
    with pytest.raises(ContactsFull):
        add_contact(session, by=OPERATOR, customer=customer, person=LI)
    update_contact(session, by=OPERATOR, contact=last, changes={"is_active": False})
    add_contact(session, by=OPERATOR, customer=customer, person=LI)


def test_a_customer_is_found_by_any_contacts_number_name_and_address(
    session: Session, customer: Customer
) -> None:
    """R-103: as long as they are a contact."""
    b.a_customer(session)
    contact = add_contact(session, by=OPERATOR, customer=customer, person=LI)

    def found(**asked: str) -> list[Customer]:
        return list(queries.list_customers(session, OPERATOR, **asked).items)

    assert queries.customers_with_phone(session, OPERATOR, "050 111 2222", "FI") == [customer]
    assert found(phone="+358501112222") == [customer]
    for part in ("0111", "li@exam", "LI"):
        assert customer in found(search=part)
    update_contact(session, by=OPERATOR, contact=contact, changes={"is_active": False})
    assert queries.customers_with_phone(session, OPERATOR, "+358501112222") == []
    assert found(phone="+358501112222") == found(search="li@exam") == []


def test_a_contact_is_seen_with_the_customer_alone(session: Session, customer: Customer) -> None:
    """S1."""
    contact = add_contact(session, by=OPERATOR, customer=customer, person=LI)
    site = b.a_site(session, customer=customer)
    here = b.a_principal(Role.CALL_TAKER, territory_ids=frozenset({site.territory_id}))
    there = b.a_principal(Role.CALL_TAKER, territory_ids=frozenset({b.a_territory(session).id}))
    assert contacts.find_contact(session, here, contact.id) is contact
    for who in (there, b.of(b.a_technician(session))):
        with pytest.raises(NotFound):
            contacts.find_contact(session, who, contact.id)
    with pytest.raises(NotFound):
        contacts.find_contact(session, here, b.uuid.uuid4())
