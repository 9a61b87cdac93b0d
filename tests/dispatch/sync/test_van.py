"""A van's parts from phone to phone (R-511)."""

from __future__ import annotations

import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from dispatch import db
from dispatch.parts import counting
from dispatch.parts.model import StockCount, StoreStock
from dispatch.planning import heads
from dispatch.planning.model import DayPlan, PlanStop
from dispatch.sync import protocol
from dispatch.tools.model import Tool
from dispatch.work_orders.model import Visit
from tests import builders
from tests.builders import at
from tests.dispatch.sync.field import Field, results
from tests.dispatch.sync.test_questions import asked


def a_part_on(field: Field, quantity: int) -> Any:
    """A part of which the technician's van holds so much."""
    with db.transaction() as session:
        part = builders.a_part(session)
        builders.van_stock(session, session.get_one(builders.Technician, field.technician_id), part, quantity)
        return part.sku


def on_van(field: Field, sku: str) -> int:
    """Pieces on the technician's van."""
    found = field.ask(
        "select s.quantity from van_stock s join part p on p.id = s.part_id"
        " where p.sku = :sku and s.technician_id = :who",
        sku=sku,
        who=field.technician_id,
    )
    return int(found[0][0]) if found else 0


def test_conflict_clause_14_parts_move_once_when_the_taker_confirms_in_whatever_order(field: Field) -> None:
    """R-511: each phone says its own word, twice, the taker's heard first."""
    bea = field.colleague()
    sku = a_part_on(field, 3)
    transfer = str(uuid.uuid4())
    asked = field.op(
        protocol.TRANSFER_ASK, transfer_id=transfer, sku=sku, quantity=2, taker_id=str(bea.technician_id)
    )
    asked["payload"]["giver_id"] = str(field.technician_id)
    handed = field.op(protocol.TRANSFER_HAND_OVER, transfer_id=transfer)
    taken = bea.op(protocol.TRANSFER_CONFIRM, transfer_id=transfer)
    assert results(field.push(asked)) == ["applied"]
    for _ in range(2):
        assert results(bea.push(taken)) == ["applied"]
        assert results(field.push(asked, handed)) == ["applied", "applied"]
        assert (on_van(field, sku), on_van(bea, sku)) == (1, 2)
    late = bea.op(protocol.TRANSFER_DECLINE, transfer_id=transfer, reason="too many")
    assert results(bea.push(late)) == ["rejected:TRANSFER_OVER"]
    stranger = field.colleague()
    assert results(stranger.push(stranger.op(protocol.TRANSFER_CONFIRM, transfer_id=transfer))) == [
        "rejected:NOT_FOUND"
    ]
    wrong = field.op(protocol.TRANSFER_CONFIRM, transfer_id=transfer)
    assert results(field.push(wrong)) == ["rejected:NOT_YOUR_END"]
    assert (on_van(field, sku), on_van(bea, sku)) == (1, 2)


def test_a_count_by_phone_waits_for_the_office_and_is_there_once(field: Field) -> None:
    """R-511, R-603: without a reason it is rejected and kept; what lacks is booked when two have signed."""
    sku = a_part_on(field, 3)
    told = field.op(protocol.COUNT, sku=sku, counted=2)
    assert results(field.push(told)) == ["rejected:COUNT_UNEXPLAINED"]
    counted = field.op(protocol.COUNT, sku=sku, counted=2, reason="lost one")
    for _ in range(2):
        [receipt] = field.push(counted)
        told = receipt["effect"]
        assert (receipt["result"], told["expected"], told["state"]) == ("applied", 3, "open")
        assert on_van(field, sku) == 3
    with db.transaction() as session:
        row = session.get_one(StockCount, uuid.UUID(told["count_id"]))
        counting.sign(session, by=builders.a_principal(), row=row)
    assert on_van(field, sku) == 2


def a_published_stop(field: Field, visit: uuid.UUID) -> None:
    """The day's plan, published with this visit alone."""
    with db.transaction() as session:
        head = heads.locked(session, field.territory_id, builders.DAY)
        row = session.get_one(Visit, visit)
        plan = DayPlan(
            territory_id=field.territory_id, day=builders.DAY, state="published", base_version=1,
            reason="test", created_at=builders.MORNING, published_at=builders.MORNING, revision=1,
        )  # fmt: skip
        stop = PlanStop(
            visit_id=visit, technician_id=field.technician_id, position=0, arrival=row.planned_start,
            start=row.planned_start, end=row.planned_end, travel_seconds=0, travel_metres=0,
        )  # fmt: skip
        plan.stops = [stop]
        session.add(plan)
        session.flush()
        head.published_plan_id = plan.id


