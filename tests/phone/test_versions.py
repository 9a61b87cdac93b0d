"""P17: the same day through every schema ever shipped gives the same receipts, record and rows."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from dispatch.sync import protocol
from tests.phone.direct import JudgedPhone
from tests.phone.stories import SEED, database_of_stories
from tests.phone.world import World, payload_of
from tests.services import TestServices

SCRIPTS = 12
BEGIN = (protocol.TRAVEL, protocol.ARRIVE, protocol.START, protocol.ANSWER)
BETWEEN = (
    protocol.FINDING,
    protocol.PART,
    protocol.APPROVAL,
    protocol.CONSENT,
    protocol.PAYMENT,
    protocol.DECLARE,
    protocol.PAUSE,
    protocol.RESUME,
    protocol.ANSWER,
    protocol.EXPECT,
    *sorted(protocol.VOIDS),
    protocol.FILE_VOID,
)
END = (protocol.RESUME, protocol.FINDING, protocol.SIGN, protocol.FINISH)
ROWS = {
    "visit": "select state, is_solved, rating, needs_review, billing_hold from visit where id = :visit",
    "finding": "select fault, cause, action, advised, dangers, is_tested, voided_by is null from finding"
    " where visit_id = :visit order by id",
    "part_use": "select direction, quantity, voided_by is null from part_use where visit_id = :visit"
    " order by id",
    "answers": "select question, value, withdrawn_at is null from checklist_answer where visit_id = :visit"
    " order by id",
    "money": "select amount_minor, method from payment join visit v using (work_order_id) where v.id = :visit"
    " order by payment.id",
    "agreed": "select amount_minor, a.id in (select subject_id from withdrawal) from approval a"
    " join visit v using (work_order_id) where v.id = :visit order by a.id",
    "consent": "select equipment, c.id in (select subject_id from withdrawal) from consent c"
    " where visit_id = :visit order by id",
    "files": "select purpose, withdrawn_at is null from declared_file where visit_id = :visit order by id",
    "steps": "select from_state, to_state, actor, reason from visit_event where visit_id = :visit"
    " order by id",
    "cases": "select kind from review_case where visit_id = :visit order by id",
}


def told_by(
    world: World, phone: JudgedPhone, schema: int, script: Sequence[str], seed: int
) -> tuple[list[Any], Mapping[str, Any], dict[str, Any]]:
    """Tell a script of a new visit in the words of a schema; receipts, record and rows that it gave."""
    phone.schema = schema
    visit = world.publish(0, 1)
    phone.pull()
    op_ids = []
    for place, kind in enumerate(script):
        world.dice.seed(f"{seed} {place}")
        payload = payload_of(world, phone, kind, str(visit))
        if kind == protocol.FINDING:
            payload["advised"] = ["descale"] if schema == 1 else [{"text": "descale", "is_danger": False}]
        op_ids.append(phone.record(kind, visit_id=str(visit), payload=payload))
    phone.push()
    receipts = [phone.store.receipt(op_id) or {} for op_id in op_ids]
    phone.pull()
    return (
        [(one.get("result"), one.get("code"), sorted(one.get("effect", {}))) for one in receipts],
        same(phone, visit),
        {name: world.ask(question, visit=visit) for name, question in ROWS.items()},
    )


def same(phone: JudgedPhone, visit: uuid.UUID) -> Mapping[str, Any]:
    """What the phone shows, without what names this visit alone."""
    held = phone.visit(str(visit)) or {}
    own = {"order", "sheet", "customer", "asset", "times", "fault_code"}
    record = {name: value for name, value in held["record"].items() if name not in own}
    return {"record": record, "state": held["state"], "paid": held["paid_minor"]}


def test_the_same_script_through_every_schema_gives_the_same_state(services: TestServices) -> None:
    """P17, row 11: findings in words of their own, everything else in the same."""
    ends = set()
    with database_of_stories(services):
        world = World.founded()
        phone = world.phones[0]
        for number in range(SCRIPTS):
            dice = random.Random(SEED + number)
            script = [*BEGIN, *dice.choices(BETWEEN, k=9), *END]
            told = [
                told_by(world, phone, schema, script, SEED + number)
                for schema in sorted(protocol.PUSH_SCHEMAS)
            ]
            for other in told[1:]:
                assert other == told[0], script
            assert ("applied", None, []) in told[0][0]
            ends.add(told[0][1]["state"])
        assert len(protocol.PUSH_SCHEMAS) >= 2
        assert ends & {"done", "verified"}
        world.directory.cleanup()
