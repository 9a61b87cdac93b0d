"""A revoked phone: it deletes what it holds at our word alone, and its work waits for the desk (§2.7)."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from api import mobile
from api.session import current_session
from dispatch import clock, db
from dispatch.access.model import Device
from dispatch.access.rules import Role
from dispatch.simulation.phone import PhoneClient, Revoked
from dispatch.simulation.phone_answers import NothingDecided
from dispatch.simulation.phone_keys import proof_of
from dispatch.simulation.phone_overlay import PERSONAL
from dispatch.sync import protocol
from dispatch.sync.model import Quarantined
from dispatch.sync.quarantine import expire
from tests.api.company import SOUTH, Client, ClientFor, Company
from tests.api.in_the_field import a_part, a_visit, asked, work
from tests.api.test_uploads import a_photo

MEMBERS = (
    "id version number order_number attempt state kind fault_code priority estimate_minor paid_minor currency"
    " duration_minutes crew_size leader_id crew skills certificates parts needs_review is_repeat"
    " refused_part_lots planned_start planned_end window_start window_end travelling_at arrived_at started_at"
    " finished_at expected_end_at is_revealed asset"
)
NAMELESS = frozenset(MEMBERS.split())
"""Members of a visit that a locked phone may go on to show; every other one could name somebody."""
DOMAIN = ("visit_event", "finding", "part_use", "payment", "service_report", "sync_operation")


@pytest.fixture
def desk(client_for: ClientFor) -> Client:
    """A dispatcher of the north."""
    return client_for(Role.DISPATCHER)


def revoke(phone: PhoneClient) -> None:
    """The phone was reported lost."""
    with db.transaction() as session:
        device = session.get_one(Device, phone.store.setting("device_id"))
        device.revoked_at = datetime.now(UTC)


def counts() -> list[int]:
    """How much there is of everything that a phone can bring about."""
    return [asked(f"select count(*) from {table}")[0][0] for table in DOMAIN]


def hand_over_again(phone: PhoneClient, op_ids: list[str]) -> None:
    """The answer was lost: the phone hands the same work over once more."""
    with phone.store.writing() as database:
        for op_id in op_ids:
            database.execute("update operation set result = null where op_id = ?", (op_id,))
    assert phone.surrender() == len(op_ids)


def with_work(company: Company, phone: PhoneClient) -> str:
    """A visit worked on without contact, then the phone is revoked and notices."""
    visit_id, sku = a_visit(company), a_part()
    phone.pull()
    work(phone, visit_id, sku)
    revoke(phone)
    with pytest.raises(Revoked):
        phone.push()
    return visit_id


def test_revoked_clause_1_only_a_signed_notice_deletes_what_the_phone_holds(
    company: Company, phone: PhoneClient
) -> None:
    a_visit(company)
    phone.pull()
    phone.store.set("notice_key", "A" * 43)
    revoke(phone)
    with pytest.raises(NothingDecided) as why:
        phone.pull()
    assert why.value.code == "device_revoked"
    assert len(phone.store.visits()) == 1


@pytest.mark.parametrize("asks", [PhoneClient.push, PhoneClient.pull])
def test_revoked_clause_1_a_phone_that_is_revoked_while_it_asks_gets_the_signed_notice(
    company: Company, phone: PhoneClient, monkeypatch: pytest.MonkeyPatch, asks: Callable[[PhoneClient], None]
) -> None:
    """Row 14: the login was good when the request came; the revocation is there before the first question."""
    phone.record(protocol.ACCEPT, visit_id=a_visit(company))

    def met_by_a_revocation() -> Session:
        revoke(phone)
        return current_session()

    monkeypatch.setattr(mobile, "current_session", met_by_a_revocation)
    with pytest.raises(Revoked):
        asks(phone)
    assert asked("select count(*) from sync_operation") == [(0,)]
    assert len(phone.store.unsent(200)) == 1, "what it has not sent waits to be handed over"


def test_revoked_clause_2_its_work_has_no_effect_until_the_desk_admits_it(
    company: Company, phone: PhoneClient, desk: Client
) -> None:
    """Row 14. P13: no change by a revoked phone; what the desk admits is applied once, as if pushed."""
    visit_id = with_work(company, phone)
    assert phone.store.visits() == []
    assert len(phone.store.unsent(200)) == 10
    before = counts()
    unsent = [one["op_id"] for one in phone.store.unsent(200)]
    assert phone.surrender() == len(unsent) == 10
    hand_over_again(phone, unsent)
    assert counts() == before
    (item,) = desk.get("/v1/sync/quarantine").get_json()["items"]
    assert (item["operations"], item["decision"]) == (10, None)
    batch = desk.get(f"/v1/sync/quarantine/{item['id']}").get_json()["batch"]
    assert [op["type"] for op in batch["ops"]][:2] == [protocol.ACCEPT, protocol.TRAVEL]
    admitted = desk.post(f"/v1/sync/quarantine/{item['id']}/admission")
    assert [receipt["result"] for receipt in admitted.get_json()["receipts"]] == ["applied"] * 10
    assert asked("select state from visit where id = :id", id=visit_id) == [("verified",)]
    again = desk.post(f"/v1/sync/quarantine/{item['id']}/admission")
    assert (again.status_code, again.get_json()["code"]) == (409, "QUARANTINE_DECIDED")
    after = counts()
    hand_over_again(phone, unsent)
    assert counts() == after
    entry = "select user_id::text, outcome from audit_entry where action = 'decide_quarantine'"
    assert asked(entry) == [(desk.user_id, "admitted")]


def test_revoked_clause_3_it_lies_here_sealed_and_goes_when_it_is_dismissed_or_expires(
    company: Company, phone: PhoneClient, desk: Client
) -> None:
    with_work(company, phone)
    phone.surrender()
    sealed = asked("select sealed from sync_quarantine")[0][0]
    assert b"Pump blocked" not in bytes(sealed)
    (item,) = desk.get("/v1/sync/quarantine").get_json()["items"]
    gone = desk.post(f"/v1/sync/quarantine/{item['id']}/dismissal", json={"reason": "stolen"})
    assert gone.get_json()["decision"] == "dismissed"
    assert asked("select sealed from sync_quarantine") == [(None,)]
    phone.record(protocol.NO_ACCESS, payload={"reason": "later"})
    phone.surrender()
    with db.transaction() as session:
        session.query(Quarantined).update({"expires_at": clock.now()})
        assert len(expire(session, clock.now() + timedelta(seconds=1))) == 1
    assert asked("select sealed, decision from sync_quarantine order by received_at") == [
        (None, "dismissed"),
        (None, "expired"),
    ]
    assert counts()[-1] == 0


@pytest.mark.parametrize("change", ["signature", "batch", "device", "time"])
def test_revoked_clause_4_only_the_phones_own_key_hands_work_over(
    company: Company, phone: PhoneClient, change: str
) -> None:
    with_work(company, phone)
    key = phone._key()
    batch = json.dumps({"ops": phone.store.unsent(1)})
    body: dict[str, Any] = {
        "device_id": phone.store.setting("device_id"),
        "batch": batch,
        "proof": proof_of(key, "truckroll-quarantine-v1", batch),
    }
    if change == "signature":
        body["proof"] = proof_of(key, "truckroll-refresh-v1", batch)
    elif change == "batch":
        body["batch"] += " "
    elif change == "device":
        body["device_id"] = "00000000-0000-7000-8000-000000000000"
    else:
        body["proof"]["timestamp"] = int(time.time()) - 600
    answer = company.anybody().post("/v1/sync/quarantine", json=body)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "DEVICE_REFUSED")
    assert asked("select count(*) from sync_quarantine") == [(0,)]


def test_a_phone_that_is_not_revoked_pushes_instead(company: Company, phone: PhoneClient) -> None:
    phone.record(protocol.TRAVEL, visit_id=a_visit(company))
    with pytest.raises(NothingDecided) as why:
        phone.surrender()
    assert why.value.code == "DEVICE_NOT_REVOKED"


def test_the_desk_of_another_territory_sees_nothing(
    company: Company, phone: PhoneClient, client_for: ClientFor
) -> None:
    with_work(company, phone)
    phone.surrender()
    assert client_for(Role.DISPATCHER, SOUTH).get("/v1/sync/quarantine").get_json()["items"] == []


def test_identity_clause_6_after_three_days_without_contact_no_customer_is_shown(
    company: Company, phone: PhoneClient
) -> None:
    visit_id = a_visit(company)
    phone.pull()
    told: dict[str, Any] = {name: [{"text": "Mrs Canary"}] for name in ("files", "before", "advice")}
    asked_for = [{"questions": [{"key": "seen"}], "answers": [{"value": "Mrs Canary"}]}]
    told |= {"hints": {"history": ["Mrs Canary"]}, "checklists": asked_for}
    pulled = phone.store.visit(visit_id)
    assert pulled is not None
    told |= {name: {"any": "Mrs Canary"} for name in pulled.keys() - told.keys() - NAMELESS}
    with phone.store.writing() as database:
        body = json.dumps(pulled | told)
        database.execute("update visit set body = ? where id = ?", (body, visit_id))
    phone.record(protocol.TRAVEL, visit_id=visit_id)
    later = datetime.now(UTC) + timedelta(hours=73)
    phone._now = lambda: later  # type: ignore[method-assign]
    shown = phone.visit(visit_id)
    assert shown is not None
    assert {name for name, value in shown.items() if value is None} >= set(PERSONAL)
    assert (shown["files"], shown["before"], shown["advice"]) == ([], [], [])
    assert shown["checklists"] == [{"questions": [{"key": "seen"}], "answers": []}]
    assert "canary" not in json.dumps(shown).lower()
    assert shown["state"] == "travelling"
    assert len(phone.store.unsent(10)) == 1
    phone._now = lambda: datetime.now(UTC)  # type: ignore[method-assign]
    phone.push()
    phone.pull()
    again = phone.visit(visit_id)
    assert again is not None
    assert again["customer"] is not None


@pytest.mark.parametrize(
    ("body", "encoding", "status", "code"),
    [
        (gzip.compress(b'{"ops": []}'), "gzip", 200, None),
        (gzip.compress(b'{"ops": []}')[:-3], "gzip", 400, "MALFORMED_JSON"),
        (gzip.compress(b'{"ops": []}') + b"x", "gzip", 400, "MALFORMED_JSON"),
        (b"no gzip", "gzip", 400, "MALFORMED_JSON"),
        (gzip.compress(b" " * (8 * 1_048_576 + 1)), "gzip", 413, "BATCH_TOO_LARGE"),
        (b'{"ops": []}', "br", 415, "MEDIA_TYPE_UNSUPPORTED"),
    ],
    ids=["packed", "cut off", "followed", "not packed", "too much", "another kind"],
)
def test_push_clause_15_a_body_may_be_packed_within_bounds(
    phone: PhoneClient, body: bytes, encoding: str, status: int, code: str | None
) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}
    answer = phone.ask("POST", "/v1/sync/push", content=body, headers=headers)
    assert (answer.status_code, answer.json().get("code")) == (status, code)


def test_admitted_work_does_not_wait_for_what_never_came(
    company: Company, phone: PhoneClient, desk: Client
) -> None:
    """What lies after a gap is decided when it is admitted: facts count, steps leave a case to look at."""
    visit_id = with_work(company, phone)
    with phone.store.writing() as database:
        database.execute("delete from operation where seq = 1")
    assert phone.surrender() == 9
    (item,) = desk.get("/v1/sync/quarantine").get_json()["items"]
    admitted = desk.post(f"/v1/sync/quarantine/{item['id']}/admission").get_json()["receipts"]
    assert {receipt["result"] for receipt in admitted} <= {"applied", "applied_conflict"}
    assert asked("select state from visit where id = :id", id=visit_id) == [("done",)]
    assert asked("select kind from review_case") == [("gap_forced",)]


def test_revoked_clause_5_bytes_of_admitted_work_come_when_the_phone_is_registered_anew(
    company: Company, phone: PhoneClient, desk: Client
) -> None:
    visit_id = a_visit(company)
    phone.pull()
    phone.attach(visit_id, a_photo(), "image/jpeg", purpose="photo")
    revoke(phone)
    with pytest.raises(Revoked):
        phone.pull()
    assert phone.surrender() == 1
    (item,) = desk.get("/v1/sync/quarantine").get_json()["items"]
    assert desk.post(f"/v1/sync/quarantine/{item['id']}/admission").status_code == 200
    assert phone.store.files_to_send() == []
    phone.begin_anew()
    phone.pull()
    assert phone.send_files() == 1
    assert asked("select count(*) from declared_file where attachment_id is not null") == [(1,)]
    phone.record(protocol.TRAVEL, visit_id=visit_id)
    assert [receipt["result"] for receipt in phone.push()] == ["applied"]
