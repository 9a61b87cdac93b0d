"""People to speak with and the customer's own order number, as the desk uses them (R-103)."""

from __future__ import annotations

from sqlalchemy import select

from dispatch import db
from dispatch.access.rules import Role
from dispatch.messages.model import Message
from tests.api.desk import Desk, code_of, run_jobs

NUMBER = "+358 50 111 2222"


def test_contacts_are_added_corrected_retired_and_found_by_number(desk: Desk) -> None:
    """R-103."""
    customer = desk.call()["customer_id"]
    path = f"/v1/customers/{customer}/contacts"
    body = {"name": "Li", "role": "caretaker", "phone": NUMBER, "email": "li@example.org"}
    made = desk.made(Role.CALL_TAKER, path, body)
    assert (made["phone"], made["gets_messages"], made["is_active"]) == ("+358501112222", True, True)
    assert desk.read(Role.FINANCE, path)["items"] == [made]
    assert code_of(desk.post(Role.CALL_TAKER, path, body)) == (409, "CONTACT_KNOWN")
    assert code_of(desk.post(Role.CALL_TAKER, path, {"name": "Wu"})) == (422, "CONTACT_UNREACHABLE")
    assert desk.post(Role.FINANCE, path, body).status_code == 403
    listing = "/v1/customers?phone=%2B358501112222"
    assert [one["id"] for one in desk.read(Role.CALL_TAKER, listing)["items"]] == [customer]
    own = f"/v1/customer-contacts/{made['id']}"
    retired = desk.change(Role.CALL_TAKER, "PATCH", own, {"is_active": False}, made["version"])
    assert retired["is_active"] is False
    assert desk.read(Role.CALL_TAKER, listing)["items"] == []
    stale = desk.of(Role.CALL_TAKER).patch(own, json={}, headers={"If-Match": f'"{made["version"]}"'})
    assert stale.status_code == 412


def test_a_call_names_its_contact_who_hears_of_it_and_the_customers_order_number(desk: Desk) -> None:
    """R-103, R-104: from the call to the order, the read-back and the message."""
    contact = {"name": "Li", "role": "caretaker", "phone": NUMBER, "email": "li@example.org"}
    call = desk.call(contact=contact, customer_reference="PO-4711")
    listed = desk.read(Role.CALL_TAKER, f"/v1/customers/{call['customer_id']}/contacts")["items"]
    assert [one["id"] for one in listed] == [call["contact_id"]]
    read = desk.read(Role.CALL_TAKER, f"/v1/calls/{call['id']}")["read_back"]
    assert (read["contact"], read["customer_reference"]) == ("Li, caretaker, +358501112222", "PO-4711")
    again = desk.call(
        caller={"name": "Mr Li", "phone": NUMBER}, equipment=None, description="the boiler again"
    )
    assert (again["customer_id"], again["contact_id"]) == (call["customer_id"], call["contact_id"])
    judged = desk.made(Role.SUPERVISOR, f"/v1/calls/{call['id']}/assessment", {"told": desk.told()})
    path = f"/v1/work-orders/{judged['work_order_id']}"
    order = desk.read(Role.DISPATCHER, path)
    assert order["customer_reference"] == "PO-4711"
    run_jobs("messages.write")
    with db.transaction() as session:
        told = select(Message.template).where(Message.address == "li@example.org").order_by(Message.template)
        assert session.scalars(told).all() == ["call_registered", "call_registered", "order_opened"]
    changed = desk.change(
        Role.CALL_TAKER, "PUT", f"{path}/customer-reference", {"reference": "PO-4712"}, order["version"]
    )
    assert changed["customer_reference"] == "PO-4712"


def test_an_order_number_is_one_short_line(desk: Desk) -> None:
    """R-103."""
    for wrong in ("x" * 65, "two\nlines"):
        answer = desk.post(Role.CALL_TAKER, "/v1/calls", desk.call_body(customer_reference=wrong))
        assert answer.status_code == 422
