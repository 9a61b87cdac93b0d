"""What phones sent and was rejected, as the desk sees and decides it over HTTP."""

from __future__ import annotations

from dispatch import db
from dispatch.access.rules import Role
from dispatch.simulation.phone import PhoneClient
from dispatch.sync import protocol
from tests import builders
from tests.api.company import SOUTH, Client, ClientFor, Company
from tests.api.in_the_field import (
    a_part,
    a_visit,
    asked,
    results,
)


def test_a_dispatcher_lists_a_rejected_operation_and_applies_it_corrected(
    company: Company, phone: PhoneClient, dispatcher: Client
) -> None:
    visit_id, sku = a_visit(company), a_part()
    phone.pull()
    for kind in (protocol.TRAVEL, protocol.ARRIVE, protocol.START):
        phone.record(kind, visit_id=visit_id)
    phone.record(protocol.PART, visit_id=visit_id, payload={"sku": "NONE", "direction": "in", "quantity": 1})
    phone.record(protocol.PAUSE, visit_id=visit_id, payload={"reason": "part is in the depot"})
    phone.push()
    assert results(phone) == ["applied", "applied", "applied", "rejected", "rejected"]
    listed = dispatcher.get("/v1/sync/rejections").json["items"]
    assert [item["code"] for item in listed] == ["blocked", "PART_UNKNOWN"]
    root = listed[1]
    assert root["payload"]["sku"] == "NONE"
    refused = dispatcher.post(f"/v1/sync/rejections/{root['id']}/apply", json={})
    assert (refused.status_code, refused.json["code"]) == (422, "PART_UNKNOWN")
    corrected = {"payload": {"sku": sku, "direction": "in", "quantity": 1}}
    applied = dispatcher.post(f"/v1/sync/rejections/{root['id']}/apply", json=corrected)
    assert applied.status_code == 200
    assert len(applied.json["applied"]) == 2
    assert asked("select state from visit") == [("paused",)]
    assert dispatcher.get("/v1/sync/rejections").json["items"] == []
    assert dispatcher.post(f"/v1/sync/rejections/{root['id']}/apply", json={}).status_code == 409


def test_a_dispatcher_says_who_helped_and_only_at_visits_of_the_own_territory(
    company: Company, phone: PhoneClient, dispatcher: Client
) -> None:
    own = a_visit(company)
    with db.transaction() as session:
        south = session.get_one(builders.Territory, company.territories[SOUTH])
        site = builders.a_site(session, territory=south)
        order = builders.an_order(session, asset=builders.an_asset(session, site=site))
        foreign = str(builders.a_visit(session, order=order).id)
    phone.record(
        protocol.PAYMENT, visit_id=foreign, payload={"method": "cash", "amount": "5.00", "currency": "EUR"}
    )
    phone.push()
    (item,) = dispatcher.get("/v1/sync/rejections").json["items"]
    assert item["code"] == "NOT_FOUND"
    address = f"/v1/sync/rejections/{item['id']}/apply"
    assert dispatcher.post(address, json={"visit_id": foreign}).status_code == 404
    assert dispatcher.post(address, json={"visit_id": own}).status_code == 200
    assert asked("select v.id::text from payment p join visit v using (work_order_id)") == [(own,)]


def test_a_disputed_payment_is_found_by_the_number_that_the_customer_holds(
    company: Company, phone: PhoneClient, dispatcher: Client, client_for: ClientFor
) -> None:
    """Receipt 3: booked or rejected, the paper that the phone gave leads to it."""
    visit_id = a_visit(company)
    phone.pull()
    cash = {"method": "cash", "amount": "5.00", "currency": "EUR"}
    given = [
        phone.provisional_receipt(phone.record(protocol.PAYMENT, visit_id=visit_id, payload=cash | changes))
        for changes in ({}, {"currency": "USD"})
    ]
    booked, wrong = (one["number"] for one in given if one)
    phone.push()
    assert results(phone) == ["applied", "rejected"]
    finance = client_for(Role.FINANCE)
    found = {
        number: (
            [
                one["receipt_number"]
                for one in finance.get(f"/v1/payments?provisional_number={number}").json["items"]
            ],
            [
                one["payload"]["currency"]
                for one in dispatcher.get(f"/v1/sync/rejections?provisional_number={number}").json["items"]
            ],
        )
        for number in (booked, wrong)
    }
    assert found == {booked: (["RCT-000001"], []), wrong: ([], ["USD"])}
    assert finance.get("/v1/payments?provisional_number=RCT-000001").status_code == 422
    assert dispatcher.get("/v1/sync/rejections").json["items"][0]["provisional_number"] == wrong


def test_a_dispatcher_puts_a_rejected_operation_aside(
    company: Company, phone: PhoneClient, dispatcher: Client
) -> None:
    phone.record("photo.add", visit_id=a_visit(company))
    phone.push()
    (item,) = dispatcher.get("/v1/sync/rejections").json["items"]
    assert item["code"] == "OPERATION_UNKNOWN"
    done = dispatcher.post(f"/v1/sync/rejections/{item['id']}/dismiss", json={"reason": "a test of the app"})
    assert done.json["decided_by"] == dispatcher.user_id
    assert dispatcher.get("/v1/sync/rejections").json["items"] == []
    assert len(dispatcher.get("/v1/sync/rejections?only_open=false").json["items"]) == 1


def test_a_foreign_rejection_does_not_exist(
    company: Company, phone: PhoneClient, client_for: ClientFor
) -> None:
    phone.record("photo.add", visit_id=a_visit(company))
    phone.push()
    ((rejection_id,),) = asked("select id from sync_rejection")
    stranger = client_for(Role.DISPATCHER, "south")
    assert stranger.get("/v1/sync/rejections").json["items"] == []
    assert stranger.post(f"/v1/sync/rejections/{rejection_id}/apply", json={}).status_code == 404
