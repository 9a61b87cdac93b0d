"""The properties of the protocol, judged from the database and the phones alone (reliability §2.9)."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from dispatch.sync import protocol
from dispatch.work_orders.lifecycle import STEPS
from tests.phone.projections import (
    nothing_is_left_behind,
    phones_converge,
    phones_hold_what_the_office_has,
    schemas_are_taken_for_ever,
    schemas_say_the_same,
    who_is_served_is_masked,
)
from tests.phone.world import FACTS, World

EDGES = {(step.from_state.value, step.to_state.value, step.actor.value) for step in STEPS}
APPLIED = frozenset({"applied", "applied_conflict"})
OLDEST = timedelta(days=400)
CONTRADICTED = frozenset({"seq_reuse", "id_reuse"})


def at_most_once(world: World) -> None:
    """P1: an operation has at most one effect of a kind, and every effect its operation."""
    effects = " union all ".join(
        f"select '{table}' as name, t.op_id from {table} t where t.op_id is not null and {of_world}"
        for table, of_world in FACTS.items()
    )
    twice = world.ask(
        f"select name, op_id from ({effects}) e group by name, op_id having count(*) > 1", **world.known()
    )
    assert twice == [], "P1: an operation has an effect twice"
    orphans = world.ask(
        f"select name, op_id from ({effects}) e left join sync_operation o using (op_id)"
        " where o.op_id is null",
        **world.known(),
    )
    assert orphans == [], "P1: an effect without its operation"


def nothing_lost(world: World) -> None:
    """P2: once the phones had contact, each operation has one decision, and no seq is passed over."""
    decided = {
        str(op_id): (state, seq, acked)
        for op_id, state, seq, acked in world.ask(
            "select op_id, state, o.seq, e.acked_seq from sync_operation o"
            " left join sync_device_epoch e using (device_id, install_epoch) where device_id = any(:devices)",
            **world.known(),
        )
    }
    for phone in world.phones:
        for kept in phone.store.operations():
            state, seq, acked = decided[kept.body["op_id"]]
            assert state != "held", "P2: an operation waits for ever"
            assert kept.result == state, f"P2: the phone holds {kept.result}, the server {state}"
            assert seq <= acked, "P2: a decided operation is not acknowledged"


def receipts_are_stable(world: World) -> None:
    """P3: whatever was delivered how often, its receipt is the same to the byte, and the stored one."""
    stored = {
        str(op_id): receipt for op_id, receipt in world.ask("select op_id, receipt from sync_operation")
    }
    for phone in (*world.phones, *world.retired):
        for op_id, seen in phone.line.receipts.items():
            known = stored.get(op_id)
            final = {one for one in seen if one == known or json.loads(one).get("code") not in CONTRADICTED}
            assert final <= {known}, f"P3: {op_id} has several receipts"


def order_is_the_phones(world: World) -> None:
    """P5: steps of one installation at a visit were taken in the order of seq, unless they were forced."""
    rows = world.ask(
        "select e.visit_id, o.device_id, o.install_epoch, o.seq, o.receipt from visit_event e"
        " join sync_operation o on o.op_id = e.op_id where o.install_epoch not like 'office-%'"
        " and e.visit_id = any(:visits) order by e.id",
        **world.known(),
    )
    newest: dict[tuple[Any, ...], int] = defaultdict(int)
    forced = {
        row[0]
        for row in world.ask(
            "select visit_id from review_case where kind = 'gap_forced' and visit_id = any(:visits)",
            **world.known(),
        )
    }
    for visit_id, device_id, epoch, seq, _ in rows:
        if visit_id in forced:
            continue
        place = (visit_id, device_id, epoch)
        assert seq > newest[place], "P5: an older step was taken after a newer one"
        newest[place] = seq


def histories_are_paths(world: World) -> None:
    """P6: every history is a path through the table, each edge by somebody who may take it."""
    rows = world.ask(
        "select visit_id, from_state, to_state, actor from visit_event where visit_id = any(:visits)"
        " order by visit_id, id",
        **world.known(),
    )
    last: dict[Any, str] = {}
    for visit_id, source, target, actor in rows:
        assert (source, target, actor) in EDGES, f"P6: {actor} took {source} to {target}"
        assert last.setdefault(visit_id, source) == source, "P6: a step begins where none ended"
        last[visit_id] = target
    states = dict(world.ask("select id, state from visit where id = any(:visits)", **world.known()))
    for visit_id, state in states.items():
        assert last.get(visit_id, state) == state, "P6: the state is not where the history ended"


def nothing_is_silent(world: World) -> None:
    """P10: a refusal is a rejection, a contradiction a case that names it, what applied has a trace."""
    rejected = {
        row[0]
        for row in world.ask(
            "select op_id from sync_rejection where technician_id = any(:technicians)", **world.known()
        )
    }
    told = {
        fact["op_id"]
        for (detail,) in world.ask(
            "select detail from review_case where visit_id = any(:visits)", **world.known()
        )
        for fact in detail.get("facts", [])
    }
    steps = {
        row[0]
        for row in world.ask(
            "select op_id from visit_event where op_id is not null and visit_id = any(:visits)"
            " union select op_id from end_told where op_id is not null and visit_id = any(:visits)",
            **world.known(),
        )
    }
    for op_id, kind, state, receipt in world.ask(
        "select op_id, type, state, receipt from sync_operation where device_id = any(:devices)",
        **world.known(),
    ):
        if state == "rejected":
            assert op_id in rejected, "P10: a refused operation that nobody sees"
        elif state == "applied_conflict":
            assert str(op_id) in told, "P10: a contradiction that no case names"
        elif kind.startswith("visit.") and "unchanged" not in json.loads(receipt).get("effect", {}):
            assert op_id in steps, f"P10: {kind} applied without a trace"


def the_desk_is_obeyed(world: World) -> None:
    """P11: fields of the dispatcher hold the dispatcher's last word; a case alone credits somebody else."""
    rows = world.ask(
        "select v.id, v.technician_id, v.planned_start, o.priority, v.state from visit v"
        " join work_order o on o.id = v.work_order_id where v.id = any(:visits)",
        **world.known(),
    )
    by_case = {
        row[0]
        for row in world.ask(
            "select visit_id from visit_event where actor = 'case' and visit_id = any(:visits)",
            **world.known(),
        )
    }
    for visit_id, technician_id, planned_start, priority, state in rows:
        told = world.told[visit_id]
        assert priority == told.priority, "P11: the priority is not the desk's"
        if state == "unplanned" or visit_id in by_case:
            continue
        assert planned_start == told.planned_start, "P11: the planned time is not the desk's"
        assert technician_id == told.technician_id, "P11: the technician is not the desk's"


