"""The company's shelves, and parts from hand to hand, through the API (R-511)."""

from __future__ import annotations

from typing import Any

from dispatch.access.rules import Role
from tests.api.desk import Desk, code_of, day


def delivered(desk: Desk, quantity: int) -> str:
    """A delivery in the store; return the store's address."""
    desk.part()
    path = f"/v1/territories/{desk.territory}/store"
    desk.made(Role.DISPATCHER, path, {"sku": "PUMP", "quantity": quantity, "source": "D1"})
    return path


def pieces(desk: Desk, path: str) -> dict[str, int]:
    """What is held, by part number."""
    return {row["sku"]: row["quantity"] for row in desk.read(Role.DISPATCHER, path)["items"]}


def test_parts_go_from_the_store_to_a_van_by_three_words(desk: Desk) -> None:
    """R-511: asked for by the technician, handed over by the desk, confirmed by the technician."""
    store = delivered(desk, 5)
    van = f"/v1/technicians/{desk.technician}/van"
    transfers = f"/v1/territories/{desk.territory}/transfers"
    body: dict[str, Any] = {"sku": "PUMP", "quantity": 2, "taker_id": desk.technician}
    asked = desk.made(Role.TECHNICIAN, transfers, body)
    assert (asked["state"], asked["giver_id"], asked["name_zh"]) == ("asked", None, "水泵")
    path = f"/v1/transfers/{asked['id']}"
    assert code_of(desk.post(Role.TECHNICIAN, f"{path}/hand-over", {})) == (403, "NOT_YOUR_END")
    handed = desk.post(Role.DISPATCHER, f"{path}/hand-over", {})
    assert handed.get_json()["state"] == "handed"
    assert [row["id"] for row in desk.read(Role.TECHNICIAN, transfers)["items"]] == [asked["id"]]
    for _ in range(2):
        assert desk.post(Role.TECHNICIAN, f"{path}/confirm", {}).get_json()["state"] == "confirmed"
    assert (pieces(desk, store), pieces(desk, van)) == ({"PUMP": 3}, {"PUMP": 2})
    assert desk.read(Role.TECHNICIAN, transfers)["items"] == []
    assert desk.read(Role.TECHNICIAN, path)["ended_at"] is not None
    [moved] = desk.read(Role.TECHNICIAN, f"{van}/movements")["items"]
    assert (moved["change"], moved["other_end"]) == (2, "store")
    assert code_of(desk.post(Role.DISPATCHER, f"{path}/decline", {"reason": "no"})) == (409, "TRANSFER_OVER")


def test_what_is_scrapped_leaves_shelf_and_van(desk: Desk) -> None:
    """R-511."""
    store = delivered(desk, 5)
    left = desk.made(Role.DISPATCHER, f"{store}/scrap", {"sku": "PUMP", "quantity": 1, "reason": "rust"})
    assert left == {"quantity": 4, "is_repeated": False}
    van = f"/v1/technicians/{desk.technician}/van"
    desk.made(Role.DISPATCHER, f"{van}/scrap", {"sku": "PUMP", "quantity": 1, "reason": "rust"})
    assert pieces(desk, van) == {"PUMP": -1}
    newest = desk.read(Role.DISPATCHER, f"{store}/movements")["items"][0]
    assert (newest["other_end"], newest["note"]) == ("scrap", "rust")
    assert code_of(desk.post(Role.TECHNICIAN, f"{van}/scrap", {"sku": "PUMP"}))[0] == 403


def test_levels_lead_to_refills_that_the_desk_takes_over(desk: Desk) -> None:
    """R-511: the van asks the store, the store orders; a delivery ends the order."""
    store = delivered(desk, 2)
    van, refills = f"/v1/technicians/{desk.technician}/van", f"/v1/territories/{desk.territory}/refills"
    level = {"sku": "PUMP", "minimum": 2, "target": 5}
    desk.made(Role.DISPATCHER, f"{van}/levels", level)
    assert desk.made(Role.DISPATCHER, f"{store}/levels", level | {"target": 2})["quantity"] == 2
    assert code_of(desk.post(Role.DISPATCHER, f"{van}/levels", level | {"target": 1})) == (
        422,
        "LEVEL_INVALID",
    )
    found = desk.read(Role.DISPATCHER, refills)["items"]
    assert [(row["technician_id"], row["quantity"]) for row in found] == [(desk.technician, 2), (None, 5)]
    items = [{name: row[name] for name in ("technician_id", "sku", "quantity")} for row in found]
    taken = desk.made(Role.DISPATCHER, refills, {"items": items})
    assert len(taken["transfer_ids"]) == 1
    assert code_of(desk.post(Role.DISPATCHER, refills, {"items": items})) == (409, "REFILL_OUTDATED")
    orders = f"/v1/territories/{desk.territory}/part-orders"
    [order] = desk.read(Role.DISPATCHER, orders)["items"]
    path = f"/v1/part-orders/{order['id']}"
    came = {"quantity": 5, "source": "D2"}
    assert desk.made(Role.DISPATCHER, f"{path}/receive", came) == {"quantity": 7, "is_repeated": False}
    assert desk.read(Role.DISPATCHER, orders)["items"] == []
    assert code_of(desk.post(Role.DISPATCHER, f"{path}/cancel", None)) == (409, "PART_ORDER_OVER")


