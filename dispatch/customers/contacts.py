"""Whom to speak with at a customer: several people, each with a telephone of their own (R-103)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatch import clock, db, text
from dispatch.access.rules import Principal
from dispatch.customers import rules
from dispatch.customers.correcting import kept
from dispatch.customers.model import Customer, CustomerContact
from dispatch.customers.queries import find_customer
from dispatch.customers.rules import Person
from dispatch.errors import NotFound

MOST_CONTACTS = 100
"""So many people in use has one customer at most."""


def add_contact(
    session: Session, *, by: Principal | None, customer: Customer, person: Person, region: str | None = None
) -> CustomerContact:
    """Add somebody to speak with; nobody twice with one telephone number."""
    session.execute(select(Customer.id).where(Customer.id == customer.id).with_for_update())
    in_use = [contact for contact in contacts_of(session, customer.id) if contact.is_active]
    if len(in_use) >= MOST_CONTACTS:
        raise rules.ContactsFull(f"the customer has {MOST_CONTACTS} contacts")
    contact = CustomerContact(
        customer_id=customer.id,
        name=text.line(person.name, "name"),
        role=text.prose(person.role, "role", longest=text.NAME),
        phone=rules.phone_e164(person.phone, region) if person.phone else None,
        email=rules.checked_email(person.email) if person.email else None,
        gets_messages=person.gets_messages,
        created_at=clock.now(),
    )
    _check(session, contact)
    session.add(contact)
    db.flush(session)
    return contact


_FIELDS: dict[str, Callable[[Any], Any]] = {
    "name": lambda value: text.line(value, "name"),
    "role": lambda value: text.prose(value, "role", longest=text.NAME),
    "phone": lambda value: rules.phone_e164(value) if value else None,
    "email": lambda value: rules.checked_email(value) if value else None,
    "gets_messages": bool,
    "is_active": bool,
}


def update_contact(
    session: Session,
    *,
    by: Principal | None,
    contact: CustomerContact,
    changes: Mapping[str, Any],
    expected_version: int | None = None,
) -> CustomerContact:
    """Correct how somebody is reached, or note that they are no contact any more; phones hear of it."""
    contact.expect_version(expected_version)
    text.only_known(changes, frozenset(_FIELDS))
    checked = {name: _FIELDS[name](value) for name, value in changes.items()}
    with session.no_autoflush:
        try:
            for name, value in checked.items():
                setattr(contact, name, value)
            _check(session, contact)
        except (rules.ContactKnown, rules.ContactUnreachable):
            session.refresh(contact)
            raise
    return kept(session, contact, of=contact.customer_id)


def find_contact(session: Session, principal: Principal, contact_id: uuid.UUID) -> CustomerContact:
    """Return a contact of a customer whom the person may see."""
    found = session.get(CustomerContact, contact_id)
    if found is None:
        raise NotFound("there is no such contact")
    try:
        find_customer(session, principal, found.customer_id)
    except NotFound as error:
        raise NotFound("there is no such contact") from error
    return found


def contacts_of(session: Session, customer_id: uuid.UUID) -> Sequence[CustomerContact]:
    """Return everybody to speak with at a customer that was found before, who is in use first."""
    statement = select(CustomerContact).where(CustomerContact.customer_id == customer_id)
    return session.scalars(
        statement.order_by(CustomerContact.is_active.desc(), CustomerContact.created_at, CustomerContact.id)
    ).all()


def contact_with_phone(session: Session, customer_id: uuid.UUID, phone: str) -> CustomerContact | None:
    """Return the customer's contact in use with a number in E.164; for commands."""
    statement = select(CustomerContact).where(
        CustomerContact.customer_id == customer_id,
        CustomerContact.phone == phone,
        CustomerContact.is_active,
    )
    return session.scalars(statement.order_by(CustomerContact.created_at).limit(1)).first()


def _check(session: Session, contact: CustomerContact) -> None:
    if contact.phone is None and contact.email is None:
        raise rules.ContactUnreachable(f"nobody can reach {contact.name}", field="phone")
    if contact.phone is None or contact.is_active is False:
        return
    known = contact_with_phone(session, contact.customer_id, contact.phone)
    if known is not None and known is not contact:
        raise rules.ContactKnown(f"{known.name} has this number", contact_id=str(known.id))
