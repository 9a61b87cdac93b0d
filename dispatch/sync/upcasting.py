"""
Payloads of every schema ever shipped, read as the newest one.

Each function takes a payload of one schema to the next. They never change: what a phone recorded years ago is
read as it was meant then. A payload that does not have the shape of its schema stays as it is and is refused
where it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dispatch.sync import protocol

Upcaster = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def _mark_advice(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Schema 1 to 2: what is advised was a text; none was marked as a danger."""
    advised = payload.get("advised")
    if not isinstance(advised, list):
        return payload
    marked = [{"text": entry, "is_danger": False} if isinstance(entry, str) else entry for entry in advised]
    return {**payload, "advised": marked}


UPCASTERS: Mapping[int, Mapping[str, Upcaster]] = {1: {protocol.FINDING: _mark_advice}}
"""By the schema they start from."""


def upcast(kind: str, schema: int, payload: Any) -> Any:
    """Return a payload as the newest schema has it."""
    if isinstance(payload, Mapping):
        for step in range(schema, protocol.SCHEMA):
            upcaster = UPCASTERS.get(step, {}).get(kind)
            payload = upcaster(payload) if upcaster else payload
    return payload
