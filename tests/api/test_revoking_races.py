"""A phone that is revoked while it pushes: each operation is decided once or handed over."""

from __future__ import annotations

import random
import threading
import uuid
from pathlib import Path
from typing import Any

import pytest

from dispatch import db
from dispatch.access import commands as access
from dispatch.access.model import Device
from dispatch.access.rules import Role
from dispatch.simulation.phone import PhoneClient, Revoked
from dispatch.sync import protocol
from tests.api.company import NORTH, ClientFor, Company
from tests.api.in_the_field import FINDINGS, Login, a_visit, asked

ROUNDS, VISITS, BATCH = 4, 3, 7
PAID = {"method": "card", "amount": "5.00", "currency": "EUR"}
OF_A_BATCH = (protocol.ACCEPT, protocol.TRAVEL, protocol.ARRIVE, protocol.START)


@pytest.mark.slow
def test_revoked_clause_2_of_a_push_that_a_revocation_meets_nothing_is_lost_or_half_applied(
    company: Company, address: str, client_for: ClientFor, tmp_path: Path
) -> None:
    """
    P13, S24, row 14: a real server, a revocation at any moment of a push, a real database.

    What the server committed before is decided and has its effects; the rest has none, is handed over to
    quarantine, and is there once when the desk admits it.
    """
    chance, desk, met = random.Random(14), client_for(Role.DISPATCHER), set()
    for number in range(ROUNDS):
        phone = PhoneClient(
            address, Login(company.user(Role.TECHNICIAN, NORTH)), tmp_path / f"{number}.sqlite"
        )
        phone.sign_in()
        ops = recorded(company, phone)
        at_revocation = revoked_while_pushing(phone, chance)
        decided = decided_of(phone)
        assert decided == at_revocation, "P13: nothing is decided after the revocation"
        told = {one.body["op_id"] for one in phone.store.operations() if one.result == protocol.APPLIED}
        assert told <= decided
        assert len(decided) % BATCH == 0, "a batch is decided whole or not at all"
        assert effects(ops) == {op_id: 1 for op_id in ops if op_id in decided}
        unsent = {str(one["op_id"]) for one in phone.store.unsent(200)}
        assert unsent == set(ops) - told
        assert phone.surrender() == len(unsent)
        assert decided_of(phone) == decided, "P13: what is handed over waits"
        for item in desk.get("/v1/sync/quarantine").get_json()["items"]:
            assert desk.post(f"/v1/sync/quarantine/{item['id']}/admission").status_code == 200
        assert decided_of(phone) == set(ops), "P2: every operation has its decision"
        assert effects(ops) == dict.fromkeys(ops, 1), "P1"
        met.add(len(decided) // BATCH)
        phone.close()
    assert len(met) > 1, "revocations met pushes at different moments"


def recorded(company: Company, phone: PhoneClient) -> list[str]:
    """Visits done without contact, a batch of operations each, every one of which leaves one row."""
    ids = []
    for _ in range(VISITS):
        visit_id = a_visit(company)
        ids += [phone.record(kind, visit_id=visit_id) for kind in OF_A_BATCH]
        ids.append(phone.record(protocol.FINDING, visit_id=visit_id, payload=FINDINGS))
        ids += [phone.record(protocol.PAYMENT, visit_id=visit_id, payload=PAID) for _ in range(2)]
    return ids


def revoked_while_pushing(phone: PhoneClient, chance: random.Random) -> set[str]:
    """Push batch by batch; at the one that is drawn the office revokes. Return what was decided by then."""
    meets, waits = chance.randrange(VISITS), chance.randrange(40)
    gate, decided = threading.Barrier(2), set[str]()

    def revoke() -> None:
        gate.wait()
        for _ in range(waits):
            asked("select 1")
        with db.transaction() as session:
            device = session.get_one(Device, uuid.UUID(phone.store.setting("device_id") or ""))
            access.revoke_device(session, by=None, device=device, expected_version=None)
        decided.update(decided_of(phone))

    office = threading.Thread(target=revoke)
    office.start()
    with pytest.raises(Revoked):
        _push_and_pull(phone, meets, gate)
    office.join()
    return decided


def _push_and_pull(phone: PhoneClient, meets: int, gate: threading.Barrier) -> None:
    """Send batch by batch, the drawn one as the office begins; who heard nothing by then asks for news."""
    for number in range(VISITS):
        if number == meets:
            gate.wait()
        phone.send(phone.store.unsent(BATCH))
    while True:
        phone.pull()


def decided_of(phone: PhoneClient) -> set[str]:
    """Operations of a phone that the server has decided."""
    found = asked(
        "select op_id::text from sync_operation where device_id = :id and state <> 'held'",
        id=phone.store.setting("device_id"),
    )
    return {row[0] for row in found}


def effects(ops: list[str]) -> dict[str, int]:
    """How many rows each operation has left."""
    found: list[tuple[Any, ...]] = asked(
        "select op_id::text, count(*) from (select op_id from visit_event union all select op_id from finding"
        " union all select op_id from payment) as fact where op_id = any(:ids) group by op_id",
        ids=[uuid.UUID(one) for one in ops],
    )
    return {row[0]: row[1] for row in found}
