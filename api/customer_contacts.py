"""Whom to speak with at a customer: several people, each with a telephone of their own (R-103)."""

from __future__ import annotations

import uuid
from typing import Any

from marshmallow import fields

from api import roles
from api.auth import current_principal, policy
from api.etags import changes, expected_version
from api.fields import Flag, Id, Moment, Text, Whole
from api.idempotency import creates
from api.resource import Resource
from api.schemas import Schema, list_of
from api.session import current_session
from dispatch.customers import contacts, queries
from dispatch.customers.rules import Person

resource = Resource("customer_contacts", description="Whom to speak with at a customer.")


class ContactShape(Schema):
    """
    Somebody to speak with at a customer.

    Messages about the calls of who ``gets_messages`` and has a mail address go there instead of the customer.
    """

    id = Id(required=True)
    version = Whole(required=True)
    customer_id = Id(required=True)
    name = fields.String(required=True)
    role = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)
    email = fields.String(required=True, allow_none=True)
    gets_messages = Flag(required=True)
    is_active = Flag(required=True)
    created_at = Moment(required=True)


class NewContact(Schema):
    """Name and role, and a telephone number or a mail address at least."""

    name = Text(required=True)
    role = Text(load_default="")
    phone = Text(64, allow_none=True, load_default=None)
    email = Text(254, allow_none=True, load_default=None)
    gets_messages = Flag(load_default=True)


class ContactChanges(Schema):
    """What may change of a contact; who is none any more is not ``is_active``."""

    name = Text()
    role = Text()
    phone = Text(64, allow_none=True)
    email = Text(254, allow_none=True)
    gets_messages = Flag()
    is_active = Flag()


ContactList = list_of(ContactShape)


@resource.get("/customers/<uuid:customer_id>/contacts")
@policy(*roles.READERS)
@resource.response(200, ContactList)
def list_contacts(customer_id: uuid.UUID) -> object:
    """Everybody to speak with at a customer, who is in use first."""
    session = current_session()
    customer = queries.find_customer(session, current_principal(), customer_id)
    return {"items": contacts.contacts_of(session, customer.id)}


@resource.post("/customers/<uuid:customer_id>/contacts")
@policy(*roles.INTAKE)
@creates
@resource.arguments(NewContact)
@resource.response(201, ContactShape)
def add_contact(body: dict[str, Any], customer_id: uuid.UUID) -> object:
    """Add somebody to speak with."""
    session, me = current_session(), current_principal()
    customer = queries.find_customer(session, me, customer_id)
    return contacts.add_contact(session, by=me, customer=customer, person=Person(**body))


@resource.patch("/customer-contacts/<uuid:contact_id>")
@policy(*roles.INTAKE)
@changes
@resource.arguments(ContactChanges)
@resource.response(200, ContactShape)
def change_contact(body: dict[str, Any], contact_id: uuid.UUID) -> object:
    """Correct how somebody is reached, or note that they are no contact any more."""
    session, me = current_session(), current_principal()
    contact = contacts.find_contact(session, me, contact_id)
    return contacts.update_contact(
        session, by=me, contact=contact, changes=body, expected_version=expected_version()
    )
