"""What the technician may take from the own van, as far as the phone knows."""

from __future__ import annotations

from collections import Counter

from dispatch.simulation.phone_store import PhoneStore
from dispatch.sync import protocol


def on_van(store: PhoneStore) -> dict[str, int]:
    """
    Return pieces by part number: as last told, less what was fitted since, by operations not in it yet.

    What was fitted and taken back since never left.
    """
    found = Counter({one["sku"]: one["quantity"] for one in store.catalogue().get("stock", [])})
    since = [kept for kept in store.operations(only_unacked=True) if kept.is_alive]
    undone = {kept.body["payload"]["of"] for kept in since if kept.body["type"] == protocol.PART_VOID}
    for kept in since:
        payload = kept.body["payload"]
        is_fitted = kept.body["type"] == protocol.PART and payload["direction"] == "in"
        if is_fitted and kept.body["op_id"] not in undone:
            found[payload["sku"]] -= payload["quantity"]
    return dict(found)
