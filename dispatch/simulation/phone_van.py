"""What the technician may take from the own van, as far as the phone knows."""

from __future__ import annotations

from collections import Counter

from dispatch.simulation.phone_store import PhoneStore
from dispatch.sync import protocol


def on_van(store: PhoneStore) -> dict[str, int]:
    """Return pieces by part number: as last told, less what was fitted since, by operations not in it yet."""
    found = Counter({one["sku"]: one["quantity"] for one in store.catalogue().get("stock", [])})
    for kept in store.operations(only_unacked=True):
        payload = kept.body["payload"]
        if kept.is_alive and kept.body["type"] == protocol.PART and payload["direction"] == "in":
            found[payload["sku"]] -= payload["quantity"]
    return dict(found)