def test_counts_are_kept_with_their_reason(desk: Desk) -> None:
    """R-511: a technician counts the own van, the desk the store, whose differences are booked at once."""
    store = delivered(desk, 2)
    van = f"/v1/technicians/{desk.technician}/van"
    for role, place, counted in ((Role.TECHNICIAN, van, 1), (Role.DISPATCHER, store, 1)):
        body = {"sku": "PUMP", "counted": counted}
        assert code_of(desk.post(role, f"{place}/counts", body)) == (422, "COUNT_UNEXPLAINED")
        desk.made(role, f"{place}/counts", body | {"reason": "counted twice"})
        [row] = desk.read(role, f"{place}/counts")["items"]
        assert (row["counted"], row["reason"]) == (1, "counted twice")
        assert (row["state"], pieces(desk, place).get("PUMP", 0)) == (
            ("booked", 1) if place == store else ("open", 0)
        )
    assert desk.post(Role.TECHNICIAN, f"{store}/counts", {"sku": "PUMP", "counted": 1}).status_code == 403


def test_the_office_signs_what_a_technician_counted_and_the_other_way_round(desk: Desk) -> None:
    """R-603: "van counted against expected; differences booked to the keeper with two signatures"."""
    desk.part()
    van, body = f"/v1/technicians/{desk.technician}/van", {"sku": "PUMP", "reason": "found behind the seat"}
    waiting = f"/v1/territories/{desk.territory}/stock-counts"
    own = desk.made(Role.TECHNICIAN, f"{van}/counts", body | {"counted": 2})
    assert (own["state"], own["is_keepers"], own["decided_by"]) == ("open", True, None)
    for role in (Role.TECHNICIAN, Role.DISPATCHER):
        assert [row["id"] for row in desk.read(role, waiting)["items"]] == [own["id"]]
    path = f"/v1/stock-counts/{own['id']}"
    assert code_of(desk.post(Role.TECHNICIAN, f"{path}/sign", None)) == (403, "NOT_YOUR_SIGNATURE")
    assert pieces(desk, van) == {"PUMP": 0}
    signed = desk.post(Role.DISPATCHER, f"{path}/sign", None).get_json()
    assert (signed["state"], signed["decided_by"] not in {None, own["counted_by"]}) == ("booked", True)
    assert pieces(desk, van) == {"PUMP": 2}
    assert code_of(desk.post(Role.DISPATCHER, f"{path}/sign", None)) == (409, "COUNT_OVER")
    theirs = desk.made(Role.DISPATCHER, f"{van}/counts", body | {"counted": 0})
    path = f"/v1/stock-counts/{theirs['id']}"
    assert code_of(desk.post(Role.SUPERVISOR, f"{path}/sign", None)) == (403, "NOT_YOUR_SIGNATURE")
    assert desk.post(Role.TECHNICIAN, f"{path}/refuse", {}).status_code == 422
    refused = desk.post(Role.TECHNICIAN, f"{path}/refuse", {"reason": "two are in the box"}).get_json()
    assert (refused["state"], refused["refusal"]) == ("refused", "two are in the box")
    assert (pieces(desk, van), desk.read(Role.DISPATCHER, waiting)["items"]) == ({"PUMP": 2}, [])


