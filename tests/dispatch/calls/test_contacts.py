"""A call knows whom to speak with, and the customer's own order number (R-103)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatch.access.rules import Role
from dispatch.calls import queries
from dispatch.calls.background import background
from dispatch.calls.commands import assess, register
from dispatch.calls.model import RepairCall
from dispatch.calls.rules import CallerOfSeveral, FileMismatch, Told
from dispatch.customers.contacts import add_contact, update_contact
from dispatch.customers.model import Customer, CustomerContact, Site
from dispatch.customers.rules import Caller, ContactUnreachable, Person
from dispatch.errors import NotFound
from dispatch.money import Money
from dispatch.territories.model import Territory
from dispatch.text import TextInvalid
from dispatch.work_orders.commands import change_reference
from dispatch.work_orders.model import WorkOrder
from tests import builders as b
from tests.dispatch.conftest import MovableClock

OPERATOR = b.a_principal(Role.CALL_TAKER)
SUPERVISOR = b.a_principal(Role.SUPERVISOR)
LI = Person(name="Li", role="caretaker", phone="+358501112222", email="li@example.org")


@pytest.fixture
def site(session: Session, now: MovableClock) -> Site:
    """A hotel's."""
    customer = b.a_customer(session, name="Hotel", kind="business", phone="+358501000000")
    return b.a_site(session, customer=customer, territory=b.a_territory(session))


def asked(session: Session, site: Site, **given: Any) -> RepairCall:
    """A call from the hotel."""
    usual: dict[str, Any] = {
        "by": OPERATOR,
        "channel": "phone",
        "requested_at": b.MORNING - timedelta(minutes=1),
        "site_id": site.id,
        "template_code": b.a_template(session).code,
    }
    if not {"customer_id", "caller"} & set(given):
        usual["customer_id"] = site.customer_id
    return register(session, **{**usual, **given})


def customer_of(session: Session, site: Site) -> Customer:
    """The hotel."""
    return session.get_one(Customer, site.customer_id)


def people(session: Session) -> int:
    """How many contacts there are."""
    return session.scalar(select(func.count()).select_from(CustomerContact)) or 0


def test_who_is_described_is_added_once_and_found_by_number_then(session: Session, site: Site) -> None:
    """R-103."""
    first, second = (asked(session, site, contact=LI) for _ in range(2))
    assert first.contact_id == second.contact_id is not None
    assert people(session) == 1
    contact = session.get_one(CustomerContact, first.contact_id)
    assert (contact.customer_id, contact.name, contact.role) == (site.customer_id, "Li", "caretaker")


def test_a_caller_with_a_contacts_number_is_that_contact_of_that_customer(
    session: Session, site: Site
) -> None:
    """R-103: no second file is opened; who calls with the customer's own number is the customer."""
    contact = add_contact(session, by=OPERATOR, customer=customer_of(session, site), person=LI)
    call = asked(session, site, caller=Caller(name="Mr Li", phone="+358501112222"))
    assert (call.customer_id, call.contact_id) == (site.customer_id, contact.id)
    own = asked(session, site, caller=Caller(name="Hotel", phone="+358501000000"))
    assert (own.customer_id, own.contact_id) == (site.customer_id, None)
    update_contact(session, by=OPERATOR, contact=contact, changes={"is_active": False})
    later = asked(
        session, site, customer_id=site.customer_id, caller=Caller(name="Li", phone="+358501112222")
    )
    assert later.contact_id is None


def test_a_caller_with_a_file_of_their_own_is_not_the_customer_they_speak_for(
    session: Session, site: Site
) -> None:
    """R-103: Mrs Li has a boiler at home, whichever file is older."""
    add_contact(session, by=OPERATOR, customer=customer_of(session, site), person=LI)
    private = b.a_customer(session, name="Li", phone="+358501112222")
    home = b.a_site(session, customer=private, territory=session.get_one(Territory, site.territory_id))
    call = asked(session, home, caller=Caller(name="Mrs Li", phone="+358501112222"))
    assert (call.customer_id, call.contact_id) == (private.id, None)


def test_who_speaks_for_several_customers_has_to_say_for_whom(session: Session, site: Site) -> None:
    """R-103: nothing is registered on the file of somebody else."""
    other = b.a_customer(session)
    for customer in (customer_of(session, site), other):
        add_contact(session, by=OPERATOR, customer=customer, person=LI)
    with pytest.raises(CallerOfSeveral) as refused:
        asked(session, site, caller=Caller(name="Mrs Li", phone="+358501112222"))
    assert set(refused.value.detail["customer_ids"]) == {str(site.customer_id), str(other.id)}
    named = asked(
        session, site, customer_id=site.customer_id, caller=Caller(name="Li", phone="+358501112222")
    )
    assert named.customer_id == site.customer_id


def test_a_contact_is_named_by_id_if_it_is_the_customers(session: Session, site: Site) -> None:
    """R-103, S1."""
    mine = add_contact(session, by=OPERATOR, customer=customer_of(session, site), person=LI)
    other = add_contact(session, by=OPERATOR, customer=b.a_customer(session), person=LI)
    assert asked(session, site, contact_id=mine.id).contact_id == mine.id
    with pytest.raises(FileMismatch):
        asked(session, site, contact_id=other.id)
    with pytest.raises(NotFound):
        asked(session, site, contact_id=b.uuid.uuid4())
    with pytest.raises(ContactUnreachable):
        asked(session, site, contact=Person(name="Nobody"))


def test_the_customers_order_number_goes_from_the_call_to_the_order(session: Session, site: Site) -> None:
    """R-103: trimmed, short, and to be written down later as well."""
    call = asked(session, site, customer_reference=" PO 4711/26 ")
    assert call.customer_reference == "PO 4711/26"
    nothing = Money(0, "EUR")
    told = Told(labour=nothing, travel=nothing, parts=nothing, told_at=b.MORNING, is_accepted=True)
    judged = assess(session, by=SUPERVISOR, call=call, told=told, company_currency="EUR")
    order = session.get_one(WorkOrder, judged.work_order_id)
    assert order.customer_reference == "PO 4711/26"
    change_reference(session, by=OPERATOR, order=order, reference="PO 4712", expected_version=order.version)
    assert order.customer_reference == "PO 4712"
    assert change_reference(session, by=OPERATOR, order=order, reference=None).customer_reference is None
    for wrong in ("x" * 65, "two\nlines"):
        with pytest.raises(TextInvalid):
            asked(session, site, customer_reference=wrong)
        with pytest.raises(TextInvalid):
            change_reference(session, by=OPERATOR, order=order, reference=wrong)


def test_read_back_names_contact_and_order_number(session: Session, site: Site) -> None:
    """R-103, R-104."""
    call = asked(session, site, contact=LI, customer_reference="PO 1")
    found = queries.read_back(session, OPERATOR, call.id)
    assert (found.contact, found.customer_reference) == ("Li, caretaker, +358501112222", "PO 1")
    plain = queries.read_back(session, OPERATOR, asked(session, site).id)
    assert (plain.contact, plain.customer_reference) == (None, None)


def test_who_speaks_for_two_customers_is_shown_at_both(session: Session, site: Site) -> None:
    """R-103: other files with the contact's number, and with the customer's."""
    neighbour = b.a_customer(session, name="Neighbour")
    add_contact(session, by=OPERATOR, customer=neighbour, person=LI)
    same = b.a_customer(session, name="Same number", phone="+358501000000")
    call = asked(session, site, contact=LI)
    found = background(session, OPERATOR, call).candidates
    assert [one.customer_id for one in found] == [neighbour.id, same.id]
