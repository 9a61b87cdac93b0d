"""Push and pull over HTTP, with the reference phone against the application."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import httpx
import pytest
from sqlalchemy import text

from dispatch import db
from dispatch.access.rules import Role
from dispatch.simulation.phone import PhoneClient, Revoked
from dispatch.simulation.phone_answers import NothingDecided
from dispatch.simulation.phone_van import on_van
from dispatch.sync import protocol
from dispatch.technicians.model import Technician
from dispatch.territories.model import Territory
from tests import builders
from tests.api.company import NORTH, Client, ClientFor, Company
from tests.api.desk import Desk, day, local
from tests.api.in_the_field import (
    FINDINGS,
    Login,
    a_part,
    a_visit,
    asked,
    publish,
    results,
    work,
)
from tests.api.test_links import link_to


@contextmanager
def commits_that_fail() -> Iterator[None]:
    """Whatever is written of operations, the database refuses at the very end."""
    with db.transaction() as session:
        session.execute(
            text(
                "create function fail_late() returns trigger language plpgsql as $$ begin"
                " raise exception 'no room' using errcode = '53100'; end $$;"
                " create constraint trigger fail_late after insert on sync_operation deferrable"
                " initially deferred for each row execute function fail_late()"
            )
        )
    try:
        yield
    finally:
        with db.transaction() as session:
            session.execute(text("drop function fail_late() cascade"))


def test_push_clause_3_a_receipt_leaves_after_the_commit_or_not_at_all(
    company: Company, phone: PhoneClient
) -> None:
    """A commit that fails is no answer: the phone keeps the operation and sends it again."""
    visit_id = a_visit(company)
    phone.pull()
    paid = {"method": "cash", "amount": "5.00", "currency": "EUR"}
    phone.record(protocol.PAYMENT, visit_id=visit_id, payload=paid)
    with commits_that_fail(), pytest.raises(NothingDecided):
        phone.push()
    assert asked("select count(*) from sync_operation union all select count(*) from payment") == [(0,), (0,)]
    assert (len(phone.store.unsent(10)), results(phone)) == (1, [None])
    phone.push()
    assert results(phone) == ["applied"]


def test_a_technician_works_a_whole_day_without_contact_and_hands_it_in(
    company: Company, phone: PhoneClient
) -> None:
    visit_id, sku = a_visit(company), a_part()
    phone.pull()
    work(phone, visit_id, sku)
    overlaid = phone.visits()[0]
    assert overlaid["state"] == "done"
    phone.push()
    assert results(phone) == ["applied"] * 10
    phone.pull()
    held = phone.store.visits()[0]
    assert held["state"] == "verified"
    assert held["record"]["parts"] == [
        {"sku": sku, "direction": "in", "quantity": 2, "serial": "", "lot": "L1"}
    ]
    assert phone.store.acked_seq == 10
    assert on_van(phone.store) == {sku: -2}
    assert [part["sku"] for part in phone.store.catalogue()["parts"]] == [sku]
    day = datetime.now(UTC).astimezone(ZoneInfo("Europe/Monaco")).date().isoformat()
    closing = {
        "day": day,
        "sheets": [held["number"]],
        "reasons": {},
        "counted": {"cash": "180.00"},
        "currency": "EUR",
        "stock": {sku: 0},
    }
    op_id = phone.record(protocol.HAND_IN, payload=closing)
    phone.push()
    receipt = phone.store.receipt(op_id)
    assert receipt is not None
    assert receipt["result"] == "applied"
    assert receipt["effect"]["money"][0]["difference_minor"] == -50
    assert receipt["effect"]["stock"] == [{"sku": sku, "expected": -2, "counted": 0, "difference": 2}]
    assert asked("select count(*) from job_run where kind = 'billing.settle'") == [(1,)]


def test_push_clause_4_a_lost_answer_is_asked_for_again_and_nothing_happens_twice(
    company: Company, phone: PhoneClient
) -> None:
    """Row 2: what was decided is answered again, to the byte."""
    visit_id, sku = a_visit(company), a_part()
    phone.pull()
    work(phone, visit_id, sku)
    batch = phone.store.unsent(200)
    first = phone.send(batch)
    before = asked("select count(*) from visit_event union all select count(*) from payment")
    assert phone.send(batch) == first
    assert asked("select count(*) from visit_event union all select count(*) from payment") == before


def test_a_lapsed_login_is_refreshed_with_the_phones_key_while_it_works(
    company: Company, phone: PhoneClient
) -> None:
    visit_id = a_visit(company)
    phone.store.set("access_token", "tra_" + "x" * 43)
    phone.pull()
    assert [visit["id"] for visit in phone.visits()] == [visit_id]
    assert phone.store.setting("access_token") != "tra_" + "x" * 43


def test_push_clause_2_every_truncated_body_is_refused_and_decides_nothing(
    company: Company, phone: PhoneClient
) -> None:
    """Reliability §7 row 5, with a small batch."""
    visit_id = a_visit(company)
    phone.pull()
    phone.record(protocol.ACCEPT, visit_id=visit_id)
    body = json.dumps({"ops": phone.store.unsent(200)}).encode()
    client = company.anybody()
    client.access_token = phone.store.setting("access_token") or ""
    for length in range(len(body)):
        answer = client.post("/v1/sync/push", data=body[:length], content_type="application/json")
        assert answer.status_code == 400, length
    assert asked("select count(*) from sync_operation") == [(0,)]
    whole = client.post("/v1/sync/push", data=body, content_type="application/json")
    assert whole.status_code == 200
    assert whole.json["truckroll_sync"] == 1


def test_identity_clause_2_a_revoked_phone_is_told_so_and_has_no_effect(
    company: Company, phone: PhoneClient, client_for: ClientFor
) -> None:
    """Row 14: push, pull and uploads; nothing of it has an effect."""
    visit_id = a_visit(company)
    phone.pull()
    admin = client_for(Role.ADMIN)
    device = phone.store.setting("device_id")
    assert admin.post(f"/v1/devices/{device}/revoke", headers={"If-Match": '"1"'}).status_code == 200
    op_id = phone.record(protocol.ACCEPT, visit_id=visit_id)
    client = company.anybody()
    client.access_token = phone.store.setting("access_token") or ""
    told = base64.b64encode(op_id.encode()).decode()
    opening = {"Tus-Resumable": "1.0.0", "Upload-Length": "5", "Upload-Metadata": f"op_id {told}"}
    for answer in (
        client.post("/v1/sync/push", json={"ops": phone.store.unsent(200)}),
        client.get("/v1/sync/pull"),
        client.post("/v1/sync/uploads", headers=opening),
        client.patch(f"/v1/sync/uploads/{uuid.uuid4()}", headers=opening, data=b"bytes"),
    ):
        assert (answer.status_code, answer.json["code"]) == (403, "device_revoked")
        assert answer.json["cause"]["device_id"] == device
    assert asked("select state from visit") == [("published",)]
    assert asked("select count(*) from sync_operation") == [(0,)]


def test_identity_clause_2_a_revoked_phone_forgets_the_company_and_keeps_its_operations(
    company: Company, phone: PhoneClient, client_for: ClientFor
) -> None:
    visit_id = a_visit(company)
    phone.pull()
    phone.record(protocol.ACCEPT, visit_id=visit_id)
    device = phone.store.setting("device_id")
    client_for(Role.ADMIN).post(f"/v1/devices/{device}/revoke", headers={"If-Match": '"1"'})
    phone.refresh = lambda: None  # type: ignore[method-assign]
    with pytest.raises(Revoked):
        phone.push()
    assert phone.visits() == []
    assert len(phone.store.unsent(200)) == 1


def test_identity_clause_1_a_login_without_a_phone_is_refused(client_for: ClientFor) -> None:
    technician = client_for(Role.TECHNICIAN)
    for answer in (technician.get("/v1/sync/pull"), technician.post("/v1/sync/push", json={"ops": []})):
        assert (answer.status_code, answer.json["code"]) == (403, "DEVICE_NEEDED")


def test_a_login_without_a_token_stays_unauthenticated(anybody: Client) -> None:
    assert anybody.get("/v1/sync/pull").status_code == 401
    forged = {"Authorization": "Bearer tra_" + "x" * 43}
    assert anybody.get("/v1/sync/pull", headers=forged).status_code == 401


def test_identity_clause_3_an_unknown_schema_is_told_to_update(company: Company, phone: PhoneClient) -> None:
    client = company.anybody()
    client.access_token = phone.store.setting("access_token") or ""
    for answer in (
        client.get("/v1/sync/pull", headers={"Sync-Schema": "3"}),
        client.post("/v1/sync/push", json={"ops": []}, headers={"Sync-Schema": "3"}),
    ):
        assert (answer.status_code, answer.json["code"]) == (426, "SCHEMA_UNSUPPORTED")


def test_push_clause_1_a_body_of_more_than_a_mebibyte_is_refused(
    company: Company, phone: PhoneClient
) -> None:
    client = company.anybody()
    client.access_token = phone.store.setting("access_token") or ""
    body = json.dumps({"ops": [], "clock": {"boot_id": "x" * protocol.MOST_BYTES}})
    answer = client.post("/v1/sync/push", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (413, "BATCH_TOO_LARGE")


def test_identity_clause_4_a_captive_portal_clears_nothing(phone: PhoneClient, company: Company) -> None:
    """Row 7. A 200 without the marker means that nothing was decided."""
    phone.record(protocol.ACCEPT, visit_id=a_visit(company))
    portal = httpx.MockTransport(lambda _request: httpx.Response(200, text="<html>Welcome</html>"))
    trapped = PhoneClient(
        "", Login("x"), http=httpx.Client(transport=portal, base_url="http://portal"), patience_seconds=0
    )
    trapped.store = phone.store
    with pytest.raises(NothingDecided):
        trapped.push()
    assert len(phone.store.unsent(200)) == 1


def test_identity_clause_4_an_answer_that_a_proxy_has_kept_clears_nothing(
    phone: PhoneClient, company: Company
) -> None:
    """Row 7: the answer to an earlier push, marker and all, says nothing about this one."""
    phone.record(protocol.ACCEPT, visit_id=a_visit(company))
    client = company.anybody()
    client.access_token = phone.store.setting("access_token") or ""
    old = client.post("/v1/sync/push", json={"ops": phone.store.unsent(200)})
    phone.push()
    phone.record(protocol.ACCEPT, visit_id=a_visit(company, hours=3))
    kept = httpx.MockTransport(lambda _request: httpx.Response(200, content=old.data))
    behind = PhoneClient(
        "", Login("x"), http=httpx.Client(transport=kept, base_url="http://proxy"), patience_seconds=0
    )
    behind.store = phone.store
    with pytest.raises(NothingDecided):
        behind.push()
    assert len(phone.store.unsent(200)) == 1
    phone.push()
    assert results(phone) == ["applied"] * 2


def test_push_clause_2_characters_that_no_database_holds_reject_their_own_operation_only(
    company: Company, phone: PhoneClient
) -> None:
    visit_id = a_visit(company)
    phone.pull()
    phone.record(protocol.FINDING, visit_id=visit_id, payload={**FINDINGS, "fault": "NUL \x00 \ud800"})
    phone.record(protocol.ACCEPT, visit_id=visit_id)
    other = a_visit(company, hours=3)
    phone.record(protocol.ACCEPT, visit_id=other)
    phone.push()
    assert results(phone) == ["rejected", "rejected", "applied"]


def test_pull_clause_6_a_visit_given_to_somebody_else_leaves_the_phone(
    company: Company, phone: PhoneClient
) -> None:
    visit_id = a_visit(company)
    phone.pull()
    assert len(phone.visits()) == 1
    with db.transaction() as session:
        territory = session.get_one(Territory, company.territories[NORTH])
        other = builders.a_technician(session, territory=territory)
        publish(company, visit_id, other.id, session=session)
    phone.pull()
    assert phone.visits() == []


def test_pull_clause_6_an_accepted_visit_that_its_customer_moves_to_another_day_leaves_the_phone(
    desk: Desk, phone: PhoneClient
) -> None:
    visit_id = desk.published()["visit_id"]
    later = {"starts_at": local(8, days=3), "ends_at": local(20, days=3)}
    desk.made(Role.DISPATCHER, f"/v1/technicians/{desk.technician}/shifts", later)
    phone.pull()
    phone.record(protocol.ACCEPT, visit_id=visit_id)
    phone.push()
    phone.pull()
    assert [visit["state"] for visit in phone.visits()] == ["accepted"]
    link, stranger = link_to(visit_id), desk.company.anybody()
    found = stranger.get(f"{link}/windows?first_day={day(3)}&days=1").get_json()["items"]
    moved = stranger.post(link + "/window", json={"window": found[0]["window"]})
    assert (moved.status_code, moved.get_json()["state"]) == (200, "planned")
    phone.pull()
    assert phone.visits() == []
    assert results(phone) == ["applied"]


def test_pull_clause_9_a_foreign_cursor_is_answered_with_resync_and_the_phone_starts_anew(
    company: Company, phone: PhoneClient
) -> None:
    a_visit(company)
    phone.pull()
    client = company.anybody()
    client.access_token = phone.store.setting("access_token") or ""
    answer = client.get("/v1/sync/pull?cursor=AAAA")
    assert (answer.status_code, answer.json["code"]) == (410, "resync")
    phone.store.set("cursor", "AAAA")
    phone.pull()
    assert len(phone.visits()) == 1


def test_record_clause_1_phone_and_server_show_the_same_text_word_for_word(
    company: Company, phone: PhoneClient
) -> None:
    """The hash of phone and server are over the same text, word for word (R-509)."""
    visit_id, sku = a_visit(company), a_part()
    phone.pull()
    work(phone, visit_id, sku)
    shown = phone.shown(visit_id)
    phone.push()
    ((stored, name),) = asked("select shown, signed_by_name from service_report")
    assert json.loads(stored) == shown
    assert name == "Customer"
    with db.transaction() as session:
        technician = session.get_one(Technician, company.technicians[NORTH])
        assert shown["technician"] == technician.name