def test_what_was_fitted_before_a_count_is_not_missing_from_it(field: Field) -> None:
    """R-511: fitted at six, counted at seven, both told at eight: the count is what was there."""
    sku, visit = a_part_on(field, 3), field.visit()
    before, after = (
        {"occurred_at": (builders.MORNING - timedelta(hours=hours)).isoformat(), "boot_id": None}
        for hours in (2, 1)
    )
    fitted = field.op(protocol.PART, visit, sku=sku, direction="in", quantity=1) | before
    counted = field.op(protocol.COUNT, sku=sku, counted=2) | after
    [_, receipt] = field.push(fitted, counted)
    assert (receipt["result"], receipt["effect"]["expected"], on_van(field, sku)) == ("applied", 2, 2)
    undone = field.op(protocol.PART_VOID, visit, of=fitted["op_id"], reason="the other pump") | after
    counted = field.op(protocol.COUNT, sku=sku, counted=3)
    [_, receipt] = field.push(undone, counted)
    assert (receipt["result"], receipt["effect"]["expected"], on_van(field, sku)) == ("applied", 3, 3)


def test_a_list_is_picked_once_by_phone(field: Field) -> None:
    """R-304, R-511: sent twice it loads once; what is not on it is rejected."""
    with db.transaction() as session:
        part = builders.a_part(session)
        sku = part.sku
        session.add(StoreStock(territory_id=field.territory_id, part_id=part.id, quantity=3))
    visit = field.visit(parts={sku: 2})
    a_published_stop(field, visit)
    op = field.op(protocol.PICK, day=builders.DAY.isoformat(), picked={sku: 1})
    for _ in range(2):
        [receipt] = field.push(op)
        assert (receipt["result"], receipt["effect"]["left"], on_van(field, sku)) == ("applied", {sku: 1}, 1)
    more = field.op(protocol.PICK, day=builders.DAY.isoformat(), picked={sku: 2, "NOT-LISTED": 1})
    [receipt] = field.push(more)
    assert (receipt["result"], receipt["effect"]["beyond"]) == ("applied", {sku: 1, "NOT-LISTED": 1})
    assert (receipt["effect"]["left"], on_van(field, sku)) == ({}, 2)


def test_conflict_clause_15_a_tool_is_its_givers_until_it_is_accepted(field: Field) -> None:
    """R-511: handed over and accepted without contact, each said twice."""
    bea = field.colleague()
    serial = builders.serial("M")
    with db.transaction() as session:
        tool = Tool(
            territory_id=field.territory_id, serial=serial, name_en="Gauge", name_zh="表",
            keeper_id=field.technician_id,
        )  # fmt: skip
        session.add(tool)

    def keeper() -> Any:
        return field.ask("select keeper_id from tool where serial = :serial", serial=serial)[0][0]

    named = {"handover_id": str(uuid.uuid4())}
    given = field.op(protocol.TOOL_HAND_OVER, **named, serial=serial, taker_id=str(bea.technician_id))
    taken = bea.op(protocol.TOOL_ACCEPT, **named)
    for _ in range(2):
        assert results(field.push(given)) == ["applied"]
    assert keeper() == field.technician_id
    for _ in range(2):
        assert results(bea.push(taken)) == ["applied"]
    assert keeper() == bea.technician_id
    late = bea.op(protocol.TOOL_DECLINE, **named, reason="broken")
    assert results(bea.push(late)) == ["rejected:HANDOVER_OVER"]


def test_a_pick_and_a_publication_of_its_day_wait_in_one_order(
    field: Field,
) -> None:
    """R-511: the publication holds the day and then its visits; the push has named one of them."""
    with db.transaction() as session:
        part = builders.a_part(session)
        sku = part.sku
        session.add(StoreStock(territory_id=field.territory_id, part_id=part.id, quantity=3))
    visit = field.visit(parts={sku: 2})
    a_published_stop(field, visit)
    ops = [
        field.op(protocol.ACCEPT, visit),
        field.op(protocol.PICK, day=builders.DAY.isoformat(), picked={sku: 1}),
    ]
    with ThreadPoolExecutor(1) as pool:
        with db.transaction() as session:
            heads.locked(session, field.territory_id, builders.DAY)
            pushed = pool.submit(field.push, *ops)
            wait_until_somebody_waits(field)
            session.execute(select(Visit.id).where(Visit.id == visit).with_for_update())
        assert results(pushed.result(timeout=30)) == ["applied", "applied"]
    assert on_van(field, sku) == 1


