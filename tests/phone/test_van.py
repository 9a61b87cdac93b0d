"""What the reference phone holds of its van."""

from __future__ import annotations

from typing import Any

from dispatch.simulation.phone_store import PhoneStore
from dispatch.simulation.phone_van import on_van

PULLED: dict[str, Any] = {"cursor": "c", "acked_seq": {}, "is_whole": True}


def test_the_van_is_replaced_by_each_pull_that_tells_of_it() -> None:
    """R-511: a server that tells nothing of vans leaves what is held."""
    store = PhoneStore()
    assert store.van() == {}
    told = {"pick_lists": [], "transfers": [], "tools": [{"serial": "M1"}], "tool_handovers": []}
    store.apply_pull([], **PULLED, van=told)
    assert store.van() == told
    store.apply_pull([], **PULLED)
    assert store.van() == told
    store.apply_pull([], **PULLED, van={**told, "tools": []})
    assert store.van()["tools"] == []
    store.wipe()
    assert store.van() == {}


def test_the_catalogue_is_kept_section_by_section_and_own_work_goes_on_top() -> None:
    """R-511: what was fitted without contact is gone from the van that the technician chooses from."""
    store = PhoneStore()
    assert (store.catalogue(), on_van(store)) == ({}, {})
    stock = [{"sku": "PUMP", "quantity": 3, "serials": []}]
    store.apply_pull([], **PULLED, catalogue={"revision": "a-1", "codes": [{"code": "E1"}], "stock": stock})
    fitted = {
        "type": "part.add",
        "visit_id": "v",
        "payload": {"sku": "PUMP", "direction": "in", "quantity": 2},
    }
    store.add(fitted)
    assert on_van(store) == {"PUMP": 1}
    store.apply_pull([], **PULLED)
    assert store.catalogue()["revision"] == "a-1"
    done = {**PULLED, "acked_seq": {store.install_epoch: 1}}
    left = [{"sku": "PUMP", "quantity": 1, "serials": []}]
    store.apply_pull([], **done, catalogue={"revision": "a-2", "stock": left})
    assert store.catalogue() == {"revision": "a-2", "codes": [{"code": "E1"}], "stock": left}
    assert on_van(store) == {"PUMP": 1}
    store.wipe()
    assert store.catalogue() == {}
