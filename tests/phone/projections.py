"""P7, P9 and P17: what phones hold is what the office has, whatever the way and the words it came in."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dispatch.simulation.phone_store import PhoneStore
from dispatch.sync import protocol
from tests.phone.direct import DirectPhone
from tests.phone.world import World

MOMENTS = ("planned_start", "planned_end", "travelling_at", "arrived_at", "started_at", "finished_at")
PLAIN = ("version", "number", "order_number", "state", "priority", "needs_review", "attempt")
SCOPE = """
select v.id::text, v.technician_id, v.version, v.state, v.needs_review, v.attempt, v.is_solved,
  'DS-' || lpad(v.serial::text, 6, '0') as number, 'WO-' || lpad(o.serial::text, 6, '0') as order_number,
  o.id as order_id, o.priority, c.name, c.phone, s.address, t.timezone, r.name as technician,
  v.planned_start, v.planned_end, v.travelling_at, v.arrived_at, v.started_at, v.finished_at
from visit v join work_order o on o.id = v.work_order_id join customer c on c.id = o.customer_id
join site s on s.id = o.site_id join territory t on t.id = o.territory_id
join technician r on r.id = v.technician_id
where v.id = any(:visits) and v.state not in ('unplanned', 'planned', 'cancelled')
and v.planned_start >= :first and v.planned_start < :last
"""
FACTS_OF = {
    "findings": "select visit_id::text, fault, cause, action, advised, dangers, touched,"
    " voided_by is not null from finding where visit_id = any(:visits) order by id",
    "parts": "select u.visit_id::text, p.sku, u.direction, u.quantity from part_use u"
    " join part p on p.id = u.part_id where u.visit_id = any(:visits) and u.voided_by is null"
    " order by 2, 3, 4",
    "consents": "select visit_id::text, equipment, signed_by_name from consent"
    " where visit_id = any(:visits) and id not in (select subject_id from withdrawal) order by id",
    "files": "select visit_id::text, sha256, attachment_id is not null from declared_file"
    " where visit_id = any(:visits) and withdrawn_at is null order by declared_at, id",
    "approvals": "select v.id::text, a.amount_minor, a.currency, a.approved_by_name from approval a"
    " join visit v using (work_order_id) where v.id = any(:visits)"
    " and a.id not in (select subject_id from withdrawal) order by a.id",
    "before": "select v.id::text, 'DS-' || lpad(e.serial::text, 6, '0') from visit v"
    " join visit e using (work_order_id) where v.id = any(:visits) and e.attempt < v.attempt"
    " and e.started_at is not null order by e.attempt, e.seat",
    "advice": "select v.id::text, a.id::text, a.words, a.is_danger from visit v"
    " join work_order o on o.id = v.work_order_id join advised_work a on a.site_id = o.site_id"
    " where v.id = any(:visits) and a.state = 'open' and a.visit_id <> v.id"
    " and (a.is_danger or a.asset_id = o.asset_id)"
    " and v.state not in ('done', 'verified', 'closed', 'no_access')"
    " order by a.is_danger desc, a.advised_at, a.id",
    "paid": "select v.id::text, sum(p.amount_minor) from payment p join visit v using (work_order_id)"
    " where v.id = any(:visits) group by v.id",
}


def phones_converge(world: World) -> None:
    """P7, P8, P16: what a phone holds by going on is what it would get anew, to the byte."""
    for phone in world.phones:
        fresh = DirectPhone(phone.by, phone._now)
        fresh.pull()
        assert _held(phone.store) == _held(fresh.store), "P7: going on by cursor gave something else"
        fresh.close()


def _held(store: PhoneStore) -> dict[str, Any]:
    """Hints are as old as the visit's last change, by design; everything else must be equal."""
    return {one["id"]: {**one, "hints": None} for one in store.visits()}


def phones_hold_what_the_office_has(world: World) -> None:
    """
    P7: a phone that has pulled holds the rows of its scope, read here from the tables alone.

    Which visits, each field of the desk, each time, and of what is shown in full every fact.
    """
    now = world.now()
    rows = world.ask_by_name(
        SCOPE, **world.known(), first=now - timedelta(days=7), last=now + timedelta(days=14)
    )
    facts = {name: _by_visit(world.ask(question, **world.known())) for name, question in FACTS_OF.items()}
    for phone in world.phones:
        held = {one["id"]: one for one in phone.store.visits() if one["id"] in {*map(str, world.told)}}
        mine = {row["id"]: row for row in rows if row["technician_id"] == phone.by.technician_id}
        assert held.keys() == mine.keys(), "P7: the phone holds other visits than the office gave it"
        for visit_id, row in mine.items():
            _is_told(held[visit_id], row, now)
            if held[visit_id]["is_revealed"]:
                _tells_every_fact(
                    held[visit_id], row, {name: found[visit_id] for name, found in facts.items()}
                )


def _by_visit(rows: Iterable[tuple[Any, ...]]) -> Mapping[str, list[tuple[Any, ...]]]:
    found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for visit_id, *rest in rows:
        found[visit_id].append(tuple(rest))
    return found


def _is_told(held: Mapping[str, Any], row: Mapping[str, Any], now: datetime) -> None:
    assert {name: held[name] for name in PLAIN} == {name: row[name] for name in PLAIN}, "P7: other fields"
    told = {name: held[name] and datetime.fromisoformat(held[name]) for name in MOMENTS}
    assert told == {name: row[name] for name in MOMENTS}, "P7: other times"
    assert held["is_revealed"] is _is_revealed(row, now), "P7: more or less is told than may be"
    customer = (held["customer"]["name"], held["customer"]["phone"], held["site"]["address"])
    assert (customer == (row["name"], row["phone"], row["address"])) is held["is_revealed"], (
        "P7: the customer"
    )


