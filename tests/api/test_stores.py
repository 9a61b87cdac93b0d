"""The company's shelves, and parts from hand to hand, through the API (R-511)."""

from __future__ import annotations

from typing import Any

from dispatch.access.rules import Role
from tests.api.desk import Desk, code_of


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
    assert code_of(desk.post(Role.TECHNICIAN, f"{path}/hand-over", None)) == (403, "NOT_YOUR_END")
    handed = desk.post(Role.DISPATCHER, f"{path}/hand-over", None)
    assert handed.get_json()["state"] == "handed"
    assert [row["id"] for row in desk.read(Role.TECHNICIAN, transfers)["items"]] == [asked["id"]]
    for _ in range(2):
        assert desk.post(Role.TECHNICIAN, f"{path}/confirm", None).get_json()["state"] == "confirmed"
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