def test_a_day_without_a_plan_has_no_pick_list(desk: Desk) -> None:
    """R-304: what is not published is not loaded."""
    delivered(desk, 2)
    path = f"/v1/technicians/{desk.technician}/pick-list"
    assert desk.read(Role.TECHNICIAN, f"{path}?day={day()}")["items"] == []
    wanted = {"day": day(), "picked": {"PUMP": 1}}
    assert code_of(desk.post(Role.TECHNICIAN, path, wanted)) == (409, "PICK_TOO_MANY")
    for language in ("zh", "en"):
        paper = desk.of(Role.TECHNICIAN).get(f"{path}.pdf?day={day()}&language={language}")
        assert (paper.status_code, paper.data[:5]) == (200, b"%PDF-")
    assert desk.made(Role.TECHNICIAN, path, wanted | {"picked": {}}) == {"transfer_ids": [], "items": []}
    reserved = f"/v1/territories/{desk.territory}/days/{day()}/reservations"
    assert desk.read(Role.DISPATCHER, reserved)["items"] == []


def test_pieces_with_serials_and_old_parts_are_listed(desk: Desk) -> None:
    """R-511: who keeps which piece, its way, and what suppliers want back."""
    part = desk.part()
    path = f"/v1/parts/{part['id']}"
    wanted = {"is_serialised": True, "has_core": True}
    changed = desk.change(Role.SUPERVISOR, "PATCH", path, wanted, part["version"])
    assert (changed["is_serialised"], changed["has_core"]) == (True, True)
    store = f"/v1/territories/{desk.territory}/store"
    body = {"sku": "PUMP", "quantity": 1, "source": "D1"}
    assert code_of(desk.post(Role.DISPATCHER, store, body)) == (422, "SERIAL_NEEDED")
    desk.made(Role.DISPATCHER, store, body | {"serial": "S1"})
    again = body | {"serial": "S1", "source": "D2"}
    assert code_of(desk.post(Role.DISPATCHER, store, again)) == (409, "SERIAL_ELSEWHERE")
    units = f"/v1/territories/{desk.territory}/part-units"
    kept = {"sku": "PUMP", "serial": "S1", "technician_id": None}
    assert desk.read(Role.DISPATCHER, units)["items"] == [kept]
    assert desk.read(Role.DISPATCHER, f"{units}?sku=PUMP")["items"] == [kept]
    [way] = desk.read(Role.DISPATCHER, f"{units}/history?sku=PUMP&serial=S1")["items"]
    assert (way["serial"], way["other_end"]) == ("S1", "supplier")
    assert desk.read(Role.DISPATCHER, f"{units}/unexplained")["items"] == []
    for where in (f"/v1/territories/{desk.territory}/cores", f"/v1/technicians/{desk.technician}/cores"):
        assert desk.read(Role.DISPATCHER, where)["items"] == []


def test_a_tool_is_handed_over_and_accepted(desk: Desk) -> None:
    """R-511: the desk gives it, the technician takes it; its calibration is noted on a version."""
    tools = f"/v1/territories/{desk.territory}/tools"
    body = {"serial": "M-1", "name_en": "Gauge", "name_zh": "压力表", "calibrated_until": day(-1)}
    made = desk.made(Role.DISPATCHER, tools, body)
    assert code_of(desk.post(Role.DISPATCHER, tools, body)) == (409, "TOOL_SERIAL_TAKEN")
    path, given = f"/v1/tools/{made['id']}", {"taker_id": desk.technician}
    handovers = f"{path}/handovers"
    assert code_of(desk.post(Role.DISPATCHER, handovers, given)) == (409, "TOOL_NOT_CALIBRATED")
    desk.change(Role.DISPATCHER, "PATCH", path, {"calibrated_until": day(90)}, made["version"])
    handed = desk.made(Role.DISPATCHER, handovers, given)
    waiting = desk.read(Role.TECHNICIAN, f"/v1/technicians/{desk.technician}/tool-handovers")["items"]
    assert [row["id"] for row in waiting] == [handed["id"]]
    accept = f"/v1/tool-handovers/{handed['id']}/accept"
    assert code_of(desk.post(Role.DISPATCHER, accept, None)) == (403, "TOOL_NOT_YOURS")
    assert desk.post(Role.TECHNICIAN, accept, None).get_json()["state"] == "accepted"
    assert desk.read(Role.TECHNICIAN, path)["keeper_id"] == desk.technician
    [kept] = desk.read(Role.TECHNICIAN, f"/v1/technicians/{desk.technician}/tools")["items"]
    assert kept["serial"] == "M-1"
    late = desk.post(Role.TECHNICIAN, f"/v1/tool-handovers/{handed['id']}/decline", {"reason": "no"})
    assert code_of(late) == (409, "HANDOVER_OVER")
    assert len(desk.read(Role.DISPATCHER, handovers)["items"]) == 1
    assert len(desk.read(Role.DISPATCHER, tools)["items"]) == 1
