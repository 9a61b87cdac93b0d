"""The one source of the present moment."""

from __future__ import annotations

from datetime import UTC, datetime

from dispatch import clock


def test_one_moment_holds_for_a_whole_request() -> None:
    ticks = iter(range(100))
    clock.set_source(lambda: datetime(2026, 3, 2, 9, 0, next(ticks), tzinfo=UTC))
    try:
        with clock.standing():
            assert clock.now() == clock.now()
        assert clock.now() != clock.now()
    finally:
        clock.set_source(None)
