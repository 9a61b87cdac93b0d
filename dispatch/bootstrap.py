"""
Wiring: settings to ports, events to jobs, names to handlers.

Everything that a process needs before it can serve a request or a job happens in :func:`start`.
"""

from __future__ import annotations

import importlib

MODELS = (
    "dispatch.outbox",
    "dispatch.feed",
    "dispatch.territories.model",
    "dispatch.access.model",
    "dispatch.customers.model",
    "dispatch.technicians.model",
    "dispatch.parts.model",
    "dispatch.contracts.model",
    "dispatch.work_orders.model",
    "dispatch.calls.model",
    "dispatch.promises.model",
    "dispatch.planning.model",
    "dispatch.billing.model",
    "dispatch.hand_ins.model",
    "dispatch.messages.model",
    "dispatch.performance.model",
    "dispatch.sync.model",
)


def load_models() -> None:
    """Import every mapped class, so that metadata and relationships are complete."""
    for module in MODELS:
        importlib.import_module(module)
