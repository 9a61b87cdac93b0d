"""Now and then nothing comes through at all (fault 29 of reliability.md §7)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dispatch.simulation.fault_proxy import FaultProxy

DARK_SECONDS, DARK_EVERY = 10.0, 120.0


@contextmanager
def blackouts(line: FaultProxy) -> Iterator[None]:
    """Darken a line at intervals for as long as the block lasts."""
    over = threading.Event()

    def darken() -> None:
        while not over.wait(DARK_EVERY):
            line.darken(DARK_SECONDS)

    threading.Thread(target=darken, daemon=True).start()
    try:
        yield
    finally:
        over.set()