def wait_until_somebody_waits(field: Field) -> None:
    """Until the other connection waits for a lock; asked of the database again and again."""
    held = "wait_event_type = 'Lock' and datname = current_database()"
    waiting = f"select count(*) from pg_stat_activity where {held}"
    deadline = time.monotonic() + 30
    while not field.ask(waiting)[0][0]:
        assert time.monotonic() < deadline


def test_pull_clause_13_a_complete_pull_tells_what_the_van_is_to_load_and_to_keep(field: Field) -> None:
    """R-304, R-511: as it is now, whatever the cursor; nothing of a colleague's; null on other pages."""
    bea = field.colleague()
    with db.transaction() as session:
        part = builders.a_part(session, is_serialised=True)
        session.add(StoreStock(territory_id=field.territory_id, part_id=part.id, quantity=3))
        sku, names = part.sku, {"name_en": part.name_en, "name_zh": part.name_zh}
        tools = [
            Tool(
                territory_id=field.territory_id, serial=builders.serial("M"), name_en="Gauge", name_zh="表",
                keeper_id=who, is_retired=is_retired,
            )
            for who, is_retired in (
                (field.technician_id, False), (field.technician_id, True), (bea.technician_id, False)
            )
        ]  # fmt: skip
        session.add_all(tools)
        serials = [tool.serial for tool in tools]
    empty = {"pick_lists": [], "transfers": [], "tools": [], "tool_handovers": []}
    assert field.pull().van == {**empty, "tools": [named(serials[0])]}
    first = field.visit(parts={sku: 2})
    field.visit(planned_start=at(11))
    a_published_stop(field, first)
    transfer = str(uuid.uuid4())
    wanted = {"transfer_id": transfer, "sku": sku, "quantity": 1}
    assert results(
        field.push(field.op(protocol.TRANSFER_ASK, **wanted, taker_id=str(field.technician_id)))
    ) == ["applied"]
    handover = {"handover_id": str(uuid.uuid4()), "serial": serials[2], "taker_id": str(field.technician_id)}
    assert results(bea.push(bea.op(protocol.TOOL_HAND_OVER, **handover))) == ["applied"]
    whole = field.pull()
    van = whole.van
    assert van is not None
    parts = [{"sku": sku, **names, "quantity": 2, "is_serialised": True}]
    assert van["pick_lists"] == [{"day": builders.DAY.isoformat(), "parts": parts}]
    [moving] = van["transfers"]
    assert (moving["id"], moving["state"], moving["sku"], moving["giver_id"]) == (
        transfer,
        "asked",
        sku,
        None,
    )
    [offered] = van["tool_handovers"]
    assert (offered["id"], offered["serial"]) == (handover["handover_id"], serials[2])
    assert offered["giver_id"] == str(bea.technician_id)
    quiet = field.pull(whole.cursor)
    assert (quiet.complete, list(quiet.changes), quiet.van) == (True, [], van)
    declined = field.op(protocol.TRANSFER_DECLINE, transfer_id=transfer, reason="found one")
    assert results(field.push(declined)) == ["applied"]
    later = field.pull(quiet.cursor)
    assert later.van == {**van, "transfers": []}
    assert list(later.changes) == []
    assert json.loads(json.dumps(van)) == van
    assert field.pull(page=1).van is None
    told = bea.pull().van
    assert told == {**empty, "tools": [named(serials[2])]}


def named(serial: str) -> dict[str, Any]:
    """A gauge as a phone is told of it."""
    return {"serial": serial, "name_en": "Gauge", "name_zh": "表", "calibrated_until": None}


def test_what_a_pull_tells_of_a_van_takes_as_many_questions_for_much_as_for_little(field: Field) -> None:
    def questions() -> int:
        with asked() as found:
            field.pull()
        return len(found)

    def grown() -> int:
        with db.transaction() as session:
            part = builders.a_part(session)
            tool = Tool(
                territory_id=field.territory_id, serial=builders.serial("M"), name_en="Gauge", name_zh="表",
                keeper_id=field.technician_id,
            )  # fmt: skip
            session.add(tool)
            sku = part.sku
        wanted = {"transfer_id": str(uuid.uuid4()), "sku": sku, "quantity": 1}
        field.push(field.op(protocol.TRANSFER_ASK, **wanted, taker_id=str(field.technician_id)))
        return questions()

    assert grown() == grown()