def facts(world: World) -> dict[str, int]:
    """How many rows each table of facts has."""
    question = " union all ".join(f"select '{name}', count(*) from {name}" for name in FACTS)
    return {str(name): int(count) for name, count in world.ask(question)}


def the_revoked_are_mute(world: World) -> None:
    """
    P13: a revoked phone changes nothing any more; every effect has an operation (P1), so none is taken.

    What the desk admits of its work, or applies of what was rejected, is the desk's doing.
    """
    of_desk = "install_epoch like 'office-%' and body->>'decided_by' is not null"
    for device_id, revoked_at in world.revoked_at.items():
        told = {"device": device_id, "at": revoked_at}
        told |= {"admitted": list(world.admitted)}
        late = world.ask(
            "select id from visit_event where device_id = :device and recorded_at > :at"
            " and op_id <> all(:admitted)"
            f" and op_id not in (select op_id from sync_operation where {of_desk})",
            **told,
        )
        assert late == [], "P13: a revoked phone took a step"
        taken = world.ask(
            "select op_id from sync_operation where device_id = :device and received_at > :at"
            f" and op_id <> all(:admitted) and not ({of_desk})",
            **told,
        )
        assert taken == [], "P13: an operation of a revoked phone was taken"
        sent = world.ask("select id from sync_upload where device_id = :device and finished_at > :at", **told)
        assert sent == [], "P13: a file of a revoked phone was taken"


