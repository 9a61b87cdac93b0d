"""What the reference phone holds of its van."""

from __future__ import annotations

from typing import Any

from dispatch.simulation.phone_store import PhoneStore

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
