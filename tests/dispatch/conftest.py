"""Fixtures shared by the tests of the domain: a clock that stands still, and a look at what was recorded."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from dispatch import clock, outbox
from dispatch.events import Event
from tests.builders import MORNING


class MovableClock:
    """The business clock of a test; it moves only when told."""

    def __init__(self) -> None:
        self.moment = MORNING

    def __call__(self) -> datetime:
        """Return the present moment."""
        return self.moment

    def set(self, moment: datetime) -> None:
        """Move the clock."""
        self.moment = moment


@pytest.fixture
def now() -> Iterator[MovableClock]:
    """Monday 2 March 2026, eight in the morning, until the test moves it."""
    movable = MovableClock()
    clock.set_source(movable)
    yield movable
    clock.set_source(None)


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """Every event recorded during the test, in order; the outbox works as always."""
    events: list[Event] = []
    real = outbox.record

    def noting(session: Session, event: Event) -> object:
        events.append(event)
        return real(session, event)

    monkeypatch.setattr(outbox, "record", noting)
    return events