def installations_count_by_themselves(world: World) -> None:
    """P18: a phone that comes back counts anew; no number is used twice and none of before is hidden."""
    rows = world.ask(
        "select count(*), count(distinct seq), max(seq), max(e.acked_seq) from sync_operation o"
        " join sync_device_epoch e using (device_id, install_epoch)"
        " where device_id = any(:devices) group by device_id, install_epoch",
        **world.known(),
    )
    for operations, numbers, highest, acked in rows:
        assert operations == numbers, "P18: a number was used twice"
        assert acked <= highest, "P18: a number was acknowledged that nobody sent"
    now = {(phone.by.device_id, phone.store.setting("install_epoch")) for phone in world.phones}
    assert now.isdisjoint(world.gone_epochs), "P18: a restored phone goes on counting where it stood"


FACT_OF = {
    protocol.FINDING: "finding",
    protocol.PART: "part_use",
    protocol.APPROVAL: "approval",
    protocol.PAYMENT: "payment",
}


def facts_follow_from_what_was_sent(world: World) -> None:
    """P4: which facts and how much money there is follows from the operations, whatever their order was."""
    rows = world.ask(
        "select op_id, type, state, device_id, body->'payload'->>'amount' from sync_operation"
        " where device_id = any(:devices) and type = any(:types)",
        **world.known(),
        types=list(FACT_OF),
    )
    taken = {op_id: FACT_OF[kind] for op_id, kind, state, _, _ in rows if state in APPLIED}
    there = " union all ".join(f"select op_id, '{table}' from {table}" for table in FACT_OF.values())
    held = dict(world.ask(f"select * from ({there}) t where op_id = any(:ids)", ids=list(taken)))
    assert held == taken, "P4: a fact that was taken is not there"
    announced = world.ask(
        "select distinct visit_id, body->'payload'->>'sha256' from sync_operation"
        " where device_id = any(:devices) and type = :kind and state in ('applied', 'applied_conflict')",
        **world.known(),
        kind=protocol.DECLARE,
    )
    files = world.ask(
        "select visit_id, sha256 from declared_file where visit_id = any(:visits)", **world.known()
    )
    assert sorted(files) == sorted(announced), "P4: a file is there twice, not at all, or unannounced"
    alive = {phone.by.device_id for phone in world.phones}
    money = [row for row in rows if row[1] == protocol.PAYMENT]
    for op_id, _, state, device_id, amount in money:
        assert device_id not in alive or (state in APPLIED) == (amount == "5.00"), f"P4: payment {op_id}"
    [(minor,)] = world.ask(
        "select coalesce(sum(amount_minor), 0) from payment where op_id = any(:ids)", ids=list(taken)
    )
    assert minor == 500 * sum(row[2] in APPLIED for row in money), "P4: other money than was taken"


def only_a_void_takes_back(world: World) -> None:
    """P12: a fact is taken back if and only if an operation that was taken names it."""
    told = world.ask(
        "select coalesce(body->'payload'->>'of', visit_id::text || (body->'payload'->>'sha256'))"
        " from sync_operation where type = any(:types)"
        " and device_id = any(:devices) and state in ('applied', 'applied_conflict')",
        **world.known(),
        types=[*protocol.VOIDS, protocol.FILE_VOID],
    )
    void = "t.voided_by is not null and t.visit_id = any(:visits)"
    withdrawn = "t.id in (select subject_id from withdrawal where visit_id = any(:visits))"
    is_gone = {"part_use": void, "finding": void, "approval": withdrawn, "consent": withdrawn}
    gone = {
        str(name)
        for table, taken_back in is_gone.items()
        for (name,) in world.ask(
            f"select coalesce(o.body->>'instead_of', t.op_id::text) from {table} t"
            f" join sync_operation o on o.op_id = t.op_id where {taken_back}",
            **world.known(),
        )
    }
    files = world.ask(
        "select visit_id::text || sha256 from declared_file"
        " where withdrawn_at is not null and visit_id = any(:visits)",
        **world.known(),
    )
    again = world.ask(
        "select visit_id::text || (body->'payload'->>'sha256') from sync_operation"
        " where type = :kind and device_id = any(:devices) and state in ('applied', 'applied_conflict')"
        " group by 1 having count(*) > 1",
        **world.known(),
        kind=protocol.DECLARE,
    )
    named, gone = {str(name) for (name,) in told}, gone | {str(name) for (name,) in files}
    assert gone <= named, "P12: a fact is gone that nobody took back"
    stands_again = {str(name) for (name,) in again}
    assert named - stands_again <= gone, "P12: what was taken back still counts"