def _is_revealed(row: Mapping[str, Any], now: datetime) -> bool:
    """From 18:00 of the day before until 48 hours after the end (Pull 8)."""
    ended = row["finished_at"]
    if row["state"] == "no_access":
        ended = row["arrived_at"] or row["planned_end"]
    if ended is not None:
        return bool(now < ended + timedelta(hours=48))
    zone = ZoneInfo(row["timezone"])
    eve = row["planned_start"].astimezone(zone).date() - timedelta(days=1)
    return now >= datetime.combine(eve, time(18), zone).astimezone(UTC)


def _tells_every_fact(
    held: Mapping[str, Any], row: Mapping[str, Any], facts: Mapping[str, list[tuple[Any, ...]]]
) -> None:
    record = held["record"]
    blank = ("", "", "", [], [], [])
    last = facts["findings"][-1] if facts["findings"] else (*blank, False)
    found = blank if last[-1] else last[:-1]
    told = tuple(record[name] for name in ("fault", "cause", "action", "advised", "dangers", "touched"))
    assert told == found, "P7: other findings"
    assert (record["solved"], record["technician"]) == (row["is_solved"], row["technician"]), "P7: the result"
    parts = [(one["sku"], one["direction"], one["quantity"]) for one in record["parts"]]
    assert parts == facts["parts"], "P7: other parts"
    assert [(one["equipment"], one["by"]) for one in record["consents"]] == facts["consents"], "P7: consents"
    agreed = [(one["amount_minor"], one["currency"], one["by"]) for one in record["approvals"]]
    assert agreed == facts["approvals"], "P7: other approvals"
    assert [(one["sha256"], one["is_here"]) for one in held["files"]] == facts["files"], "P7: other files"
    assert [(one["number"],) for one in held["before"]] == facts["before"], "P7: others' work before"
    advice = [(one["id"], one["text"], one["is_danger"]) for one in held["advice"]]
    assert advice == facts["advice"], "P7: other advice"
    assert held["paid_minor"] == sum(int(one[0]) for one in facts["paid"]), "P7: other money"


def nothing_is_left_behind(world: World) -> None:
    """P9: no byte of a withdrawn visit is left on a phone, but what the next one of its order tells."""
    numbers = world.ask("select id, serial from visit where id = any(:visits)", **world.known())
    for phone in world.phones:
        visits = phone.store.visits()
        held = {one["id"] for one in visits}
        raw = "\n".join(json.dumps(one | {"before": []}) for one in visits)
        for visit_id, number in numbers:
            assert str(visit_id) in held or f"DS-{number:06d}" not in raw, (
                "P9: a withdrawn visit is still there"
            )
        unacked = {kept.body["op_id"] for kept in phone.store.operations(only_unacked=True)}
        for kept in phone.store.operations():
            about, is_over = kept.body["visit_id"], kept.body["op_id"] not in unacked
            if about is not None and about not in held and is_over and kept.result is not None:
                assert kept.is_blank, "P9: an operation says still what was done at a withdrawn visit"


def who_is_served_is_masked(world: World) -> None:
    """P9: two days after a visit ended a phone knows neither the customer nor what was written down there."""
    ended = world.ask(
        "select v.id, c.phone, s.address from visit v join work_order o on o.id = v.work_order_id"
        " join customer c on c.id = o.customer_id join site s on s.id = o.site_id"
        " where v.id = any(:visits) and v.finished_at < :before",
        **world.known(),
        before=world.now() - timedelta(hours=48),
    )
    for phone in world.phones:
        held = {one["id"]: one for one in phone.store.visits()}
        for visit_id, number, address in ended:
            told = held.get(str(visit_id), {})
            raw = json.dumps(told)
            assert number not in raw, "P9: a telephone number is still there"
            assert address not in raw, "P9: an address is still there"
            answers = [one for checklist in told.get("checklists", ()) for one in checklist["answers"]]
            assert (answers, told.get("record"), told.get("files", [])) == ([], None, []), "P9: a record"


def schemas_are_taken_for_ever(world: World) -> None:
    """P17: what an older or newer app sends is never refused for its schema."""
    refused = world.ask(
        "select op_id from sync_rejection where technician_id = any(:technicians)"
        " and code in ('SCHEMA_UNSUPPORTED', 'OPERATION_UNKNOWN')",
        **world.known(),
    )
    assert refused == [], "P17: an operation refused for its schema"


def schemas_say_the_same(world: World) -> None:
    """P17: findings have the same effect in every schema's words, read here from what was sent."""
    rows = world.ask(
        "select o.schema, o.body->'payload', f.advised, f.dangers from finding f"
        " join sync_operation o on o.op_id = f.op_id where f.visit_id = any(:visits)",
        **world.known(),
    )
    for schema, payload, advised, dangers in rows:
        given = payload.get("advised", [])
        words = given if schema == 1 else [one["text"] for one in given]
        marked = [] if schema == 1 else [one["text"] for one in given if one.get("is_danger")]
        assert (advised, dangers) == (words, marked), f"P17: schema {schema} says something else"
    refused = world.ask(
        "select o.op_id from sync_rejection r join sync_operation o using (op_id)"
        " where r.technician_id = any(:technicians) and o.type = :kind and r.code = 'OPERATION_INVALID'",
        **world.known(),
        kind=protocol.FINDING,
    )
    assert refused == [], "P17: findings in the words of their schema are refused"