def clocks_change_only_what_is_marked(world: World) -> None:
    """P14: the phone's word is kept, and its quality says how the time on our clock was found."""
    stored = {
        str(row[0]): row[1:]
        for row in world.ask(
            "select o.op_id, body, occurred_at_device, o.occurred_at, clock_quality, received_at,"
            " e.occurred_at from sync_operation o left join visit_event e on e.op_id = o.op_id"
            " where o.device_id = any(:devices)",
            **world.known(),
        )
    }
    for phone in (*world.phones, *world.retired):
        for op_id, shown in phone.line.clocks.items():
            if op_id not in stored:
                continue
            body, said, at, quality, received, taken = stored[op_id]
            assert said == datetime.fromisoformat(body["occurred_at"]), "P14: the phone's word was changed"
            assert (at, quality) == _on_our_clock(body, shown, received), f"P14: {quality} time"
            assert taken in {None, at}, "P14: a step at another time than its operation"
            if quality == "mono" and op_id in world.recorded:
                assert abs(at - world.recorded[op_id]) < timedelta(seconds=5), "P14: not when it happened"


def _on_our_clock(body: dict[str, Any], shown: dict[str, Any], received: datetime) -> tuple[datetime, str]:
    """When an operation happened and how that is known, from what the phone's clocks showed."""
    said, wall = (datetime.fromisoformat(one) for one in (body["occurred_at"], shown["wall"]))
    if body["boot_id"] == shown["boot_id"]:
        return received - timedelta(milliseconds=shown["mono_ms"] - body["mono_ms"]), "mono"
    if timedelta(0) <= wall - said <= OLDEST:
        return received - (wall - said), "offset"
    return (said if timedelta(0) <= received - said <= OLDEST else received), "unverified"


def files_are_whole_or_not_there(world: World) -> None:
    """P15: after deaths in any upload each announced file is there to the byte; none waits for ever."""
    for phone in world.phones:
        assert phone.store.files_to_send() == [], "P15: a file that never arrives"
    rows = world.ask(
        "select a.sha256, stored_sha256, stored_name from declared_file d"
        " join attachment a on a.id = d.attachment_id where d.visit_id = any(:visits)",
        **world.known(),
    )
    for sent, kept, name in rows:
        found = hashlib.sha256((world.files / name).read_bytes()).hexdigest()
        assert {sent, kept} == {found}, "P15: a file that is half there"
    open_ones = world.ask(
        "select count(*) from sync_upload where finished_at is null and received > 0"
        " and device_id = any(:alive) and declared_file_id not in"
        " (select id from declared_file where withdrawn_at is not null)",
        alive=[phone.by.device_id for phone in world.phones],
    )
    assert open_ones == [(0,)], "P15: an upload that stopped in the middle"


CHECKS = (
    at_most_once,
    nothing_lost,
    receipts_are_stable,
    order_is_the_phones,
    histories_are_paths,
    phones_converge,
    phones_hold_what_the_office_has,
    nothing_is_left_behind,
    who_is_served_is_masked,
    nothing_is_silent,
    the_desk_is_obeyed,
    the_revoked_are_mute,
    schemas_are_taken_for_ever,
    schemas_say_the_same,
    installations_count_by_themselves,
    facts_follow_from_what_was_sent,
    only_a_void_takes_back,
    clocks_change_only_what_is_marked,
    files_are_whole_or_not_there,
)
